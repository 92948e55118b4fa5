/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/rank.h"
#include "step/step-util.h"

#include <stdio.h>

/* The firmware's framebuffer in the card's memory. The target is the platform device, the value its driver, whatever
 * that is called, or VALUE_NONE. A driver that takes the card makes the kernel throw the platform device out for good,
 * so the way back may not exist. */

/* Without a driver of the host's nothing shows a picture again. */
static int warn(const PlanInput *in, Plan *plan, const HostFramebuffer *fb)
{
        const HostFunction *fn = hostview_function(in->view, &fb->owner);
        char bdf[PCI_FORMAT_MAX];

        if (!fn || host_driver(in, fn))
                return 0;
        return plan_warn(plan,
                         "%s is the only thing that shows a picture on %s, and the kernel does not bring it back after "
                         "the guest: that screen stays dark until a reboot",
                         fb->platform, pci_format(&fb->owner, bdf));
}

static int framebuffer_plan(const PlanInput *in, Plan *plan, Fault *f _unused_)
{
        bool forced = in->profile->framebuffer_policy == POLICY_UNBIND;
        bool keep = in->profile->framebuffer_policy == POLICY_KEEP;

        for (size_t i = 0; i < in->view->n_framebuffers; i++) {
                const HostFramebuffer *fb = &in->view->framebuffers[i];
                bool ours = fb->has_owner && card_has(in, &fb->owner);
                char bdf[PCI_FORMAT_MAX];
                Action *a;

                if (!fb->platform || !fb->driver || (!ours && !(forced && !fb->has_owner)))
                        continue;
                /* One that is kept is named all the same: the guest's driver throws it out (aperture_remove_…). */
                a = step_append(plan, "framebuffer", fb->platform, keep ? fb->driver : VALUE_NONE,
                                ACTION_ONE_WAY | ACTION_CARD, TIMEOUT_SETTING,
                                keep   ? "kept, until the guest's driver takes its memory"
                                : ours ? "it lies in this card's memory"
                                       : "the profile says so");
                if (!a || (ours && action_param_add(a, "owner", pci_format(&fb->owner, bdf)) < 0) ||
                    (ours && warn(in, plan, fb) < 0))
                        return -ENOMEM;
        }
        return 0;
}

static int framebuffer_observe(Host *h, const Action *a, char **ret_value, Fault *f)
{
        _cleanup_free_ char *path = NULL;
        int r;

        if (asprintf(&path, "/sys/bus/platform/devices/%s/driver", a->target) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = host_readlink(h, path, ret_value);
        if (r == -ENOENT) {
                *ret_value = strdup(VALUE_NONE);
                return *ret_value ? 0 : -ENOMEM;
        }
        return r < 0 ? fault_set(f, r, a->target, "cannot read %s: %s", path, fault_errno(r)) : 0;
}

static int act(Host *h, const Action *a, const char *driver, const char *what, Fault *f)
{
        _cleanup_free_ char *path = NULL;
        int r;

        if (asprintf(&path, "/sys/bus/platform/drivers/%s/%s", driver, what) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = host_write_hand(h, path, a->target);
        if (r == -ENODEV && streq(what, "unbind")) /* thrown out in this moment */
                return 0;
        return r < 0 ? fault_set(f, r, a->target, "cannot write %s to %s: %s", a->target, path, fault_errno(r)) : 0;
}

/* May the firmware's framebuffer have its memory back? Not once a driver has taken the card over: what the firmware set
 * up is gone then, and its memory may have moved. */
static int check_way_back(Host *h, const Action *a, Fault *f)
{
        _cleanup_free_ char *device = NULL, *owner = NULL, *link = NULL, *driver = NULL;

        if (asprintf(&device, "/sys/bus/platform/devices/%s", a->target) < 0) {
                device = NULL;
                return -ENOMEM;
        }
        if (!host_exists(h, device))
                return fault_set(f, -ENODEV, a->target,
                                 "the firmware's framebuffer %s does not come back before a reboot: the kernel dropped "
                                 "it when a driver took the card, as it always does",
                                 a->target);
        if (action_param(a, "owner", &owner) < 0)
                return 0;
        link = function_path(owner, "driver");
        if (!link)
                return -ENOMEM;
        if (host_readlink(h, link, &driver) < 0)
                return 0;
        return fault_set(f, -EBUSY, a->target,
                         "the firmware's framebuffer %s is left unbound: %s runs %s now and shows the console itself",
                         a->target, driver, owner);
}

static int framebuffer_converge(Host *h, const Action *a, const char *value, Fault *f)
{
        _cleanup_free_ char *now = NULL;
        int r;

        r = framebuffer_observe(h, a, &now, f);
        if (r < 0 || streq(now, value))
                return r;
        if (!streq(value, VALUE_NONE)) {
                r = check_way_back(h, a, f);
                if (r < 0)
                        return r;
        }
        if (!streq(now, VALUE_NONE))
                r = act(h, a, now, "unbind", f);
        return r < 0 || streq(value, VALUE_NONE) ? r : act(h, a, value, "bind", f);
}

/* One that is kept is not touched: that it goes is the guest's driver's doing, on the first probe, and no failure. */
static bool framebuffer_satisfied(const Action *a, const char *now, const char *wanted)
{
        return streq(now, wanted) || !streq(a->after, VALUE_NONE);
}

const Step step_framebuffer = {
        .name = "framebuffer",
        .plan = framebuffer_plan,
        .observe = framebuffer_observe,
        .converge = framebuffer_converge,
        .satisfied = framebuffer_satisfied,
        .forward = FORWARD_FRAMEBUFFER,
        .back = BACK_FRAMEBUFFER,
};
