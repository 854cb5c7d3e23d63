/* A code that cameras read (QR, ISO/IEC 18004; libqrencode), at level Q: a quarter of it may be
 * torn, dirty or in the shade. Black on white, as one path, so that no seam shows between modules
 * however large it is printed. */
#include <qrencode.h>

#include "prints/prints_internal.h"

static QRcode *encode(struct slice text)
{
    return QRcode_encodeData((int)text.length, (const unsigned char *)text.data, 0, QR_ECLEVEL_Q);
}

int code_modules(struct slice text)
{
    QRcode *code = encode(text);
    int modules = code ? code->width : 0;
    QRcode_free(code);
    return modules;
}

bool page_code(struct page *page, double left, double top, double module, struct slice text,
               struct error *err)
{
    QRcode *code = encode(text);
    if (!code)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = "code"},
                         "a text that fits into a code", "%zu bytes do not fit into a code",
                         text.length);
    for (int row = 0; row < code->width; row++)
        for (int column = 0, run; column < code->width; column += run) {
            const unsigned char *modules = code->data + row * code->width;
            for (run = 1; column + run < code->width &&
                          (modules[column + run] & 1) == (modules[column] & 1);)
                run++;
            if (modules[column] & 1)
                cairo_rectangle(page->cairo, left + column * module, top + row * module,
                                run * module, module);
        }
    cairo_set_source_rgb(page->cairo, 0, 0, 0);
    cairo_fill(page->cairo);
    QRcode_free(code);
    return true;
}
