/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/path.h"

#include <stdio.h>
#include <sys/stat.h>

char *path_below(const char *root, const char *path)
{
        char *s;

        return asprintf(&s, "%s%s", root, path) < 0 ? NULL : s;
}

int path_make(const char *root, const char *folder)
{
        _cleanup_free_ char *path = path_below(root, folder);

        if (!path)
                return -ENOMEM;
        for (char *p = path + strlen(root) + 1;; p++) {
                char c = *p;

                if (c != '/' && c != '\0')
                        continue;
                *p = '\0';
                if (mkdir(path, 0755) < 0 && errno != EEXIST)
                        return -errno;
                if (c == '\0')
                        return 0;
                *p = c;
        }
}
