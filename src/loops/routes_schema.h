/* Bodies and answers of the loops' routes, as JSON Schema. */
#ifndef CHENGMAI_LOOPS_ROUTES_SCHEMA_H
#define CHENGMAI_LOOPS_ROUTES_SCHEMA_H

#define S_TEXT "{\"type\":\"string\"}"
#define S_TEXT_OR_NULL "{\"type\":[\"string\",\"null\"]}"
#define S_INT "{\"type\":\"integer\"}"
#define S_BOOL "{\"type\":\"boolean\"}"
#define S_TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define S_TIME_OR_NULL "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define S_OBJECT "{\"type\":\"object\"}"
#define S_LIST(item) "{\"type\":\"array\",\"items\":" item "}"
#define S_WORDS \
    "{\"type\":\"object\",\"required\":[\"zh\",\"en\"],\"properties\":{\"zh\":" S_TEXT \
    ",\"en\":" S_TEXT "}}"
#define S_SEAT \
    "{\"type\":\"object\",\"required\":[\"form\",\"role\",\"area\"],\"properties\":{\"form\":" \
    "{\"enum\":[\"role\",\"unit\",\"person\",\"lead\"]},\"role\":" S_TEXT \
    ",\"area\":" S_TEXT_OR_NULL ",\"no\":" S_INT "}}"
#define S_SUBJECT \
    "{\"type\":\"object\",\"required\":[\"kind\"],\"properties\":{\"kind\":" S_TEXT \
    ",\"no\":{\"type\":[\"integer\",\"null\"]},\"code\":" S_TEXT "}}"
#define S_STATE "{\"enum\":[\"open\",\"done\",\"failed\",\"cancelled\"]}"
#define S_ROW \
    "\"id\":" S_INT ",\"scene\":" S_TEXT ",\"version\":" S_INT ",\"title\":" S_WORDS \
    ",\"stage\":" S_TEXT ",\"stage_title\":" S_WORDS \
    ",\"state\":" S_STATE ",\"subject\":" S_SUBJECT \
    ",\"area\":" S_TEXT_OR_NULL ",\"opened_at\":" S_TIME ",\"entered_at\":" S_TIME \
    ",\"due_at\":" S_TIME_OR_NULL ",\"closed_at\":" S_TIME_OR_NULL ",\"overdue\":" S_BOOL \
    ",\"claimed_by\":" S_TEXT_OR_NULL ",\"claimed_until\":" S_TIME_OR_NULL ",\"owner\":" S_SEAT
#define S_ROW_REQUIRED \
    "\"id\",\"scene\",\"version\",\"title\",\"stage\",\"stage_title\",\"state\",\"subject\"," \
    "\"area\",\"opened_at\",\"entered_at\",\"due_at\",\"closed_at\",\"overdue\",\"claimed_by\"," \
    "\"claimed_until\",\"owner\""
#define LOOP_PAGE \
    "{\"type\":\"object\",\"required\":[\"items\",\"next\"],\"properties\":{\"items\":" \
    S_LIST("{\"type\":\"object\",\"required\":[" S_ROW_REQUIRED "],\"properties\":{" S_ROW "}}") \
    ",\"next\":" S_TEXT_OR_NULL "}}"
#define LOOP_CASE_PAGE \
    "{\"type\":\"object\",\"required\":[\"items\",\"next\"],\"properties\":{\"items\":" \
    S_LIST("{\"type\":\"object\",\"required\":[" S_ROW_REQUIRED ",\"fields\"],\"properties\":{" \
           S_ROW ",\"fields\":" S_OBJECT "}}") \
    ",\"next\":" S_TEXT_OR_NULL "}}"
#define LOOP_COUNTS \
    "{\"type\":\"object\",\"required\":[\"true_for\",\"items\"],\"properties\":{\"true_for\":" \
    S_TIME ",\"items\":" \
    S_LIST("{\"type\":\"object\",\"required\":[\"scene\",\"version\",\"stage\",\"open\"," \
           "\"overdue\"],\"properties\":{\"scene\":" S_TEXT ",\"version\":" S_INT ",\"stage\":" \
           S_TEXT ",\"open\":" S_INT ",\"overdue\":" S_INT "}}") "}}"
