/* sunset/certificate.json: what the end destroyed, what is left, signed. JSON whose lists have one
 * item a line, so that a shell can read it: the message that is signed is every line but the last.
 *
 *   signers' keys ──sign──► plan (names the city's public key) ── city's key ──signs──► certificate
 *
 * The city's private key lives from the plan to this signature and is destroyed after it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeping/keeping_internal.h"
#include "registry/registry.h"

static const struct sql_text deed_select = {
    "deed_select",
    "SELECT name, class, row_count, detail FROM sunset_deed WHERE kind = ?1 ORDER BY name",
    "primary key"};
static const struct sql_text aggregate_select = {
    "aggregate_select",
    "SELECT c.day, a.code, c.name, c.value FROM counter c LEFT JOIN area a ON a.area_no = c.area_no"
    " ORDER BY c.day, c.area_no, c.name",
    "whole table, once"};
/* the end's own note is the one event that is left: numbers go on from it */
static const struct sql_text events_left = {
    "events_left", "SELECT count(*) FROM event WHERE kind <> 'sunset.executed'", "whole table"};

const struct sql_list certificate_statements =
    SQL_LIST(&deed_select, &aggregate_select, &events_left);

/* What goes on changing after the end; everything else stays as it is listed. */
static const char *const living[] = {"city.db", "city.db-wal", "city.db-shm", "lock", "socket",
                                     "status.snapshot"};

void base64_text(const void *data, size_t length, char *out)
{
    sodium_bin2base64(out, sodium_base64_ENCODED_LEN(length, sodium_base64_VARIANT_ORIGINAL), data,
                      length, sodium_base64_VARIANT_ORIGINAL);
}

/* SubjectPublicKeyInfo of Ed25519 (RFC 8410): a fixed beginning and the key. */
void public_key_text(const unsigned char key[ED25519_BYTES], char out[80])
{
    static const unsigned char beginning[12] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    unsigned char der[sizeof beginning + ED25519_BYTES];
    memcpy(der, beginning, sizeof beginning);
    memcpy(der + sizeof beginning, key, ED25519_BYTES);
    base64_text(der, sizeof der, out);
}

/* ---- Lines */

struct lines {
    struct buffer *out;
    bool first; /* of a list */
};

static void begin_item(struct lines *lines, struct json_writer *writer)
{
    buffer_append_text(lines->out, lines->first ? "\n" : ",\n");
    lines->first = false;
    json_writer_init(writer, lines->out);
}

static void begin_list(struct lines *lines, const char *name)
{
    buffer_print(lines->out, "\"%s\":[", name);
    lines->first = true;
}

static void end_list(struct lines *lines)
{
    buffer_append_text(lines->out, "\n],\n");
}

static void put_line(struct lines *lines, const char *name, struct slice text)
{
    struct json_writer writer;
    buffer_print(lines->out, "\"%s\":", name);
    json_writer_init(&writer, lines->out);
    json_put_text(&writer, text);
    json_writer_release(&writer);
    buffer_append_text(lines->out, ",\n");
}

/* ---- Parts */

static bool put_signers(struct lines *lines, struct sql *sql, struct error *err)
{
    struct signature signatures[SIGNATURES_MAX];
    size_t count;
    if (!signatures_read(sql, signatures, &count, err))
        return false;
    begin_list(lines, "signers");
    for (size_t i = 0; i < count; i++) {
        struct json_writer writer;
        char key[80], bytes[100];
        public_key_text(signatures[i].public_key, key);
        base64_text(signatures[i].bytes, ED25519_SIGNATURE_BYTES, bytes);
        begin_item(lines, &writer);
        json_object_begin(&writer);
        json_field_text(&writer, "name", slice_of(signatures[i].name));
        json_field_text(&writer, "role", slice_of(signatures[i].role));
        json_field_time(&writer, "at", signatures[i].at);
        json_field_text(&writer, "public_key", slice_of(key));
        json_field_text(&writer, "signature", slice_of(bytes));
        json_object_end(&writer);
        json_writer_release(&writer);
    }
    end_list(lines);
    return true;
}

static int64_t rows_left(struct sql *sql, struct slice table, struct error *err)
{
    int64_t left = -1;
    for (size_t t = 0; t < record_table_count; t++) {
        bool events = record_tables[t].class_ == CLASS_EVENTS;
        if (slice_equal(slice_of(record_tables[t].name), table) &&
            !sql_one_int(sql, events ? &events_left : record_tables[t].count, NULL, 0, 0, &left,
                         err))
            return -1;
    }
    return left;
}

