/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/offline-plan.h"

#include "ctl/domain-xml.h"
#include "ctl/look.h"
#include "ctl/profile-folder.h"
#include "txn/txn.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct Sink {
        void (*fn)(void *userdata, const char *line);
        void *userdata;
} Sink;

static void say(const Sink *s, const char *fmt, ...) _printf_(2, 3);
static void say(const Sink *s, const char *fmt, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vasprintf(&text, fmt, ap);
        va_end(ap);
        if (n < 0) {
                text = NULL;
                return;
        }
        s->fn(s->userdata, text);
}

static void say_action(const Sink *s, const Action *a)
{
        const char *why = a->why ? a->why : "", *colon = a->why ? ": " : "";

        if (a->flags & ACTION_GATE)
                say(s, "  %-16s %-26s must be clear%s%s", a->step, a->target, colon, why);
        else if (a->flags & ACTION_BACK)
                say(s, "  %-16s %-26s %s, on the way back%s%s", a->step, a->target, a->after, colon, why);
        else
                say(s, "  %-16s %-26s -> %s%s%s%s", a->step, a->target, a->after, colon, why,
                    a->flags & ACTION_ONE_WAY ? " (one way)" : "");
}

int offline_plan(const char *host, const char *profile, int xml_fd, void (*fn)(void *userdata, const char *line),
                 void *userdata, Fault *f)
{
        const Sink sink = { .fn = fn, .userdata = userdata };
        _cleanup_(hostview_freep) HostView *view = NULL;
        _cleanup_(guest_freep) Guest *guest = NULL;
        _cleanup_(profile_freep) Profile *p = NULL;
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_profile_folder_ ProfileFolder folder = { 0 };
        _cleanup_free_ char *chosen = NULL;
        int r;

        r = domain_xml_parse(xml_fd, &guest, f);
        if (r >= 0)
                r = look(host, guest, &view, f);
        if (r >= 0)
                r = profile_folder_open("", &folder, f);
        if (r >= 0 && !profile)
                r = profile_folder_choose(&folder, guest, view, &chosen, f);
        if (r < 0)
                return r;
        if (!profile && !chosen) {
                say(&sink, "%s: no profile in %s is for this guest; hookd leaves it alone", guest->name, folder.path);
                return 0;
        }
        r = profile_folder_load(&folder, profile ? profile : chosen, &p, f);
        if (r >= 0)
                r = planner_plan(p, guest, view, &plan, f);
        if (r < 0)
                return r;
        say(&sink, "%s: a start would do this%s%s, by %s", guest->name, host ? " on " : "", host ? host : "",
            profile ? profile : chosen);
        for (size_t i = 0; i < plan->n_actions; i++)
                say_action(&sink, &plan->actions[i]);
        if (plan->n_actions == 0)
                say(&sink, "  nothing");
        STRV_FOREACH (warning, plan->warnings)
                say(&sink, "warning: %s", *warning);
        return 0;
}
