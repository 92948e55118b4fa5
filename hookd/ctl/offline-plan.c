/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/offline-plan.h"

#include "ctl/look.h"
#include "txn/txn.h"
#include "util/fd.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

#define PROFILES  "/etc/hookd/profiles"
#define CONF      "/etc/hookd/hookd.conf"
#define READ_USEC (10 * USEC_PER_SEC)

static int read_guest(int fd, Guest **ret, Fault *f)
{
        _cleanup_free_ char *xml = NULL;
        size_t size = 0;
        int r;

        r = read_fd_deadline(fd, GUEST_XML_MAX, now_usec() + READ_USEC, &xml, &size);
        return r < 0 ? fault_set(f, r, NULL, "cannot read the domain XML: %s", fault_errno(r))
                     : guest_parse(xml, size, ret, f);
}

/* The name of the file in PROFILES for this guest; *ret NULL: none. */
static int choose(const Guest *guest, const HostView *view, char **ret, Fault *f)
{
        _cleanup_(profile_index_freep) ProfileIndex *index = NULL;
        _cleanup_free_ uint32_t *ids = calloc(guest->n_devices + 1, sizeof(*ids));
        const char *name = NULL;
        int r;

        *ret = NULL;
        if (!ids)
                return fault_set(f, -ENOMEM, NULL, "out of memory");
        for (size_t i = 0; i < guest->n_devices; i++) {
                const HostFunction *fn = guest->devices[i].type == GUEST_DEVICE_PCI
                                                 ? hostview_function(view, &guest->devices[i].address)
                                                 : NULL;

                ids[i] = fn ? (uint32_t) fn->vendor << 16 | fn->device : 0;
        }
        r = profile_index_load(PROFILES, true, &index, f);
        if (r < 0)
                return fault_default(f, r, PROFILES, "cannot read the profiles in " PROFILES ": %s", fault_errno(r));
        r = profile_index_choose(index, guest, ids, &name, f);
        if (r <= 0)
                return r;
        return asprintf(ret, PROFILES "/%s", name) < 0 ? (*ret = NULL, fault_set(f, -ENOMEM, NULL, "out of memory"))
                                                       : 0;
}

static int load(const char *file, Profile **ret, Fault *f)
{
        _cleanup_(profile_freep) Profile *defaults = NULL;
        int r;

        r = profile_load(AT_FDCWD, CONF, CONF, NULL, false, &defaults, NULL, f);
        if (r < 0 && r != -ENOENT)
                return r;
        *f = (Fault){ 0 };
        r = profile_load(AT_FDCWD, file, file, defaults, false, ret, NULL, f);
        return r < 0 ? fault_default(f, r, file, "cannot read %s: %s", file, fault_errno(r)) : 0;
}

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
        _cleanup_free_ char *chosen = NULL;
        int r;

        r = read_guest(xml_fd, &guest, f);
        if (r >= 0)
                r = look(host, guest, &view, f);
        if (r >= 0 && !profile)
                r = choose(guest, view, &chosen, f);
        if (r < 0)
                return r;
        if (!profile && !chosen) {
                say(&sink, "%s: no profile in " PROFILES " is for this guest; hookd leaves it alone", guest->name);
                return 0;
        }
        r = load(profile ? profile : chosen, &p, f);
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
