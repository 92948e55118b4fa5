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
/* A pidfd (close-on-exec) of exactly this process, or -ESRCH when it has gone; -errno. It becomes readable when the
 * process exits. */
int process_open(const ProcessId *p);
