/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/txn.h"

#include "step/step.h"
#include "util/fd.h"
#include "util/log.h"

#include <stdio.h>
#include <time.h>

/* How long a start waits for a card that its last guest is just giving back. */
#define CLAIM_WAIT_USEC (60 * USEC_PER_SEC)
#define CLAIMS_USEC     (10 * USEC_PER_SEC)
#define OBSERVE_USEC    (10 * USEC_PER_SEC)

static bool is_forward(const Action *a)
{
        return !(a->flags & ACTION_BACK);
}

static bool has_value(const Action *a)
{
        return !(a->flags & (ACTION_BACK | ACTION_GATE)) && step_find(a->step)->observe;
}

/* Has the caller hung up, or time run out? */
static int check_going(Txn *t, uint64_t limit, Fault *f)
{
        int r;

        t->host->deadline = limit;
        r = host_wait(t->host, 0, NULL, 0, 0);
        if (r == -ECANCELED)
                return fault_set(f, r, t->domain, "%s: whoever asked for the start has gone", t->domain);
        if (r == -ETIMEDOUT)
                return fault_set(f, r, t->domain,
                                 "%s: not ready within %llu s (StartTimeoutSec=); `journalctl -t hookd` shows "
                                 "what took the time",
                                 t->domain, (unsigned long long) (t->forward_timeout / USEC_PER_SEC));
        return r;
}

static int refuse_held(const Action *a, const Journal *owner, Fault *f)
{
        _cleanup_free_ char *parent = NULL;
        const char *text = NULL, *target = a->target;
        uint64_t since = txn_since(owner, &text);

        /* of a mediated device it is the parent that another has */
        if (action_param(a, "parent", &parent) >= 0 && !strv_contains(owner->plan->mediated, target))
                target = parent;

        switch (txn_state(owner)) {
        case TXN_STUCK:
                return txn_refuse_stuck(owner->plan->functions ? owner->plan->functions[0] : target,
                                        owner->plan->domain, since, text, f);
        case TXN_REVERTING:
                return fault_set(f, -EBUSY, target,
                                 "%s was not given back completely by the guest %s: see `journalctl -t hookd`, "
                                 "then `hookctl release %s`",
                                 target, owner->plan->domain, owner->plan->domain);
        default:
                return fault_set(f, -EBUSY, target, "%s is in use by the guest %s: shut that down first", target,
                                 owner->plan->domain);
        }
}

/* What is another's, or stuck, refuses at once: before anything is looked at, which could block as well, and before a
 * shared target is waited for. */
static int check_claims(const Plan *plan, const Claims *claims, Fault *f)
{
        for (size_t i = 0; i < plan->n_actions; i++) {
                const Journal *owner = NULL;
                const char *inherited = NULL;

                /* what is lenient may be the bridge above it; people know the card */
                if (plan->actions[i].flags & ACTION_EXCLUSIVE && !(plan->actions[i].flags & ACTION_LENIENT) &&
                    claims_check(claims, &plan->actions[i], &owner, &inherited) == CLAIM_HELD)
                        return refuse_held(&plan->actions[i], owner, f);
        }
        return 0;
}

/* Nothing of ours hangs yet: it is another program's call on this device that the kernel does not finish. */
static int refuse_blocked(Txn *t, const Action *a, Fault *f)
{
        return fault_set(
                f, -EBUSY, a->target,
                "%s cannot be looked at: %s has not returned from the kernel%s. Another program's call on this "
                "device hangs: `ps -eo pid,stat,wchan:32,args` shows it in state D; end what that waits for, "
                "else only a reboot helps",
                a->target, t->host->stuck_what, engine_stuck_where(t->host));
}

static int note(Txn *t, Action *a, uint64_t limit, Fault *f)
{
        const Step *step = step_find(a->step);
        int r;

        if (!step->note)
                return 0;
        engine_deadline(t->host, OBSERVE_USEC, limit);
        r = step->note(t->host, a);
        return r < 0 ? fault_set(f, r, a->target, "%s %s: cannot see what it is now: %s", a->step, a->target,
                                 fault_errno(r))
                     : 0;
}

