/* How long a case took: onset, first positive sample, report, kept apart. Each moment from the
 * record that says it; what no record says is not known. */
#include "chains/chains_internal.h"
#include "status/status.h"

static const struct sql_text stays = {
    "chains_stays",
    "SELECT s.from_at, u.category FROM person_stay s JOIN unit u ON u.unit_no = s.unit_no"
    " WHERE s.person_no = ?1 AND s.until_at >= ?2 ORDER BY s.stay_no LIMIT 200",
    "person_stay_by_person"};

const struct sql_list delay_statements = SQL_LIST(&stays);

static bool is_annulled(const struct evidence *pieces, size_t count, size_t which)
{
    for (size_t i = 0; i < count; i++)
        if (pieces[i].kind == EVIDENCE_ANNUL && pieces[i].of == pieces[which].no)
            return true;
    return false;
}

static void take_earlier(timestamp at, timestamp *earliest)
{
    if (*earliest == TIMESTAMP_NONE || at < *earliest)
        *earliest = at;
}

/* A pooled positive of another's making: the person's own next sample was negative, before any own
 * positive one. */
static bool is_anothers(const struct evidence *pieces, size_t count, const struct evidence *pooled)
{
    const struct evidence *next = NULL;
    for (size_t i = 0; i < count; i++)
        if (pieces[i].kind == EVIDENCE_PCR && pieces[i].tube_size == 1 &&
            pieces[i].detail != RESULT_INCONCLUSIVE && pieces[i].at > pooled->at &&
            (!next || pieces[i].at < next->at))
            next = &pieces[i];
    return pooled->tube_size > 1 && next && next->detail == RESULT_NEGATIVE;
}

/* From trace_days before t0 up to the report. */
static void read_pieces(const struct evidence *pieces, size_t count, const struct case_row *row,
                        timestamp since, struct delays *delays)
{
    for (size_t i = 0; i < count; i++) {
        const struct evidence *piece = &pieces[i];
        bool positive = piece->kind == EVIDENCE_PCR && piece->detail == RESULT_POSITIVE;
        bool close = piece->kind == EVIDENCE_CLOSE_CONTACT;
        bool contact = close || piece->kind == EVIDENCE_SECONDARY_CONTACT;
        timestamp moment = positive ? piece->at : piece->recorded_at;
        if ((!positive && !contact) || moment < since || moment > row->recorded_at ||
            is_annulled(pieces, count, i))
            continue;
        if (positive && !is_anothers(pieces, count, piece))
            take_earlier(piece->at, &delays->sampled_at);
        if (contact) {
            delays->listed_close |= close;
            take_earlier(piece->recorded_at, &delays->listed_at);
        }
    }
}

static bool read_stays(struct platform *platform, struct sql *sql, uint32_t person, timestamp since,
                       struct delays *delays, struct error *err)
{
    const struct chains *chains = platform->chains;
    struct sql_query *query;
    bool row,
        done = sql_begin(sql, &stays, SQL_ARGUMENTS(sql_int(person), sql_int(since)), &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        timestamp from = sql_get_int(query, 0);
        struct slice category = sql_get_text(query, 1);
        for (size_t i = 0; category.data && i < chains->held_at_count; i++)
            if (slice_equal(category, slice_of(chains->held_at[i])) && from >= since &&
                from <= world_now(platform->world) &&
                (delays->held_at == TIMESTAMP_NONE || from < delays->held_at)) {
                delays->held_at = from;
                delays->held_by.at = TIMESTAMP_NONE;
            }
    }
    return done;
}

bool delays_read(struct platform *platform, struct sql *sql, const struct case_row *row,
                 struct arena *arena, struct delays *ret_delays, struct error *err)
{
    const struct chains *chains = platform->chains;
    bool symptomatic = !slice_equal(row->kind, SLICE("asymptomatic"));
    timestamp since = row->at - policy_number(platform->policy, NUMBER_TRACE_DAYS) * DAY;
    struct delays delays = {.onset_at = symptomatic ? row->at : TIMESTAMP_NONE,
                            .sampled_at = TIMESTAMP_NONE,
                            .held_at = TIMESTAMP_NONE,
                            .listed_at = TIMESTAMP_NONE};
    struct evidence *pieces;
    size_t count;
    if (!evidence_of_person(sql, (struct person_no){row->person}, arena, &pieces, &count, err) ||
        !loops_entered(platform->loops, sql, SCENE_PERSON, row->person, chains->held,
                       chains->held_count, since, &delays.held_by, err))
        return false;
    read_pieces(pieces, count, row, since, &delays);
    if (delays.sampled_at == TIMESTAMP_NONE && !symptomatic)
        delays.sampled_at = row->at; /* what t0 means there */
    delays.held_at = delays.held_by.at;
    *ret_delays = delays;
    return read_stays(platform, sql, row->person, since, ret_delays, err);
}
