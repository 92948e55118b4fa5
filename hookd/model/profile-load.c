/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/profile-keys.h"

#include "util/fd.h"

#include <fcntl.h>
#include <sys/stat.h>

#define READ_USEC (5 * USEC_PER_SEC)

/* What root runs on must not be anybody else's to write. */
static int check_owner_of(const struct stat *st, const char *what, const char *path, Fault *f)
{
        if (st->st_uid != 0)
                return fault_set(f, -EPERM, path, "%s %s belongs to user %u; make it root's: chown root %s", what, path,
                                 st->st_uid, path);
        if (st->st_mode & (S_IWGRP | S_IWOTH))
                return fault_set(f, -EPERM, path, "%s %s can be written by others than root: chmod go-w %s", what, path,
                                 path);
        return 0;
}

int profile_check_folder(int dirfd, const char *folder, const char *path, Fault *f)
{
        struct stat st;

        if (fstatat(dirfd, folder, &st, 0) < 0)
                return fault_set(f, -errno, path, "cannot look at the folder %s: %s", path, fault_errno(-errno));
        return check_owner_of(&st, "the folder", path, f);
}

static int check_folder_of(int dirfd, const char *name, const char *path, Fault *f)
{
        const char *slash = strrchr(name, '/'), *shown = strrchr(path, '/');
        _cleanup_free_ char *folder = slash ? strndup(name, MAX(slash - name, 1)) : strdup(".");
        _cleanup_free_ char *shown_folder = shown ? strndup(path, MAX(shown - path, 1)) : strdup(".");

        if (!folder || !shown_folder)
                return fault_set(f, -ENOMEM, path, "out of memory reading %s", path);
        return profile_check_folder(dirfd, folder, shown_folder, f);
}

static int read_file(int dirfd, const char *name, const char *path, bool check_owner, char **ret, size_t *ret_size,
                     Fault *f)
{
        _cleanup_close_ int fd = -1;
        struct stat st;
        int r;

        r = check_owner ? check_folder_of(dirfd, name, path, f) : 0;
        if (r < 0)
                return r;
        fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 && errno == ELOOP)
                return fault_set(f, -EPERM, path, "%s is a symbolic link; expected a file", path);
        if (fd < 0 || fstat(fd, &st) < 0)
                return fault_set(f, -errno, path, "cannot read %s: %s", path, fault_errno(-errno));
        if (!S_ISREG(st.st_mode))
                return fault_set(f, -EPERM, path, "%s is not a regular file", path);
        r = check_owner ? check_owner_of(&st, "the file", path, f) : 0;
        if (r < 0)
                return r;
        r = read_fd_deadline(fd, PROFILE_SIZE_MAX, now_usec() + READ_USEC, ret, ret_size);
        if (r == -EFBIG)
                return fault_set(f, r, path, "%s is larger than %zu KiB", path, PROFILE_SIZE_MAX >> 10);
        return r < 0 ? fault_set(f, r, path, "cannot read %s: %s", path, fault_errno(r)) : 0;
}

int profile_load_what_can(int dirfd, const char *name, const char *path, const Profile *base, bool check_owner,
                          Profile **ret, char ***ret_problems, Fault *f)
{
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = read_file(dirfd, name, path, check_owner, &text, &size, f);
        return r < 0 ? r : profile_read(text, size, path, !endswith(name, ".ini"), base, ret, ret_problems, f);
}

int profile_load(int dirfd, const char *name, const char *path, const Profile *base, bool check_owner, Profile **ret,
                 char ***ret_problems, Fault *f)
{
        _cleanup_(profile_freep) Profile *p = NULL;
        _cleanup_strv_ char **problems = NULL;
        Fault fault = { 0 };
        int r;

        if (ret_problems)
                *ret_problems = NULL;
        r = profile_load_what_can(dirfd, name, path, base, check_owner, &p, &problems, &fault);
        if (r >= 0) {
                *ret = TAKE_PTR(p);
                return 0;
        }
        if (f)
                *f = fault;
        if (ret_problems && !problems && strv_append(&problems, fault.text) < 0)
                return -ENOMEM;
        if (ret_problems)
                *ret_problems = TAKE_PTR(problems);
        return r;
}
