/* Goal: a photo comes back as it was sent, to those alone whom a loop shows it, and to nobody once
 * nothing names it; what is no photo, what was damaged and what a bad day cut short is told and
 * leaves nothing. */
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <utime.h>

#include "photos/photos.h"
#include "server/test_loop_support.h"

/* ---- A scene whose photos are plain, personal, and hidden */

static const char scene_text[] =
    "scene: picture_check\nversion: 1\ntitle: {zh: 照片核验, en: Picture check}\n"
    "subject: person\nopened_by: [manual]\nfields:\n"
    "  - {name: proof, type: photo, title: {zh: 照片, en: Proof}}\n"
    "  - {name: face, type: photo, personal: true, title: {zh: 面部, en: Face}}\n"
    "  - {name: secret, type: photo, hidden_until: checking,"
    " title: {zh: 暂不公开, en: Secret}}\n"
    "  - {name: more, type: photo, list: true, max: 3, title: {zh: 更多, en: More}}\n"
    "stages:\n"
    "  - name: taking\n    title: {zh: 拍摄, en: Taking}\n"
    "    owner: {role: grid_worker, area: subject}\n"
    "    within: 4h\n    next:\n"
    "      - {to: taking, by: [owner]}\n"
    "      - {to: checking, by: [owner, inspector]}\n"
    "    max_visits: 20\n"
    "  - name: checking\n    title: {zh: 核验, en: Checking}\n"
    "    owner: {role: town_duty, area: subject}\n"
    "    within: 4h\n    next:\n      - {to: closed, by: [owner]}\n"
    "  - {name: closed, title: {zh: 办结, en: Closed}, final: done}\n"
    "escalate: [{after: 0m, to: owner_lead}, {after: 1h, to: district_duty},"
    " {after: 2h, to: command}]\n"
    "indicators:\n  - {name: closed_in_2_days, from: opened, to: closed, within: 2d,"
    " target: 0.95}\nretention: 30d\n";

enum { PERSON = 5 };

static int photos_create(void **state)
{
    char path[200];
    struct error err;
    int64_t loaded;
    if (loopback_create(state))
        return 1;
    struct loopback *loop = *state;
    snprintf(path, sizeof path, "%s/scenes", loop->directory);
    (void)mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/scenes/picture_check.yaml", loop->directory);
    test_fail_on(file_replace(AT_FDCWD, path, scene_text, sizeof scene_text - 1, &err), &err);
    test_fail_on(loops_load_scenes(loop->platform->loops, &loaded, &err), &err);
    assert_int_equal(loaded, 1);
    loopback_change(loop, "UPDATE person SET area_no = (SELECT area_no FROM area WHERE code ="
                          " '320412102') WHERE person_no = 5");
    return 0;
}
#define PHOTO_TEST(name) cmocka_unit_test_setup_teardown(name, photos_create, verify_and_remove)

#define OWNER "grid_worker-320412"
#define OPENING "{\"scene\":\"picture_check\",\"subject\":5}"
/* Sees the loop by its area, has no part in it; has neither. */
#define LOOKER "epidemiologist"
#define STRANGER "grid_worker-320481"

static int64_t count_files(struct loopback *loop)
{
    char line[200];
    int64_t count = -1;
    snprintf(line, sizeof line, "find %s -path '*/photos/*' -type f | wc -l", loop->directory);
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    assert_int_equal(fscanf(pipe, "%ld", &count), 1);
    pclose(pipe);
    return count;
}

static int64_t count_rows(struct loopback *loop)
{
    return loopback_number(loop, "SELECT count(*) FROM photo");
}

static void step_naming(struct loopback *loop, const char *user, int64_t id, const char *to,
                        const char *field, const char *digest, int status, const char *words)
{
    char body[300];
    snprintf(body, sizeof body, "{\"to\":\"%s\",\"fields\":{\"%s\":\"%s\"}}", to, field, digest);
    advance(loop, user, id, body, status, words);
}

static struct answer look(struct loopback *loop, const char *user, const char *digest)
{
    char path[120];
    snprintf(path, sizeof path, "/api/v1/photos/%s", digest);
    return as(loop, user, HTTP_GET, path, NULL);
}

