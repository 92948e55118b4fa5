/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/wire.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FDS_MAX 4 /* of one packet; what the kernel cannot place here it closes itself */

typedef union Control {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int) * FDS_MAX)];
} Control;

int wire_encode(WireMessage *m, uint16_t type, uint32_t value, const char *const *strings, unsigned count)
{
        size_t len = sizeof(WireHeader);

        if (count > WIRE_MAX_STRINGS)
                return -E2BIG;
        for (unsigned i = 0; i < count; i++) {
                size_t n = strlen(strings[i]) + 1;

                if (n > sizeof(m->buf) - len)
                        return -EMSGSIZE;
                memcpy(m->buf + len, strings[i], n);
                len += n;
        }
        m->head = (WireHeader){
                .magic = WIRE_MAGIC,
                .version = WIRE_VERSION,
                .type = type,
                .value = value,
                .count = (uint16_t) count,
                .size = (uint16_t) (len - sizeof(WireHeader)),
        };
        memcpy(m->buf, &m->head, sizeof(WireHeader));
        m->len = len;
        return 0;
}

int wire_decode(WireMessage *m)
{
        const char *p = m->buf + sizeof(WireHeader);
        size_t left;

        memset(m->strings, 0, sizeof(m->strings));
        if (m->len < sizeof(WireHeader) || m->len > sizeof(m->buf))
                return -EBADMSG;
        memcpy(&m->head, m->buf, sizeof(WireHeader));
        if (m->head.magic != WIRE_MAGIC)
                return -EBADMSG;
        if (m->head.version != WIRE_VERSION)
                return -EPROTONOSUPPORT;
        left = m->len - sizeof(WireHeader);
        if (m->head.size != left || m->head.count > WIRE_MAX_STRINGS)
                return -EBADMSG;
        for (unsigned i = 0; i < m->head.count; i++) {
                size_t n = strnlen(p, left);

                if (n == left)
                        return -EBADMSG;
                m->strings[i] = p;
                p += n + 1;
                left -= n + 1;
        }
        return left == 0 ? 0 : -EBADMSG;
}

int wire_send(int sock, const WireMessage *m, int fd)
{
        struct iovec iov = { .iov_base = (void *) m->buf, .iov_len = m->len };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
        Control control;
        ssize_t n;

        if (fd >= 0) {
                struct cmsghdr *c;

                memset(&control, 0, sizeof(control));
                msg.msg_control = control.buf;
                msg.msg_controllen = CMSG_SPACE(sizeof(int));
                c = CMSG_FIRSTHDR(&msg);
                c->cmsg_level = SOL_SOCKET;
                c->cmsg_type = SCM_RIGHTS;
                c->cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(c), &fd, sizeof(int));
        }
        do
                n = sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : 0;
}

/* Closes every descriptor that came but the first, which is returned; -1: none came. */
static int take_fd(struct msghdr *msg)
{
        int first = -1;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
                size_t n = c->cmsg_len < CMSG_LEN(0) ? 0 : (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                for (size_t i = 0; i < n; i++) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
                        if (first < 0)
                                first = fd;
                        else
                                (void) close(fd);
                }
        }
        return first;
}

/* One packet. *ret_fd gets the first descriptor that came with it or -1; where it is not wanted the kernel drops it,
 * and it never becomes ours: close() of a foreign descriptor may wait. */
static int receive_packet(int sock, WireMessage *m, bool want_fd, int *ret_fd)
{
        struct iovec iov = { .iov_base = m->buf, .iov_len = sizeof(m->buf) };
        Control control;
        struct msghdr msg = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = want_fd ? control.buf : NULL,
                .msg_controllen = want_fd ? sizeof(control.buf) : 0,
        };
        ssize_t n;
        int r;

        *ret_fd = -1;
        m->len = 0;
        do
                n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        *ret_fd = take_fd(&msg);
        m->len = (size_t) n;
        if (n == 0) /* an empty packet looks the same, and is no message either */
                return 0;
        if (msg.msg_flags & MSG_TRUNC)
                return -EBADMSG;
        r = wire_decode(m);
        return r < 0 ? r : 1;
}

int wire_receive(int sock, WireMessage *m, int *ret_fd)
{
        int fd, r;

        r = receive_packet(sock, m, ret_fd != NULL, &fd);
        if (r == 0 && fd < 0) {
                /* The kernel looks into the queue first and for a hang-up then (unix_dgram_recvmsg()): a message that
                 * came in between, with the hang-up behind it, is in the queue now. */
                r = receive_packet(sock, m, ret_fd != NULL, &fd);
                if (r == -EAGAIN)
                        r = 0;
        }
        if (ret_fd)
                *ret_fd = r > 0 ? fd : -1;
        if (fd >= 0 && r <= 0)
                (void) close(fd);
        return r;
}
