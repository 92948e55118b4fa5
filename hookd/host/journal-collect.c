/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/journal-read.h"

/* From the end backwards, as far as it takes, and turned round. */
int journal_reader_collect(JournalReader *reader, uint64_t since, size_t last, size_t max, Audit *a)
{
        AuditEntry e = AUDIT_ENTRY_NONE;
        size_t begun = 0;
        int r;

        r = journal_reader_seek(reader, UINT64_MAX);
        while (r >= 0 && a->n < max && (last == 0 || begun < last) && (r = journal_reader_previous(reader, &e)) > 0) {
                if (e.usec < since)
                        break;
                begun += audit_entry_begins(&e);
                r = audit_add(a, &e);
        }
        audit_entry_clear(&e);
        for (size_t i = 0; i < a->n / 2; i++) {
                AuditEntry other = a->list[i];

                a->list[i] = a->list[a->n - 1 - i];
                a->list[a->n - 1 - i] = other;
        }
        return MIN(r, 0);
}
