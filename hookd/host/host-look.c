/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/host-real.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

static bool distrusted(const struct stat *st, const char *path, FileLook *ret)
{
        if (st->st_uid != 0)
                (void) snprintf(ret->distrust, sizeof(ret->distrust), "%s belongs to user %u, not to root", path,
                                st->st_uid);
        else if (st->st_mode & S_IWOTH)
                (void) snprintf(ret->distrust, sizeof(ret->distrust), "%s may be written by everybody", path);
        else if (st->st_mode & S_IWGRP && st->st_gid != 0)
                (void) snprintf(ret->distrust, sizeof(ret->distrust), "%s may be written by group %u", path,
                                st->st_gid);
        return *ret->distrust;
}

/* Where a descriptor leads, without links. */
static int path_of(int fd, char path[PATH_MAX])
{
        char link[32];
        ssize_t n;

        (void) snprintf(link, sizeof(link), "/proc/self/fd/%i", fd);
        n = readlink(link, path, PATH_MAX - 1);
        if (n < 0)
                return -errno;
        path[n] = '\0';
        return 0;
}

/* Whoever may write one of the folders may put something else there. Those above the host's root are not looked at. */
static int look_at_folders(RealHost *h, int fd, FileLook *ret)
{
        char path[PATH_MAX], root[PATH_MAX];
        size_t above;
        int r;

        r = path_of(fd, path);
        if (r >= 0)
                r = path_of(h->root_fd, root);
        if (r < 0)
                return r;
        above = h->whole ? 0 : strlen(root);
        if (strncmp(path, root, above) != 0)
                return -EXDEV;
        for (char *slash = strrchr(path, '/'); slash && slash >= path + above; slash = strrchr(path, '/')) {
                struct stat st;

                *slash = '\0';
                if (stat(*path ? path : "/", &st) < 0)
                        return -errno;
                if (distrusted(&st, *path ? path + above : "/", ret))
                        return 0;
        }
        return 0;
}

int real_look(Host *host, const char *path, FileLook *ret)
{
        RealHost *h = real_of(host);
        _cleanup_close_ int fd = real_open(h, path, O_PATH);
        struct stat st;

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        ret->folder = S_ISDIR(st.st_mode);
        ret->executable = S_ISREG(st.st_mode) && st.st_mode & 0111 && st.st_size > 0;
        return distrusted(&st, path, ret) ? 0 : look_at_folders(h, fd, ret);
}
