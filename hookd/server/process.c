/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/process.h"

#include "util/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>

#define STAT_MAX 4096

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

bool process_is_qemu(pid_t pid)
{
        _cleanup_free_ char *comm = NULL;
        char path[32];

        (void) snprintf(path, sizeof(path), "/proc/%i/comm", (int) pid);
        return read_file_at(AT_FDCWD, path, STAT_MAX, &comm, NULL) >= 0 &&
               (strstr(comm, "qemu") || strstr(comm, "kvm"));
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
