/* JSON Schemas of overrides, notices and appeals. Inside the status room only. */
#ifndef CHENGMAI_STATUS_REDRESS_SCHEMA_H
#define CHENGMAI_STATUS_REDRESS_SCHEMA_H

#define TEXT "{\"type\":\"string\"}"
#define INTEGER "{\"type\":\"integer\"}"
#define INTEGER_OR_NULL "{\"type\":[\"integer\",\"null\"]}"
#define TEXT_OR_NULL "{\"type\":[\"string\",\"null\"]}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define TIME_OR_NULL "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define BOTH_WORDS                                                                                 \
    "{\"type\":\"object\",\"required\":[\"zh\",\"en\"],"                                           \
    "\"properties\":{\"zh\":" TEXT ",\"en\":" TEXT "}}"
#define PERSONS_WORDS "{\"type\":\"string\",\"minLength\":1,\"maxLength\":2000}"
#define PAGE_QUERY "limit:integer:at most 1000;after:string:the cursor of the page before"
#define LIST_OF(item)                                                                              \
    "{\"type\":\"object\",\"required\":[\"items\",\"next\"],\"properties\":{"                      \
    "\"items\":{\"type\":\"array\",\"items\":" item "},\"next\":" TEXT_OR_NULL "}}"

#define OVERRIDE_REQUEST                                                                           \
    "{\"type\":\"object\",\"additionalProperties\":false,"                                         \
    "\"required\":[\"color\",\"from\",\"expires\",\"reason_code\",\"words\"],\"properties\":{"     \
    "\"color\":{\"enum\":[\"green\",\"yellow\"]},\"from\":" TIME ",\"expires\":" TIME ","          \
    "\"reason_code\":" TEXT ",\"words\":" PERSONS_WORDS "}}"
#define OVERRIDE_STATE                                                                             \
    "{\"type\":\"object\",\"required\":[\"id\",\"state\",\"missing\",\"evidence\"],"               \
    "\"properties\":{\"id\":" INTEGER ",\"state\":{\"enum\":[\"open\",\"approved\",\"refused\"]}," \
    "\"missing\":" INTEGER ",\"evidence\":" INTEGER_OR_NULL "}}"
#define OVERRIDE_NAMES                                                                             \
    "\"id\",\"person_no\",\"area\",\"to\",\"from\",\"expires\",\"reason_code\",\"words\","         \
    "\"requester\",\"requested_at\",\"state\",\"approvals\""
#define OVERRIDE_FIELDS                                                                            \
    "\"id\":" INTEGER ",\"person_no\":" INTEGER ",\"area\":" TEXT_OR_NULL                          \
    ",\"to\":{\"enum\":[\"green\",\"yellow\"]},\"from\":" TIME ",\"expires\":" TIME ","            \
    "\"reason_code\":" TEXT ",\"words\":" TEXT ",\"requester\":" TEXT ",\"requested_at\":" TIME    \
    ",\"state\":{\"enum\":[\"open\",\"approved\",\"refused\"]},\"approvals\":" INTEGER
#define OVERRIDE                                                                                   \
    "{\"type\":\"object\",\"required\":[" OVERRIDE_NAMES "],\"properties\":{" OVERRIDE_FIELDS "}}"
#define OVERRIDE_LIST LIST_OF(OVERRIDE)
#define WORDS_REQUEST                                                                              \
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"words\"],"                \
    "\"properties\":{\"words\":" PERSONS_WORDS "}}"

#define NOTICE                                                                                     \
    "{\"type\":\"object\",\"required\":[\"evidence\",\"kind\",\"recorded_at\",\"from\","           \
    "\"status_then\",\"until\",\"rule\",\"why\",\"office\",\"appeal\"],\"properties\":{"           \
    "\"evidence\":" INTEGER ",\"kind\":" TEXT ",\"recorded_at\":" TIME ",\"from\":" TIME ","       \
    "\"status_then\":{\"enum\":[\"green\",\"yellow\",\"red\",\"unknown\"]},"                       \
    "\"until\":" TIME_OR_NULL ",\"rule\":" TEXT ",\"why\":" BOTH_WORDS ",\"office\":" BOTH_WORDS   \
    ",\"appeal\":{\"type\":\"object\",\"required\":[\"path\",\"about\",\"answer_hours\","          \
    "\"filed\",\"words\"],\"properties\":{\"path\":" TEXT ",\"about\":" INTEGER ","                \
    "\"answer_hours\":" INTEGER ",\"filed\":" INTEGER_OR_NULL ",\"words\":" BOTH_WORDS "}}}}"
