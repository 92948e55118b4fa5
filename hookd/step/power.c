/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/rank.h"
#include "step/reset-choice.h"
#include "step/step-util.h"

#include <stdio.h>

/* Keeps a function out of D3cold and awake. The value has both attributes: "control=on d3cold=0", as far as they
 * exist. */

static int append(Plan *plan, const HostFunction *fn, const char *control, int d3cold, const char *why)
{
        bool has_control = fn->power_control != NULL, has_d3cold = fn->d3cold_allowed >= 0;
        char bdf[PCI_FORMAT_MAX], after[48];
        int n = 0;

        if (!has_control && !has_d3cold)
                return 0;
        if (has_control)
                n = snprintf(after, sizeof(after), "control=%.8s%s", control, has_d3cold ? " " : "");
        if (has_d3cold)
                (void) snprintf(after + n, sizeof(after) - (size_t) n, "d3cold=%d", d3cold);
        return step_append(plan, "power", pci_format(&fn->address, bdf), after,
                           ACTION_EXCLUSIVE | ACTION_LENIENT | ACTION_CARD, TIMEOUT_SETTING, why)
                       ? 0
                       : -ENOMEM;
}

/* The bridge is the card's for the time, when nothing else is below it. */
static int plan_bridges(const PlanInput *in, Plan *plan, Fault *f)
{
        for (size_t i = 0; i < in->n_functions; i++) {
                _cleanup_choice_ ResetChoice choice = { 0 };
                const HostFunction *bridge;
                PciAddress a;
                int r;

                if (!reset_is_leader(in, i))
                        continue;
                r = reset_choose(in, i, in->profile->reset_when == RESET_ON_PREPARE, &choice, f);
                if (r < 0)
                        return r;
                if (!choice.hot || (choice.method != RESET_BUS && choice.method != RESET_REMOVE_RESCAN) ||
                    pci_parse(choice.bridge, &a) < 0)
                        continue;
                bridge = hostview_function(in->view, &a);
                r = append(plan, bridge, "on", 0, "its bus is reset later");
                if (r < 0)
                        return r;
        }
        return 0;
}

static int power_plan(const PlanInput *in, Plan *plan, Fault *f)
{
        int r;

        r = plan_bridges(in, plan, f);
        for (size_t i = 0; i < in->n_functions && r >= 0; i++) {
                const HostFunction *fn = hostview_function(in->view, &in->functions[i]);

                if (!fn)
                        continue;
                /* Unasked, too, they are recorded and put back: vfio-pci and a rescan leave them on, and a chip that
                 * used to sleep would not any more. */
                if (in->profile->keep_awake)
                        r = append(plan, fn, "on", 0, "awake while it changes hands");
                else if (streq0(fn->power_control, "auto") || fn->d3cold_allowed == 0)
                        r = append(plan, fn, fn->power_control, fn->d3cold_allowed, "put back afterwards");
        }
        return r;
}

static int read_attribute(Host *h, const Action *a, const char *attribute, char **ret, Fault *f)
{
        _cleanup_free_ char *path = function_path(a->target, attribute);
        int r;

        if (!path)
                return -ENOMEM;
        r = host_read(h, path, ret);
        if (r < 0 && r != -ENOENT)
                return fault_set(f, r, a->target, "cannot read %s: %s", path, fault_errno(r));
        return 0;
}

static int power_observe(Host *h, const Action *a, char **ret_value, Fault *f)
{
        _cleanup_free_ char *control = NULL, *d3cold = NULL;
        int r;

        r = read_attribute(h, a, "power/control", &control, f);
        if (r >= 0)
                r = read_attribute(h, a, "d3cold_allowed", &d3cold, f);
        if (r < 0)
                return r;
        if (!control && !d3cold) {
                *ret_value = strdup(VALUE_NONE);
                return *ret_value ? 0 : -ENOMEM;
        }
        if (asprintf(ret_value, "%s%s%s%s%s", control ? "control=" : "", control ? control : "",
                     control && d3cold ? " " : "", d3cold ? "d3cold=" : "", d3cold ? d3cold : "") < 0) {
                *ret_value = NULL;
                return -ENOMEM;
        }
        return 0;
}

static int write_attribute(Host *h, const Action *a, const char *attribute, const char *value, Fault *f)
{
        _cleanup_free_ char *path = function_path(a->target, attribute);
        int r;

        if (!path)
                return -ENOMEM;
        r = host_write_hand(h, path, value);
        return r < 0 ? fault_set(f, r, a->target, "cannot write %s to %s: %s", value, path, fault_errno(r)) : 0;
}

static int power_converge(Host *h, const Action *a, const char *value, Fault *f)
{
        _cleanup_strv_ char **words = NULL;
        int r;

        r = strv_split(value, &words);
        if (r < 0)
                return r;
        STRV_FOREACH (word, words) {
                if (startswith(*word, "control="))
                        r = write_attribute(h, a, "power/control", *word + strlen("control="), f);
                else if (startswith(*word, "d3cold="))
                        r = write_attribute(h, a, "d3cold_allowed", *word + strlen("d3cold="), f);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* A function that had no such settings, or was not there, has nothing to be given back. */
static bool power_satisfied(const Action *a _unused_, const char *now, const char *wanted)
{
        return streq(now, wanted) || streq(wanted, VALUE_NONE);
}

const Step step_power = {
        .name = "power",
        .plan = power_plan,
        .observe = power_observe,
        .converge = power_converge,
        .satisfied = power_satisfied,
        .forward = FORWARD_POWER,
        .back = BACK_POWER,
};
