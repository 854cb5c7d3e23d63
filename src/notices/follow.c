/* From the event log to notices: a subscriber. The notices of an event, their rows in the outbox
 * and the cursor that says the event was seen are one transaction.
 *
 * What is bounded: a finding becomes a notice for each user whom the seat means at this moment. The
 * seats of a city without grid workers all mean the command centre: a morning's thousand findings
 * would be a thousand mails. So a user gets apart_per_minute notices a minute and then one digest
 * that counts the rest (outbox.c); the lists of loops show each of them anyway. */
#include "access/access.h"
#include "loops/loops.h"
#include "notices/notices_internal.h"

static const struct sql_text override_requester = {
    "notice_override_requester", "SELECT requester_no FROM override_request WHERE override_no = ?1",
    "primary key"};

const struct sql_list notice_follow_statements = SQL_LIST(&override_requester);

enum { TOUCHED_MAX = 256 };
struct following {
    struct notices *notices;
    int64_t made;
    int64_t touched[TOUCHED_MAX]; /* users whose counters changed */
    size_t touched_count;
    bool all_touched; /* more than have room */
};

static void touch(struct following *following, int64_t user_no)
{
    for (size_t i = 0; i < following->touched_count; i++)
        if (following->touched[i] == user_no)
            return;
    if (following->touched_count < TOUCHED_MAX)
        following->touched[following->touched_count++] = user_no;
    else
        following->all_touched = true;
}

/* ---- One notice for one user */

/* The outbox rows of a new notice; a digest goes out when its minute is over. */
static bool post(struct following *following, struct sql *sql, const struct notice *notice,
                 struct error *err)
{
    const struct notice_settings *settings = &following->notices->settings;
    timestamp due_at = world_real_now(), left = MINUTE - sql_now(sql) % MINUTE;
    char role[40] = "";
    if (notice->kind == NOTICE_DIGEST)
        due_at += left;
    for (int i = 0; i < NOTICE_CHANNELS; i++) {
        bool known = true;
        if (!settings->channels[i].on)
            continue;
        if (!role[0] && !access_user_role(sql, notice->user_no, role, err))
            return false;
        if (!channel_wants(&settings->channels[i], notice->kind, role))
            continue;
        if ((i == CHANNEL_SMTP && !address_known(sql, notice->user_no, &known, err)) ||
            (known && !delivery_put(sql, notice->no, (enum notice_channel)i, due_at, err)))
            return false;
    }
    return true;
}

static bool tell(struct following *following, struct sql *sql, const struct notice *finding,
                 struct error *err)
{
    struct notice notice = *finding;
    struct reader reader;
    if (!notice_add(following->notices, sql, finding, &notice.no, err))
        return false;
    touch(following, finding->user_no);
    if (!notice.no)
        return true;
    following->made++;
    if (!reader_read(sql, finding->user_no, &reader, err))
        return false;
    if (reader.digest_no == notice.no)
        notice.kind = NOTICE_DIGEST;
    return post(following, sql, &notice, err);
}

/* ---- What is found */

static void put_words(struct json_writer *writer, const char *key, struct words words,
                      const char *name)
{
    json_key(writer, key);
    json_object_begin(writer);
    json_field_text(writer, "zh", slice_of(words.zh ? words.zh : name));
    json_field_text(writer, "en", slice_of(words.en ? words.en : name));
    json_object_end(writer);
}

/* What a notice says of a loop: nothing that was typed in, nothing about whom it is. */
static void write_words(const struct loop_finding *finding, struct buffer *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    json_field_text(&writer, "scene", slice_of(finding->scene->name));
    put_words(&writer, "title", finding->scene->title, finding->scene->name);
    json_field_text(&writer, "stage", slice_of(finding->stage->name));
    put_words(&writer, "stage_title", finding->stage->title, finding->stage->name);
    json_field_time(&writer, "deadline",
                    finding->due_at == TIMESTAMP_NONE ? TIMESTAMP_NONE
                                                      : finding->due_at / SECOND * SECOND);
    json_object_end(&writer);
    json_writer_release(&writer);
}

