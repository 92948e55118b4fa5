/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For tests of the real daemon: it runs in the foreground, in a folder of its own, with the stub for a worker. One at a
 * time; a test that fails leaves it to the next daemon_prepare(). Part of the test, as test.h is. */

#include "unit/test.h"

#include "txn/journal.h"
#include "util/fd.h"
#include "wire/wire.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#define PATIENCE 10000 /* msec; for what must happen */

typedef struct Daemon {
        char dir[64];
        pid_t pid;
        int notify_fd, calls_fd;
        const char *worker; /* NULL: the stub */
} Daemon;

static Daemon d = { .notify_fd = -1, .calls_fd = -1 };

static inline int listen_datagrams(const char *name)
{
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        (void) snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", d.dir, name);
        if (fd < 0 || bind(fd, (struct sockaddr *) &at, sizeof(at)) < 0)
                test_fail("cannot listen on %s: %m", at.sun_path);
        return fd;
}

static inline const char *daemon_path(const char *path)
{
        static char full[512];

        (void) snprintf(full, sizeof(full), "%s/%s", d.dir, path);
        return full;
}
#define daemon_mkdir(path)  assert_ok(mkdir(daemon_path(path), 0700) < 0 ? -errno : 0)
#define daemon_rmdir(path)  assert_ok(rmdir(daemon_path(path)) < 0 ? -errno : 0)
#define daemon_unlink(path) assert_ok(unlink(daemon_path(path)) < 0 ? -errno : 0)
#define daemon_exists(path) (access(daemon_path(path), F_OK) == 0)

/* A file below the folder. */
static inline void daemon_write(const char *path, const char *text)
{
        FILE *f = fopen(daemon_path(path), "we");

        if (!f || fputs(text, f) < 0 || fclose(f) != 0)
                test_fail("cannot write %s: %m", path);
}

static inline void daemon_end(void);

/* Makes the folder, with profiles/ and journals/. */
static inline void daemon_prepare(void)
{
        static const char *const folders[] = { "profiles", "journals" };

        daemon_end();
        (void) atexit(daemon_end);
        d = (Daemon){ .dir = P_tmpdir "/hookd-test-XXXXXX", .notify_fd = -1, .calls_fd = -1 };
        if (!mkdtemp(d.dir))
                test_fail("cannot make a folder: %m");
        for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
                char path[128];

                (void) snprintf(path, sizeof(path), "%s/%s", d.dir, folders[i]);
                assert_ok(mkdir(path, 0700));
        }
        d.calls_fd = listen_datagrams("calls");
}

static inline bool readable(int fd, int msec)
{
        struct pollfd p = { .fd = fd, .events = POLLIN };

        return poll(&p, 1, msec) > 0;
}

/* Starts the daemon and waits for READY=1. */
static inline void daemon_start(void)
{
        char notify[128], worker[512], arguments[8][128];
        char *argv[12] = { (char *) HOOKD_EXE };
        static const char *const formats[] = {
                "--socket=%s/socket", "--journals=%s/journals", "--profiles=%s/profiles", "--conf=%s/hookd.conf",
                "--root=%s",          "--foreground",           "--no-owner-check",       NULL
        };
        char *environment[4] = { notify, (char *) "PATH=/usr/bin:/bin", NULL };
        size_t i;

        (void) unlink(daemon_path("notify"));
        d.notify_fd = listen_datagrams("notify");
        (void) snprintf(notify, sizeof(notify), "NOTIFY_SOCKET=%s/notify", d.dir);
        for (i = 0; formats[i]; i++) {
                (void) snprintf(arguments[i], sizeof(arguments[i]), formats[i], d.dir);
                argv[i + 1] = arguments[i];
        }
        (void) snprintf(worker, sizeof(worker), "--worker=%s", d.worker ? d.worker : STUB_EXE);
        argv[i + 1] = worker;
        argv[i + 2] = (char *) (getenv("VERBOSE") ? "--audit=stderr" : "--audit=none");
        argv[i + 3] = NULL;
        if (posix_spawn(&d.pid, HOOKD_EXE, NULL, NULL, argv, environment) != 0)
                test_fail("cannot start " HOOKD_EXE);
        for (;;) {
                char text[512];
                ssize_t n;

                if (!readable(d.notify_fd, PATIENCE))
                        test_fail("the daemon does not get ready");
                n = recv(d.notify_fd, text, sizeof(text) - 1, 0);
                text[n > 0 ? n : 0] = '\0';
                if (strstr(text, "READY=1"))
                        break;
        }
        closep(&d.notify_fd); /* nobody reads it any more: what comes must not fill it */
        d.notify_fd = -1;
}

static inline int wait_exit(pid_t pid)
{
        _cleanup_close_ int fd = (int) syscall(SYS_pidfd_open, pid, 0);
        int status = 0;

        if (!readable(fd, PATIENCE)) {
                (void) kill(pid, SIGKILL);
                (void) waitpid(pid, &status, 0);
                return -1;
        }
        (void) waitpid(pid, &status, 0);
        return status;
}

/* SIGTERM: it must go at once, with exit status 0. */
static inline void daemon_stop(void)
{
        pid_t pid = d.pid;
        int status;

        d.pid = 0;
        (void) kill(pid, SIGTERM);
        status = wait_exit(pid);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                test_fail("the daemon ended with wait status %#x", (unsigned) status);
}

static inline void remove_tree(int at, const char *name)
{
        int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
        struct dirent *e;

        while (dir && (e = readdir(dir)))
                if (!streq(e->d_name, ".") && !streq(e->d_name, "..") && unlinkat(fd, e->d_name, 0) < 0)
                        remove_tree(fd, e->d_name);
        if (dir)
                (void) closedir(dir);
        (void) unlinkat(at, name, AT_REMOVEDIR);
}

