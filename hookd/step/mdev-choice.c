/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/mdev-choice.h"

#include <ctype.h>
#include <stdio.h>

static int add(char ***list, const char *uuid)
{
        char lower[37];
        size_t n = 0;

        for (; uuid[n] && n < sizeof(lower) - 1; n++)
                lower[n] = (char) tolower((unsigned char) uuid[n]);
        lower[n] = '\0';
        return strv_contains(*list, lower) ? 0 : strv_append(list, lower);
}

int mdev_wanted(const PlanInput *in, char ***ret)
{
        int r = 0;

        STRV_FOREACH (uuid, in->profile->mdev_uuids)
                r = r < 0 ? r : add(ret, *uuid);
        for (size_t i = 0; !in->profile->mdev_uuids && i < in->guest->n_devices && r >= 0; i++)
                if (in->guest->devices[i].type == GUEST_DEVICE_MDEV)
                        r = add(ret, in->guest->devices[i].uuid);
        return r;
}

const char *mdev_parent(const PlanInput *in, char buf[64])
{
        const char *parent = in->profile->mdev_parent;
        PciAddress a;

        if (!parent)
                return NULL;
        if (pci_parse(parent, &a) >= 0)
                return pci_format(&a, buf);
        (void) snprintf(buf, 64, "%s", parent);
        return buf;
}

static bool is_meant(const PlanInput *in, const HostMdevType *t)
{
        char buf[64];
        const char *parent = mdev_parent(in, buf);

        return streq0(in->profile->mdev_type, t->id) && (!parent || streq(parent, t->parent));
}

bool mdev_offered(const PlanInput *in)
{
        for (size_t i = 0; i < in->view->n_mdev_types; i++)
                if (is_meant(in, &in->view->mdev_types[i]))
                        return true;
        return false;
}

/* How many of the plan's devices are still to be made by this one? */
static int planned(const PlanInput *in, const Plan *plan, const HostMdevType *t)
{
        int n = 0;

        for (size_t i = 0; i < plan->n_actions; i++) {
                const Action *a = &plan->actions[i];

                n += streq(a->step, "mediated-device") && !hostview_mdev(in->view, a->target) &&
                     param_is(a, "parent", t->parent);
        }
        return n;
}

const HostMdevType *mdev_maker(const PlanInput *in, const Plan *plan)
{
        for (size_t i = 0; i < in->view->n_mdev_types; i++) {
                const HostMdevType *t = &in->view->mdev_types[i];

                if (is_meant(in, t) && t->available > planned(in, plan, t))
                        return t;
        }
        return NULL;
}

const char *mdev_module(const char *type, char buf[64])
{
        static const struct {
                const char *driver, *module;
        } other_names[] = {
                { "i915", "kvmgt" },              /* drivers/gpu/drm/i915/gvt/kvmgt.c */
                { "nvidia", "nvidia_vgpu_vfio" }, /* of NVIDIA's vGPU host driver */
        };
        const char *name = type;
        size_t n = strcspn(type, "-");

        for (size_t i = 0; i < ARRAY_SIZE(other_names); i++)
                if (strlen(other_names[i].driver) == n && strncmp(other_names[i].driver, type, n) == 0) {
                        name = other_names[i].module;
                        n = strlen(name);
                        break;
                }
        (void) snprintf(buf, 64, "%.*s", (int) n, name);
        return buf;
}

bool mdev_needs_module(const PlanInput *in, char buf[64])
{
        _cleanup_strv_ char **wanted = NULL;

        if (!in->profile->mdev_type || mdev_offered(in) || mdev_wanted(in, &wanted) < 0 ||
            hostview_module(in->view, mdev_module(in->profile->mdev_type, buf)))
                return false;
        STRV_FOREACH (uuid, wanted)
                if (!hostview_mdev(in->view, *uuid))
                        return true;
        return false;
}
