/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/mdev.h"
#include "step/card.h"
#include "step/mdev-choice.h"
#include "step/rank.h"

#include <stdio.h>

/* Mediated devices: the target is a UUID, the value the type of the device that has it, or VALUE_NONE. One that was
 * there before is adopted whatever its type, and stays; so nothing is ever removed but what was not there before. */

#define APPEAR_USEC (3 * USEC_PER_SEC) /* for a parent whose driver has just been loaded */

static Action *append(Plan *plan, const char *uuid, const char *type, const char *parent, const char *why)
{
        Action *a =
                step_append(plan, "mediated-device", uuid, type, ACTION_EXCLUSIVE | ACTION_CARD, TIMEOUT_KERNEL, why);

        return a && (!parent || action_param_add(a, "parent", parent) >= 0) ? a : NULL;
}

static int plan_existing(const PlanInput *in, Plan *plan, const HostMdev *m)
{
        const char *type = in->profile->mdev_type;
        char buf[64];
        const char *parent = mdev_parent(in, buf);

        if (!append(plan, m->uuid, m->type, m->parent, "there already, and stays"))
                return -ENOMEM;
        if ((!type || streq(type, m->type)) && (!parent || streq(parent, m->parent)))
                return 0;
        return plan_warn(plan, "the mediated device %s is there already, as %s of %s, and is used as it is", m->uuid,
                         m->type, m->parent);
}

static int refuse_type(const PlanInput *in, const char *type, const char *parent, Fault *f)
{
        _cleanup_strv_ char **types = NULL;
        _cleanup_free_ char *list = NULL;

        for (size_t i = 0; i < in->view->n_mdev_types; i++) {
                const HostMdevType *t = &in->view->mdev_types[i];

                if ((!parent || streq(parent, t->parent)) && !strv_contains(types, t->id) &&
                    strv_append(&types, t->id) < 0)
                        return -ENOMEM;
        }
        list = types ? strv_join(types, ", ") : strdup("none");
        return fault_set(f, -ENODEV, parent ? parent : type,
                         "%s%sno mediated device of type %s can be made, offered are: %s. Correct Type= or Parent= in "
                         "[MediatedDevice]; `hookctl devices` shows what there is",
                         parent ? parent : "", parent ? ": " : "", type, list ? list : "?");
}

static int refuse_full(const char *type, const char *parent, Fault *f)
{
        return fault_set(f, -EBUSY, parent ? parent : type,
                         "%s%sno instance of the mediated device type %s is free: shut down a guest that has one, or "
                         "remove one that nobody uses (`hookctl devices`)",
                         parent ? parent : "", parent ? ": " : "", type);
}

static int plan_new_one(const PlanInput *in, Plan *plan, const char *uuid, Fault *f)
{
        const char *type = in->profile->mdev_type, *parent;
        const HostMdevType *maker = mdev_maker(in, plan);
        char buf[64], module[64], why[160];

        parent = mdev_parent(in, buf);
        if (!type)
                return plan_warn(plan,
                                 "the mediated device %s is not there, and no Type= in [MediatedDevice] says what to "
                                 "make: libvirt will refuse the start unless somebody else makes it",
                                 uuid);
        if (!maker && mdev_offered(in))
                return refuse_full(type, parent, f);
        if (!maker && hostview_module(in->view, mdev_module(type, module)))
                return refuse_type(in, type, parent, f);
        if (maker)
                parent = maker->parent;
        (void) snprintf(why, sizeof(why), "made for the guest%s%s", parent ? " by " : "", parent ? parent : "");
        return append(plan, uuid, type, parent, why) ? 0 : -ENOMEM;
}

static int mediated_device_plan(const PlanInput *in, Plan *plan, Fault *f)
{
        int r;

        r = mdev_wanted(in, &plan->mediated);
        STRV_FOREACH (uuid, plan->mediated) {
                const HostMdev *m = hostview_mdev(in->view, *uuid);

                if (r >= 0)
                        r = m ? plan_existing(in, plan, m) : plan_new_one(in, plan, *uuid, f);
        }
        return r;
}

static int mediated_device_observe(Host *h, const Action *a, char **ret_value, Fault *f)
{
        _cleanup_free_ char *parent = NULL;
        int r;

        r = mdev_observe(h, a->target, &parent, ret_value);
        if (r == -ENOENT) {
                *ret_value = strdup(VALUE_NONE);
                return *ret_value ? 0 : -ENOMEM;
        }
        return r < 0 ? fault_set(f, r, a->target, "cannot see the mediated device %s: %s", a->target, fault_errno(r))
                     : 0;
}