static void sees(struct loopback *loop, const char *user, const char *digest, int status)
{
    struct answer answer = look(loop, user, digest);
    if (answer.status != status)
        fail_msg("%s on %s: %d, expected %d", user, digest, answer.status, status);
    answer_release(&answer);
}

/* A loop that names a picture of its owner. */
static int64_t open_with(struct loopback *loop, const char *field, unsigned char value,
                         char digest[65])
{
    int64_t id = open_loop(loop, OWNER, OPENING, 201);
    assert_int_equal(send_picture(loop, OWNER, value, digest), 201);
    step_naming(loop, OWNER, id, "taking", field, digest, 200, NULL);
    return id;
}

/* ---- There and back */

static int send_bytes(struct loopback *loop, const char *bytes, size_t length, char digest[65])
{
    char token[80];
    struct call call = {.method = HTTP_POST,
                        .path = "/api/v1/photos",
                        .body = bytes,
                        .body_bytes = length,
                        .authorization = loopback_user(loop, OWNER, token)};
    struct answer answer = loopback_call(loop, &call);
    int status = answer.status;
    const char *text = json_string_value(json_object_get(answer.json, "digest"));
    snprintf(digest, 65, "%s", text ? text : "");
    if (status < 300)
        assert_int_equal(json_integer_value(json_object_get(answer.json, "bytes")), length);
    answer_release(&answer);
    return status;
}

static void a_photo_comes_back_as_it_was_sent(void **state)
{
    static const struct {
        const char *type, *bytes;
        size_t length;
    } rows[] = {{"image/jpeg", "\xff\xd8\xff\xe0\0\x10JFIF\0one", 14},
                {"image/png", "\x89PNG\r\n\x1a\n\0\0\0\rtwo", 15},
                {"image/webp", "RIFF\x10\0\0\0WEBPVP8 three", 21}};
    struct loopback *loop = *state;
    int64_t id = open_loop(loop, OWNER, OPENING, 201);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char digest[65], other[65];
        unsigned char expected[32];
        char hex[65];
        hash_blake2b(expected, 32, rows[i].bytes, rows[i].length, NULL);
        text_to_hex(expected, 32, hex);
        assert_int_equal(send_bytes(loop, rows[i].bytes, rows[i].length, digest), 201);
        assert_string_equal(digest, hex);
        assert_int_equal(send_bytes(loop, rows[i].bytes, rows[i].length, other), 200);
        assert_string_equal(digest, other);
        assert_int_equal(count_rows(loop), i + 1);
        assert_int_equal(count_files(loop), i + 1);
        sees(loop, OWNER, digest, 404); /* no loop names it yet */
        step_naming(loop, OWNER, id, "taking", "proof", digest, 200, NULL);
        for (int round = 0; round < 2; round++) {
            struct answer answer = look(loop, OWNER, digest);
            assert_int_equal(answer.status, 200);
            assert_string_equal(answer.response.content_type, rows[i].type);
            assert_int_equal(answer.response.body.length, rows[i].length);
            assert_memory_equal(answer.response.body.data, rows[i].bytes, rows[i].length);
            answer_release(&answer);
            loopback_restart(loop);
        }
    }
}

static void what_is_no_photo_is_refused_and_leaves_nothing(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
    } rows[] = {{"GIF89a......", 12},           {"<svg/>", 6},
                {"\x89PNG\r\n\x1a", 7},         {"\xff\xd8", 2},
                {"RIFF\x10\0\0\0WAVEfmt ", 16}, {"XXXX\x10\0\0\0WEBPVP8 ", 16}};
    struct loopback *loop = *state;
    char digest[65];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (send_bytes(loop, rows[i].bytes, rows[i].length, digest) != 400)
            fail_msg("row %zu was taken", i);
    expect(loop, OWNER, HTTP_POST, "/api/v1/photos", NULL, 400, "JPEG, PNG or WebP");
    size_t most = 8 << 20;
    char *large = x_alloc(1, most + 1);
    memcpy(large, "\xff\xd8\xff", 3);
    assert_int_equal(send_bytes(loop, large, most + 1, digest), 413);
    assert_int_equal(count_rows(loop), 0);
    assert_int_equal(count_files(loop), 0);
    assert_int_equal(send_bytes(loop, large, most, digest), 201);
    int64_t id = open_loop(loop, OWNER, OPENING, 201);
    step_naming(loop, OWNER, id, "taking", "proof", digest, 200, NULL);
    struct answer answer = look(loop, OWNER, digest);
    assert_int_equal(answer.response.body.length, most);
    assert_memory_equal(answer.response.body.data, large, most);
    answer_release(&answer);
    free(large);
    static const char *const none[] = {
        "1", "0123", "zz112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        sees(loop, "command", none[i], 404);
}

