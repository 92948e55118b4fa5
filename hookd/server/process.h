/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

#include <sys/types.h>

/* A pid alone may be somebody else's by now; pid and start time (field 22 of /proc/PID/stat) name a process. */
typedef struct ProcessId {
        pid_t pid; /* 0: nobody */
        uint64_t start;
} ProcessId;

/* Looks a living process up; *ret_parent may be NULL. 0, -ESRCH. */
int process_identify(pid_t pid, ProcessId *ret, pid_t *ret_parent);
/* By its name. */
bool process_is_qemu(pid_t pid);
/* Is it the first process of a container, other than a libvirtd that is that itself? Whoever is its child has lost its
 * parent. */
bool process_adopts(pid_t pid);
/* Is it in a pid namespace other than ours? */
bool process_is_foreign(pid_t pid);
/* The process that goes by `number` in the pid namespace of `like`, which may be a container's. `like` 0: in ours.
 * -ESRCH: there is none. */
int process_find(pid_t like, uint64_t number, ProcessId *ret);
/* Opens a regular file for reading as `like` would: below its root folder, in its mount namespace, where its links
 * lead. `like` 0, or one that has gone: as we would. -errno. */
int process_open_file(pid_t like, const char *path);
/* A pidfd (close-on-exec) of exactly this process, or -ESRCH when it has gone; -errno. It becomes readable when the
 * process exits. */
int process_open(const ProcessId *p);
