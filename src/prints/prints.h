/* prints: what leaves the platform on paper. A page is a pure function of what it is given: the
 * same values give the same bytes, and nothing here reads a record, a clock or a file of ours.
 *
 *   values ─► words in both languages ─► page (cairo, pango) ─► PDF with its fonts embedded
 *   code   ─► modules (libqrencode)  ──┘
 *
 * Names come as the caller's field mask shows them: a sheet that is lost shows no more of a person
 * than a list does. A character that no font of this machine has is printed as its number, a
 * machine without Chinese fonts is refused: never a box. */
#ifndef CHENGMAI_PRINTS_PRINTS_H
#define CHENGMAI_PRINTS_PRINTS_H

#include "base/base.h"

/* Loads the fonts and starts what the font library starts (a thread), so that a process can close
 * its doors afterwards (server/sandbox.h). Costs some ten milliseconds; any failure shows when a
 * page is printed. */
void prints_prepare(void);

/* ---- A venue's poster (venue_poster.c): A4, to be hung at the entrance */

struct venue_poster {
    struct slice name;  /* UTF-8; empty: the number stands in its place */
    struct slice token; /* what the code says */
    struct slice short_code;
    uint32_t venue_no;
    uint16_t version;   /* of the code */
    int32_t issued_day; /* city day, base/time.h */
};
/* Millimetres of a module of the poster's code: 29 modules of an ordinary token are 87 mm wide. */
#define POSTER_MODULE_MM 3.0
/* Appends the PDF to `out`. ERROR_ENVIRONMENT without Chinese fonts, ERROR_TOO_LARGE past out's
 * maximum; `out` is then as it was. One page is drawn at a time, on whatever thread. */
bool prints_venue_poster(const struct venue_poster *poster, struct buffer *out,
                         struct error *err) MUST_USE;

/* ---- A person's code on paper (person_sheet.c): a card to be cut out of an A4 sheet */

struct person_sheet {
    struct slice name; /* as the field mask shows it; data NULL: no line for it */
    struct slice code;
    timestamp issued_at, valid_until;
};
#define SHEET_MODULE_MM 1.6 /* 29 modules: 46.4 mm */
/* As prints_venue_poster. */
bool prints_person_sheet(const struct person_sheet *sheet, struct buffer *out,
                         struct error *err) MUST_USE;

#endif
