/* The poster of a venue: A4, read at arm's length by whoever comes in. From above: what it is,
 * whose it is, the code, the short code for those who cannot scan, what a scan is for, and what it
 * never does. At the foot what tells an old poster from the present one. */
#include "prints/prints_internal.h"

#define MARGIN 18.0
#define INSIDE (PAGE_WIDTH - 2 * MARGIN)

static const struct words title = {"场所码", "Venue code"};
static const struct words ask = {"进入请扫码", "Scan on entering"};
static const struct words instead = {"不能扫码？请输入短码", "Cannot scan? Type the short code"};
static const struct words purpose = {
    "扫码只记录您何时到过这里：若当时有感染者在场，可以及时通知您。",
    "A scan records when you were here, so that you can be told if somebody infected was here "
    "then."};
static const struct words rule = {"扫码本身不会改变任何人的健康码颜色。",
                                  "A scan by itself never changes the colour of anyone's code."};
static const struct words copies = {"本码仅用于此处，请勿拍照转发。",
                                    "Only for this place: please do not photograph or pass it on."};

static double draw_head(struct page *page, const struct venue_poster *poster)
{
    static const struct type large = {.size = 40, .bold = true, .centred = true};
    static const struct type small = {.size = 15, .centred = true, .grey = 0.35};
    const double top = 10, name_top = 37, name_height = 31, gap = 5;
    const struct type name_type = {
        .size = 30, .least = 13, .lines = 3, .most = name_height, .bold = true, .centred = true};
    char *name = poster->name.length ? page_printable(page, poster->name)
                                     : g_strdup_printf("%u", poster->venue_no);
    page_words(page, MARGIN, top, INSIDE, &large, &small, &title);
    double height = page_text_height(page, INSIDE, &name_type, name);
    page_text(page, MARGIN, name_top + (name_height - height) / 2, INSIDE, &name_type, name);
    g_free(name);
    return name_top + name_height + gap;
}

static bool draw_code(struct page *page, const struct venue_poster *poster, double top,
                      double *ret_bottom, struct error *err)
{
    static const struct type zh = {.size = 15, .bold = true, .centred = true};
    static const struct type en = {.size = 11, .centred = true, .grey = 0.35};
    int modules = code_modules(poster->token);
    double side = (modules + 2 * QUIET_MODULES) * POSTER_MODULE_MM;
    double left = (PAGE_WIDTH - side) / 2;
    double quiet = QUIET_MODULES * POSTER_MODULE_MM;
    if (!page_code(page, left + quiet, top + quiet, POSTER_MODULE_MM, poster->token, err))
        return false;
    page_frame(page, left - 3, top - 3, side + 6, side + 17, false); /* its corners are round */
    page_words(page, left, top + side - 3, side, &zh, &en, &ask);
    *ret_bottom = top + side + 14;
    return true;
}

static void draw_foot(struct page *page, const struct venue_poster *poster)
{
    static const struct type small = {
        .size = 9.5, .lines = 1, .least = 6, .centred = true, .grey = 0.35};
    char line[200], day[TIME_TEXT_BYTES];
    snprintf(line, sizeof line,
             "签发 Issued %s · 码版本 Code version %u · 场所编号 Venue no. %u · 城脉 Chengmai",
             time_format_date(poster->issued_day, day), poster->version, poster->venue_no);
    page_text(page, MARGIN, PAGE_HEIGHT - 14, INSIDE, &small, line);
}

static void draw_words(struct page *page, const struct venue_poster *poster, double top)
{
    static const struct type zh = {.size = 13, .centred = true};
    static const struct type en = {.size = 10, .centred = true, .grey = 0.35};
    static const struct type bold = {.size = 16, .bold = true, .centred = true};
    static const struct type plain = {.size = 11, .centred = true};
    static const struct type code = {
        .size = 42, .least = 16, .lines = 1, .bold = true, .centred = true};
    char short_code[64];
    text_copy(short_code, sizeof short_code, poster->short_code);
    top += page_words(page, MARGIN, top, INSIDE, &zh, &en, &instead) - 2;
    top += page_text(page, MARGIN, top, INSIDE, &code, short_code);
    top += page_words(page, MARGIN, top, INSIDE, &bold, &plain, &rule) + 3;
    top += page_words(page, MARGIN, top, INSIDE, &zh, &en, &purpose) + 3;
    char *line = g_strdup_printf("%s %s", copies.zh, copies.en);
    page_text(page, MARGIN, top, INSIDE, &en, line);
    g_free(line);
}

bool prints_venue_poster(const struct venue_poster *poster, struct buffer *out, struct error *err)
{
    struct page page;
    double bottom = 0;
    if (!page_begin(&page, out, "场所码 Venue code", poster->issued_day, err))
        return false;
    double top = draw_head(&page, poster);
    bool done = draw_code(&page, poster, top, &bottom, err);
    if (done)
        draw_words(&page, poster, bottom + 3);
    draw_foot(&page, poster);
    return page_end(&page, done, err);
}
