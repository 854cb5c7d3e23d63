/* One user for every role, in the city and in two districts. Passwords are secrets: drawn anew in
 * every city, whatever its seed. */
#include "sim/users.h"

#include "access/access.h"
#include "registry/registry.h"

enum { PASSWORD_BYTES = 24, SYLLABLES = 6 };

struct users_job {
    struct platform *platform;
    struct buffer logins; /* JSON array of the city's logins */
    FILE *out;
};

/* Six syllables that can be read out: "badofi-hekuno". */
static void make_password(char out[PASSWORD_BYTES])
{
    static const char consonants[] = "bdfghjkmnprstvwz", vowels[] = "aeiou";
    unsigned char bytes[2 * SYLLABLES];
    size_t at = 0;
    world_random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < SYLLABLES; i++) {
        if (i == SYLLABLES / 2)
            out[at++] = '-';
        out[at++] = consonants[bytes[2 * i] % 16];
        out[at++] = vowels[bytes[2 * i + 1] % 5];
    }
    out[at] = '\0';
}

/* Who answers to whom; roles that are not named answer to nobody: laboratories' and inspectors'
 * leads, approvers, appeals officers, auditors and administrators stand outside every other's
 * line. */
static const struct {
    const char *role, *lead;
} lines[] = {
    {"command_duty", "command"},         {"cdc_lead", "command"},
    {"district_duty", "command"},        {"press", "command"},
    {"cdc_duty", "cdc_lead"},            {"cdc_investigator", "cdc_lead"},
    {"epidemiologist", "cdc_lead"},      {"town_duty", "district_duty"},
    {"grid_worker", "town_duty"},        {"checkpoint_lead", "command_duty"},
    {"checkpoint_officer", "checkpoint_lead"}, {"site_lead", "command_duty"},
    {"site_staff", "site_lead"},         {"sampler", "lab_lead"},
    {"lab_duty", "lab_lead"},            {"venue_staff", "venue_manager"},
    {"inspector", "inspection_lead"},
};

static void note_login(struct json_writer *writer, const struct role *role, const char *name,
                       const char *password)
{
    json_object_begin(writer);
    json_field_text(writer, "name", slice_of(name));
    json_field_text(writer, "password", slice_of(password));
    json_field_text(writer, "role", slice_of(role->title_zh));
    json_object_end(writer);
}

/* Of the city, and of two districts. */
static const char *const districts[] = {NULL, "320412", "320481"};
enum { DISTRICTS = sizeof districts / sizeof *districts };

static void user_name(const char *role, size_t district, char out[64])
{
    snprintf(out, 64, "%s%s%s", role, district ? "-" : "", district ? districts[district] : "");
}

static bool add_role(struct sql *sql, struct users_job *job, const struct role *role,
                     struct json_writer *writer, struct error *err)
{
    struct platform *platform = job->platform;
    for (size_t d = 0; d < DISTRICTS; d++) {
        const struct area *area =
            d ? registry_area_by_code(platform->registry, slice_of(districts[d]))
              : registry_city(platform->registry);
        char name[64], password[PASSWORD_BYTES];
        int64_t user_no;
        REQUIRE(area); /* built-in areas */
        user_name(role->name, d, name);
        make_password(password);
        if (!access_user_add(sql, platform->access, slice_of(name), slice_of(role->name),
                             area->no, password, &user_no, err))
            return false;
        if (d)
            continue;
        fprintf(job->out, "  %-20s %s\n", name, password);
        note_login(writer, role, name, password);
    }
    return true;
}

static bool add_lines(struct sql *sql, struct users_job *job, struct error *err)
{
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        for (size_t d = 0; d < DISTRICTS; d++) {
            char name[64], lead[64];
            int64_t user_no;
            user_name(lines[i].role, d, name);
            user_name(lines[i].lead, d, lead);
            if (!policy_role(job->platform->policy, slice_of(lines[i].role)) ||
                !policy_role(job->platform->policy, slice_of(lines[i].lead)))
                continue; /* a city with roles of its own */
            if (!access_user_by_name(sql, slice_of(name), &user_no, err) ||
                !access_user_set_lead(sql, user_no, slice_of(lead), err))
                return false;
        }
    return true;
}

static bool add_users(struct sql *sql, void *context, struct error *err)
{
    struct users_job *job = context;
    struct json_writer writer;
    json_writer_init(&writer, &job->logins);
    json_array_begin(&writer);
    bool done = true;
    for (size_t r = 0; done && r < policy_role_count(job->platform->policy); r++)
        done = add_role(sql, job, policy_role_at(job->platform->policy, r), &writer, err);
    json_array_end(&writer);
    json_writer_release(&writer);
    done = done && add_lines(sql, job, err);
    return done && store_setting_set(sql, "demo_logins", buffer_slice(&job->logins), err);
}

bool users_build(struct platform *platform, FILE *out, struct error *err)
{
    struct users_job job = {.platform = platform, .out = out};
    buffer_init(&job.logins, 1 << 20);
    fprintf(out, "logins of the city (one a role; two districts have theirs: NAME-320412, "
                 "NAME-320481):\n");
    bool done = store_write(platform->store, add_users, &job, err);
    buffer_release(&job.logins);
    return done;
}