#define S_KIN \
    S_LIST("{\"type\":\"object\",\"required\":[\"id\",\"scene\",\"title\",\"stage\"," \
           "\"stage_title\",\"state\",\"due_at\",\"closed_at\",\"overdue\"],\"properties\":{" \
           "\"id\":" S_INT ",\"scene\":" S_TEXT ",\"title\":" S_WORDS ",\"stage\":" S_TEXT \
           ",\"stage_title\":" S_WORDS ",\"state\":" S_STATE ",\"due_at\":" S_TIME_OR_NULL \
           ",\"closed_at\":" S_TIME_OR_NULL ",\"overdue\":" S_BOOL "}}")
/* A step of the ladder; holders null: what the loop is about is not shown to the reader yet. */
#define S_RUNG \
    "{\"type\":\"object\",\"required\":[\"after_seconds\",\"at\",\"state\",\"told_at\"," \
    "\"to\",\"seat\",\"holder_count\",\"holders\"],\"properties\":{\"after_seconds\":" S_INT \
    ",\"at\":" S_TIME ",\"state\":{\"enum\":[\"done\",\"next\",\"later\"]},\"told_at\":" \
    S_TIME_OR_NULL ",\"to\":" S_WORDS ",\"seat\":" S_SEAT ",\"holder_count\":" \
    "{\"type\":[\"integer\",\"null\"]},\"holders\":{\"type\":[\"array\",\"null\"]," \
    "\"items\":{\"type\":\"object\",\"required\":[\"name\",\"role\",\"area\"]," \
    "\"properties\":{\"name\":" S_TEXT ",\"role\":" S_TEXT ",\"area\":" S_TEXT_OR_NULL "}}}}}"
#define LOOP_WHOLE \
    "{\"type\":\"object\",\"required\":[" S_ROW_REQUIRED ",\"fields\",\"next\",\"waiting\"," \
    "\"ladder\",\"history\",\"last_act\",\"children\",\"more_children\",\"parents\"]," \
    "\"properties\":{" S_ROW ",\"fields\":" \
    S_LIST("{\"type\":\"object\",\"required\":[\"name\",\"title\",\"type\",\"list\",\"hidden\"," \
           "\"value\"],\"properties\":{\"name\":" S_TEXT ",\"title\":" S_WORDS ",\"type\":" S_TEXT \
           ",\"list\":" S_BOOL ",\"hidden\":" S_BOOL ",\"value\":{}}}") \
    ",\"next\":" \
    S_LIST("{\"type\":\"object\",\"required\":[\"to\",\"trigger\",\"mine\",\"by\",\"sign\"," \
           "\"when\",\"note\",\"require\"],\"properties\":{\"to\":" S_TEXT ",\"trigger\":" S_TEXT \
           ",\"mine\":" S_BOOL ",\"by\":" S_LIST(S_WORDS) ",\"sign\":" S_LIST(S_WORDS) \
           ",\"when\":" S_LIST(S_WORDS) ",\"note\":" S_BOOL ",\"require\":" S_LIST(S_TEXT) \
           ",\"on\":" S_TEXT ",\"on_title\":" S_WORDS ",\"at\":" S_TIME "}}") \
    ",\"waiting\":{\"type\":[\"object\",\"null\"],\"required\":[\"to\",\"missing\"," \
    "\"asked_by\",\"asked_at\",\"signatures\",\"mine\",\"shown\",\"kept_back\",\"note\"," \
    "\"fields\"],\"properties\":{\"to\":" S_TEXT ",\"mine\":" S_BOOL ",\"shown\":" S_BOOL \
    ",\"kept_back\":" S_INT ",\"note\":" S_TEXT_OR_NULL ",\"fields\":" S_OBJECT ",\"missing\":" \
    S_LIST(S_TEXT) ",\"asked_by\":" S_TEXT ",\"asked_at\":" S_TIME ",\"signatures\":" \
    S_LIST("{\"type\":\"object\",\"required\":[\"who\",\"by\",\"at\"],\"properties\":{" \
           "\"who\":" S_WORDS ",\"by\":" S_TEXT_OR_NULL ",\"at\":" S_TIME_OR_NULL "}}") \
    "}},\"ladder\":" S_LIST(S_RUNG) ",\"history\":" \
    S_LIST("{\"type\":\"object\",\"required\":[\"at\",\"act\",\"stage\",\"to\",\"by\",\"fields\"," \
           "\"differing\"],\"properties\":{\"at\":" S_TIME ",\"act\":" S_TEXT ",\"stage\":" S_TEXT \
           ",\"to\":" S_TEXT ",\"by\":" S_TEXT ",\"event\":" S_INT ",\"loop\":" S_INT \
           ",\"place\":" S_INT ",\"parent\":" S_INT ",\"told\":" S_SEAT \
           ",\"fields\":" S_OBJECT ",\"differing\":" \
           S_OBJECT ",\"note\":" S_TEXT ",\"photos\":" S_LIST(S_TEXT) "}}") \
    ",\"last_act\":" S_INT ",\"children\":" S_KIN ",\"more_children\":" S_BOOL \
    ",\"parents\":" S_KIN "}}"
