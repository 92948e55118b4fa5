/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/txn.h"

#include "util/log.h"

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
                r = txn_guest_alive(t, NULL, NULL);
                if (r < 0)
                        return fault_set(f, r, t->domain, "cannot tell whether the guest %s runs: %s", t->domain,
                                         fault_errno(r));
                /* Between the answer to prepare and QEMU's fork a guest looks gone. */
                if (r > 0 || (txn_owner_alive(t) && !txn_was_stopped(t->journal))) {
                        *ret_kept = true;
                        audit_outcome(t, LOG_NOTICE, MESSAGE_RECOVERED, "kept", 0,
                                      r > 0 ? "the guest runs and keeps its card" : "the guest is being started");
                        return 0;
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