static bool mediated_device_satisfied(const Action *a _unused_, const char *now, const char *wanted)
{
        return streq(now, VALUE_NONE) == streq(wanted, VALUE_NONE);
}

/* A parent that can make one; NULL, and what there is in *ret_offered: none can. */
static int find_maker(Host *h, const Action *a, const char *type, char **ret, bool *ret_offered, Fault *f)
{
        _cleanup_strv_ char **parents = NULL;
        _cleanup_free_ char *only = NULL;
        int r;

        *ret = NULL;
        *ret_offered = false;
        r = action_param(a, "parent", &only);
        if (r >= 0)
                r = strv_append(&parents, only);
        else if (r == -ENOENT)
                r = host_list(h, MDEV_PARENTS, &parents);
        if (r < 0 && r != -ENOENT)
                return fault_set(f, r, a->target, "cannot list " MDEV_PARENTS ": %s", fault_errno(r));
        STRV_FOREACH (parent, parents) {
                int available = 0;

                r = mdev_available(h, *parent, type, &available);
                if (r == -ENOENT)
                        continue;
                if (r < 0)
                        return fault_set(f, r, *parent, "%s does not say how many devices of type %s it can make: %s",
                                         *parent, type, fault_errno(r));
                *ret_offered = true;
                if (available == 0)
                        continue;
                *ret = strdup(*parent);
                return *ret ? 0 : -ENOMEM;
        }
        return 0;
}

static int make(Host *h, const Action *a, const char *type, Fault *f)
{
        uint64_t until = step_until(h, APPEAR_USEC);
        _cleanup_free_ char *parent = NULL, *path = NULL, *only = NULL;
        bool offered;
        int r;

        r = action_param(a, "parent", &only);
        if (r < 0 && r != -ENOENT)
                return r;
        for (;;) {
                r = find_maker(h, a, type, &parent, &offered, f);
                if (r < 0)
                        return r;
                if (parent)
                        break;
                if (offered)
                        return refuse_full(type, only, f);
                r = step_wait(h, WAIT_UEVENT, NULL, 0, until, f);
                if (r < 0)
                        return r;
                if (r > 0)
                        return fault_set(f, -ENODEV, only ? only : type,
                                         "%s offers no mediated devices of type %s: `hookctl devices` shows what there "
                                         "is, `dmesg` may say why",
                                         only ? only : "this host", type);
        }
        path = mdev_type_path(parent, type, "create");
        if (!path)
                return -ENOMEM;
        r = host_write_hand(h, path, a->target);
        if (r == -EEXIST) /* somebody else has just made it */
                return 0;
        if (r == -ETIMEDOUT)
                return fault_set(f, r, a->target, "making the mediated device %s has not returned from the kernel",
                                 a->target);
        return r < 0 ? fault_set(f, r, a->target, "%s does not make a mediated device of type %s: %s", parent, type,
                                 fault_errno(r))
                     : 0;
}

/* Its remove() waits in the kernel for whoever has it open. */
static int drop(Host *h, const Action *a, Fault *f)
{
        _cleanup_free_ char *path = mdev_path(a->target, "remove");
        int r;

        if (!path)
                return -ENOMEM;
        r = nodes_let_go(h, a->target, mdev_nodes, "it is not removed", f);
        if (r < 0)
                return r;
        r = host_write_hand(h, path, "1");
        if (r == -ENOENT || r == -ENODEV)
                return 0;
        if (r == -ETIMEDOUT)
                return fault_set(f, r, a->target, "removing the mediated device %s has not returned from the kernel",
                                 a->target);
        return r < 0 ? fault_set(f, r, a->target, "the mediated device %s cannot be removed: %s", a->target,
                                 fault_errno(r))
                     : 0;
}

static int mediated_device_converge(Host *h, const Action *a, const char *value, Fault *f)
{
        _cleanup_free_ char *now = NULL;
        int r;

        r = mediated_device_observe(h, a, &now, f);
        if (r < 0 || mediated_device_satisfied(a, now, value))
                return r;
        return streq(value, VALUE_NONE) ? drop(h, a, f) : make(h, a, value, f);
}

const Step step_mediated_device = {
        .name = "mediated-device",
        .plan = mediated_device_plan,
        .observe = mediated_device_observe,
        .converge = mediated_device_converge,
        .satisfied = mediated_device_satisfied,
        .forward = FORWARD_MEDIATED_DEVICE,
        .back = BACK_MEDIATED_DEVICE,
};
