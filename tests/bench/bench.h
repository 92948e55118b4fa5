/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

#include <stdio.h>
#include <sys/types.h>

/* Ends the program with a sentence: 1 failed, 77 cannot run here. */
_Noreturn void die(int status, const char *fmt, ...) _printf_(2, 3);

/* A mount namespace with a private, empty /run, /etc/hookd and /var/log: nothing here touches the machine. */
void bench_isolate(void);
char *bench_read(const char *path);
void bench_write(const char *path, const char *text);

/* The daemon in the foreground, with files below /run. extra: "NAME=value" for its environment or NULL. */
extern const char *bench_root, *bench_worker;
pid_t daemon_start(const char *const *env);
void daemon_stop(pid_t pid);

typedef struct Usage {
        uint64_t pss, anonymous; /* bytes */
        unsigned fds;
        uint64_t waits; /* voluntary context switches: how often it went to sleep */
} Usage;
Usage usage_of(pid_t pid);

/* Runs n of them at once as libvirt runs its hook: fork, exec with three pipes and an almost empty environment, the XML
 * fed, until both outputs are closed and the process is gone. argv[0] is the program. ns[i] gets each one's time;
 * ns_exec[i] (may be NULL) without the fork, which depends on the size of who forks. Dies when one writes to stdout or
 * stderr or exits with anything but 0. */
void run_many(const char *const *argv, const char *xml, size_t n, uint64_t *ns, uint64_t *ns_exec);

/* Each with arguments and XML of its own. */
void run_each(const char *const *const *argvs, const char *const *xmls, size_t n, uint64_t *ns, uint64_t *ns_exec);

typedef struct Times {
        double median, p99, worst; /* microseconds */
} Times;
Times times_of(uint64_t *ns, size_t n); /* sorts */
void print_times(const char *what, size_t n, Times t);

/* One line of the table of limits; a missed one makes bench_result() 1. */
void limit(bool kept, const char *fmt, ...) _printf_(2, 3);
int bench_result(void);
