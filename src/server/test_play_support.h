/* The cast of the plays: who and what they are about, under names that a play may use.
 *
 *   $unit      a number: of a person, a unit, a member of staff …
 *   $photo     the digest of a photo that who takes the step has sent
 *   now+2h     a time, from the moment of the step on; now-30m, now+0m
 *
 * Users are the demo city's (role, role-320412, role-320481) and those of `members` below. All that
 * a play is about lies in one town of district 320412. */
#ifndef CHENGMAI_SERVER_TEST_PLAY_SUPPORT_H
#define CHENGMAI_SERVER_TEST_PLAY_SUPPORT_H

#include "server/test_loop_support.h"

#define TOWN "(SELECT area_no FROM area WHERE code = '320412102')"
#define DISTRICT "(SELECT area_no FROM area WHERE code = '320412')"

/* Two offices of the district are units like one another; the unit of the plays is the first. */
enum { PLAY_PERSON = 5, PLAY_UNIT = 7, PLAY_TEAM_UNIT = 8, PLAY_LIKE_UNIT = 11, PLAY_VEHICLE = 3 };

/* Users of district 320412 who are somebody, or serve in a unit: the demo city has none such. Of
 * staff the numbers are those of the demo city's members of staff. */
static const struct {
    const char *name, *role;
    int staff, unit;
} members[] = {
    {"firm", "unit_manager", 0, PLAY_UNIT},
    {"firm_two", "unit_manager", 0, PLAY_UNIT},
    {"firm_inspector", "inspector", 0, PLAY_UNIT}, /* one who might fix and verify */
    {"team", "unit_manager", 0, PLAY_TEAM_UNIT},
    {"like_inspector", "inspector", 0, PLAY_LIKE_UNIT},
    {"like_firm", "unit_manager", 0, PLAY_LIKE_UNIT},
    {"driver", "checkpoint_officer", 1, 0},
    {"going_off", "checkpoint_officer", 2, 0},
    {"coming_on", "checkpoint_officer", 3, 0},
    {"team_lead", "inspector", 4, 0},
    {"second", "inspector", 6, 0},
    {"nurse", "sampler", 7, 0},
    {"stand_in", "sampler", 8, 0},
    {"community", "grid_worker", 9, 0},
};

/* ---- Made once, in the template of all cities */

static inline void cast_change(struct loopback *loop, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline void cast_change(struct loopback *loop, const char *format, ...)
{
    char text[700];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    loopback_change(loop, text);
}

static inline void cast_things(struct loopback *loop)
{
    static const struct {
        enum scene_kind kind;
        const char *code;
    } things[] = {
        {SCENE_SITE, "SITE-1"},   {SCENE_CHECKPOINT, "GATE-1"}, {SCENE_CHECKPOINT, "GATE-2"},
        {SCENE_ALERT, "ALERT-1"}, {SCENE_BATCH, "BATCH-1"},     {SCENE_TUBE, "TUBE-1"},
    };
    for (size_t i = 0; i < sizeof things / sizeof *things; i++)
        cast_change(loop,
                    "INSERT INTO thing (kind, code, name, area_no, unit_no) VALUES (%d, '%s', '%s',"
                    " " TOWN ", 0)",
                    things[i].kind, things[i].code, things[i].code);
}

static inline int cast_create(void **state)
{
    if (loopback_template_create(state))
        return 1;
    struct loopback loop = {.platform = NULL};
    memcpy(loop.directory, test_template, sizeof loop.directory);
    loopback_open(&loop);
    cast_change(&loop, "UPDATE person SET area_no = " TOWN " WHERE person_no IN (5, 7, 8, 9)");
    cast_change(&loop, "UPDATE vehicle SET area_no = " TOWN " WHERE vehicle_no = %d", PLAY_VEHICLE);
    cast_change(&loop, "UPDATE case_record SET area_no = " TOWN " WHERE case_no = 1");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        cast_change(&loop, "UPDATE staff SET area_no = " TOWN " WHERE staff_no = %d",
                    members[i].staff);
        cast_change(&loop,
                    "INSERT INTO app_user (name, role, area_no, failures, locked_until, unit_no,"
                    " person_no) VALUES ('%s', '%s', " DISTRICT ", 0, 0, %d, (SELECT person_no FROM"
                    " staff WHERE staff_no = %d))",
                    members[i].name, members[i].role, members[i].unit, members[i].staff);
    }
    cast_things(&loop);
    platform_close(loop.platform);
    return 0;
}

