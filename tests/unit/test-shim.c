/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Drives the shim that is installed, as libvirt does: a child with pipes. Its socket's path is compiled in, so this
 * runs in a mount namespace of its own with a private /run, and plays the daemon there. */
#include "unit/test.h"

#include "util/fd.h"
#include "wire/wire.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#define XML(devices) "<domain type='kvm' id='1'>\n  <name>vm</name>\n  <devices>\n" devices "  </devices>\n</domain>\n"
#define PCI          "<hostdev mode='subsystem' type='pci' managed='yes'><source><address bus='0x01'/></source></hostdev>\n"
#define USB          "<hostdev mode='subsystem' type='usb' managed='no'><source><vendor id='0x1234'/></source></hostdev>\n"

/* What the daemon does. */
typedef enum Daemon {
        NO_SOCKET,
        NO_LISTENER, /* the socket's file is there */
        CLOSES,
        READS_AND_CLOSES,
        GARBAGE,
        OTHER_VERSION,
        ACCEPTS_AND_CLOSES,
        RESULT_0,
        RESULT_1,
        ACCEPTS_RESULT_0,
        ACCEPTS_RESULT_1,
        UNREAD_RESULT_1, /* to a request it does not read */
        TEXT_RESULT_1,   /* with what a shim does not expect before it */
        _FAST,
        SILENT = _FAST,
        ACCEPTS_SILENT,
        LATE, /* accepts when the shim has just given up */
        FULL, /* nobody takes connections */
        FULL_FOR_A_WHILE,
} Daemon;

typedef enum Input {
        PIPE,
        CLOSED,
        ALL_CLOSED, /* all three */
        DEV_NULL,
        DEV_ZERO,
        ENDLESS, /* a pipe that nobody closes */
        TTY,
        DEAF, /* XML, but nobody reads stderr */
} Input;

typedef struct Result {
        int status; /* of exit; -1: a signal */
        char out[256], err[16384];
        bool got_fd;
        char got_args[256];
        uint64_t usec;
} Result;

static Result result;

static int listen_at(const char *path, int backlog)
{
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        (void) snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
        assert_ok(bind(fd, (struct sockaddr *) &sa, sizeof(sa)));
        assert_ok(listen(fd, backlog));
        return fd;
}

static int connect_to(const char *path)
{
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        (void) snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
        if (connect(fd, (struct sockaddr *) &sa, sizeof(sa)) < 0) {
                (void) close(fd);
                return -1;
        }
        return fd;
}

static void answer(int fd, uint16_t type, uint32_t value, const char *text)
{
        static WireMessage m;

        assert_ok(wire_encode(&m, type, value, &text, text ? 1 : 0));
        (void) wire_send(fd, &m, -1);
}

/* The daemon's part once the request is there. Returns whether the connection stays open. */
static bool act(Daemon d, int fd, pid_t shim)
{
        static WireMessage m;

        switch (d) {
        case ACCEPTS_AND_CLOSES:
                answer(fd, WIRE_ACCEPTED, 180, NULL);
                return false;
        case RESULT_0:
                answer(fd, WIRE_RESULT, 0, "");
                return false;
        case RESULT_1:
        case UNREAD_RESULT_1:
                answer(fd, WIRE_RESULT, 1, "the card is\nbusy\x1b[2J");
                return false;
        case ACCEPTS_RESULT_0:
                answer(fd, WIRE_ACCEPTED, 180, NULL);
                answer(fd, WIRE_RESULT, 0, "");
                return false;
        case ACCEPTS_RESULT_1:
                answer(fd, WIRE_ACCEPTED, 180, NULL);
                answer(fd, WIRE_RESULT, 256, NULL); /* no sentence, and a value that is no exit status */
                return false;
        case TEXT_RESULT_1:
                answer(fd, WIRE_TEXT, 0, "what?");
                answer(fd, WIRE_ACCEPTED, 1, NULL);
                answer(fd, WIRE_ACCEPTED, 1, NULL);
                answer(fd, WIRE_RESULT, 1, "the card is?busy?[2J");
                return false;
        case GARBAGE:
                (void) send(fd, "garbage", 7, MSG_NOSIGNAL);
                return true; /* and does not hang up */
        case OTHER_VERSION:
                assert_ok(wire_encode(&m, WIRE_RESULT, 0, NULL, 0));
                m.buf[offsetof(WireHeader, version)]++;
                (void) wire_send(fd, &m, -1);
                return true;
        case ACCEPTS_SILENT:
                answer(fd, WIRE_ACCEPTED, 0, NULL);
                answer(fd, WIRE_ACCEPTED, 1000, NULL); /* the first one counts */
                return true;
        case LATE:
                assert_ok(kill(shim, SIGSTOP));
                (void) poll(NULL, 0, (WIRE_ACCEPT_SEC * 1000) + 300);
                answer(fd, WIRE_ACCEPTED, 180, NULL);
                assert_ok(kill(shim, SIGCONT));
                return true;
        case READS_AND_CLOSES:
                return false;
        default:
                return true;
        }
}

