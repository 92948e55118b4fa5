/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/scan-parts.h"

#include <stdio.h>

/* Where display-manager.service names none, or one that does not run. */
static const char *const display_managers[] = {
        "gdm.service",     "gdm3.service",           "sddm.service",
        "lightdm.service", "lxdm.service",           "xdm.service",
        "mdm.service",     "slim.service",           "greetd.service",
        "ly.service",      "cosmic-greeter.service", "plasmalogin.service",
};

/* 1: *ret is filled; 0: there is none, or systemd cannot be asked. Only what ends the whole transaction fails. */
static int scan_unit(Host *h, const char *name, HostUnit *ret)
{
        UnitInfo info;
        int r;

        r = host_unit(h, UNIT_STATE, name, &info);
        if (r == -ENOMEM || r == -ETIMEDOUT || r == -ECANCELED)
                return r;
        if (r < 0)
                return 0;

        *ret = (HostUnit){
                .id = strdup(info.id),
                .active = strdup(info.active),
                .job = info.job[0] ? strdup(info.job) : NULL,
                .cgroup = info.cgroup[0] ? strdup(info.cgroup) : NULL,
                .stop_timeout = info.stop_timeout,
        };
        if (ret->id && ret->active && (ret->job || !info.job[0]) && (ret->cgroup || !info.cgroup[0]))
                return 1;
        free(ret->id);
        free(ret->active);
        free(ret->job);
        free(ret->cgroup);
        *ret = (HostUnit){};
        return -ENOMEM;
}

static void unit_replace(HostUnit *to, HostUnit *with)
{
        free(to->id);
        free(to->active);
        free(to->job);
        free(to->cgroup);
        *to = *with;
        *with = (HostUnit){};
}

static bool unit_is_up(const HostUnit *u)
{
        return (!streq(u->active, "inactive") && !streq(u->active, "failed")) || streq0(u->job, "start");
}

static int scan_display_manager(Host *h, const char *name, HostView *v)
{
        HostUnit *u = calloc(1, sizeof(*u));
        int r;

        if (!u)
                return -ENOMEM;
        v->display_manager = u;
        r = scan_unit(h, name ? name : "display-manager.service", u);
        for (size_t i = 0; r >= 0 && !name && i < ARRAY_SIZE(display_managers) && !(u->id && unit_is_up(u)); i++) {
                HostUnit other = {};

                r = scan_unit(h, display_managers[i], &other);
                if (r <= 0)
                        continue;
                if (unit_is_up(&other))
                        unit_replace(u, &other);
                unit_replace(&other, &(HostUnit){});
        }
        if (!u->id) {
                free(u);
                v->display_manager = NULL;
        }
        return MIN(r, 0);
}

static int scan_units(Host *h, char *const *names, HostView *v)
{
        v->units = calloc(strv_length(names) + 1, sizeof(*v->units));
        if (!v->units)
                return -ENOMEM;
        STRV_FOREACH (name, names) {
                HostUnit u = {};
                int r;

                r = scan_unit(h, *name, &u);
                if (r < 0)
                        return r;
                if (r > 0 && !hostview_unit(v, u.id))
                        v->units[v->n_units++] = u;
                else
                        unit_replace(&u, &(HostUnit){});
        }
        return 0;
}

/* getty@ttyN.service that runs while somebody is logged in there through login(1): terminating that session alone would
 * log an autologin user straight back in. Whether it is an autologin would take its command line; a getty stopped for a
 * session that somebody typed in is started again like any other, so they all count. */
static int scan_gettys(Host *h, HostView *v)
{
        for (size_t i = 0; i < v->n_sessions; i++) {
                const HostSession *s = v->sessions + i;
                HostUnit u = {};
                char name[64];
                int r;

                if (!startswith(s->tty, "tty") || s->tty[3] < '0' || s->tty[3] > '9' || s->seat[0] == '\0' ||
                    !streq(s->class, "user") || !streq(s->service, "login"))
                        continue;
                (void) snprintf(name, sizeof(name), "getty@%s.service", s->tty);
                r = scan_unit(h, name, &u);
                if (r < 0)
                        return r;
                if (r > 0 && unit_is_up(&u) && !strv_contains(v->autologin_gettys, u.id))
                        r = strv_append(&v->autologin_gettys, u.id);
                unit_replace(&u, &(HostUnit){});
                if (r < 0)
                        return r;
        }
        return 0;
}

/* As systemd computes SystemState=stopping: its shutdown target is active, or about to be. */
static int scan_shutdown(Host *h, HostView *v)
{
        HostUnit u = {};
        int r;

        r = scan_unit(h, "shutdown.target", &u);
        v->shutting_down = r > 0 && unit_is_up(&u);
        unit_replace(&u, &(HostUnit){});
        return MIN(r, 0);
}

int scan_services(Host *h, const ScanRequest *request, HostView *v, Fault *f)
{
        int r;

        if ((r = scan_display_manager(h, request->dm_unit, v)) < 0 || (r = scan_units(h, request->units, v)) < 0 ||
            (r = scan_shutdown(h, v)) < 0)
                return fault_default(f, r, "systemd", "cannot ask systemd for its units: %s", fault_errno(r));

        r = host_sessions(h, &v->sessions, &v->n_sessions);
        if (r == -ENOMEM || r == -ETIMEDOUT || r == -ECANCELED)
                return fault_default(f, r, "logind", "cannot ask logind for its sessions: %s", fault_errno(r));
        if (r < 0) {
                v->sessions = NULL;
                v->n_sessions = 0;
                return 0;
        }
        r = scan_gettys(h, v);
        return r < 0 ? fault_default(f, r, "systemd", "cannot ask systemd for the gettys: %s", fault_errno(r)) : 0;
}
