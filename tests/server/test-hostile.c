/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon and those who mean it ill: descriptors that block, floods, readers that do not read, a container's root.
 */
#include "server/harness.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* A request with as many descriptors as given. */
static int send_with(int sock, const WireMessage *m, const int *fds, size_t n)
{
        static char control[CMSG_SPACE(sizeof(int) * 253)];
        struct iovec iov = { .iov_base = (void *) m->buf, .iov_len = m->len };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control };
        struct cmsghdr *c = (struct cmsghdr *) (void *) control;

        msg.msg_controllen = CMSG_SPACE(sizeof(int) * n);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * n);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
        return sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static void raise_limit(rlim_t n)
{
        struct rlimit limit;

        assert_ok(getrlimit(RLIMIT_NOFILE, &limit));
        if (limit.rlim_max < n)
                test_skip("only %llu descriptors are allowed", (unsigned long long) limit.rlim_max);
        limit.rlim_cur = n;
        assert_ok(setrlimit(RLIMIT_NOFILE, &limit));
}

/* libvirt's own hooks are answered meanwhile, and soon. */
static void expect_service(void)
{
        uint64_t start = now_usec();

        assert_int_eq(hook("nobody", "prepare", "begin", NULL), 0);
        assert_int_eq(hook("quick", "prepare", "begin", NULL), 0);
        assert_true(now_usec() - start < 5 * USEC_PER_SEC);
}

static long memory_kib(void)
{
        _cleanup_free_ char *line = NULL;
        char path[64];
        size_t size = 0;
        long n = 0;
        FILE *f;

        (void) snprintf(path, sizeof(path), "/proc/%i/status", (int) d.pid);
        f = fopen(path, "re");
        assert_not_null(f);
        while (getline(&line, &size, f) > 0)
                if (startswith(line, "VmRSS:"))
                        n = strtol(line + strlen("VmRSS:"), NULL, 10);
        (void) fclose(f);
        return n;
}

static void start(void)
{
        daemon_prepare();
        daemon_write("profiles/all.ini", "[Match]\nDomain=quick slow* *evil*\n");
        daemon_start();
}

/* The stub's calls are of no interest; it must not wait until somebody has read them. */
static void start_deaf(void)
{
        start();
        closep(&d.calls_fd);
        d.calls_fd = -1;
}

TEST(many_descriptors)
{
        WireMessage hooks[2], m;
        int fds[253];
        unsigned n;

        start_deaf();
        n = idle_fds();
        assert_ok(wire_encode(&hooks[0], WIRE_HOOK, 0, (const char *const[]){ "nobody", "prepare", "begin", "-" }, 4));
        assert_ok(wire_encode(&hooks[1], WIRE_HOOK, 0, (const char *const[]){ "quick", "prepare", "begin", "-" }, 4));
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                assert_ok(fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC));
        for (unsigned i = 0; i < 40; i++) {
                _cleanup_close_ int fd = client_connect();

                assert_ok(send_with(fd, &hooks[i % 2], fds, i < 20 ? ARRAY_SIZE(fds) : i - 18));
                while (client_receive(fd, &m, PATIENCE) == WIRE_ACCEPTED)
                        ;
                assert_int_eq(m.head.value, 0);
        }
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                (void) close(fds[i]);
        expect_fds(n);
        expect_service();
        expect_fds(n);
}

