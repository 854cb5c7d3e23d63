/* What tests of the alert desk share: reports that come in, a night, a verdict. */
#ifndef CHENGMAI_SERVER_TEST_ALERT_SUPPORT_H
#define CHENGMAI_SERVER_TEST_ALERT_SUPPORT_H

#include "alerts/alerts.h"
#include "server/test_loop_support.h"

static inline int32_t day_of(struct loopback *loop)
{
    return time_day_of_seconds(now(loop) / SECOND);
}

static inline void add_line(struct buffer *body, const char *channel, const char *area, int32_t day,
                            long count, const char *more)
{
    char date[TIME_TEXT_BYTES];
    buffer_print(body, "{\"channel\":\"%s\",\"area\":\"%s\",\"date\":\"%s\",\"count\":%ld%s}\n",
                 channel, area, time_format_date(day, date), count, more);
}

static inline void send(struct loopback *loop, const char *user, struct buffer *body)
{
    expect(loop, user, HTTP_POST, "/api/v1/series:batch", buffer_slice(body).data, 200,
           "\"done\":true");
    buffer_release(body);
}

static inline void send_one(struct loopback *loop, const char *channel, const char *area,
                            int32_t day, long count)
{
    struct buffer body;
    buffer_init(&body, 1 << 20);
    add_line(&body, channel, area, day, count, "");
    send(loop, "cdc_lead", &body);
}

static inline struct alerts_report run(struct loopback *loop, int32_t day)
{
    struct alerts_report report;
    struct error err;
    test_fail_on(alerts_run(loop->platform->alerts, day, &report, &err), &err);
    wait_until(loop, now(loop));
    return report;
}

static inline int64_t alert_no(struct loopback *loop)
{
    return loopback_number(loop, "SELECT max(alert_no) FROM alert");
}

static inline void judge(struct loopback *loop, const char *user, int64_t no, const char *verdict,
                         int status, const char *words)
{
    char path[80], body[120];
    snprintf(path, sizeof path, "/api/v1/alerts/%lld/disposition", (long long)no);
    snprintf(body, sizeof body, "{\"verdict\":\"%s\",\"words\":\"looked at it\"}", verdict);
    expect(loop, user, HTTP_POST, path, body, status, words);
}

/* The demo city without what its channels reported and without what the platform feeds the desk by
 * itself (test_feeds.c): each test brings its own. */
static inline int desk_create(void **state)
{
    int failed = loopback_create(state);
    loopback_change(*state, "DELETE FROM series_point");
    loopback_change(*state, "DELETE FROM series_feed");
    alerts_prepare(((struct loopback *)*state)->platform->alerts, NULL, NULL);
    return failed;
}

#define ALERT_TEST(name) cmocka_unit_test_setup_teardown(name, desk_create, verify_and_remove)

#endif