/* One look at everything under the claims' lock. 0; -EAGAIN: a target is on its way, look again; else a refusal. */
static int observe_all(Txn *t, Plan *plan, const Claims *claims, uint64_t limit, Fault *f)
{
        for (size_t i = 0; i < plan->n_actions; i++) {
                Action *a = &plan->actions[i];
                const Journal *owner = NULL;
                const char *inherited = NULL;
                int r;

                if (!has_value(a)) {
                        r = note(t, a, limit, f);
                        if (r < 0)
                                return r;
                        continue;
                }
                switch (claims_check(claims, a, &owner, &inherited)) {
                case CLAIM_HELD:
                        return refuse_held(a, owner, f);
                case CLAIM_WAIT:
                        (void) refuse_held(a, owner, f);
                        return -EAGAIN;
                case CLAIM_INHERIT:
                        if (action_set(&a->before, "%s", inherited) < 0)
                                return fault_set(f, -ENOMEM, a->target, "out of memory");
                        continue;
                case CLAIM_FREE:
                        break;
                }
                free(a->before);
                a->before = NULL;
                engine_deadline(t->host, OBSERVE_USEC, limit);
                r = step_find(a->step)->observe(t->host, a, &a->before, f);
                if (t->host->stuck)
                        return refuse_blocked(t, a, f);
                if (r < 0)
                        return fault_default(f, r == -EAGAIN ? -EIO : r, a->target, "%s %s: cannot see its state: %s",
                                             a->step, a->target, fault_errno(r));
        }
        return 0;
}

/* Observes, claims and journals: after this the before values are safe. */
static int journal_plan(Txn *t, Plan *plan, uint64_t limit, Fault *f)
{
        uint64_t give_up = MIN(limit, host_now(t->host) + CLAIM_WAIT_USEC);

        for (;;) {
                _cleanup_(claims_unlockp) Claims *claims = NULL;
                int r;

                r = claims_lock(t->root, plan->uuid, now_usec() + CLAIMS_USEC, &claims, f);
                if (r < 0)
                        return r;
                r = check_claims(plan, claims, f);
                if (r == 0)
                        r = observe_all(t, plan, claims, limit, f);
                if (r == 0)
                        return journal_write_plan(t->journal, plan, f);
                if (r != -EAGAIN)
                        return r;
                claims = claims_unlock(claims);
                t->host->deadline = give_up;
                r = host_wait(t->host, 0, NULL, 0, 200 * USEC_PER_MSEC);
                if (r < 0)
                        return r == -ETIMEDOUT ? f->code : fault_set(f, r, t->domain, "the start was given up");
                *f = (Fault){ 0 };
        }
}

static int run_gate(Txn *t, int i, uint64_t limit, Fault *f)
{
        const Action *a = &t->journal->plan->actions[i];
        uint64_t start = host_now(t->host);
        int r;

        engine_deadline(t->host, a->timeout_ms * USEC_PER_MSEC, limit);
        r = step_find(a->step)->gate(t->host, a, f);
        if (r < 0 && t->host->stuck) /* a reset before the guest's time */
                engine_stuck(t, i, NULL, NULL, start, f);
        if (r < 0)
                return fault_default(f, r, a->target, "%s %s: %s", a->step, a->target, fault_errno(r));
        audit_step(t, a, NULL, NULL, "clear", host_now(t->host) - start, LOG_INFO, MESSAGE_STEP, NULL);
        return 0;
}

static int apply_one(Txn *t, int i, uint64_t limit, Fault *f)
{
        const Action *a = &t->journal->plan->actions[i];
        _cleanup_free_ char *from = NULL;
        uint64_t start = host_now(t->host);
        int r;

        r = journal_log(t->journal, LOG_WORD_INTENT, i, NULL);
        if (r < 0)
                return fault_set(f, r, a->target, "cannot write the journal %s: %s", t->journal->path, fault_errno(r));
        r = engine_converge(t, a, a->after, limit, &from, f);
        if (r < 0 && t->host->stuck) {
                engine_stuck(t, i, from, a->after, start, f);
                return r;
        }
        if (r < 0 && a->flags & ACTION_LENIENT) {
                audit_step(t, a, from, a->after, "left", host_now(t->host) - start, LOG_WARNING, MESSAGE_WARNING,
                           f->text);
                *f = (Fault){ 0 };
                return journal_log(t->journal, LOG_WORD_DONE, i, "left");
        }
        if (r < 0) {
                (void) journal_log(t->journal, LOG_WORD_FAIL, i, f->text);
                audit_step(t, a, from, a->after, "failed", host_now(t->host) - start, LOG_ERR, MESSAGE_STEP_FAILED,
                           f->text);
                return r;
        }
        r = journal_log(t->journal, LOG_WORD_DONE, i, NULL);
        if (r < 0)
                return fault_set(f, r, a->target, "cannot write the journal %s: %s", t->journal->path, fault_errno(r));
        audit_step(t, a, from, a->after, from && engine_satisfied(a, from, a->after) ? "already" : "done",
                   host_now(t->host) - start, LOG_INFO, MESSAGE_STEP, NULL);
        return 0;
}