static bool follow_loop(struct following *following, struct sql *sql, const struct event *event,
                        struct arena *arena, struct error *err)
{
    static const enum notice_kind kinds[] = {[LOOP_IS_THEIRS] = NOTICE_OWNER,
                                             [LOOP_TOLD] = NOTICE_TOLD,
                                             [LOOP_IS_OVERDUE] = NOTICE_OVERDUE,
                                             [LOOP_HAS_ENDED] = NOTICE_CLOSED};
    struct loop_finding finding;
    struct buffer words;
    if (!loops_finding(following->notices->platform->loops, sql, event, arena, &finding, err))
        return false;
    if (finding.matter == LOOP_CONCERNS_NOBODY || !finding.user_count)
        return true;
    buffer_init(&words, 1 << 16);
    write_words(&finding, &words);
    struct notice notice = {.kind = kinds[finding.matter],
                            .event_no = event->no,
                            .loop_no = finding.loop_no,
                            .at = event->at,
                            .words = buffer_slice(&words)};
    bool done = true;
    for (size_t i = 0; done && i < finding.user_count; i++) {
        notice.user_no = finding.users[i];
        done = tell(following, sql, &notice, err);
    }
    buffer_release(&words);
    return done;
}

/* What somebody did whose lead should know at once. */
static bool follow_lead(struct following *following, struct sql *sql, const struct event *event,
                        enum notice_kind kind, int64_t hand, struct error *err)
{
    struct notice notice = {
        .kind = kind, .event_no = event->no, .at = event->at, .words = SLICE("{}")};
    if (!access_user_lead(sql, hand, &notice.user_no, err))
        return false;
    return !notice.user_no || tell(following, sql, &notice, err);
}

static bool follow_override(struct following *following, struct sql *sql, const struct event *event,
                            struct error *err)
{
    json_t *payload;
    int64_t requester;
    if (!json_read(event->payload, "event", &payload, err))
        return false;
    int64_t no = json_integer_value(json_object_get(payload, "id"));
    json_decref(payload);
    return sql_one_int(sql, &override_requester, SQL_ARGUMENTS(sql_int(no)), 0, &requester, err) &&
           follow_lead(following, sql, event, NOTICE_OVERRIDE, requester, err);
}

static bool follow_one(struct sql *sql, const struct event *event, void *context, struct error *err)
{
    struct following *following = context;
    struct arena arena;
    if (slice_equal(event->kind, SLICE("access.glass_broken")))
        return follow_lead(following, sql, event, NOTICE_GLASS, event->subject_no, err);
    if (slice_equal(event->kind, SLICE("override.requested")))
        return follow_override(following, sql, event, err);
    if (event->kind.length < 5 || memcmp(event->kind.data, "loop.", 5) != 0)
        return true;
    arena_init(&arena, 64 << 20);
    bool done = follow_loop(following, sql, event, &arena, err);
    arena_release(&arena);
    return done;
}

/* ---- Counters in memory, after the commit */

static bool refresh(struct following *following, struct error *err)
{
    struct notices *notices = following->notices;
    struct store *store = notices->platform->store;
    struct sql *sql;
    if (!following->touched_count)
        return true;
    if (!store_read_begin(store, &sql, err))
        return false;
    bool done = true;
    for (size_t i = 0; done && i < following->touched_count; i++)
        done = head_refresh(notices, sql, following->touched[i], err);
    if (done && following->all_touched)
        done = heads_read(notices, sql, err);
    store_read_end(store, sql);
    return done;
}

bool notices_follow(struct notices *notices, int64_t *ret_count, struct error *err)
{
    struct following following = {.notices = notices};
    struct error later;
    int64_t events;
    if (!loops_ready(notices->platform->loops, err))
        return false;
    pthread_mutex_lock(&notices->following);
    bool done = store_subscriber_run(notices->platform->store, "notices", follow_one, &following,
                                     &events, err);
    bool shown = refresh(&following, done ? err : &later);
    pthread_mutex_unlock(&notices->following);
    if (ret_count)
        *ret_count = following.made;
    return done && shown;
}