static bool put_tables(struct lines *lines, struct sql *sql, struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(sql, &deed_select, SQL_ARGUMENTS(sql_text(SLICE("table"))), &query,
                               err);
    begin_list(lines, "tables");
    while (done && (done = sql_next(query, &row, err)) && row) {
        struct json_writer writer;
        begin_item(lines, &writer);
        json_object_begin(&writer);
        json_field_text(&writer, "class", sql_get_text(query, 1));
        json_field_text(&writer, "table", sql_get_text(query, 0));
        json_field_int64(&writer, "rows", sql_get_int(query, 2));
        json_field_int64(&writer, "left", rows_left(sql, sql_get_text(query, 0), err));
        json_object_end(&writer);
        json_writer_release(&writer);
    }
    end_list(lines);
    return done;
}

static bool put_presence(struct lines *lines, struct sql *sql, struct error *err)
{
    struct sql_query *query;
    int64_t events = 0;
    bool row;
    if (!sql_begin(sql, &deed_select, SQL_ARGUMENTS(sql_text(SLICE("presence"))), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (row)
        events = sql_get_int(query, 2);
    sql_end(query);
    buffer_print(lines->out, "\"presence_events\":%lld,\n", (long long)events);
    return true;
}

static bool put_destroyed_keys(struct lines *lines, struct sql *sql, struct error *err)
{
    struct sql_query *query;
    bool row,
        done = sql_begin(sql, &deed_select, SQL_ARGUMENTS(sql_text(SLICE("key"))), &query, err);
    begin_list(lines, "keys_destroyed");
    while (done && (done = sql_next(query, &row, err)) && row) {
        struct json_writer writer;
        begin_item(lines, &writer);
        json_object_begin(&writer);
        json_field_text(&writer, "key", sql_get_text(query, 0));
        json_field_text(&writer, "fingerprint", sql_get_text(query, 3));
        json_object_end(&writer);
        json_writer_release(&writer);
    }
    end_list(lines);
    return done;
}

static bool put_kept_keys(struct lines *lines, struct keeping *keeping, struct error *err)
{
    struct key_entry *entries;
    size_t count;
    if (!keys_list(store_keys(keeping->platform->store), &entries, &count, err))
        return false;
    begin_list(lines, "keys_kept");
    for (size_t i = 0; i < count; i++) {
        struct json_writer writer;
        if (entries[i].destroyed || strcmp(entries[i].name, "sunset-certificate") == 0)
            continue;
        begin_item(lines, &writer);
        json_put_text(&writer, slice_of(entries[i].name));
        json_writer_release(&writer);
    }
    end_list(lines);
    free(entries);
    return true;
}

/* ---- Files */

static bool is_living(const char *path)
{
    for (size_t i = 0; i < sizeof living / sizeof *living; i++)
        if (strcmp(path, living[i]) == 0)
            return true;
    return strncmp(path, "keys/", 5) == 0; /* by the lists of keys */
}

static bool put_file(struct lines *lines, int at, const char *path, struct error *err)
{
    struct json_writer writer;
    unsigned char digest[32];
    char hex[65];
    int64_t bytes;
    if (!file_digest(at, path, digest, &bytes, err))
        return false;
    text_to_hex(digest, sizeof digest, hex);
    begin_item(lines, &writer);
    json_object_begin(&writer);
    json_field_text(&writer, "file", slice_of(path));
    json_field_int64(&writer, "bytes", bytes);
    json_field_text(&writer, "sha256", slice_of(hex));
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}

enum { DEPTH_MAX = 8 };

static bool put_folder(struct lines *lines, int at, const char *folder, int depth,
                       struct error *err)
{
    struct dirent **entries;
    bool done = true;
    int count = scandirat(at, *folder ? folder : ".", &entries, NULL, alphasort);
    if (count < 0)
        return error_set_errno(err, folder, "read");
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char path[BACKUP_PATH_BYTES * 2];
        struct stat status;
        bool up = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
        snprintf(path, sizeof path, "%s%s%s", folder, *folder ? "/" : "", name);
        if (done && !up && !is_living(path) &&
            fstatat(at, path, &status, AT_SYMLINK_NOFOLLOW) == 0) {
            if (S_ISDIR(status.st_mode) && depth < DEPTH_MAX)
                done = put_folder(lines, at, path, depth + 1, err);
            else if (S_ISREG(status.st_mode) && strcmp(path, "sunset/certificate.json") != 0)
                done = put_file(lines, at, path, err);
        }
        free(entries[i]);
    }
    free(entries);
    return done;
}

static void put_living(struct lines *lines)
{
    begin_list(lines, "living");
    for (size_t i = 0; i < sizeof living / sizeof *living; i++) {
        struct json_writer writer;
        begin_item(lines, &writer);
        json_put_text(&writer, slice_of(living[i]));
        json_writer_release(&writer);
    }
    end_list(lines);
}

/* ---- The whole */

static bool put_head(struct lines *lines, struct keeping *keeping,
                     const unsigned char public_key[ED25519_BYTES], struct error *err)
{
    struct platform *platform = keeping->platform;
    const struct area *city = registry_city(platform->registry);
    unsigned char digest[32];
    char hex[65], key[80], text[TIME_TEXT_BYTES];
    int64_t bytes;
    if (!file_digest(store_directory_fd(platform->store), "sunset/plan.json", digest, &bytes, err))
        return false;
    text_to_hex(digest, sizeof digest, hex);
    public_key_text(public_key, key);
    buffer_append_text(lines->out, "{");
    put_line(lines, "certificate", SLICE("chengmai sunset 1"));
    put_line(lines, "city", city ? city->name_zh : SLICE(""));
    put_line(lines, "finished_at", slice_of(time_format(world_real_now() / SECOND * SECOND, text)));
    put_line(lines, "city_time",
             slice_of(time_format(world_now(platform->world) / SECOND * SECOND, text)));
    put_line(lines, "plan_sha256", slice_of(hex));
    put_line(lines, "city_public_key", slice_of(key));
    return true;
}

static bool put_body(struct lines *lines, struct keeping *keeping,
                     const unsigned char public_key[ED25519_BYTES], struct error *err)
{
    struct store *store = keeping->platform->store;
    struct sql *sql;
    if (!put_head(lines, keeping, public_key, err) || !store_read_begin(store, &sql, err))
        return false;
    bool done = put_signers(lines, sql, err) && put_tables(lines, sql, err) &&
                put_presence(lines, sql, err) && put_destroyed_keys(lines, sql, err);
    store_read_end(store, sql);
    if (!done || !put_kept_keys(lines, keeping, err))
        return false;
    begin_list(lines, "files");
    done = put_folder(lines, store_directory_fd(store), "", 0, err);
    end_list(lines);
    put_living(lines);
    return done;
}

bool certificate_write(struct keeping *keeping, const unsigned char seed[KEY_BYTES],
                       struct error *err)
{
    unsigned char public_key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    unsigned char signature[ED25519_SIGNATURE_BYTES];
    char text[100];
    struct buffer out;
    struct lines lines = {.out = &out};
    buffer_init(&out, SUNSET_BYTES_MAX);
    crypto_sign_seed_keypair(public_key, secret, seed);
    bool done = put_body(&lines, keeping, public_key, err);
    if (done && out.overflow)
        done = error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = "certificate"}, NULL,
                         "the certificate is too large");
    if (done) {
        crypto_sign_detached(signature, NULL, (const unsigned char *)out.data, out.length, secret);
        base64_text(signature, sizeof signature, text);
        buffer_print(&out, "\"signature\":\"%s\"}\n", text);
        done = file_replace(store_directory_fd(keeping->platform->store),
                            "sunset/certificate.json", out.data, out.length, err);
    }
    sodium_memzero(secret, sizeof secret);
    buffer_release(&out);
    return done;
}

