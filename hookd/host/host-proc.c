/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/host-real.h"
#include "util/fd.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>

int proc_read(int pid, const char *name, char **ret)
{
        _cleanup_close_ int fd = -1;
        char path[64];

        (void) snprintf(path, sizeof(path), "/proc/%i/%s", pid, name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? -ESRCH : -errno;
        return read_fd_deadline(fd, HOST_READ_MAX, UINT64_MAX, ret, NULL);
}

int proc_stat(int pid, char **ret_comm, uint64_t *ret_start_time)
{
        _cleanup_free_ char *text = NULL;
        char *open_paren, *close_paren, *p;
        int r;

        r = proc_read(pid, "stat", &text);
        if (r < 0)
                return r;

        /* The name may hold blanks and parentheses of its own. */
        open_paren = strchr(text, '(');
        close_paren = strrchr(text, ')');
        if (!open_paren || !close_paren || close_paren < open_paren)
                return -EBADMSG;

        p = close_paren + 1; /* " S ppid …": field 3 is next */
        for (int field = 3; field <= 22; field++) {
                p += strspn(p, " ");
                if (field < 22)
                        p += strcspn(p, " ");
        }
        p[strcspn(p, " \n")] = '\0';
        r = parse_uint(p, UINT64_MAX, ret_start_time);
        if (r < 0)
                return -EBADMSG;

        if (ret_comm) {
                *ret_comm = strndup(open_paren + 1, (size_t) (close_paren - open_paren - 1));
                if (!*ret_comm)
                        return -ENOMEM;
        }
        return 0;
}

/* A pidfd of exactly that process: once it is open the pid cannot be given to another one unseen. */
static int holder_pidfd(const HostHolder *holder)
{
        _cleanup_close_ int fd = (int) syscall(SYS_pidfd_open, holder->pid, 0);
        uint64_t start_time;
        int r;

        if (fd < 0)
                return -errno;
        r = proc_stat(holder->pid, NULL, &start_time);
        if (r < 0)
                return r;
        return start_time == holder->start_time ? TAKE_FD(fd) : -ESRCH;
}

int real_signal(Host *h, const HostHolder *holder, int signo)
{
        _cleanup_close_ int fd = -1;

        if (!real_of(h)->whole)
                return -ENOTSUP;
        fd = holder_pidfd(holder);
        if (fd < 0)
                return fd;
        return syscall(SYS_pidfd_send_signal, fd, signo, NULL, 0) < 0 ? -errno : 0;
}

/* The kernel's events and, in the second group, udev's, which come when udev has dealt with one. */
static int uevent_open(void)
{
        _cleanup_close_ int fd = -1;
        struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 | 2 };

        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
        if (fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* What it says does not matter, who said it neither: the caller looks for itself. */
static void uevent_drain(int fd)
{
        char buf[16];

        while (recv(fd, buf, sizeof(buf), MSG_TRUNC) >= 0 || errno == EINTR || errno == ENOBUFS)
                ;
}

static void close_fds(struct pollfd *fds, size_t n)
{
        for (size_t i = 0; i < n; i++)
                closep(&fds[i].fd);
        free(fds);
}

int real_wait(Host *host, unsigned what, const HostHolder *holders, size_t n_holders, uint64_t slice_usec)
{
        RealHost *h = real_of(host);
        uint64_t now = now_usec(), until;
        struct pollfd *fds;
        size_t n = 0;
        int r = 0;

        if (now >= host->deadline)
                return -ETIMEDOUT;
        until = MIN(host->deadline, slice_usec < UINT64_MAX - now ? now + slice_usec : UINT64_MAX);

        /* Just opened it has not seen what happened since the caller looked. */
        if ((what & WAIT_UEVENT) && h->uevent_fd < 0) {
                h->uevent_fd = uevent_open();
                if (h->uevent_fd >= 0)
                        return 0;
        }

        fds = calloc(n_holders + 2, sizeof(*fds));
        if (!fds)
                return -ENOMEM;

        for (; n < n_holders; n++) {
                int fd = holder_pidfd(holders + n);

                if (fd < 0) {
                        if (fd != -ESRCH)
                                r = fd;
                        goto finish; /* gone already: look again */
                }
                fds[n] = (struct pollfd){ .fd = fd, .events = POLLIN };
        }
        /* Not closed at the end: a negative descriptor is passed over by poll(). */
        fds[n] = (struct pollfd){ .fd = host->no_cancel ? -1 : host->cancel_fd, .events = POLLIN | POLLRDHUP };
        fds[n + 1] = (struct pollfd){ .fd = what & WAIT_UEVENT ? h->uevent_fd : -1, .events = POLLIN };

        do
                r = poll(fds, n + 2, usec_to_poll(until)) < 0 ? -errno : 0;
        while (r == -EINTR && now_usec() < until);
        if (r == -EINTR)
                r = 0;
        if (r < 0)
                goto finish;

        if (fds[n + 1].revents)
                uevent_drain(h->uevent_fd);
        if (fds[n].revents)
                r = -ECANCELED;
        else if (now_usec() >= host->deadline)
                r = -ETIMEDOUT;
finish:
        close_fds(fds, n);
        return r;
}
