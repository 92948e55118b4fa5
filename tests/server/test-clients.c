/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon and those who talk to it: well, badly, not at all. */
#include "server/harness.h"

#include <sys/resource.h>

TEST(events_that_nobody_owns)
{
        static const char *const events[][2] = { { "prepare", "begin" }, { "start", "begin" },
                                                 { "started", "begin" }, { "stopped", "end" },
                                                 { "release", "end" },   { "migrate", "begin" },
                                                 { "restore", "begin" }, { "reconnect", "begin" },
                                                 { "attach", "begin" },  { "nonsense", "perhaps" } };
        unsigned fds;

        daemon_prepare();
        daemon_write("profiles/other.ini", "");
        daemon_start();
        fds = idle_fds();
        for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
                _cleanup_close_ int fd = client_connect();
                int xml[2];
                WireMessage m;

                /* A pipe that is full: whoever read it would be seen, and so would one that is kept open. */
                assert_ok(pipe2(xml, O_CLOEXEC | O_NONBLOCK));
                while (write(xml[1], "<domain/>", 9) > 0)
                        ;
                client_hook(fd, "nobody", events[i][0], events[i][1], xml[0]);
                (void) close(xml[0]);
                assert_int_eq(client_receive(fd, &m, 2000), WIRE_RESULT);
                assert_int_eq(m.head.value, 0);
                assert_str_eq(m.strings[0], "");
                assert_int_eq(client_receive(fd, &m, 2000), 0);
                (void) signal(SIGPIPE, SIG_IGN);
                assert_true(write(xml[1], "x", 1) < 0 && errno == EPIPE);
                (void) close(xml[1]);
        }
        no_call(0);
        expect_fds(fds);
}

/* What does not belong into the daemon is seen in what it has mapped. */
TEST(the_daemon_links_little)
{
        static const char *const foreign[] = { "libxml2", "libkmod", "libvirt", "libglib", "libcrypto" };
        _cleanup_free_ char *maps = NULL;
        char path[64];
        FILE *f;
        size_t size = 0;
        bool systemd = false;

        daemon_prepare();
        daemon_start();
        (void) snprintf(path, sizeof(path), "/proc/%i/maps", (int) d.pid);
        f = fopen(path, "re");
        assert_not_null(f);
        while (getline(&maps, &size, f) > 0) {
                systemd = systemd || strstr(maps, "libsystemd");
                for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
                        if (strstr(maps, foreign[i]))
                                test_fail("it has mapped %s", maps);
        }
        (void) fclose(f);
        assert_true(systemd);
}

static void send_bytes(const void *bytes, size_t size, bool refused)
{
        _cleanup_close_ int fd = client_connect();
        WireMessage m;

        assert_ok(send(fd, bytes, size, MSG_NOSIGNAL) < 0 ? -errno : 0);
        if (refused) {
                assert_int_eq(client_receive(fd, &m, 2000), WIRE_RESULT);
                assert_int_eq(m.head.value, 1);
                assert_true(*m.strings[0]);
        }
        assert_int_eq(client_receive(fd, &m, 2000), 0);
}

TEST(what_is_no_request)
{
        static char big[100000];
        const char *const strings[] = { "quick", "prepare", "begin", "-" };
        _cleanup_close_ int beside = -1;
        WireMessage good, m;

        daemon_prepare();
        daemon_write("profiles/quick.ini", "");
        daemon_start();
        beside = client_connect();

        assert_ok(wire_encode(&good, WIRE_HOOK, 0, strings, 4));
        send_bytes("x", 1, true);
        send_bytes("", 0, false); /* an empty packet reads as the end */
        send_bytes(big, sizeof(big), true);
        for (size_t i = 0; i < sizeof(WireHeader); i++) {
                if (i >= offsetof(WireHeader, value) && i < offsetof(WireHeader, count))
                        continue; /* means nothing in a request */
                m = good;
                m.buf[i] ^= 0x55;
                send_bytes(m.buf, m.len, true);
        }
        for (size_t i = 1; i < good.len; i++)
                send_bytes(good.buf, i, true);
        assert_ok(wire_encode(&m, WIRE_STATUS + 100, 0, strings, 1));
        send_bytes(m.buf, m.len, true);
        assert_ok(wire_encode(&m, WIRE_PLAN, 0, strings, 1)); /* without a descriptor */
        send_bytes(m.buf, m.len, true);
        no_call(0);

        /* who was there all the while is served */
        client_hook(beside, "quick", "prepare", "begin", -1);
        assert_int_eq(client_receive(beside, &m, PATIENCE), WIRE_ACCEPTED);
        assert_int_eq(client_receive(beside, &m, PATIENCE), WIRE_RESULT);
        assert_int_eq(m.head.value, 0);
}

