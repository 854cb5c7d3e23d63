/* Goal: over kill -9 at any instant, under load, nothing acknowledged is lost, nothing sent again
 * is doubled and everything can be read; an import that was killed gives the same when it is run
 * again.
 *
 * Rounds: CHENGMAI_KILL_ROUNDS (default 20), seed: CHENGMAI_SEED. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/random.h"
#include "city_process.h"

enum { CLIENTS = 8, POSTS_A_ROUND = 8000, POSTS_AT_A_KILL = POSTS_A_ROUND / 8 };

/* Requests wait in a ring: what was sent without an answer goes back to the front. */
struct load {
    struct city_process *city;
    pthread_mutex_t lock; /* owns all below */
    struct scan_posts posts;
    size_t *waiting;
    size_t waiting_count;
    char (*acknowledged)[32];
    size_t acknowledged_count, sent_again;
    size_t other_answers;
    int other_status;
    atomic_bool stop;
};

static bool take(struct load *load, size_t *ret_post)
{
    pthread_mutex_lock(&load->lock);
    bool some = load->waiting_count > 0;
    if (some)
        *ret_post = load->waiting[--load->waiting_count];
    pthread_mutex_unlock(&load->lock);
    return some;
}

static void give_back(struct load *load, size_t post, bool again)
{
    pthread_mutex_lock(&load->lock);
    load->waiting[load->waiting_count++] = post;
    load->sent_again += again;
    pthread_mutex_unlock(&load->lock);
}

static void keep_answer(struct load *load, const struct http_answer *answer)
{
    char id[32] = "";
    bool good = answer->status >= 200 && answer->status < 300;
    if (good)
        event_of_answer(answer, id);
    pthread_mutex_lock(&load->lock);
    if (good) {
        memcpy(load->acknowledged[load->acknowledged_count++], id, sizeof id);
    } else {
        load->other_answers++;
        load->other_status = answer->status;
    }
    pthread_mutex_unlock(&load->lock);
}

static void *client(void *argument)
{
    struct load *load = argument;
    struct http_answer *answer = x_alloc(1, sizeof *answer);
    int fd = -1;
    size_t post;
    while (!atomic_load(&load->stop) && take(load, &post)) {
        const struct scan_post *p = &load->posts.items[post];
        if (!http_send(&fd, load->city->port, "POST", p->path, p->headers, p->body, answer)) {
            give_back(load, post, true);
            usleep(1000);
        } else if (answer->status == 503) {
            give_back(load, post, false);
            usleep(10000);
        } else {
            keep_answer(load, answer);
        }
    }
    if (fd >= 0)
        close(fd);
    free(answer);
    return NULL;
}

static size_t count_waiting(struct load *load)
{
    pthread_mutex_lock(&load->lock);
    size_t count = load->waiting_count;
    pthread_mutex_unlock(&load->lock);
    return count;
}

/* Until the instant of the kill: `seconds` from now, or earlier when a fast machine has few posts
 * left: a kill is one under load. */
static void wait_for_kill(struct load *load, double seconds)
{
    int64_t end = world_real_now() + (int64_t)(seconds * 1e6);
    while (world_real_now() < end && count_waiting(load) > POSTS_AT_A_KILL)
        usleep(500);
}

/* Serves; ends by SIGKILL after `seconds` at most, or in order once nothing waits (`seconds` 0). */
static void run_round(struct load *load, double seconds)
{
    pthread_t clients[CLIENTS];
    if (!city_serve(load->city))
        fail_msg("the server did not start again");
    atomic_store(&load->stop, false);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&clients[i], NULL, client, load), 0);
    if (seconds > 0) {
        wait_for_kill(load, seconds);
        assert_int_equal(city_stop(load->city, SIGKILL), -1);
        atomic_store(&load->stop, true);
    }
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(clients[i], NULL);
    if (seconds <= 0)
        assert_int_equal(city_stop(load->city, SIGTERM), 0);
}

