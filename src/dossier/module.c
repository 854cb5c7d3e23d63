/* The dossier room's entry in the list of modules, and its routes. */
#include "dossier/dossier.h"
#include "dossier/dossier_internal.h"

#define TEXT "{\"type\":\"string\"}"
#define TEXT_OR_NULL "{\"type\":[\"string\",\"null\"]}"
#define NUMBER "{\"type\":\"integer\"}"
#define NUMBER_OR_NULL "{\"type\":[\"integer\",\"null\"]}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define TIME_OR_NULL "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define WORDS                                                                                      \
    "{\"type\":\"object\",\"required\":[\"zh\",\"en\"],\"properties\":{\"zh\":" TEXT               \
    ",\"en\":" TEXT "}}"
#define PAGE(item)                                                                                 \
    "{\"type\":\"object\",\"required\":[\"items\",\"next\"],\"properties\":{"                      \
    "\"items\":{\"type\":\"array\",\"items\":" item "},\"next\":" TEXT_OR_NULL "}}"
#define PERSON                                                                                     \
    "{\"type\":\"object\",\"required\":[\"person_no\",\"name\",\"id_number\",\"phone\","           \
    "\"birth_year\",\"sex\",\"area\",\"household_no\",\"unit_no\"],\"properties\":{"               \
    "\"person_no\":" NUMBER ",\"name\":" TEXT_OR_NULL ",\"id_number\":" TEXT_OR_NULL               \
    ",\"phone\":" TEXT_OR_NULL                                                                     \
    ",\"birth_year\":{\"type\":[\"integer\",\"null\"]},\"sex\":" TEXT_OR_NULL                      \
    ",\"area\":" TEXT_OR_NULL ",\"household_no\":{\"type\":[\"integer\",\"null\"]},"               \
    "\"unit_no\":{\"type\":[\"integer\",\"null\"]}}}"
#define EXPORT                                                                                     \
    "{\"type\":\"object\",\"required\":[\"no\",\"requester\",\"approver\",\"purpose\",\"words\","  \
    "\"state\",\"requested_at\",\"expires_at\",\"rows\"],\"properties\":{\"no\":" NUMBER           \
    ",\"requester\":" TEXT ",\"approver\":" TEXT_OR_NULL ",\"purpose\":" TEXT                     \
    ",\"words\":" TEXT_OR_NULL ",\"state\":{\"enum\":[\"requested\",\"approved\",\"refused\"]},"   \
    "\"requested_at\":" TIME ",\"expires_at\":" TIME_OR_NULL ",\"rows\":" NUMBER "}}"
#define DECIDED                                                                                    \
    "{\"type\":\"object\",\"required\":[\"state\",\"expires_at\"],\"properties\":{"                \
    "\"state\":" TEXT ",\"expires_at\":" TIME_OR_NULL "}}"
#define ACCESS                                                                                     \
    "{\"type\":\"object\",\"required\":[\"at\",\"office\",\"act\",\"purpose\",\"fields\"],"        \
    "\"properties\":{\"at\":" TIME ",\"office\":" WORDS ",\"act\":" TEXT ",\"purpose\":" TEXT      \
    ",\"fields\":" TEXT "}}"
#define LOOK                                                                                       \
    "{\"type\":\"object\",\"required\":[\"at\",\"office\",\"user\",\"act\",\"purpose\","           \
    "\"fields\"],\"properties\":{\"at\":" TIME ",\"office\":" WORDS ",\"user\":" TEXT              \
    ",\"act\":" TEXT ",\"purpose\":" TEXT ",\"fields\":" TEXT "}}"
#define STAY                                                                                       \
    "{\"type\":\"object\",\"required\":[\"stay_no\",\"area\",\"unit_no\",\"from\",\"until\"],"     \
    "\"properties\":{\"stay_no\":" NUMBER ",\"area\":" TEXT_OR_NULL ",\"unit_no\":" NUMBER_OR_NULL \
    ",\"from\":" TIME ",\"until\":" TIME_OR_NULL "}}"
#define SOURCES                                                                                    \
    "{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{\"type\":\"array\"," \
    "\"items\":{\"type\":\"object\",\"required\":[\"source\",\"import_no\",\"imported_at\"],"      \
    "\"properties\":{\"source\":" TEXT ",\"import_no\":" NUMBER_OR_NULL                            \
    ",\"imported_at\":" TIME_OR_NULL "}}}}}"
