/* Bodies and answers of the alert desk's routes, as JSON Schema. */
#ifndef CHENGMAI_ALERTS_ROUTES_SCHEMA_H
#define CHENGMAI_ALERTS_ROUTES_SCHEMA_H

#define S_TEXT "{\"type\":\"string\"}"
#define S_TEXT_OR_NULL "{\"type\":[\"string\",\"null\"]}"
#define S_INT "{\"type\":\"integer\"}"
#define S_BOOL "{\"type\":\"boolean\"}"
#define S_NUMBER "{\"type\":\"number\"}"
#define S_NUMBER_OR_NULL "{\"type\":[\"number\",\"null\"]}"
#define S_TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define S_LIST(item) "{\"type\":\"array\",\"items\":" item "}"
#define S_WORDS                                                                                    \
    "{\"type\":\"object\",\"required\":[\"zh\",\"en\"],\"properties\":{\"zh\":" S_TEXT             \
    ",\"en\":" S_TEXT "}}"
#define S_LEVEL "{\"enum\":[\"blue\",\"yellow\",\"orange\",\"red\"]}"
#define S_VERDICT "{\"enum\":[\"true_signal\",\"false_alarm\",\"known\",\"data_fault\"]}"
#define S_ALERT_REQUIRED                                                                           \
    "\"id\",\"kind\",\"channel\",\"title\",\"area\",\"level\",\"state\",\"first_day\","            \
    "\"last_day\",\"raised_at\",\"detector\",\"by_rule\",\"observed\",\"expected\",\"bound\","     \
    "\"p_value\",\"score\",\"members\",\"verdict\",\"asks\""
#define S_ALERT                                                                                    \
    "\"id\":" S_INT ",\"kind\":{\"enum\":[\"signal\",\"feed\"]},\"channel\":" S_TEXT               \
    ",\"title\":" S_WORDS ",\"area\":" S_TEXT ",\"level\":" S_LEVEL                                \
    ",\"state\":{\"enum\":[\"open\",\"judged\",\"ended\"]},\"first_day\":" S_TEXT                  \
    ",\"last_day\":" S_TEXT ",\"raised_at\":" S_TIME ",\"detector\":" S_TEXT                       \
    ",\"by_rule\":" S_BOOL ",\"observed\":" S_NUMBER_OR_NULL ",\"expected\":" S_NUMBER_OR_NULL     \
    ",\"bound\":" S_NUMBER_OR_NULL ",\"p_value\":" S_NUMBER_OR_NULL ",\"score\":" S_NUMBER         \
    ",\"members\":" S_INT ",\"verdict\":" S_TEXT_OR_NULL ",\"asks\":" S_WORDS
#define S_DETECTOR                                                                                 \
    "{\"type\":\"object\",\"required\":[\"detector\",\"judged\",\"true_signals\",\"precision\"],"  \
    "\"properties\":{\"detector\":" S_TEXT ",\"judged\":" S_INT ",\"true_signals\":" S_INT         \
    ",\"precision\":" S_NUMBER "}}"
#define ALERT_PAGE                                                                                 \
    "{\"type\":\"object\",\"required\":[\"items\",\"next\",\"judged_to\",\"detectors\"],"          \
    "\"properties\":{\"items\":" S_LIST("{\"type\":\"object\",\"required\":[" S_ALERT_REQUIRED     \
                                        "],\"properties\":{" S_ALERT "}}")                         \
        ",\"next\":" S_TEXT_OR_NULL ",\"judged_to\":" S_TEXT_OR_NULL                               \
        ",\"detectors\":" S_LIST(S_DETECTOR) "}}"
#define S_POINT                                                                                    \
    "{\"type\":\"object\",\"required\":[\"day\",\"observed\",\"expected\",\"bound\","              \
    "\"p_value\"],\"properties\":{\"day\":" S_TEXT ",\"observed\":" S_NUMBER_OR_NULL               \
    ",\"expected\":" S_NUMBER_OR_NULL ",\"bound\":" S_NUMBER_OR_NULL                               \
    ",\"p_value\":" S_NUMBER_OR_NULL "}}"
#define S_SHARE                                                                                    \
    "{\"type\":\"object\",\"required\":[\"channel\",\"title\",\"alert\",\"contribution\","         \
    "\"share\"],\"properties\":{\"channel\":" S_TEXT ",\"title\":" S_WORDS ",\"alert\":" S_INT     \
    ",\"contribution\":" S_NUMBER ",\"share\":" S_NUMBER "}}"
#define S_PLACE                                                                                    \
    "{\"type\":\"object\",\"required\":[\"score\",\"level\",\"shares\"],\"properties\":{"          \
    "\"score\":" S_NUMBER ",\"level\":" S_LEVEL ",\"shares\":" S_LIST(S_SHARE) "}}"
#define S_DISPOSITION                                                                              \
    "{\"type\":[\"object\",\"null\"],\"required\":[\"verdict\",\"words\",\"by\",\"at\"],"          \
    "\"properties\":{\"verdict\":" S_VERDICT ",\"words\":" S_TEXT_OR_NULL ",\"by\":" S_TEXT        \
    ",\"at\":" S_TIME "}}"
#define ALERT_WHOLE                                                                                \
    "{\"type\":\"object\",\"required\":[" S_ALERT_REQUIRED                                         \
    ",\"reported_by\",\"source\",\"series\",\"place\",\"loop\",\"disposition\"],"                  \
    "\"properties\":{" S_ALERT ",\"reported_by\":" S_WORDS ",\"source\":" S_TEXT                   \
    ",\"series\":" S_LIST(S_POINT) ",\"place\":" S_PLACE                                           \
    ",\"loop\":{\"type\":[\"integer\",\"null\"]},\"disposition\":" S_DISPOSITION "}}"
#define DISPOSITION_BODY                                                                           \
    "{\"type\":\"object\",\"required\":[\"verdict\",\"words\"],\"properties\":{"                   \
    "\"verdict\":" S_VERDICT ",\"words\":" S_TEXT "}}"
#define DISPOSITION_DONE                                                                           \
    "{\"type\":\"object\",\"required\":[\"id\",\"verdict\",\"loop\"],"                       \
    "\"properties\":{\"id\":" S_INT                                                              \
    ",\"verdict\":" S_VERDICT ",\"loop\":{\"type\":[\"object\",\"null\"],\"required\":[\"id\","    \
    "\"moved\",\"stage\",\"why\"],\"properties\":{\"id\":" S_INT ",\"moved\":" S_BOOL              \
    ",\"stage\":" S_TEXT_OR_NULL ",\"why\":" S_TEXT_OR_NULL "}}}}"
#define SERIES_LINE                                                                                \
    "{\"type\":\"object\",\"required\":[\"channel\",\"area\",\"date\",\"count\"],"                 \
    "\"properties\":{\"channel\":" S_TEXT ",\"area\":" S_TEXT ",\"date\":" S_TEXT                  \
    ",\"count\":" S_INT ",\"total\":" S_INT ",\"flow\":" S_NUMBER ",\"limit\":" S_NUMBER           \
    ",\"reported_at\":" S_TIME ",\"source\":" S_TEXT "}}"
#define SERIES_LINE_ANSWER                                                                         \
    "{\"type\":\"object\",\"required\":[\"line\",\"done\"],\"properties\":{\"line\":" S_INT        \
    ",\"done\":" S_BOOL ",\"put\":{\"enum\":[\"inserted\",\"replaced\",\"unchanged\",\"older\"]}," \
    "\"error\":" S_TEXT ",\"detail\":" S_TEXT ",\"field\":" S_TEXT ",\"expected\":" S_TEXT "}}"

#endif
