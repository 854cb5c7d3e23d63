/* Answers of the scenes' routes, as JSON Schema. */
#ifndef CHENGMAI_LOOPS_CATALOGUE_SCHEMA_H
#define CHENGMAI_LOOPS_CATALOGUE_SCHEMA_H

#define C_TEXT "{\"type\":\"string\"}"
#define C_TEXT_OR_NULL "{\"type\":[\"string\",\"null\"]}"
#define C_INT "{\"type\":\"integer\"}"
#define C_INT_OR_NULL "{\"type\":[\"integer\",\"null\"]}"
#define C_NUMBER_OR_NULL "{\"type\":[\"number\",\"null\"]}"
#define C_BOOL "{\"type\":\"boolean\"}"
#define C_TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define C_LIST(item) "{\"type\":\"array\",\"items\":" item "}"
#define C_WORDS_OF(type) \
    "{\"type\":" type ",\"required\":[\"zh\",\"en\"],\"properties\":{\"zh\":" C_TEXT \
    ",\"en\":" C_TEXT "}}"
#define C_WORDS C_WORDS_OF("\"object\"")
#define C_WORDS_OR_NULL C_WORDS_OF("[\"object\",\"null\"]")
#define C_HEAD_REQUIRED \
    "\"name\",\"version\",\"opens\",\"title\",\"about\",\"subject\",\"by_hand\""
#define C_HEAD \
    "\"name\":" C_TEXT ",\"version\":" C_INT ",\"opens\":" C_BOOL ",\"title\":" C_WORDS \
    ",\"about\":" C_WORDS ",\"subject\":{\"type\":\"object\",\"required\":[\"kind\",\"title\"," \
    "\"by_code\"],\"properties\":{\"kind\":" C_TEXT ",\"title\":" C_WORDS ",\"by_code\":" C_BOOL \
    "}},\"by_hand\":" C_BOOL
#define SCENE_LIST \
    "{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":" \
    C_LIST("{\"type\":\"object\",\"required\":[" C_HEAD_REQUIRED "],\"properties\":{" C_HEAD "}}") \
    "}}"
#define C_FIELD \
    "{\"type\":\"object\",\"required\":[\"name\",\"title\",\"type\",\"type_title\",\"refers\"," \
    "\"by_code\",\"list\",\"required\",\"personal\",\"hidden_until\",\"form\"," \
    "\"form_title\",\"min\",\"max\",\"values\",\"choices\"],\"properties\":{" \
    "\"name\":" C_TEXT ",\"title\":" C_WORDS ",\"type\":" C_TEXT \
    ",\"type_title\":" C_WORDS ",\"refers\":" C_BOOL ",\"by_code\":" C_BOOL ",\"list\":" C_BOOL \
    ",\"required\":" C_BOOL ",\"personal\":" C_BOOL ",\"hidden_until\":" C_TEXT_OR_NULL \
    ",\"form\":" C_TEXT ",\"form_title\":" C_WORDS ",\"min\":" C_NUMBER_OR_NULL \
    ",\"max\":" C_NUMBER_OR_NULL ",\"values\":" C_LIST(C_TEXT) ",\"choices\":" \
    C_LIST("{\"type\":\"object\",\"required\":[\"name\",\"title\"],\"properties\":{" \
           "\"name\":" C_TEXT ",\"title\":" C_WORDS "}}") "}}"
#define C_TRANSITION \
    "{\"type\":\"object\",\"required\":[\"to\",\"trigger\",\"by\",\"sign\",\"when\",\"note\"," \
    "\"require\"],\"properties\":{\"to\":" C_TEXT ",\"trigger\":{\"enum\":[\"by\",\"on\"," \
    "\"after\",\"none\"]},\"by\":" C_LIST(C_WORDS) ",\"sign\":" C_LIST(C_WORDS) ",\"when\":" \
    C_LIST(C_WORDS) ",\"note\":" C_BOOL ",\"require\":" C_LIST(C_TEXT) ",\"on\":" C_TEXT \
    ",\"on_title\":" C_WORDS ",\"after_seconds\":" C_INT "}}"