#define NAMED "\"name\":" TEXT_OR_NULL ",\"category\":" TEXT_OR_NULL ",\"area\":" TEXT_OR_NULL
#define UNIT                                                                                       \
    "{\"type\":\"object\",\"required\":[\"unit_no\",\"name\",\"category\",\"area\"],"              \
    "\"properties\":{\"unit_no\":" NUMBER "," NAMED "}}"
#define UNIT_KINDS                                                                                 \
    "{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{\"type\":\"array\"," \
    "\"items\":{\"type\":\"object\",\"required\":[\"category\",\"units\"],\"properties\":{"        \
    "\"category\":" TEXT ",\"units\":" NUMBER "}}}}}"
#define UNIT_WHOLE                                                                                 \
    "{\"type\":\"object\",\"required\":[\"unit_no\",\"name\",\"category\",\"area\","               \
    "\"credit_code\",\"people\",\"people_below\",\"venues\",\"more_venues\"],\"properties\":{"     \
    "\"unit_no\":" NUMBER "," NAMED ",\"credit_code\":" TEXT_OR_NULL ",\"people\":" NUMBER_OR_NULL \
    ",\"people_below\":" NUMBER_OR_NULL ",\"more_venues\":{\"type\":\"boolean\"},\"venues\":{"     \
    "\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"venue_no\",\"name\","       \
    "\"category\",\"area\",\"closed\"],\"properties\":{\"venue_no\":" NUMBER "," NAMED             \
    ",\"closed\":{\"type\":\"boolean\"}}}}}}"
#define ODDITY                                                                                     \
    "{\"type\":\"object\",\"required\":[\"kind\",\"words\",\"user\",\"count\",\"list_of\","        \
    "\"score\",\"last_at\",\"last_audit_no\"],\"properties\":{\"kind\":" TEXT ",\"words\":" WORDS  \
    ",\"user\":" TEXT ",\"count\":" NUMBER ",\"list_of\":" NUMBER_OR_NULL                          \
    ",\"score\":{\"type\":\"number\"},\"last_at\":" TIME ",\"last_audit_no\":" NUMBER "}}"
#define AUDIT_RECORD                                                                               \
    "{\"type\":\"object\",\"required\":[\"no\",\"at\",\"real_at\",\"user\",\"role\"," \
    "\"act\",\"purpose\",\"reason\",\"subject_no\",\"rows\",\"fields\"],"                          \
    "\"properties\":{\"no\":" NUMBER                                                               \
    ",\"at\":" TIME ",\"real_at\":" TIME ",\"user\":" TEXT ",\"role\":" TEXT ",\"act\":" TEXT \
    ",\"purpose\":" TEXT ",\"reason\":" TEXT_OR_NULL ",\"subject_no\":" NUMBER_OR_NULL             \
    ",\"rows\":" NUMBER ",\"fields\":" TEXT "}}"
#define PAGING "limit:integer:1 to 1000, default 100;after:string:cursor"