/* ---- A city for a play */

/* In memory where the machine has such a place: nothing of a play must outlive it, and a play waits
 * for the disk at every step. */
static inline struct loopback *cast_city(void)
{
    char command[200];
    struct loopback *loop = x_alloc(1, sizeof *loop);
    snprintf(loop->directory, sizeof loop->directory, "%s/chengmai-play-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(loop->directory));
    snprintf(command, sizeof command, "cp -a %s/. %s", test_template, loop->directory);
    assert_int_equal(system(command), 0);
    loopback_open(loop);
    return loop;
}

/* ---- Names */

/* The query of a number; "" where the name is nobody's. */
static inline void cast_query(const char *name, char out[200])
{
    static const struct {
        const char *name, *query;
    } numbers[] = {
        {"person", "SELECT 5"},
        {"other_person", "SELECT 7"},
        {"unit", "SELECT 7"},
        {"team_unit", "SELECT 8"},
        {"like_unit", "SELECT 11"},
        {"far_unit", "SELECT 1"},
        {"vehicle", "SELECT 3"},
        {"case", "SELECT 1"},
        {"venue", "SELECT venue_no FROM venue WHERE unit_no = 7"},
        {"town", "SELECT area_no FROM area WHERE code = '320412102'"},
    };
    static const char *const things[] = {"SITE", "GATE", "ALERT", "BATCH", "TUBE"};
    out[0] = '\0';
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(numbers[i].name, name) == 0)
            snprintf(out, 200, "%s", numbers[i].query);
    for (size_t i = 0; i < sizeof things / sizeof *things; i++)
        if (strcasecmp(things[i], name) == 0)
            snprintf(out, 200, "SELECT thing_no FROM thing WHERE code = '%s-1'", things[i]);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (members[i].staff && strcmp(members[i].name, name) == 0)
            snprintf(out, 200, "SELECT %d", members[i].staff);
        else if (members[i].staff && strncmp(name, "person_of_", 10) == 0 &&
                 strcmp(members[i].name, name + 10) == 0)
            snprintf(out, 200, "SELECT person_no FROM staff WHERE staff_no = %d", members[i].staff);
    if (strcmp(name, "other_gate") == 0)
        snprintf(out, 200, "SELECT thing_no FROM thing WHERE code = 'GATE-2'");
}

/* "2h", "30m", "14d"; TIMESTAMP_NONE where it is none. */
static inline timestamp play_duration(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    int64_t count;
    char letter = text[digits];
    timestamp unit = letter == 'm' ? MINUTE : letter == 'h' ? HOUR : letter == 'd' ? DAY : 0;
    return unit && !text[digits + 1] &&
                   slice_to_int64((struct slice){text, digits}, 0, 1000, &count)
               ? count * unit
               : TIMESTAMP_NONE;
}

/* A time that a text like now+2h means; TIMESTAMP_NONE where it is another text. */
static inline timestamp play_time(struct loopback *loop, const char *text)
{
    if (strncmp(text, "now", 3) != 0 || !text[3])
        return TIMESTAMP_NONE;
    timestamp distance = play_duration(text + 4);
    if ((text[3] != '+' && text[3] != '-') || distance == TIMESTAMP_NONE)
        return TIMESTAMP_NONE;
    return text[3] == '+' ? now(loop) + distance : now(loop) - distance;
}

#endif
