/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/worker.h"

#include "model/event.h"
#include "step/step.h"

/* An event between the start and the end of a guest: nothing of it is held, so there is no transaction. */

static int apply(Worker *w, const Txn *t, const Plan *plan, Fault *f)
{
        int code = 0;

        for (size_t i = 0; i < plan->n_actions; i++) {
                const Action *a = &plan->actions[i];
                uint64_t start = host_now(w->host);
                Fault one = { 0 };
                int r;

                engine_deadline(w->host, a->timeout_ms * USEC_PER_MSEC, UINT64_MAX);
                r = step_find(a->step)->converge(w->host, a, a->after, &one);
                if (r < 0)
                        (void) fault_default(&one, r, a->target, "%s %s: %s", a->step, a->target, fault_errno(r));
                audit_step(t, a, NULL, a->after, r < 0 ? "failed" : "done", host_now(w->host) - start,
                           r < 0 ? LOG_ERR : LOG_INFO, r < 0 ? MESSAGE_STEP_FAILED : MESSAGE_STEP, one.text);
                if (r < 0 && code == 0) {
                        code = r;
                        *f = one;
                }
        }
        return code;
}

int worker_event(Worker *w, Fault *f)
{
        _cleanup_(plan_freep) Plan *plan = NULL;
        const Txn t = { .host = w->host, .domain = w->domain, .event = w->event };
        uint64_t start = host_now(w->host);
        int r;

        r = worker_plan_event(w, &plan, f);
        w->host->xml = w->xml;
        if (r < 0 && !hook_op_may_refuse(hook_op_parse(w->event)))
                audit_outcome(&t, LOG_ERR, MESSAGE_STEP_FAILED, "failed", 0, f->text);
        if (r >= 0)
                r = apply(w, &t, plan, f);
        if (r < 0 && hook_op_may_refuse(hook_op_parse(w->event)))
                audit_outcome(&t, LOG_ERR, MESSAGE_REFUSED, "refused", host_now(w->host) - start, f->text);
        if (r < 0)
                worker_note_failure(w, f);
        return worker_reply(w, r < 0 ? 1 : 0, r < 0 ? f->text : "");
}
