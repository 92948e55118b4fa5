/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/fault.h"

#include <sys/types.h>

/* A call of hookd-worker, see worker-main.h: by the daemon, or by hookctl where the daemon is dead. */
typedef struct WorkerCall {
        const char *executable, *verb;
        const char *domain, *uuid; /* "": none */
        const char *event;
        int client_fd, xml_fd; /* stay open for it, under their numbers; -1: none */
        int hook_pid;          /* 0: not known */
        uint64_t hook_start;
        uint64_t since, last; /* log */
        const char *root, *journals, *profiles, *conf, *spool, *audit;
        bool check_owner;
} WorkerCall;

/* In a process group of its own, with no other descriptor but stdout and stderr. The caller reaps it. 0, or -errno with
 * a fault. */
int worker_start(const WorkerCall *c, pid_t *ret, Fault *f);
