/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/journal.h"

#include "txn/log-text.h"
#include "util/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

int journal_note_stopped(const char *root, const char *uuid)
{
        _cleanup_free_ char *path = NULL, *line = NULL;
        _cleanup_close_ int fd = -1;

        if (!uuid_valid(uuid))
                return -EINVAL;
        if (asprintf(&path, "%s/%s/log", root, uuid) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        line = log_line_encode(&(LogLine){ .usec = log_now(), .word = LOG_WORD_STOPPED, .index = -1 }, NULL);
        return line ? log_append(fd, line) : -ENOMEM;
}

int journal_set_aside(const char *root, const char *uuid)
{
        _cleanup_free_ char *from = NULL, *to = NULL;

        if (asprintf(&from, "%s/%s", root, uuid) < 0) {
                from = NULL;
                return -ENOMEM;
        }
        if (asprintf(&to, "%s/bad-%s-%llu", root, uuid, (unsigned long long) log_now()) < 0) {
                to = NULL;
                return -ENOMEM;
        }
        return rename(from, to) < 0 ? -errno : 0;
}

int journal_list(const char *root, Journal ***ret, size_t *ret_n, char ***ret_bad)
{
        Journal **list = NULL;
        struct dirent *e;
        size_t n = 0;
        DIR *dir;
        int r = 0;

        *ret = NULL;
        *ret_n = 0;
        dir = opendir(root);
        if (!dir)
                return errno == ENOENT ? 0 : -errno;
        while ((e = readdir(dir))) {
                Fault f = { 0 };
                Journal *j = NULL, **grown;
                int k;

                if (!uuid_valid(e->d_name))
                        continue;
                k = journal_open(root, e->d_name, 0, &j, &f);
                if (k == -ENOENT)
                        continue;
                if (k < 0) {
                        _cleanup_free_ char *why = NULL;

                        if (ret_bad && asprintf(&why, "%s: %s", e->d_name, f.text) >= 0)
                                r = strv_append(ret_bad, why);
                        continue;
                }
                grown = reallocarray(list, n + 1, sizeof(*list));
                if (!grown) {
                        journal_close(j);
                        r = -ENOMEM;
                        break;
                }
                list = grown;
                list[n++] = j;
        }
        closedir(dir);
        if (r < 0) {
                journal_list_free(list, n);
                return r;
        }
        *ret = list;
        *ret_n = n;
        return 0;
}

Journal **journal_list_free(Journal **list, size_t n)
{
        for (size_t i = 0; i < n; i++)
                journal_close(list[i]);
        free(list);
        return NULL;
}
