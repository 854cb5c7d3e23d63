/* A person's code on paper, for who has no phone at hand: a card to be cut out, and below it, in
 * large type, what the holder should know. The name is shown as the field mask shows it; the code
 * says no more than a number, and only a venue's staff can use it. */
#include "prints/prints_internal.h"

#define MARGIN 15.0
#define INSIDE (PAGE_WIDTH - 2 * MARGIN)

static const struct words title = {"纸质个人码", "Paper personal code"};
static const struct words ask = {"请工作人员扫描", "Staff: scan this code"};
static const struct words advice[] = {
    {"出门请带上这张卡，进门时出示。", "Carry this card and show it where you go in."},
    {"卡上没有颜色：扫描时才查询当时的状态。",
     "It shows no colour: your status is looked up when the card is scanned."},
    {"扫码本身不会改变您的健康码颜色。", "A scan by itself never changes the colour of your code."},
    {"有效期满之前请换一张新卡。", "Get a new card before this one ends."},
};

/* "2022-04-14 14:30" */
static const char *moment(timestamp time, char out[TIME_TEXT_BYTES])
{
    time_format(time, out);
    out[10] = ' ';
    out[16] = '\0';
    return out;
}

static void draw_facts(struct page *page, const struct person_sheet *sheet, double left, double top,
                       double width)
{
    static const struct type zh = {.size = 24, .bold = true};
    static const struct type en = {.size = 13, .grey = 0.35};
    static const struct type name_type = {.size = 24, .least = 11, .lines = 2};
    static const struct type label = {.size = 11, .grey = 0.35};
    static const struct type value = {.size = 16, .least = 10, .lines = 1, .bold = true};
    char text[TIME_TEXT_BYTES];
    top += page_words(page, left, top, width, &zh, &en, &title) + 4;
    if (sheet->name.data) {
        char *name = page_printable(page, sheet->name);
        top += page_text(page, left, top, width, &label, "姓名 Name");
        top += page_text(page, left, top, width, &name_type, name) + 2;
        g_free(name);
    }
    top += page_text(page, left, top, width, &label, "有效至 Valid until");
    top += page_text(page, left, top, width, &value, moment(sheet->valid_until, text)) + 2;
    top += page_text(page, left, top, width, &label, "签发 Issued");
    page_text(page, left, top, width, &label, moment(sheet->issued_at, text));
}

static bool draw_card(struct page *page, const struct person_sheet *sheet, double *ret_bottom,
                      struct error *err)
{
    static const struct type zh = {.size = 14, .bold = true, .centred = true};
    static const struct type en = {.size = 11, .centred = true, .grey = 0.35};
    int modules = code_modules(sheet->code);
    double quiet = QUIET_MODULES * SHEET_MODULE_MM;
    double side = (modules + 2 * QUIET_MODULES) * SHEET_MODULE_MM, height = side + 26;
    if (!page_code(page, MARGIN + 6 + quiet, MARGIN + 5 + quiet, SHEET_MODULE_MM, sheet->code, err))
        return false;
    page_words(page, MARGIN + 6, MARGIN + 5 + side - 1, side, &zh, &en, &ask);
    draw_facts(page, sheet, MARGIN + side + 16, MARGIN + 9, INSIDE - side - 20);
    page_frame(page, MARGIN, MARGIN, INSIDE, height, true);
    *ret_bottom = MARGIN + height;
    return true;
}

static void draw_advice(struct page *page, double top)
{
    static const struct type zh = {.size = 22};
    static const struct type en = {.size = 14, .grey = 0.35};
    for (size_t i = 0; i < sizeof advice / sizeof *advice; i++)
        top += page_words(page, MARGIN + 4, top, INSIDE - 8, &zh, &en, &advice[i]) + 7;
}

bool prints_person_sheet(const struct person_sheet *sheet, struct buffer *out, struct error *err)
{
    struct page page;
    double bottom = 0;
    if (!page_begin(&page, out, "纸质个人码 Paper personal code",
                    time_day_of_seconds(sheet->issued_at / SECOND), err))
        return false;
    bool done = draw_card(&page, sheet, &bottom, err);
    if (done)
        draw_advice(&page, bottom + 12);
    return page_end(&page, done, err);
}
