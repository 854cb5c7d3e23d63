/* Evidence: its kinds, their fields, and reading it from JSON. The list of kinds is closed: there is
 * no way in for anything that is not health evidence. */
#include "policy/policy_internal.h"

static const struct evidence_form forms[EVIDENCE_KIND_COUNT] = {
#define X(id, name, at, until, detail, refers) [id] = {name, at, until, detail, refers},
    EVIDENCE_TABLE(X)
#undef X
};

static const char *const color_names[COLOR_COUNT] = {
#define X(id, name, zh) [id] = name,
    COLOR_TABLE(X)
#undef X
};
const char *const policy_color_words_zh[COLOR_COUNT] = {
#define X(id, name, zh) [id] = zh,
    COLOR_TABLE(X)
#undef X
};

enum { EVIDENCE_PIECES_MAX = 2000 };

static const char *const levels[] = {"mid", "high", NULL};
static const char *const zones[] = {"lockdown", "restricted", "precaution", NULL};
static const char *const results[] = {"negative", "positive", "inconclusive", NULL};
static const char *const override_colors[] = {"green", "yellow", NULL};

const char *color_name(enum color color)
{
    return color < COLOR_COUNT ? color_names[color] : "unknown";
}

const struct evidence_form *evidence_form(enum evidence_kind kind)
{
    REQUIRE(kind < EVIDENCE_KIND_COUNT);
    return &forms[kind];
}

int evidence_kind_of(struct slice name)
{
    for (int kind = 0; kind < EVIDENCE_KIND_COUNT; kind++)
        if (slice_equal(name, slice_of(forms[kind].name)))
            return kind;
    return -1;
}

static const char *const *detail_names(enum evidence_kind kind)
{
    switch (kind) {
    case EVIDENCE_AREA_STAY:
    case EVIDENCE_RISK_AREA_RESIDENT:
        return levels;
    case EVIDENCE_ZONE_RESIDENT:
        return zones;
    case EVIDENCE_PCR:
        return results;
    case EVIDENCE_OVERRIDE:
        return override_colors;
    default:
        return NULL;
    }
}

const char *evidence_detail_name(enum evidence_kind kind, unsigned detail)
{
    const char *const *names = detail_names(kind);
    for (unsigned i = 0; names && names[i]; i++)
        if (i == detail)
            return names[i];
    return NULL;
}

int evidence_detail_of(enum evidence_kind kind, struct slice name)
{
    const char *const *names = detail_names(kind);
    for (int i = 0; names && names[i]; i++)
        if (slice_equal(name, slice_of(names[i])))
            return i;
    return -1;
}

bool evidence_check(const struct evidence *piece, const char *source, int64_t row,
                    struct error *err)
{
    const struct evidence_form *form = evidence_form(piece->kind);
    struct error_place place = {source, row, NULL};
    const char *expected = "an RFC 3339 time with its offset";
    if (piece->recorded_at == TIMESTAMP_NONE) {
        place.field = "recorded_at";
        return error_set(err, ERROR_BAD_VALUE, place, expected, "missing");
    }
    if (piece->at == TIMESTAMP_NONE || (form->until_field && piece->until == TIMESTAMP_NONE)) {
        place.field = piece->at == TIMESTAMP_NONE ? form->at_field : form->until_field;
        return error_set(err, ERROR_BAD_VALUE, place, expected, "missing");
    }
    place.field = form->detail_field;
    if (form->detail_field && !evidence_detail_name(piece->kind, piece->detail))
        return error_set(err, ERROR_BAD_VALUE, place, "one of the kind's values",
                         "unknown value");
    place.field = "tube_size";
    if (piece->kind == EVIDENCE_PCR && (piece->tube_size < 1 || piece->tube_size > 100))
        return error_set(err, ERROR_BAD_VALUE, place, "a whole number from 1 to 100",
                         "not such a number");
    return true;
}

/* ---- JSON */

static bool read_detail(json_t *object, struct json_place place, struct evidence *piece,
                        struct error *err)
{
    const struct evidence_form *form = evidence_form(piece->kind);
    struct slice text;
    if (!form->detail_field)
        return true;
    if (!json_text(object, form->detail_field, place, &text, err))
        return false;
    int detail = evidence_detail_of(piece->kind, text);
    if (detail < 0)
        return error_set(err, ERROR_BAD_VALUE,
                         (struct error_place){place.source, place.row, form->detail_field},
                         "one of the kind's values", "unknown value '%.*s'",
                         (int)(text.length < 60 ? text.length : 60), text.data);
    piece->detail = (uint8_t)detail;
    return true;
}