static unsigned long long switches(pid_t pid)
{
        _cleanup_free_ char *line = NULL;
        unsigned long long n = 0;
        char path[64];
        size_t size = 0;
        FILE *f;

        (void) snprintf(path, sizeof(path), "/proc/%i/status", (int) pid);
        f = fopen(path, "re");
        assert_not_null(f);
        while (getline(&line, &size, f) > 0)
                if (startswith(line, "voluntary_ctxt_switches:"))
                        n = strtoull(strchr(line, ':') + 1, NULL, 10);
        (void) fclose(f);
        return n;
}

/* A thousand that say nothing stop nobody, and are sent away; then the daemon sleeps. */
TEST(silent_clients)
{
        static int fds[1000];
        struct rlimit limit;
        unsigned long long before;
        unsigned n_fds;
        WireMessage m;

        assert_ok(getrlimit(RLIMIT_NOFILE, &limit));
        limit.rlim_cur = MIN(limit.rlim_max, 4096);
        assert_ok(setrlimit(RLIMIT_NOFILE, &limit));
        if (limit.rlim_cur < 1100)
                test_skip("only %llu descriptors are allowed", (unsigned long long) limit.rlim_cur);
        daemon_prepare();
        daemon_write("profiles/quick.ini", "");
        daemon_start();
        n_fds = idle_fds();
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                fds[i] = client_connect();
        for (unsigned i = 0; i < 20; i++) {
                uint64_t start = now_usec();

                assert_int_eq(hook("nobody", "prepare", "begin", NULL), 0);
                assert_true(now_usec() - start < USEC_PER_SEC);
        }
        assert_int_eq(hook("quick", "prepare", "begin", NULL), 0);
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                assert_int_eq(client_receive(fds[i], &m, 15000), WIRE_RESULT);
                assert_int_eq(m.head.value, 1);
                assert_int_eq(client_receive(fds[i], &m, 1000), 0);
                (void) close(fds[i]);
        }
        expect_fds(n_fds);
        before = switches(d.pid);
        (void) poll(NULL, 0, 2000);
        assert_int_eq(switches(d.pid), before);
}

TEST(dying_clients)
{
        unsigned fds;

        daemon_prepare();
        daemon_write("profiles/quick.ini", "");
        daemon_start();
        fds = idle_fds();
        for (unsigned i = 0; i < 200; i++) {
                _cleanup_close_ int fd = client_connect();

                if (i % 2)
                        client_hook(fd, "nobody", "prepare", "begin", -1);
        }
        for (unsigned i = 0; i < 3; i++) {
                _cleanup_close_ int fd = client_connect();

                client_hook(fd, "quick", "prepare", "begin", -1);
        }
        assert_int_eq(hook("quick", "release", "end", NULL), 0);
        assert_int_eq(hook("nobody", "prepare", "begin", NULL), 0);
        expect_fds(fds);
}

TEST(only_root_is_answered)
{
        char path[128];
        int status;
        pid_t pid;

        if (geteuid() != 0)
                test_skip("it takes root to become somebody else");
        daemon_prepare();
        daemon_write("profiles/quick.ini", "");
        daemon_start();
        (void) snprintf(path, sizeof(path), "%s/socket", d.dir);
        {
                struct stat st;

                assert_ok(stat(path, &st));
                assert_int_eq(st.st_mode & 07777, 0600);
        }
        assert_ok(chmod(d.dir, 0755));
        assert_ok(chmod(path, 0666)); /* as somebody might do by mistake */
        pid = fork();
        assert_ok(pid);
        if (pid == 0) {
                WireMessage m;
                int fd;

                if (setgid(65534) < 0 || setuid(65534) < 0)
                        _exit(10);
                fd = client_connect();
                assert_ok(wire_encode(&m, WIRE_HOOK, 0, (const char *const[]){ "quick", "prepare", "begin", "-" }, 4));
                (void) wire_send(fd, &m, -1); /* the refusal may have come first */
                if (client_receive(fd, &m, 2000) != WIRE_RESULT)
                        _exit(11);
                _exit(m.head.value == 1 && strstr(m.strings[0], "root only") ? 0 : 12);
        }
        assert_ok(waitpid(pid, &status, 0));
        assert_true(WIFEXITED(status));
        assert_int_eq(WEXITSTATUS(status), 0);
        no_call(0);
        assert_int_eq(hook("quick", "prepare", "begin", NULL), 0);
}

