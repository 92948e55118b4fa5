/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/offline-plan.h"

#include "ctl/domain-xml.h"
#include "ctl/look.h"
#include "ctl/profile-folder.h"
#include "step/step.h"
#include "txn/plan-record.h"
#include "txn/txn.h"

/* 0, or -ENOMEM with a fault. */
static int add(Records *ret, const RecordLine *line, Fault *f)
{
        return records_add(ret, line->text) < 0 ? fault_set(f, -ENOMEM, NULL, "out of memory") : 0;
}

static int add_plan(Records *ret, const Plan *plan, Fault *f)
{
        RecordLine line;
        int r = 0;

        for (size_t i = 0; i < plan->n_actions && r >= 0; i++) {
                const Action *a = &plan->actions[i];

                plan_record_action(&line, a,
                                   a->flags & ACTION_GATE         ? "gate"
                                   : a->flags & ACTION_BACK       ? "later"
                                   : !step_find(a->step)->observe ? "deed"
                                                                  : "unseen",
                                   NULL, a->after, a->why);
                r = add(ret, &line, f);
        }
        for (char **warning = plan->warnings; warning && *warning && r >= 0; warning++) {
                plan_record_warning(&line, *warning);
                r = add(ret, &line, f);
        }
        return r;
}

int offline_plan(const char *host, const char *profile, int xml_fd, Records *ret, Fault *f)
{
        _cleanup_(hostview_freep) HostView *view = NULL;
        _cleanup_(guest_freep) Guest *guest = NULL;
        _cleanup_(profile_freep) Profile *p = NULL;
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_profile_folder_ ProfileFolder folder = { 0 };
        _cleanup_free_ char *chosen = NULL;
        RecordLine line;
        int r;

        r = domain_xml_parse(xml_fd, &guest, f);
        if (r >= 0)
                r = look(host, guest, &view, f);
        if (r >= 0)
                r = profile_folder_open("", &folder, f);
        if (r >= 0 && !profile)
                r = profile_folder_choose(&folder, guest, view, &chosen, f);
        if (r < 0)
                return r;
        if (!profile && !chosen) {
                plan_record(&line, guest->name, "prepare", NULL,
                            "no profile in %s is for this guest; hookd leaves it alone", folder.path);
                return add(ret, &line, f);
        }
        r = profile_folder_load(&folder, profile ? profile : chosen, &p, f);
        if (r >= 0)
                r = planner_plan(p, guest, view, &plan, f);
        if (r < 0)
                return r;
        plan_record(&line, guest->name, "prepare", profile ? profile : chosen, "a start would do this%s%s, by %s",
                    host ? " on " : "", host ? host : "", profile ? profile : chosen);
        r = add(ret, &line, f);
        return r < 0 ? r : add_plan(ret, plan, f);
}