static int fd_of(const char *kind)
{
        int fds[2];

        if (streq(kind, "silent pipe") || streq(kind, "write end")) {
                assert_ok(pipe2(fds, O_CLOEXEC)); /* the other end stays open, here */
                return fds[streq(kind, "write end")];
        }
        if (streq(kind, "fifo")) {
                assert_ok(mkfifo(daemon_path("fifo"), 0600));
                return open(daemon_path("fifo"), O_RDWR | O_CLOEXEC);
        }
        if (streq(kind, "socket")) {
                assert_ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
                return fds[0];
        }
        if (streq(kind, "epoll"))
                return epoll_create1(EPOLL_CLOEXEC);
        if (streq(kind, "write-only file"))
                return open(daemon_path("written"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        if (streq(kind, "huge file") || streq(kind, "sparse file")) {
                int fd = memfd_create("xml", MFD_CLOEXEC);

                assert_ok(ftruncate(fd, ((off_t) 64 << 20) + (streq(kind, "huge file") ? 1 : 0)));
                return fd;
        }
        return open(kind, O_RDONLY | O_CLOEXEC | (streq(kind, "/etc/hostname") ? O_PATH : 0));
}

/* With the real worker: what comes instead of domain XML is refused, in bounded time, and nobody else waits for it. */
TEST(what_is_no_xml)
{
        static const struct {
                const char *kind, *why;
        } cases[] = {
                { "silent pipe", "cannot read the domain XML of quick: Connection timed out" },
                { "write end", "cannot read the domain XML of quick: Connection timed out" },
                { "fifo", "cannot read the domain XML of quick: Connection timed out" },
                { "/", "neither a pipe nor a file" },
                { "/dev/zero", "neither a pipe nor a file" },
                { "/dev/null", "neither a pipe nor a file" },
                { "socket", "neither a pipe nor a file" },
                { "epoll", "neither a pipe nor a file" },
                { "write-only file", "cannot read the domain XML of quick" },
                { "/etc/hostname", "cannot read the domain XML of quick" },
                { "huge file", "cannot read the domain XML of quick: File too large" },
                { "sparse file", "NUL byte" },
                { "/proc/self/status", "domain XML, line 1" },
        };
        int socks[ARRAY_SIZE(cases)];
        WireMessage m;
        unsigned n;

        daemon_prepare();
        d.worker = WORKER_EXE;
        daemon_write("profiles/quick.ini", "");
        daemon_start();
        n = idle_fds();
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int passed = fd_of(cases[i].kind);

                assert_ok(passed);
                socks[i] = client_connect();
                client_send(socks[i], WIRE_PLAN, (const char *const[]){ "quick", NULL }, passed);
                if (i > 2) /* of the first three somebody must hold the other end, or be it */
                        (void) close(passed);
        }
        for (unsigned i = 0; i < 5; i++) {
                uint64_t begin = now_usec();

                assert_int_eq(hook("nobody", "prepare", "begin", NULL), 0);
                assert_true(now_usec() - begin < USEC_PER_SEC);
        }
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                while (client_receive(socks[i], &m, 25000) != WIRE_RESULT)
                        ;
                assert_int_eq(m.head.value, 1);
                if (!strstr(m.strings[0], cases[i].why))
                        test_fail("%s: %s", cases[i].kind, m.strings[0]);
                (void) close(socks[i]);
        }
        expect_fds(n);
}

/* It asks and asks, and reads nothing. */
TEST(senders_that_never_read)
{
        enum { SENDERS = 100 };
        int fds[SENDERS];
        WireMessage m;
        unsigned n;

        start_deaf();
        n = idle_fds();
        for (unsigned i = 0; i < SENDERS; i++) {
                static const uint16_t types[] = { WIRE_STATUS, WIRE_HOOK, WIRE_RELEASE, WIRE_PLAN };

                fds[i] = client_connect();
                assert_ok(wire_encode(&m, types[i % 4], 0, (const char *const[]){ "quick", "prepare", "begin", "-" },
                                      i % 4 == 1   ? 4
                                      : i % 4 == 0 ? 0
                                                   : 1));
                for (unsigned k = 0; k < 1000 && wire_send(fds[i], &m, -1) >= 0; k++)
                        ;
        }
        expect_service();
        for (unsigned i = 0; i < SENDERS; i++)
                (void) close(fds[i]);
        expect_service();
        expect_fds(n);
}

/* Floods leave nothing behind. */
TEST(floods)
{
        static int fds[1000];
        WireMessage junk = { .len = 7, .buf = "nothing" };
        long before = 0;
        unsigned n;

        raise_limit(4096);
        start_deaf();
        n = idle_fds();
        for (unsigned round = 0; round < 3; round++) {
                for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                        fds[i] = client_connect();
                if (round == 2)
                        expect_service();
                for (size_t i = 0; i < ARRAY_SIZE(fds); i++) { /* hang-ups, junk, and a hook whose caller hangs up */
                        if (i % 3 == 1)
                                (void) wire_send(fds[i], &junk, -1);
                        else if (i % 100 == 2)
                                client_hook(fds[i], "quick", "prepare", "begin", -1);
                        (void) close(fds[i]);
                }
                expect_service();
                expect_fds(n);
                if (round == 0)
                        before = memory_kib(); /* with what an allocator keeps after its first thousand */
        }
        assert_true(memory_kib() < before + 2048);
}

