/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/reconcile.h"

#include "server/record.h"
#include "server/server.h"
#include "util/fd.h"

#include <stdio.h>

/* What goes on with a journal; *ret_finding is one word for it. */
static void judge(const Holding *h, const char **ret_finding, char text[512])
{
        const Job *job = jobs_find(h->server, h->domain);
        uint64_t now = now_usec(), due = holding_due(h, now);

        if (h->state == TXN_STUCK) {
                *ret_finding = "stuck";
                (void) snprintf(text, 512,
                                "is stuck, and comes back by itself when that call to the kernel returns: %s", h->text);
        } else if (job) {
                *ret_finding = "working";
                (void) snprintf(text, 512, "is %s: worker %i is at it, `hookctl log -f` shows how it ends",
                                job->verb == JOB_PREPARE ? "being prepared" : "being put back", (int) job->pid);
        } else if (due != UINT64_MAX) {
                *ret_finding = "ending";
                (void) snprintf(text, 512, "is put back in %llu s: until then libvirtd may tear the guest down itself",
                                (unsigned long long) ((due - now) / USEC_PER_SEC));
        } else if (h->guest.id.pid > 0) {
                *ret_finding = "runs";
                (void) snprintf(text, 512, "keeps it: its QEMU runs (process %i)", (int) h->guest.id.pid);
        } else {
                *ret_finding = "starting";
                (void) snprintf(text, 512,
                                "keeps it: libvirtd (process %i) has it prepared, and has not said that it stopped",
                                (int) h->caller.id.pid);
        }
}

void reconcile(Server *s, int fd)
{
        ledger_refresh(s);
        for (size_t i = 0; i < s->ledger.n; i++) {
                holding_find_guest(s->ledger.list[i], false);
                s->ledger.list[i]->retry_at = 0;
        }
        ledger_settle(s);
        for (size_t i = 0; i < s->ledger.n; i++) {
                const Holding *h = s->ledger.list[i];
                char text[512] = "";
                const char *finding;
                RecordLine r;

                judge(h, &finding, text);
                record_begin(&r, "found");
                record_text(&r, "domain", h->domain);
                record_text(&r, "uuid", h->uuid);
                record_text(&r, "state", txn_state_name(h->state));
                record_text(&r, "card", h->card);
                record_text(&r, "finding", finding);
                record_text(&r, "text", text);
                record_send(&r, fd);
        }
}
