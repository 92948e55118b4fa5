/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/audit.h"

#include <stdio.h>

/* A guest's entries from one prepare to the next, or one entry that is no guest's. */
typedef struct Transaction {
        size_t first, n;
} Transaction;

/* Sorts the audit by transactions, in the order of their beginnings, and keeps the last ones (0: all) with what
 * concerns no guest since then. 0 or -ENOMEM; *ret is the caller's. */
int story_group(Audit *a, size_t last, Transaction **ret, size_t *ret_n);

/* The audit as a story, entry by entry. */
typedef struct Story {
        FILE *out;
        bool colour;
        char *domain, *event; /* of the entry before */
        uint64_t begun;       /* of the event */
} Story;
void story_tell(Story *s, const AuditEntry *e);
void story_clear(Story *s);

/* The message without what stands beside it anyway: the guest, the step. */
const char *story_text(const AuditEntry *e);
