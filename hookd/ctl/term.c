/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/term.h"

#include "util/parse.h"

#include <locale.h>
#include <time.h>
#include <wchar.h>

bool term_colour(FILE *f)
{
        const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

        return isatty(fileno(f)) && !(no && *no) && !(term && streq(term, "dumb"));
}

/* Bytes of the next character of text, and its columns. */
static size_t next_character(const char *s, size_t bytes, mbstate_t *state, size_t *ret_columns)
{
        wchar_t c;
        size_t n = mbrtowc(&c, s, bytes, state);
        int width;

        if (n == 0 || n > bytes) {
                *state = (mbstate_t){ 0 };
                *ret_columns = 1;
                return 1;
        }
        width = wcwidth(c);
        *ret_columns = width > 0 ? (size_t) width : 0;
        return n;
}

/* mbrtowc() and wcwidth() go by the locale, which stays "C" in this program. */
static locale_t enter_utf8(void)
{
        static locale_t utf8;

        if (!utf8)
                utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
        return uselocale(utf8); /* none there (NULL): changes nothing, and a byte is a column */
}

static size_t columns_of(const char *s, size_t bytes)
{
        locale_t old = enter_utf8();
        mbstate_t state = { 0 };
        size_t n = 0;

        while (bytes > 0) {
                size_t columns, k = next_character(s, bytes, &state, &columns);

                s += k;
                bytes -= k;
                n += columns;
        }
        (void) uselocale(old);
        return n;
}

const char *term_clip(const char *text, size_t columns, char buf[TERM_CLIP_MAX])
{
        static const char ellipsis[] = "…";
        bool whole = term_columns(text) <= columns && strlen(text) < TERM_CLIP_MAX;
        size_t bytes = 0, used = 0, length = strlen(text);
        locale_t old = enter_utf8();
        mbstate_t state = { 0 };

        while (bytes < length && !whole) {
                size_t w, k = next_character(text + bytes, length - bytes, &state, &w);

                if (used + w + 1 > columns || bytes + k + sizeof(ellipsis) > TERM_CLIP_MAX)
                        break;
                bytes += k;
                used += w;
        }
        (void) uselocale(old);
        (void) snprintf(buf, TERM_CLIP_MAX, "%.*s%s", (int) (whole ? length : bytes), text, whole ? "" : ellipsis);
        return buf;
}

size_t term_columns(const char *s)
{
        return columns_of(s, strlen(s));
}

/* What goes to a terminal, whoever named it: a process and a unit may have any name. Caller frees. */
static char *clean(const char *text)
{
        char *copy = strdup(text);

        if (copy)
                text_clean(copy);
        return copy;
}

void term_cell(FILE *f, bool colour, const char *code, const char *raw, size_t width)
{
        _cleanup_free_ char *copy = clean(raw);
        const char *text = copy ? copy : "";
        size_t n = term_columns(text);

        if (colour && code)
                (void) fprintf(f, "\033[%sm%s\033[0m", code, text);
        else
                (void) fputs(text, f);
        (void) fprintf(f, "%*s", (int) (width > n ? width - n : 0), "");
}

/* Returns the columns that its last line has used. */
static size_t wrap(FILE *f, bool colour, const char *code, const char *raw, size_t used, size_t indent)
{
        _cleanup_free_ char *copy = clean(raw);
        const char *text = copy ? copy : "";
        bool begun = false;

        colour = colour && code;
        if (colour)
                (void) fprintf(f, "\033[%sm", code);

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
        if (colour)
                (void) fputs("\033[0m", f);
        return used;
}

void term_wrap(FILE *f, const char *text, size_t used, size_t indent)
{
        term_wrap_cell(f, false, NULL, text, used, indent);
}

void term_wrap_cell(FILE *f, bool colour, const char *code, const char *text, size_t used, size_t indent)
{
        (void) wrap(f, colour, code, text, used, indent);
        (void) fputc('\n', f);
}

void term_column(FILE *f, bool colour, const char *code, const char *text, size_t begin, size_t end)
{
        size_t used = wrap(f, colour, code, text, begin, begin + 2);
        bool fits = used < end;

        (void) fprintf(f, "%s%*s", fits ? "" : "\n", (int) (fits ? end - used : end), "");
}

const char *term_time(uint64_t usec, char buf[TERM_TIME_MAX])
{
        time_t t = (time_t) (usec / USEC_PER_SEC);
        struct tm tm;

        if (!localtime_r(&t, &tm) || strftime(buf, TERM_TIME_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
                (void) snprintf(buf, TERM_TIME_MAX, "?");
        return buf;
}

const char *term_span(uint64_t usec, char buf[TERM_SPAN_MAX])
{
        unsigned long long msec = usec / USEC_PER_MSEC, s = usec / USEC_PER_SEC;

        if (msec < 1000)
                (void) snprintf(buf, TERM_SPAN_MAX, "%llu ms", msec);
        else if (s < 60)
                (void) snprintf(buf, TERM_SPAN_MAX, "%llu.%02llu s", s, msec % 1000 / 10);
        else if (s < 3600)
                (void) snprintf(buf, TERM_SPAN_MAX, "%llu min %llu s", s / 60, s % 60);
        else
                (void) snprintf(buf, TERM_SPAN_MAX, "%llu h %llu min", s / 3600, s / 60 % 60);
        return buf;
}
