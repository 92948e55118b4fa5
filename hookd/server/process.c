/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/process.h"

#include "util/fd.h"
#include "util/parse.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define STAT_MAX   4096
#define STATUS_MAX ((size_t) 1 << 20) /* with all groups of a user who has many */

int process_identify(pid_t pid, ProcessId *ret, pid_t *ret_parent)
{
        _cleanup_free_ char *text = NULL;
        unsigned long long start;
        char path[32];
        const char *p;
        int parent;

        if (pid <= 0)
                return -ESRCH;
        (void) snprintf(path, sizeof(path), "/proc/%i/stat", (int) pid);
        if (read_file_at(AT_FDCWD, path, STAT_MAX, &text, NULL) < 0)
                return -ESRCH;
        p = strrchr(text, ')'); /* the command's name may hold anything */
        /* after it: state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime stime cutime cstime
         * priority nice threads itrealvalue starttime */
        if (!p || sscanf(p + 1, " %*c %i %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
                         &parent, &start) != 2)
                return -ESRCH;
        *ret = (ProcessId){ .pid = pid, .start = start };
        if (ret_parent)
                *ret_parent = parent;
        return 0;
}

static bool is_called(pid_t pid, const char *one, const char *other)
{
        _cleanup_free_ char *comm = NULL;
        char path[32];

        (void) snprintf(path, sizeof(path), "/proc/%i/comm", (int) pid);
        return read_file_at(AT_FDCWD, path, STAT_MAX, &comm, NULL) >= 0 && (strstr(comm, one) || strstr(comm, other));
}

bool process_is_qemu(pid_t pid)
{
        return is_called(pid, "qemu", "kvm");
}

/* ---- containers ---- */

/* The number that it has in its own pid namespace: the last in NSpid: of /proc/PID/status (proc(5)). 0: nobody knows.
 */
static uint64_t own_number(pid_t pid)
{
        _cleanup_free_ char *text = NULL;
        uint64_t number = 0;
        char path[32], *line, *last;

        (void) snprintf(path, sizeof(path), "/proc/%i/status", (int) pid);
        if (read_file_at(AT_FDCWD, path, STATUS_MAX, &text, NULL) < 0)
                return 0;
        line = strstr(text, "\nNSpid:");
        if (!line)
                return 0;
        line[1 + strcspn(line + 1, "\n")] = '\0';
        last = strrchr(line, '\t');
        return last && parse_uint(last + 1, INT32_MAX, &number) >= 0 ? number : 0;
}

bool process_adopts(pid_t pid)
{
        return own_number(pid) == 1 && !is_called(pid, "libvirtd", "virtqemud");
}

static int namespace_of(pid_t pid, struct stat *ret)
{
        char path[40];

        (void) snprintf(path, sizeof(path), "/proc/%i/ns/pid", (int) pid);
        return stat(path, ret) < 0 ? -errno : 0;
}

static bool same_namespace(pid_t a, pid_t b)
{
        struct stat x, y;

        return namespace_of(a, &x) >= 0 && namespace_of(b, &y) >= 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool process_is_foreign(pid_t pid)
{
        return !same_namespace(pid, getpid());
}

static void closedirp(DIR **d)
{
        if (*d)
                (void) closedir(*d);
}

int process_find(pid_t like, uint64_t number, ProcessId *ret)
{
        _cleanup_(closedirp) DIR *proc = NULL;
        const struct dirent *d;
        uint64_t pid;

        if (number == 0 || number > INT32_MAX)
                return -ESRCH;
        if (like <= 0 || !process_is_foreign(like))
                return process_is_foreign((pid_t) number) ? -ESRCH : process_identify((pid_t) number, ret, NULL);
        /* Linux before 6.12 has no call that would translate it. */
        proc = opendir("/proc");
        while (proc && (d = readdir(proc)))
                if (parse_uint(d->d_name, INT32_MAX, &pid) >= 0 && own_number((pid_t) pid) == number &&
                    same_namespace(like, (pid_t) pid))
                        return process_identify((pid_t) pid, ret, NULL);
        return -ESRCH;
}

int process_open_file(pid_t like, const char *path)
{
        const struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                                      .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
        _cleanup_close_ int root = -1, fd = -1;
        struct stat st;
        char link[32];

        (void) snprintf(link, sizeof(link), "/proc/%i/root", (int) like);
        if (like > 0)
                root = open(link, O_PATH | O_DIRECTORY | O_CLOEXEC);
        /* An absolute link in a container must not lead to a file of ours. */
        fd = (int) (root < 0 ? -1 : syscall(SYS_openat2, root, path, &how, sizeof(how)));
        if (root < 0 || (fd < 0 && errno == ENOSYS))
                fd = openat(root < 0 ? AT_FDCWD : root, path + (root < 0 ? 0 : strspn(path, "/")), (int) how.flags);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        return S_ISREG(st.st_mode) ? TAKE_FD(fd) : -EINVAL;
}

int process_open(const ProcessId *p)
{
        _cleanup_close_ int fd = -1;
        ProcessId now;
        int r;

        fd = (int) syscall(SYS_pidfd_open, p->pid, 0); /* close-on-exec by itself; glibc 2.36 is too new to need */
        if (fd < 0)
                return errno == EINVAL ? -ESRCH : -errno;
        r = process_identify(p->pid, &now, NULL);
        if (r < 0)
                return r;
        return now.start == p->start ? TAKE_FD(fd) : -ESRCH;
}
