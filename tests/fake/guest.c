/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

/* Processes that tests start on the host: QEMU, libvirtd. */

int fake_guest_start(Host *h, char *const *functions, int pid)
{
        Fake *k = fake_of(h);
        Holder *x;
        size_t used = 0;

        if (k->s.n_holders >= MAX_HOLDERS)
                return -ENOSPC;
        STRV_FOREACH (bdf, functions) {
                const Function *fn = function_find(k, *bdf);
                const Module *m = fn && fn->present ? module_of_driver(k, fn->driver) : NULL;

                if (mdev_find(k, *bdf))
                        continue;
                if (!m || !m->vfio)
                        return -ENODEV;
                FOREACH(Function, other, k->s.functions, k->s.n_functions)
                {
                        const Module *om = other->present ? module_of_driver(k, other->driver) : NULL;

                        if (other->group == fn->group && om && !om->vfio && other->class >> 8 != 0x0604)
                                return -EPERM; /* group not viable */
                }
        }
        x = &k->s.holders[k->s.n_holders++];
        *x = (Holder){ .pid = pid, .start = (uint64_t) pid, .uid = 64055 };
        snprintf(x->comm, sizeof(x->comm), "qemu-system-x86");
        snprintf(x->cgroup, sizeof(x->cgroup), "/machine.slice/machine-qemu.scope/libvirt/emulator");
        snprintf(x->leaves, sizeof(x->leaves), "term");
        STRV_FOREACH (bdf, functions) {
                Function *fn = function_find(k, *bdf);
                char node[24];

                if (fn)
                        fn->dirty = true;
                snprintf(node, sizeof(node), "/dev/vfio/%d", fn ? fn->group : mdev_find(k, *bdf)->group);
                if (!word_in(x->nodes, node))
                        used += (size_t) snprintf(x->nodes + used, sizeof(x->nodes) - used, "%s%s", used ? "," : "",
                                                  node);
        }
        holder_open(k, x);
        k->dirty = true;
        return 0;
}

/* The last close of a vfio device resets it: the function, or else the bus, if nothing else on that is in use. */
static void vfio_closed(Fake *k, Function *fn)
{
        bool alone = !fn->no_bus_reset;

        FOREACH(const Function, other, k->s.functions, k->s.n_functions)
        if (other->present && streq(other->parent, fn->parent)) {
                const Module *m = module_of_driver(k, other->driver);

                alone = alone && (!m || m->vfio);
        }
        if ((fn->has_reset && fn->reset_works) || alone)
                fn->dirty = false;
}

void fake_guest_stop(Host *h, int pid)
{
        Fake *k = fake_of(h);

        k->dirty = true;
        holder_remove(k, pid);
        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        if (fn->present && fn->dirty)
                vfio_closed(k, fn);
}

int fake_process(Host *h, int pid, const char *comm)
{
        Fake *k = fake_of(h);
        Holder *x = &k->s.holders[k->s.n_holders];

        if (k->s.n_holders >= MAX_HOLDERS)
                return -ENOSPC;
        k->s.n_holders++;
        *x = (Holder){ .pid = pid, .start = (uint64_t) pid };
        text_set(x->comm, comm);
        text_set(x->leaves, "never");
        k->dirty = true;
        return 0;
}

bool fake_is_dirty(Host *h, const char *bdf)
{
        const Function *fn = function_find(fake_of(h), bdf);

        return fn && fn->dirty;
}
