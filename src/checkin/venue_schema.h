/* JSON Schemas of what the routes of venues answer. */
#ifndef CHENGMAI_CHECKIN_VENUE_SCHEMA_H
#define CHENGMAI_CHECKIN_VENUE_SCHEMA_H

#define VENUE_FILTER                                                                               \
    "area:string:area code within the reader's own;category:string:a venue category;"              \
    "state:string:in_use, silent, suspected or closed;name:string:words within the name"

#define V_INT "{\"type\":\"integer\"}"
#define V_INT_OR_NULL "{\"type\":[\"integer\",\"null\"]}"
#define V_REAL_OR_NULL "{\"type\":[\"number\",\"null\"]}"
#define V_TEXT "{\"type\":\"string\"}"
#define V_BOOL "{\"type\":\"boolean\"}"
#define V_TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define V_TIME_OR_NULL "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define V_TEXT_OR_NULL "{\"type\":[\"string\",\"null\"]}"
#define V_LIST(item) "{\"type\":\"array\",\"items\":" item "}"
#define V_STATE "{\"enum\":[\"in_use\",\"silent\",\"closed\",\"unknown\"]}"
#define V_REASON "{\"enum\":[\"impossible_travel\",\"rate\"]}"
#define V_AREA_OF(type)                                                                            \
    "{\"type\":" type ",\"required\":[\"code\",\"name_zh\",\"name_en\"],"                          \
    "\"properties\":{\"code\":" V_TEXT ",\"name_zh\":" V_TEXT ",\"name_en\":" V_TEXT "}}"
#define V_AREA V_AREA_OF("\"object\"")
#define V_AREA_OR_NULL V_AREA_OF("[\"object\",\"null\"]")
/* True for when, known from which day, whether use is known at all, and the policy's bounds. */
#define V_KNOWN_NAMES                                                                              \
    "\"true_for\",\"known_from\",\"use_known\",\"in_use_hours\",\"suspected_days\""
#define V_KNOWN                                                                                    \
    "\"true_for\":" V_TIME_OR_NULL ",\"known_from\":" V_TEXT_OR_NULL ",\"use_known\":" V_BOOL      \
    ",\"in_use_hours\":" V_INT ",\"suspected_days\":" V_INT

#define V_CELL                                                                                     \
    "{\"type\":\"object\",\"required\":[\"category\",\"area\",\"registered\",\"closed\","          \
    "\"in_use\",\"silent\",\"suspected\",\"units\",\"units_coded\"],\"properties\":{"              \
    "\"category\":" V_TEXT ",\"area\":" V_TEXT ",\"registered\":" V_INT ",\"closed\":" V_INT       \
    ",\"in_use\":" V_INT_OR_NULL ",\"silent\":" V_INT_OR_NULL ",\"suspected\":" V_INT              \
    ",\"units\":" V_INT_OR_NULL ",\"units_coded\":" V_INT_OR_NULL "}}"
#define VENUE_COVERAGE                                                                             \
    "{\"type\":\"object\",\"required\":[" V_KNOWN_NAMES ",\"areas\",\"items\"],"                   \
    "\"properties\":{" V_KNOWN ",\"areas\":" V_LIST(V_AREA) ",\"items\":" V_LIST(V_CELL) "}}"

#define V_ROW                                                                                      \
    "{\"type\":\"object\",\"required\":[\"no\",\"name\",\"category\",\"area\",\"state\","          \
    "\"suspected\",\"last_scan_at\"],\"properties\":{\"no\":" V_INT ",\"name\":" V_TEXT            \
    ",\"category\":" V_TEXT ",\"area\":" V_AREA_OR_NULL ",\"state\":" V_STATE                      \
    ",\"suspected\":" V_BOOL ",\"last_scan_at\":" V_TIME_OR_NULL "}}"
#define VENUE_LIST                                                                                 \
    "{\"type\":\"object\",\"required\":[" V_KNOWN_NAMES ",\"items\",\"next\"],"                    \
    "\"properties\":{" V_KNOWN ",\"items\":" V_LIST(V_ROW) ",\"next\":" V_TEXT_OR_NULL "}}"

#define VENUE_POINTS                                                                               \
    "{\"type\":\"object\",\"required\":[" V_KNOWN_NAMES ",\"without_place\",\"numbers\","          \
    "\"longitudes\",\"latitudes\",\"states\"],\"properties\":{" V_KNOWN                            \
    ",\"without_place\":" V_INT ",\"numbers\":" V_LIST(V_INT) ",\"longitudes\":" V_LIST(           \
        V_INT) ",\"latitudes\":" V_LIST(V_INT) ",\"states\":" V_TEXT "}}"

