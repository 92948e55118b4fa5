/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/profile-keys.h"

#include <fcntl.h>

/* For man-keys. Without arguments: what there is, tab-separated: "key SECTION KEY DEFAULT" and, for every word or range
 * that a page has to name, "word SECTION KEY WORD". With arguments: reads these files as hookd would, owners aside. */

static void print_words(const ProfileKey *k)
{
        if (k->kind == &kind_choice) {
                const ChoiceLimits *limits = k->limits;

                for (size_t i = 0; i < limits->n_names; i++)
                        if (limits->allowed & 1U << i)
                                (void) printf("word\t%s\t%s\t%s\n", k->section, k->key, limits->names[i]);
        } else if (k->kind == &kind_span) {
                const SpanLimits *limits = k->limits;

                (void) printf("word\t%s\t%s\tfrom %u to %u seconds\n", k->section, k->key, limits->min, limits->max);
        }
}

static int check_file(const char *path)
{
        _cleanup_(profile_freep) Profile *p = NULL;
        _cleanup_strv_ char **problems = NULL;
        int r;

        r = profile_load(AT_FDCWD, path, path, NULL, false, &p, &problems, NULL);
        STRV_FOREACH (s, problems)
                (void) fprintf(stderr, "%s\n", *s);
        return r;
}

int main(int argc, char **argv)
{
        int r = 0;

        for (int i = 1; i < argc; i++)
                if (check_file(argv[i]) < 0)
                        r = 1;
        for (const ProfileKey *k = profile_keys(); argc == 1 && k->key; k++) {
                (void) printf("key\t%s\t%s\t%s\n", k->section, k->key, *k->default_text ? k->default_text : "empty");
                print_words(k);
        }
        return r;
}
