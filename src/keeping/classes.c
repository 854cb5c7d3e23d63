/* What there is: record classes, and every table of the house with its class. test_classes.c
 * fails on a table that stands here not. To add a table: a row; to add a class: a row in
 * keeping_internal.h and one in policies/retention.yaml. */
#include "keeping/keeping_internal.h"

static const struct {
    const char *name;
    enum keeper keeper;
} classes[RECORD_CLASS_COUNT] = {
#define X(id, name, keeper) [id] = {name, keeper},
    RECORD_CLASS_TABLE(X)
#undef X
};

const char *record_class_name(enum record_class class_)
{
    return classes[class_].name;
}

enum keeper record_class_keeper(enum record_class class_)
{
    return classes[class_].keeper;
}

int record_class_of(struct slice name)
{
    for (int i = 0; i < RECORD_CLASS_COUNT; i++)
        if (slice_equal(slice_of(classes[i].name), name))
            return i;
    return -1;
}

/* table, class, closed after the end */
#define TABLES(X)                                                                                  \
    X(person, CLASS_PERSONS, true)                                                                 \
    X(person_stay, CLASS_STAYS, true)                                                              \
    X(household, CLASS_PERSONS, true)                                                              \
    X(external_id, CLASS_PERSONS, true)                                                            \
    X(staff, CLASS_STAFF, true)                                                                    \
    X(vehicle, CLASS_VEHICLES, true)                                                               \
    X(case_record, CLASS_CASES, true)                                                              \
    X(case_contact, CLASS_CASES, true)                                                             \
    X(evidence, CLASS_EVIDENCE, true)                                                              \
    X(evidence_seal, CLASS_EVIDENCE, false)                                                        \
    X(evidence_gap, CLASS_EVIDENCE, false)                                                         \
    X(evidence_retired, CLASS_EVIDENCE, false)                                                     \
    X(override_request, CLASS_EVIDENCE, true)                                                      \
    X(override_decision, CLASS_EVIDENCE, true)                                                     \
    X(appeal, CLASS_EVIDENCE, true)                                                                \
    X(representation, CLASS_PERSONS, true)                                                         \
    X(watched_person, CLASS_PERSONS, true)                                                         \
    X(seen_list, CLASS_PERSONS, true)                                                              \
    X(seen_person, CLASS_PERSONS, true)                                                            \
    X(export_request, CLASS_AUDIT, false)                                                          \
    X(broken_glass, CLASS_AUDIT, false)                                                            \
    X(audit_head, CLASS_AUDIT, false)                                                              \
    X(known_device, CLASS_SESSIONS, false)                                                         \
    X(rule_change, CLASS_REFERENCE, false)                                                         \
    X(rule_signature, CLASS_REFERENCE, false)                                                      \
    X(venue_suspicion, CLASS_AGGREGATES, false)                                                    \
    X(demo_infection, CLASS_DEMO_LIFE, true)                                                       \
    X(demo_isolation, CLASS_DEMO_LIFE, true)                                                       \
    X(demo_piece, CLASS_DEMO_LIFE, true)                                                           \
    X(loop, CLASS_LOOPS, true)                                                                     \
    X(loop_act, CLASS_LOOPS, true)                                                                 \
    X(loop_party, CLASS_LOOPS, true)                                                               \
    X(loop_pending, CLASS_LOOPS, true)                                                             \
    X(loop_signature, CLASS_LOOPS, true)                                                           \
    X(loop_child, CLASS_LOOPS, true)                                                               \
    X(loop_about, CLASS_LOOPS, true)                                                               \
    X(loop_sheet_row, CLASS_LOOPS, true)                                                           \
    X(loop_photo, CLASS_LOOPS, true)                                                               \
    X(loop_case, CLASS_LOOPS, true)                                                                \
    X(photo, CLASS_PHOTOS, true)                                                                   \
    X(photo_sender, CLASS_PHOTOS, true)                                                            \
    X(seat, CLASS_LOOPS, true)                                                                     \
    X(tube_member, CLASS_LOOPS, true)                                                              \
    X(result, CLASS_LOOPS, true)                                                                   \
    X(tube_retest, CLASS_LOOPS, true)                                                              \
    X(tube_member_result, CLASS_LOOPS, true)                                                       \
    X(notice, CLASS_NOTICES, true)                                                                 \
    X(notice_reader, CLASS_NOTICES, true)                                                          \
    X(notice_delivery, CLASS_NOTICES, true)                                                        \
    X(notice_address, CLASS_NOTICES, true)                                                         \
    X(notice_channel, CLASS_AGGREGATES, false)                                                     \
    X(thing, CLASS_REFERENCE, false)                                                               \
    X(series_point, CLASS_AGGREGATES, false)                                                       \
    X(series_feed, CLASS_AGGREGATES, false)                                                        \
    X(alert, CLASS_AGGREGATES, false)                                                              \
    X(alert_change, CLASS_AGGREGATES, false)                                                       \
    X(alert_run, CLASS_AGGREGATES, false)                                                          \
    X(feed_state, CLASS_AGGREGATES, false)                                                         \
    X(venue_cluster_run, CLASS_AGGREGATES, false)                                                  \
    X(venue_cluster, CLASS_AGGREGATES, false)                                                      \
    X(venue_silence, CLASS_AGGREGATES, false)                                                      \
    X(alert_disposition, CLASS_LOOPS, true)                                                        \
    X(alert_watch, CLASS_LOOPS, true)                                                              \
    X(loop_indicator, CLASS_AGGREGATES, false)                                                     \
    X(loop_count, CLASS_AGGREGATES, false)                                                         \
    X(scene_version, CLASS_REFERENCE, false)                                                       \
    X(area_risk, CLASS_REFERENCE, false)                                                           \
    X(duty, CLASS_ACCOUNTS, false)                                                                 \
    X(absence, CLASS_ACCOUNTS, false)                                                              \
    X(event, CLASS_EVENTS, false)                                                                  \
    X(user_token, CLASS_SESSIONS, false)                                                           \
    X(ended_session, CLASS_SESSIONS, false)                                                        \
    X(idempotency, CLASS_REQUESTS, false)                                                          \
    X(app_user, CLASS_ACCOUNTS, false)                                                             \
    X(audit, CLASS_AUDIT, false)                                                                   \
    X(counter, CLASS_AGGREGATES, false)                                                            \
    X(counter_past, CLASS_AGGREGATES, false)                                                       \
    X(area, CLASS_REFERENCE, false)                                                                \
    X(source, CLASS_REFERENCE, false)                                                              \
    X(unit, CLASS_REFERENCE, false)                                                                \
    X(venue, CLASS_REFERENCE, false)                                                               \
    X(import, CLASS_REFERENCE, false)                                                              \
    X(number_floor, CLASS_REFERENCE, false)                                                        \
    X(setting, CLASS_REFERENCE, false)                                                             \
    X(migration, CLASS_REFERENCE, false)                                                           \
    X(event_cursor, CLASS_REFERENCE, false)                                                        \
    X(retention_run, CLASS_REFERENCE, false)                                                       \
    X(retention_act, CLASS_REFERENCE, false)                                                       \
    X(retention_hold, CLASS_REFERENCE, false)                                                      \
    X(sunset_signature, CLASS_REFERENCE, false)                                                    \
    X(sunset_deed, CLASS_REFERENCE, false)                                                         \
    X(job, CLASS_REFERENCE, false)

