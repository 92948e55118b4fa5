/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

#include <stdarg.h>

/* HostOps on the fake: each operation passes the faults, costs time, and then acts on the state. Files and modules. */

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
        if (streq(op, "script"))
                script_act(k, target);
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
        fake_spend(k, hand ? COST_HAND : COST_READ);
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
        fake_spend(k, hand ? COST_HAND : COST_WRITE);
        if (streq(value, ""))
                return 0; /* a write of nothing never reaches the kernel */
        r = do_write(k, path, value);
        if (r == HANGS)
                r = hang(k, "write", path, text, true, hand);
        else
                fake_spend(k, endswith(path, "/rescan") || endswith(path, "/remove") || endswith(path, "bind")
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
        fake_spend(k, COST_READ);
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
        fake_spend(k, COST_READ);
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
        fake_spend(k, COST_READ);
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
                fake_spend(k, 20 * COST_HAND);
                r = op == MODULE_LOAD ? module_load(k, name) : module_unload(k, name);
                if (r == HANGS)
                        r = hang(k, names[op], name, NULL, true, true);
                fault_end(k, true);
                return r;
        }
        fake_spend(k, COST_READ);
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
        free(k->ran);
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
        .look = op_look,
        .script = op_script,
        .session = op_session,
        .holders = op_holders,
        .signal = op_signal,
        .wait = op_wait,
        .now = op_now,
        .free = op_free,
};