static void nothing_on_the_disk_tells_what_it_is(void **state)
{
    struct loopback *loop = *state;
    char digest[65], line[300];
    open_with(loop, "proof", 1, digest);
    static const char *const patterns[] = {"IHDR", "IDAT"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(line, sizeof line, "grep -rlaq %s %s", patterns[i], loop->directory);
        assert_int_equal(WEXITSTATUS(system(line)), 1);
    }
    snprintf(line, sizeof line, "grep -rlaq %s %s || find %s | grep -q %.16s", digest,
             loop->directory, loop->directory, digest);
    assert_int_equal(WEXITSTATUS(system(line)), 1);
    snprintf(line, sizeof line, "find %s/photos -perm /077 | grep -q .", loop->directory);
    assert_int_equal(WEXITSTATUS(system(line)), 1);
}

/* ---- Who may name it, who may look */

static void a_step_names_only_what_its_hand_has_sent_or_may_see(void **state)
{
    static const char unknown[] =
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    struct loopback *loop = *state;
    char digest[65], again[65], body[300];
    int64_t id = open_loop(loop, OWNER, OPENING, 201);
    step_naming(loop, OWNER, id, "taking", "proof", unknown, 400, "send the photo first");
    step_naming(loop, OWNER, id, "taking", "proof", "0011", 400, "64 hexadecimal digits");
    assert_int_equal(send_picture(loop, STRANGER, 1, digest), 201);
    /* the digest of another's photo is no photo in hand */
    step_naming(loop, OWNER, id, "taking", "proof", digest, 400, "send the photo first");
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop_photo"), 0);
    assert_int_equal(send_picture(loop, OWNER, 1, again), 200);
    assert_string_equal(digest, again);
    step_naming(loop, OWNER, id, "taking", "proof", digest, 200, NULL);
    sees(loop, STRANGER, digest, 404); /* who sent it has no part in the loop */
    snprintf(body, sizeof body, "{\"to\":\"taking\",\"fields\":{\"more\":[\"%s\",\"%s\"]}}", digest,
             unknown);
    advance(loop, OWNER, id, body, 400, "send the photo first");
    /* the command centre may look: it may name it, in any field, without sending it */
    assert_int_equal(send_picture(loop, OWNER, 2, again), 201);
    snprintf(body, sizeof body, "{\"to\":\"taking\",\"fields\":{\"more\":[\"%s\",\"%s\"]}}", digest,
             again);
    advance(loop, OWNER, id, body, 200, NULL);
    sees(loop, OWNER, again, 200);
    snprintf(body, sizeof body,
             "{\"scene\":\"picture_check\",\"subject\":7,\"fields\":{\"proof\":\"%s\"}}", again);
    open_loop(loop, STRANGER, body, 400);
    open_loop(loop, "command", body, 201);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop_photo"), 4);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM photo WHERE unnamed_at IS NULL"),
                     2);
}

