/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/txn.h"

#include "step/step.h"
#include "util/log.h"

#include <stdio.h>

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

const char *engine_stuck_where(const Host *h)
{
        static char text[480];

        *text = '\0';
        if (h->stuck_pid > 0)
                (void) snprintf(text, sizeof(text), "; process %d waits%s%s", h->stuck_pid,
                                *h->stuck_in ? " in " : " in the kernel", h->stuck_in);
        return text;
}

void engine_stuck(Txn *t, int i, const char *from, const char *to, uint64_t start, Fault *f)
{
        const Action *a = &t->journal->plan->actions[i];
        const char *text = f->code ? f->text : t->host->stuck_what, *errno_text = fault_errno(-ETIMEDOUT);
        char what[sizeof(f->text)];
        int n = (int) strlen(text);

        /* the errno that stands for it in here means nothing to people */
        if (endswith(text, errno_text))
                n -= (int) strlen(errno_text);
        (void) snprintf(what, sizeof(what), "%.*s%s%s", MIN(n, 800), text,
                        text[n] ? "the kernel call has not returned" : "", engine_stuck_where(t->host));
        (void) fault_set(f, -ETIMEDOUT, a->target, "step %s, %s: %s", a->step, a->target, what);
        (void) journal_log(t->journal, LOG_WORD_STUCK, i, f->text);
        audit_step(t, a, from, to, "stuck", host_now(t->host) - start, LOG_CRIT, MESSAGE_STEP_STUCK, what);
}
