/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include "wire/wire.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

static const char *const hook[] = { "win10", "prepare", "begin", "-" };

static void pair(int fds[2])
{
        assert_ok(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds));
}

/* The number of this process's descriptors. */
static int count_fds(void)
{
        int n = 0;

        for (int fd = 0; fd < 256; fd++)
                n += fcntl(fd, F_GETFD) >= 0;
        return n;
}

/* wire_send() carries at most one descriptor; a hostile client may send more. */
static void send_fds(int sock, const WireMessage *m, size_t n)
{
        union {
                struct cmsghdr align;
                char buf[CMSG_SPACE(sizeof(int) * 64)];
        } control = { 0 };
        struct iovec iov = { .iov_base = (void *) m->buf, .iov_len = m->len };
        struct msghdr msg = { .msg_iov = &iov,
                              .msg_iovlen = 1,
                              .msg_control = control.buf,
                              .msg_controllen = CMSG_SPACE(sizeof(int) * n) };
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

        assert_true(n <= 64);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * n);
        for (size_t i = 0; i < n; i++)
                memcpy(CMSG_DATA(c) + i * sizeof(int), &sock, sizeof(int));
        assert_true(sendmsg(sock, &msg, 0) == (ssize_t) m->len);
}

TEST(round_trip)
{
        static WireMessage m, copy;
        static char longest[WIRE_MAX - sizeof(WireHeader)];
        const char *const eight[] = { "", "", "a", "\n", "ü", "", "x y", "" }, *const one[] = { longest };

        assert_ok(wire_encode(&m, WIRE_HOOK, 0, hook, 4));
        copy = m;
        assert_ok(wire_decode(&copy));
        assert_int_eq(copy.head.type, WIRE_HOOK);
        assert_int_eq(copy.head.count, 4);
        for (int i = 0; i < 4; i++)
                assert_str_eq(copy.strings[i], hook[i]);
        assert_null(copy.strings[4]);

        assert_ok(wire_encode(&m, WIRE_TEXT, UINT32_MAX, eight, 8));
        copy = m;
        assert_ok(wire_decode(&copy));
        assert_true(copy.head.value == UINT32_MAX);
        for (int i = 0; i < 8; i++)
                assert_str_eq(copy.strings[i], eight[i]);

        assert_ok(wire_encode(&m, WIRE_ACCEPTED, 180, NULL, 0));
        assert_int_eq(m.len, sizeof(WireHeader));
        copy = m;
        assert_ok(wire_decode(&copy));
        assert_null(copy.strings[0]);

        memset(longest, 'a', sizeof(longest) - 1);
        assert_ok(wire_encode(&m, WIRE_TEXT, 0, one, 1));
        assert_int_eq(m.len, WIRE_MAX);
        copy = m;
        assert_ok(wire_decode(&copy));
        assert_str_eq(copy.strings[0], longest);
}

TEST(encode_limits)
{
        static WireMessage m;
        static char big[WIRE_MAX - sizeof(WireHeader) + 1];
        const char *const nine[] = { "", "", "", "", "", "", "", "", "" };
        const char *const one[] = { big }, *two[] = { "", big + 1 };

        memset(big, 'a', sizeof(big) - 1);
        assert_int_eq(wire_encode(&m, WIRE_TEXT, 0, one, 1), -EMSGSIZE);
        assert_int_eq(wire_encode(&m, WIRE_TEXT, 0, two, 2), -EMSGSIZE);
        assert_int_eq(wire_encode(&m, WIRE_TEXT, 0, nine, 9), -E2BIG);
        assert_ok(wire_encode(&m, WIRE_TEXT, 0, nine, 8));
}

TEST(every_truncation_is_rejected)
{
        static WireMessage m, cut;

        assert_ok(wire_encode(&m, WIRE_HOOK, 0, hook, 4));
        for (size_t len = 0; len < m.len; len++) {
                cut = m;
                cut.len = len;
                assert_int_eq(wire_decode(&cut), -EBADMSG);
        }
        for (size_t more = 1; more < 20; more++) {
                cut = m;
                cut.len += more;
                assert_int_eq(wire_decode(&cut), -EBADMSG);
        }
}

/* Every single-bit error of the header's fixed parts, counts, sizes and of the NULs is seen. */
TEST(every_corruption_is_rejected)
{
        static WireMessage m, bad;

        assert_ok(wire_encode(&m, WIRE_HOOK, 0, hook, 4));
        for (size_t i = 0; i < m.len; i++) {
                bool free_field = (i >= offsetof(WireHeader, type) && i < offsetof(WireHeader, count));
                bool nul = i >= sizeof(WireHeader) && m.buf[i] == '\0';

                if (free_field || (i >= sizeof(WireHeader) && !nul))
                        continue;
                for (int bit = 0; bit < 8; bit++) {
                        int r;

                        bad = m;
                        bad.buf[i] = (char) (bad.buf[i] ^ 1 << bit);
                        r = wire_decode(&bad);
                        assert_true(r == -EBADMSG || r == -EPROTONOSUPPORT);
                }
        }
        bad = m;
        bad.buf[sizeof(WireHeader) + 1] = '\0'; /* one string more than counted */
        assert_int_eq(wire_decode(&bad), -EBADMSG);
        bad = m;
        bad.len = WIRE_MAX + 1;
        assert_int_eq(wire_decode(&bad), -EBADMSG);
}