static void who_has_no_part_sees_none(void **state)
{
    struct loopback *loop = *state;
    char digest[65];
    int64_t id = open_with(loop, "proof", 1, digest);
    char path[80];
    snprintf(path, sizeof path, "/api/v1/loops/%lld", (long long)id);
    expect(loop, LOOKER, HTTP_GET, path, NULL, 200, digest); /* the page shows the digest */
    sees(loop, LOOKER, digest, 404);
    sees(loop, STRANGER, digest, 404);
    sees(loop, "town_duty-320412", digest, 404);
    sees(loop, "inspector-320412", digest, 200); /* may act next */
    sees(loop, "inspector-320481", digest, 404);
    sees(loop, "command", digest, 200);
    advance(loop, OWNER, id, "{\"to\":\"checking\"}", 200, NULL);
    sees(loop, OWNER, digest, 200); /* had a part */
    sees(loop, "town_duty-320412", digest, 200);
    sees(loop, "inspector-320412", digest, 404);
    char holder[80];
    snprintf(path, sizeof path, "/api/v1/photos/%s", digest);
    loopback_holder(loop, PERSON, holder);
    loopback_refused(loop, GET(path, holder), 403, "forbidden");
}

static void what_the_loop_keeps_back_stays_back(void **state)
{
    struct loopback *loop = *state;
    char face[65], secret[65];
    int64_t id = open_with(loop, "face", 1, face);
    assert_int_equal(send_picture(loop, OWNER, 2, secret), 201);
    step_naming(loop, OWNER, id, "taking", "secret", secret, 200, NULL);
    sees(loop, OWNER, face, 200);
    sees(loop, OWNER, secret, 200);
    sees(loop, "inspector-320412", face, 404); /* may act next, has no part: personal */
    sees(loop, "inspector-320412", secret, 404);
    sees(loop, "command", face, 200);
    sees(loop, "command", secret, 404); /* the owner alone until then */
    advance(loop, OWNER, id, "{\"to\":\"checking\"}", 200, NULL);
    sees(loop, "command", secret, 200);
    sees(loop, "town_duty-320412", secret, 200);
}

static void a_look_is_on_record_before_the_answer(void **state)
{
    struct loopback *loop = *state;
    char digest[65], query[300];
    int64_t id = open_with(loop, "proof", 1, digest);
    struct answer answer = look(loop, "command", digest);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.audits, 1);
    answer_release(&answer);
    snprintf(query, sizeof query,
             "SELECT count(*) FROM audit WHERE act = 'photo.read' AND actor = 'command' AND"
             " purpose = 'loop:%lld' AND subject_no = %d",
             (long long)id, PERSON);
    assert_int_equal(loopback_number(loop, query), 1);
    answer = look(loop, STRANGER, digest);
    assert_int_equal(answer.audits, 0);
    answer_release(&answer);
}

/* ---- Damage */

static void doctor_says(struct loopback *loop, int64_t wrong, const char *words)
{
    struct photos_verification found;
    struct error err;
    test_fail_on(photos_verify(loop->platform->photos, 0, &found, &err), &err);
    if (found.wrong != wrong || (words && !strstr(found.words, words)))
        fail_msg("%lld wrong: %s", (long long)found.wrong, found.words);
    assert_int_equal(found.looked, found.count);
    test_fail_on(photos_verify(loop->platform->photos, 1, &found, &err), &err);
    assert_int_equal(found.looked, found.count ? 1 : 0);
}

static void change_files(struct loopback *loop, const char *line)
{
    char command[600];
    snprintf(command, sizeof command, "cd %s/photos && set -- $(find . -type f | sort) && %s",
             loop->directory, line);
    assert_int_equal(system(command), 0);
}

static void damage_is_told_and_mended_by_sending_again(void **state)
{
    static const char *const damages[] = {
        "printf x | dd of=$1 bs=1 seek=40 conv=notrunc 2>/dev/null",
        "printf x | dd of=$1 bs=1 seek=9 conv=notrunc 2>/dev/null",
        "printf x | dd of=$1 bs=1 seek=0 conv=notrunc 2>/dev/null",
        "printf x >>$1",
        ": >$1",
        "rm $1"};
    struct loopback *loop = *state;
    char digest[65], again[65];
    open_with(loop, "proof", 7, digest);
    doctor_says(loop, 0, NULL);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        change_files(loop, damages[i]);
        struct answer answer = look(loop, OWNER, digest);
        assert_int_equal(answer.status, 500);
        assert_string_equal(answer.type, "corrupt");
        answer_release(&answer);
        doctor_says(loop, 1, "photo 1: ");
        assert_int_equal(send_picture(loop, OWNER, 7, again), 200);
        sees(loop, OWNER, digest, 200);
        doctor_says(loop, 0, NULL);
        assert_int_equal(count_files(loop), 1);
        assert_int_equal(count_rows(loop), 1);
    }
}

