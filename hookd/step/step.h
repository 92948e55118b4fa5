/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/host.h"
#include "model/plan.h"
#include "model/profile.h"

typedef struct PlanInput {
        const Profile *profile;
        const Guest *guest;
        const HostView *view;
        const PciAddress *functions; /* the card: settled by the planner (Functions=, Widen=), ascending */
        size_t n_functions;
        bool stops_desktop; /* set by the planner from the plan of the step that decides it (decides_desktop), for the
                               steps after it: the display manager is stopped for this card */
} PlanInput;

typedef struct Step {
        const char *name;
        /* Appends this step's actions. Pure: no Host. A refusal is -errno with a fault. May be NULL. */
        int (*plan)(const PlanInput *in, Plan *plan, Fault *f);
        /* At an event of the guest between its start and its end: appends actions that the worker converges to `after`,
         * outside of any transaction. Pure. NULL: nothing. */
        int (*event)(const PlanInput *in, HookOp event, Plan *plan, Fault *f);
        /* For ACTION_GATE: waits, bounded by h->deadline, until the condition holds (0), or refuses with a fault. */
        int (*gate)(Host *h, const Action *a, Fault *f);
        /* NULL: a deed rather than a state (reset, settle, scripts): converge is always called and verifies itself.
         * One that exists in both directions has its before value from plan().
         * The value the target has now; VALUE_NONE when it does not exist. Reports every attribute converge writes. */
        int (*observe)(Host *h, const Action *a, char **ret_value, Fault *f);
        /* A deed's own: adds to its parameters what it will compare with, before anything is changed. May be NULL, and
         * may be called again. 0 or -errno. */
        int (*note)(Host *h, Action *a);
        /* Moves the target to value from whatever it is now; already there is success. The engine observes afterwards
         * and compares: a step need not verify what observe can see. */
        int (*converge)(Host *h, const Action *a, const char *value, Fault *f);
        /* Are these two values as good as each other for this target? NULL: string equality. `now` is observed. */
        bool (*satisfied)(const Action *a, const char *now, const char *wanted);
        int forward, back;    /* ranks; 0: not in that direction */
        bool decides_desktop; /* with an action of it the desktop is stopped */
} Step;

extern const Step step_scripts, step_display_manager, step_services, step_sessions, step_holders, step_power,
        step_vtconsole, step_virtual_functions, step_override, step_module, step_mediated_device, step_framebuffer,
        step_driver, step_backlight, step_bar, step_reset, step_settle, step_connectors;

/* All steps in forward order, NULL at the end (table.c). */
const Step *const *step_table(void);
const Step *step_find(const char *name); /* NULL: unknown */

/* Units a step may plan for without a word of them in the profile: the scan must ask for them. NULL at the end. */
extern const char *const step_known_units[];
