/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/host-real.h"
#include "util/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

/* Files under the root. A folder as root is entered with RESOLVE_IN_ROOT, so that neither an absolute link nor ".." in
 * a captured tree leads to this machine. */
int real_open(RealHost *h, const char *path, int flags)
{
        struct open_how how = {
                .flags = (uint64_t) (flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY | O_NONBLOCK)),
                .resolve = RESOLVE_IN_ROOT,
        };
        int fd = -1;

        if (h->whole) {
                fd = open(path, (int) how.flags);
                return fd < 0 ? -errno : fd;
        }
        /* -EAGAIN: something was renamed or mounted anywhere while it went over a "..", so it cannot be sure. */
        for (unsigned i = 0; i < 1000; i++) {
                fd = (int) syscall(SYS_openat2, h->root_fd, path, &how, sizeof(how));
                if (fd >= 0 || errno != EAGAIN)
                        break;
        }
        return fd < 0 ? -errno : fd;
}

/* Grows as it goes: files of /proc and /sys do not know their size. */
static int read_all(int fd, size_t max, char **ret)
{
        _cleanup_free_ char *data = NULL;
        size_t size = 0, room = 0;

        for (;;) {
                ssize_t n;

                if (size + 1 >= room) {
                        char *p;

                        room = MAX(room * 2, (size_t) 4096);
                        p = realloc(data, room + 1);
                        if (!p)
                                return -ENOMEM;
                        data = p;
                }
                n = read(fd, data + size, room - size);
                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        break;
                size += (size_t) n;
                if (size > max)
                        return -EFBIG;
        }

        if (size > 0 && data[size - 1] == '\n')
                size--;
        data[size] = '\0';
        *ret = TAKE_PTR(data);
        return 0;
}

typedef struct FileCall {
        RealHost *host;
        const char *path, *value;
} FileCall;

static int read_in_hand(void *arg, char *output, size_t output_max)
{
        const FileCall *call = arg;
        _cleanup_close_ int fd = -1;
        _cleanup_free_ char *data = NULL;
        int r;

        fd = real_open(call->host, call->path, O_RDONLY);
        if (fd < 0)
                return fd;
        r = read_all(fd, output_max - 1, &data);
        if (r < 0)
                return r;
        memcpy(output, data, strlen(data));
        return 0;
}

int real_read(Host *h, const char *path, unsigned flags, char **ret)
{
        _cleanup_close_ int fd = -1;

        if (flags & HOST_HAND && real_of(h)->whole) { /* a folder's files cannot block */
                FileCall call = { .host = real_of(h), .path = path };
                _cleanup_free_ char *output = malloc(HOST_ATTRIBUTE_MAX + 1);
                int r;

                if (!output)
                        return -ENOMEM;
                r = real_hand(h, read_in_hand, &call, output, HOST_ATTRIBUTE_MAX + 1, "read", path);
                if (r < 0)
                        return r;
                *ret = TAKE_PTR(output);
                return 0;
        }

        fd = real_open(real_of(h), path, O_RDONLY);
        if (fd < 0)
                return fd;
        return read_all(fd, HOST_READ_MAX, ret);
}

static int write_in_hand(void *arg, char *output _unused_, size_t output_max _unused_)
{
        const FileCall *call = arg;
        _cleanup_close_ int fd = -1;
        size_t size = strlen(call->value);
        ssize_t n;

        /* O_TRUNC as a shell's redirection: nothing to the kernel, and right for a file of a tree. */
        fd = real_open(call->host, call->path, O_WRONLY | O_TRUNC);
        if (fd < 0)
                return fd;
        do
                n = write(fd, call->value, size);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        return (size_t) n == size ? 0 : -EIO;
}

int real_write(Host *h, const char *path, const char *value, unsigned flags)
{
        FileCall call = { .host = real_of(h), .path = path, .value = value };

        if (flags & HOST_HAND && real_of(h)->whole)
                return real_hand(h, write_in_hand, &call, NULL, 0, "write", path);
        return write_in_hand(&call, NULL, 0);
}

int real_readlink(Host *h, const char *path, char **ret)
{
        _cleanup_close_ int fd = real_open(real_of(h), path, O_PATH | O_NOFOLLOW);
        char buf[PATH_MAX];
        ssize_t n;

        if (fd < 0)
                return fd;
        n = readlinkat(fd, "", buf, sizeof(buf) - 1);
        if (n < 0)
                return errno == ENOENT ? -EINVAL : -errno; /* ENOENT: what is there is no link */
        buf[n] = '\0';
        *ret = strdup(buf);
        return *ret ? 0 : -ENOMEM;
}

static void closedirp(DIR **d)
{
        if (*d)
                (void) closedir(*d);
}

int real_list(Host *h, const char *path, char ***ret)
{
        _cleanup_close_ int fd = real_open(real_of(h), path, O_RDONLY | O_DIRECTORY);
        _cleanup_(closedirp) DIR *dir = NULL;
        _cleanup_strv_ char **names = NULL;
        size_t n = 0, room = 0;
        struct dirent *e;

        if (fd < 0)
                return fd;
        dir = fdopendir(fd);
        if (!dir)
                return -errno;
        fd = -1;

        while (errno = 0, (e = readdir(dir))) {
                if (streq(e->d_name, ".") || streq(e->d_name, ".."))
                        continue;
                if (n + 1 >= room) {
                        char **p;

                        room = MAX(room * 2, (size_t) 32);
                        p = realloc(names, room * sizeof(*p));
                        if (!p)
                                return -ENOMEM;
                        names = p;
                }
                names[n] = strdup(e->d_name);
                if (!names[n])
                        return -ENOMEM;
                names[++n] = NULL;
        }
        if (errno != 0)
                return -errno;

        strv_sort(names);
        *ret = TAKE_PTR(names);
        return 0;
}

int real_exists(Host *h, const char *path)
{
        _cleanup_close_ int fd = real_open(real_of(h), path, O_PATH);

        if (fd >= 0)
                return 1;
        return fd == -ENOENT || fd == -ENOTDIR ? 0 : fd;
}
