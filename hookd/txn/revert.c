/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/txn.h"

#include "step/step.h"
#include "util/fd.h"
#include "util/log.h"

#include <stdio.h>

#define CLAIMS_USEC  (10 * USEC_PER_SEC)
#define OBSERVE_USEC (10 * USEC_PER_SEC)

typedef enum Undo { UNDO_DONE, UNDO_FAILED, UNDO_STUCK, UNDO_SKIPPED } Undo;

static bool finished(const Journal *j, int i)
{
        for (size_t n = 0; n < j->n_lines; n++)
                if (j->lines[n].index == i && j->lines[n].word == LOG_WORD_UNDONE)
                        return true;
        return false;
}

/* Is the call that does not return the one for this action? Then nothing that can be seen of it counts yet. */
static bool stuck_at(const Journal *j, int i)
{
        bool r = false;

        for (size_t n = 0; n < j->n_lines; n++)
                if (j->lines[n].word == LOG_WORD_STUCK)
                        r = j->lines[n].index == i;
        return r;
}

/* A step before it may have moved a target that is the card's own: loading vfio-pci binds what the overrides name. And
 * another guest that had a shared target first may have left it to this transaction, which had not come to it yet. And
 * a module that came back when the card did not, at the first try, may serve it only when it is loaded anew; a display
 * manager that was started without its card has ended. */
static bool moved(Txn *t, int i)
{
        const Action *a = &t->journal->plan->actions[i];
        _cleanup_free_ char *now = NULL;
        Fault f = { 0 };
        int r;

        if (t->host->stuck || !a->before)
                return false;
        engine_deadline(t->host, OBSERVE_USEC, UINT64_MAX);
        r = step_find(a->step)->observe(t->host, a, &now, &f);
        if (r < 0 && t->host->stuck)
                engine_stuck(t, i, NULL, a->before, host_now(t->host), &f);
        return r < 0 || !engine_satisfied(a, now, a->before);
}

BackNeed txn_back_need(const Journal *j, int i, bool anything_open, bool before_open)
{
        const Action *a = &j->plan->actions[i];
        bool may_move;

        if (a->flags & ACTION_GATE || step_find(a->step)->back == 0)
                return BACK_NOTHING;
        if (a->flags & ACTION_BACK)
                return anything_open && !finished(j, i) && (!(a->flags & ACTION_AFTER_HELD) || txn_was_held(j))
                               ? BACK_UNDO
                               : BACK_NOTHING;
        if (txn_action_open(j, i))
                return BACK_UNDO;
        /* What is back is moved by what comes before it only. What comes after it may take it away for good: the
         * virtual functions, when their drivers are back. */
        may_move = finished(j, i) ? before_open : anything_open;
        if (a->flags & ACTION_SHARED ? !finished(j, i) || (may_move && a->flags & ACTION_CARD)
                                     : may_move && a->flags & (ACTION_EXCLUSIVE | ACTION_TRANSIT))
                return BACK_IF_MOVED;
        return BACK_NOTHING;
}

bool txn_anything_open(const Journal *j)
{
        for (size_t i = 0; i < j->plan->n_actions; i++)
                if (txn_action_open(j, (int) i))
                        return true;
        return false;
}

/* Is there anything to do for action i on the way back? */
static bool wanted(Txn *t, int i, bool anything_open, bool before_open)
{
        BackNeed need = txn_back_need(t->journal, i, anything_open, before_open);

        return need == BACK_UNDO || (need == BACK_IF_MOVED && moved(t, i));
}

/* Ranks of the way back; inside a step the reverse of the way there. */
void txn_back_order(const Plan *plan, int *order)
{
        for (size_t i = 0; i < plan->n_actions; i++) {
                size_t at;

                for (at = i; at > 0; at--) {
                        int mine = step_find(plan->actions[i].step)->back;

                        if (step_find(plan->actions[order[at - 1]].step)->back < mine)
                                break;
                        order[at] = order[at - 1];
                }
                order[at] = (int) i;
        }
}

/* A shared target that another open transaction still needs is left to the last one. Decided and noted under the lock.
 */
static int hand_over(Txn *t, int i, bool *ret_left, Fault *f)
{
        const Action *a = &t->journal->plan->actions[i];
        _cleanup_(claims_unlockp) Claims *claims = NULL;
        const Journal *other = NULL;
        char text[512];
        int r;

        *ret_left = false;
        if (a->flags & ACTION_SHARED) {
                r = claims_lock(t->root, t->journal->plan->uuid, now_usec() + CLAIMS_USEC, &claims, f);
                if (r < 0)
                        return r;
                *ret_left = claims_needed_by_other(claims, a, &other);
        }
        r = journal_log(t->journal, *ret_left ? LOG_WORD_UNDONE : LOG_WORD_UNDO, i, *ret_left ? "left" : NULL);
        if (*ret_left) {
                (void) snprintf(text, sizeof(text), "left as it is for the guest %s", other->plan->domain);
                audit_step(t, a, a->after, a->before, "left", 0, LOG_INFO, MESSAGE_STEP, text);
        }
        return r;
}

/* The card has not come back from its reset: nobody shall be given it as if it were fine. */
static bool is_lost(const Action *a, int r)
{
        return r == -ENODEV && a->flags & ACTION_BACK && a->flags & ACTION_ONE_WAY;
}

