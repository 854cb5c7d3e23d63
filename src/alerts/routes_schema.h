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
#define S_TIME_OR_NULL "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define S_INT_OR_NULL "{\"type\":[\"integer\",\"null\"]}"
#define S_LIST(item) "{\"type\":\"array\",\"items\":" item "}"
#define S_WORDS                                                                                    \
    "{\"type\":\"object\",\"required\":[\"zh\",\"en\"],\"properties\":{\"zh\":" S_TEXT             \
    ",\"en\":" S_TEXT "}}"
#define S_LEVEL "{\"enum\":[\"blue\",\"yellow\",\"orange\",\"red\"]}"
#define S_VERDICT "{\"enum\":[\"true_signal\",\"false_alarm\",\"known\",\"data_fault\",\"watch\"]}"
#define S_ALERT_REQUIRED                                                                           \
    "\"id\",\"kind\",\"channel\",\"title\",\"area\",\"level\",\"state\",\"first_day\","            \
    "\"last_day\",\"raised_at\",\"detector\",\"by_rule\",\"observed\",\"expected\",\"bound\","     \
    "\"p_value\",\"score\",\"members\",\"verdict\",\"judged_at\",\"watch_until\","                 \
    "\"asks\""
#define S_ALERT                                                                                    \
    "\"id\":" S_INT ",\"kind\":{\"enum\":[\"signal\",\"feed\"]},\"channel\":" S_TEXT               \
    ",\"title\":" S_WORDS ",\"area\":" S_TEXT ",\"level\":" S_LEVEL                                \
    ",\"state\":{\"enum\":[\"open\",\"judged\",\"ended\"]},\"first_day\":" S_TEXT                  \
    ",\"last_day\":" S_TEXT ",\"raised_at\":" S_TIME ",\"detector\":" S_TEXT                       \
    ",\"by_rule\":" S_BOOL ",\"observed\":" S_NUMBER_OR_NULL ",\"expected\":" S_NUMBER_OR_NULL     \
    ",\"bound\":" S_NUMBER_OR_NULL ",\"p_value\":" S_NUMBER_OR_NULL ",\"score\":" S_NUMBER         \
    ",\"members\":" S_INT ",\"verdict\":" S_TEXT_OR_NULL ",\"judged_at\":" S_TIME_OR_NULL          \
    ",\"watch_until\":" S_TIME_OR_NULL ",\"asks\":" S_WORDS
#define S_SPAN                                                                                     \
    "{\"type\":\"object\",\"required\":[\"raised\",\"a_day\",\"judged\",\"true_signals\","         \
    "\"precision\",\"delay_minutes\"],\"properties\":{\"raised\":" S_INT ",\"a_day\":" S_NUMBER    \
    ",\"judged\":" S_INT ",\"true_signals\":" S_INT ",\"precision\":" S_NUMBER_OR_NULL             \
    ",\"delay_minutes\":" S_NUMBER_OR_NULL "}}"
#define S_DETECTOR                                                                                 \
    "{\"type\":\"object\",\"required\":[\"channel\",\"title\",\"detector\",\"days_28\","           \
    "\"days_90\",\"throttled\"],\"properties\":{\"channel\":" S_TEXT ",\"title\":" S_WORDS         \
    ",\"detector\":" S_TEXT ",\"days_28\":" S_SPAN ",\"days_90\":" S_SPAN ",\"throttled\":" S_BOOL \
    "}}"
#define S_MEMBER                                                                                   \
    "{\"type\":\"object\",\"required\":[" S_ALERT_REQUIRED "],\"properties\":{" S_ALERT "}}"
#define S_CAUSE                                                                                    \
    "{\"type\":[\"object\",\"null\"],\"required\":[\"place\",\"throttled\",\"value\","             \
    "\"probability\",\"people\",\"days\",\"members\"],\"properties\":{\"place\":{\"enum\":["       \
    "\"now\",\"waits\",\"throttled\",\"watched\"]},\"throttled\":" S_BOOL ",\"value\":" S_NUMBER   \
    ",\"probability\":" S_NUMBER ",\"people\":" S_NUMBER ",\"days\":" S_NUMBER                     \
    ",\"members\":" S_LIST(S_MEMBER) "}}"
#define S_TRAIL "{\"type\":[\"array\",\"null\"],\"items\":" S_NUMBER_OR_NULL "}"
#define S_BUDGET                                                                                   \
    "{\"type\":\"object\",\"required\":[\"role\",\"a_day\",\"judged_today\",\"now\",\"waits\","    \
    "\"throttled\",\"watched\",\"more_not_ranked\"],\"properties\":{\"role\":" S_TEXT              \
    ",\"a_day\":" S_INT ",\"judged_today\":" S_INT ",\"now\":" S_INT ",\"waits\":" S_INT           \
    ",\"throttled\":" S_INT ",\"watched\":" S_INT ",\"more_not_ranked\":" S_BOOL "}}"
