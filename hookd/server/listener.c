/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/listener.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#define NOFILE_WANTED 16384
#define NOFILE_OTHERS 64 /* epoll, inotify, libraries, libvirtd's pidfds */
#define CONNECTIONS   4096

unsigned listener_raise_limit(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return 128;
        if (limit.rlim_cur < NOFILE_WANTED) {
                limit.rlim_cur = MIN(limit.rlim_max, (rlim_t) NOFILE_WANTED);
                if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
                        (void) getrlimit(RLIMIT_NOFILE, &limit);
        }
        if (limit.rlim_cur < NOFILE_OTHERS * 2)
                return 16;
        /* three a connection: the socket, the domain's XML, its worker's pidfd */
        return MIN((unsigned) (limit.rlim_cur - NOFILE_OTHERS) / 3, (unsigned) CONNECTIONS);
}

static int make_folder_of(const char *path, Fault *f)
{
        _cleanup_free_ char *folder = strdup(path);
        char *slash = folder ? strrchr(folder, '/') : NULL;

        if (!folder)
                return fault_set(f, -ENOMEM, path, "out of memory");
        if (!slash || slash == folder)
                return 0;
        *slash = '\0';
        if (mkdir(folder, 0755) < 0 && errno != EEXIST)
                return fault_set(f, -errno, folder, "cannot make the folder %s for the socket: %s", folder,
                                 fault_errno(-errno));
        return 0;
}

/* A socket file that nobody listens on is what a killed daemon leaves behind. */
static int remove_stale(const struct sockaddr_un *address, socklen_t size, Fault *f)
{
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                return fault_set(f, -errno, address->sun_path, "cannot make a socket: %s", fault_errno(-errno));
        if (connect(fd, (const struct sockaddr *) address, size) == 0 || errno == EAGAIN)
                return fault_set(f, -EADDRINUSE, address->sun_path, "another hookd is listening on %s",
                                 address->sun_path);
        if (errno == ENOENT)
                return 0;
        if (errno != ECONNREFUSED)
                return fault_set(f, -errno, address->sun_path, "%s exists and is no socket of hookd: %s",
                                 address->sun_path, fault_errno(-errno));
        return unlink(address->sun_path) < 0 && errno != ENOENT
                       ? fault_set(f, -errno, address->sun_path, "cannot remove the old socket %s: %s",
                                   address->sun_path, fault_errno(-errno))
                       : 0;
}

static int make_socket(const char *path, Fault *f)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = -1;
        socklen_t size;
        mode_t mask;
        int r;

        if (strlen(path) >= sizeof(address.sun_path))
                return fault_set(f, -ENAMETOOLONG, path, "the path of the socket is longer than %zu bytes: %s",
                                 sizeof(address.sun_path) - 1, path);
        strcpy(address.sun_path, path);
        size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
        r = make_folder_of(path, f);
        if (r < 0)
                return r;
        r = remove_stale(&address, size, f);
        if (r < 0)
                return r;
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return fault_set(f, -errno, path, "cannot make a socket: %s", fault_errno(-errno));
        mask = umask(0177); /* there is no moment in which others could connect */
        r = bind(fd, (const struct sockaddr *) &address, size) < 0 ? -errno : 0;
        (void) umask(mask);
        if (r < 0)
                return fault_set(f, r, path, "cannot bind the socket %s: %s", path, fault_errno(r));
        if (listen(fd, SOMAXCONN) < 0) {
                r = -errno;
                (void) unlink(path);
                return fault_set(f, r, path, "cannot listen on %s: %s", path, fault_errno(r));
        }
        return TAKE_FD(fd);
}

int listener_open(const char *path, bool *ret_own, Fault *f)
{
        int n = sd_listen_fds(true);

        *ret_own = n <= 0;
        if (n < 0)
                return fault_set(f, n, NULL, "cannot take systemd's socket: %s", fault_errno(n));
        if (n == 0)
                return make_socket(path, f);
        if (n > 1 || sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_SEQPACKET, 1, NULL, 0) <= 0)
                return fault_set(
                        f, -EINVAL, "hookd.socket",
                        "systemd passed something else than one listening sequential-packet socket: hookd.socket "
                        "needs one ListenSequentialPacket= and no other Listen*= line");
        if (fcntl(SD_LISTEN_FDS_START, F_SETFL, O_NONBLOCK) < 0)
                return fault_set(f, -errno, NULL, "cannot set up systemd's socket: %s", fault_errno(-errno));
        return SD_LISTEN_FDS_START;
}
