/* A page: cairo's PDF surface in millimetres, texts laid out by pango.
 *
 * The fonts are loaded once a process and belong to whoever holds `fonts_lock`: a font map is not
 * to be used by two threads, and a new one starts a thread, which the sandbox's kernel filter may
 * not like. A page takes some ten milliseconds, and nobody prints a thousand posters a second.
 *
 * The same page gives the same bytes: no hinting (positions do not depend on the machine's
 * settings), the document's date is the caller's, and cairo numbers its objects in order. */
#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <pthread.h>

#include "prints/prints_internal.h"

static const double point = 25.4 / 72; /* millimetres */
/* What every page says somewhere: a font that has these has the usual Chinese. */
static const char usual[] = "城脉场所码纸质个人扫签发有效";

static pthread_mutex_t fonts_lock = PTHREAD_MUTEX_INITIALIZER; /* owns `fonts` and all of its */
static PangoFontMap *fonts;

#ifdef __SANITIZE_ADDRESS__
/* Fontconfig points at what it owns by offsets, which the search for leaks does not follow: what
 * its caches hold for the life of the process looks lost. It does not grow with the pages. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig\nleak:libcairo\n";
}
const char *__lsan_default_options(void);
const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}
#endif

#ifdef __SANITIZE_THREAD__
/* The font library's own thread hands over by futexes that are not seen in a library that is not
 * instrumented. What we share stands under fonts_lock. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:libfontconfig\nrace:libpango\nrace:libglib\nrace:libcairo\nrace:libharfbuzz\n";
}
#endif

/* ---- Beginning and ending */

static cairo_status_t take_bytes(void *context, const unsigned char *bytes, unsigned length)
{
    struct page *page = context;
    buffer_append(page->out, bytes, length);
    page->overflow |= page->out->overflow;
    return page->overflow ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

static void set_up_type(struct page *page)
{
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    PangoContext *context = pango_font_map_create_context(fonts);
    pango_cairo_context_set_font_options(context, options);
    pango_cairo_update_context(page->cairo, context);
    pango_context_set_language(context, pango_language_from_string("zh-cn"));
    pango_context_set_round_glyph_positions(context, FALSE);
    page->layout = pango_layout_new(context);
    pango_layout_set_wrap(page->layout, PANGO_WRAP_WORD_CHAR);
    g_object_unref(context);
    cairo_font_options_destroy(options);
}

static void open_page(struct page *page, struct buffer *out)
{
    *page = (struct page){.out = out, .begun = out->length};
    pthread_mutex_lock(&fonts_lock);
    if (!fonts)
        fonts = pango_cairo_font_map_new_for_font_type(CAIRO_FONT_TYPE_FT);
    page->surface = cairo_pdf_surface_create_for_stream(take_bytes, page, PAGE_WIDTH / point,
                                                        PAGE_HEIGHT / point);
    page->cairo = cairo_create(page->surface);
    cairo_scale(page->cairo, 1 / point, 1 / point);
    set_up_type(page);
}

/* What was written stays in `out`, or is taken back. */
static void close_page(struct page *page, bool kept)
{
    g_object_unref(page->layout);
    cairo_destroy(page->cairo);
    cairo_surface_destroy(page->surface); /* writes the rest */
    if (!kept && page->out->data) {
        page->out->length = page->begun;
        page->out->data[page->begun] = '\0';
    }
    pthread_mutex_unlock(&fonts_lock);
}

static void set_type(struct page *page, const struct type *type, double size)
{
    PangoFontDescription *font = pango_font_description_from_string("Noto Sans CJK SC, sans-serif");
    pango_font_description_set_weight(font, type->bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_font_description_set_absolute_size(font, size * point * PANGO_SCALE);
    pango_layout_set_font_description(page->layout, font);
    pango_font_description_free(font);
}

static bool has_glyphs(struct page *page, const char *text, int length)
{
    set_type(page, &(struct type){0}, 12);
    pango_layout_set_width(page->layout, -1);
    pango_layout_set_text(page->layout, text, length);
    return pango_layout_get_unknown_glyphs_count(page->layout) == 0;
}

bool page_begin(struct page *page, struct buffer *out, const char *title, int32_t day,
                struct error *err)
{
    char date[TIME_TEXT_BYTES], moment[TIME_TEXT_BYTES + 20];
    open_page(page, out);
    if (!has_glyphs(page, usual, -1)) {
        close_page(page, false);
        return error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = "fonts"},
                         "a font with Chinese characters (Debian: fonts-noto-cjk)",
                         "no font of this machine can print '%s'", usual);
    }
    snprintf(moment, sizeof moment, "%sT00:00:00+08:00", time_format_date(day, date));
    cairo_pdf_surface_set_metadata(page->surface, CAIRO_PDF_METADATA_TITLE, title);
    cairo_pdf_surface_set_metadata(page->surface, CAIRO_PDF_METADATA_CREATE_DATE, moment);
    return true;
}

