/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/journal-read.h"
#include "txn/worker.h"
#include "util/fd.h"
#include "wire/wire.h"

#include <poll.h>

#define LOG_USEC    (50 * USEC_PER_SEC) /* less than the daemon promises */
#define ENTRIES_MAX ((size_t) 20000)

/* 1: the client has gone. */
static int send_line(Worker *w, WireMessage *m, const char *line, uint64_t deadline)
{
        struct pollfd p = { .fd = w->client_fd, .events = POLLOUT };
        int r;

        r = wire_encode(m, WIRE_TEXT, 0, &line, 1);
        while (r >= 0 && (r = wire_send(w->client_fd, m, -1)) == -EAGAIN) {
                if (now_usec() >= deadline)
                        return -ETIMEDOUT;
                (void) poll(&p, 1, usec_to_poll(deadline));
        }
        return r == -EPIPE || r == -ECONNRESET ? 1 : r;
}

int worker_show_log(Worker *w, Fault *f)
{
        uint64_t deadline = now_usec() + LOG_USEC;
        _cleanup_(journal_reader_closep) JournalReader *reader = NULL;
        _cleanup_free_ WireMessage *m = malloc(sizeof(*m));
        _cleanup_free_ RecordLine *line = malloc(sizeof(*line));
        _cleanup_(audit_clear) Audit a = { 0 };
        int r;

        if (!m || !line)
                return fault_set(f, -ENOMEM, NULL, "out of memory");
        r = journal_reader_open(NULL, *w->domain ? w->domain : NULL, &reader, f);
        if (r >= 0)
                r = journal_reader_collect(reader, w->since, w->last, ENTRIES_MAX, &a);
        for (size_t i = 0; r == 0 && i < a.n; i++) {
                audit_entry_record(&a.list[i], line);
                r = send_line(w, m, line->text, deadline);
        }
        return r < 0 ? fault_default(f, r, NULL, "the journal cannot be read and sent: %s", fault_errno(r)) : 0;
}
