/* Inside the prints room only. Lengths are millimetres from the page's upper left corner, sizes of
 * type are points. */
#ifndef CHENGMAI_PRINTS_INTERNAL_H
#define CHENGMAI_PRINTS_INTERNAL_H

#include <cairo.h>
#include <pango/pango.h>

#include "prints/prints.h"

/* ---- A page (page.c) */

#define PAGE_WIDTH 210.0
#define PAGE_HEIGHT 297.0

struct page {
    cairo_surface_t *surface;
    cairo_t *cairo;
    PangoLayout *layout;
    struct buffer *out;
    size_t begun;  /* out's length before */
    bool overflow; /* of out */
};

/* Words in both languages. */
struct words {
    const char *zh, *en;
};

struct type {
    double size;  /* where the text fits */
    double least; /* how small it may become before it is cut (with "…"); 0: as size */
    int lines;    /* it may take; 0: any number */
    double most;  /* millimetres of height that it may take; 0: any */
    bool bold, centred;
    double grey; /* 0 black … 1 white */
};

/* Begins an A4 page; other threads' pages wait until page_end. ERROR_ENVIRONMENT where no font has
 * Chinese characters. `day` becomes the document's date. */
bool page_begin(struct page *page, struct buffer *out, const char *title, int32_t day,
                struct error *err) MUST_USE;
/* Ends it, whatever came before. Where it was not `drawn` (err says why) or fails itself, `out` is
 * as it was: false. */
bool page_end(struct page *page, bool drawn, struct error *err) MUST_USE;
/* Draws a text within a width, wrapped, and shrunk from `size` to `least` until its lines fit.
 * Returns the height that it took. */
double page_text(struct page *page, double left, double top, double width, const struct type *type,
                 const char *text);
/* The height alone. */
double page_text_height(struct page *page, double width, const struct type *type, const char *text);
/* Both languages, one below the other; returns the height. */
double page_words(struct page *page, double left, double top, double width, const struct type *zh,
                  const struct type *en, const struct words *words);
/* A text from outside as it can be printed, for g_free: without control and direction characters,
 * and with "〔U+30EDD〕" for a character that no font has. */
char *page_printable(struct page *page, struct slice text);
/* A line around a rectangle with round corners. */
void page_frame(struct page *page, double left, double top, double width, double height,
                bool dashed);

/* ---- A code (code.c) */

/* Modules of a side, without the quiet zone; 0 where the text is too long for a code. */
int code_modules(struct slice text);
enum { QUIET_MODULES = 4 };
/* Draws it at level Q, `left` and `top` of its first module: the caller leaves the quiet zone. */
bool page_code(struct page *page, double left, double top, double module, struct slice text,
               struct error *err) MUST_USE;

#endif
