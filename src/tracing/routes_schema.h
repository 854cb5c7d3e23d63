/* JSON Schemas of the answers in routes.c, small ones first. The typed client of the console is
 * generated from them. */
#ifndef CHENGMAI_TRACING_ROUTES_SCHEMA_H
#define CHENGMAI_TRACING_ROUTES_SCHEMA_H

#define INTEGER "{\"type\":\"integer\"}"
#define NUMBER "{\"type\":\"number\"}"
#define TEXT "{\"type\":\"string\"}"
#define TEXT_OR_NULL "{\"type\":[\"string\",\"null\"]}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define TIME_OR_NULL "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"

#define AREA                                                                                       \
    "{\"type\":[\"object\",\"null\"],\"required\":[\"code\",\"name_zh\",\"name_en\"],"             \
    "\"properties\":{\"code\":" TEXT ",\"name_zh\":" TEXT ",\"name_en\":" TEXT "}}"

#define CASE_FIELDS                                                                                \
    "\"id\":" INTEGER ",\"person_no\":" INTEGER ",\"name\":" TEXT_OR_NULL ","                      \
    "\"area\":" AREA ",\"kind\":" TEXT ",\"at\":" TIME ",\"recorded_at\":" TIME

#define CASE_NAMES                                                                                 \
    "\"id\",\"person_no\",\"name\",\"area\",\"kind\",\"at\",\"recorded_at\""

#define CASE_OBJECT                                                                                \
    "{\"type\":\"object\",\"required\":[" CASE_NAMES "],\"properties\":{"                          \
    CASE_FIELDS "}}"

#define VISIT                                                                                      \
    "{\"type\":\"object\",\"required\":[\"time\",\"mode\",\"evidence\",\"decision\","              \
    "\"dwell_p50_minutes\",\"dwell_p90_minutes\",\"infectious\"],\"properties\":{"                 \
    "\"time\":" TIME ",\"infectious\":{\"enum\":[\"within\",\"under_way\",\"outside\"]},"          \
    "\"mode\":" TEXT ",\"evidence\":{\"enum\":[\"claimed\",\"rotating\",\"attended\","             \
    "\"sealed\"]},\"decision\":{\"enum\":[\"pass\",\"refuse\",\"check\"]},"                        \
    "\"dwell_p50_minutes\":" NUMBER ",\"dwell_p90_minutes\":" NUMBER "}}"

#define LANE                                                                                       \
    "{\"type\":\"object\",\"required\":[\"venue_no\",\"venue\",\"category\",\"area\","             \
    "\"visits\"],\"properties\":{\"venue_no\":" INTEGER ",\"venue\":" TEXT_OR_NULL ","             \
    "\"category\":" TEXT ",\"area\":" AREA ",\"visits\":{\"type\":\"array\","                      \
    "\"items\":" VISIT "}}}"

#define REASON                                                                                     \
    "{\"type\":\"object\",\"required\":[\"rule\",\"evidence\",\"until\",\"words\"],"               \
    "\"properties\":{\"rule\":" TEXT ",\"evidence\":" INTEGER ","                                  \
    "\"until\":" TIME_OR_NULL ",\"words\":{"                                                       \
    "\"type\":\"object\",\"required\":[\"zh\",\"en\"],\"properties\":{"                            \
    "\"zh\":" TEXT ",\"en\":" TEXT "}}}}"

#define STATUS                                                                                     \
    "{\"type\":\"object\",\"required\":[\"color\",\"since\",\"until\",\"reasons\"],"               \
    "\"properties\":{\"color\":{\"enum\":[\"green\",\"yellow\",\"red\",\"unknown\"]},"             \
    "\"since\":" TIME_OR_NULL ",\"until\":" TIME_OR_NULL ",\"reasons\":{"                          \
    "\"type\":\"array\",\"items\":" REASON "}}}"

