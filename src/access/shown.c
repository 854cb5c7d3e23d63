/* The field mask, and the suppression of small counts (domain.md §11: aggregates below 5). */
#include "access/shown.h"

static const char *const names[FIELD_COUNT] = {
#define X(id, name) [id] = name,
    FIELD_TABLE(X)
#undef X
};

struct slice shown_field(uint32_t reads, enum field field, struct slice value, struct arena *arena)
{
    enum shown shown = shown_of(reads, field);
    if (shown == SHOWN_NOT || !value.data)
        return (struct slice){NULL, 0};
    if (shown == SHOWN_FULL)
        return value;
    switch (field) {
    case FIELD_NAME:
        return registry_mask_name(value, MASK_PARTIAL, arena);
    case FIELD_ID_NUMBER:
        return registry_mask_id_number(value, MASK_PARTIAL, arena);
    case FIELD_PHONE:
        return registry_mask_phone(value, MASK_PARTIAL, arena);
    case FIELD_HOME: /* an area's code: the county is its first six digits */
        return (struct slice){value.data, value.length < 6 ? value.length : 6};
    default:
        return (struct slice){NULL, 0};
    }
}

static void put_text(struct json_writer *writer, const char *key, struct slice text)
{
    if (text.data)
        json_field_text(writer, key, text);
    else
        json_field_null(writer, key);
}

static void put_number(struct json_writer *writer, const char *key, bool shown, int64_t number)
{
    if (shown && number)
        json_field_int64(writer, key, number);
    else
        json_field_null(writer, key);
}

void shown_person_write(struct json_writer *writer, struct platform *platform, uint32_t reads,
                        const struct person *person, struct arena *arena)
{
    const struct area *area = registry_area(platform->registry, person->area_no);
    enum shown birth = shown_of(reads, FIELD_BIRTH);
    bool at_home = shown_of(reads, FIELD_HOME) == SHOWN_FULL;
    int year = birth == SHOWN_FULL ? person->birth_year : person->birth_year / 10 * 10;
    json_object_begin(writer);
    json_field_int64(writer, "person_no", person->no);
    put_text(writer, "name", shown_field(reads, FIELD_NAME, person->name, arena));
    put_text(writer, "id_number", shown_field(reads, FIELD_ID_NUMBER, person->id_number, arena));
    put_text(writer, "phone", shown_field(reads, FIELD_PHONE, person->phone, arena));
    put_number(writer, "birth_year", birth != SHOWN_NOT, year);
    put_text(writer, "sex",
             birth == SHOWN_FULL && person->sex != '?' ? (struct slice){&person->sex, 1}
                                                       : (struct slice){NULL, 0});
    put_text(writer, "area",
             area ? shown_field(reads, FIELD_HOME, area->code, arena) : (struct slice){NULL, 0});
    put_number(writer, "household_no", at_home, person->household_no);
    put_number(writer, "unit_no", at_home, person->unit_no);
    json_object_end(writer);
}

struct slice shown_names(uint32_t reads, unsigned fields, struct arena *arena)
{
    struct slice text = SLICE("person_no");
    for (int field = 0; field < FIELD_COUNT; field++)
        if ((fields & FIELD_BIT(field)) && shown_of(reads, (enum field)field))
            text = slice_of(arena_print(arena, "%.*s,%s%s", SLICE_ARG(text), names[field],
                                        shown_of(reads, (enum field)field) == SHOWN_PARTIAL
                                            ? " in part"
                                            : ""));
    return text;
}

/* ---- Small counts */

/* The smallest that is shown and not zero; `count` where there is none. */
static size_t smallest_shown(const int64_t *counts, const bool *hidden, size_t count)
{
    size_t found = count;
    for (size_t i = 0; i < count; i++)
        if (!hidden[i] && counts[i] > 0 && (found == count || counts[i] < counts[found]))
            found = i;
    return found;
}

bool shown_counts_suppress(const int64_t *counts, bool *hidden, size_t count, int64_t below)
{
    size_t hidden_count = 0;
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        hidden[i] = counts[i] > 0 && counts[i] < below;
        hidden_count += hidden[i];
        sum += hidden[i] ? counts[i] : 0;
    }
    while (hidden_count && (hidden_count < 2 || sum < below)) {
        size_t next = smallest_shown(counts, hidden, count);
        if (next == count)
            return false;
        hidden[next] = true;
        hidden_count++;
        sum += counts[next];
    }
    return true;
}
