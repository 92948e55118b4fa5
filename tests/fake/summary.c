/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

#include <stdarg.h>

/* What a user would call the state of the host. Numbers that move by themselves (pids, sessions, minors) are left out.
 */

static void line(char ***v, const char *fmt, ...) _printf_(2, 3);
static void line(char ***v, const char *fmt, ...)
{
        _cleanup_free_ char *s = NULL;
        va_list ap;

        va_start(ap, fmt);
        if (vasprintf(&s, fmt, ap) < 0 || strv_append(v, s) < 0)
                abort();
        va_end(ap);
}

static void add_function(const Function *fn, char ***v)
{
        if (!fn->present && fn->physfn[0])
                return;
        if (!fn->present) {
                line(v, "pci %s is gone", fn->bdf);
                return;
        }
        line(v, "driver %s %s%s", fn->bdf, fn->driver[0] ? fn->driver : "none", fn->locked ? ", locked" : "");
        if (fn->override[0])
                line(v, "override %s %s", fn->bdf, fn->override);
        line(v, "power %s control=%s d3cold=%d", fn->bdf, fn->control, fn->d3cold);
        if (fn->has_reset && !streq(fn->reset_now, fn->reset_default))
                line(v, "reset_method %s %s", fn->bdf, fn->reset_now);
        if (fn->sriov > 0)
                line(v, "vfs %s %d", fn->bdf, fn->vfs);
        if (fn->panel[0] && fn->nodes[GIVE_DRM] != NO)
                line(v, "brightness %s %d", fn->bdf, fn->brightness);
        if (fn->silent && fn->nodes[GIVE_DRM] != NO)
                line(v, "connector %s silent", fn->bdf);
        if (fn->rebar != NO)
                line(v, "bar %s %u MiB", fn->bdf, fn->rebar_size);
        if (fn->withdrawn)
                line(v, "sound %s withdrawn", fn->bdf);
        for (int i = 0; i < GIVE_N_NUMBERED; i++)
                if (fn->nodes[i] != NO)
                        line(v, "node %s %s", fn->bdf, give_name(i));
}

char *fake_host_summary(Host *h)
{
        Fake *k = fake_of(h);
        _cleanup_strv_ char **v = NULL;
        _cleanup_free_ char *text = NULL;
        char *all;

        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        add_function(fn, &v);
        FOREACH(Mdev, m, k->s.mdevs, k->s.n_mdevs)
        line(&v, "mdev %s %s on %s", m->uuid, m->type, m->parent);
        FOREACH(Module, m, k->s.modules, k->s.n_modules)
        {
                if (m->loaded)
                        line(&v, "module %s%s", m->name, m->going ? " (going)" : "");
                if (m->new_id[0])
                        line(&v, "new_id %s %s", m->name, m->new_id);
        }
        FOREACH(Unit, u, k->s.units, k->s.n_units)
        line(&v, "unit %s %s%s%s", u->id, u->active, u->job[0] ? " job " : "", u->job);
        FOREACH(Session, x, k->s.sessions, k->s.n_sessions)
        if (!x->gone)
                line(&v, "session %s %s %s", x->user, x->class, x->tty[0] ? x->tty : x->seat);
        FOREACH(Holder, x, k->s.holders, k->s.n_holders)
        line(&v, "holder %s %s", x->comm, x->nodes);
        FOREACH(Platform, p, k->s.platforms, k->s.n_platforms)
        line(&v, "framebuffer %s %s", p->name, !p->present ? "gone" : p->driver[0] ? p->driver : "unbound");
        line(&v, "console %s %s", k->s.system_console, k->s.system_bound ? "bound" : "not bound");
        if (k->s.fbcon_there)
                line(&v, "console frame buffer device %s", k->s.fbcon_bound ? "bound" : "not bound");
        FOREACH(Raw, x, k->s.raw, k->s.n_raw)
        if (x->kind == 'f' && startswith(x->path, "/sys/"))
                line(&v, "file %s %s", x->path, k->s.pool + x->value);
        strv_sort(v);
        text = strv_join(v, "\n");
        return text && asprintf(&all, "%s\n", text) >= 0 ? all : NULL;
}
