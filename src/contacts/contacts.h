/* contacts: what follows from a positive person at once, and who was found to be whose contact
 * (README.md). */
#ifndef CHENGMAI_CONTACTS_CONTACTS_H
#define CHENGMAI_CONTACTS_CONTACTS_H

#include "module/module.h"

/* A job of the server, after every commit with events: follows results up to the newest event. What
 * has no positive result in it costs one read. *looked: the newest event that was looked at, the
 * caller's to keep between calls, 0 at first. *ret_cases: cases that it entered. */
bool contacts_follow(struct platform *platform, int64_t *looked, int64_t *ret_cases,
                     struct error *err) MUST_USE;

/* ---- Contacts of cases, as they were found: a finding, no evidence; no colour follows from it */

#define CONTACT_LEVEL_TABLE(X)                                                                     \
    X(CONTACT_CLOSE, "close")                                                                      \
    X(CONTACT_SECONDARY, "secondary")                                                              \
    X(CONTACT_GENERAL, "general")                                                                  \
    X(CONTACT_SPATIOTEMPORAL, "spatiotemporal")
enum contact_level {
#define X(id, name) id,
    CONTACT_LEVEL_TABLE(X)
#undef X
        CONTACT_LEVELS
};
const char *contact_level_name(enum contact_level level);

struct case_contact {
    int64_t case_no;
    uint32_t person, via; /* via: of a secondary contact, the close one between; 0: the case */
    enum contact_level level;
    timestamp last_exposure_at, known_at;
};
/* Inside a job. Once a case and person: what was found first stands. */
bool contact_add(struct sql *sql, const struct case_contact *contact, struct error *err) MUST_USE;
/* At most `limit` of a case, by number of person after `after`, into the arena. */
bool contacts_of_case(struct sql *sql, int64_t case_no, int64_t after, int64_t limit,
                      struct arena *arena, struct case_contact **ret_contacts, size_t *ret_count,
                      struct error *err) MUST_USE;
/* The cases that found a person to be a contact, at most 200, by number of case. */
bool contacts_of_person(struct sql *sql, uint32_t person, struct arena *arena,
                        struct case_contact **ret_contacts, size_t *ret_count,
                        struct error *err) MUST_USE;
/* How many a case has of each level. */
bool contacts_count(struct sql *sql, int64_t case_no, int64_t ret_counts[CONTACT_LEVELS],
                    struct error *err) MUST_USE;

extern const struct sql_list contact_statements; /* the room's own */
extern const struct module contacts_module;

#endif