#define NOTICE_LIST LIST_OF(NOTICE)

#define APPEAL_REQUEST                                                                             \
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"words\"],"                \
    "\"properties\":{\"words\":" PERSONS_WORDS ",\"about\":" INTEGER ",\"member\":" INTEGER "}}"
#define APPEAL_WITH(words_type)                                                                    \
    "{\"type\":\"object\",\"required\":[\"id\",\"about\",\"words\",\"filed_at\",\"due_at\","       \
    "\"overdue\",\"state\",\"decided_at\",\"decision_words\",\"follows\",\"follows_of\"],"         \
    "\"properties\":{\"id\":" INTEGER ",\"person_no\":" INTEGER ",\"area\":" TEXT_OR_NULL          \
    ",\"about\":" INTEGER_OR_NULL ",\"words\":" words_type ",\"filed_at\":" TIME                   \
    ",\"due_at\":" TIME ","                                                                        \
    "\"overdue\":{\"type\":\"boolean\"},\"state\":{\"enum\":[\"open\",\"granted\",\"rejected\"]}," \
    "\"decided_at\":" TIME_OR_NULL ",\"decision_words\":" TEXT_OR_NULL ",\"follows\":"             \
    "{\"enum\":[\"annul\",\"override\",null]},\"follows_of\":" INTEGER_OR_NULL ","                 \
    "\"followed_by\":" INTEGER_OR_NULL "}}"
#define APPEAL APPEAL_WITH(TEXT)
#define APPEAL_LIST LIST_OF(APPEAL)
#define EVIDENCE_PIECE                                                                             \
    "{\"type\":\"object\",\"required\":[\"id\",\"kind\",\"recorded_at\",\"at\",\"until\",\"of\","  \
    "\"case\",\"detail\",\"tube_size\",\"reason_code\",\"requester\",\"approvers\"],"              \
    "\"properties\":{"                                                                             \
    "\"id\":" INTEGER ",\"kind\":" TEXT ",\"recorded_at\":" TIME ",\"at\":" TIME                   \
    ",\"until\":" TIME_OR_NULL ",\"of\":" INTEGER_OR_NULL ",\"case\":" INTEGER_OR_NULL             \
    ",\"detail\":" TEXT_OR_NULL ",\"tube_size\":" INTEGER_OR_NULL                                  \
    ",\"reason_code\":" TEXT_OR_NULL                                                               \
    ",\"requester\":" TEXT_OR_NULL ",\"approvers\":{\"type\":\"array\",\"items\":" TEXT "}}}"
#define EVIDENCE_LIST                                                                              \
    "{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{"                               \
    "\"items\":{\"type\":\"array\",\"items\":" EVIDENCE_PIECE "}}}"
#define PERSON_OVERRIDE                                                                            \
    "{\"type\":\"object\",\"required\":[" OVERRIDE_NAMES                                           \
    ",\"decisions\"],\"properties\":{" OVERRIDE_FIELDS                                             \
    ",\"decisions\":{\"type\":\"array\",\"items\":{\"type\":\"object\","                           \
    "\"required\":[\"name\",\"approves\",\"words\",\"decided_at\"],\"properties\":{\"name\":" TEXT \
    ",\"approves\":{\"type\":\"boolean\"},\"words\":" TEXT ",\"decided_at\":" TIME "}}}}}"
#define PERSON_REDRESS                                                                             \
    "{\"type\":\"object\",\"required\":[\"overrides\",\"appeals\",\"terms\"],\"properties\":{"     \
    "\"overrides\":{\"type\":\"array\",\"items\":" PERSON_OVERRIDE "},"                            \
    "\"appeals\":{\"type\":\"array\",\"items\":" APPEAL_WITH(TEXT_OR_NULL) "},"                    \
    "\"terms\":{\"type\":[\"object\",\"null\"],\"required\":[\"approvers\",\"days_max\","          \
    "\"reason_codes\"],\"properties\":{\"approvers\":" INTEGER ",\"days_max\":" INTEGER            \
    ",\"reason_codes\":{\"type\":\"array\",\"items\":" TEXT "}}}}}"
