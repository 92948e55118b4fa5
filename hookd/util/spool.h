/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* A bounded file of records that several processes append to and any one of them empties: what the journal would not
 * take yet. Every change happens under a lock that is held for a few non-blocking calls and waited for a bounded time.
 * A record has a checksum, so what a killed writer left half-written is passed over. */

#define SPOOL_RECORD_MAX ((size_t) 16 << 10)
#define SPOOL_MAX        ((size_t) 8 << 20)

/* Appends one record. 0; 1: it is full, the record is counted as lost in the file; -errno: nothing was kept. */
int spool_append(const char *path, const void *data, size_t size);

/* Whether there is anything to drain: a stat() and no more. */
bool spool_pending(const char *path);

/* Gives send() the records from the oldest on and marks each as sent, until it returns non-zero or all are gone; then,
 * where some were lost for want of room, calls lost() with their number, and empties the file. Returns 0: it is empty;
 * 1: something is left; -EBUSY: another process is at it; -errno. *ret_left (may be NULL) is the number left. */
int spool_drain(const char *path, int (*send)(const void *data, size_t size), int (*lost)(uint64_t n),
                uint64_t *ret_left);
