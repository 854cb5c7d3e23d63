/* What is looked at: each check says its lines; the list is the order in which `doctor` prints. */
#include <sys/statvfs.h>

#include "loops/loops.h"
#include "notices/notices.h"
#include "photos/photos.h"
#include "presence/presence.h"
#include "upkeep/upkeep_internal.h"

enum { PHOTOS_LOOKED_AT = 100 }; /* unless deep */
enum { STRETCH_RECORDS = 20000 };

const char *check_level_name(enum check_level level)
{
    static const char *const names[] = {
        [CHECK_OK] = "ok", [CHECK_WARN] = "warn", [CHECK_FAIL] = "fail"};
    return names[level];
}

static void say(const struct check_listener *listener, enum check_level level, const char *check,
                const char *words)
{
    listener->say(listener->context, level, check, words);
}

static bool step(const struct check_listener *listener, const char *doing, int64_t done,
                 int64_t total, struct error *err)
{
    return !listener || !listener->step || listener->step(listener->context, doing, done, total) ||
           error_set(err, ERROR_BUSY, (struct error_place){.source = doing}, "to be begun again",
                     "the work was ended before its end");
}

/* ---- The audit chain */

/* In stretches: each is a read of its own, and ends when it is asked to. */
static bool walk_chain(struct platform *platform, int64_t from,
                       const struct check_listener *listener, struct audit_verification *result,
                       struct error *err)
{
    int64_t last = from;
    for (int64_t at = from; at <= last && !result->broken_no; at += STRETCH_RECORDS) {
        struct sql *sql;
        int64_t count = 0;
        if (!store_read_begin(platform->store, &sql, err))
            return false;
        bool done = audit_newest(sql, &last, err);
        /* the last stretch looks to the end, so that nothing stands behind it unseen */
        int64_t to = last - at < STRETCH_RECORDS ? INT64_MAX : at + STRETCH_RECORDS - 1;
        done = done && audit_verify(sql, at, to, &result->broken_no, &count, err);
        store_read_end(platform->store, sql);
        result->records += count;
        if (!done || !step(listener, "audit chain", result->records, last - from + 1, err))
            return false;
    }
    return true;
}

static bool walk_heads(struct platform *platform, struct audit_verification *result,
                       struct error *err)
{
    struct sql *sql;
    int64_t heads;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = audit_heads_verify(sql, keys_of(store_keys(platform->store), KEY_AUDIT),
                                   &result->broken_no, &heads, err);
    store_read_end(platform->store, sql);
    return done;
}

bool upkeep_verify_audit(struct platform *platform, int64_t from, bool evidence,
                         const struct check_listener *listener,
                         struct audit_verification *ret_result, struct error *err)
{
    *ret_result = (struct audit_verification){.evidence.whole = true};
    return walk_chain(platform, from, listener, ret_result, err) &&
           (ret_result->broken_no || walk_heads(platform, ret_result, err)) &&
           (!evidence ||
            (step(listener, "evidence seal", ret_result->records, ret_result->records, err) &&
             evidence_verify(platform->store, &ret_result->evidence, err)));
}

/* ---- One check each */

struct checking {
    struct platform *platform;
    const struct check_listener *listener;
    bool deep;
};

static void say_found(void *context, bool good, const char *check, const char *words)
{
    const struct checking *checking = context;
    say(checking->listener, good ? CHECK_OK : CHECK_FAIL, check, words);
}

static bool check_store(struct checking *checking, struct error *err)
{
    return store_verify(checking->platform->store, say_found, checking, err);
}

static bool check_scans(struct checking *checking, struct error *err)
{
    return presence_verify(checking->platform->presence, say_found, checking, err);
}

static bool check_audit(struct checking *checking, struct error *err)
{
    struct audit_verification result;
    char words[80];
    if (!upkeep_verify_audit(checking->platform, 1, false, NULL, &result, err))
        return false;
    snprintf(words, sizeof words, result.broken_no ? "record %lld does not verify" : "%lld records",
             (long long)(result.broken_no ? result.broken_no : result.records));
    say_found(checking, result.broken_no == 0, "audit chain", words);
    return true;
}

static bool check_keys(struct checking *checking, struct error *err)
{
    (void)err;
    const char *source;
    struct error failure;
    char words[400];
    bool good = keys_check(store_keys(checking->platform->store), &source, &failure);
    snprintf(words, sizeof words, good ? "from a %s that only its owner may read" : "%s",
             good ? source : failure.what);
    say_found(checking, good, "master key", words);
    return true;
}

static bool check_space(struct checking *checking, struct error *err)
{
    (void)err;
    struct statvfs disk;
    char words[120];
    if (fstatvfs(store_directory_fd(checking->platform->store), &disk) != 0)
        return true;
    double gigabytes = (double)disk.f_bavail * (double)disk.f_frsize / 1e9;
    bool scarce = gigabytes < 2;
    snprintf(words, sizeof words, "%.1f GB free%s", gigabytes,
             scarce ? " - make room; scans are refused when the disk is full" : "");
    say(checking->listener, scarce ? CHECK_WARN : CHECK_OK, "disk space", words);
    return true;
}