bool page_end(struct page *page, bool drawn, struct error *err)
{
    cairo_show_page(page->cairo);
    cairo_surface_finish(page->surface);
    cairo_status_t status = cairo_status(page->cairo);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(page->surface);
    bool overflow = page->overflow, whole = status == CAIRO_STATUS_SUCCESS;
    close_page(page, drawn && whole);
    if (!drawn)
        return false;
    if (overflow)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = "page"},
                         "a page that fits", "the page is larger than its answer may be");
    return whole || error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = "page"}, NULL,
                              "the page cannot be drawn: %s", cairo_status_to_string(status));
}

void prints_prepare(void)
{
    struct page page;
    struct buffer none;
    buffer_init(&none, 1 << 20);
    open_page(&page, &none);
    (void)has_glyphs(&page, usual, -1);
    close_page(&page, false);
    buffer_release(&none);
}

/* ---- Texts */

static double height_of(struct page *page)
{
    int height;
    pango_layout_get_size(page->layout, NULL, &height);
    return (double)height / PANGO_SCALE;
}

/* Lays the text out as large as it fits. */
static void fit(struct page *page, double width, const struct type *type, const char *text)
{
    double least = type->least > 0 ? type->least : type->size;
    pango_layout_set_width(page->layout, (int)(width * PANGO_SCALE));
    pango_layout_set_alignment(page->layout, type->centred ? PANGO_ALIGN_CENTER : PANGO_ALIGN_LEFT);
    pango_layout_set_ellipsize(page->layout, PANGO_ELLIPSIZE_NONE);
    pango_layout_set_text(page->layout, text, -1);
    for (double size = type->size;; size *= 0.96) {
        set_type(page, type, size > least ? size : least);
        if ((!type->lines || pango_layout_get_line_count(page->layout) <= type->lines) &&
            (!(type->most > 0) || height_of(page) <= type->most))
            return;
        if (size <= least)
            break;
    }
    pango_layout_set_height(page->layout, -type->lines);
    pango_layout_set_ellipsize(page->layout, PANGO_ELLIPSIZE_END);
}

double page_text_height(struct page *page, double width, const struct type *type, const char *text)
{
    fit(page, width, type, text);
    return height_of(page);
}

double page_text(struct page *page, double left, double top, double width, const struct type *type,
                 const char *text)
{
    fit(page, width, type, text);
    cairo_set_source_rgb(page->cairo, type->grey, type->grey, type->grey);
    cairo_move_to(page->cairo, left, top);
    pango_cairo_show_layout(page->cairo, page->layout);
    return height_of(page);
}

double page_words(struct page *page, double left, double top, double width, const struct type *zh,
                  const struct type *en, const struct words *words)
{
    double height = page_text(page, left, top, width, zh, words->zh);
    return height + page_text(page, left, top + height, width, en, words->en);
}

/* Control and format characters (also those that turn the direction of writing) have no place on
 * paper. */
static bool is_shown(gunichar c)
{
    GUnicodeType type = g_unichar_type(c);
    return type != G_UNICODE_CONTROL && type != G_UNICODE_FORMAT &&
           type != G_UNICODE_LINE_SEPARATOR && type != G_UNICODE_PARAGRAPH_SEPARATOR;
}

char *page_printable(struct page *page, struct slice text)
{
    char *valid = g_utf8_make_valid(text.data ? text.data : "", (gssize)text.length);
    GString *shown = g_string_sized_new(text.length + 1);
    bool all = has_glyphs(page, valid, -1);
    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        int length = (int)(g_utf8_next_char(at) - at);
        if (!is_shown(c))
            continue;
        if (all || g_unichar_ismark(c) || has_glyphs(page, at, length))
            g_string_append_len(shown, at, length);
        else
            g_string_append_printf(shown, "〔U+%04X〕", c);
    }
    g_free(valid);
    return g_string_free(shown, FALSE);
}

/* ---- Lines */

void page_frame(struct page *page, double left, double top, double width, double height,
                bool dashed)
{
    static const double dashes[] = {2.5, 1.8};
    const double radius = 3, quarter = 1.5707963267948966;
    cairo_t *cairo = page->cairo;
    cairo_new_sub_path(cairo);
    cairo_arc(cairo, left + width - radius, top + radius, radius, -quarter, 0);
    cairo_arc(cairo, left + width - radius, top + height - radius, radius, 0, quarter);
    cairo_arc(cairo, left + radius, top + height - radius, radius, quarter, 2 * quarter);
    cairo_arc(cairo, left + radius, top + radius, radius, 2 * quarter, 3 * quarter);
    cairo_close_path(cairo);
    cairo_set_line_width(cairo, 0.35);
    cairo_set_dash(cairo, dashes, dashed ? 2 : 0, 0);
    cairo_set_source_rgb(cairo, 0.45, 0.45, 0.45);
    cairo_stroke(cairo);
}
