/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

#include <sys/types.h>

/* What the benchmarks share: samples and their table, a hook called as libvirt calls it, the daemon and what it uses.
 * Everything waits for an event, with a deadline; bench_fail() ends the benchmark with exit status 1. */

#define PATIENCE_MSEC 30000

void bench_fail(const char *fmt, ...) _printf_(1, 2) __attribute__((noreturn));

/* ---- samples and limits: table.c ---- */

typedef struct Samples {
        uint64_t *list; /* nanoseconds */
        size_t n, max;
} Samples;

uint64_t now_nsec(void);
void samples_init(Samples *s, size_t max);
void samples_add(Samples *s, uint64_t nsec);
void samples_done(Samples *s);
/* The p-th percentile; sorts. */
uint64_t samples_percentile(Samples *s, unsigned p);

/* One line of the table: what, how many, median and p99. */
void table_head(const char *title);
void table_row(const char *what, Samples *s);
/* A line for a part that cannot run. Never silent. */
void table_not_run(const char *what, const char *why);
/* A line that says whether a measured value keeps its limit; a missed one is remembered. */
void limit_at_most(const char *what, double value, double limit, const char *unit);
void limit_at_least(const char *what, double value, double limit, const char *unit);
unsigned limits_missed(void);

/* ---- a hook: spawn.c ---- */

/* Runs argv as libvirt runs a hook: fork and exec, pipes for all three streams, an environment of LC_ALL and PATH, the
 * domain's XML fed to stdin, until both outputs are at their end and the process has been waited for. Fails unless it
 * exits with 0 and says nothing: that is what an event nobody owns looks like. Nanoseconds from the first pipe on. */
uint64_t hook_run(const char *const *argv);
/* `count` of them at the same moment, each from a process of its own: adds the time of each to `each`, returns the time
 * until the last one was through. */
uint64_t hooks_run_at_once(const char *const *argv, unsigned count, Samples *each);

/* ---- the daemon: daemon.c ---- */

typedef struct Daemon {
        pid_t pid;
} Daemon;

/* A mount namespace of our own, with empty file systems over /run and /var/log: 0, or -errno when it may not be made.
 */
int bench_enter_namespace(void);
/* Starts the daemon in the foreground on the socket the shim knows, with so many profiles, and waits for READY=1. */
void daemon_start(Daemon *d, unsigned profiles);
/* SIGTERM; it must go with 0. */
void daemon_stop(Daemon *d);
/* Nothing is asked for so long. */
void bench_let_pass(unsigned msec);
/* KiB of a line of /proc/PID/smaps_rollup. */
unsigned long daemon_memory(const Daemon *d, const char *key);
/* How often it has gone to sleep. */
unsigned long daemon_sleeps(const Daemon *d);
unsigned daemon_descriptors(const Daemon *d);