/* Is everything that the guest needs for itself still where it was put? */
static int verify(Txn *t, uint64_t limit, Fault *f)
{
        const Plan *plan = t->journal->plan;

        for (size_t i = 0; i < plan->n_actions; i++) {
                const Action *a = &plan->actions[i];
                _cleanup_free_ char *now = NULL;
                int r;

                if (!has_value(a) || !(a->flags & ACTION_EXCLUSIVE) || a->flags & ACTION_LENIENT)
                        continue;
                engine_deadline(t->host, OBSERVE_USEC, limit);
                r = step_find(a->step)->observe(t->host, a, &now, f);
                if (r < 0 && t->host->stuck)
                        engine_stuck(t, (int) i, NULL, a->after, host_now(t->host), f);
                if (r < 0)
                        return fault_default(f, r, a->target, "%s %s: cannot see its state: %s", a->step, a->target,
                                             fault_errno(r));
                if (!engine_satisfied(a, now, a->after))
                        return fault_set(f, -EIO, a->target,
                                         "%s %s: was put to %s, but is %s again: something on this host moves it "
                                         "(a udev rule, driverctl, another hook?)",
                                         a->step, a->target, a->after, now);
        }
        return 0;
}

static int apply(Txn *t, uint64_t limit, Fault *f)
{
        const Plan *plan = t->journal->plan;
        int r;

        r = journal_log(t->journal, LOG_WORD_BEGIN, -1, NULL);
        if (r < 0)
                return fault_set(f, r, t->domain, "cannot write the journal %s: %s", t->journal->path, fault_errno(r));
        for (size_t i = 0; i < plan->n_actions; i++) {
                const Action *a = &plan->actions[i];

                if (!is_forward(a))
                        continue;
                r = check_going(t, limit, f);
                if (r < 0)
                        return r;
                r = a->flags & ACTION_GATE ? run_gate(t, (int) i, limit, f) : apply_one(t, (int) i, limit, f);
                if (r < 0)
                        return r;
        }
        r = verify(t, limit, f);
        if (r < 0)
                return r;
        r = check_going(t, limit, f);
        if (r < 0)
                return r;
        r = journal_log(t->journal, LOG_WORD_HELD, -1, NULL);
        return r < 0 ? fault_set(f, r, t->domain, "cannot write the journal %s: %s", t->journal->path, fault_errno(r))
                     : 0;
}

static void stamp(Txn *t, Plan *plan)
{
        _cleanup_free_ char *boot = NULL;
        struct timespec ts = { 0 };

        (void) clock_gettime(CLOCK_REALTIME, &ts);
        plan->created_usec = (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
        if (host_read(t->host, "/proc/sys/kernel/random/boot_id", &boot) >= 0)
                (void) snprintf(plan->boot_id, sizeof(plan->boot_id), "%s", boot);
}

int txn_prepare(Txn *t, Plan *plan_, Fault *f)
{
        _cleanup_(plan_freep) Plan *plan = plan_;
        uint64_t start = host_now(t->host), limit = start + t->forward_timeout;
        char text[sizeof(f->text)];
        Fault back = { 0 };
        int r, k;

        stamp(t, plan);
        audit_plan(t, plan);
        r = journal_plan(t, plan, limit, f);
        if (r < 0) {
                audit_outcome(t, LOG_ERR, MESSAGE_REFUSED, "refused", host_now(t->host) - start, f->text);
                if (!t->journal->plan)
                        (void) journal_remove(t->journal);
                return r;
        }
        TAKE_PTR(plan); /* the journal's now */
        r = apply(t, limit, f);
        if (r == 0) {
                (void) snprintf(text, sizeof(text), "ready for the guest after %llu ms",
                                (unsigned long long) ((host_now(t->host) - start) / 1000));
                audit_outcome(t, LOG_NOTICE, MESSAGE_READY, "ready", host_now(t->host) - start, text);
                return 0;
        }
        k = txn_revert(t, "the start was refused", &back);
        if (k < 0) {
                (void) snprintf(text, sizeof(text), "%s", f->text);
                (void) fault_set(f, r, f->culprit, "%.800s. %s%.600s", text,
                                 t->host->stuck ? "" : "NOT everything was put back: ", back.text);
        }
        audit_outcome(t, LOG_ERR, MESSAGE_REFUSED, k < 0 ? "refused, not restored" : "refused",
                      host_now(t->host) - start, f->text);
        return r;
}
