/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

/* The fake's time and what happens in it by itself. */

Later *later_add(Fake *k, LaterWhat what, uint64_t in, const char *target, int pid)
{
        FOREACH(Later, x, k->s.later, MAX_LATER)
        {
                if (x->what != LATER_NONE)
                        continue;
                *x = (Later){ .what = what, .when = k->s.clock + MAX(in, 1), .pid = pid };
                text_set(x->target, target);
                return x;
        }
        abort(); /* more at once than any test means */
}

void fake_uevent(Fake *k)
{
        k->dirty = true;
        k->woken = true;
        k->s.udev_busy_until = k->s.clock + k->s.settle;
}

static void happen(Fake *k, Later *x)
{
        Later now = *x;
        Function *fn;
        Unit *u;

        *x = (Later){ 0 };
        k->dirty = true;
        switch (now.what) {
        case LATER_AUTOLOAD:
                fn = function_find(k, now.target);
                if (fn && fn->present)
                        module_autoload_now(k, fn);
                break;
        case LATER_HOLDER_EXIT:
                holder_remove(k, now.pid);
                break;
        case LATER_UNIT_STOP:
                u = unit_find(k, now.target);
                if (u && (streq(u->active, "active") || streq(u->active, "deactivating")))
                        (void) unit_stop(k, u, NULL);
                break;
        case LATER_RESPAWN:
                FOREACH(Session, s, k->s.sessions, k->s.n_sessions)
                if (streq(s->id, now.target))
                        session_respawn(k, s);
                break;
        case LATER_OP:
                (void) fake_do(k, now.op, now.target, now.value);
                break;
        case LATER_NONE:
                break;
        }
}

static bool still_waits(Fake *k, const Later *x, const Function *fn)
{
        static const char mdevs[] = "/sys/bus/mdev/devices/";

        if (startswith(x->target, mdevs)) {
                const Mdev *m = mdev_find(k, files_string(k, "%.36s", x->target + strlen(mdevs)));

                return m && mdev_waits(k, m);
        }
        if (!fn)
                return false;
        return endswith(x->target, "/sriov_numvfs") ? sriov_waits(k, fn) : pci_unbind_waits(k, fn);
}

/* Something has let go of a node: calls that wait for nothing else look again. */
void clock_settle(Fake *k)
{
        FOREACH(Later, x, k->s.later, MAX_LATER)
        {
                Function *fn;
                bool held = false;

                if (x->what != LATER_OP || !x->hung || !x->natural)
                        continue;
                fn = op_function(k, x->target, x->value);
                FOREACH(Later, y, k->s.later, MAX_LATER)
                held |= y->what == LATER_OP && y->hung && !y->natural && fn == op_function(k, y->target, y->value);
                if (held || still_waits(k, x, fn))
                        continue;
                if (fn)
                        fn->locked = fn->leaving = false;
                happen(k, x);
        }
}

unsigned fake_release_hangs(Host *h)
{
        Fake *k = fake_of(h);
        unsigned n = 0;

        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        fn->locked = fn->leaving = false;
        FOREACH(Later, x, k->s.later, MAX_LATER)
        if (x->what == LATER_OP && x->hung) {
                happen(k, x);
                n++;
        }
        return n;
}

bool clock_step(Fake *k, uint64_t until)
{
        Later *next = NULL;

        FOREACH(Later, x, k->s.later, MAX_LATER)
        if (x->what != LATER_NONE && !x->hung && !x->at_op && x->when <= until && (!next || x->when < next->when))
                next = x;
        if (!next) {
                k->s.clock = MAX(k->s.clock, until);
                return false;
        }
        k->s.clock = MAX(k->s.clock, next->when);
        happen(k, next);
        return true;
}

void fake_spend(Fake *k, uint64_t usec)
{
        uint64_t until = k->s.clock + usec;
        bool busy = k->s.udev_busy_until > k->s.clock;

        while (clock_step(k, until))
                ;
        if (busy && k->s.udev_busy_until <= k->s.clock)
                k->dirty = true;
        FOREACH(Module, m, k->s.modules, k->s.n_modules)
        if (m->busy_until && m->busy_until <= k->s.clock) {
                m->busy_until = 0;
                k->dirty = true; /* its refcnt shows */
        }
}

void fake_advance(Host *h, uint64_t usec)
{
        fake_spend(fake_of(h), usec);
}