const struct route dossier_routes[DOSSIER_ROUTES] = {
    {.method = HTTP_GET,
     .path = "/persons",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = PERSON_FIELDS,
     .permission = PERMISSION_BIT(PERMIT_PERSON_READ),
     .opens_identity = true,
     .summary = "Persons of the reader's area, each field as the role is shown it",
     .query = PAGING ";area:string:area code within the reader's own;"
                     "where:string:responsible (who lives there, the default), stay or own_unit",
     .response_schema = PAGE(PERSON),
     .handle = person_list_handle},
    {.method = HTTP_GET,
     .path = "/persons/{no}",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = PERSON_FIELDS,
     .permission = PERMISSION_BIT(PERMIT_PERSON_READ),
     .opens_identity = true,
     .about_person = true,
     .summary = "A person of the reader's area, each field as the role is shown it",
     .response_schema = PERSON,
     .handle = person_show_handle},
    {.method = HTTP_GET,
     .path = "/persons/{no}/stays",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = FIELD_BIT(FIELD_PLACES),
     .permission = PERMISSION_BIT(PERMIT_STATUS_READ),
     .opens_identity = true,
     .about_person = true,
     .summary = "Where a person stays or stayed who lives elsewhere",
     .query = PAGING,
     .response_schema = PAGE(STAY),
     .handle = person_stays_handle},
    {.method = HTTP_GET,
     .path = "/persons/{no}/sources",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = FIELD_BIT(FIELD_HOME),
     .permission = PERMISSION_BIT(PERMIT_STATUS_READ),
     .opens_identity = true,
     .about_person = true,
     .summary = "From which sources a person's record came, and by which imports",
     .response_schema = SOURCES,
     .handle = person_sources_handle},
    {.method = HTTP_GET,
     .path = "/persons/{no}/looks",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = FIELD_BIT(FIELD_STATUS),
     .permission = PERMISSION_BIT(PERMIT_GLASS_REVIEW),
     .opens_identity = true,
     .about_person = true,
     .summary = "Who looked at a person's records: which officer, when, what for, which fields",
     .query = PAGING,
     .response_schema = PAGE(LOOK),
     .handle = person_looks_handle},
    {.method = HTTP_GET,
     .path = "/units",
     .access = ROUTE_USER,
     .touches = TOUCH_REGISTER,
     .permission = PERMISSION_BIT(PERMIT_VENUE_READ),
     .summary = "Units of the reader's area, in order of area and number",
     .query = PAGING ";area:string:area code within the reader's own;"
                     "category:string:only units of this kind",
     .response_schema = PAGE(UNIT),
     .handle = unit_list_handle},
    {.method = HTTP_GET,
     .path = "/units:kinds",
     .access = ROUTE_USER,
     .touches = TOUCH_REGISTER,
     .permission = PERMISSION_BIT(PERMIT_VENUE_READ),
     .summary = "How many units of each kind there are, most first",
     .query = "area:string:area code within the reader's own",
     .response_schema = UNIT_KINDS,
     .handle = unit_kinds_handle},
    {.method = HTTP_GET,
     .path = "/units/{no}",
     .access = ROUTE_USER,
     .touches = TOUCH_REGISTER,
     .permission = PERMISSION_BIT(PERMIT_VENUE_READ),
     .summary = "A unit of the reader's area: how many people belong to it, which venues it runs",
     .response_schema = UNIT_WHOLE,
     .handle = unit_show_handle},
    {.method = HTTP_POST,
     .path = "/persons:search",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = PERSON_FIELDS,
     .permission = PERMISSION_BIT(PERMIT_PERSON_SEARCH),
     .opens_identity = true,
     .about_person = true,
     .runs_again = true,
     .summary = "The person of an ID number; recorded also where there is none",
     .request_schema = "{\"type\":\"object\",\"required\":[\"id_number\"],"
                       "\"additionalProperties\":false,\"properties\":{\"id_number\":" TEXT "}}",
     .response_schema = PERSON,
     .handle = person_search_handle},
    {.method = HTTP_POST,
     .path = "/exports",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = PERSON_FIELDS,
     .permission = PERMISSION_BIT(PERMIT_EXPORT_REQUEST),
     .opens_identity = true,
     .summary = "Requests an export of persons; another must approve it",
     .request_schema = "{\"type\":\"object\",\"required\":[\"kind\",\"words\"],"
                       "\"additionalProperties\":false,\"properties\":{"
                       "\"kind\":{\"enum\":[\"persons\"]},"
                       "\"words\":{\"type\":\"string\",\"minLength\":10,\"maxLength\":1000}}}",
     .response_schema = "{\"type\":\"object\",\"required\":[\"no\",\"state\"],\"properties\":{"
                        "\"no\":" NUMBER ",\"state\":" TEXT "}}",
     .success_status = 201,
     .handle = export_request_handle},
    {.method = HTTP_GET,
     .path = "/exports",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_EXPORT_APPROVE),
     .summary = "Requested and decided exports of the reader's area, newest first",
     .query = PAGING,
     .response_schema = PAGE(EXPORT),
     .handle = export_list_handle},
    {.method = HTTP_POST,
     .path = "/exports/{no}/approve",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_EXPORT_APPROVE),
     .summary = "The second key: another than the requester lets the file be fetched",
     .response_schema = DECIDED,
     .handle = export_approve_handle},
    {.method = HTTP_POST,
     .path = "/exports/{no}/refuse",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_EXPORT_APPROVE),
     .summary = "Refuses a requested export",
     .response_schema = DECIDED,
     .handle = export_refuse_handle},
    {.method = HTTP_GET,
     .path = "/exports/{no}/file",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = PERSON_FIELDS,
     .permission = PERMISSION_BIT(PERMIT_EXPORT_REQUEST),
     .opens_identity = true,
     .summary = "The approved export as CSV, whole, for its requester, until it expires",
     .response_type = "text/csv",
     .handle = export_file_handle},
    {.method = HTTP_GET,
     .path = "/exports/marks/{mark}",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_AUDIT_READ),
     .summary = "Which export a row's watermark belongs to",
     .response_schema = "{\"type\":\"object\",\"required\":[\"export_no\",\"person_no\"],"
                        "\"properties\":{\"export_no\":" NUMBER ",\"person_no\":" NUMBER "}}",
     .handle = watermark_handle},
    {.method = HTTP_GET,
     .path = "/me/accesses",
     .access = ROUTE_HOLDER,
     .touches = TOUCH_OWN,
     .summary = "Who looked at the holder's records: which office, when, what for, which fields",
     .query = PAGING,
     .response_schema = PAGE(ACCESS),
     .handle = own_accesses_handle},
    {.method = HTTP_GET,
     .path = "/audit/oddities",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_AUDIT_READ),
     .summary = "Reads of the last week that deserve a question, the gravest first",
     .response_schema = "{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{"
                        "\"items\":{\"type\":\"array\",\"items\":" ODDITY "}}}",
     .handle = oddities_handle},
    {.method = HTTP_GET,
     .path = "/audit/records",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_AUDIT_READ),
     .opens_identity = true,
     .summary = "What a user opened, or who opened a person (by number), newest first; recorded",
     .query = PAGING ";actor:string:name of a user;person:integer:number of a person",
     .response_schema = PAGE(AUDIT_RECORD),
     .handle = audit_search_handle},
    {.method = HTTP_GET,
     .path = "/public/audit-head",
     .access = ROUTE_PUBLIC,
     .touches = TOUCH_NOTHING,
     .summary = "The signed head of the audit chain: keep it, and nothing before it can change "
                "unseen",
     .response_schema =
         "{\"type\":\"object\",\"required\":[\"no\",\"real_at\",\"hash\","
         "\"signature\",\"public_key\"],\"properties\":{\"no\":" NUMBER ",\"real_at\":" TIME
         ",\"hash\":" TEXT ",\"signature\":" TEXT ",\"public_key\":" TEXT "}}",
     .handle = audit_head_handle},
};

