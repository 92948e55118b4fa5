/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/audit.h"

/* hookd's audit in systemd's journal. Its files are mapped and read; journald is not asked, so one that hangs holds
 * nothing up. */
typedef struct JournalReader JournalReader;

/* The system's journal, or for file != NULL that file of it; domain NULL: of every guest. -EACCES: this user may not
 * read it; -EBADMSG: the file is no journal. */
int journal_reader_open(const char *file, const char *domain, JournalReader **ret, Fault *f);
JournalReader *journal_reader_close(JournalReader *r);
DEFINE_CLEANUP(JournalReader, journal_reader_close)

/* Before the first entry at or after `usec` (CLOCK_REALTIME), also where that is still to come; UINT64_MAX: behind the
 * last one, for journal_reader_previous(). 0 or -errno. */
int journal_reader_seek(JournalReader *r, uint64_t usec);
/* The next entry of the audit, or the one before; *ret is the caller's to clear. 1, 0: there is none (yet), -errno. */
int journal_reader_next(JournalReader *r, AuditEntry *ret);
int journal_reader_previous(JournalReader *r, AuditEntry *ret);

/* The last `last` transactions (0: all), not older than `since` and at most `max` entries, in their order. 0 or -errno.
 */
int journal_reader_collect(JournalReader *r, uint64_t since, size_t last, size_t max, Audit *ret);

/* To be polled for POLLIN until *ret_deadline (now_usec() scale) at the latest; then journal_reader_changed(), and what
 * is new is next. -errno. */
int journal_reader_fd(JournalReader *r, uint64_t *ret_deadline);
int journal_reader_changed(JournalReader *r);
