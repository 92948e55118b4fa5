/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/term.h"

#include <time.h>

bool term_colour(FILE *f)
{
        const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

        return isatty(fileno(f)) && !(no && *no) && !(term && streq(term, "dumb"));
}

static size_t columns_of(const char *s, size_t bytes)
{
        size_t n = 0;

        for (size_t i = 0; i < bytes; i++)
                n += ((unsigned char) s[i] & 0xc0) != 0x80;
        return n;
}

size_t term_columns(const char *s)
{
        return columns_of(s, strlen(s));
}

void term_cell(FILE *f, bool colour, const char *code, const char *text, size_t width)
{
        size_t n = term_columns(text);

        if (colour && code)
                (void) fprintf(f, "\033[%sm%s\033[0m", code, text);
        else
                (void) fputs(text, f);
        (void) fprintf(f, "%*s", (int) (width > n ? width - n : 0), "");
}

void term_wrap(FILE *f, const char *text, size_t used, size_t indent)
{
        bool begun = false;

        while (*text) {
                size_t blanks = strspn(text, " "), bytes = strcspn(text + blanks, " ");
                size_t columns = columns_of(text + blanks, bytes);

                if (bytes == 0)
                        break;
                if (begun && used + blanks + columns > TERM_WIDTH) {
                        (void) fprintf(f, "\n%*s", (int) indent, "");
                        used = indent;
                        text += blanks;
                        blanks = 0;
                }
                (void) fprintf(f, "%.*s", (int) (blanks + bytes), text);
                used += blanks + columns;
                text += blanks + bytes;
                begun = true;
        }
        (void) fputc('\n', f);
}

const char *term_time(uint64_t usec, char buf[TERM_TIME_MAX])
{
        time_t t = (time_t) (usec / USEC_PER_SEC);
        struct tm tm;

        if (!localtime_r(&t, &tm) || strftime(buf, TERM_TIME_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
                (void) snprintf(buf, TERM_TIME_MAX, "?");
        return buf;
}
