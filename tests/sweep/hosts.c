/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep.h"

#include <dirent.h>
#include <stdio.h>

/* Which hosts and profiles there are. */

int sweep_names(const char *dir, const char *suffix, char ***ret)
{
        DIR *d = opendir(dir);
        struct dirent *e;

        if (!d)
                return -errno;
        while ((e = readdir(d))) {
                size_t n = strlen(e->d_name), m = strlen(suffix);

                if (n <= m || !streq(e->d_name + n - m, suffix))
                        continue;
                e->d_name[n - m] = '\0';
                if (strv_append(ret, e->d_name) < 0)
                        abort();
        }
        (void) closedir(d);
        strv_sort(*ret);
        return 0;
}

bool sweep_fits(const char *tree, const char *profile)
{
        static const char *const general[] = { "empty", "hard", "keep", "reset" };
        char path[512];

        for (unsigned i = 0; i < ARRAY_SIZE(general); i++)
                if (streq(profile, general[i]))
                        return true;
        (void) snprintf(path, sizeof(path), SWEEP_PROFILES "/../%s.%s", tree, profile);
        return access(path, F_OK) == 0;
}
