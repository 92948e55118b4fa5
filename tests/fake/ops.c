/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>

/* HostOps on the fake: each operation passes the faults, costs time, and then acts on the state. */

enum { COST_READ = 15, COST_WRITE = 400, COST_HAND = 2000, COST_BUS = 5000 };

void fake_violation(Fake *k, const char *fmt, ...)
{
        _cleanup_free_ char *line = NULL;
        char *all;
        va_list ap;

        va_start(ap, fmt);
        if (vasprintf(&line, fmt, ap) < 0)
                abort();
        va_end(ap);
        if (asprintf(&all, "%s%s\n", k->violations ? k->violations : "", line) < 0)
                abort();
        free(k->violations);
        k->violations = all;
}

/* The function whose device lock a call takes. */
Function *op_function(Fake *k, const char *target, const char *value)
{
        Function *fn = value ? function_find(k, value) : NULL;

        for (const char *p = strrchr(target, '/'); !fn && p && p > target;) {
                char name[24];

                snprintf(name, sizeof(name), "%.*s", (int) strcspn(p + 1, "/"), p + 1);
                fn = function_find(k, name);
                do
                        p--;
                while (p > target && *p != '/');
        }
        return fn;
}

/* The call does not return. Time goes on until the deadline; what it waits for may go away meanwhile. */
static int hang(Fake *k, const char *op, const char *target, const char *value, bool natural, bool hand)
{
        Function *fn = op_function(k, target, value);
        Later *x = later_add(k, LATER_OP, 0, target, 0);
        char name[sizeof(x->op)];

        if (!hand) {
                fake_violation(k, "%s %s blocks for ever outside a hand", op, target);
                *x = (Later){ 0 };
                return -EDEADLK;
        }
        x->hung = true;
        x->natural = natural;
        text_set(name, op);
        memcpy(x->op, name, sizeof(name));
        text_set(x->value, value ? value : "");
        if (fn) {
                fn->locked = true;
                fn->leaving = endswith(target, "/unbind") || endswith(target, "/remove");
        }
        if (startswith(op, "module-unload") && module_find(k, target))
                module_find(k, target)->going = true;
        k->dirty = true;
        if (k->host.deadline != UINT64_MAX)
                while (k->s.clock < k->host.deadline) {
                        (void) clock_step(k, k->host.deadline);
                        if (!x->hung)
                                return 0; /* what it waited for went away in time */
                }
        k->host.stuck = true;
        k->host.stuck_pid = 0; /* no process of this machine */
        snprintf(k->host.stuck_what, sizeof(k->host.stuck_what), "%s %s", op, target);
        return -ETIMEDOUT;
}

static int cost(Fake *k, uint64_t usec)
{
        fake_spend(k, usec);
        return 0;
}

static int do_write(Fake *k, const char *path, const char *value)
{
        const Node *n = files_find(k, path, true);
        char text[256];

        if (!n)
                return -ENOENT;
        if (n->kind == 'd')
                return -EISDIR;
        if (!n->store && !n->object)
                return startswith(path, "/sys/") || startswith(path, "/proc/") ? -EACCES : 0;
        if (n->store && n->locks && n->function->locked)
                return HANGS;
        text_set(text, value);
        text[strcspn(text, "\n")] = '\0';
        if (n->store)
                return n->store(k, n, text);
        (void) pool_add(k, value, &((Raw *) n->object)->value);
        k->dirty = true;
        return 0;
}

int fake_do(Fake *k, const char *op, const char *target, const char *value)
{
        if (streq(op, "write"))
                return do_write(k, target, value);
        if (streq(op, "module-load"))
                return module_load(k, target);
        if (streq(op, "module-unload")) {
                Module *m = module_find(k, target);

                if (m)
                        m->going = false;
                return module_unload(k, target);
        }
        if (streq(op, "session-terminate"))
                return session_terminate(k, target);
        if (startswith(op, "unit-")) {
                Unit *u = unit_find(k, target);

                if (!u)
                        return -ENOENT;
                return streq(op, "unit-start") ? unit_start(k, u, NULL) : unit_stop(k, u, NULL);
        }
        return 0;
}

static int op_read(Host *h, const char *path, unsigned flags, char **ret)
{
        Fake *k = fake_of(h);
        bool hand = flags & HOST_HAND;
        const Node *n;
        size_t size;
        int r;

        r = fault_begin(k, "read", path, NULL, hand, false);
        if (r != 0)
                return r == HANGS ? hang(k, "read", path, NULL, false, hand) : r;
        (void) cost(k, hand ? COST_HAND : COST_READ);
        n = files_find(k, path, true);
        if (!n)
                return -ENOENT;
        if (n->kind == 'd')
                return -EISDIR;
        if (n->locks && !hand)
                fake_violation(k, "read %s waits for the device lock: only in a hand", path);
        if (n->locks && n->function->locked)
                return hang(k, "read", path, NULL, true, hand);
        *ret = strdup(n->value);
        if (!*ret)
                return -ENOMEM;
        size = strlen(*ret);
        if (size > 0 && (*ret)[size - 1] == '\n')
                (*ret)[size - 1] = '\0';
        fault_end(k, false);
        return 0;
}