/* Root of a user namespace is not root to hookd. */
TEST(a_containers_root)
{
        char path[128];
        int status;
        pid_t pid;

        if (geteuid() != 0)
                test_skip("it takes root to become somebody else");
        start();
        assert_ok(chmod(d.dir, 0755));
        (void) snprintf(path, sizeof(path), "%s/socket", d.dir);
        assert_ok(chmod(path, 0666)); /* as a container's runtime might do */
        pid = fork();
        assert_ok(pid);
        if (pid == 0) {
                WireMessage m;
                int fd, map;

                if (setgid(65534) < 0 || setuid(65534) < 0 || unshare(CLONE_NEWUSER) < 0)
                        _exit(77);
                map = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
                if (map < 0 || write(map, "0 65534 1", 9) != 9 || geteuid() != 0)
                        _exit(77);
                fd = client_connect();
                assert_ok(wire_encode(&m, WIRE_HOOK, 0, (const char *const[]){ "quick", "prepare", "begin", "-" }, 4));
                (void) wire_send(fd, &m, 0);
                if (client_receive(fd, &m, 2000) != WIRE_RESULT)
                        _exit(11);
                _exit(m.head.value == 1 && strstr(m.strings[0], "root only") ? 0 : 12);
        }
        assert_ok(waitpid(pid, &status, 0));
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 77)
                test_skip("user namespaces cannot be made here");
        assert_int_eq(WEXITSTATUS(status), 0);
        no_call(0);
        expect_service();
}

/* A folder that cannot be read, or must not be: what was known of the one before it says nothing about this one. */
TEST(another_folder)
{
        daemon_prepare();
        daemon_write("profiles/quick.ini", "");
        daemon_start();
        daemon_unlink("profiles/quick.ini");
        daemon_rmdir("profiles");
        assert_int_eq(hook("quick", "prepare", "begin", NULL), 0);
        no_call(0);
        daemon_write("profiles", "not a folder");
        assert_int_eq(hook("quick", "prepare", "begin", NULL), 0);
        assert_true(startswith(next_call(), "begins prepare quick"));
        daemon_unlink("profiles");
        daemon_mkdir("profiles");
        assert_int_eq(hook("nobody", "prepare", "begin", NULL), 0);
        assert_true(startswith(next_call(), "ends prepare quick"));
        no_call(0);
}

/* A guest's name is a name: no option, no format, no path. */
TEST(names)
{
        static const char *const names[] = {
                "--uuid=evil",        "-evil",       "../../evil",        "evil\nSYSLOG_IDENTIFIER=kernel",
                "evil\t\033[2J\r",    "%s%n%s evil", "evil \xff\xc2\x9b", "\xc3\xa4vil evil",
                "$(evil)`evil`;evil", "evil.ini",
        };
        char call[512], name[300];

        start();
        for (size_t i = 0; i <= ARRAY_SIZE(names); i++) {
                const char *domain = i < ARRAY_SIZE(names) ? names[i] : name;

                memset(name, 'x', sizeof(name));
                strcpy(name + sizeof(name) - 5, "evil");
                assert_int_eq(hook(domain, "prepare", "begin", NULL), 0);
                (void) snprintf(call, sizeof(call), "begins prepare %s uuid= ", domain);
                assert_true(startswith(next_call(), call));
                assert_true(startswith(next_call(), "ends prepare "));
        }
        {
                _cleanup_close_ int fd = client_connect();
                static char most[WIRE_MAX - sizeof(WireHeader) - sizeof("prepare") - sizeof("begin") - sizeof("-")];
                WireMessage m;

                memset(most, 'e', sizeof(most) - 1);
                strcpy(most + sizeof(most) - 5, "evil");
                client_hook(fd, most, "prepare", "begin", -1);
                while (client_receive(fd, &m, PATIENCE) == WIRE_ACCEPTED)
                        ;
                assert_int_eq(m.head.value, 0);
        }
        expect_service();
}

/* Who connects and says nothing makes room for who has something to say, also where descriptors are few.
 * The last test: the limit stays. */
TEST(silent_ones_make_room)
{
        enum { SILENT = 400 };
        struct rlimit few = { 512, 512 }; /* (512 - 64) / 3 connections */
        unsigned n, sent_away = 0;
        int fds[SILENT];

        daemon_prepare();
        closep(&d.calls_fd);
        d.calls_fd = -1;
        daemon_write("profiles/quick.ini", "");
        assert_ok(setrlimit(RLIMIT_NOFILE, &few));
        daemon_start();
        n = idle_fds();
        for (unsigned i = 0; i < SILENT; i++) {
                fds[i] = client_connect();
                if (i % 50 == 49)
                        expect_service();
        }
        assert_true(count_fds(d.pid) <= n + 149 + 8); /* and what its last worker leaves for a moment */
        for (unsigned i = 0; i < SILENT; i++) {
                WireMessage m;

                if (readable(fds[i], 0)) {
                        assert_int_eq(client_receive(fds[i], &m, 0), WIRE_RESULT);
                        assert_contains(m.strings[0], "too many connections");
                        assert_int_eq(i, sent_away); /* the oldest first */
                        sent_away++;
                }
                (void) close(fds[i]);
        }
        assert_true(sent_away >= SILENT - 149 && sent_away < SILENT);
        expect_fds(n);
}

TEST_MAIN
