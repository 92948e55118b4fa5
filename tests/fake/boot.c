/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

/* A tree written by hand says which driver a function is on; what follows from that is worked out as at boot. */
void fake_boot(Fake *k)
{
        bool fbcon = k->s.fbcon_there, bound = k->s.fbcon_bound, system_bound = k->s.system_bound;

        FOREACH(Module, m, k->s.modules, k->s.n_modules)
        if (m->loaded || m->builtin)
                m->order = ++k->s.order;
        FOREACH(Platform, p, k->s.platforms, k->s.n_platforms)
        if (p->driver[0] && p->fb == NO) {
                p->fb = 0;
                if (p->simpledrm && p->drm == NO)
                        p->drm = 0;
                console_framebuffer_added(k);
        }
        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        {
                const Module *m;
                int brightness;

                text_set(fn->reset_now, fn->reset_default);
                fn->has_reset = fn->reset_default[0] != '\0';
                m = module_of_driver(k, fn->driver);
                if (!m)
                        continue;
                brightness = fn->brightness;
                nodes_give(k, fn, m->gives);
                FOREACH(Module, rider, k->s.modules, k->s.n_modules)
                if (rider->loaded && streq(rider->rides, fn->driver))
                        nodes_give(k, fn, rider->gives);
                fn->brightness = brightness;
                fn->silent = false;
        }
        if (fbcon)
                k->s.fbcon_bound = bound;
        if (k->s.fbcon_there && !fbcon)
                k->s.fbcon_bound = true;
        k->s.system_bound = k->s.fbcon_there ? system_bound && !k->s.fbcon_bound : true;
        k->s.udev_busy_until = 0;
        k->dirty = true;
        FOREACH(Unit, u, k->s.units, k->s.n_units)
        if (streq(u->active, "active"))
                unit_open(k, u);
        FOREACH(Holder, x, k->s.holders, k->s.n_holders)
        {
                uint64_t after;

                holder_open(k, x);
                if (x->leaves[0] >= '0' && x->leaves[0] <= '9' && parse_span(x->leaves, &after) == 0)
                        (void) later_add(k, LATER_HOLDER_EXIT, after, "", x->pid);
        }
}

int fake_host_guest(Host *h, char ***ret)
{
        Fake *k = fake_of(h);

        for (unsigned i = 0; i < ARRAY_SIZE(k->s.guest) && k->s.guest[i][0]; i++)
                if (strv_append(ret, k->s.guest[i]) < 0)
                        return -ENOMEM;
        return 0;
}
