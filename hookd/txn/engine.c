/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/txn.h"

#include "step/step.h"

void engine_deadline(Host *h, uint64_t timeout_usec, uint64_t limit)
{
        uint64_t now = host_now(h);

        h->deadline = timeout_usec > limit - MIN(now, limit) ? limit : now + timeout_usec;
}

bool engine_satisfied(const Action *a, const char *now, const char *wanted)
{
        const Step *step = step_find(a->step);

        return step && step->satisfied ? step->satisfied(a, now, wanted) : streq(now, wanted);
}

int engine_converge(Txn *t, const Action *a, const char *value, uint64_t limit, char **ret_from, Fault *f)
{
        const Step *step = step_find(a->step);
        _cleanup_free_ char *now = NULL;
        int r;

        engine_deadline(t->host, a->timeout_ms * USEC_PER_MSEC, limit);
        if (!step->observe) { /* a deed, not a state: it verifies itself */
                r = step->converge(t->host, a, value, f);
                return r < 0 ? fault_default(f, r, a->target, "%s %s: %s", a->step, a->target, fault_errno(r)) : 0;
        }
        r = step->observe(t->host, a, ret_from, f);
        if (r < 0)
                return fault_default(f, r, a->target, "%s %s: cannot see its state: %s", a->step, a->target,
                                     fault_errno(r));
        if (engine_satisfied(a, *ret_from, value))
                return 0;
        r = step->converge(t->host, a, value, f);
        if (r < 0)
                return fault_default(f, r, a->target, "%s %s: cannot be moved from %s to %s: %s", a->step, a->target,
                                     *ret_from, value, fault_errno(r));
        engine_deadline(t->host, a->timeout_ms * USEC_PER_MSEC, limit);
        r = step->observe(t->host, a, &now, f);
        if (r < 0)
                return fault_default(f, r, a->target, "%s %s: cannot see its state: %s", a->step, a->target,
                                     fault_errno(r));
        if (!engine_satisfied(a, now, value))
                return fault_set(f, -EIO, a->target, "%s %s: should be %s now, but is %s", a->step, a->target, value,
                                 now);
        return 0;
}
