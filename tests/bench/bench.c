/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/bench.h"

#include "util/fd.h"
#include "wire/wire.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#define MANY 200 /* processes at once */

static bool missed;
static pid_t daemon_pid;
const char *bench_root = "/", *bench_worker = "/nonexistent/hookd-worker";

void die(int status, const char *fmt, ...)
{
        int ended;
        va_list ap;

        (void) fflush(stdout);
        va_start(ap, fmt);
        (void) vfprintf(stderr, fmt, ap);
        va_end(ap);
        (void) fputc('\n', stderr);
        if (daemon_pid > 0 && waitpid(daemon_pid, &ended, WNOHANG) == daemon_pid)
                (void) fprintf(stderr, "the daemon has ended, wait status %#x\n", (unsigned) ended);
        else if (daemon_pid > 0)
                (void) kill(daemon_pid, SIGTERM);
        exit(status);
}

static void private_folder(const char *path)
{
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
                die(1, "%s: %m", path);
        if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
                die(1, "%s: %m", path);
}

void bench_isolate(void)
{
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                die(77, "NOT RUN: needs root for a mount namespace (%m)");
        private_folder("/run");
        private_folder("/var/log");
        if (mkdir("/run/hookd", 0755) < 0 || mkdir("/run/profiles", 0755) < 0 || mkdir("/var/log/libvirt", 0755) < 0)
                die(1, "cannot make folders below /run: %m");
        (void) signal(SIGPIPE, SIG_IGN);
}

char *bench_read(const char *path)
{
        char *text;
        int r;

        r = read_file_at(AT_FDCWD, path, 1 << 20, &text, NULL);
        if (r < 0)
                die(1, "%s: %s", path, strerror(-r));
        return text;
}

void bench_write(const char *path, const char *text)
{
        int r = write_file_atomic_at(AT_FDCWD, path, 0644, text, strlen(text));

        if (r < 0)
                die(1, "%s: %s", path, strerror(-r));
}

static bool answers(void)
{
        struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = WIRE_SOCKET };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        return connect(fd, (struct sockaddr *) &sa, sizeof(sa)) == 0;
}

pid_t daemon_start(const char *const *env)
{
        char root[256], worker[512];
        const char *const argv[] = { HOOKD_EXE,
                                     "--foreground",
                                     "--journals=/run/hookd-txn",
                                     "--profiles=/run/profiles",
                                     "--conf=/run/hookd.conf",
                                     "--audit=none",
                                     root,
                                     worker,
                                     NULL };
        uint64_t deadline = now_usec() + 20 * USEC_PER_SEC;
        pid_t pid;

        (void) snprintf(root, sizeof(root), "--root=%s", bench_root);
        (void) snprintf(worker, sizeof(worker), "--worker=%s", bench_worker);
        pid = fork();
        if (pid < 0)
                die(1, "fork: %m");
        if (pid == 0) {
                (void) signal(SIGPIPE, SIG_DFL);
                (void) prctl(PR_SET_PDEATHSIG, SIGTERM); /* not to stay behind */
                (void) execve(argv[0], (char *const *) argv, (char *const *) env);
                die(127, "%s: %m", argv[0]);
        }
        daemon_pid = pid;
        while (!answers()) {
                if (waitpid(pid, NULL, WNOHANG) == pid || now_usec() > deadline)
                        die(1, "the daemon does not start");
                (void) poll(NULL, 0, 10);
        }
        return pid;
}

void daemon_stop(pid_t pid)
{
        int status;

        daemon_pid = 0;
        if (kill(pid, SIGTERM) < 0 || waitpid(pid, &status, 0) != pid)
                die(1, "the daemon is gone: %m");
        if (status != 0)
                die(1, "the daemon ended with status %i", status);
}