#define V_SUSPICION                                                                                \
    "{\"type\":\"object\",\"required\":[\"id\",\"window_start\",\"reason\",\"count\","             \
    "\"raised_at\",\"current\"],\"properties\":{\"id\":" V_INT ",\"window_start\":" V_TIME         \
    ",\"reason\":" V_REASON ",\"count\":" V_INT ",\"raised_at\":" V_TIME ",\"current\":" V_BOOL    \
    "}}"
#define V_UNIT                                                                                     \
    "{\"type\":[\"object\",\"null\"],\"required\":[\"no\",\"name\",\"category\",\"area\"],"        \
    "\"properties\":{\"no\":" V_INT ",\"name\":" V_TEXT_OR_NULL ",\"category\":" V_TEXT_OR_NULL    \
    ",\"area\":" V_AREA_OR_NULL "}}"
#define VENUE_PAGE                                                                                 \
    "{\"type\":\"object\",\"required\":[" V_KNOWN_NAMES ",\"no\",\"name\",\"category\",\"area\","  \
    "\"latitude\",\"longitude\",\"check_level\",\"code_version\",\"state\",\"suspected\","         \
    "\"last_scan_at\",\"days\",\"scans_by_day\",\"days_hidden\",\"hidden_below\",\"suspicions\","  \
    "\"unit\"],\"properties\":{" V_KNOWN ",\"no\":" V_INT ",\"name\":" V_TEXT                      \
    ",\"category\":" V_TEXT ",\"area\":" V_AREA_OR_NULL ",\"latitude\":" V_REAL_OR_NULL            \
    ",\"longitude\":" V_REAL_OR_NULL ",\"check_level\":" V_INT ",\"code_version\":" V_INT          \
    ",\"state\":" V_STATE ",\"suspected\":" V_BOOL ",\"last_scan_at\":" V_TIME_OR_NULL             \
    ",\"days\":" V_LIST(V_TEXT) ",\"scans_by_day\":" V_LIST(                                       \
        V_INT_OR_NULL) ",\"days_hidden\":" V_INT ",\"hidden_below\":" V_INT                        \
                       ",\"suspicions\":" V_LIST(V_SUSPICION) ",\"unit\":" V_UNIT "}}"

#define V_LISTED_SUSPICION                                                                         \
    "{\"type\":\"object\",\"required\":[\"id\",\"venue_no\",\"name\",\"area\",\"window_start\","   \
    "\"reason\",\"count\",\"raised_at\",\"current\"],\"properties\":{\"id\":" V_INT                \
    ",\"venue_no\":" V_INT ",\"name\":" V_TEXT ",\"area\":" V_TEXT ",\"window_start\":" V_TIME     \
    ",\"reason\":" V_REASON ",\"count\":" V_INT ",\"raised_at\":" V_TIME ",\"current\":" V_BOOL    \
    "}}"
#define VENUE_SUSPICIONS                                                                           \
    "{\"type\":\"object\",\"required\":[\"items\",\"next\"],\"properties\":{"                      \
    "\"items\":" V_LIST(V_LISTED_SUSPICION) ",\"next\":" V_TEXT_OR_NULL "}}"

#define V_REJECT                                                                                   \
    "{\"type\":\"object\",\"required\":[\"row\",\"field\",\"reason\",\"values\"],"                 \
    "\"properties\":{\"row\":" V_INT ",\"field\":" V_TEXT ",\"reason\":" V_TEXT                    \
    ",\"values\":" V_LIST(V_TEXT) "}}"
#define VENUE_IMPORT                                                                               \
    "{\"type\":\"object\",\"required\":[\"kind\",\"rows\",\"inserted\",\"merged\",\"unchanged\","  \
    "\"rejected\",\"rejects_file\",\"seconds\",\"warnings\",\"import\",\"dry_run\",\"columns\","   \
    "\"rejects\",\"notes\"],\"properties\":{\"kind\":" V_TEXT ",\"rows\":" V_INT                   \
    ",\"inserted\":" V_INT ",\"merged\":" V_INT ",\"unchanged\":" V_INT ",\"rejected\":" V_INT     \
    ",\"rejects_file\":" V_TEXT_OR_NULL ",\"seconds\":{\"type\":\"number\"},\"warnings\":" V_INT   \
    ",\"import\":" V_INT_OR_NULL ",\"dry_run\":" V_BOOL ",\"columns\":" V_LIST(                    \
        V_TEXT) ",\"rejects\":" V_LIST(V_REJECT) ",\"notes\":" V_LIST(V_TEXT) "}}"

#endif
