/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/rank.h"
#include "step/unit.h"

/* The nodes a screen is driven through. */
static bool is_screen_node(const char *node)
{
        return startswith(node, "/dev/dri/") || startswith(node, "/dev/nvidia") || startswith(node, "/dev/fb");
}

/* Does this process belong to what the display manager started? PID 1 and logind keep the files of a seat's session. */
static bool is_desktop(const HostView *view, const HostHolder *x)
{
        const HostUnit *dm = view->display_manager;

        if (x->pid == 1 || streq0(x->unit, "systemd-logind.service") || streq0(x->unit, dm->id))
                return true;
        for (size_t i = 0; i < view->n_sessions; i++) {
                const HostSession *s = &view->sessions[i];

                if (!s->seat || !*s->seat)
                        continue;
                if (streq0(x->unit, s->scope))
                        return true;
                /* gnome-shell and kwin live in the user's manager */
                if (x->unit && startswith(x->unit, "user@") && x->uid == s->uid)
                        return true;
        }
        return false;
}

/* Why the display manager must go for this card; NULL: it need not. */
static const char *reason(const PlanInput *in)
{
        bool display = false;

        for (size_t i = 0; i < in->n_functions; i++) {
                const HostFunction *fn = hostview_function(in->view, &in->functions[i]);

                if (!fn || !function_is_display(fn))
                        continue;
                display = true;
                for (size_t k = 0; k < in->view->n_holders; k++) {
                        const HostHolder *x = &in->view->holders[k];

                        if (x->node && is_screen_node(x->node) && strv_contains(fn->nodes, x->node) &&
                            is_desktop(in->view, x))
                                return "the desktop runs on this card";
                }
        }
        /* Nobody can say what a desktop that is down would have open, and it may come up at any moment. */
        if (display && in->view->display_manager->stopped_for && !streq(in->view->display_manager->active, "active"))
                return "it is down for another guest, and stays down until the last one leaves";
        if (display && hostview_other_display(in->view, NULL, 0) &&
            !hostview_other_display(in->view, in->functions, in->n_functions))
                return "this card is the host's only display";
        return NULL;
}

static int display_manager_plan(const PlanInput *in, Plan *plan, Fault *f)
{
        const HostUnit *dm = in->view->display_manager;
        const char *why;
        Action *a;

        if (in->profile->dm_policy == POLICY_KEEP)
                return 0;
        if (!dm && in->profile->dm_policy == POLICY_STOP && in->profile->dm_unit)
                return fault_set(f, -ENOENT, in->profile->dm_unit,
                                 "there is no unit %s on this host: correct Unit= in [DisplayManager]",
                                 in->profile->dm_unit);
        if (!unit_is_up(dm))
                return 0;
        why = in->profile->dm_policy == POLICY_STOP ? "the profile says so" : reason(in);
        if (!why)
                return 0;
        a = unit_append(plan, "display-manager", dm->id, dm, why);
        if (!a)
                return -ENOMEM;
        /* While the card is stuck it would have no screen, and its server would hang in the same lock. */
        if (!hostview_other_display(in->view, in->functions, in->n_functions))
                a->flags |= ACTION_CARD;
        return 0;
}

const Step step_display_manager = {
        .name = "display-manager",
        .decides_desktop = true,
        .plan = display_manager_plan,
        .observe = unit_observe,
        .converge = unit_converge,
        .satisfied = unit_satisfied,
        .forward = FORWARD_DISPLAY_MANAGER,
        .back = BACK_DISPLAY_MANAGER,
};
