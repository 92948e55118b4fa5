/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/rank.h"
#include "step/unit.h"

#define VENDOR_NVIDIA 0x10de

/* Daemons that keep NVIDIA's device files open for as long as they run. */
const char *const step_known_units[] = { "nvidia-persistenced.service", "nvidia-powerd.service", NULL };

static bool planned(const Plan *plan, const char *id)
{
        for (size_t i = 0; i < plan->n_actions; i++)
                if (streq(plan->actions[i].target, id))
                        return true;
        return false;
}

static bool card_is_nvidia(const PlanInput *in)
{
        for (size_t i = 0; i < in->n_functions; i++) {
                const HostFunction *fn = hostview_function(in->view, &in->functions[i]);

                if (fn && fn->vendor == VENDOR_NVIDIA)
                        return true;
        }
        return false;
}

static int services_plan(const PlanInput *in, Plan *plan, Fault *f _unused_)
{
        STRV_FOREACH (id, in->profile->stop_units) {
                const HostUnit *u = hostview_unit(in->view, *id);

                /* One that the view does not know may be another name of a unit: it is looked at when its turn comes,
                 * and a unit that is not running is left alone. */
                if ((u && !unit_is_up(u)) || planned(plan, *id))
                        continue;
                if (!unit_append(plan, "services", *id, u, "the profile stops it"))
                        return -ENOMEM;
        }
        if (!in->profile->known_holders || !card_is_nvidia(in))
                return 0;
        for (const char *const *id = step_known_units; *id; id++) {
                const HostUnit *u = hostview_unit(in->view, *id);
                Action *a;

                if (!unit_is_up(u) || planned(plan, u->id))
                        continue;
                a = unit_append(plan, "services", u->id, u, "it keeps the card's device files open");
                if (!a)
                        return -ENOMEM;
                a->flags |= ACTION_CARD; /* the first thing it does is to open them */
        }
        return 0;
}

const Step step_services = {
        .name = "services",
        .plan = services_plan,
        .observe = unit_observe,
        .converge = unit_converge,
        .satisfied = unit_satisfied,
        .forward = FORWARD_SERVICES,
        .back = BACK_SERVICES,
};