static const struct migration migrations[] = {{"src/dossier/schema/001_dossier.sql"},
                                              {"src/dossier/schema/002_seen_lists.sql"},
                                              {"src/dossier/schema/003_encrypted_words.sql"}};

static const struct cipher_column ciphers[] = {
    {"export_request.words", KEY_IDENTITY, CIPHER_EXPORT, &export_words_block,
     &export_words_replace},
    {"watched_person.words", KEY_IDENTITY, CIPHER_WATCHED, &watch_words_block,
     &watch_words_replace},
};
static const struct plain_column plains[] = {
    {&ciphers[0], &export_words_plain, &export_words_encrypt},
    {&ciphers[1], &watch_words_plain, &watch_words_encrypt},
};
static const struct event_kind event_kinds[] = {{"access.glass_broken", "none"}};

const struct module dossier_module = {
    .name = "dossier",
    .migrations = migrations,
    .migration_count = sizeof migrations / sizeof *migrations,
    .routes = dossier_routes,
    .route_count = DOSSIER_ROUTES,
    .commands = watch_commands,
    .command_count = WATCH_COMMANDS,
    .event_kinds = event_kinds,
    .event_kind_count = 1,
    .statements = (const struct sql_list *const[]){&person_statements, &person_record_statements,
                                                   &unit_statements, &export_request_statements,
                                                   &review_statements, &audit_search_statements,
                                                   &watch_statements, NULL},
    .ciphers = ciphers,
    .cipher_count = sizeof ciphers / sizeof *ciphers,
    .plains = plains,
    .plain_count = sizeof plains / sizeof *plains,
};