static void note_request(const WireMessage *m, int fd)
{
        size_t n = 0;

        assert_int_eq(m->head.type, WIRE_HOOK);
        for (unsigned i = 0; i < m->head.count && n < sizeof(result.got_args); i++)
                n += (size_t) snprintf(result.got_args + n, sizeof(result.got_args) - n, "%s|", m->strings[i]);
        result.got_fd = fd >= 0;
        closep(&fd);
}

static int open_input(Input input, int *ret_feed)
{
        int p[2], fd;

        *ret_feed = -1;
        switch (input) {
        case PIPE:
        case DEAF:
        case ENDLESS:
                assert_ok(pipe2(p, O_CLOEXEC));
                (void) fcntl(p[1], F_SETFL, O_NONBLOCK);
                *ret_feed = p[1];
                return p[0];
        case DEV_NULL:
                return open("/dev/null", O_RDONLY | O_CLOEXEC);
        case DEV_ZERO:
                return open("/dev/zero", O_RDONLY | O_CLOEXEC);
        case TTY:
                fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
                if (fd < 0 || grantpt(fd) < 0 || unlockpt(fd) < 0)
                        test_fail("no pseudo terminal: %m");
                *ret_feed = fd;
                return open(ptsname(fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
        default:
                return -1;
        }
}

static pid_t spawn(const char *const *args, Input input, int in, int out, int err)
{
        const char *argv[16] = { "/etc/libvirt/hooks/qemu" };
        pid_t pid;

        for (size_t i = 0; args[i]; i++)
                argv[i + 1] = args[i];
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void) dup2(in >= 0 ? in : out, 0);
                (void) dup2(out, 1);
                (void) dup2(err, 2);
                if (input == CLOSED || input == ALL_CLOSED)
                        (void) close(0);
                if (input == ALL_CLOSED)
                        (void) close(1), (void) close(2);
                (void) signal(SIGPIPE, SIG_DFL);
                (void) execv(SHIM, (char *const *) argv);
                _exit(126);
        }
        return pid;
}

static size_t take(int fd, char *buf, size_t have, size_t room)
{
        ssize_t n = read(fd, buf + have, room - have - 1);

        return have + (n > 0 ? (size_t) n : 0);
}