/* Also where an assertion has failed before, and at exit: it must not jump. */
static inline void daemon_end(void)
{
        if (d.pid > 0) {
                (void) kill(d.pid, SIGTERM);
                (void) wait_exit(d.pid);
        }
        if (!*d.dir)
                return;
        closep(&d.notify_fd);
        closep(&d.calls_fd);
        remove_tree(AT_FDCWD, d.dir);
        d = (Daemon){ .notify_fd = -1, .calls_fd = -1 };
}

/* What the stub said next: "begins prepare GUEST uuid=…". */
static inline const char *next_call(void)
{
        static char text[512];
        ssize_t n;

        if (!readable(d.calls_fd, PATIENCE))
                test_fail("the daemon starts no worker");
        n = recv(d.calls_fd, text, sizeof(text) - 1, 0);
        text[n > 0 ? n : 0] = '\0';
        return text;
}

static inline void no_call(int msec)
{
        if (readable(d.calls_fd, msec))
                test_fail("a worker nobody expected: %s", next_call());
}

/* Lets the stub of a guest slow… go on. */
static inline void open_gate(const char *domain)
{
        struct sockaddr_un to = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        (void) snprintf(to.sun_path, sizeof(to.sun_path), "%s/gate-%s", d.dir, domain);
        if (sendto(fd, "", 1, 0, (struct sockaddr *) &to, sizeof(to)) < 0)
                test_fail("the stub for %s does not wait: %m", domain);
}

static inline int client_connect(void)
{
        struct sockaddr_un to = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        (void) snprintf(to.sun_path, sizeof(to.sun_path), "%s/socket", d.dir);
        if (fd < 0 || connect(fd, (struct sockaddr *) &to, sizeof(to)) < 0)
                test_fail("cannot connect: %m");
        return fd;
}

/* Sends a request; strings end with NULL. */
static inline void client_send(int fd, uint16_t type, const char *const *strings, int passed_fd)
{
        unsigned n = 0;
        WireMessage m;

        while (strings && strings[n])
                n++;
        assert_ok(wire_encode(&m, type, 0, strings, n));
        assert_ok(wire_send(fd, &m, passed_fd));
}

#define client_hook(fd, domain, op, subop, passed_fd) \
        client_send((fd), WIRE_HOOK, (const char *const[]){ (domain), (op), (subop), "-", NULL }, (passed_fd))

/* The type of the next message, or 0 when the daemon hung up. */
static inline uint16_t client_receive(int fd, WireMessage *m, int msec)
{
        int r;

        if (!readable(fd, msec))
                test_fail("no answer within %i ms", msec);
        r = wire_receive(fd, m, NULL);
        assert_ok(r);
        return r == 0 ? 0 : m->head.type;
}

/* A whole event: the result, and its text in *ret (may be NULL). */
static inline uint32_t hook(const char *domain, const char *op, const char *subop, const char **ret)
{
        _cleanup_close_ int fd = client_connect();
        static WireMessage m;

        client_hook(fd, domain, op, subop, -1);
        while (client_receive(fd, &m, PATIENCE) == WIRE_ACCEPTED)
                ;
        assert_int_eq(m.head.type, WIRE_RESULT);
        if (ret)
                *ret = m.strings[0];
        return m.head.value;
}

/* An operator's request: all lines in one string. */
static inline const char *operator_request(uint16_t type, const char *guest, int passed_fd, uint32_t *ret)
{
        _cleanup_close_ int fd = client_connect();
        static char text[65536];
        WireMessage m;
        size_t n = 0;

        text[0] = '\0';
        client_send(fd, type, (const char *const[]){ guest, NULL }, passed_fd);
        for (;;) {
                uint16_t got = client_receive(fd, &m, PATIENCE);

                if (got == WIRE_ACCEPTED)
                        continue;
                assert_true(got == WIRE_TEXT || got == WIRE_RESULT);
                n += (size_t) snprintf(text + n, sizeof(text) - n, "%s\n", m.strings[0]);
                if (got == WIRE_RESULT)
                        break;
        }
        *ret = m.head.value;
        return text;
}

static inline unsigned count_fds(pid_t pid)
{
        char path[64];
        unsigned n = 0;
        DIR *dir;

        (void) snprintf(path, sizeof(path), "/proc/%i/fd", (int) pid);
        dir = opendir(path);
        while (dir && readdir(dir))
                n++;
        if (dir)
                (void) closedir(dir);
        return n;
}

/* How many it has when it has nothing to do. */
static inline unsigned idle_fds(void)
{
        (void) hook("nobody", "start", "begin", NULL);
        (void) poll(NULL, 0, 200);
        return count_fds(d.pid);
}

/* The daemon closes what belongs to a worker when it sees its end, which nobody is told. */
static inline void expect_fds(unsigned n)
{
        for (unsigned i = 0; i < 100 && count_fds(d.pid) != n; i++)
                (void) poll(NULL, 0, 50);
        assert_int_eq(count_fds(d.pid), n);
}

static inline bool have_journal(const char *domain)
{
        Journal **list = NULL;
        char path[128];
        bool found = false;
        size_t n = 0;

        (void) snprintf(path, sizeof(path), "%s/journals", d.dir);
        assert_ok(journal_list(path, &list, &n, NULL));
        for (size_t i = 0; i < n; i++)
                found = found || (list[i]->plan && streq(list[i]->plan->domain, domain));
        journal_list_free(list, n);
        return found;
}
