/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/describe.h"
#include "host/host-real.h"

#include <libkmod.h>
#include <stdio.h>
#include <sys/wait.h>

static void kmod_unrefp(struct kmod_ctx **c)
{
        if (*c)
                (void) kmod_unref(*c);
}

static void kmod_module_unrefp(struct kmod_module **m)
{
        if (*m)
                (void) kmod_module_unref(*m);
}

static void kmod_listp(struct kmod_list **l)
{
        (void) kmod_module_unref_list(*l);
}

static void log_nothing(void *data _unused_, int priority _unused_, const char *file _unused_, int line _unused_,
                        const char *fn _unused_, const char *format _unused_, va_list args _unused_)
{
}

/* One for each operation: it snapshots the configuration and the indexes, which a package may change meanwhile. */
static struct kmod_ctx *context_new(void)
{
        struct kmod_ctx *c = kmod_new(NULL, NULL);

        if (c)
                kmod_set_log_fn(c, log_nothing, NULL);
        return c;
}

static int module_holders(struct kmod_module *m, char *buf, size_t size)
{
        _cleanup_(kmod_listp) struct kmod_list *list = kmod_module_get_holders(m);
        struct kmod_list *item;
        size_t used = 0;

        buf[0] = '\0';
        kmod_list_foreach(item, list)
        {
                _cleanup_(kmod_module_unrefp) struct kmod_module *holder = kmod_module_get_module(item);

                if (used < size)
                        used += (size_t) snprintf(buf + used, size - used, "%s%s", used ? " " : "",
                                                  kmod_module_get_name(holder));
        }
        return used > 0;
}

/* Plain reads of /sys/module, which nothing blocks. */
static int module_state(const char *name, ModuleInfo *ret)
{
        _cleanup_(kmod_unrefp) struct kmod_ctx *c = context_new();
        _cleanup_(kmod_module_unrefp) struct kmod_module *m = NULL;
        int state, r;

        *ret = (ModuleInfo){};
        if (!c)
                return -ENOMEM;
        r = kmod_module_new_from_name(c, name, &m);
        if (r < 0)
                return r;
        state = kmod_module_get_initstate(m);
        if (state < 0)
                return state;

        (void) snprintf(ret->state, sizeof(ret->state), "%s", kmod_module_initstate_str(state));
        ret->builtin = state == KMOD_MODULE_BUILTIN;
        if (ret->builtin)
                return 0;
        ret->refcnt = kmod_module_get_refcnt(m);
        if (ret->refcnt < 0) /* a kernel that cannot unload, or it has just gone */
                ret->refcnt = 0;
        (void) module_holders(m, ret->holders, sizeof(ret->holders));
        return 0;
}

/* An `install` line, as modprobe runs it: by the shell, with the module's name in the environment. */
static int run_install(struct kmod_module *m, const char *cmdline, void *data _unused_)
{
        int status;
        pid_t pid, r;

        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                (void) setenv("MODPROBE_MODULE", kmod_module_get_name(m), 1);
                (void) execl("/bin/sh", "sh", "-c", cmdline, NULL);
                _exit(127);
        }
        do
                r = waitpid(pid, &status, 0); /* bounded: we are in a hand, which has a deadline */
        while (r < 0 && errno == EINTR);
        if (r < 0)
                return -errno;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static int load_in_hand(void *arg, char *output _unused_, size_t output_max _unused_)
{
        _cleanup_(kmod_unrefp) struct kmod_ctx *c = context_new();
        _cleanup_(kmod_listp) struct kmod_list *list = NULL;
        struct kmod_list *item;
        int r;

        if (!c)
                return -ENOMEM;
        r = kmod_module_new_from_lookup(c, arg, &list);
        if (r < 0)
                return r;
        if (!list)
                return -ENOENT;

        kmod_list_foreach(item, list)
        {
                _cleanup_(kmod_module_unrefp) struct kmod_module *m = kmod_module_get_module(item);

                r = kmod_module_probe_insert_module(m, 0, NULL, run_install, NULL, NULL);
                if (r < 0 && r != -EEXIST)
                        return r;
        }
        return 0;
}

static int unload_in_hand(void *arg, char *output _unused_, size_t output_max _unused_)
{
        _cleanup_(kmod_unrefp) struct kmod_ctx *c = context_new();
        _cleanup_(kmod_module_unrefp) struct kmod_module *m = NULL;
        int r;

        if (!c)
                return -ENOMEM;
        r = kmod_module_new_from_name(c, arg, &m);
        if (r < 0)
                return r;
        return kmod_module_remove_module(m, 0);
}

static int module_unload(Host *h, const char *name)
{
        ModuleInfo info;
        int r;

        r = module_state(name, &info);
        if (r < 0)
                return r;
        if (info.builtin)
                return -EOPNOTSUPP;
        if (info.refcnt > 0 || info.holders[0] != '\0')
                return -EAGAIN;
        return real_hand(h, unload_in_hand, (void *) name, NULL, 0, "unload of module", name);
}

int real_module(Host *h, ModuleOp op, const char *name, ModuleInfo *ret)
{
        if (!real_of(h)->whole)
                return -ENOTSUP;

        switch (op) {
        case MODULE_STATE:
                return module_state(name, ret);
        case MODULE_LOAD:
                return real_hand(h, load_in_hand, (void *) name, NULL, 0, "load of module", name);
        case MODULE_UNLOAD:
                return module_unload(h, name);
        }
        return -EINVAL;
}

static int add_candidates(struct kmod_ctx *c, HostFunction *fn)
{
        _cleanup_(kmod_listp) struct kmod_list *list = NULL;
        struct kmod_list *item;
        int r = 0;

        if (!fn->modalias || kmod_module_new_from_lookup(c, fn->modalias, &list) < 0)
                return 0;
        kmod_list_foreach(item, list)
        {
                _cleanup_(kmod_module_unrefp) struct kmod_module *m = kmod_module_get_module(item);
                const char *name = kmod_module_get_name(m);

                if (r >= 0 && !strv_contains(fn->candidates, name))
                        r = strv_append(&fn->candidates, name);
        }
        return r;
}

int describe_candidates(HostView *v)
{
        _cleanup_(kmod_unrefp) struct kmod_ctx *c = context_new();
        int r = 0;

        if (!c || kmod_load_resources(c) < 0)
                return 0;
        for (size_t i = 0; i < v->n_functions && r >= 0; i++)
                r = add_candidates(c, &v->functions[i]);
        return r;
}

int module_known(const char *name)
{
        _cleanup_(kmod_unrefp) struct kmod_ctx *c = context_new();
        _cleanup_(kmod_listp) struct kmod_list *list = NULL;
        int r;

        r = c ? kmod_load_resources(c) : -ENOMEM;
        if (r >= 0)
                r = kmod_module_new_from_lookup(c, name, &list);
        return r < 0 ? r : list != NULL;
}
