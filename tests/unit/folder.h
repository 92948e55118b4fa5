/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A folder of a test's own with files in it, gone with folder_remove(). */

#include "unit/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

typedef struct Folder {
        char path[64];
        int fd;
} Folder;

static inline Folder folder_make(void)
{
        Folder d = { .path = P_tmpdir "/hookd-test-XXXXXX" };

        assert_not_null(mkdtemp(d.path));
        d.fd = open(d.path, O_DIRECTORY | O_CLOEXEC);
        assert_true(d.fd >= 0);
        return d;
}

static inline void folder_write(const Folder *d, const char *name, const char *text, mode_t mode)
{
        int fd = openat(d->fd, name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_eq(write(fd, text, strlen(text)), strlen(text));
        assert_ok(fchmod(fd, mode));
        (void) close(fd);
}

/* Files and empty folders in it. */
static inline void folder_remove(Folder *d)
{
        DIR *dir = fdopendir(d->fd);
        const struct dirent *e;

        while (dir && (e = readdir(dir)))
                if (unlinkat(d->fd, e->d_name, 0) < 0 && !streq(e->d_name, ".") && !streq(e->d_name, ".."))
                        (void) unlinkat(d->fd, e->d_name, AT_REMOVEDIR);
        if (dir)
                (void) closedir(dir);
        (void) rmdir(d->path);
}