TEST(a_second_daemon)
{
        char argument[128];
        int status;
        pid_t pid;

        daemon_prepare();
        daemon_start();
        (void) snprintf(argument, sizeof(argument), "--socket=%s/socket", d.dir);
        pid = fork();
        assert_ok(pid);
        if (pid == 0) {
                (void) close(STDERR_FILENO);
                (void) execl(HOOKD_EXE, HOOKD_EXE, "--foreground", argument, "--journals=/nonexistent/x", NULL);
                _exit(99);
        }
        assert_ok(waitpid(pid, &status, 0));
        assert_int_eq(WEXITSTATUS(status), 1);
        assert_int_eq(hook("nobody", "prepare", "begin", NULL), 0); /* the first one still listens */
        daemon_stop();
        daemon_start(); /* and a socket of one that was killed is no hindrance */
        (void) kill(d.pid, SIGKILL);
        (void) waitpid(d.pid, NULL, 0);
        daemon_start();
        assert_int_eq(hook("nobody", "prepare", "begin", NULL), 0);
}

/* As systemd does it: hookd is given a socket that listens already, and leaves its file alone at the end. */
static pid_t start_activated(int type, int *ret_socket)
{
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        char journals[128], profiles[128], value[16];
        pid_t pid;

        (void) snprintf(at.sun_path, sizeof(at.sun_path), "%s/socket", d.dir);
        (void) unlink(at.sun_path);
        *ret_socket = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
        assert_ok(bind(*ret_socket, (struct sockaddr *) &at, sizeof(at)));
        assert_ok(listen(*ret_socket, 10));
        (void) snprintf(journals, sizeof(journals), "--journals=%s/journals", d.dir);
        (void) snprintf(profiles, sizeof(profiles), "--profiles=%s/profiles", d.dir);
        pid = fork();
        assert_ok(pid);
        if (pid == 0) {
                if (*ret_socket == 3)
                        (void) fcntl(3, F_SETFD, 0);
                else
                        (void) dup2(*ret_socket, 3);
                (void) snprintf(value, sizeof(value), "%i", (int) getpid());
                (void) setenv("LISTEN_PID", value, 1);
                (void) setenv("LISTEN_FDS", "1", 1);
                (void) setenv("WATCHDOG_USEC", "200000", 1);
                (void) setenv("NOTIFY_SOCKET", daemon_path("notify"), 1);
                (void) close(STDERR_FILENO);
                (void) execl(HOOKD_EXE, HOOKD_EXE, "--audit=none", "--no-owner-check", "--worker=" STUB_EXE, journals,
                             profiles, NULL);
                _exit(99);
        }
        return pid;
}

/* Pings of the watchdog may come in between. */
static void expect_notification(const char *wanted)
{
        char text[512] = "";
        ssize_t n;

        for (unsigned i = 0; i < 10 && !strstr(text, wanted); i++) {
                if (!readable(d.notify_fd, PATIENCE))
                        break;
                n = recv(d.notify_fd, text, sizeof(text) - 1, 0);
                text[n > 0 ? n : 0] = '\0';
        }
        assert_contains(text, wanted);
}

TEST(socket_activation)
{
        int socket_fd, status;

        daemon_prepare();
        d.notify_fd = listen_datagrams("notify");
        d.pid = start_activated(SOCK_SEQPACKET, &socket_fd);
        expect_notification("READY=1");
        expect_notification("STATUS=0 guests hold devices");
        expect_notification("WATCHDOG=1");
        expect_notification("WATCHDOG=1");
        assert_int_eq(hook("nobody", "prepare", "begin", NULL), 0);
        closep(&d.notify_fd);
        d.notify_fd = -1;
        daemon_stop();
        assert_true(daemon_exists("socket"));
        (void) close(socket_fd);

        assert_ok(waitpid(start_activated(SOCK_STREAM, &socket_fd), &status, 0));
        assert_int_eq(WEXITSTATUS(status), 1);
        (void) close(socket_fd);
}

TEST_MAIN
