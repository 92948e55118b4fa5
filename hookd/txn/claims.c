/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/txn.h"

#include "step/step-util.h"
#include "util/fd.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

struct Claims {
        int fd;
        Journal **others;
        size_t n;
};

Claims *claims_unlock(Claims *c)
{
        if (!c)
                return NULL;
        journal_list_free(c->others, c->n);
        closep(&c->fd);
        free(c);
        return NULL;
}

static int take_flock(const char *root, uint64_t deadline, int *ret_fd, Fault *f)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -1;

        if (asprintf(&path, "%s/claims.lock", root) < 0) {
                path = NULL;
                return fault_set(f, -ENOMEM, root, "out of memory");
        }
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return fault_set(f, -errno, path, "cannot open %s: %s", path, fault_errno(-errno));
        while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                if (errno != EWOULDBLOCK && errno != EINTR)
                        return fault_set(f, -errno, path, "cannot lock %s: %s", path, fault_errno(-errno));
                if (now_usec() >= deadline)
                        return fault_set(f, -ETIMEDOUT, path,
                                         "another transaction has kept %s locked too long; "
                                         "`hookctl status` shows which",
                                         path);
                /* flock() has no deadline; the lock is held for milliseconds. */
                (void) poll(NULL, 0, MIN(20, usec_to_poll(deadline)));
        }
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int read_others(const char *root, const char *uuid, Claims *c, Fault *f)
{
        int r;

        r = journal_list(root, &c->others, &c->n, NULL);
        if (r < 0)
                return fault_set(f, r, root, "cannot read the journals in %s: %s", root, fault_errno(r));
        for (size_t i = 0; i < c->n; i++) {
                const Plan *p = c->others[i]->plan;

                if (p && !streq(p->uuid, uuid))
                        continue;
                journal_close(c->others[i]);
                c->others[i--] = c->others[--c->n];
        }
        return 0;
}

static int claims_new(const char *root, const char *uuid, bool lock, uint64_t deadline, Claims **ret, Fault *f)
{
        _cleanup_(claims_unlockp) Claims *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return fault_set(f, -ENOMEM, root, "out of memory");
        c->fd = -1;
        r = lock ? take_flock(root, deadline, &c->fd, f) : 0;
        if (r >= 0)
                r = read_others(root, uuid, c, f);
        if (r >= 0)
                *ret = TAKE_PTR(c);
        return r;
}

int claims_lock(const char *root, const char *uuid, uint64_t deadline, Claims **ret, Fault *f)
{
        return claims_new(root, uuid, true, deadline, ret, f);
}

int claims_look(const char *root, const char *uuid, Claims **ret, Fault *f)
{
        return claims_new(root, uuid, false, 0, ret, f);
}

static bool is_claim(const Action *a)
{
        return a->flags & (ACTION_EXCLUSIVE | ACTION_SHARED);
}

/* Is what a needs on top of what b takes? A mediated device goes with its parent's driver. */
static bool stands_on(const Action *a, const Action *b)
{
        _cleanup_free_ char *parent = NULL;

        return b->flags & ACTION_EXCLUSIVE && action_param(a, "parent", &parent) >= 0 && streq(parent, b->target);
}

/* A unit is one thing, whichever step stops it: the display manager may be in another guest's StopUnits=. And a
 * function that is shared, as those share it that have its virtual functions, is nobody's to take. */
static bool same_thing(const Action *a, const Action *b)
{
        if (streq(a->target, b->target))
                return streq(a->step, b->step) || ((a->flags | b->flags) & ACTION_SHARED && is_claim(a) && is_claim(b));
        return stands_on(a, b) || stands_on(b, a);
}

static int find_action(const Plan *p, const Action *a)
{
        for (size_t i = 0; i < p->n_actions; i++)
                if (same_thing(&p->actions[i], a))
                        return (int) i;
        return -1;
}

/* Has this action been put back, or handed on, already? */
static bool undone(const Journal *j, int i)
{
        bool r = false;

        for (size_t n = 0; n < j->n_lines; n++)
                if (j->lines[n].index == i)
                        r = j->lines[n].word == LOG_WORD_UNDONE;
        return r;
}

static bool undoing(const Journal *j, int i)
{
        bool r = false;

        for (size_t n = 0; n < j->n_lines; n++)
                if (j->lines[n].index == i)
                        r = j->lines[n].word == LOG_WORD_UNDO;
        return r;
}

/* Was action i begun on its way back by somebody who has died since? Then it may be here or there, and what it was
 * before is still known to j alone. */
static bool abandoned(const Journal *j, int i)
{
        return undoing(j, i) && !journal_locked(j);
}

/* Does journal j still need action i in its after state? One that is on its way back needs only what it has not reached
 * yet. */
static bool needs(const Journal *j, int i)
{
        switch (txn_state(j)) {
        case TXN_RELEASED:
                return false;
        case TXN_REVERTING:
        case TXN_STUCK:
                return txn_action_open(j, i) && !undoing(j, i);
        default:
                return !undone(j, i);
        }
}

/* Does the kernel keep a call of action i? */
static bool stuck_at(const Journal *j, int i)
{
        bool r = false;

        for (size_t n = 0; n < j->n_lines; n++)
                if (j->lines[n].word == LOG_WORD_STUCK)
                        r = j->lines[n].index == i;
        return r && txn_state(j) == TXN_STUCK;
}

