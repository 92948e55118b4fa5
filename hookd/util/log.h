/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"
#include "util/log-names.h"

#include <syslog.h>

/* The audit. An entry goes to journald as one non-blocking datagram of its native protocol (systemd.io
 * JOURNAL_NATIVE_PROTOCOL), never through sd_journal_send(), which waits: journald itself can hang in the kernel lock
 * of a stuck card. What the socket does not take goes to the spool file and is sent later by log_drain(), in order. */
typedef enum LogTarget {
        LOG_TO_JOURNAL, /* the journal's socket */
        LOG_TO_STDERR,  /* one line of text an entry: the demo, tests, a terminal */
        LOG_TO_NULL,
} LogTarget;

typedef struct LogField {
        const char *name;  /* from log-names.h */
        const char *value; /* NULL: the field is left out; may hold newlines */
} LogField;

/* Sets the target of this process. spool: path of the spool file or NULL for none; the string is kept by reference.
 * min_priority: entries above it (LOG_DEBUG usually) are dropped. Opens nothing yet. */
void log_open(LogTarget target, const char *spool, int max_priority);

/* Where the journal listens; kept by reference. Only tests set it. */
void log_open_socket(const char *path);

/* Writes one entry; fields end with { NULL, NULL }. message_id may be NULL. Never blocks, never fails visibly.
 * The message goes through text_clean(). An entry is cut at about 16 KiB. */
void log_entry(int priority, const char *message_id, const LogField *fields, const char *fmt, ...) _printf_(4, 5);

#define log_simple(priority, id, ...) log_entry((priority), (id), (const LogField[]){ { NULL, NULL } }, __VA_ARGS__)

/* Sends what the spool holds, oldest first. Returns the number of entries still in it, or -errno. */
int log_drain(void);