static void one_photo_cannot_stand_for_another(void **state)
{
    struct loopback *loop = *state;
    char first[65], second[65];
    open_with(loop, "proof", 1, first);
    int64_t id = open_loop(loop, "command", "{\"scene\":\"picture_check\",\"subject\":7}", 201);
    assert_int_equal(send_picture(loop, "command", 2, second), 201);
    (void)id;
    change_files(loop, "mv $1 x && mv $2 $1 && mv x $2");
    sees(loop, OWNER, first, 500);
    doctor_says(loop, 2, "does not verify");
    change_files(loop, "mv $1 x && mv $2 $1 && mv x $2");
    sees(loop, OWNER, first, 200);
    /* a row with the file and the key of another: a cipher cannot move */
    loopback_change(loop, "UPDATE photo SET secret = (SELECT secret FROM photo WHERE photo_no = 2)"
                          " WHERE photo_no = 1");
    sees(loop, OWNER, first, 500);
}

/* ---- Forgetting */

static void hours_pass(struct loopback *loop, int hours)
{
    int64_t forgotten;
    struct error err;
    loop->platform->world->fixed += hours * HOUR;
    test_fail_on(loops_forget(loop->platform->loops, &forgotten, &err), &err);
}

static void what_no_loop_names_goes_after_a_day(void **state)
{
    struct loopback *loop = *state;
    char named[65], unnamed[65], again[65];
    open_with(loop, "proof", 1, named);
    assert_int_equal(send_picture(loop, OWNER, 2, unnamed), 201);
    hours_pass(loop, 23);
    assert_int_equal(count_rows(loop), 2);
    assert_int_equal(send_picture(loop, OWNER, 2, again), 200); /* its day begins anew */
    hours_pass(loop, 23);
    assert_int_equal(count_rows(loop), 2);
    hours_pass(loop, 1);
    assert_int_equal(count_rows(loop), 1);
    assert_int_equal(count_files(loop), 1);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM photo_sender"), 1);
    sees(loop, OWNER, named, 200);
    assert_int_equal(send_picture(loop, OWNER, 2, again), 201);
}

static void close_loop(struct loopback *loop, int64_t id)
{
    advance(loop, OWNER, id, "{\"to\":\"checking\"}", 200, NULL);
    advance(loop, "town_duty-320412", id, "{\"to\":\"closed\"}", 200, NULL);
}

static void it_goes_with_the_last_loop_that_names_it(void **state)
{
    struct loopback *loop = *state;
    char digest[65], later[65], body[300];
    int64_t first = open_with(loop, "proof", 1, digest);
    assert_int_equal(send_picture(loop, OWNER, 3, later), 201);
    step_naming(loop, OWNER, first, "taking", "proof", later, 200, NULL); /* another in its place */
    sees(loop, OWNER, digest, 200);                                       /* the history names it */
    close_loop(loop, first);
    hours_pass(loop, 24 * 20);
    snprintf(body, sizeof body, "{\"to\":\"taking\",\"fields\":{\"face\":\"%s\"}}", digest);
    int64_t second = open_loop(loop, OWNER, OPENING, 201);
    advance(loop, OWNER, second, body, 200, NULL);
    close_loop(loop, second);
    hours_pass(loop, 24 * 11);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop WHERE loop_no = 1"), 0);
    assert_int_equal(count_rows(loop), 1); /* the later one went, the first is named still */
    sees(loop, OWNER, later, 404);
    sees(loop, OWNER, digest, 200);
    open_loop(loop, OWNER, OPENING, 201); /* the highest number stays: let it be another's */
    hours_pass(loop, 24 * 20);
    assert_int_equal(count_rows(loop), 0);
    assert_int_equal(count_files(loop), 0);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop_photo"), 0);
}