ClaimVerdict claims_check(const Claims *c, const Action *a, const Journal **ret_owner, const char **ret_before)
{
        const Journal *oldest = NULL;
        int oldest_i = -1;

        if (!is_claim(a))
                return CLAIM_FREE;
        for (size_t n = 0; n < c->n; n++) {
                const Journal *j = c->others[n];
                TxnState state = txn_state(j);
                int i = find_action(j->plan, a);

                if (i < 0 || state == TXN_RELEASED)
                        continue;
                if ((a->flags | j->plan->actions[i].flags) & ACTION_EXCLUSIVE) {
                        *ret_owner = j;
                        /* Nobody works on it: it will not become free by waiting. */
                        return state == TXN_REVERTING && journal_locked(j) ? CLAIM_WAIT : CLAIM_HELD;
                }
                if (stuck_at(j, i)) { /* a look at it would not return either */
                        *ret_owner = j;
                        return CLAIM_HELD;
                }
                if (undoing(j, i) && !abandoned(j, i)) {
                        *ret_owner = j;
                        return CLAIM_WAIT;
                }
                if ((needs(j, i) || abandoned(j, i)) &&
                    (!oldest || j->plan->created_usec < oldest->plan->created_usec)) {
                        oldest = j;
                        oldest_i = i;
                }
        }
        if (!oldest)
                return CLAIM_FREE;
        *ret_owner = oldest;
        *ret_before = oldest->plan->actions[oldest_i].before;
        return CLAIM_INHERIT;
}

static int mark_unit(HostUnit *u, const Journal *j)
{
        for (size_t i = 0; i < j->plan->n_actions; i++) {
                const Action *a = &j->plan->actions[i];

                if (!(a->flags & ACTION_SHARED) || !streq(a->target, u->id) || !streq0(a->before, "active") ||
                    (!needs(j, (int) i) && !undoing(j, (int) i)))
                        continue;
                free(u->stopped_for);
                u->stopped_for = strdup(j->plan->domain);
                return u->stopped_for ? 0 : -ENOMEM;
        }
        return 0;
}

static int mark_functions(HostView *view, const Journal *j)
{
        TxnState state = txn_state(j);

        if (state != TXN_APPLYING && state != TXN_REVERTING && state != TXN_STUCK)
                return 0;
        for (size_t i = 0; i < view->n_functions; i++) {
                HostFunction *fn = &view->functions[i];
                char bdf[PCI_FORMAT_MAX];

                if (fn->between || !strv_contains(j->plan->functions, pci_format(&fn->address, bdf)))
                        continue;
                fn->between = strdup(j->plan->domain);
                if (!fn->between)
                        return -ENOMEM;
        }
        return 0;
}

/* What another guest's transaction has still to make is not to be had any more. */
static void mark_mediated(HostView *view, const Journal *j)
{
        for (size_t i = 0; i < j->plan->n_actions; i++) {
                const Action *a = &j->plan->actions[i];
                _cleanup_free_ char *parent = NULL;

                if (!strv_contains(j->plan->mediated, a->target) || !needs(j, (int) i) ||
                    hostview_mdev(view, a->target) || action_param(a, "parent", &parent) < 0)
                        continue;
                for (size_t k = 0; k < view->n_mdev_types; k++) {
                        HostMdevType *t = &view->mdev_types[k];

                        if (streq(t->parent, parent) && streq0(a->after, t->id))
                                t->available = MAX(t->available - 1, 0);
                }
        }
}

/* Virtual functions come and go one by one: while another guest's transaction makes or takes them away the number is
 * the one that it is on its way to. */
static void mark_virtual(HostView *view, const Journal *j)
{
        for (size_t i = 0; i < j->plan->n_actions; i++) {
                const Action *a = &j->plan->actions[i];
                bool going = undoing(j, (int) i) && journal_locked(j);
                uint64_t n;

                if (!(a->flags & ACTION_SHARED) || (!going && !needs(j, (int) i)) ||
                    parse_uint(going ? a->before : a->after, UINT16_MAX, &n) < 0)
                        continue;
                for (size_t k = 0; k < view->n_functions; k++) {
                        HostFunction *fn = &view->functions[k];
                        char bdf[PCI_FORMAT_MAX];

                        if (fn->sriov_total > 0 && streq(pci_format(&fn->address, bdf), a->target))
                                fn->sriov_vfs = going ? (int) n : MAX(fn->sriov_vfs, (int) n);
                }
        }
}

int claims_mark(const char *root, const char *uuid, HostView *view)
{
        Journal **list = NULL;
        size_t n = 0;
        int r;

        r = journal_list(root, &list, &n, NULL);
        for (size_t i = 0; i < n && r >= 0; i++) {
                const Plan *p = list[i]->plan;

                if (!p || streq(p->uuid, uuid))
                        continue;
                r = view->display_manager ? mark_unit(view->display_manager, list[i]) : 0;
                for (size_t k = 0; k < view->n_units && r >= 0; k++)
                        r = mark_unit(&view->units[k], list[i]);
                if (r >= 0)
                        r = mark_functions(view, list[i]);
                mark_mediated(view, list[i]);
                mark_virtual(view, list[i]);
        }
        journal_list_free(list, n);
        return r;
}

bool claims_needed_by_other(const Claims *c, const Action *a, const Journal **ret_other)
{
        for (size_t n = 0; n < c->n; n++) {
                int i = find_action(c->others[n]->plan, a);

                if (i >= 0 && needs(c->others[n], i)) {
                        *ret_other = c->others[n];
                        return true;
                }
        }
        return false;
}
