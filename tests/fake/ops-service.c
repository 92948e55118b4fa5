/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

#include <poll.h>
#include <signal.h>

/* HostOps of what is not a file: units, sessions, processes, time. */

static void unit_info(const Unit *u, UnitInfo *ret)
{
        char result[sizeof(ret->result)];

        memcpy(result, ret->result, sizeof(result));
        *ret = (UnitInfo){ .stop_timeout = u->stop_timeout };
        memcpy(ret->result, result, sizeof(result));
        text_set(ret->id, u->id);
        text_set(ret->load, u->load);
        text_set(ret->active, u->active);
        text_set(ret->job, u->job);
        text_set(ret->cgroup, u->cgroup);
}

int op_unit(Host *h, UnitOp op, const char *name, UnitInfo *ret)
{
        static const char *const names[] = { "unit-state", "unit-start", "unit-stop", "unit-reset-failed" };
        Fake *k = fake_of(h);
        UnitInfo info = { 0 };
        uint64_t limit;
        Unit *u;
        int r;

        r = fault_begin(k, names[op], name, NULL, false, op != UNIT_STATE);
        if (r == HANGS) /* a job that never ends */
                fake_spend(k, h->deadline == UINT64_MAX ? 0 : h->deadline - MIN(h->deadline, k->s.clock));
        if (r < 0)
                return r == HANGS ? -ETIMEDOUT : r;
        fake_spend(k, COST_WRITE);
        u = unit_find(k, name);
        if (!u)
                return op == UNIT_STOP ? 0 : -ENOENT;
        limit = op == UNIT_STOP ? MIN(u->stop_takes, u->stop_timeout) : op == UNIT_START ? u->start_takes : 0;
        if (r > 0) {
                snprintf(info.result, sizeof(info.result), "done");
                r = 0;
        } else if (limit && h->deadline != UINT64_MAX && k->s.clock + limit > h->deadline) {
                /* the job goes on without us */
                if (op == UNIT_STOP && !streq(u->active, "deactivating")) {
                        (void) later_add(k, LATER_UNIT_STOP, limit, u->id, 0);
                        text_set(u->active, "deactivating");
                        text_set(u->job, "stop");
                }
                fake_spend(k, h->deadline - MIN(h->deadline, k->s.clock));
                r = -ETIMEDOUT;
        } else if (op == UNIT_START) {
                r = unit_start(k, u, &info);
        } else if (op == UNIT_STOP) {
                r = unit_stop(k, u, &info);
        } else if (op == UNIT_RESET_FAILED && streq(u->active, "failed")) {
                snprintf(u->active, sizeof(u->active), "inactive");
        }
        unit_info(u, &info);
        if (ret)
                *ret = info;
        fault_end(k, op != UNIT_STATE);
        return r;
}

static int sessions(Fake *k, HostSession **ret, size_t *ret_n)
{
        HostSession *v = calloc(MAX_SESSIONS, sizeof(*v));
        size_t n = 0;

        if (!v)
                return -ENOMEM;
        FOREACH(Session, x, k->s.sessions, k->s.n_sessions)
        {
                if (x->gone)
                        continue;
                v[n++] = (HostSession){
                        .id = strdup(x->id),
                        .user = strdup(x->user),
                        .uid = x->uid,
                        .seat = strdup(x->seat),
                        .tty = strdup(x->tty),
                        .type = strdup(x->type),
                        .class = strdup(x->class),
                        .service = strdup(x->service),
                        .scope = strdup(x->scope),
                        .state = strdup(x->state),
                        .remote = x->remote,
                        .linger = x->linger,
                };
        }
        *ret = v;
        *ret_n = n;
        return 0;
}

int op_session(Host *h, SessionOp op, const char *id, HostSession **ret, size_t *ret_n)
{
        Fake *k = fake_of(h);
        bool effect = op == SESSION_TERMINATE;
        int r;

        r = fault_begin(k, effect ? "session-terminate" : "session-list", id ? id : "", NULL, false, effect);
        if (r > 0 && effect)
                return 0;
        if (r < 0)
                return r == HANGS ? -ETIMEDOUT : r;
        fake_spend(k, COST_WRITE);
        r = effect ? session_terminate(k, id) : sessions(k, ret, ret_n);
        if (effect)
                fake_spend(k, 100 * USEC_PER_MSEC);
        fault_end(k, effect);
        return r;
}

