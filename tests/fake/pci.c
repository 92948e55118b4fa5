/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

/* What the PCI core does: binding, probing, removal, rescan, resets. Linux 6.1. */

Function *function_find(Fake *k, const char *bdf)
{
        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        if (streq(fn->bdf, bdf))
                return fn;
        return NULL;
}

static Function *function_present(Fake *k, const char *bdf)
{
        Function *fn = function_find(k, bdf);

        return fn && fn->present ? fn : NULL;
}

static bool group_owned(Fake *k, int group)
{
        char path[32];

        if (group < 0)
                return false;
        snprintf(path, sizeof(path), "/dev/vfio/%d", group);
        FOREACH(Holder, x, k->s.holders, k->s.n_holders)
        if (word_in(x->nodes, path))
                return true;
        return false;
}

int pci_bind(Fake *k, Function *fn, Module *m)
{
        int r = fault_probe(k, fn->bdf, m->driver);

        if (r < 0)
                return r;
        if (!m->vfio && !streq(m->driver, "pcieport") && !streq(m->driver, "pci-stub") && group_owned(k, fn->group))
                return -EBUSY; /* iommu_device_use_default_domain() */
        if (m->vfio && fn->class >> 8 == 0x0604)
                return -EINVAL;
        k->dirty = true;
        if (m->vfio ? fn->class >> 8 == 0x0300 : m->evicts)
                console_evict(k, fn);
        text_set(fn->driver, m->driver);
        if (m->vfio) {
                if (streq(fn->control, "auto"))
                        snprintf(fn->power_state, sizeof(fn->power_state), "D3hot");
        } else {
                snprintf(fn->power_state, sizeof(fn->power_state), "D0");
                nodes_give(k, fn, m->gives);
                FOREACH(Module, rider, k->s.modules, k->s.n_modules)
                if (rider->loaded && streq(rider->rides, m->driver) &&
                    !rider->holds) /* nvidia_drm does not look again */
                        nodes_give(k, fn, rider->gives);
        }
        m->busy_until = k->s.transient_busy ? k->s.clock + k->s.transient_busy : 0;
        fake_uevent(k);
        return 0;
}

int pci_probe(Fake *k, Function *fn)
{
        Module *best = NULL;

        if (fn->driver[0])
                return 0;
        FOREACH(Module, m, k->s.modules, k->s.n_modules)
        {
                if ((!m->loaded && !m->builtin) || !m->driver[0] || m->rides[0])
                        continue;
                if (fn->override[0] ? !streq(fn->override, m->driver) : !module_matches(m, fn))
                        continue;
                if (!best || m->order < best->order)
                        best = m;
        }
        return best ? pci_bind(k, fn, best) : 0;
}

int pci_unbind(Fake *k, Function *fn)
{
        if (pci_unbind_waits(k, fn))
                return HANGS;
        nodes_take(k, fn, ~0U);
        fn->driver[0] = '\0';
        k->dirty = true;
        fake_uevent(k);
        return 0;
}

int store_unbind(Fake *k, const Node *n, const char *value)
{
        Function *fn = function_present(k, value);

        if (!fn || !streq(fn->driver, n->object))
                return -ENODEV;
        if (fn->locked)
                return HANGS;
        return pci_unbind(k, fn);
}

int store_bind(Fake *k, const Node *n, const char *value)
{
        Function *fn = function_present(k, value);
        Module *m = module_of_driver(k, n->object);

        if (!fn || !m)
                return -ENODEV;
        if (fn->locked)
                return HANGS;
        if (fn->driver[0])
                return -EBUSY;
        if (fn->override[0] ? !streq(fn->override, m->driver) : !module_matches(m, fn))
                return -ENODEV;
        return pci_bind(k, fn, m);
}

int store_probe(Fake *k, const Node *n, const char *value)
{
        Function *fn = function_present(k, value);

        if (!fn)
                return -ENODEV;
        if (fn->locked)
                return HANGS;
        (void) pci_probe(k, fn); /* success whatever came of it */
        return 0;
}

int store_new_id(Fake *k, const Node *n, const char *value)
{
        Module *m = module_of_driver(k, n->object);
        unsigned vendor, device;
        size_t used;

        if (!m || sscanf(value, "%x %x", &vendor, &device) != 2)
                return -EINVAL;
        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        if (fn->present && fn->vendor == vendor && fn->device == device && module_matches(m, fn))
                return -EEXIST;
        used = strlen(m->new_id);
        snprintf(m->new_id + used, sizeof(m->new_id) - used, "%s%04x:%04x:*", used ? "," : "", vendor, device);
        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        if (fn->present && !fn->driver[0] && !fn->override[0] && module_matches(m, fn))
                (void) pci_bind(k, fn, m);
        k->dirty = true;
        return 0;
}

int store_remove_id(Fake *k, const Node *n, const char *value)
{
        Module *m = module_of_driver(k, n->object);
        char id[24], *at;
        unsigned vendor, device;

        if (!m || sscanf(value, "%x %x", &vendor, &device) != 2)
                return -EINVAL;
        snprintf(id, sizeof(id), "%04x:%04x:*", vendor, device);
        at = strstr(m->new_id, id);
        if (!at)
                return -ENODEV;
        memmove(at, at + strlen(id), strlen(at + strlen(id)) + 1);
        while (startswith(m->new_id, ","))
                memmove(m->new_id, m->new_id + 1, strlen(m->new_id));
        return 0;
}

