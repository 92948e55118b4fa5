/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

#include <fnmatch.h>

Module *module_find(Fake *k, const char *name)
{
        FOREACH(Module, m, k->s.modules, k->s.n_modules)
        {
                const char *a = m->name, *b = name;

                while (*a && (*a == *b || (*a == '_' && *b == '-')))
                        a++, b++;
                if (*a == '\0' && *b == '\0')
                        return m;
        }
        return NULL;
}

Module *module_of_driver(Fake *k, const char *driver)
{
        FOREACH(Module, m, k->s.modules, k->s.n_modules)
        if ((m->loaded || m->builtin) && m->driver[0] && streq(m->driver, driver))
                return m;
        return NULL;
}

bool module_matches(const Module *m, const Function *fn)
{
        char id[24];

        snprintf(id, sizeof(id), "%04x:%04x:%06x", fn->vendor, fn->device, fn->class);
        return glob_in(m->match, id) || glob_in(m->new_id, id);
}

void module_holders(Fake *k, const Module *m, char *buf, size_t size)
{
        size_t used = 0;

        buf[0] = '\0';
        FOREACH(Module, other, k->s.modules, k->s.n_modules)
        if (other->loaded && word_in(other->deps, m->name) && used < size)
                used += (size_t) snprintf(buf + used, size - used, "%s%s", used ? " " : "", other->name);
}

int module_refs(Fake *k, const Module *m)
{
        int refs = m->refs;

        FOREACH(Module, other, k->s.modules, k->s.n_modules)
        refs += other->loaded && word_in(other->deps, m->name);
        FOREACH(Holder, x, k->s.holders, k->s.n_holders)
        refs += word_in(x->pins, m->name);
        FOREACH(Mdev, x, k->s.mdevs, k->s.n_mdevs)
        FOREACH(MdevType, t, k->s.mdev_types, k->s.n_mdev_types)
        refs += streq(t->module, m->name) && streq(t->id, x->type) && streq(t->parent, x->parent);
        if (m->fbcon_pins && k->s.fbcon_bound)
                FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        refs += streq(fn->driver, m->driver) && fn->nodes[GIVE_FB] != NO;
        return refs + (m->busy_until > k->s.clock);
}

static int load_list(Fake *k, const char *list)
{
        char buf[128], *at = buf, *word;

        text_set(buf, list);
        while ((word = strsep(&at, ",")))
                if (*word) {
                        int r = module_load(k, word);

                        if (r < 0)
                                return r;
                }
        return 0;
}

static bool drives_any(Fake *k, const Module *m)
{
        FOREACH(const Function, fn, k->s.functions, k->s.n_functions)
        if (fn->present && streq(fn->driver, m->driver))
                return true;
        return false;
}

int module_load(Fake *k, const char *name)
{
        Module *m = module_find(k, name);
        int r;

        if (!m)
                return -ENOENT;
        if (m->loaded || m->builtin)
                return 0;
        r = load_list(k, m->deps);
        if (r < 0)
                return r;
        (void) load_list(k, m->pre);
        if (m->fails < 0)
                return m->fails;
        fake_spend(k, m->takes);
        m->loaded = true;
        m->order = ++k->s.order;
        k->dirty = true;
        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        {
                if (!fn->present)
                        continue;
                if (m->rides[0] && streq(fn->driver, m->rides)) {
                        if (m->evicts && fn->class >> 16 == 0x03)
                                console_evict(k, fn);
                        nodes_give(k, fn, m->gives);
                        m->busy_until = k->s.transient_busy ? k->s.clock + k->s.transient_busy : 0;
                }
                if (m->driver[0] && !m->rides[0] && !fn->driver[0] && !fn->locked &&
                    (fn->override[0] ? streq(fn->override, m->driver) : module_matches(m, fn)))
                        (void) pci_bind(k, fn, m);
        }
        if (m->needs_device && !drives_any(k, m)) {
                m->loaded = false;
                return -ENODEV;
        }
        fake_uevent(k);
        (void) load_list(k, m->post);
        return 0;
}

int module_unload(Fake *k, const char *name)
{
        Module *m = module_find(k, name);

        if (!m || (!m->loaded && !m->builtin))
                return -ENOENT;
        if (m->builtin)
                return -EOPNOTSUPP;
        if (module_refs(k, m) > 0)
                return -EAGAIN;
        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        {
                if (!fn->present)
                        continue;
                if (m->rides[0] && streq(fn->driver, m->rides))
                        nodes_take(k, fn, m->gives);
                else if (m->driver[0] && !m->rides[0] && streq(fn->driver, m->driver)) {
                        int r = fn->locked ? HANGS : pci_unbind(k, fn);

                        if (r < 0)
                                return r;
                }
        }
        m->loaded = m->going = false;
        m->new_id[0] = '\0';
        m->busy_until = 0;
        k->dirty = true;
        fake_uevent(k);
        return 0;
}

void module_autoload_now(Fake *k, Function *fn)
{
        FOREACH(Module, m, k->s.modules, k->s.n_modules)
        if (m->autoload && !m->loaded && !m->builtin && module_matches(m, fn) &&
            (!fn->prefer[0] || streq(fn->prefer, m->name)))
                (void) module_load(k, m->name);
        fake_uevent(k);
}

/* udev answers a new function's uevent by loading what its modalias names, whatever the override says. */
void module_autoload(Fake *k, Function *fn)
{
        (void) later_add(k, LATER_AUTOLOAD, k->s.udev_delay, fn->bdf, 0);
}