static int by_pid(const void *a, const void *b)
{
        return ((const HostHolder *) a)->pid - ((const HostHolder *) b)->pid;
}

int op_holders(Host *h, char *const *nodes, HostHolder **ret, size_t *ret_n)
{
        Fake *k = fake_of(h);
        HostHolder *v;
        size_t n = 0;
        int r;

        r = fault_begin(k, "holders", "", NULL, false, false);
        if (r < 0)
                return r;
        fake_spend(k, 100 * COST_READ);
        v = calloc(MAX_HOLDERS * 8, sizeof(*v));
        if (!v)
                return -ENOMEM;
        FOREACH(Holder, x, k->s.holders, k->s.n_holders)
        STRV_FOREACH (node, nodes) {
                if (!word_in(x->nodes, *node) || !node_exists(k, *node) || n >= MAX_HOLDERS * 8)
                        continue;
                v[n] = (HostHolder){ .pid = x->pid,
                                     .start_time = x->start,
                                     .uid = x->uid,
                                     .comm = strdup(x->comm),
                                     .cgroup = strdup(x->cgroup),
                                     .node = strdup(*node),
                                     .mapped = x->mapped };
                if (cgroup_units(x->cgroup, &v[n].unit, &v[n].user_unit) < 0)
                        abort();
                n++;
        }
        qsort(v, n, sizeof(*v), by_pid);
        *ret = v;
        *ret_n = n;
        fault_end(k, false);
        return 0;
}

int op_signal(Host *h, const HostHolder *holder, int signo)
{
        Fake *k = fake_of(h);
        char target[48];
        int r;

        snprintf(target, sizeof(target), "%s %d", holder->comm ? holder->comm : "?", signo);
        if (holder->pid == 1 || streq0(holder->comm, "systemd-logind"))
                fake_violation(k, "signal %d to %s", signo, holder->comm);
        r = fault_begin(k, "signal", target, NULL, false, true);
        if (r != 0)
                return r > 0 ? 0 : r;
        fake_spend(k, COST_READ);
        r = -ESRCH;
        FOREACH(Holder, x, k->s.holders, k->s.n_holders)
        {
                if (x->pid != holder->pid || x->start != holder->start_time)
                        continue;
                r = 0;
                if (!streq(x->leaves, "never") && (signo == SIGKILL || !streq(x->leaves, "kill")))
                        (void) later_add(k, LATER_HOLDER_EXIT, 50 * USEC_PER_MSEC, "", x->pid);
                break;
        }
        fault_end(k, true);
        return r;
}

static bool all_there(Fake *k, const HostHolder *holders, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                bool found = false;

                FOREACH(Holder, x, k->s.holders, k->s.n_holders)
                found |= x->pid == holders[i].pid && x->start == holders[i].start_time;
                if (!found)
                        return false;
        }
        return true;
}

int op_wait(Host *h, unsigned what, const HostHolder *holders, size_t n, uint64_t slice_usec)
{
        Fake *k = fake_of(h);
        struct pollfd p = { .fd = h->cancel_fd, .events = POLLIN };
        uint64_t until;
        int r;

        r = fault_begin(k, "wait", "", NULL, false, false);
        if (r < 0)
                return r;
        if (!h->no_cancel && h->cancel_fd >= 0 && poll(&p, 1, 0) > 0)
                return -ECANCELED;
        until = slice_usec > UINT64_MAX - k->s.clock ? UINT64_MAX : k->s.clock + slice_usec;
        until = MIN(until, h->deadline);
        if (until == UINT64_MAX) {
                fake_violation(k, "wait() without an end");
                return -EDEADLK;
        }
        k->woken = false;
        while (k->s.clock < until && all_there(k, holders, n) && !(what & WAIT_UEVENT && k->woken))
                (void) clock_step(k, until);
        k->dirty = true; /* udev's queue and reference counts change with time */
        fault_end(k, false);
        return k->s.clock >= h->deadline ? -ETIMEDOUT : 0;
}