TEST(other_version)
{
        static WireMessage m;

        assert_ok(wire_encode(&m, WIRE_HOOK, 0, hook, 4));
        m.buf[offsetof(WireHeader, version)] = 2;
        assert_int_eq(wire_decode(&m), -EPROTONOSUPPORT);
}

TEST(socket_and_descriptor)
{
        static WireMessage m, got;
        int fds[2], p[2], fd = -2;
        struct stat a, b;

        pair(fds);
        assert_ok(pipe2(p, O_CLOEXEC));
        assert_int_eq(wire_receive(fds[1], &got, &fd), -EAGAIN);
        assert_int_eq(fd, -1);

        assert_ok(wire_encode(&m, WIRE_HOOK, 0, hook, 4));
        assert_ok(wire_send(fds[0], &m, p[0]));
        assert_int_eq(wire_receive(fds[1], &got, &fd), 1);
        assert_str_eq(got.strings[3], "-");
        assert_true(fd >= 0 && fd != p[0]);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        assert_ok(fstat(fd, &a));
        assert_ok(fstat(p[0], &b));
        assert_true(a.st_ino == b.st_ino);
        (void) close(fd);

        assert_ok(wire_send(fds[0], &m, -1));
        assert_int_eq(wire_receive(fds[1], &got, &fd), 1);
        assert_int_eq(fd, -1);

        (void) close(fds[0]);
        assert_int_eq(wire_receive(fds[1], &got, &fd), 0);
        assert_int_eq(wire_send(fds[1], &m, -1), -EPIPE); /* and no SIGPIPE */
        (void) close(fds[1]);
        (void) close(p[0]);
        (void) close(p[1]);
}

TEST(surplus_descriptors_are_closed)
{
        static WireMessage m, got;
        int fds[2], fd, before;

        pair(fds);
        before = count_fds();
        assert_ok(wire_encode(&m, WIRE_HOOK, 0, hook, 4));
        for (size_t n = 1; n <= 64; n++) {
                send_fds(fds[0], &m, n);
                assert_int_eq(wire_receive(fds[1], &got, &fd), 1);
                assert_true(fd >= 0);
                (void) close(fd);
                assert_int_eq(count_fds(), before);
        }
        send_fds(fds[0], &m, 3);
        assert_int_eq(wire_receive(fds[1], &got, NULL), 1);
        assert_int_eq(count_fds(), before);

        m.buf[0] = 'X'; /* not a message: its descriptor goes, too */
        send_fds(fds[0], &m, 2);
        assert_int_eq(wire_receive(fds[1], &got, &fd), -EBADMSG);
        assert_int_eq(fd, -1);
        assert_int_eq(count_fds(), before);
        (void) close(fds[0]);
        (void) close(fds[1]);
}

TEST(too_big_a_packet)
{
        static WireMessage got;
        static char big[WIRE_MAX + 1];
        WireHeader h = { WIRE_MAGIC, WIRE_VERSION, WIRE_TEXT, 0, 1, WIRE_MAX - sizeof(WireHeader) };
        int fds[2];

        pair(fds);
        memset(big, 'a', sizeof(big));
        memcpy(big, &h, sizeof(h));
        big[WIRE_MAX - 1] = '\0'; /* its first WIRE_MAX bytes would be one */
        assert_int_eq(send(fds[0], big, sizeof(big), 0), sizeof(big));
        assert_int_eq(wire_receive(fds[1], &got, NULL), -EBADMSG);
        assert_int_eq(send(fds[0], big, WIRE_MAX, 0), WIRE_MAX);
        assert_int_eq(wire_receive(fds[1], &got, NULL), 1);
        (void) close(fds[0]);
        (void) close(fds[1]);
}

/* The kernel may say 0 although a message is there, when the hang-up comes right behind it. That is a matter of
 * nanoseconds; an empty packet looks the same. */
TEST(a_message_behind_a_zero)
{
        static WireMessage m, got;
        int fds[2], fd, before;

        pair(fds);
        before = count_fds();
        assert_ok(wire_encode(&m, WIRE_RESULT, 1, NULL, 0));
        assert_int_eq(send(fds[0], "", 0, 0), 0);
        send_fds(fds[0], &m, 2);
        assert_int_eq(wire_receive(fds[1], &got, &fd), 1);
        assert_int_eq(got.head.type, WIRE_RESULT);
        assert_true(fd >= 0);
        (void) close(fd);
        assert_int_eq(count_fds(), before);
        assert_int_eq(wire_receive(fds[1], &got, &fd), -EAGAIN);
        assert_int_eq(send(fds[0], "", 0, 0), 0);
        assert_int_eq(wire_receive(fds[1], &got, &fd), 0); /* who sends that is not waited for */
        assert_int_eq(fd, -1);
        assert_int_eq(send(fds[0], "x", 1, 0), 1);
        assert_int_eq(wire_receive(fds[1], &got, &fd), -EBADMSG);
        (void) close(fds[0]);
        assert_int_eq(wire_receive(fds[1], &got, &fd), 0);
        (void) close(fds[1]);
}

TEST(a_full_socket_does_not_block)
{
        static WireMessage m;
        int fds[2], r;

        pair(fds);
        assert_ok(wire_encode(&m, WIRE_HOOK, 0, hook, 4));
        do
                r = wire_send(fds[0], &m, -1);
        while (r == 0);
        assert_int_eq(r, -EAGAIN);
        (void) close(fds[0]);
        (void) close(fds[1]);
}

TEST_MAIN