/* Runs the shim to its end, as libvirt waits for it: until stdout and stderr are closed and it has exited. */
static const Result *run(const char *const *args, Daemon d, Input input, const char *xml)
{
        int listener = -1, conn = -1, feed = -1, in, out[2], err[2], queue[64], n_queue = 0, pidfd, status;
        uint64_t start = now_usec(), deadline = start + 60 * USEC_PER_SEC;
        size_t n_out = 0, n_err = 0, fed = 0, xml_size = xml ? strlen(xml) : 0;
        bool done_out = false, done_err = false, exited = false;
        static WireMessage m;
        pid_t pid;

        memset(&result, 0, sizeof(result));
        (void) unlink(WIRE_SOCKET);
        if (d != NO_SOCKET)
                listener = listen_at(WIRE_SOCKET, d == FULL || d == FULL_FOR_A_WHILE ? 0 : 16);
        if (d == NO_LISTENER)
                closep(&listener);
        while ((d == FULL || d == FULL_FOR_A_WHILE) && n_queue < 64) {
                queue[n_queue] = connect_to(WIRE_SOCKET);
                if (queue[n_queue] < 0)
                        break;
                n_queue++;
        }
        in = open_input(input, &feed);
        assert_ok(pipe2(out, O_CLOEXEC));
        assert_ok(pipe2(err, O_CLOEXEC));
        pid = spawn(args, input, in, out[1], err[1]);
        pidfd = (int) syscall(SYS_pidfd_open, pid, 0);
        assert_true(pidfd >= 0);
        if (input != TTY)
                closep(&in);
        (void) close(out[1]);
        (void) close(err[1]);
        if (input == DEAF) {
                (void) close(err[0]);
                err[0] = -1;
                done_err = true;
        }
        while (!done_out || !done_err || !exited) {
                struct pollfd p[] = {
                        { .fd = done_out ? -1 : out[0], .events = POLLIN },
                        { .fd = done_err ? -1 : err[0], .events = POLLIN },
                        { .fd = input == PIPE || input == DEAF ? feed : -1, .events = POLLOUT },
                        { .fd = d == NO_LISTENER || d == FULL || conn >= 0 ? -1 : listener, .events = POLLIN },
                        { .fd = conn, .events = POLLIN },
                        { .fd = exited ? -1 : pidfd, .events = POLLIN },
                };

                if (d == FULL_FOR_A_WHILE && now_usec() < start + 300 * USEC_PER_MSEC)
                        p[3].fd = -1;
                if (poll(p, ARRAY_SIZE(p), d == FULL_FOR_A_WHILE ? 100 : usec_to_poll(deadline)) == 0 &&
                    d != FULL_FOR_A_WHILE) {
                        (void) kill(pid, SIGKILL);
                        test_fail("the shim does not end: %s", result.err);
                }
                exited = exited || p[5].revents != 0;
                if (p[0].revents) {
                        size_t had = n_out;

                        n_out = take(out[0], result.out, n_out, sizeof(result.out));
                        done_out = n_out == had;
                }
                if (p[1].revents) {
                        size_t had = n_err;

                        n_err = take(err[0], result.err, n_err, sizeof(result.err));
                        done_err = n_err == had;
                }
                if (p[2].revents) {
                        ssize_t n = write(feed, xml + fed, xml_size - fed);

                        fed += n > 0 ? (size_t) n : 0;
                        if (fed == xml_size || (n < 0 && errno != EAGAIN)) {
                                (void) close(feed);
                                feed = -1;
                        }
                }
                if (p[3].revents) {
                        conn = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
                        if (conn >= 0 && n_queue > 0) { /* one of those that were before it */
                                n_queue--;
                                (void) close(queue[n_queue]);
                                closep(&conn);
                                conn = -1;
                        } else if (d == CLOSES) {
                                (void) close(conn);
                                conn = -1;
                        }
                }
                if (p[4].revents) {
                        int fd, r = d == UNREAD_RESULT_1 ? 1 : wire_receive(conn, &m, &fd);

                        if (r > 0 && d != UNREAD_RESULT_1)
                                note_request(&m, fd);
                        if (r <= 0 || !act(d, conn, pid)) {
                                (void) close(conn);
                                conn = -1;
                        }
                }
        }
        assert_true(waitpid(pid, &status, 0) == pid);
        result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        result.usec = now_usec() - start;
        while (n_queue > 0)
                (void) close(queue[--n_queue]);
        if (input == TTY)
                closep(&in);
        closep(&feed);
        closep(&pidfd);
        closep(&conn);
        closep(&listener);
        (void) close(out[0]);
        closep(&err[0]);
        assert_str_eq(result.out, ""); /* always */
        return &result;
}

/* stderr is one line that starts with "hookd: ", without control characters. */
static void assert_one_line(const char *err)
{
        size_t n = strlen(err);

        assert_true(startswith(err, "hookd: ") && err[n - 1] == '\n');
        for (size_t i = 0; i < n - 1; i++)
                assert_true((unsigned char) err[i] >= 0x20 && err[i] != 0x7f);
}

static const char *const prepare[] = { "vm", "prepare", "begin", "-", NULL };

