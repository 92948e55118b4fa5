/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

#include <sys/types.h>

/* A hand: a forked child that makes one call which may block in the kernel for ever, reports errno through a pipe and
 * may be abandoned. It keeps the descriptors in keep_fds (the transaction's lock), has /dev/null as its first three and
 * closes all others, so that nobody waits for a pipe it inherited. `output`, of output_max bytes, receives what fn
 * wrote into its buffer (zeroed before). Returns what fn returned (0 or -errno, *ret_pid is 0).
 *
 * -ETIMEDOUT when it had not returned by `deadline`: it was sent SIGKILL, which acts when the kernel lets go. *ret_pid
 * is the child when it is still in flight half a second later, 0 when the call was given up and the child is gone (or
 * when fn itself returned -ETIMEDOUT). -ECHILD: it died without a word. */
typedef int (*HandFunction)(void *arg, char *output, size_t output_max);
int hand_run(HandFunction fn, void *arg, uint64_t deadline, char *output, size_t output_max, pid_t *ret_pid);

/* The memory of this process's argv[0], in which a later hand writes '@' for its first byte: the mark by which
 * systemd-shutdown neither kills a process nor waits for it (systemd.io ROOT_STORAGE_DAEMONS). A hand that the kernel
 * does not let go would hold up the host's shutdown otherwise. */
void hand_mark(char *argv0);

/* Descriptors every later hand of this process keeps (the transaction's lock); -1 ends. At most 4. */
void hand_keep_fds(const int *fds);

/* Where in the kernel a process waits: "msleep <- nv_remove [nvidia] <- pci_device_remove", the innermost first. Never
 * waits itself. False, and "": the kernel does not say. */
bool hand_stack(pid_t pid, char *buf, size_t size);

/* True while the hand has not been reaped; reaps it without waiting when it has ended. */
bool hand_in_flight(pid_t pid);
