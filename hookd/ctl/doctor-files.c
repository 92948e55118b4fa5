/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-files.h"

#include <stdio.h>

/* What failed for want of rights is kept, everything else but -ENOMEM passed over. */
static int note_denied(TextFiles *t, int r, const char *path)
{
        if ((r == -EACCES || r == -EPERM) && !t->denied && !(t->denied = strdup(path)))
                return -ENOMEM;
        return r == -ENOMEM ? r : 0;
}

int text_files_add(TextFiles *t, Host *h, const char *path)
{
        _cleanup_free_ char *text = NULL, *copy = NULL;
        TextFile *list;
        int r;

        r = host_read(h, path, &text);
        if (r < 0)
                return note_denied(t, r, path);
        copy = strdup(path);
        list = reallocarray(t->list, t->n + 1, sizeof(*list));
        if (list)
                t->list = list;
        if (!copy || !list)
                return -ENOMEM;
        list[t->n++] = (TextFile){ .path = TAKE_PTR(copy), .text = TAKE_PTR(text) };
        return 0;
}

static bool have_name(const TextFiles *t, size_t first, const char *name)
{
        for (size_t i = first; i < t->n; i++)
                if (streq(strrchr(t->list[i].path, '/') + 1, name))
                        return true;
        return false;
}

int text_files_add_folders(TextFiles *t, Host *h, const char *const *folders, size_t n, const char *ending)
{
        size_t first = t->n;

        for (size_t i = 0; i < n; i++) {
                _cleanup_strv_ char **names = NULL;

                if (note_denied(t, host_list(h, folders[i], &names), folders[i]) < 0)
                        return -ENOMEM;
                STRV_FOREACH (name, names) {
                        char path[512];

                        (void) snprintf(path, sizeof(path), "%s/%s", folders[i], *name);
                        if (endswith(*name, ending) && !have_name(t, first, *name) && text_files_add(t, h, path) < 0)
                                return -ENOMEM;
                }
        }
        return 0;
}

int text_files_add_modprobe(TextFiles *t, Host *h)
{
        static const char *const folders[] = { "/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d",
                                               "/usr/lib/modprobe.d", "/lib/modprobe.d" };

        return text_files_add_folders(t, h, folders, ARRAY_SIZE(folders), ".conf");
}

void text_files_clear(TextFiles *t)
{
        for (size_t i = 0; i < t->n; i++) {
                free(t->list[i].path);
                free(t->list[i].text);
        }
        free(t->list);
        free(t->denied);
        *t = (TextFiles){ 0 };
}

char *text_line(char **rest)
{
        char *line;

        for (char *p = *rest; p && (p = strstr(p, "\\\n")); p += 2)
                p[0] = p[1] = ' ';
        while ((line = strsep(rest, "\n"))) {
                size_t n;

                line += strspn(line, " \t");
                for (n = strlen(line); n > 0 && strchr(" \t\r", line[n - 1]); n--)
                        line[n - 1] = '\0';
                if (*line && *line != '#')
                        return line;
        }
        return NULL;
}
