/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/fault.h"
#include "util/record.h"

/* One entry of hookd's audit, as it comes back from systemd's journal (util/log-names.h names its fields). What a
 * journal holds is not trusted: every string is one line of clean UTF-8. */
typedef enum AuditKind {
        AUDIT_OTHER, /* not hookd's */
        AUDIT_EVENT,
        AUDIT_PLAN,
        AUDIT_STEP,
        AUDIT_STEP_FAILED,
        AUDIT_STEP_STUCK,
        AUDIT_READY,
        AUDIT_REFUSED,
        AUDIT_RELEASED,
        AUDIT_RELEASE_FAILED,
        AUDIT_RECOVERED,
        AUDIT_JOURNAL_BAD,
        AUDIT_PEER_REFUSED,
        AUDIT_PROFILE_BAD,
        AUDIT_DAEMON,
        AUDIT_WARNING,
} AuditKind;

typedef struct AuditEntry {
        uint64_t usec; /* CLOCK_REALTIME */
        AuditKind kind;
        unsigned priority; /* syslog's; LOG_INFO where it has none */
        uint64_t duration; /* usec; UINT64_MAX: none */
        bool root, hookd;  /* _UID= is 0; SYSLOG_IDENTIFIER= is hookd: others may log what they like */
        char *message, *domain, *uuid, *event, *step, *target, *from, *to, *result; /* NULL: none */
} AuditEntry;

typedef struct Audit {
        AuditEntry *list;
        size_t n;
} Audit;

/* A field that is not known is passed over, a duplicate replaces. 0 or -ENOMEM. */
int audit_entry_set(AuditEntry *e, const char *field, const void *value, size_t size);
/* An entry without fields. */
#define AUDIT_ENTRY_NONE ((AuditEntry){ .priority = 6, .duration = UINT64_MAX })
void audit_entry_clear(AuditEntry *e);
/* Is it the audit's, of this guest (NULL: of any), not older than `since`? */
bool audit_entry_wanted(const AuditEntry *e, const char *domain, uint64_t since);

/* Does a transaction begin with this entry? */
bool audit_entry_begins(const AuditEntry *e);

/* As a record (util/record.h), for hookctl where the journal is another machine's or container's, and back: with what
 * makes it wanted. A text that is too long is cut. 0, -EBADMSG: it is none, -ENOMEM. */
void audit_entry_record(const AuditEntry *e, RecordLine *ret);
int audit_entry_read(const char *line, AuditEntry *ret);

/* Takes the entry over, which is AUDIT_ENTRY_NONE then. 0 or -ENOMEM. */
int audit_add(Audit *a, AuditEntry *e);
void audit_clear(Audit *a);
const char *audit_kind_name(AuditKind k); /* "step-failed" */
const char *audit_kind_id(AuditKind k);   /* its MESSAGE_ID; NULL: AUDIT_OTHER has none */

/* The journal's export format (systemd.io JOURNAL_EXPORT_FORMATS), as `journalctl -o export` writes it: an entry's
 * fields, then an empty line. Keeps what is wanted. -EBADMSG with a fault: it is none. */
int audit_decode(const char *text, size_t size, const char *domain, uint64_t since, Audit *ret, Fault *f);
