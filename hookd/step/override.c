/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/rank.h"
#include "step/step-util.h"

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
                if (!a || (fn && fn->driver && !driver_is_for_guests(fn->driver) &&
                           action_param_add(a, "driver", fn->driver) < 0))
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

/* The PCI core offers a function to its drivers when one of them is new. One whose driver came while the override still
 * stood, so that it was passed over, is offered to it now. */
static int offer(Host *h, const Action *a, Fault *f)
{
        _cleanup_free_ char *link = function_path(a->target, "driver"), *driver = NULL, *path = NULL, *now = NULL;
        int r;

        if (!link)
                return -ENOMEM;
        r = action_param(a, "driver", &driver);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (host_readlink(h, link, &now) >= 0)
                return 0;
        if (asprintf(&path, "/sys/bus/pci/drivers/%s/bind", driver) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        if (!host_exists(h, path))
                return 0;
        r = host_write_hand(h, path, a->target);
        if (r == -EBUSY || r == -ENODEV) /* it has got one */
                return 0;
        return r < 0 ? fault_set(f, r, a->target, "%s does not bind to %s again: %s", a->target, driver, fault_errno(r))
                     : 0;
}

static int override_converge(Host *h, const Action *a, const char *value, Fault *f)
{
        _cleanup_free_ char *path = function_path(a->target, "driver_override");
        int r;

        if (!path)
                return -ENOMEM;
        r = host_write_hand(h, path, streq(value, VALUE_NONE) ? "\n" : value); /* a write of nothing is none */
        if (r < 0)
                return fault_set(f, r, a->target, "cannot set %s to %s: %s", path, value, fault_errno(r));
        return streq(value, a->after) ? 0 : offer(h, a, f);
}

const Step step_override = {
        .name = "override",
        .plan = override_plan,
        .observe = override_observe,
        .converge = override_converge,
        .forward = FORWARD_OVERRIDE,
        .back = BACK_OVERRIDE,
};
