/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/log-text.h"
#include "txn/state.h"

#include <time.h>

int txn_refuse_stuck(const char *target, const char *domain, uint64_t since, const char *text, Fault *f)
{
        uint64_t now = log_now(), age = now > since ? now - since : 0;
        struct timespec ts = { 0 };
        char at[32] = "?";
        struct tm tm;
        time_t when;

        (void) clock_gettime(CLOCK_REALTIME, &ts);
        when = (time_t) (((uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000 - age) / USEC_PER_SEC);
        if (localtime_r(&when, &tm))
                (void) strftime(at, sizeof(at), "%F %T", &tm);
        return fault_set(
                f, -EBUSY, target,
                "%s is stuck since %s (for %llu s), by the guest %s: %.900s. It comes back by itself when that "
                "call returns: end what uses the card (`fuser -v` on its device files shows who); else only a "
                "reboot helps. `hookctl status` shows it",
                target, at, (unsigned long long) (age / USEC_PER_SEC), domain,
                text && *text ? text : "a kernel call has not returned");
}
