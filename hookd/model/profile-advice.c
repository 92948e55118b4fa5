/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/profile-keys.h"

#include <ctype.h>

#define WORD_MAX 64

/* Edits that make one word of the other, letters' case aside; SIZE_MAX for words too long to be any of ours. */
static size_t distance(const char *a, const char *b)
{
        size_t row[WORD_MAX], n = strlen(b);

        if (n >= WORD_MAX || strlen(a) >= WORD_MAX)
                return SIZE_MAX;
        for (size_t j = 0; j <= n; j++)
                row[j] = j;
        for (size_t i = 1; *a; a++, i++) {
                size_t diagonal = row[0];

                row[0] = i;
                for (size_t j = 1; j <= n; j++) {
                        bool same = tolower((unsigned char) *a) == tolower((unsigned char) b[j - 1]);
                        size_t change = diagonal + !same, shift = MIN(row[j], row[j - 1]) + 1;

                        diagonal = row[j];
                        row[j] = MIN(change, shift);
                }
        }
        return row[n];
}

/* Keeps the nearer of two; more than a third changed is another word. */
static void consider(const char *given, const char *known, size_t *best, const char **nearest)
{
        size_t d = distance(given, known);

        if (d < *best && d <= MAX(strlen(known) / 3, (size_t) 1)) {
                *best = d;
                *nearest = known;
        }
}

char *profile_section_advice(const char *section, bool is_conf)
{
        _cleanup_strv_ char **all = NULL;
        _cleanup_free_ char *list = NULL;
        const char *nearest = NULL, *last = "";
        size_t best = SIZE_MAX;
        char *advice;
        int n;

        for (const ProfileKey *k = profile_keys(); k->key; k++) {
                if (streq(k->section, last) || (is_conf && streq(k->section, "Match")))
                        continue;
                last = k->section;
                consider(section, last, &best, &nearest);
                if (strv_append(&all, last) < 0)
                        return NULL;
        }
        list = strv_join(all, "], [");
        if (!list)
                return NULL;
        n = nearest ? asprintf(&advice, "did you mean [%s]?", nearest)
                    : asprintf(&advice, "expected one of [%s]", list);
        return n < 0 ? NULL : advice;
}

char *profile_key_advice(const char *section, const char *key)
{
        const char *nearest = NULL, *elsewhere = NULL;
        _cleanup_strv_ char **all = NULL;
        _cleanup_free_ char *list = NULL;
        size_t best = SIZE_MAX;
        char *advice;
        int n;

        for (const ProfileKey *k = profile_keys(); k->key; k++) {
                if (streq(k->section, section)) {
                        consider(key, k->key, &best, &nearest);
                        if (strv_append(&all, k->key) < 0)
                                return NULL;
                } else if (streq(k->key, key))
                        elsewhere = k->section;
        }
        list = strv_join(all, "=, ");
        if (!list)
                return NULL;
        if (nearest)
                n = asprintf(&advice, "did you mean %s=?", nearest);
        else if (elsewhere)
                n = asprintf(&advice, "it belongs into [%s]", elsewhere);
        else
                n = asprintf(&advice, "expected one of %s=", list);
        return n < 0 ? NULL : advice;
}