/* ---- Aggregates: the counters as a table; what counts fewer than five is not told */

enum { TOLD_FROM = 5 };

bool certificate_aggregates(struct keeping *keeping, struct error *err)
{
    struct store *store = keeping->platform->store;
    struct sql_query *query;
    struct buffer out;
    struct sql *sql;
    char day[TIME_TEXT_BYTES];
    if (!store_read_begin(store, &sql, err))
        return false;
    buffer_init(&out, SUNSET_BYTES_MAX);
    buffer_append_text(&out, "day,area,counter,value\n");
    bool row, done = sql_begin(sql, &aggregate_select, NULL, 0, &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        int64_t number = sql_get_int(query, 0), value = sql_get_int(query, 3);
        struct slice area = sql_get_text(query, 1), name = sql_get_text(query, 2);
        buffer_print(&out, "%s,%.*s,%.*s,", number ? time_format_date((int32_t)number, day) : "",
                     SLICE_ARG(area), SLICE_ARG(name));
        if (value > 0 && value < TOLD_FROM)
            buffer_append_text(&out, "<5\n");
        else
            buffer_print(&out, "%lld\n", (long long)value);
    }
    store_read_end(store, sql);
    if (done && out.overflow)
        done = error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = "aggregates"}, NULL,
                         "too many counters");
    done = done && file_replace(store_directory_fd(store), "sunset/aggregates.csv", out.data,
                                out.length, err);
    buffer_release(&out);
    return done;
}
