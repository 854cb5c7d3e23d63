/* JSON Schemas of the answers in routes.c, small ones first. */
#ifndef CHENGMAI_CHAINS_ROUTES_SCHEMA_H
#define CHENGMAI_CHAINS_ROUTES_SCHEMA_H

#include "tracing/routes_schema.h"

#define BOOLEAN "{\"type\":\"boolean\"}"
#define INTEGER_OR_NULL "{\"type\":[\"integer\",\"null\"]}"
#define LIST_OF(item) "{\"type\":\"array\",\"items\":" item "}"
#define LEVEL "{\"enum\":[\"close\",\"secondary\",\"general\",\"spatiotemporal\"]}"
#define LEVEL_COUNTS                                                                               \
    "{\"type\":\"object\",\"required\":[\"close\",\"secondary\",\"general\","                      \
    "\"spatiotemporal\"],\"properties\":{\"close\":" INTEGER ",\"secondary\":" INTEGER             \
    ",\"general\":" INTEGER ",\"spatiotemporal\":" INTEGER "}}"

#define HELD_BY                                                                                    \
    "{\"type\":[\"object\",\"null\"],\"required\":[\"loop\",\"scene\",\"zh\",\"en\"],"             \
    "\"properties\":{\"loop\":" INTEGER ",\"scene\":" TEXT ",\"zh\":" TEXT ",\"en\":" TEXT "}}"

#define CHAIN_NODE                                                                                 \
    "{\"type\":\"object\",\"required\":[" CASE_NAMES ",\"generation\",\"onset_at\","               \
    "\"sampled_at\",\"held_at\",\"held_by\",\"listed_at\",\"listed_close\",\"sources\","           \
    "\"likely_source\",\"contacts\"],\"properties\":{" CASE_FIELDS ",\"generation\":" INTEGER      \
    ",\"onset_at\":" TIME_OR_NULL ",\"sampled_at\":" TIME_OR_NULL ",\"held_at\":" TIME_OR_NULL     \
    ",\"held_by\":" HELD_BY ",\"listed_at\":" TIME_OR_NULL ",\"listed_close\":" BOOLEAN            \
    ",\"sources\":" INTEGER_OR_NULL ",\"likely_source\":" INTEGER_OR_NULL                          \
    ",\"contacts\":" LEVEL_COUNTS "}}"

#define EVIDENCE_OF_LINK                                                                           \
    "{\"type\":\"object\",\"required\":[\"kind\"],\"properties\":{"                                \
    "\"kind\":{\"enum\":[\"contact\",\"household\",\"co_presence\"]},\"level\":" LEVEL             \
    ",\"known_at\":" TIME ",\"last_exposure_at\":" TIME ",\"weight\":" NUMBER                      \
    ",\"co_visits\":" INTEGER ",\"closest_gap_s\":" INTEGER ",\"last_at\":" TIME                   \
    ",\"venue_no\":" INTEGER ",\"venue\":" TEXT_OR_NULL "}}"

#define CHAIN_EDGE                                                                                 \
    "{\"type\":\"object\",\"required\":[\"from\",\"to\",\"weight\",\"likely\",\"strong\","         \
    "\"interval_hours\",\"order_known\",\"evidence\"],\"properties\":{\"from\":" INTEGER        \
    ",\"to\":" INTEGER ",\"weight\":" NUMBER ",\"likely\":" BOOLEAN ",\"strong\":" BOOLEAN         \
    ",\"interval_hours\":" NUMBER ",\"order_known\":" BOOLEAN                                   \
    ",\"evidence\":" LIST_OF(EVIDENCE_OF_LINK) "}}"

#define CHAIN_PAGE                                                                                 \
    "{\"type\":\"object\",\"required\":[\"at\",\"nodes\",\"edges\",\"considered\",\"limits\","     \
    "\"cut\",\"completeness\"],\"properties\":{\"at\":" TIME                                       \
    ",\"nodes\":" LIST_OF(CHAIN_NODE) ",\"edges\":" LIST_OF(CHAIN_EDGE)                            \
    ",\"considered\":" INTEGER ",\"limits\":{\"type\":\"object\",\"required\":["                   \
    "\"generations\",\"cases\",\"sources\"],\"properties\":{\"generations\":" INTEGER              \
    ",\"cases\":" INTEGER ",\"sources\":" INTEGER "}},\"cut\":" LIST_OF(                           \
        "{\"enum\":[\"generations\",\"cases\",\"sources\",\"looks\",\"considered\","               \
        "\"contacts\"]}") ",\"completeness\":" COMPLETENESS "}}"

#define CONTACT                                                                                    \
    "{\"type\":\"object\",\"required\":[\"person_no\",\"name\",\"color\",\"level\","               \
    "\"via\",\"last_exposure_at\",\"known_at\",\"case\"],\"properties\":{"                         \
    "\"person_no\":" INTEGER ",\"name\":" TEXT_OR_NULL ",\"color\":{\"enum\":[\"green\","          \
    "\"yellow\",\"red\",\"unknown\",null]},\"level\":" LEVEL ",\"via\":" INTEGER_OR_NULL           \
    ",\"last_exposure_at\":" TIME ",\"known_at\":" TIME ",\"case\":" INTEGER_OR_NULL "}}"

#define CONTACTS_PAGE                                                                              \
    "{\"type\":\"object\",\"required\":[\"at\",\"items\",\"next\",\"counts\"],"                    \
    "\"properties\":{\"at\":" TIME ",\"items\":" LIST_OF(CONTACT) ",\"next\":" TEXT_OR_NULL        \
    ",\"counts\":" LEVEL_COUNTS "}}"

#endif
