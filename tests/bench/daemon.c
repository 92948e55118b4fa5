/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/bench.h"

#include "wire/wire.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#define FOLDER "/run/bench"
#define NOTIFY FOLDER "/notify"

int bench_enter_namespace(void)
{
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") < 0 ||
            mount("tmpfs", "/var/log", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") < 0)
                return -errno;
        if (mkdir("/var/log/libvirt", 0755) < 0 || mkdir(FOLDER, 0755) < 0)
                return -errno;
        return 0;
}

/* Every third by its file's name, every third by a glob, every third by the card. */
static void write_profiles(const char *folder, unsigned count)
{
        char path[128];

        (void) mkdir(folder, 0755);
        for (unsigned i = 0; i < count; i++) {
                FILE *f;

                (void) snprintf(path, sizeof(path), "%s/guest-%u.ini", folder, i);
                f = fopen(path, "we");
                if (!f)
                        bench_fail("cannot write %s: %m", path);
                if (i % 3 == 1)
                        (void) fprintf(f, "[Match]\nDomain=family-%u-*\n", i);
                if (i % 3 == 2)
                        (void) fprintf(f, "[Match]\nDomain=guest-%u other-%u\n", i, i);
                (void) fprintf(f, "[Services]\nStopUnits=example-%u.service\n", i);
                if (fclose(f) != 0)
                        bench_fail("cannot write %s: %m", path);
        }
}

static bool readable(int fd, int msec)
{
        struct pollfd p = { .fd = fd, .events = POLLIN };

        return poll(&p, 1, msec) > 0;
}

static pid_t running;

/* A benchmark that fails says whether the daemon was still there. */
static void say_how_it_is(void)
{
        int status;
        pid_t r = running > 0 ? waitpid(running, &status, WNOHANG) : -1;

        if (r == 0)
                (void) fprintf(stderr, "the daemon (%i) was running\n", (int) running);
        else if (r > 0)
                (void) fprintf(stderr, "the daemon (%i) had ended with wait status %#x\n", (int) r, (unsigned) status);
}

static void launch(Daemon *d, unsigned profiles)
{
        char folder[64] = "--profiles=" FOLDER "/profiles-";
        const char *const argv[] = { HOOKD_EXE,
                                     "--foreground",
                                     "--audit=none",
                                     folder,
                                     "--conf=" FOLDER "/hookd.conf",
                                     "--worker=/bin/false",
                                     NULL };
        const char *environment[] = { "PATH=/usr/bin:/bin", "NOTIFY_SOCKET=" NOTIFY, NULL };

        (void) snprintf(folder + strlen(folder), sizeof(folder) - strlen(folder), "%u", profiles);
        write_profiles(folder + strlen("--profiles="), profiles);
        (void) fflush(NULL);
        d->pid = fork();
        if (d->pid < 0)
                bench_fail("cannot fork: %m");
        if (d->pid > 0)
                return;
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* whatever becomes of the benchmark */
        (void) execve(argv[0], (char *const *) argv, (char *const *) environment);
        _exit(127);
}

/* What it says itself: that the profiles are all there and good. */
static void check_profiles(unsigned expected)
{
        static const struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = WIRE_SOCKET };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        char wanted[32];
        WireMessage m;

        (void) snprintf(wanted, sizeof(wanted), "\tprofiles=%u\tproblem=", expected);
        if (fd < 0 || connect(fd, (const struct sockaddr *) &sa, sizeof(sa)) < 0 ||
            wire_encode(&m, WIRE_STATUS, 0, NULL, 0) < 0 || wire_send(fd, &m, -1) < 0)
                bench_fail("cannot ask the daemon for its status: %m");
        if (!readable(fd, PATIENCE_MSEC) || wire_receive(fd, &m, NULL) <= 0 || !m.strings[0])
                bench_fail("the daemon does not tell its status");
        if (!endswith(m.strings[0], wanted))
                bench_fail("the daemon should know %u good profiles, it says: %s", expected, m.strings[0]);
}

void daemon_start(Daemon *d, unsigned profiles)
{
        struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = NOTIFY };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        char said[512] = "";

        (void) unlink(NOTIFY);
        if (fd < 0 || bind(fd, (struct sockaddr *) &at, sizeof(at)) < 0)
                bench_fail("cannot listen on " NOTIFY ": %m");
        if (running == 0)
                (void) atexit(say_how_it_is);
        launch(d, profiles);
        running = d->pid;
        while (!strstr(said, "READY=1")) {
                ssize_t n = readable(fd, PATIENCE_MSEC) ? recv(fd, said, sizeof(said) - 1, 0) : 0;

                if (n <= 0)
                        bench_fail("the daemon does not get ready");
                said[n] = '\0';
        }
        check_profiles(profiles);
}

void daemon_stop(Daemon *d)
{
        _cleanup_close_ int fd = (int) syscall(SYS_pidfd_open, d->pid, 0);
        int status = 0;

        running = -1;
        (void) kill(d->pid, SIGTERM);
        if (!readable(fd, PATIENCE_MSEC))
                (void) kill(d->pid, SIGKILL);
        (void) waitpid(d->pid, &status, 0);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                bench_fail("the daemon ended with wait status %#x", (unsigned) status);
}

void bench_let_pass(unsigned msec)
{
        uint64_t end = now_nsec() + (uint64_t) msec * 1000000, now;

        while ((now = now_nsec()) < end)
                (void) poll(NULL, 0, (int) ((end - now) / 1000000) + 1);
}

/* The number behind KEY: in a file of /proc/PID. */
static unsigned long number(const Daemon *d, const char *name, const char *key)
{
        unsigned long value = 0;
        bool found = false;
        char line[256];
        FILE *f;

        (void) snprintf(line, sizeof(line), "/proc/%i/%s", (int) d->pid, name);
        f = fopen(line, "re");
        if (!f)
                bench_fail("cannot read %s: %m", line);
        while (!found && fgets(line, sizeof(line), f))
                found = startswith(line, key) && sscanf(line + strlen(key), ": %lu", &value) == 1;
        (void) fclose(f);
        if (!found)
                bench_fail("no %s in %s", key, name);
        return value;
}

unsigned long daemon_memory(const Daemon *d, const char *key)
{
        return number(d, "smaps_rollup", key);
}

unsigned long daemon_sleeps(const Daemon *d)
{
        return number(d, "status", "voluntary_ctxt_switches");
}

unsigned daemon_descriptors(const Daemon *d)
{
        unsigned n = 0;
        char path[64];
        struct dirent *e;
        DIR *dir;

        (void) snprintf(path, sizeof(path), "/proc/%i/fd", (int) d->pid);
        dir = opendir(path);
        if (!dir)
                bench_fail("cannot read %s: %m", path);
        while ((e = readdir(dir)))
                n += e->d_name[0] != '.';
        (void) closedir(dir);
        return n;
}