static int op_write(Host *h, const char *path, const char *value, unsigned flags)
{
        Fake *k = fake_of(h);
        bool hand = flags & HOST_HAND;
        const Node *n = files_find(k, path, true);
        char text[64];
        int r;

        snprintf(text, sizeof(text), "%.*s", (int) strcspn(value, "\n"), value);
        if (n && n->risky && !hand)
                fake_violation(k, "write %s may block in the kernel: only in a hand", path);
        r = fault_begin(k, "write", path, value, hand, true);
        if (r > 0)
                return 0;
        if (r == HANGS)
                return hang(k, "write", path, text, false, hand);
        if (r < 0)
                return r;
        (void) cost(k, hand ? COST_HAND : COST_WRITE);
        if (streq(value, ""))
                return 0; /* a write of nothing never reaches the kernel */
        r = do_write(k, path, value);
        if (r == HANGS)
                r = hang(k, "write", path, text, true, hand);
        else
                (void) cost(k, endswith(path, "/rescan") || endswith(path, "/remove") || endswith(path, "bind")
                                       ? 40 * COST_BUS
                                       : 0);
        fault_end(k, true);
        return r;
}

static int op_readlink(Host *h, const char *path, char **ret)
{
        Fake *k = fake_of(h);
        const Node *n;
        int r;

        r = fault_begin(k, "readlink", path, NULL, false, false);
        if (r < 0)
                return r;
        (void) cost(k, COST_READ);
        n = files_find(k, path, false);
        if (!n)
                return -ENOENT;
        if (n->kind != 'l')
                return -EINVAL;
        *ret = strdup(n->value);
        fault_end(k, false);
        return *ret ? 0 : -ENOMEM;
}

static int op_list(Host *h, const char *path, char ***ret)
{
        Fake *k = fake_of(h);
        const Node *n;
        int r;

        r = fault_begin(k, "list", path, NULL, false, false);
        if (r < 0)
                return r;
        (void) cost(k, COST_READ);
        n = files_find(k, path, true);
        if (!n)
                return -ENOENT;
        if (n->kind != 'd')
                return -ENOTDIR;
        r = files_list(k, n, ret);
        fault_end(k, false);
        return r;
}

static int op_exists(Host *h, const char *path)
{
        Fake *k = fake_of(h);
        int r;

        r = fault_begin(k, "exists", path, NULL, false, false);
        if (r < 0)
                return r;
        (void) cost(k, COST_READ);
        r = files_find(k, path, true) != NULL;
        fault_end(k, false);
        return r;
}

static int op_module(Host *h, ModuleOp op, const char *name, ModuleInfo *ret)
{
        static const char *const names[] = { "module-state", "module-load", "module-unload" };
        Fake *k = fake_of(h);
        const Module *m;
        int r;

        r = fault_begin(k, names[op], name, NULL, true, op != MODULE_STATE);
        if (r > 0)
                return 0;
        if (r == HANGS)
                return hang(k, names[op], name, NULL, false, true);
        if (r < 0)
                return r;
        if (op != MODULE_STATE) {
                (void) cost(k, 20 * COST_HAND);
                r = op == MODULE_LOAD ? module_load(k, name) : module_unload(k, name);
                if (r == HANGS)
                        r = hang(k, names[op], name, NULL, true, true);
                fault_end(k, true);
                return r;
        }
        (void) cost(k, COST_READ);
        m = module_find(k, name);
        fault_end(k, false);
        if (!m || (!m->loaded && !m->builtin))
                return -ENOENT;
        if (!ret)
                return 0;
        *ret = (ModuleInfo){ .builtin = m->builtin && !m->loaded };
        text_set(ret->state, ret->builtin ? "builtin" : m->going ? "going" : "live");
        ret->refcnt = ret->builtin ? 0 : module_refs(k, m);
        module_holders(k, m, ret->holders, sizeof(ret->holders));
        return 0;
}

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

static int op_unit(Host *h, UnitOp op, const char *name, UnitInfo *ret)
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
        (void) cost(k, COST_WRITE);
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

static int op_session(Host *h, SessionOp op, const char *id, HostSession **ret, size_t *ret_n)
{
        Fake *k = fake_of(h);
        bool effect = op == SESSION_TERMINATE;
        int r;

        r = fault_begin(k, effect ? "session-terminate" : "session-list", id ? id : "", NULL, false, effect);
        if (r > 0 && effect)
                return 0;
        if (r < 0)
                return r == HANGS ? -ETIMEDOUT : r;
        (void) cost(k, COST_WRITE);
        r = effect ? session_terminate(k, id) : sessions(k, ret, ret_n);
        if (effect)
                (void) cost(k, 100 * USEC_PER_MSEC);
        fault_end(k, effect);
        return r;
}

static int by_pid(const void *a, const void *b)
{
        return ((const HostHolder *) a)->pid - ((const HostHolder *) b)->pid;
}

static int op_holders(Host *h, char *const *nodes, HostHolder **ret, size_t *ret_n)
{
        Fake *k = fake_of(h);
        HostHolder *v;
        size_t n = 0;
        int r;

        r = fault_begin(k, "holders", "", NULL, false, false);
        if (r < 0)
                return r;
        (void) cost(k, 100 * COST_READ);
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

static int op_signal(Host *h, const HostHolder *holder, int signo)
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
        (void) cost(k, COST_READ);
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

static int op_wait(Host *h, unsigned what, const HostHolder *holders, size_t n, uint64_t slice_usec)
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

static uint64_t op_now(Host *h)
{
        return fake_of(h)->s.clock;
}

static void op_free(Host *h)
{
        Fake *k = fake_of(h);

        fake_reset(h);
        files_free(k);
        free(k->violations);
        free(k);
}

const HostOps fake_ops_table = {
        .read = op_read,
        .write = op_write,
        .readlink = op_readlink,
        .list = op_list,
        .exists = op_exists,
        .module = op_module,
        .unit = op_unit,
        .session = op_session,
        .holders = op_holders,
        .signal = op_signal,
        .wait = op_wait,
        .now = op_now,
        .free = op_free,
};
