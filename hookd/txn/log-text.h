/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "txn/journal.h"

/* One line of a transaction's log with its newline: "USEC WORD INDEX escaped text"; INDEX is "-" for -1. Caller frees.
 */
char *log_line_encode(const LogLine *line, const char *text);

/* CLOCK_BOOTTIME in microseconds: the log's clock goes on while the host sleeps. */
uint64_t log_now(void);

/* Appends an encoded line. What a crash or a full file system has left of one before it is struck out with it, so that
 * it does not become part of this one. 0 or -errno; fd is readable, too, and O_APPEND. */
int log_append(int fd, const char *line);