/* The number behind "NAME:" in a file of /proc. */
static uint64_t value_of(const char *text, const char *name)
{
        for (const char *line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
                if (startswith(line, name) && line[strlen(name)] == ':')
                        return strtoull(line + strlen(name) + 1, NULL, 10);
        die(1, "/proc has no %s", name);
}

Usage usage_of(pid_t pid)
{
        _cleanup_free_ char *smaps = NULL, *status = NULL;
        char path[64];
        Usage u = { 0 };
        DIR *d;

        (void) snprintf(path, sizeof(path), "/proc/%i/smaps_rollup", (int) pid);
        smaps = bench_read(path);
        u.pss = value_of(smaps, "Pss") * 1024;
        u.anonymous = value_of(smaps, "Pss_Anon") * 1024;
        (void) snprintf(path, sizeof(path), "/proc/%i/status", (int) pid);
        status = bench_read(path);
        u.waits = value_of(status, "voluntary_ctxt_switches");
        (void) snprintf(path, sizeof(path), "/proc/%i/fd", (int) pid);
        d = opendir(path);
        if (!d)
                die(1, "%s: %m", path);
        while (readdir(d))
                u.fds++;
        (void) closedir(d);
        u.fds -= 2; /* . and .. */
        return u;
}

typedef struct Child {
        pid_t pid;
        int in, out, err;
        size_t fed;
        uint64_t start;
} Child;

static uint64_t now_ns(void)
{
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * 1000000000U + (uint64_t) ts.tv_nsec;
}

/* exec_at: in memory that the child shares. */
static void child_start(Child *c, const char *const *argv, volatile uint64_t *exec_at)
{
        static const char *const env[] = { "LC_ALL=C",
                                           "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL };
        int in[2], out[2], err[2];

        c->start = now_ns();
        if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
                die(1, "pipe: %m");
        (void) fcntl(in[1], F_SETFL, O_NONBLOCK);
        c->pid = fork();
        if (c->pid < 0)
                die(1, "fork: %m");
        if (c->pid == 0) {
                (void) signal(SIGPIPE, SIG_DFL);
                (void) dup2(in[0], 0);
                (void) dup2(out[1], 1);
                (void) dup2(err[1], 2);
                *exec_at = now_ns();
                (void) execve(argv[0], (char *const *) argv, (char *const *) env);
                _exit(127);
        }
        (void) close(in[0]);
        (void) close(out[1]);
        (void) close(err[1]);
        c->in = in[1];
        c->out = out[0];
        c->err = err[0];
        c->fed = 0;
}

static void feed(Child *c, const char *xml, size_t size)
{
        ssize_t n = write(c->in, xml + c->fed, size - c->fed);

        c->fed += n > 0 ? (size_t) n : 0;
        if (c->fed == size || (n < 0 && errno != EAGAIN)) { /* EPIPE: it does not want it, which is no error */
                (void) close(c->in);
                c->in = -1;
        }
}

static void drain(int *fd, const char *program)
{
        char buf[512];
        ssize_t n = read(*fd, buf, sizeof(buf));

        if (n > 0)
                die(1, "%s said: %.*s", program, (int) n, buf);
        (void) close(*fd);
        *fd = -1;
}

void run_each(const char *const *const *argvs, const char *const *xmls, size_t n, uint64_t *ns, uint64_t *ns_exec)
{
        static volatile uint64_t *exec_at;
        Child children[MANY];
        struct pollfd p[3 * MANY];
        size_t left = n;
        int status;

        if (!exec_at)
                exec_at =
                        mmap(NULL, MANY * sizeof(*exec_at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (exec_at == MAP_FAILED || n > MANY)
                die(1, "no room for %zu processes", n);
        for (size_t i = 0; i < n; i++)
                child_start(children + i, argvs[i], exec_at + i);
        while (left > 0) {
                for (size_t i = 0; i < n; i++) {
                        p[3 * i] = (struct pollfd){ .fd = children[i].in, .events = POLLOUT };
                        p[3 * i + 1] = (struct pollfd){ .fd = children[i].out, .events = POLLIN };
                        p[3 * i + 2] = (struct pollfd){ .fd = children[i].err, .events = POLLIN };
                }
                if (poll(p, 3 * n, 60000) == 0)
                        die(1, "%s does not end", argvs[0][0]);
                for (size_t i = 0; i < n; i++) {
                        Child *c = children + i;

                        if (c->pid == 0)
                                continue;
                        if (p[3 * i].revents)
                                feed(c, xmls[i], strlen(xmls[i]));
                        if (p[3 * i + 1].revents)
                                drain(&c->out, argvs[i][0]);
                        if (p[3 * i + 2].revents)
                                drain(&c->err, argvs[i][0]);
                        if (c->out >= 0 || c->err >= 0)
                                continue;
                        if (waitpid(c->pid, &status, 0) != c->pid || status != 0)
                                die(1, "%s ended with status %i", argvs[i][0], status);
                        ns[i] = now_ns() - c->start;
                        if (ns_exec)
                                ns_exec[i] = c->start + ns[i] - exec_at[i];
                        closep(&c->in);
                        c->in = -1;
                        c->pid = 0;
                        left--;
                }
        }
}

void run_many(const char *const *argv, const char *xml, size_t n, uint64_t *ns, uint64_t *ns_exec)
{
        const char *const *argvs[MANY];
        const char *xmls[MANY];

        for (size_t i = 0; i < n && i < MANY; i++) {
                argvs[i] = argv;
                xmls[i] = xml;
        }
        run_each(argvs, xmls, n, ns, ns_exec);
}

static int compare(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

        return x < y ? -1 : x > y;
}

Times times_of(uint64_t *ns, size_t n)
{
        qsort(ns, n, sizeof(*ns), compare);
        return (Times){ (double) ns[n / 2] / 1e3, (double) ns[n * 99 / 100] / 1e3, (double) ns[n - 1] / 1e3 };
}

void print_times(const char *what, size_t n, Times t)
{
        (void) printf("  %-44s %7zu x  median %9.1f us   p99 %9.1f us   worst %9.1f us\n", what, n, t.median, t.p99,
                      t.worst);
        (void) fflush(stdout);
}

void limit(bool kept, const char *fmt, ...)
{
        va_list ap;

        missed = missed || !kept;
        (void) printf("  %s  ", kept ? "kept  " : "MISSED");
        va_start(ap, fmt);
        (void) vprintf(fmt, ap);
        va_end(ap);
        (void) puts("");
        (void) fflush(stdout);
}

int bench_result(void)
{
        return missed ? 1 : 0;
}