#define C_STAGE \
    "{\"type\":\"object\",\"required\":[\"name\",\"title\",\"final\",\"owner\"," \
    "\"within_seconds\",\"claimed\",\"next\"],\"properties\":{\"name\":" C_TEXT ",\"title\":" \
    C_WORDS ",\"final\":" C_TEXT_OR_NULL ",\"owner\":" C_WORDS_OR_NULL ",\"within_seconds\":" \
    C_INT_OR_NULL ",\"claimed\":" C_BOOL ",\"next\":" C_LIST(C_TRANSITION) "}}"
#define SCENE_WHOLE \
    "{\"type\":\"object\",\"required\":[" C_HEAD_REQUIRED ",\"fields\",\"stages\",\"opening\"]," \
    "\"properties\":{" C_HEAD ",\"fields\":" C_LIST(C_FIELD) ",\"stages\":" C_LIST(C_STAGE) \
    ",\"opening\":{\"type\":[\"object\",\"null\"]}}}"
#define SCENE_FINDING \
    "{\"type\":\"object\",\"required\":[\"line\",\"rule\",\"message\",\"path\"],\"properties\":{" \
    "\"line\":" C_INT ",\"rule\":" C_TEXT ",\"message\":" C_TEXT ",\"path\":" C_LIST(C_TEXT) "}}"
#define SCENE_PROOF \
    "{\"type\":\"object\",\"required\":[\"name\",\"version\",\"file\",\"own\",\"loaded\"," \
    "\"findings\"],\"properties\":{\"name\":" C_TEXT ",\"version\":" C_INT ",\"file\":" C_TEXT \
    ",\"own\":" C_BOOL ",\"loaded\":" C_BOOL ",\"findings\":" C_LIST(SCENE_FINDING) "}}"
#define SCENE_VERSION \
    "{\"type\":\"object\",\"required\":[\"version\",\"opens\",\"loaded_at\",\"open\"," \
    "\"overdue\"],\"properties\":{\"version\":" C_INT ",\"opens\":" C_BOOL \
    ",\"loaded_at\":" C_TIME \
    ",\"open\":" C_INT_OR_NULL ",\"overdue\":" C_INT_OR_NULL "}}"
#define C_TRUE_FOR(item) \
    "{\"type\":\"object\",\"required\":[\"true_for\",\"items\"],\"properties\":{\"true_for\":" \
    C_TIME ",\"items\":" C_LIST(item) "}}"
#define SCENE_PROOFS C_TRUE_FOR(SCENE_PROOF)
#define SCENE_VERSIONS C_TRUE_FOR(SCENE_VERSION)
#define DUTY_ROW(more, required) \
    "{\"type\":\"object\",\"required\":[\"no\",\"name\"," required "\"from\",\"until\"]," \
    "\"properties\":{\"no\":" C_INT ",\"name\":" C_TEXT more ",\"from\":" C_TIME \
    ",\"until\":" C_TIME "}}"
#define DUTY_LISTS \
    "{\"type\":\"object\",\"required\":[\"true_for\",\"duties\",\"absences\",\"off_duty\"]," \
    "\"properties\":{\"true_for\":" C_TIME ",\"duties\":" C_LIST(DUTY_ROW("", "")) \
    ",\"absences\":" C_LIST(DUTY_ROW(",\"delegate\":" C_TEXT_OR_NULL, "\"delegate\",")) \
    ",\"off_duty\":" C_LIST(C_TEXT) "}}"
#define DUTY_BODY(more) \
    "{\"type\":\"object\",\"required\":[\"name\",\"from\",\"until\"]," \
    "\"additionalProperties\":false,\"properties\":{\"name\":" C_TEXT ",\"from\":" C_TIME \
    ",\"until\":" C_TIME more "}}"
#define DUTY_KEPT \
    "{\"type\":\"object\",\"required\":[\"no\"],\"properties\":{\"no\":" C_INT "}}"
#define DUTY_GONE "{\"type\":\"object\"}"

#endif
