/* Goal: on a full disk a scan is answered 503 with its reason, reads go on, /readyz tells, and
 * writes resume by themselves when there is room; nothing that was acknowledged is lost. */
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "city_process.h"

enum { POSTS = 4000 };

/* A small disk of its own; false where this machine does not let us mount one. */
static bool make_small_disk(struct city_process *city)
{
    *city = (struct city_process){.directory = "/tmp/chengmai-disk-XXXXXX"};
    assert_non_null(mkdtemp(city->directory));
    if (mount("tmpfs", city->directory, "tmpfs", 0, "size=64m,mode=0700") == 0)
        return true;
    rmdir(city->directory);
    return false;
}

static void fill_disk(const char *path)
{
    static char bytes[65536];
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    assert_true(fd >= 0);
    for (size_t size = sizeof bytes; size >= 512;) {
        memset(bytes, 7, size);
        if (write(fd, bytes, size) != (ssize_t)size)
            size /= 2;
    }
    close(fd);
}

/* Sends from `*next` on until the status is `wanted`; acknowledged ids go to `ids`. */
static void send_until(struct city_process *city, struct scan_posts *posts, size_t *next,
                       int wanted, size_t most, FILE *ids, size_t *acknowledged,
                       struct http_answer *answer)
{
    int fd = -1;
    for (size_t sent = 0; sent < most; sent++) {
        assert_true(*next < posts->count);
        const struct scan_post *post = &posts->items[*next];
        assert_true(http_send(&fd, city->port, "POST", post->path, post->headers, post->body,
                              answer));
        if (answer->status == 200) {
            char id[32];
            event_of_answer(answer, id);
            fprintf(ids, "%s\n", id);
            (*acknowledged)++;
            (*next)++;
        }
        if (answer->status == wanted)
            break;
        assert_int_equal(answer->status, 200);
    }
    assert_int_equal(answer->status, wanted);
    close(fd);
}

static void check_refusals(struct city_process *city, const struct scan_post *refused,
                           struct http_answer *answer)
{
    json_t *problem = json_loads(answer->body, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(problem, "type")),
                        "/problems/disk-full");
    assert_int_equal(json_number(problem, "status"), 503);
    assert_true(strlen(json_string_value(json_object_get(problem, "detail"))) > 5);
    json_decref(problem);
    city_get(city, "/readyz", answer);
    assert_int_equal(answer->status, 503);
    city_get(city, "/healthz", answer);
    assert_int_equal(answer->status, 200);
    int fd = -1; /* hundreds more: none is taken, none brings the server down */
    for (int i = 0; i < 600; i++) {
        assert_true(http_send(&fd, city->port, "POST", refused->path, refused->headers,
                              refused->body, answer));
        assert_int_equal(answer->status, 503);
    }
    close(fd);
}

static void a_full_disk_refuses_scans_and_recovers(void **state)
{
    (void)state;
    struct city_process city;
    struct scan_posts posts = {0};
    struct http_answer *answer = x_alloc(1, sizeof *answer);
    char filler[140], ids_path[] = "/tmp/chengmai-ids-XXXXXX";
    if (!make_small_disk(&city)) {
        print_message("skipped: mounting a small disk (tmpfs) is not permitted here\n");
        free(answer);
        skip();
    }
    assert_int_equal(city_run(&city, "init --demo --people 300", NULL, NULL), 0);
    scan_posts_make(&city, POSTS, &posts);
    FILE *ids = fdopen(mkstemp(ids_path), "w");
    size_t next = 0, acknowledged = 0;
    json_t *before = city_run_json(&city, "--json scans verify -", "/dev/null", NULL);
    assert_true(city_serve(&city));
    snprintf(filler, sizeof filler, "%s/filler", city.directory);
    for (int round = 0; round < 3; round++) {
        send_until(&city, &posts, &next, 200, 1, ids, &acknowledged, answer);
        fill_disk(filler);
        send_until(&city, &posts, &next, 503, 1500, ids, &acknowledged, answer);
        check_refusals(&city, &posts.items[next], answer);
        fflush(ids);
        json_t *whole = city_run_json(&city, "--json scans verify -", ids_path, NULL);
        assert_int_equal(json_number(whole, "checked"), acknowledged); /* reads go on */
        json_decref(whole);
        assert_int_equal(unlink(filler), 0);
        city_get(&city, "/readyz", answer);
        assert_int_equal(answer->status, 200);
        send_until(&city, &posts, &next, 200, 1, ids, &acknowledged, answer); /* the refused one */
    }
    assert_int_equal(city_stop(&city, SIGTERM), 0);
    fclose(ids);
    json_t *after = city_run_json(&city, "--json scans verify -", ids_path, NULL);
    print_message("%zu acknowledged around three full disks\n", acknowledged);
    assert_int_equal(json_number(after, "stored") - json_number(before, "stored"), acknowledged);
    assert_int_equal(json_array_size(json_object_get(after, "missing")), 0);
    json_decref(before);
    json_decref(after);
    assert_int_equal(city_run(&city, "doctor", NULL, NULL), 0);
    unlink(ids_path);
    scan_posts_release(&posts);
    free(answer);
    assert_int_equal(umount(city.directory), 0);
    assert_int_equal(rmdir(city.directory), 0);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_refuses_scans_and_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