static bool read_override(json_t *object, struct json_place place, struct arena *arena,
                          struct evidence *piece, struct error *err)
{
    if (!json_text(object, "reason_code", place, &piece->reason_code, err) ||
        !json_text(object, "requester", place, &piece->requester, err))
        return false;
    json_t *list = json_object_get(object, "approvers");
    struct error_place at = {place.source, place.row, "approvers"};
    if (!json_is_array(list) || json_array_size(list) > 100)
        return error_set(err, ERROR_BAD_VALUE, at, "an array of names", "not an array of names");
    size_t count = json_array_size(list);
    struct slice *approvers = arena_alloc(arena, count * sizeof *approvers);
    for (size_t i = 0; i < count; i++) {
        json_t *name = json_array_get(list, i);
        if (!json_is_string(name))
            return error_set(err, ERROR_BAD_VALUE, at, "an array of names", "not a name");
        approvers[i] = (struct slice){json_string_value(name), json_string_length(name)};
    }
    piece->approvers = approvers;
    piece->approver_count = count;
    return true;
}

static bool read_piece(json_t *object, struct json_place place, struct arena *arena,
                       struct evidence *piece, struct error *err)
{
    struct slice kind;
    if (!json_text(object, "kind", place, &kind, err))
        return false;
    int number = evidence_kind_of(kind);
    if (number < 0)
        return error_set(err, ERROR_UNKNOWN_EVIDENCE,
                         (struct error_place){place.source, place.row, "kind"},
                         "a kind of health evidence", "unknown evidence kind '%.*s'",
                         (int)(kind.length < 60 ? kind.length : 60), kind.data);
    piece->kind = (enum evidence_kind)number;
    const struct evidence_form *form = evidence_form(piece->kind);
    piece->until = TIMESTAMP_NONE;
    if (!json_time(object, "recorded_at", place, &piece->recorded_at, err) ||
        !json_time(object, form->at_field, place, &piece->at, err) ||
        (form->until_field && !json_time(object, form->until_field, place, &piece->until, err)) ||
        !read_detail(object, place, piece, err))
        return false;
    int64_t tube_size = 0;
    if (piece->kind == EVIDENCE_PCR &&
        !json_int64(object, "tube_size", place, 1, 100, &tube_size, err))
        return false;
    piece->tube_size = (uint16_t)tube_size;
    return piece->kind != EVIDENCE_OVERRIDE || read_override(object, place, arena, piece, err);
}

/* Number of the piece with that id, 0 where none. */
static int64_t number_of(const char *const *ids, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(ids[i], id) == 0)
            return (int64_t)i + 1;
    return 0;
}

bool evidence_from_json(json_t *array, struct arena *arena, struct evidence **ret_evidence,
                        size_t *ret_count, const char ***ret_ids, struct error *err)
{
    if (!json_is_array(array))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.source = "evidence"},
                         "an array of pieces", "not an array");
    size_t count = json_array_size(array);
    if (count > EVIDENCE_PIECES_MAX)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = "evidence"},
                         "at most 2000 pieces about one person", "too many pieces");
    struct evidence *pieces = arena_alloc(arena, (count + 1) * sizeof *pieces);
    const char **ids = arena_alloc(arena, (count + 1) * sizeof *ids);
    for (size_t i = 0; i < count; i++) {
        json_t *object = json_array_get(array, i);
        struct json_place place = {.source = "evidence", .row = (int64_t)i + 1, .required = true};
        struct slice id;
        if (!json_text(object, "id", place, &id, err))
            return false;
        ids[i] = arena_copy(arena, id.data, id.length);
        if (number_of(ids, i, ids[i]))
            return error_set(err, ERROR_BAD_VALUE, (struct error_place){ids[i], place.row, "id"},
                             "an id of its own", "the id stands twice");
        place.source = ids[i];
        pieces[i].no = (int64_t)i + 1;
        if (!read_piece(object, place, arena, &pieces[i], err))
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!evidence_form(pieces[i].kind)->refers)
            continue;
        struct json_place place = {.source = ids[i], .row = (int64_t)i + 1, .required = true};
        struct slice of;
        if (!json_text(json_array_get(array, i), "of", place, &of, err))
            return false;
        pieces[i].of = number_of(ids, count, of.data);
        if (!pieces[i].of)
            return error_set(err, ERROR_BAD_VALUE,
                             (struct error_place){ids[i], place.row, "of"},
                             "the id of a piece of this file", "there is no piece '%.*s'",
                             (int)(of.length < 60 ? of.length : 60), of.data);
    }
    *ret_evidence = pieces;
    *ret_count = count;
    *ret_ids = ids;
    return true;
}