static void files_that_no_row_knows_are_swept_when_they_are_old(void **state)
{
    struct loopback *loop = *state;
    char digest[65];
    open_with(loop, "proof", 1, digest);
    change_files(loop, "cd $(dirname $1) && touch -d '2 hours ago' * left.new"
                       " 0123456789abcdef0123456789abcdef && touch young.new");
    hours_pass(loop, 0);
    assert_int_equal(count_files(loop), 2); /* the photo's own, however old, and the young one */
    sees(loop, OWNER, digest, 200);
}

/* ---- At once, and on bad days */

static void *send_the_same(void *context)
{
    char bytes[PICTURE_BYTES];
    unsigned char digest[32];
    struct error err;
    bool new;
    picture(9, bytes);
    int64_t *news = context;
    struct platform *platform = (struct platform *)(uintptr_t)news[0];
    news[1] =
        photos_take(platform->photos, (struct slice){bytes, sizeof bytes}, 1, digest, &new, &err)
            ? new
            : -1;
    return NULL;
}

static void of_many_at_once_one_is_kept(void **state)
{
    enum { SENDERS = 8 };
    struct loopback *loop = *state;
    pthread_t threads[SENDERS];
    int64_t news[SENDERS][2], sum = 0;
    for (int i = 0; i < SENDERS; i++) {
        news[i][0] = (int64_t)(uintptr_t)loop->platform;
        assert_int_equal(pthread_create(&threads[i], NULL, send_the_same, news[i]), 0);
    }
    for (int i = 0; i < SENDERS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(news[i][1] >= 0);
        sum += news[i][1];
    }
    assert_int_equal(sum, 1);
    assert_int_equal(count_rows(loop), 1);
    assert_int_equal(count_files(loop), 1);
    doctor_says(loop, 0, NULL);
}

#ifdef CHENGMAI_FAULTS
static void a_bad_day_at_any_step_leaves_nothing_half(void **state)
{
    struct loopback *loop = *state;
    char bytes[PICTURE_BYTES];
    unsigned char digest[32];
    struct error err;
    bool new, hit = true;
    int tries = 0, failures = 0;
    for (long k = 0; hit; k++, tries++) {
        picture((unsigned char)(k + 10), bytes);
        fault_arm(k, FAULT_WRITE | FAULT_SYNC | FAULT_RENAME | FAULT_ALLOCATION);
        bool done = photos_take(loop->platform->photos, (struct slice){bytes, sizeof bytes}, 1,
                                digest, &new, &err);
        hit = fault_disarm();
        failures += !done;
        assert_int_equal(count_rows(loop), tries + 1 - failures);
        assert_int_equal(count_files(loop), tries + 1 - failures);
        doctor_says(loop, 0, NULL);
    }
    assert_true(failures >= 4); /* memory, write, sync, rename */
}

static void die(struct loopback *loop, const char *fault, bool forgets)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct platform *platform;
        struct error err;
        int64_t news[2], count;
        setenv("CHENGMAI_FAULT", fault, 1);
        if (!platform_open(loop->directory, PLATFORM_COMMAND, &platform, &err))
            _exit(8);
        assert_true(time_parse(SLICE("2022-04-16T14:31:00+08:00"), &platform->world->fixed));
        news[0] = (int64_t)(uintptr_t)platform;
        if (forgets)
            _exit(photos_forget(platform->photos, &count, &err) ? 7 : 8);
        send_the_same(news);
        _exit(7);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status))
        fail_msg("%s: ended with %d", fault, WEXITSTATUS(status));
}

