/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

#include <fnmatch.h>

/* Words, lists and patterns of the tree text. */

void text_copy(char *field, size_t size, const char *s)
{
        size_t n = MIN(strlen(s), size - 1);

        memmove(field, s, n);
        field[n] = '\0';
}

bool word_in(const char *list, const char *word)
{
        size_t n = strlen(word);

        for (const char *p = list; (p = strstr(p, word)); p += n)
                if ((p == list || strchr(", ", p[-1])) && (p[n] == '\0' || p[n] == ',' || p[n] == ' '))
                        return true;
        return false;
}

bool glob_in(const char *list, const char *s)
{
        char buf[256], *at = buf, *glob;

        text_set(buf, list);
        while ((glob = strsep(&at, ",")))
                if (*glob && fnmatch(glob, s, 0) == 0)
                        return true;
        return false;
}

int words_split(const char *line, char words[][192], unsigned max)
{
        unsigned n = 0;

        for (const char *p = line;; n++) {
                size_t used = 0;
                bool quoted = false;

                p += strspn(p, " \t");
                if (!*p || *p == '#')
                        return (int) n;
                if (n == max)
                        return -E2BIG;
                for (; *p && (quoted || !strchr(" \t", *p)); p++) {
                        char c = *p;

                        if (c == '"') {
                                quoted = !quoted;
                                continue;
                        }
                        if (c == '\\' && p[1]) {
                                c = *++p;
                                if (c == 'n')
                                        c = '\n';
                                else if (c == 't')
                                        c = '\t';
                                else if (c == 'x' && p[1] && p[2]) {
                                        c = (char) strtol((char[]){ p[1], p[2], 0 }, NULL, 16);
                                        p += 2;
                                }
                        }
                        if (used >= sizeof(words[0]) - 1)
                                return -EMSGSIZE;
                        words[n][used++] = c;
                }
                if (quoted)
                        return -EINVAL;
                words[n][used] = '\0';
        }
}
