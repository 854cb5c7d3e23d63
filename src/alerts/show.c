/* What the desk's answers have in common: one alert, its numbers, the moment that was asked for.
 * Who is shown no person is shown no count below the policy's least. */
#include "alerts/alerts_internal.h"
#include "command/command.h"

enum { BODY_BYTES_MAX = 8 << 20 };

void show_words(struct json_writer *writer, const char *key, struct words words)
{
    json_key(writer, key);
    json_object_begin(writer);
    json_field_text(writer, "zh", slice_of(words.zh));
    json_field_text(writer, "en", slice_of(words.en));
    json_object_end(writer);
}

void show_day(struct json_writer *writer, const char *key, int32_t day)
{
    char text[TIME_TEXT_BYTES];
    json_field_text(writer, key, slice_of(time_format_date(day, text)));
}

void show_count(const struct showing *showing, const char *key, double value)
{
    if (isnan(value) || value < showing->below)
        json_field_null(showing->writer, key);
    else
        json_field_double(showing->writer, key, value);
}

void show_observation(const struct showing *showing, double observed, double expected, double bound,
                      double p)
{
    bool small = !isnan(observed) && observed < showing->below;
    show_count(showing, "observed", observed);
    json_field_double(showing->writer, "expected", expected);
    json_field_double(showing->writer, "bound", bound);
    json_field_double(showing->writer, "p_value", small ? NAN : p); /* it would tell the count */
}

static void put_state(const struct showing *showing, const struct alert *alert)
{
    struct json_writer *writer = showing->writer;
    if (alert->verdict < 0)
        json_field_null(writer, "verdict");
    else
        json_field_text(writer, "verdict", slice_of(verdict_name(alert->verdict)));
    json_field_time(writer, "judged_at", alert->judged_at);
    json_field_time(writer, "watch_until",
                    alert->state == ALERT_OPEN ? alert->watch_until : TIMESTAMP_NONE);
}

/* A channel that was taken out of the policy keeps its name. */
void show_alert(const struct showing *showing, const struct alert *alert)
{
    static const struct words gone = {"", ""};
    static const struct words feed = {"数据中断：联系报送单位，确认是否停报",
                                      "The feed has stopped: ask who reports whether it goes on."};
    struct json_writer *writer = showing->writer;
    const struct channel *channel = channel_find(showing->alerts, slice_of(alert->channel));
    const struct area *area = registry_area(showing->request->platform->registry, alert->area_no);
    json_field_int64(writer, "id", alert->no);
    json_field_text(writer, "kind", slice_of(alert_kind_name(alert->kind)));
    json_field_text(writer, "channel", slice_of(alert->channel));
    show_words(writer, "title", channel ? channel->title : gone);
    json_field_text(writer, "area", area ? area->code : SLICE(""));
    json_field_text(writer, "level", slice_of(level_name(alert->level)));
    json_field_text(writer, "state", slice_of(alert_state_name(alert->state)));
    show_day(writer, "first_day", alert->first_day);
    show_day(writer, "last_day", alert->last_day);
    json_field_time(writer, "raised_at", alert->raised_at);
    json_field_text(writer, "detector", slice_of(alert->detector));
    json_field_bool(writer, "by_rule", alert->by_rule);
    if (alert->kind == ALERT_SIGNAL) {
        show_observation(showing, alert->observed, alert->expected, alert->bound, alert->p);
    } else { /* days of silence */
        json_field_double(writer, "observed", alert->observed);
        json_field_double(writer, "expected", alert->expected);
        json_field_double(writer, "bound", alert->bound);
        json_field_null(writer, "p_value");
    }
    json_field_double(writer, "score", alert->score);
    json_field_int64(writer, "members", alert->members);
    put_state(showing, alert);
    show_words(writer, "asks", alert->kind == ALERT_FEED ? feed : channel ? channel->asks : gone);
}

/* ---- Around an answer */

struct showing show_begin(const struct request *request, struct response *response,
                          struct json_writer *writer)
{
    buffer_init(&response->body, BODY_BYTES_MAX);
    json_writer_init(writer, &response->body);
    return (struct showing){
        request, request->platform->alerts, writer,
        command_hides_small(&request->actor)
            ? (double)policy_number(request->platform->policy, NUMBER_SUPPRESS_BELOW)
            : 0};
}

bool show_end(struct response *response, struct json_writer *writer, bool done)
{
    json_writer_release(writer);
    if (!done)
        buffer_release(&response->body);
    return done;
}