static bool check_rules(struct checking *checking, struct error *err)
{
    (void)err;
    const struct policy *policy = checking->platform->policy;
    size_t count = policy_unsigned_count(policy);
    char words[400];
    for (size_t i = 0; i < count; i++) {
        snprintf(words, sizeof words,
                 "%s is not signed and not taken - `rules propose`, `rules sign`",
                 policy_unsigned(policy, i));
        say(checking->listener, CHECK_WARN, "rule sets", words);
    }
    if (!count)
        say(checking->listener, CHECK_OK, "rule sets", "built-in and signed ones only");
    return true;
}

static void evidence_words(const struct evidence_verification *seal, char *out, size_t size)
{
    if (seal->whole)
        snprintf(out, size, "%lld records under %lld seals", (long long)seal->rows,
                 (long long)seal->seals);
    else
        snprintf(out, size, "%s%s", seal->words,
                 seal->unsealed ? "; what is not sealed is no evidence, no status follows it" : "");
}

static bool check_evidence(struct checking *checking, struct error *err)
{
    struct evidence_verification seal;
    char words[200];
    if (!evidence_verify(checking->platform->store, &seal, err))
        return false;
    evidence_words(&seal, words, sizeof words);
    say_found(checking, seal.whole, "evidence seal", words);
    return true;
}

static bool check_notices(struct checking *checking, struct error *err)
{
    struct notice_counts counts[NOTICE_CHANNELS];
    if (!notices_counts(checking->platform->notices, counts, err))
        return false;
    for (int i = 0; i < NOTICE_CHANNELS; i++) {
        const char *name = notice_channel_name((enum notice_channel)i);
        char words[240];
        if (counts[i].given_up)
            snprintf(words, sizeof words,
                     "%lld by %s were given up - look at the receiver, then `notices retry %s`",
                     (long long)counts[i].given_up, name, name);
        else
            snprintf(words, sizeof words, "%lld by %s wait, none was given up",
                     (long long)counts[i].waiting, name);
        say(checking->listener, counts[i].given_up ? CHECK_WARN : CHECK_OK, "notices", words);
    }
    return true;
}

/* Photos against their rows: all, or some of them. */
static bool check_photos(struct checking *checking, struct error *err)
{
    struct photos_verification found;
    char words[240];
    if (!photos_verify(checking->platform->photos, checking->deep ? 0 : PHOTOS_LOOKED_AT, &found,
                       err))
        return false;
    snprintf(words, sizeof words, "%lld kept, %lld opened%s%s", (long long)found.count,
             (long long)found.looked, found.wrong ? "; " : "", found.words);
    say_found(checking, !found.wrong, "photos", words);
    return true;
}

static bool check_status(struct checking *checking, struct error *err)
{
    int64_t checked, wrong;
    char words[120];
    if (!status_verify(checking->platform->status, &checked, &wrong, err))
        return false;
    snprintf(words, sizeof words, "%lld persons with evidence derived again, %lld differ",
             (long long)checked, (long long)wrong);
    say_found(checking, wrong == 0, "status table", words);
    return true;
}

/* Every loop once more from its acts. */
static bool check_loops(struct checking *checking, struct error *err)
{
    struct loops_verification verification;
    char words[160];
    if (!loops_verify(checking->platform->loops, &verification, err))
        return false;
    if (verification.wrong_no)
        snprintf(words, sizeof words, "loop %lld is not what its acts say: %s",
                 (long long)verification.wrong_no, verification.words);
    else
        snprintf(words, sizeof words, "%lld derived again from their acts",
                 (long long)verification.loops);
    say_found(checking, !verification.wrong_no, "loops", words);
    snprintf(words, sizeof words, "%lld differ from the loops",
             (long long)verification.counters_wrong);
    say_found(checking, !verification.counters_wrong, "counters of loops",
              verification.counters_wrong ? words : "as the loops");
    return true;
}

static const struct check {
    const char *name;
    bool deep;
    bool (*run)(struct checking *checking, struct error *err);
} checks[] = {
    {"database", false, check_store},
    {"scans", false, check_scans},
    {"audit chain", false, check_audit},
    {"master key", false, check_keys},
    {"disk space", false, check_space},
    {"rule sets", false, check_rules},
    {"evidence seal", false, check_evidence},
    {"notices", false, check_notices},
    {"photos", false, check_photos},
    {"status table", true, check_status},
    {"loops", true, check_loops},
};

bool upkeep_check(struct platform *platform, bool deep, const struct check_listener *listener,
                  struct error *err)
{
    struct checking checking = {platform, listener, deep};
    int64_t total = 0, done = 0;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        total += deep || !checks[i].deep;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        if (checks[i].deep && !deep)
            continue;
        if (!step(listener, checks[i].name, done++, total, err) || !checks[i].run(&checking, err))
            return false;
    }
    return step(listener, "", total, total, err);
}
