/* JSON Schemas of family members. Inside the status room only. */
#ifndef CHENGMAI_STATUS_FAMILY_SCHEMA_H
#define CHENGMAI_STATUS_FAMILY_SCHEMA_H

#include "status/redress_schema.h"

#define COLOR_NAMES "{\"enum\":[\"green\",\"yellow\",\"red\",\"unknown\"]}"
#define FAMILY_NAMES "\"no\",\"person_no\",\"represented_since\",\"represented_until\""
#define FAMILY_FIELDS                                                                              \
    "\"no\":" INTEGER ",\"person_no\":" INTEGER ",\"represented_since\":" TIME                     \
    ",\"represented_until\":" TIME
#define RELATION "{\"enum\":[\"child\",\"parent\",\"spouse\",\"other\"]}"
#define FAMILY_MEMBER                                                                              \
    "{\"type\":\"object\",\"required\":[" FAMILY_NAMES ",\"relation\",\"status\",\"color\","       \
    "\"since\",\"until\",\"last_negative_at\"],\"properties\":{" FAMILY_FIELDS                     \
    ",\"relation\":" RELATION ",\"status\":{\"enum\":[\"known\",\"unknown\"]},"                    \
    "\"color\":" COLOR_NAMES ",\"since\":" TIME_OR_NULL ",\"until\":" TIME_OR_NULL                 \
    ",\"last_negative_at\":" TIME_OR_NULL "}}"
#define FAMILY                                                                                     \
    "{\"type\":\"object\",\"required\":[\"members\",\"representatives\"],\"properties\":{"         \
    "\"members\":{\"type\":\"array\",\"items\":" FAMILY_MEMBER "},"                                \
    "\"representatives\":{\"type\":\"array\",\"items\":{\"type\":\"object\","                      \
    "\"required\":[" FAMILY_NAMES ",\"as\"],\"properties\":{" FAMILY_FIELDS ",\"as\":" RELATION    \
    "}}}}}"
#define FAMILY_REQUEST                                                                             \
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"provider\",\"relation\"],"\
    "\"properties\":{\"provider\":" TEXT ",\"id_number\":" TEXT ",\"person_no\":" INTEGER          \
    ",\"relation\":" RELATION "}}"
#define MEMBER_QUERY "member:integer:the number of a person whom the holder represents"

#endif
