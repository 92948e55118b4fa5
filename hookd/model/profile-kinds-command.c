/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/profile-keys.h"

/* ExecPrepare= and the like: words by blanks, the first an absolute path. */

static char ***words_of(const ProfileKey *k, const Profile *p)
{
        return (char ***) ((char *) p + k->offset);
}

static int command_set(const ProfileKey *k, Profile *p, const char *value, char *ret_bad)
{
        char ***words = words_of(k, p);
        _cleanup_strv_ char **list = NULL;
        int r = strv_split(value, &list);

        if (r < 0)
                return r;
        if (list && *list && (**list != '/' || endswith(*list, "/"))) {
                (void) snprintf(ret_bad, PROFILE_LINE_MAX + 1, "%s", *list);
                return -EINVAL;
        }
        strv_free(*words);
        *words = list && *list ? TAKE_PTR(list) : NULL;
        return 0;
}

static void command_print(const ProfileKey *k, const Profile *p, FILE *out)
{
        char ***words = words_of(k, p);

        STRV_FOREACH (s, *words)
                (void) fprintf(out, "%s%s", s == *words ? "" : " ", *s);
}

static void command_expected(const ProfileKey *k, FILE *out)
{
        (void) fputs("a command with its absolute path, such as /usr/local/bin/lights off, without quotation marks",
                     out);
}

const ProfileKind kind_command = { command_set, command_print, command_expected };
