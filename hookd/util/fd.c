/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/fd.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

uint64_t now_usec(void)
{
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

int usec_to_poll(uint64_t deadline)
{
        uint64_t now = now_usec(), left;

        if (deadline <= now)
                return 0;
        left = deadline - now;
        if (left > (uint64_t) INT_MAX * USEC_PER_MSEC)
                return INT_MAX;
        return (int) ((left + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

int write_all(int fd, const void *data, size_t size)
{
        const char *p = data;

        while (size > 0) {
                ssize_t n = write(fd, p, size);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0) /* a file system that takes nothing and reports nothing would spin us */
                        return -EIO;
                p += n;
                size -= (size_t) n;
        }
        return 0;
}

typedef struct Buffer {
        char *data;
        size_t size, room; /* room counts the byte for the final NUL */
} Buffer;

/* Makes room for at least one more byte beyond the NUL, but never for more than one byte over max. */
static int buffer_grow(Buffer *b, size_t max)
{
        size_t room;
        char *p;

        if (b->size + 1 < b->room)
                return 0;
        room = b->room == 0 ? 4096 : b->room * 2;
        if (room > max && max < SIZE_MAX - 2)
                room = max + 2;
        if (room <= b->size + 1)
                return -EFBIG;
        p = realloc(b->data, room);
        if (!p)
                return -ENOMEM;
        b->data = p;
        b->room = room;
        return 0;
}

/* One read into b. 1: went on, 0: the end, -EAGAIN, -EFBIG, -errno. */
static int buffer_read(Buffer *b, int fd, size_t max)
{
        ssize_t n;
        int r;

        r = buffer_grow(b, max);
        if (r < 0)
                return r;
        n = read(fd, b->data + b->size, b->room - b->size - 1);
        if (n < 0)
                return errno == EINTR ? 1 : -errno;
        b->size += (size_t) n;
        if (b->size > max)
                return -EFBIG;
        return n > 0;
}

static void buffer_take(Buffer *b, char **ret, size_t *ret_size)
{
        b->data[b->size] = '\0';
        if (ret_size)
                *ret_size = b->size;
        *ret = TAKE_PTR(b->data);
}

int read_file_at(int dirfd, const char *path, size_t max, char **ret, size_t *ret_size)
{
        _cleanup_free_ char *data = NULL;
        _cleanup_close_ int fd = -1;
        Buffer b = { 0 };
        struct stat st;
        int r;

        /* O_NONBLOCK: opening a FIFO somebody planted must not wait for its writer */
        fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if (st.st_size > 0 && (uint64_t) st.st_size > max)
                return -EFBIG;
        do
                r = buffer_read(&b, fd, max);
        while (r > 0);
        data = b.data;
        if (r < 0)
                return r;
        (void) TAKE_PTR(data);
        buffer_take(&b, ret, ret_size);
        return 0;
}

/* A reader beside us may take what poll() saw, and then a blocking pipe blocks. A description of our own for the same
 * pipe can be non-blocking without changing the other's. */
static int reopen_pipe(int fd)
{
        char path[sizeof("/proc/self/fd/") + 11];
        struct stat st;

        if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode))
                return -1;
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%i", fd);
        return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

int read_fd_deadline(int fd, size_t max, uint64_t deadline, char **ret, size_t *ret_size)
{
        _cleanup_free_ char *data = NULL;
        _cleanup_close_ int own = -1;
        Buffer b = { 0 };
        int r;

        if (fd < 0)
                return -EBADF;
        own = reopen_pipe(fd);
        do {
                struct pollfd p = { .fd = own >= 0 ? own : fd, .events = POLLIN };

                r = poll(&p, 1, usec_to_poll(deadline));
                if (r < 0)
                        r = errno == EINTR ? 1 : -errno;
                else if (r == 0)
                        r = -ETIMEDOUT;
                else if (p.revents & POLLNVAL)
                        r = -EBADF;
                else {
                        r = buffer_read(&b, p.fd, max);
                        if (r == -EAGAIN)
                                r = 1;
                }
                data = b.data;
                if (r > 0 && now_usec() >= deadline)
                        r = -ETIMEDOUT;
        } while (r > 0);
        if (r < 0)
                return r;
        (void) TAKE_PTR(data);
        buffer_take(&b, ret, ret_size);
        return 0;
}

int write_file_atomic_at(int dirfd, const char *path, mode_t mode, const void *data, size_t size)
{
        const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
        _cleanup_close_ int fd = -1;
        char temp[PATH_MAX];
        int n, r;

        n = snprintf(temp, sizeof(temp), "%.*s.%s.%i~", (int) (base - path), path, base, (int) getpid());
        if (n < 0 || (size_t) n >= sizeof(temp))
                return -ENAMETOOLONG;
        (void) unlinkat(dirfd, temp, 0); /* of a process with our pid that was killed in between */
        fd = openat(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        r = write_all(fd, data, size);
        if (r >= 0 && fchmod(fd, mode) < 0) /* past the umask */
                r = -errno;
        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        if (r >= 0 && renameat(dirfd, temp, dirfd, path) < 0)
                r = -errno;
        if (r < 0)
                (void) unlinkat(dirfd, temp, 0);
        return r;
}