#define S_STATEMENT                                                                                \
    "{\"type\":\"object\",\"required\":[\"series\",\"late\",\"missing\",\"night\",\"ran_at\"],"    \
    "\"properties\":{\"series\":" S_INT_OR_NULL ",\"late\":" S_INT_OR_NULL                         \
    ",\"missing\":" S_INT_OR_NULL ",\"night\":" S_TEXT_OR_NULL ",\"ran_at\":" S_TIME_OR_NULL "}}"
#define ALERT_PAGE                                                                                 \
    "{\"type\":\"object\",\"required\":[\"items\",\"next\",\"judged_to\",\"as_of\",\"budget\","    \
    "\"statement\",\"detectors\"],\"properties\":{\"items\":" S_LIST(                              \
        "{\"type\":\"object\",\"required\":[" S_ALERT_REQUIRED                                     \
        ",\"cause\",\"trail\"],\"properties\":{" S_ALERT ",\"cause\":" S_CAUSE                     \
        ",\"trail\":" S_TRAIL "}}") ",\"next\":" S_TEXT_OR_NULL ",\"judged_to\":" S_TEXT_OR_NULL   \
                                    ",\"as_of\":" S_TIME ",\"budget\":" S_BUDGET                   \
                                    ",\"statement\":" S_STATEMENT                                  \
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
    "{\"type\":[\"object\",\"null\"],\"required\":[\"verdict\",\"words\",\"by\",\"at\","           \
    "\"until\"],"                                                                                  \
    "\"properties\":{\"verdict\":" S_VERDICT ",\"words\":" S_TEXT_OR_NULL ",\"by\":" S_TEXT        \
    ",\"at\":" S_TIME ",\"until\":" S_TIME_OR_NULL "}}"
#define S_WHY                                                                                      \
    "{\"type\":\"object\",\"required\":[\"alpha\",\"night_threshold\",\"minimum_count\","          \
    "\"quiet_count\"],\"properties\":{\"alpha\":" S_NUMBER_OR_NULL                                 \
    ",\"night_threshold\":" S_NUMBER_OR_NULL ",\"minimum_count\":" S_NUMBER_OR_NULL                \
    ",\"quiet_count\":" S_NUMBER_OR_NULL "}}"
#define ALERT_WHOLE                                                                                \
    "{\"type\":\"object\",\"required\":[" S_ALERT_REQUIRED                                         \
    ",\"reported_by\",\"source\",\"series\",\"why\",\"place\",\"loop\",\"disposition\"],"          \
    "\"properties\":{" S_ALERT ",\"reported_by\":" S_WORDS ",\"source\":" S_TEXT                   \
    ",\"series\":" S_LIST(                                                                         \
        S_POINT) ",\"why\":" S_WHY ",\"place\":" S_PLACE                                           \
                 ",\"loop\":{\"type\":[\"integer\",\"null\"]},\"disposition\":" S_DISPOSITION "}}"
#define DISPOSITION_BODY                                                                           \
    "{\"type\":\"object\",\"required\":[\"verdict\",\"words\"],\"properties\":{"                   \
    "\"verdict\":" S_VERDICT ",\"words\":" S_TEXT ",\"until\":" S_TIME                             \
    ",\"with\":" S_LIST(S_INT) "}}"
#define S_MOVED                                                                                    \
    "{\"type\":[\"object\",\"null\"],\"required\":[\"id\",\"moved\",\"stage\",\"why\"],"           \
    "\"properties\":{\"id\":" S_INT ",\"moved\":" S_BOOL ",\"stage\":" S_TEXT_OR_NULL              \
    ",\"why\":" S_TEXT_OR_NULL "}}"
#define DISPOSITION_DONE                                                                           \
    "{\"type\":\"object\",\"required\":[\"id\",\"verdict\",\"until\",\"loop\",\"with\"],"          \
    "\"properties\":{\"id\":" S_INT ",\"verdict\":" S_VERDICT ",\"until\":" S_TIME_OR_NULL         \
    ",\"loop\":" S_MOVED                                                                           \
    ",\"with\":" S_LIST("{\"type\":\"object\",\"required\":[\"id\",\"loop\"],\"properties\":{"     \
                        "\"id\":" S_INT ",\"loop\":" S_MOVED "}}") "}}"
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