#define COMPLETENESS                                                                               \
    "{\"type\":\"object\",\"required\":[\"visits\",\"visits_direct\","                             \
    "\"share_direct\",\"venues_visited\",\"venues_silent\",\"days\","                              \
    "\"days_missing\"],\"properties\":{\"visits\":" INTEGER ","                                    \
    "\"visits_direct\":" INTEGER ",\"share_direct\":" NUMBER ","                                   \
    "\"venues_visited\":" INTEGER ",\"venues_silent\":" INTEGER ","                                \
    "\"days\":" INTEGER ",\"days_missing\":" INTEGER "}}"

#define CASE_PAGE                                                                                  \
    "{\"type\":\"object\",\"required\":[" CASE_NAMES ",\"window\",\"days\",\"lanes\","             \
    "\"status\",\"completeness\"],\"properties\":{" CASE_FIELDS ",\"window\":{"                    \
    "\"type\":\"object\",\"required\":[\"from\",\"to\",\"visits\",\"visits_direct\",\"venues\","   \
    "\"under_way\"],\"properties\":{\"from\":" TIME ",\"to\":" TIME ",\"visits\":" INTEGER ","     \
    "\"visits_direct\":" INTEGER ",\"venues\":" INTEGER ",\"under_way\":" INTEGER "}},"            \
    "\"days\":{\"type\":\"array\","                                                                \
    "\"items\":" TEXT "},\"lanes\":{\"type\":\"array\",\"items\":" LANE "},"                       \
    "\"status\":" STATUS ",\"completeness\":" COMPLETENESS "}}"

#define PLACE                                                                                      \
    "{\"type\":\"object\",\"required\":[\"venue_no\",\"venue\",\"index_time\","                    \
    "\"time\",\"gap_s\",\"weight\"],\"properties\":{\"venue_no\":" INTEGER ","                     \
    "\"venue\":" TEXT_OR_NULL ",\"index_time\":" TIME ",\"time\":" TIME ","                        \
    "\"gap_s\":" INTEGER ",\"weight\":" NUMBER "}}"

#define EXPOSED                                                                                    \
    "{\"type\":\"object\",\"required\":[\"person_no\",\"name\",\"color\",\"weight\","              \
    "\"co_visits\",\"closest_gap_s\",\"places\"],\"properties\":{"                                 \
    "\"person_no\":" INTEGER ",\"name\":" TEXT_OR_NULL ",\"color\":{"                              \
    "\"enum\":[\"green\",\"yellow\",\"red\",\"unknown\",null]},\"weight\":" NUMBER ","             \
    "\"co_visits\":" INTEGER ",\"closest_gap_s\":" INTEGER ",\"places\":{"                         \
    "\"type\":\"array\",\"items\":" PLACE "}}}"

#define SUMMARY                                                                                    \
    "{\"type\":\"object\",\"required\":[\"visits\",\"under_way\",\"venues\",\"exposed\","          \
    "\"rows_read\",\"seconds\",\"completeness\"],\"properties\":{"                                 \
    "\"visits\":" INTEGER ",\"under_way\":" INTEGER ",\"venues\":" INTEGER ","                     \
    "\"exposed\":" INTEGER ","                                                                     \
    "\"rows_read\":" INTEGER ",\"seconds\":" NUMBER ","                                            \
    "\"completeness\":" COMPLETENESS "}}"

#define EXPOSURES_PAGE                                                                             \
    "{\"type\":\"object\",\"required\":[\"items\",\"next\",\"summary\"],"                          \
    "\"properties\":{\"items\":{\"type\":\"array\",\"items\":" EXPOSED "},"                        \
    "\"next\":" TEXT_OR_NULL ",\"summary\":" SUMMARY "}}"

#define CASES_PAGE                                                                                 \
    "{\"type\":\"object\",\"required\":[\"items\",\"next\"],\"properties\":{"                      \
    "\"items\":{\"type\":\"array\",\"items\":" CASE_OBJECT "},"                                    \
    "\"next\":" TEXT_OR_NULL "}}"

#endif