#define LOOP_VIEW \
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"writing\":" S_BOOL "}}"
#define LOOP_VIEWERS \
    "{\"type\":\"object\",\"required\":[\"listed\",\"renew_seconds\",\"stage\",\"stage_title\"," \
    "\"state\",\"newest\",\"others\"],\"properties\":{\"listed\":" S_BOOL \
    ",\"renew_seconds\":" S_INT \
    ",\"stage\":" S_TEXT ",\"stage_title\":" S_WORDS ",\"state\":" S_TEXT ",\"newest\":" \
    "{\"type\":\"object\",\"required\":[\"no\",\"act\",\"by\",\"at\"],\"properties\":{\"no\":" \
    S_INT ",\"act\":" S_TEXT ",\"by\":" S_TEXT ",\"at\":" S_TIME "}},\"others\":" \
    S_LIST("{\"type\":\"object\",\"required\":[\"name\",\"role\",\"area\",\"unit\",\"since\"," \
           "\"writing\"],\"properties\":{\"name\":" S_TEXT ",\"role\":" S_TEXT ",\"area\":" \
           S_TEXT_OR_NULL ",\"unit\":" S_TEXT_OR_NULL ",\"since\":" S_TIME ",\"writing\":" \
           S_BOOL "}}") "}}"
#define S_OUTCOME \
    "\"id\":" S_INT ",\"stage\":" S_TEXT ",\"joined\":" S_BOOL ",\"missing\":" S_LIST(S_TEXT)
#define LOOP_OUTCOME \
    "{\"type\":\"object\",\"required\":[\"id\",\"stage\",\"joined\",\"missing\"],\"properties\":{" \
    S_OUTCOME "}}"
#define LOOP_OPENING \
    "{\"type\":\"object\",\"required\":[\"scene\"],\"additionalProperties\":false," \
    "\"properties\":{\"scene\":" S_TEXT ",\"subject\":{\"type\":[\"integer\",\"string\"," \
    "\"null\"]},\"area\":" S_TEXT ",\"fields\":" S_OBJECT "}}"
#define S_STEP "\"to\":" S_TEXT ",\"fields\":" S_OBJECT ",\"note\":" S_TEXT
#define LOOP_STEP \
    "{\"type\":\"object\",\"required\":[\"to\"],\"additionalProperties\":false,\"properties\":{" \
    S_STEP "}}"
#define LOOP_STEPS \
    "{\"type\":\"object\",\"required\":[\"items\"],\"additionalProperties\":false," \
    "\"properties\":{\"items\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":5000,\"items\":" \
    "{\"type\":\"object\",\"required\":[\"id\",\"to\"],\"additionalProperties\":false," \
    "\"properties\":{\"id\":" S_INT "," S_STEP "}}}}}"
