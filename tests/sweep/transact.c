/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep.h"

#include <stdio.h>

/* What the worker does with a transaction, each as a process of its own would. */

static Txn txn(Combo *c, Journal *j, const char *root, bool back)
{
        return (Txn){
                .host = c->h,
                .journal = j,
                .root = root,
                .domain = c->plan->domain,
                .event = back ? "release/end" : "prepare/begin",
                .forward_timeout = c->forward,
                .back_timeout = back ? c->back : c->rollback,
        };
}

int life_prepare(Combo *c, const char *root, bool owner, Fault *f)
{
        _cleanup_(journal_closep) Journal *j = NULL;
        Plan *plan = NULL;
        Txn t;
        int r;

        c->h->no_cancel = false;
        r = plan_decode(c->plan_text, strlen(c->plan_text), &plan, f);
        if (r < 0)
                return r;
        r = journal_create(root, plan->uuid, &j, f);
        if (r >= 0 && owner)
                r = journal_set_owner(j, OWNER_PID, OWNER_PID);
        if (r < 0) {
                plan_free(plan);
                return r;
        }
        t = txn(c, j, root, false);
        return txn_prepare(&t, plan, f);
}

int life_other_prepare(Combo *c, const char *root, Fault *f)
{
        _cleanup_(journal_closep) Journal *j = NULL;
        bool stuck = c->h->stuck; /* another process has no hand of its own there */
        Plan *plan = NULL;
        Txn t;
        int r;

        r = plan_decode(c->plan_text, strlen(c->plan_text), &plan, f);
        if (r < 0)
                return r;
        (void) snprintf(plan->uuid, sizeof(plan->uuid), "%s", OTHER_UUID);
        r = journal_create(root, plan->uuid, &j, f);
        if (r < 0) {
                plan_free(plan);
                return r;
        }
        t = txn(c, j, root, false);
        c->h->stuck = false;
        r = txn_prepare(&t, plan, f);
        c->h->stuck = stuck;
        return r;
}

/* Another process opens what is there and goes back. -ENOENT: nothing was there. */
int life_release(Combo *c, const char *root, bool unstuck, Fault *f)
{
        _cleanup_(journal_closep) Journal *j = NULL;
        Txn t;
        int r;

        r = journal_open(root, c->plan->uuid, 1, &j, f);
        if (r < 0)
                return r;
        if (!j->plan)
                return journal_remove(j);
        if (unstuck)
                (void) journal_log(j, LOG_WORD_UNSTUCK, -1, NULL);
        t = txn(c, j, root, true);
        return txn_revert(&t, "release", f);
}

int life_recover(Combo *c, const char *root, bool *ret_kept, Fault *f)
{
        _cleanup_(journal_closep) Journal *j = NULL;
        Txn t;
        int r;

        *ret_kept = false;
        r = journal_open(root, c->plan->uuid, 1, &j, f);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        t = txn(c, j, root, true);
        return txn_recover(&t, ret_kept, f);
}

bool life_journal_left(Combo *c, const char *root)
{
        char path[512];

        (void) snprintf(path, sizeof(path), "%s/%s", root, c->plan->uuid);
        return access(path, F_OK) == 0;
}

void life_journal_clear(Combo *c, const char *root)
{
        _cleanup_(journal_closep) Journal *j = NULL;

        if (c->plan && journal_open(root, c->plan->uuid, 1, &j, NULL) >= 0)
                (void) journal_remove(j);
}