/* again: there will be another try, because something before it has failed. */
static Undo undo_one(Txn *t, int i, uint64_t limit, bool again, Fault *f)
{
        const Action *a = &t->journal->plan->actions[i];
        const char *value = a->flags & ACTION_BACK ? a->after : a->before;
        uint64_t start = host_now(t->host);
        _cleanup_free_ char *from = NULL;
        bool left;
        int r;

        /* what exists only on the way back, a reset and the wait for device files, is the card's as well */
        if (t->host->stuck && (a->flags & (ACTION_CARD | ACTION_BACK) || stuck_at(t->journal, i)))
                return UNDO_SKIPPED;
        /* What cannot be journaled (a full /run) is undone all the same: the worst is doing it twice. */
        if (hand_over(t, i, &left, f) >= 0 && left)
                return UNDO_DONE;
        *f = (Fault){ 0 };
        r = engine_converge(t, a, value, limit, &from, f);
        if (r < 0 && t->host->stuck) {
                engine_stuck(t, i, from, value, start, f);
                return UNDO_STUCK;
        }
        if (r < 0 && (a->flags & ACTION_ONE_WAY || (a->flags & ACTION_LENIENT && !again)) && !is_lost(a, r)) {
                audit_step(t, a, from, value, "one-way", host_now(t->host) - start, LOG_NOTICE, MESSAGE_WARNING,
                           f->text);
                (void) journal_log(t->journal, LOG_WORD_UNDONE, i, "one-way");
                *f = (Fault){ 0 };
                return UNDO_DONE;
        }
        if (r < 0) {
                (void) journal_log(t->journal, LOG_WORD_UNDO_FAIL, i, f->text);
                audit_step(t, a, from, value, "failed", host_now(t->host) - start, LOG_ERR, MESSAGE_STEP_FAILED,
                           f->text);
                return UNDO_FAILED;
        }
        (void) journal_log(t->journal, LOG_WORD_UNDONE, i, NULL);
        audit_step(t, a, from, value, from && engine_satisfied(a, from, value) ? "already" : "done",
                   host_now(t->host) - start, LOG_INFO, MESSAGE_STEP, NULL);
        return UNDO_DONE;
}

/* systemd queues a start job for shutdown.target (bootup(7)). */
bool txn_shutting_down(Host *h)
{
        UnitInfo info = { 0 };

        engine_deadline(h, 5 * USEC_PER_SEC, UINT64_MAX);
        return host_unit(h, UNIT_STATE, "shutdown.target", &info) >= 0 &&
               (streq(info.job, "start") || streq(info.active, "active"));
}

static int finish(Txn *t, Fault *f)
{
        int r;

        (void) journal_log(t->journal, LOG_WORD_RELEASED, -1, NULL);
        r = journal_remove(t->journal);
        return r < 0 ? fault_set(f, r, t->journal->path, "cannot remove the finished journal %s: %s", t->journal->path,
                                 fault_errno(r))
                     : 0;
}

int txn_revert(Txn *t, const char *why, Fault *f)
{
        const Plan *plan = t->journal->plan;
        uint64_t start = host_now(t->host), limit = start + t->back_timeout;
        _cleanup_free_ int *order = NULL;
        bool anything_open, before_open = false;
        size_t failed = 0, skipped = 0;
        Fault first = { 0 }, stuck = { 0 };

        for (size_t i = 0; i < plan->n_actions; i++)
                if (!step_find(plan->actions[i].step))
                        return fault_set(f, -EBADMSG, t->journal->path, "%s/plan: this hookd has no step '%s'",
                                         t->journal->path, plan->actions[i].step);
        t->host->no_cancel = true;
        /* Whoever has the lock of a stuck transaction, which its hand keeps, knows that the hand is gone. */
        if (txn_state(t->journal) == TXN_STUCK && !t->host->stuck)
                (void) journal_log(t->journal, LOG_WORD_UNSTUCK, -1, NULL);
        (void) journal_log(t->journal, LOG_WORD_REVERT, -1, why);
        if (txn_shutting_down(t->host)) {
                audit_outcome(t, LOG_NOTICE, MESSAGE_RELEASED, "left", 0,
                              "the host is shutting down, nothing is put back");
                return finish(t, f);
        }
        order = calloc(plan->n_actions + 1, sizeof(*order));
        if (!order)
                return fault_set(f, -ENOMEM, t->domain, "out of memory");
        txn_back_order(plan, order);
        anything_open = txn_anything_open(t->journal);
        for (size_t n = 0; n < plan->n_actions; n++) {
                bool open = txn_action_open(t->journal, order[n]);
                Fault one = { 0 };
                Undo u;

                if (!wanted(t, order[n], anything_open, before_open))
                        continue;
                before_open = before_open || open;
                u = undo_one(t, order[n], limit, failed > 0, &one);
                if (u == UNDO_FAILED && failed++ == 0)
                        first = one;
                if (u == UNDO_STUCK)
                        stuck = one;
                skipped += u == UNDO_SKIPPED || u == UNDO_STUCK;
        }
        if (failed == 0 && skipped == 0) {
                audit_outcome(t, LOG_NOTICE, MESSAGE_RELEASED, "released", host_now(t->host) - start,
                              "the host is as it was");
                return finish(t, f);
        }
        if (t->host->stuck)
                (void) fault_set(
                        f, -EBUSY, t->domain,
                        "%.800s%sThe card is stuck: %zu of the changes stay until the kernel call returns, and "
                        "are undone by themselves then. End what uses the card, else only a reboot helps "
                        "(`hookctl status`)%s%.400s",
                        stuck.text, stuck.code ? ". " : "", skipped, failed > 0 ? "; besides: " : "",
                        failed > 0 ? first.text : "");
        else
                (void) fault_set(f, first.code, first.culprit,
                                 "%zu of the changes could not be undone: %.1000s; `hookctl release` tries again",
                                 failed, first.text);
        audit_outcome(t, LOG_ERR, MESSAGE_RELEASE_FAILED, "failed", host_now(t->host) - start, f->text);
        return f->code;
}
