/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/rank.h"
#include "step/step-util.h"

/* driver_override: from now on only the guest's driver may take the function, whatever udev loads. Values: a driver's
 * name or VALUE_NONE. */

static int override_plan(const PlanInput *in, Plan *plan, Fault *f _unused_)
{
        for (size_t i = 0; i < in->n_functions; i++) {
                char bdf[PCI_FORMAT_MAX];

                if (!step_append(plan, "override", pci_format(&in->functions[i], bdf),
                                 guest_driver(in, &in->functions[i]), ACTION_EXCLUSIVE | ACTION_CARD, TIMEOUT_SETTING,
                                 "no other driver may take it"))
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

static int override_converge(Host *h, const Action *a, const char *value, Fault *f)
{
        _cleanup_free_ char *path = function_path(a->target, "driver_override");
        int r;

        if (!path)
                return -ENOMEM;
        r = host_write_hand(h, path, streq(value, VALUE_NONE) ? "\n" : value); /* a write of nothing is none */
        return r < 0 ? fault_set(f, r, a->target, "cannot set %s to %s: %s", path, value, fault_errno(r)) : 0;
}

const Step step_override = {
        .name = "override",
        .plan = override_plan,
        .observe = override_observe,
        .converge = override_converge,
        .forward = FORWARD_OVERRIDE,
        .back = BACK_OVERRIDE,
};