static void a_death_between_file_and_row_leaves_a_file_that_is_swept(void **state)
{
    static const struct {
        const char *fault;
        bool forgets;
    } rows[] = {{"after_photo_written:kill:1", false}, {"after_photo_forgotten:kill:1", true}};
    struct loopback *loop = *state;
    char digest[65];
    for (size_t i = 0; i < 2; i++) {
        if (rows[i].forgets)
            assert_int_equal(send_picture(loop, OWNER, 9, digest), 201);
        platform_close(loop->platform);
        die(loop, rows[i].fault, rows[i].forgets);
        loopback_open(loop);
        assert_int_equal(count_rows(loop), 0);
        assert_int_equal(count_files(loop), 1);
        doctor_says(loop, 0, NULL);
        change_files(loop, "touch -d '2 hours ago' $1");
        hours_pass(loop, 0);
        assert_int_equal(count_files(loop), 0);
    }
}
#endif

/* ---- The policy */

static void a_policy_is_taken_as_a_whole_or_not(void **state)
{
    static const struct {
        const char *text, *field;
    } rows[] = {
        {"numbers:\n  bytes_max: {value: 70000, source: a}\n", "unnamed_hours"},
        {"numbers:\n  bytes_max: {value: 7, source: a}\n"
         "  unnamed_hours: {value: 24, source: a}\n",
         "value"},
        {"numbers:\n  bytes_max: {value: 16777217, source: a}\n"
         "  unnamed_hours: {value: 24, source: a}\n",
         "value"},
        {"numbers:\n  bytes_max: {value: 70000, source: a}\n"
         "  unnamed_hours: {value: 25, source: a}\n",
         "value"},
        {"numbers:\n  bytes_max: {value: 70000, source: a}\n"
         "  unnamed_hours: {value: 24, source: a}\n  more: {value: 1, source: a}\n",
         "more"},
    };
    struct loopback *loop = *state;
    struct photos *photos;
    struct error err;
    char path[200];
    snprintf(path, sizeof path, "%s/policies/photos.yaml", loop->directory);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        test_fail_on(file_replace(AT_FDCWD, path, rows[i].text, strlen(rows[i].text), &err), &err);
        if (photos_open(loop->platform, &photos, &err))
            fail_msg("row %zu was taken", i);
        assert_string_equal(err.field, rows[i].field);
    }
    static const char good[] = "numbers:\n  bytes_max: {value: 65536, source: a}\n"
                               "  unnamed_hours: {value: 2, source: a}\n";
    test_fail_on(file_replace(AT_FDCWD, path, good, sizeof good - 1, &err), &err);
    timestamp now = loop->platform->world->fixed;
    loopback_restart(loop);
    loop->platform->world->fixed = now;
    char *large = x_alloc(1, 65537), digest[65];
    memcpy(large, "\xff\xd8\xff", 3);
    assert_int_equal(send_bytes(loop, large, 65537, digest), 413);
    assert_int_equal(send_bytes(loop, large, 65536, digest), 201);
    free(large);
    hours_pass(loop, 2);
    assert_int_equal(count_rows(loop), 0);
}

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        PHOTO_TEST(a_photo_comes_back_as_it_was_sent),
        PHOTO_TEST(what_is_no_photo_is_refused_and_leaves_nothing),
        PHOTO_TEST(nothing_on_the_disk_tells_what_it_is),
        PHOTO_TEST(a_step_names_only_what_its_hand_has_sent_or_may_see),
        PHOTO_TEST(who_has_no_part_sees_none),
        PHOTO_TEST(what_the_loop_keeps_back_stays_back),
        PHOTO_TEST(a_look_is_on_record_before_the_answer),
        PHOTO_TEST(damage_is_told_and_mended_by_sending_again),
        PHOTO_TEST(one_photo_cannot_stand_for_another),
        PHOTO_TEST(what_no_loop_names_goes_after_a_day),
        PHOTO_TEST(it_goes_with_the_last_loop_that_names_it),
        PHOTO_TEST(files_that_no_row_knows_are_swept_when_they_are_old),
        PHOTO_TEST(of_many_at_once_one_is_kept),
#ifdef CHENGMAI_FAULTS
        PHOTO_TEST(a_bad_day_at_any_step_leaves_nothing_half),
        PHOTO_TEST(a_death_between_file_and_row_leaves_a_file_that_is_swept),
#endif
        PHOTO_TEST(a_policy_is_taken_as_a_whole_or_not),
    };
    return LOOPBACK_RUN(tests);
}
