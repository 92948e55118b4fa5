/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/journal-read.h"

#include <stdio.h>
#include <systemd/sd-journal.h>

struct JournalReader {
        sd_journal *journal;
        char *domain;
};

static int match(JournalReader *r, const char *field, const char *value)
{
        _cleanup_free_ char *text = NULL;

        if (asprintf(&text, "%s=%s", field, value) < 0) {
                text = NULL;
                return -ENOMEM;
        }
        return sd_journal_add_match(r->journal, text, 0);
}

/* A user who may not read the system's journal is shown an empty one. */
static int check_access(JournalReader *r, Fault *f)
{
        int n;

        if (geteuid() == 0 || sd_journal_seek_tail(r->journal) < 0)
                return 0;
        n = sd_journal_previous(r->journal);
        return n != 0 ? MIN(n, 0)
                      : fault_set(f, -EACCES, NULL,
                                  "only root and the members of the group systemd-journal may read the system's "
                                  "journal: try `sudo hookctl log`");
}

static int open_journal(JournalReader *r, const char *file)
{
        const char *files[] = { file, NULL };

        return file ? sd_journal_open_files(&r->journal, files, 0)
                    : sd_journal_open(&r->journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
}

int journal_reader_open(const char *file, const char *domain, JournalReader **ret, Fault *f)
{
        _cleanup_(journal_reader_closep) JournalReader *reader = calloc(1, sizeof(*reader));
        int r;

        if (!reader || (domain && !(reader->domain = strdup(domain))))
                return fault_set(f, -ENOMEM, NULL, "out of memory");
        r = open_journal(reader, file);
        if (r >= 0 && !file)
                r = check_access(reader, f);
        if (r >= 0)
                r = match(reader, "SYSLOG_IDENTIFIER", "hookd");
        if (r >= 0)
                r = match(reader, "_UID", "0");
        if (r >= 0 && domain)
                r = match(reader, "HOOKD_DOMAIN", domain);
        if (r >= 0)
                r = sd_journal_seek_head(reader->journal);
        if (r < 0)
                return fault_default(f, r, file, "cannot read %s: %s", file ? file : "the system's journal",
                                     fault_errno(r));
        *ret = TAKE_PTR(reader);
        return 0;
}

JournalReader *journal_reader_close(JournalReader *r)
{
        if (!r)
                return NULL;
        sd_journal_close(r->journal);
        free(r->domain);
        free(r);
        return NULL;
}

int journal_reader_seek(JournalReader *r, uint64_t usec)
{
        return usec == UINT64_MAX ? sd_journal_seek_tail(r->journal) : sd_journal_seek_realtime_usec(r->journal, usec);
}

static int read_entry(JournalReader *r, AuditEntry *ret)
{
        const void *data;
        size_t size;
        int n;

        *ret = AUDIT_ENTRY_NONE;
        SD_JOURNAL_FOREACH_DATA(r->journal, data, size)
        {
                const char *equals = memchr(data, '=', size);
                char name[65];
                size_t name_size = equals ? (size_t) (equals - (const char *) data) : 0;

                if (name_size == 0 || name_size >= sizeof(name))
                        continue;
                (void) snprintf(name, sizeof(name), "%.*s", (int) name_size, (const char *) data);
                n = audit_entry_set(ret, name, equals + 1, size - name_size - 1);
                if (n < 0)
                        return n;
        }
        return sd_journal_get_realtime_usec(r->journal, &ret->usec);
}

static int read_wanted(JournalReader *r, int (*step)(sd_journal *journal), AuditEntry *ret)
{
        int n;

        while ((n = step(r->journal)) > 0) {
                n = read_entry(r, ret);
                if (n >= 0 && audit_entry_wanted(ret, r->domain, 0))
                        return 1;
                audit_entry_clear(ret);
                if (n < 0 && n != -EBADMSG && n != -ENOENT && n != -EADDRNOTAVAIL) /* a damaged entry is passed over */
                        return n;
        }
        return n;
}

int journal_reader_next(JournalReader *r, AuditEntry *ret)
{
        return read_wanted(r, sd_journal_next, ret);
}

int journal_reader_previous(JournalReader *r, AuditEntry *ret)
{
        return read_wanted(r, sd_journal_previous, ret);
}

int journal_reader_fd(JournalReader *r, uint64_t *ret_deadline)
{
        int n = sd_journal_get_timeout(r->journal, ret_deadline);

        return n < 0 ? n : sd_journal_get_fd(r->journal);
}

int journal_reader_changed(JournalReader *r)
{
        return MIN(sd_journal_process(r->journal), 0);
}
