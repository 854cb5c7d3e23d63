/* Inside the chains room only. */
#ifndef CHENGMAI_CHAINS_INTERNAL_H
#define CHENGMAI_CHAINS_INTERNAL_H

#include "chains/chains.h"
#include "contacts/contacts.h"
#include "loops/loops.h"
#include "policy/policy.h"
#include "tracing/cases.h"
#include "tracing/tracing.h"

/* ---- Settings (settings.c) */

#define CHAIN_NUMBER_TABLE(X)                                                                      \
    X(CHAIN_GENERATIONS, "generations", 1, 10)                                                     \
    X(CHAIN_CASES, "cases", 2, 500)                                                                \
    X(CHAIN_SOURCES, "sources", 1, 100)                                                            \
    X(CHAIN_LOOKS, "looks", 1, 5000)                                                               \
    X(CHAIN_APART_HOURS, "apart_hours", 0, 336)                                                    \
    X(CHAIN_LEAST_PERCENT, "least_percent", 0, 100)
enum chain_number {
#define X(id, name, low, high) id,
    CHAIN_NUMBER_TABLE(X)
#undef X
        CHAIN_NUMBERS
};
enum { HELD_STAGES_MAX = 32, HELD_CATEGORIES_MAX = 16, HELD_NAME_BYTES = 64 };
struct chains {
    struct platform *platform;
    int64_t number[CHAIN_NUMBERS];
    char held_names[HELD_STAGES_MAX][2][HELD_NAME_BYTES]; /* scene, stage */
    struct loop_stage_name held[HELD_STAGES_MAX];         /* into held_names */
    size_t held_count;
    char held_at[HELD_CATEGORIES_MAX][HELD_NAME_BYTES]; /* categories of units */
    size_t held_at_count;
};
/* The whole of a document of policies/chains.yaml, or ERROR_BAD_VALUE with its place. */
bool chain_settings_read(json_t *document, const struct policy *policy, struct chains *chains,
                         struct error *err) MUST_USE;

/* ---- Links (links.c): that one case may have infected another, and what speaks for it */

struct chain_link {
    const struct case_row *from, *to;     /* from has the earlier t0 */
    bool order_known;                     /* the t0s tell who came first */
    bool household;                       /* live together */
    bool named;                           /* `to` was found to be a contact of `from` */
    enum contact_level level;             /* of named */
    timestamp known_at, last_exposure_at; /* of named */
    double weight;                        /* of co-presence, 1 − Π (1 − S); 0: none */
    uint32_t co_visits, closest_gap_seconds;
    uint32_t last_at, venue; /* of co-presence: the last moment, and where it weighed most */
};
/* Links to and from one case, strongest first. */
struct chain_links {
    struct chain_link *in, *out;
    size_t in_count, out_count;
    bool looked;
};
struct linker {
    struct platform *platform;
    struct sql *sql;
    struct presence_view *view;
    struct tracer *tracer;
    struct arena *arena;
    const struct case_row *cases; /* by person; all that are considered */
    size_t case_count;
    uint32_t *persons; /* theirs */
    const struct case_row **by_no;
    struct chain_links *links; /* of each case */
    int64_t looks, looks_max;
    timestamp apart;   /* t0s that lie closer tell no order */
    double least;      /* lighter co-presence speaks for nothing */
    bool contacts_cut; /* a case has more contacts than are read */
};
void linker_begin(struct linker *linker);
/* Looks at one of the cases, once; *ret_links NULL where as many were looked at as may be. */
bool linker_look(struct linker *linker, const struct case_row *row,
                 const struct chain_links **ret_links, struct error *err) MUST_USE;

/* ---- The chain (build.c) */

#define CHAIN_CUT_TABLE(X)                                                                         \
    X(CUT_GENERATIONS, "generations") /* it goes on beyond the last generation */                  \
    X(CUT_CASES, "cases")             /* more cases than are asked for */                          \
    X(CUT_SOURCES, "sources")         /* more possible sources than are shown */                   \
    X(CUT_LOOKS, "looks")             /* as many ways were read as may be */                       \
    X(CUT_CONSIDERED, "considered")   /* more cases in these days than are considered */           \
    X(CUT_CONTACTS, "contacts")       /* a case has more contacts than are read */
enum chain_cut {
#define X(id, name) id,
    CHAIN_CUT_TABLE(X)
#undef X
        CHAIN_CUTS
};
const char *chain_cut_name(enum chain_cut cut);

struct chain_node {
    const struct case_row *row;
    int generation;                  /* from the case: < 0 before it, 0 itself, > 0 after it */
    const struct chain_links *links; /* NULL: not looked at */
};
struct chain {
    struct chain_node *nodes; /* the case first */
    size_t node_count;
    const struct chain_link **edges;
    size_t edge_count;
    bool cut[CHAIN_CUTS];
};
struct chain_limits {
    int64_t generations, cases, sources;
};
bool chain_build(struct linker *linker, const struct case_row *row,
                 const struct chain_limits *limits, struct chain *ret_chain,
                 struct error *err) MUST_USE;
/* The possible source with the strongest evidence; NULL where there is none or it was not looked.
 */
const struct chain_link *chain_likely(const struct chain_links *links);

/* ---- Delays (delays.c) */

/* TIMESTAMP_NONE: not known. */
struct delays {
    timestamp onset_at;        /* of an asymptomatic infection: none */
    timestamp sampled_at;      /* of the first positive sample */
    timestamp held_at;         /* kept apart from then on */
    struct loop_entry held_by; /* at TIMESTAMP_NONE: a registered stay */
    timestamp listed_at;       /* found to be a contact, before the report */
    bool listed_close;         /* else secondary */
};
bool delays_read(struct platform *platform, struct sql *sql, const struct case_row *row,
                 struct arena *arena, struct delays *ret_delays, struct error *err) MUST_USE;

enum { CHAIN_ROUTES = 2 };
extern const struct route chain_routes[CHAIN_ROUTES];
extern const struct sql_list link_statements, delay_statements;

#endif
