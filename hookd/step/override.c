/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/card.h"
#include "step/rank.h"

#include <stdio.h>

/* driver_override: from now on only the guest's driver may take the function, whatever udev loads. Values: a driver's
 * name or VALUE_NONE. */

static int override_plan(const PlanInput *in, Plan *plan, Fault *f _unused_)
{
        for (size_t i = 0; i < in->n_functions; i++) {
                const HostFunction *fn = hostview_function(in->view, &in->functions[i]);
                char bdf[PCI_FORMAT_MAX];
                Action *a;

                a = step_append(plan, "override", pci_format(&in->functions[i], bdf),
                                guest_driver(in, &in->functions[i]), ACTION_EXCLUSIVE | ACTION_CARD, TIMEOUT_KERNEL,
                                "no other driver may take it");
                if (!a || action_param_add(a, "driver", fn && fn->driver ? fn->driver : VALUE_NONE) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int override_observe(Host *h, const Action *a, char **ret_value, Fault *f)
{
        _cleanup_free_ char *path = function_path(a->target, "driver_override"), *value = NULL;
        int r;

        if (!path)
                return -ENOMEM;
        r = host_read_hand(h, path, &value);
        if (r < 0 && r != -ENOENT)
                return fault_set(f, r, a->target, "cannot read %s: %s", path, fault_errno(r));
        *ret_value = !value || streq(value, "(null)") || !*value ? strdup(VALUE_NONE) : TAKE_PTR(value);
        return *ret_value ? 0 : -ENOMEM;
}

static int act(Host *h, const Action *a, const char *driver, const char *what, Fault *f)
{
        _cleanup_free_ char *path = NULL;
        int r;

        if (asprintf(&path, "/sys/bus/pci/drivers/%s/%s", driver, what) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        if (!host_exists(h, path))
                return 0;
        r = host_write_hand(h, path, a->target);
        if (r == -EBUSY || r == -ENODEV) /* it has got one, or lost it, meanwhile */
                return 0;
        return r < 0 ? fault_set(f, r, a->target, "cannot write %s to %s: %s", a->target, path, fault_errno(r)) : 0;
}

/* An override acts by itself: an unbound function is taken by the guest's driver as soon as that is loaded, and one
 * whose own driver is loaded meanwhile is passed over. What it did so, without the driver step, is undone with it. */
static int undo_effects(Host *h, const Action *a, bool cleared, Fault *f)
{
        _cleanup_free_ char *link = function_path(a->target, "driver"), *driver = NULL, *now = NULL;
        int r;

        if (!link)
                return -ENOMEM;
        r = action_param(a, "driver", &driver);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        r = host_readlink(h, link, &now);
        if (r < 0 && r != -ENOENT)
                return fault_set(f, r, a->target, "cannot read %s: %s", link, fault_errno(r));
        if (!cleared && streq(driver, VALUE_NONE) && streq0(now, a->after)) {
                r = function_let_go(h, a->target, f);
                return r < 0 ? r : act(h, a, now, "unbind", f);
        }
        /* the PCI core offers a function only to a driver that is new */
        return cleared && !now && !streq(driver, VALUE_NONE) ? act(h, a, driver, "bind", f) : 0;
}

static int override_converge(Host *h, const Action *a, const char *value, Fault *f)
{
        _cleanup_free_ char *path = function_path(a->target, "driver_override");
        bool back = !streq(value, a->after);
        int r;

        if (!path)
                return -ENOMEM;
        r = back ? undo_effects(h, a, false, f) : 0;
        if (r < 0)
                return r;
        r = host_write_hand(h, path, streq(value, VALUE_NONE) ? "\n" : value); /* a write of nothing is none */
        if (r < 0)
                return fault_set(f, r, a->target, "cannot set %s to %s: %s", path, value, fault_errno(r));
        return back ? undo_effects(h, a, true, f) : 0;
}

const Step step_override = {
        .name = "override",
        .plan = override_plan,
        .observe = override_observe,
        .converge = override_converge,
        .forward = FORWARD_OVERRIDE,
        .back = BACK_OVERRIDE,
};
