/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/txn.h"

#include "util/log.h"

#include <stdio.h>

/* 1: the guest runs, or is being started; 0: it is gone. */
static int still_needed(Txn *t, Fault *f)
{
        HostHolder *holders = NULL;
        size_t n = 0;
        char text[128];
        int r;

        r = txn_guest_alive(t, &holders, &n);
        if (r < 0)
                return fault_set(f, r, t->domain, "cannot tell whether the guest %s runs: %s", t->domain,
                                 fault_errno(r));
        if (r > 0) {
                (void) txn_note_guest(t, holders, n); /* not noted its end is not seen; libvirt will tell of it */
                (void) snprintf(text, sizeof(text), "the guest runs (process %d) and keeps its card", holders[0].pid);
                audit_outcome(t, LOG_NOTICE, MESSAGE_RECOVERED, "kept", 0, text);
        } else if (t->journal->guest_pid == 0 && !txn_was_stopped(t->journal) && txn_owner_alive(t)) {
                /* Between the answer to prepare and QEMU's fork a guest looks gone. */
                audit_outcome(t, LOG_NOTICE, MESSAGE_RECOVERED, "kept", 0, "the guest is being started");
                r = 1;
        }
        holders_free(holders, n);
        return r;
}

int txn_recover(Txn *t, bool *ret_kept, Fault *f)
{
        const Plan *plan = t->journal->plan;
        _cleanup_free_ char *boot = NULL;
        int r;

        *ret_kept = false;
        if (!plan) /* died before the first effect */
                return journal_remove(t->journal);
        if (host_read(t->host, "/proc/sys/kernel/random/boot_id", &boot) >= 0 && *plan->boot_id &&
            !streq(boot, plan->boot_id)) {
                audit_outcome(t, LOG_NOTICE, MESSAGE_RECOVERED, "stale", 0,
                              "the journal is from before a reboot and was dropped");
                return journal_remove(t->journal);
        }
        switch (txn_state(t->journal)) {
        case TXN_RELEASED:
                return journal_remove(t->journal);
        case TXN_HELD:
                r = still_needed(t, f);
                if (r != 0) {
                        *ret_kept = r > 0;
                        return MIN(r, 0);
                }
                break;
        default:
                break;
        }
        t->host->no_cancel = true;
        r = txn_revert(t, "recovery", f);
        if (r == 0)
                audit_outcome(t, LOG_NOTICE, MESSAGE_RECOVERED, "restored", 0, "an unfinished transaction was undone");
        return r;
}