static void more_posts(struct load *load, size_t count)
{
    struct scan_posts fresh = {0};
    scan_posts_make(load->city, count, &fresh);
    size_t before = load->posts.count, total = before + count;
    load->posts.items = x_realloc(load->posts.items, total * sizeof *load->posts.items);
    memcpy(load->posts.items + before, fresh.items, count * sizeof *fresh.items);
    load->posts.count = total;
    load->waiting = x_realloc(load->waiting, total * sizeof *load->waiting);
    load->acknowledged = x_realloc(load->acknowledged, total * sizeof *load->acknowledged);
    /* new ones below, those without an answer stay on top: they are sent first */
    memmove(load->waiting + count, load->waiting, load->waiting_count * sizeof *load->waiting);
    for (size_t i = 0; i < count; i++)
        load->waiting[i] = before + i;
    load->waiting_count += count;
    free(fresh.items);
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void check_all(struct load *load, long long stored_before)
{
    char path[160];
    snprintf(path, sizeof path, "%s/ids", load->city->directory);
    FILE *ids = fopen(path, "w");
    for (size_t i = 0; i < load->acknowledged_count; i++)
        fprintf(ids, "%s\n", load->acknowledged[i]);
    fclose(ids);
    int code;
    json_t *answer = city_run_json(load->city, "--json scans verify -", path, &code);
    print_message("%zu acknowledged, %zu sent again, missing %zu, double %zu, stored %lld\n",
                  load->acknowledged_count, load->sent_again,
                  json_array_size(json_object_get(answer, "missing")),
                  json_array_size(json_object_get(answer, "double")),
                  json_number(answer, "stored") - stored_before);
    assert_int_equal(json_array_size(json_object_get(answer, "missing")), 0);
    assert_int_equal(json_array_size(json_object_get(answer, "double")), 0);
    assert_int_equal(code, 0);
    assert_int_equal(json_number(answer, "checked"), load->acknowledged_count);
    assert_int_equal(json_number(answer, "stored") - stored_before, load->acknowledged_count);
    json_decref(answer);
    qsort(load->acknowledged, load->acknowledged_count, sizeof *load->acknowledged, compare_ids);
    for (size_t i = 1; i < load->acknowledged_count; i++)
        assert_string_not_equal(load->acknowledged[i - 1], load->acknowledged[i]);
    assert_int_equal(city_run(load->city, "doctor", NULL, NULL), 0);
}

static uint64_t seed_of_run(void)
{
    const char *given = getenv("CHENGMAI_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)world_real_now();
    print_message("CHENGMAI_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static void kill_under_load_loses_and_doubles_nothing(void **state)
{
    (void)state;
    const char *wanted = getenv("CHENGMAI_KILL_ROUNDS");
    int rounds = wanted ? atoi(wanted) : 20, busy = 0;
    struct city_process city;
    struct load load = {.city = &city};
    struct random random;
    random_init(&random, seed_of_run(), 0);
    pthread_mutex_init(&load.lock, NULL);
    city_create(&city, "2000");
    json_t *before = city_run_json(&city, "--json scans verify -", "/dev/null", NULL);
    for (int round = 0; round < rounds; round++) {
        if (load.waiting_count < POSTS_A_ROUND / 2)
            more_posts(&load, POSTS_A_ROUND);
        run_round(&load, 0.02 + 0.5 * random_unit(&random));
        busy += load.waiting_count > 0;
        if (round % 50 == 49)
            print_message("%d rounds, %zu acknowledged\n", round + 1, load.acknowledged_count);
    }
    run_round(&load, 0);
    assert_int_equal(load.waiting_count, 0);
    if (load.other_answers)
        fail_msg("%zu other answers, the last %d", load.other_answers, load.other_status);
    assert_true(load.acknowledged_count >= (size_t)rounds * 20);
    assert_true(load.sent_again > 0);
    assert_true(busy >= rounds * 9 / 10); /* killed under load, not after it */
    check_all(&load, json_number(before, "stored"));
    json_decref(before);
    scan_posts_release(&load.posts);
    free(load.waiting);
    free(load.acknowledged);
    city_remove(&city);
}

/* ---- An import that is killed */

enum { ROWS = 60000, ROWS_DISTINCT = ROWS - ROWS / 10 };

static void write_checkins(const char *path)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fprintf(out, "person_id,venue_id,unix_time\n");
    for (int i = 0; i < ROWS; i++) {
        int row = i < ROWS_DISTINCT ? i : i - ROWS_DISTINCT; /* the last tenth comes twice */
        fprintf(out, "p%d,v%d,%d\n", row % 7001, row % 311, 1649000000 + row * 7);
    }
    fclose(out);
}

static size_t count_exported(struct city_process *city)
{
    struct buffer out;
    size_t lines = 0;
    buffer_init(&out, 256 << 20);
    assert_int_equal(city_run(city, "export checkins --source killed --from "
                                    "2022-01-01T00:00:00+08:00 --to 2023-01-01T00:00:00+08:00",
                              NULL, &out), 0);
    for (size_t i = 0; i + 2 < out.length; i++)
        lines += out.data[i] == '\n' && out.data[i + 1] == 'p';
    buffer_release(&out);
    return lines;
}

static void an_import_that_was_killed_gives_the_same_when_it_is_run_again(void **state)
{
    (void)state;
    struct city_process city;
    struct random random;
    char path[160], words[300];
    int killed = 0;
    random_init(&random, seed_of_run(), 1);
    city_create(&city, "300");
    snprintf(path, sizeof path, "%s/checkins.csv", city.directory);
    write_checkins(path);
    snprintf(words, sizeof words, "--json import checkins %s --source killed --create-missing",
             path);
    double took = 0.4;
    for (int round = 0; round < 6; round++) {
        int status;
        pid_t child = city_spawn(&city, words, -1, -1);
        /* the first is killed early, so that one is */
        usleep((useconds_t)(took * 1e6 * (round ? 0.1 + random_unit(&random) : 0.05)));
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        killed += WIFSIGNALED(status);
        size_t exported = count_exported(&city); /* all or nothing */
        assert_true(exported == 0 || exported == ROWS_DISTINCT);
        if (exported)
            break;
    }
    assert_true(killed > 0);
    for (int round = 0; round < 2; round++) {
        json_t *answer = city_run_json(&city, words, NULL, NULL);
        assert_int_equal(json_number(answer, "rows"), ROWS);
        assert_int_equal(json_number(answer, "rejected"), 0);
        assert_int_equal(json_number(answer, "merged"), ROWS - ROWS_DISTINCT);
        assert_int_equal(json_number(answer, "inserted") + json_number(answer, "unchanged"),
                         ROWS_DISTINCT);
        if (round)
            assert_int_equal(json_number(answer, "unchanged"), ROWS_DISTINCT);
        json_decref(answer);
        assert_int_equal(count_exported(&city), ROWS_DISTINCT);
    }
    assert_int_equal(city_run(&city, "doctor", NULL, NULL), 0);
    city_remove(&city);
}

/* ---- Damage, as a person meets it */

static void doctor_names_a_damaged_segment(void **state)
{
    (void)state;
    struct city_process city;
    char command[300], name[200] = "";
    struct buffer out;
    city_create(&city, "300");
    snprintf(command, sizeof command, "cd %s/data/presence && ls day-*/*.person | head -1",
             city.directory);
    FILE *list = popen(command, "r");
    assert_non_null(fgets(name, sizeof name, list));
    pclose(list);
    name[strcspn(name, "\n")] = '\0';
    snprintf(command, sizeof command, "%s/data/presence/%.100s", city.directory, name);
    int fd = open(command, O_RDWR);
    char byte;
    assert_int_equal(pread(fd, &byte, 1, 200), 1);
    byte ^= 16;
    assert_int_equal(pwrite(fd, &byte, 1, 200), 1);
    close(fd);
    buffer_init(&out, 1 << 20);
    assert_int_equal(city_run(&city, "doctor", NULL, &out), 3);
    snprintf(command, sizeof command, "fail presence segment: %.100s, block 1", name);
    assert_non_null(strstr(out.data, command));
    buffer_release(&out);
    city_remove(&city);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kill_under_load_loses_and_doubles_nothing),
        cmocka_unit_test(an_import_that_was_killed_gives_the_same_when_it_is_run_again),
        cmocka_unit_test(doctor_names_a_damaged_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