#define RULES_EFFECT_COUNTS                                                                        \
    "\"persons\":" INTEGER ",\"changed\":" INTEGER_OR_NULL ",\"changes\":{\"type\":\"array\","     \
    "\"items\":{\"type\":\"object\",\"required\":[\"before\",\"after\",\"persons\"],"              \
    "\"properties\":{\"before\":" TEXT ",\"after\":" TEXT ",\"persons\":" INTEGER_OR_NULL "}}}"
#define RULES_EFFECT                                                                               \
    "{\"type\":\"object\",\"required\":[\"at\",\"persons\",\"changed\",\"changes\","               \
    "\"districts\"],\"properties\":{\"at\":" TIME ",\"rules_before\":" TEXT                        \
    ",\"rules_after\":" TEXT "," RULES_EFFECT_COUNTS ",\"districts\":{\"type\":\"array\","         \
    "\"items\":{\"type\":\"object\",\"required\":[\"area\",\"persons\",\"changed\","               \
    "\"changes\"],\"properties\":{\"area\":" TEXT "," RULES_EFFECT_COUNTS "}}}}}"
#define RULES_REQUEST                                                                              \
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"yaml\"],"                 \
    "\"properties\":{\"yaml\":" TEXT "}}"
#define RULES_CHANGE                                                                               \
    "{\"type\":\"object\",\"required\":[\"id\",\"rule_set\",\"version\",\"valid_from\","           \
    "\"state\",\"proposer\",\"proposed_at\",\"signatures\",\"effect\"],\"properties\":{"           \
    "\"id\":" INTEGER ",\"rule_set\":" TEXT ",\"version\":" TEXT ",\"valid_from\":" TIME ","       \
    "\"state\":" TEXT ",\"proposer\":" TEXT ",\"proposed_at\":" TIME ",\"signatures\":"            \
    "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"name\",\"signed_at\"],"    \
    "\"properties\":{\"name\":" TEXT ",\"signed_at\":" TIME "}}},\"effect\":" RULES_EFFECT "}}"
#define RULES_LIST LIST_OF(RULES_CHANGE)
#define PUBLIC_RULES                                                                               \
    "{\"type\":\"object\",\"required\":[\"as_of\",\"items\"],\"properties\":{"                     \
    "\"as_of\":" TIME ",\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\","             \
    "\"required\":[\"rule_set\",\"version\",\"title\",\"legal_basis\",\"valid_from\","             \
    "\"valid_to\"],\"properties\":{\"rule_set\":" TEXT ",\"version\":" TEXT ",\"title\":"          \
    BOTH_WORDS ",\"legal_basis\":" BOTH_WORDS ",\"valid_from\":" TIME ",\"valid_to\":"             \
    TIME_OR_NULL "}}}}}"

#define RULES_NUMBER                                                                               \
    "{\"type\":\"object\",\"required\":[\"name\",\"value\",\"source\"],\"properties\":{"           \
    "\"name\":" TEXT ",\"value\":" INTEGER ",\"source\":" TEXT "}}"
#define RULES_VERSION                                                                              \
    "{\"type\":\"object\",\"required\":[\"rule_set\",\"version\",\"title\",\"valid_from\"," \
    "\"valid_to\",\"area\",\"legal_basis\",\"numbers\",\"override_reason_codes\",\"state\","       \
    "\"change\"],\"properties\":{\"rule_set\":" TEXT ",\"version\":" TEXT ",\"title\":"            \
    BOTH_WORDS ",\"valid_from\":" TIME ",\"valid_to\":" TIME_OR_NULL ",\"area\":" TEXT           \
    ",\"legal_basis\":" BOTH_WORDS ",\"numbers\":{\"type\":\"array\",\"items\":" RULES_NUMBER    \
    "},\"override_reason_codes\":{\"type\":\"array\",\"items\":" TEXT "},\"state\":{\"enum\":"    \
    "[\"in_force\",\"past\",\"to_come\",\"proposed\",\"lapsed\",\"not_authentic\"]},"             \
    "\"change\":" INTEGER_OR_NULL "}}"
#define RULES_VERSIONS                                                                             \
    "{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{"                   \
    "\"type\":\"array\",\"items\":" RULES_VERSION "}}}"

#define APPEAL_DECISION                                                                            \
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"decision\",\"words\"],"   \
    "\"properties\":{\"decision\":{\"enum\":[\"granted\",\"rejected\"]},\"words\":" PERSONS_WORDS  \
    ",\"follows\":{\"enum\":[\"annul\",\"override\"]},\"of\":" INTEGER "}}"

#endif