TEST(every_operation_with_every_daemon)
{
        static const char *const ops[] = { "prepare", "start",     "started", "stopped",  "release", "migrate",
                                           "restore", "reconnect", "attach",  "prepared", "PREPARE", "" };
        int n = 0;

        for (size_t o = 0; o < ARRAY_SIZE(ops); o++)
                for (Daemon d = NO_SOCKET; d < _FAST; d++)
                        for (int pci = 0; pci < 2; pci++) {
                                const char *const args[] = { "vm", ops[o], "begin", "-", NULL };
                                const Result *r = run(args, d, PIPE, pci ? XML(PCI) : XML(USB));
                                bool refused = d == RESULT_1 || d == ACCEPTS_RESULT_1 || d == TEXT_RESULT_1 ||
                                               d == UNREAD_RESULT_1;
                                bool granted = d == RESULT_0 || d == ACCEPTS_RESULT_0;
                                int want = 0;

                                if (streq(ops[o], "prepare"))
                                        want = refused || d == ACCEPTS_AND_CLOSES || (!granted && pci);
                                else if (streq(ops[o], "start") || streq(ops[o], "migrate") || streq(ops[o], "restore"))
                                        want = refused;
                                if (r->status != want)
                                        test_fail("%s, daemon %i, pci %i: exit status %i: %s", ops[o], d, pci,
                                                  r->status, r->err);
                                if (granted || (d == ACCEPTS_RESULT_1 && want == 0))
                                        assert_str_eq(r->err, "");
                                else
                                        assert_one_line(r->err);
                                if (d == RESULT_1 || d == TEXT_RESULT_1 || d == UNREAD_RESULT_1)
                                        assert_str_eq(r->err, "hookd: the card is?busy?[2J\n");
                                if (d == ACCEPTS_RESULT_1 && want)
                                        assert_str_eq(r->err, "hookd: refused vm\n");
                                if (d > CLOSES && d != UNREAD_RESULT_1) {
                                        assert_true(startswith(r->got_args, "vm|"));
                                        assert_true(r->got_fd);
                                }
                                /* a daemon that hangs up with nothing said is not waited for */
                                assert_true(r->usec < 4 * USEC_PER_SEC);
                                n++;
                        }
        (void) printf("%i cases\n", n);
}

TEST(the_sentences)
{
        const Result *r;

        r = run(prepare, NO_SOCKET, PIPE, XML(PCI));
        assert_contains(r->err, "hookd: refused vm: the hookd daemon does not answer (");
        assert_contains(r->err, "systemctl start hookd.socket");
        assert_contains(r->err, "`hookctl disable` removes the hook");
        r = run(prepare, NO_SOCKET, PIPE, XML(USB));
        assert_contains(r->err, "hookd: vm starts without hookd");
        r = run(prepare, ACCEPTS_AND_CLOSES, PIPE, XML(USB));
        assert_contains(r->err, "refused vm: the daemon accepted it and was lost (it hung up)");
        r = run(prepare, RESULT_0, PIPE, XML(PCI));
        assert_str_eq(r->got_args, "vm|prepare|begin|-|");
}

