/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/parse.h"

size_t strv_length(char *const *v)
{
        size_t n = 0;

        STRV_FOREACH (s, v)
                n++;
        return n;
}

bool strv_contains(char *const *v, const char *s)
{
        STRV_FOREACH (i, v)
                if (streq(*i, s))
                        return true;
        return false;
}

/* Takes s over, also when it fails. */
static int strv_consume(char ***v, char *s)
{
        size_t n = strv_length(*v);
        char **p;

        p = s ? reallocarray(*v, n + 2, sizeof(char *)) : NULL;
        if (!p) {
                free(s);
                return -ENOMEM;
        }
        p[n] = s;
        p[n + 1] = NULL;
        *v = p;
        return 0;
}

int strv_append(char ***v, const char *s)
{
        return strv_consume(v, strdup(s));
}

int strv_split(const char *s, char ***ret)
{
        static const char blanks[] = " \t\n\r";
        _cleanup_strv_ char **v = NULL;

        for (s += strspn(s, blanks); *s; s += strspn(s, blanks)) {
                size_t n = strcspn(s, blanks);

                if (strv_consume(&v, strndup(s, n)) < 0)
                        return -ENOMEM;
                s += n;
        }
        *ret = TAKE_PTR(v);
        return 0;
}

char **strv_copy(char *const *v)
{
        size_t n = strv_length(v);
        char **copy = calloc(n + 1, sizeof(char *));

        for (size_t i = 0; copy && i < n; i++) {
                copy[i] = strdup(v[i]);
                if (!copy[i])
                        return strv_free(copy);
        }
        return copy;
}

char *strv_join(char *const *v, const char *separator)
{
        size_t size = 1;
        char *joined, *p;

        STRV_FOREACH (s, v)
                size += strlen(*s) + strlen(separator);
        joined = p = malloc(size);
        if (!joined)
                return NULL;
        *p = '\0';
        STRV_FOREACH (s, v) {
                if (s != v)
                        p = stpcpy(p, separator);
                p = stpcpy(p, *s);
        }
        return joined;
}

static int compare_strings(const void *a, const void *b)
{
        return strcmp(*(char *const *) a, *(char *const *) b);
}

void strv_sort(char **v)
{
        if (v)
                qsort(v, strv_length(v), sizeof(char *), compare_strings);
}

char **strv_free(char **v)
{
        STRV_FOREACH (s, v)
                free(*s);
        free(v);
        return NULL;
}

static bool is_control(unsigned char c)
{
        return c < 0x20 || c == 0x7f;
}

static const char escape_letters[] = "ntr\\", escape_bytes[] = "\n\t\r\\";

char *text_escape(const char *s)
{
        static const char hex[] = "0123456789abcdef";
        char *escaped, *p;

        escaped = p = malloc(strlen(s) * 4 + 1);
        if (!escaped)
                return NULL;
        for (; *s; s++) {
                const char *known = strchr(escape_bytes, *s);
                unsigned char c = (unsigned char) *s;

                if (known) {
                        *p++ = '\\';
                        *p++ = escape_letters[known - escape_bytes];
                } else if (is_control(c)) {
                        *p++ = '\\';
                        *p++ = 'x';
                        *p++ = hex[c >> 4];
                        *p++ = hex[c & 15];
                } else
                        *p++ = *s;
        }
        *p = '\0';
        return escaped;
}

static int lower_hex(char c)
{
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that the escape at *s (behind the backslash) stands for, -EINVAL for what text_escape() does not write. */
static int unescape_one(const char **s)
{
        const char *known = **s ? strchr(escape_letters, **s) : NULL;
        int high, low;

        if (known) {
                (*s)++;
                return escape_bytes[known - escape_letters];
        }
        if (**s != 'x' || (high = lower_hex((*s)[1])) < 0 || (low = lower_hex((*s)[2])) < 0)
                return -EINVAL;
        high = high << 4 | low;
        if (high == 0 || !is_control((unsigned char) high) || strchr(escape_bytes, high))
                return -EINVAL;
        *s += 3;
        return high;
}

int text_unescape(const char *s, char **ret)
{
        _cleanup_free_ char *text = NULL;
        char *p;

        text = p = malloc(strlen(s) + 1);
        if (!text)
                return -ENOMEM;
        while (*s) {
                int c = (unsigned char) *s++;

                if (is_control((unsigned char) c))
                        return -EINVAL;
                if (c == '\\')
                        c = unescape_one(&s);
                if (c < 0)
                        return c;
                *p++ = (char) c;
        }
        *p = '\0';
        *ret = TAKE_PTR(text);
        return 0;
}

/* Bytes of the UTF-8 character at s: 0 where there is none, or one that a terminal takes for a command (U+0080 to
 * U+009F). */
static size_t utf8_length(const unsigned char *s)
{
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
        uint32_t c = n < 2 ? s[0] : s[0] & (0x7fu >> n);

        for (size_t i = 1; i < n; i++) {
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (s[i] & 0x3f);
        }
        return n > 1 && (c < least[n] || c < 0xa0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) ? 0 : n;
}

void text_clean(char *s)
{
        while (*s) {
                size_t n = is_control((unsigned char) *s) ? 0 : utf8_length((const unsigned char *) s);

                if (n == 0)
                        *s = '?';
                s += MAX(n, (size_t) 1);
        }
}
