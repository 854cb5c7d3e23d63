/* Pages as a printer and a camera see them: rendered by poppler, read by zbar. */
#ifndef CHENGMAI_TESTS_PAPER_H
#define CHENGMAI_TESTS_PAPER_H

#include "base/base.h"

/* Whether the tools are here; without them nothing can be seen. */
static inline bool paper_tools(void)
{
    return system("command -v pdftoppm pdftotext pdffonts zbarimg >/dev/null") == 0;
}

/* What a command prints, without the line's end. */
static inline void paper_ask(const char *command, char *out, size_t size)
{
    FILE *stream = popen(command, "r");
    assert_non_null(stream);
    size_t length = fread(out, 1, size - 1, stream);
    while (length && out[length - 1] == '\n')
        length--;
    out[length] = '\0';
    pclose(stream);
}

/* What a camera reads from the page DIR/NAME.pdf where a pixel is 1 / `dots` of an inch. */
static inline void paper_read_code(const char *directory, const char *name, double dots, char *out,
                                   size_t size)
{
    char command[600];
    snprintf(command, sizeof command,
             "cd %s && pdftoppm -gray -png -r %.4f %s.pdf %s && "
             "zbarimg -q --raw %s-1.png 2>/dev/null",
             directory, dots, name, name, name);
    paper_ask(command, out, size);
}

#endif