TEST(xml_variants)
{
        static const struct {
                const char *xml;
                int status;
        } all[] = {
                { XML(""), 0 },
                { XML(USB), 0 },
                { XML(USB PCI USB), 1 },
                { XML("<hostdev type='mdev' model='vfio-pci'/>"), 1 },
                { XML("<hostdev type='scsi'/><hostdev type='scsi_host'/>"), 0 },
                { XML("<hostdev mode='capabilities' type='misc'/>"), 0 },
                { XML("<hostdev managed=\"yes\"\n\t type =\r\n \"pci\"\n>"), 1 },
                { XML("<hostdev type=\"pci\">"), 1 },
                { XML("<hostdev\ntype='pci'/>"), 1 },
                { XML("<hostdev>"), 0 },
                { XML("<interface type='hostdev' managed='yes'>"), 1 },
                { XML("<interface managed='yes' type=\"hostdev\">"), 1 },
                { XML("<interface type='network'><source network='hostdev'/></interface>"), 0 },
                { XML("<interface type='pci'/>"), 0 },
                { XML("<hostdev type='hostdev'/>"), 0 },
                { XML("<controller type='pci' index='0'/><address type='pci'/>"), 0 },
                { XML("<hostdevs type='pci'/><xhostdev type='pci'/><x:hostdev type='pci'/>"), 0 },
                { XML("<hostdev xtype='pci' typex='pci' type-x='pci' type='usb'/>"), 0 },
                { XML("<hostdev type='pcix'/><hostdev type='xpci'/><hostdev type=''/><hostdev type=' pci'/>"), 0 },
                { XML("<hostdev alias=\" type='pci'\" type='usb'/>"), 0 },
                { XML("<hostdev alias='>' type='pci'/>"), 1 },
                { XML("<hostdev alias='\"' type='pci'/>"), 1 },
                { XML("<hostdev alias=\"'\" type='pci'/>"), 1 },
                { XML("<hostdev alias=\"' type='pci'\" type='usb'/>"), 0 },
                { XML("<!-- <hostdev type='pci'/> -->"), 0 },
                { XML("<!-- ' -- > -> --><hostdev type='pci'/>"), 1 },
                { XML("<!-- </domain> -->"), 0 },
                { XML("<![CDATA[<hostdev type='pci'> \" ]] > ]]>"), 0 },
                { XML("<![CDATA[ < ' ]]]><hostdev type='pci'/>"), 1 },
                { XML("<description>&lt;hostdev type='pci'&gt; it's \"</description>" USB), 0 },
                { XML("<description>it's</description>" PCI), 1 },
                { "<?xml version='1.0'?>\n<!-- ' -->\n" XML(USB) "\n<!-- end -->\n", 0 },
                { "<?xml version='1.0'?>\n" XML(PCI), 1 },
                /* not a whole domain: who knows what was in the rest */
                { "", 1 },
                { "\n", 1 },
                { "</domain>", 1 },
                { "<domain>", 1 },
                { "<domain><devices>", 1 },
                { "<domains></domain>", 1 },
                { "<domain></domain><more>", 1 },
                { "<domain></domain >", 0 },
                { "<domain\n></domain\n>", 0 },
                { "<domain type='kvm'></domains>", 1 },
                { "<network></network>", 1 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
                const Result *r = run(prepare, NO_SOCKET, PIPE, all[i].xml);

                if (r->status != all[i].status)
                        test_fail("%s: exit status %i: %s", all[i].xml, r->status, r->err);
        }
}

/* Whatever part of the XML somebody else has read already, at either end. */
TEST(every_part_of_xml)
{
        static const char whole[] = XML(USB);

        for (size_t i = 1; i < strlen(whole); i += 5) {
                char head[sizeof(whole)];

                if (strncmp(whole + i, "<domain", 7) != 0)
                        assert_int_eq(run(prepare, NO_SOCKET, PIPE, whole + i)->status, 1);
                memcpy(head, whole, i);
                head[i] = '\0';
                if (!endswith(head, "</domain>"))
                        assert_int_eq(run(prepare, NO_SOCKET, PIPE, head)->status, 1);
        }
}

/* Far more than a pipe or the shim's buffer holds; the device is at its end, a tag is huge. */
TEST(big_xml)
{
        const size_t size = 8 << 20;
        char *xml = malloc(size + 4096), *p;

        for (int pci = 0; pci < 2; pci++) {
                p = stpcpy(xml, "<domain><description ");
                memset(p, 'x', size);
                memset(p, 'y', size / 2);
                p[size / 2] = '>';
                p += size;
                (void) stpcpy(stpcpy(p, pci ? PCI : USB), "</domain>");
                if (run(prepare, NO_SOCKET, PIPE, xml)->status != pci) {
                        free(xml);
                        test_fail("pci %i: exit status %i: %s", pci, result.status, result.err);
                }
        }
        free(xml);
}

TEST(argument_counts)
{
        static const char *const all[] = { "vm", "prepare", "begin", "-", "5", "6", "7", "8", "9", "10" };

        for (size_t n = 0; n <= ARRAY_SIZE(all); n++)
                for (Daemon d = NO_SOCKET; d < _FAST; d++) {
                        const char *args[ARRAY_SIZE(all) + 1] = { NULL };

                        if (n == 4)
                                continue;
                        memcpy(args, all, n * sizeof(char *));
                        assert_int_eq(run(args, d, PIPE, XML(PCI))->status, 0);
                        if (d == RESULT_0)
                                assert_int_eq(strlen(result.got_args), n > 8    ? 0
                                                                       : n == 0 ? 0
                                                                       : n == 1 ? 3
                                                                       : n == 2 ? 11
                                                                                : 17 + (n - 3) * 2);
                }
}

TEST(names)
{
        static char big[WIRE_MAX + 1];
        const char *const hostile[] = { "a\nhookd: forged\x1b[2J\x7f", "prepare", "begin", "-", NULL };
        const char *const empty[] = { "", "prepare", "begin", "-", NULL };
        const char *const dash[] = { "-rf", "prepare", "begin", "-", NULL };
        const char *const huge[] = { big, "prepare", "begin", "-", NULL };
        const char *const extra[] = { "vm", "release", "end", "from snapshot", NULL };

        assert_int_eq(run(hostile, NO_SOCKET, PIPE, XML(PCI))->status, 1);
        assert_one_line(result.err);
        assert_contains(result.err, "refused a?hookd: forged?[2J?: ");
        assert_int_eq(run(hostile, ACCEPTS_RESULT_1, PIPE, XML(PCI))->status, 1);
        assert_one_line(result.err);
        assert_int_eq(run(empty, RESULT_1, PIPE, XML(PCI))->status, 1);
        assert_int_eq(run(dash, NO_SOCKET, PIPE, XML(PCI))->status, 1);
        assert_int_eq(run(extra, RESULT_0, PIPE, XML(PCI))->status, 0);
        assert_str_eq(result.got_args, "vm|release|end|from snapshot|");
        memset(big, 'n', sizeof(big) - 1); /* no message holds it */
        assert_int_eq(run(huge, RESULT_0, PIPE, XML(PCI))->status, 1);
        assert_int_eq(strlen(result.err), PIPE_BUF); /* goes out at once, or not at all */
        assert_one_line(result.err);
        assert_int_eq(run(huge, RESULT_0, PIPE, XML(USB))->status, 0);
}

TEST(inputs)
{
        static const char *const release[] = { "vm", "release", "end", "-", NULL };

        assert_int_eq(run(prepare, NO_SOCKET, DEAF, XML(PCI))->status, 1); /* libvirtd was stopped meanwhile */
        assert_int_eq(run(prepare, NO_SOCKET, DEAF, XML(USB))->status, 0);
        for (Input i = CLOSED; i <= TTY; i++) {
                if (run(prepare, RESULT_0, i, NULL)->status != 0)
                        test_fail("input %i: exit status %i: %s", i, result.status, result.err);
                assert_int_eq(result.got_fd, i != CLOSED && i != ALL_CLOSED);
                assert_str_eq(result.err, "");
                assert_str_eq(result.got_args, "vm|prepare|begin|-|");
                assert_int_eq(run(prepare, ACCEPTS_RESULT_1, i, NULL)->status, 1);
                assert_int_eq(run(release, NO_SOCKET, i, NULL)->status, 0); /* does not look at it */
                assert_true(result.usec < 4 * USEC_PER_SEC);
        }
        assert_int_eq(run(prepare, NO_SOCKET, CLOSED, NULL)->status, 1); /* what it is given is not known */
        assert_one_line(result.err);
        assert_int_eq(run(prepare, NO_SOCKET, DEV_NULL, NULL)->status, 1);
        assert_int_eq(run(prepare, NO_SOCKET, ALL_CLOSED, NULL)->status, 1);
        assert_int_eq(run(prepare, NO_SOCKET, DEV_ZERO, NULL)->status, 1); /* so much is no domain */
        assert_true(result.usec < 4 * USEC_PER_SEC);
}

static void took_seconds(double from, double to)
{
        double s = (double) result.usec / 1e6;

        if (s < from || s > to)
                test_fail("took %.2f s instead of %.1f to %.1f", s, from, to);
}

static void slow_silent(void)
{
        assert_int_eq(run(prepare, SILENT, PIPE, XML(PCI))->status, 1);
        assert_contains(result.err, "does not answer (no answer within 5 s)");
        took_seconds(4.9, 9);
}

static void slow_silent_usb(void)
{
        assert_int_eq(run(prepare, SILENT, PIPE, XML(USB))->status, 0);
        took_seconds(4.9, 9);
}

static void slow_silent_stopped(void)
{
        static const char *const stopped[] = { "vm", "stopped", "end", "-", NULL };

        assert_int_eq(run(stopped, SILENT, PIPE, XML(PCI))->status, 0);
        took_seconds(4.9, 9);
}

static void slow_silent_endless(void) /* the longest a daemon that is not there can take */
{
        assert_int_eq(run(prepare, SILENT, ENDLESS, NULL)->status, 1);
        took_seconds(9.9, 14);
}

static void slow_accepted_silent(void)
{
        assert_int_eq(run(prepare, ACCEPTS_SILENT, PIPE, XML(USB))->status, 1);
        assert_contains(result.err, "accepted it and was lost (no result in time)");
        took_seconds(9.9, 14);
}

static void slow_accepted_silent_start(void)
{
        static const char *const start[] = { "vm", "start", "begin", "-", NULL };

        assert_int_eq(run(start, ACCEPTS_SILENT, PIPE, XML(USB))->status, 0);
        took_seconds(9.9, 14);
}

static void slow_endless(void)
{
        assert_int_eq(run(prepare, NO_SOCKET, ENDLESS, NULL)->status, 1);
        took_seconds(4.9, 9);
}

static void slow_tty(void)
{
        assert_int_eq(run(prepare, NO_SOCKET, TTY, NULL)->status, 1);
        took_seconds(4.9, 9);
}

static void slow_late(void) /* it may have begun to read: no way to look at the XML any more */
{
        assert_int_eq(run(prepare, LATE, PIPE, XML(USB))->status, 1);
        assert_contains(result.err, "accepted it and was lost");
        took_seconds(4.9, 9);
}

static void slow_full(void)
{
        assert_int_eq(run(prepare, FULL, PIPE, XML(PCI))->status, 1);
        assert_contains(result.err, "its queue is full");
        took_seconds(4.9, 9);
}

static void slow_full_for_a_while(void)
{
        assert_int_eq(run(prepare, FULL_FOR_A_WHILE, PIPE, XML(PCI))->status, 1);
        assert_contains(result.err, "no answer within 5 s");
        assert_str_eq(result.got_args, "vm|prepare|begin|-|");
        took_seconds(4.9, 9);
}

static void private_mount(const char *path)
{
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0) {
                (void) fprintf(stderr, "NOT RUN: needs root for a mount namespace (%m)\n");
                exit(77);
        }
}

static void run_alone(void (*test)(void))
{
        private_mount("/run/hookd");
        if (setjmp(test_jump) != 0)
                _exit(1);
        test();
        _exit(0);
}

/* Each in a process and a namespace of its own: they wait at the same time. */
TEST(deadlines)
{
        static void (*const all[])(void) = {
                slow_silent,
                slow_silent_usb,
                slow_silent_stopped,
                slow_silent_endless,
                slow_accepted_silent,
                slow_accepted_silent_start,
                slow_endless,
                slow_tty,
                slow_late,
                slow_full,
                slow_full_for_a_while,
        };
        pid_t pids[ARRAY_SIZE(all)];
        int failed = 0;

        for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
                pids[i] = fork();
                assert_true(pids[i] >= 0);
                if (pids[i] == 0)
                        run_alone(all[i]);
        }
        for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
                int status;

                assert_true(waitpid(pids[i], &status, 0) == pids[i]);
                failed += status != 0;
        }
        assert_int_eq(failed, 0);
}

int main(int argc, char **argv)
{
        (void) signal(SIGPIPE, SIG_IGN); /* the shim need not read what it is fed */
        private_mount("/run");
        if (mkdir("/run/hookd", 0755) < 0)
                return 1;
        return test_main(argc, argv);
}