#define DECLARED(table, class_, closed)                                                            \
    static const struct sql_text table##_count = {                                                 \
        #table "_counted", "SELECT count(*) FROM " #table, "whole table"};                         \
    static const struct sql_text table##_empty = {                                                 \
        #table "_empty", "DELETE FROM " #table, "whole table"};                                    \
    static const struct sql_text table##_close = {                                                 \
        #table "_close",                                                                           \
        "CREATE TRIGGER IF NOT EXISTS sunset_" #table " BEFORE INSERT ON " #table                  \
        " BEGIN SELECT RAISE(ABORT, 'the personal data of this city were destroyed, and none is"   \
        " taken any more'); END",                                                                  \
        "small table"};
TABLES(DECLARED)

#define ROW(table, class_, closed)                                                                 \
    {#table, class_, closed, &table##_count, &table##_empty, &table##_close},
const struct record_table record_tables[] = {TABLES(ROW)};
const size_t record_table_count = sizeof record_tables / sizeof *record_tables;

#define TABLE_STATEMENTS(table, class_, closed) &table##_count, &table##_empty, &table##_close,
static const struct sql_text *const table_texts[] = {TABLES(TABLE_STATEMENTS)};
const struct sql_list table_statements = {table_texts, sizeof table_texts / sizeof *table_texts};