#define LOOP_RESULTS \
    "{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":" \
    S_LIST("{\"type\":\"object\",\"required\":[\"done\",\"id\"],\"properties\":{\"done\":" S_BOOL \
           "," S_OUTCOME ",\"error\":" S_TEXT ",\"status\":" S_INT ",\"detail\":" S_TEXT \
           ",\"field\":" S_TEXT ",\"expected\":" S_TEXT "}}") "}}"
#define S_SHARE \
    "\"met\":" S_INT ",\"total\":" S_INT ",\"share\":{\"type\":[\"number\",\"null\"]}"
#define LOOP_INDICATORS \
    "{\"type\":\"object\",\"required\":[\"true_for\",\"days\",\"items\"],\"properties\":{" \
    "\"true_for\":" S_TIME ",\"days\":" S_INT ",\"items\":" \
    S_LIST("{\"type\":\"object\",\"required\":[\"scene\",\"name\",\"target\",\"met\",\"total\"," \
           "\"share\",\"reached\",\"split\",\"splits\"],\"properties\":{\"scene\":" S_TEXT \
           ",\"name\":" S_TEXT ",\"target\":{\"type\":\"number\"}," S_SHARE \
           ",\"reached\":{\"type\":[\"boolean\",\"null\"]},\"split\":" S_TEXT ",\"splits\":" \
           S_LIST("{\"type\":\"object\",\"required\":[\"value\",\"met\",\"total\",\"share\"]," \
                  "\"properties\":{\"value\":" S_TEXT "," S_SHARE "}}") "}}") "}}"
#define LOOP_SIGNING "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{}}"
#define LOOP_CLAIM \
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"release\":" S_BOOL "}}"
/* Words, pictures by their digests, or both. */
#define LOOP_NOTING \
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"note\":" S_TEXT \
    ",\"photos\":{\"type\":\"array\",\"maxItems\":8,\"items\":{\"type\":\"string\"," \
    "\"pattern\":\"^[0-9a-f]{64}$\"}}}}"
#define LOOP_TAKING \
    "{\"type\":\"object\",\"required\":[\"note\"],\"additionalProperties\":false," \
    "\"properties\":{\"note\":{\"type\":\"string\",\"minLength\":1},\"close\":" S_BOOL "}}"
#define RESULT \
    "{\"type\":\"object\",\"required\":[\"laboratory\",\"accession\",\"sampled_at\"," \
    "\"reported_at\",\"result\"],\"additionalProperties\":false,\"properties\":{\"laboratory\":" \
    S_TEXT ",\"accession\":" S_TEXT ",\"sampled_at\":" S_TIME ",\"reported_at\":" S_TIME \
    ",\"result\":{\"enum\":[\"negative\",\"positive\",\"inconclusive\"]},\"person\":" S_INT \
    ",\"tube\":{\"type\":\"object\",\"required\":[\"code\",\"point\",\"area\",\"members\"]," \
    "\"additionalProperties\":false,\"properties\":{\"code\":" S_TEXT ",\"point\":" S_TEXT \
    ",\"area\":" S_TEXT ",\"members\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":100," \
    "\"items\":" S_INT "}}}}}"
#define RESULT_KEPT \
    "{\"type\":\"object\",\"properties\":{\"id\":" S_INT ",\"repeated\":" S_BOOL "}}"

#define PHOTO_BYTES "{\"type\":\"string\",\"format\":\"binary\"}"
#define PHOTO_KEPT                                                                                 \
    "{\"type\":\"object\",\"required\":[\"digest\",\"bytes\"],\"properties\":{"                    \
    "\"digest\":{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{64}$\"},"                             \
    "\"bytes\":{\"type\":\"integer\",\"minimum\":1}}}"
#define PHOTO_LIMITS                                                                               \
    "{\"type\":\"object\",\"required\":[\"bytes_max\",\"unnamed_hours\",\"types\"]," \
    "\"properties\":{\"bytes_max\":{\"type\":\"integer\",\"minimum\":1},"                         \
    "\"unnamed_hours\":" S_INT ",\"types\":" S_LIST(S_TEXT) "}}"

#endif