int store_override(Fake *k, const Node *n, const char *value)
{
        if (strlen(value) >= sizeof(n->function->override))
                return -EINVAL;
        if (n->function->locked)
                return HANGS;
        text_set(n->function->override, value);
        k->dirty = true;
        return 0;
}

static bool below(Fake *k, const Function *fn, const Function *bridge)
{
        const Function *up = fn->parent[0] ? function_find(k, fn->parent) : NULL;

        return up && (up == bridge || below(k, up, bridge));
}

int function_remove(Fake *k, Function *fn)
{
        int r = fn->locked ? HANGS : fn->driver[0] ? pci_unbind(k, fn) : 0;

        if (r < 0)
                return r;
        fn->present = false;
        fn->override[0] = fn->reset_now[0] = '\0';
        text_set(fn->reset_now, fn->reset_default);
        k->dirty = true;
        fake_uevent(k);
        return 0;
}

int store_remove(Fake *k, const Node *n, const char *value)
{
        if (!startswith(value, "1"))
                return -EINVAL;
        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        if (fn->present && below(k, fn, n->function)) {
                int r = function_remove(k, fn);

                if (r < 0)
                        return r;
        }
        return function_remove(k, n->function);
}

int store_rescan(Fake *k, const Node *n, const char *value)
{
        if (!startswith(value, "1"))
                return -EINVAL;
        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        {
                const Function *up = fn->parent[0] ? function_find(k, fn->parent) : NULL;

                if (fn->present || fn->lost || fn->physfn[0] || (up && !up->present) ||
                    (n->function && !below(k, fn, n->function)))
                        continue;
                fn->present = true;
                snprintf(fn->power_state, sizeof(fn->power_state), "D0");
                text_set(fn->control, fn->control_boot);
                fn->d3cold = fn->d3cold == NO ? NO : 1;
                k->dirty = true;
                if (k->s.udev_delay == 0) { /* between device_add() and pci_bus_add_device(): match_driver */
                        fn->locked = true;
                        module_autoload_now(k, fn);
                        fn->locked = false;
                }
                (void) pci_probe(k, fn); /* at once: 6.1 does not look at drivers_autoprobe */
                module_autoload(k, fn);
                fake_uevent(k);
        }
        return 0;
}

int store_reset(Fake *k, const Node *n, const char *value)
{
        if (!streq(value, "1"))
                return -EINVAL;
        if (n->function->locked)
                return HANGS;
        if (!n->function->reset_works)
                return -ENOTTY; /* listed does not mean that it can be done: siblings on the bus */
        n->function->dirty = false;
        return 0;
}

int store_reset_method(Fake *k, const Node *n, const char *value)
{
        Function *fn = n->function;

        if (streq(value, "default")) {
                text_set(fn->reset_now, fn->reset_default);
        } else {
                _cleanup_strv_ char **words = NULL, **can = NULL;

                if (strv_split(value, &words) < 0 || strv_split(fn->reset_default, &can) < 0)
                        return -ENOMEM;
                STRV_FOREACH (word, words)
                        if (!strv_contains(can, *word))
                                return -EINVAL;
                text_set(fn->reset_now, value);
        }
        k->dirty = true;
        return 0;
}

int store_reset_subordinate(Fake *k, const Node *n, const char *value)
{
        if (!streq(value, "1"))
                return -EINVAL;
        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        if (fn->present && below(k, fn, n->function)) {
                if (fn->no_bus_reset)
                        return -ENOTTY;
                if (fn->locked)
                        return -EAGAIN;
        }
        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        if (below(k, fn, n->function)) { /* a removed one is still plugged in */
                fn->dirty = false;
                fn->dead -= fn->dead > 0;
                k->dirty = true;
        }
        return 0;
}

int store_control(Fake *k, const Node *n, const char *value)
{
        Function *fn = n->function;

        if (!streq(value, "on") && !streq(value, "auto"))
                return -EINVAL;
        strcpy(fn->control, value);
        if (streq(value, "on"))
                snprintf(fn->power_state, sizeof(fn->power_state), "D0");
        k->dirty = true;
        return 0;
}

int store_d3cold(Fake *k, const Node *n, const char *value)
{
        if (!streq(value, "0") && !streq(value, "1"))
                return -EINVAL;
        n->function->d3cold = value[0] - '0';
        snprintf(n->function->power_state, sizeof(n->function->power_state), "D0");
        k->dirty = true;
        return 0;
}

/* pci-sysfs.c: __resource_resize_store() */
int store_resize(Fake *k, const Node *n, const char *value)
{
        Function *fn = n->function;
        uint64_t bit;

        if (parse_uint(value, 31, &bit) < 0)
                return -EINVAL;
        if (fn->locked)
                return HANGS;
        if (fn->driver[0])
                return -EBUSY;
        if (fn->class >> 8 == 0x0300)
                console_evict(k, fn);
        if (!(fn->rebar_sizes & 1U << bit))
                return -EINVAL;
        if (1U << bit > fn->rebar_room)
                return -ENOSPC;
        fn->rebar_size = 1U << bit;
        k->dirty = true;
        return 0;
}
