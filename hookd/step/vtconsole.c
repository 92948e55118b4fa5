/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/rank.h"
#include "step/step-util.h"

#include <stdio.h>

/* Text consoles on framebuffers. The target is a console's name: its number moves when framebuffers come and go, and
 * the kernel makes, binds and drops it by itself. Values: "1", "0", VALUE_NONE. */

#define CONSOLE_NAME "frame buffer device"

/* "(M) frame buffer device" -> "frame buffer device" */
static const char *bare_name(const char *name)
{
        return name[0] == '(' && name[1] && name[2] == ')' && name[3] == ' ' ? name + 4 : name;
}

/* Unbinding takes fbcon from every framebuffer, so it is done only when none but the card's would lose it. */
static bool only_the_card_s(const PlanInput *in)
{
        bool any = false;

        for (size_t i = 0; i < in->view->n_framebuffers; i++) {
                const HostFramebuffer *fb = &in->view->framebuffers[i];

                if (fb->index < 0)
                        continue;
                if (!fb->has_owner || !card_has(in, &fb->owner))
                        return false;
                any = true;
        }
        return any;
}

static int vtconsole_plan(const PlanInput *in, Plan *plan, Fault *f _unused_)
{
        bool forced = in->profile->vtconsole_policy == POLICY_UNBIND;

        if (in->profile->vtconsole_policy == POLICY_KEEP || (!forced && !only_the_card_s(in)))
                return 0;
        for (size_t i = 0; i < in->view->n_consoles; i++) {
                const HostConsole *c = &in->view->consoles[i];

                if (!c->bound || !streq(bare_name(c->name), CONSOLE_NAME))
                        continue;
                return step_append(plan, "vtconsole", CONSOLE_NAME, "0", ACTION_SHARED | (forced ? 0 : ACTION_CARD),
                                   TIMEOUT_SETTING, forced ? "the profile says so" : "the text console is on this card")
                               ? 0
                               : -ENOMEM;
        }
        return 0;
}

/* The folder of the console of that name now; NULL: there is none. */
static int find(Host *h, const char *name, char **ret, Fault *f)
{
        _cleanup_strv_ char **ids = NULL;
        int r;

        *ret = NULL;
        r = host_list(h, "/sys/class/vtconsole", &ids);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return fault_set(f, r, name, "cannot list /sys/class/vtconsole: %s", fault_errno(r));
        STRV_FOREACH (id, ids) {
                _cleanup_free_ char *path = NULL, *found = NULL;

                if (asprintf(&path, "/sys/class/vtconsole/%s/name", *id) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }
                r = host_read(h, path, &found);
                if (r == -ENOENT) /* it went meanwhile */
                        continue;
                if (r < 0)
                        return fault_set(f, r, name, "cannot read %s: %s", path, fault_errno(r));
                if (!streq(bare_name(found), name))
                        continue;
                *strrchr(path, '/') = '\0';
                *ret = TAKE_PTR(path);
                return 0;
        }
        return 0;
}

static int vtconsole_observe(Host *h, const Action *a, char **ret_value, Fault *f)
{
        _cleanup_free_ char *dir = NULL, *path = NULL;
        int r;

        r = find(h, a->target, &dir, f);
        if (r < 0)
                return r;
        if (dir && asprintf(&path, "%s/bind", dir) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = path ? host_read(h, path, ret_value) : -ENOENT;
        if (r == -ENOENT) {
                *ret_value = strdup(VALUE_NONE);
                return *ret_value ? 0 : -ENOMEM;
        }
        return r < 0 ? fault_set(f, r, a->target, "cannot read %s: %s", path, fault_errno(r)) : 0;
}

static int vtconsole_converge(Host *h, const Action *a, const char *value, Fault *f)
{
        _cleanup_free_ char *dir = NULL, *path = NULL;
        int r;

        r = find(h, a->target, &dir, f);
        if (r < 0 || !dir)
                return r;
        if (asprintf(&path, "%s/bind", dir) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        /* fbcon calls into the graphics driver */
        r = host_write_hand(h, path, value);
        if (r == -ENOENT)
                return 0;
        return r < 0 ? fault_set(f, r, a->target, "cannot write %s to %s: %s", value, path, fault_errno(r)) : 0;
}

/* A console that is not there is neither bound nor can it be; one that was not there may stay as the kernel made it. */
static bool vtconsole_satisfied(const Action *a _unused_, const char *now, const char *wanted)
{
        return streq(now, wanted) || streq(now, VALUE_NONE) || streq(wanted, VALUE_NONE);
}

const Step step_vtconsole = {
        .name = "vtconsole",
        .plan = vtconsole_plan,
        .observe = vtconsole_observe,
        .converge = vtconsole_converge,
        .satisfied = vtconsole_satisfied,
        .forward = FORWARD_VTCONSOLE,
        .back = BACK_VTCONSOLE,
};
