/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/reset-bars.h"
#include "step/card.h"
#include "step/rank.h"
#include "step/rescan.h"
#include "step/reset-choice.h"

#include <stdio.h>

/* Brings a slot of the card into its power-on state after a guest (or, When=prepare, before one: then a gate, since
 * there is nothing to undo). A deed: `after` is the method. The card is still on the guest's driver then; one that a
 * driver of the host's has already taken is left alone. */

#define RESCAN_USEC (2 * USEC_PER_SEC) /* a function may need a second after a reset before it answers */

static int append(const PlanInput *in, Plan *plan, size_t i, const ResetChoice *c, unsigned flags, const char *why)
{
        _cleanup_strv_ char **list = NULL, **keep = NULL;
        _cleanup_free_ char *joined = NULL, *kept = NULL;
        char bdf[PCI_FORMAT_MAX];
        bool any = false;
        Action *a;

        a = step_append(plan, "reset", pci_format(&in->functions[i], bdf), reset_method_name(c->method),
                        flags | ACTION_ONE_WAY | ACTION_CARD, in->profile->reset_timeout, why);
        if (!a)
                return -ENOMEM;
        for (size_t k = in->n_functions; k-- > 0;) { /* consumers first */
                const HostFunction *fn = hostview_function(in->view, &in->functions[k]);
                const char *host;

                if (!fn || !pci_same_slot(&fn->address, &in->functions[i]))
                        continue;
                host = host_driver(in, fn);
                any |= driver_is_for_guests(host);
                if (strv_append(&list, pci_format(&fn->address, bdf)) < 0 ||
                    strv_append(&keep, driver_is_for_guests(host) ? host : VALUE_NONE) < 0)
                        return -ENOMEM;
        }
        joined = strv_join(list, ",");
        kept = strv_join(keep, ",");
        if (!joined || !kept || action_param_add(a, "functions", joined) < 0)
                return -ENOMEM;
        if (any && c->method == RESET_REMOVE_RESCAN && action_param_add(a, "keep", kept) < 0)
                return -ENOMEM;
        if (c->bridge && action_param_add(a, "bridge", c->bridge) < 0)
                return -ENOMEM;
        return c->hot ? action_param_add(a, "hot", "yes") : 0;
}

static int plan_one(const PlanInput *in, Plan *plan, size_t i, bool at_prepare, Fault *f)
{
        _cleanup_choice_ ResetChoice choice = { 0 };
        int r;

        r = reset_choose(in, i, at_prepare, &choice, f);
        if (r < 0)
                return r;
        if (choice.warning)
                return plan_warn(plan, "%s", choice.warning);
        if (choice.method == RESET_NONE)
                return 0;
        return append(in, plan, i, &choice, at_prepare ? ACTION_GATE : ACTION_BACK | ACTION_AFTER_HELD,
                      at_prepare ? "before the guest" : "after the guest");
}

static int reset_plan(const PlanInput *in, Plan *plan, Fault *f)
{
        int r = 0;

        for (size_t i = 0; i < in->n_functions && r >= 0; i++) {
                if (!reset_is_leader(in, i))
                        continue;
                if (in->profile->reset_when != RESET_ON_RELEASE)
                        r = plan_one(in, plan, i, true, f);
                if (in->profile->reset_when != RESET_ON_PREPARE && r >= 0)
                        r = plan_one(in, plan, i, false, f);
        }
        return r;
}

/* Nobody may have any of them open, and no driver of the host's may be on them. */
static int check_idle(Host *h, const Action *a, char *const *functions, Fault *f)
{
        STRV_FOREACH (bdf, functions) {
                _cleanup_free_ char *path = function_path(*bdf, "driver"), *driver = NULL;
                int r;

                if (!path)
                        return -ENOMEM;
                r = host_readlink(h, path, &driver);
                if (r < 0 && r != -ENOENT)
                        return fault_set(f, r, *bdf, "cannot read %s: %s", path, fault_errno(r));
                if (driver && !driver_is_for_guests(driver))
                        return fault_set(f, -EBUSY, *bdf, "%s is not reset: %s has been bound to %s already", a->target,
                                         *bdf, driver);
                r = function_let_go(h, *bdf, f);
                if (r < 0)
                        return fault_prefix(f, "no reset");
        }
        return 0;
}

static int write_hand(Host *h, const char *bdf, const char *attribute, const char *value)
{
        _cleanup_free_ char *path = function_path(bdf, attribute);

        return path ? host_write_hand(h, path, value) : -ENOMEM;
}

/* Does its configuration space answer? A function that is lost reads as all ones. */
static bool answers(Host *h, const char *bdf)
{
        _cleanup_free_ char *path = function_path(bdf, "config"), *config = NULL;

        if (!path || !function_present(h, bdf))
                return false;
        if (host_read_hand(h, path, &config) < 0)
                return !h->stuck;
        return memcmp(config, "\xff\xff", strnlen(config, 2)) != 0 || !*config;
}

static int reset_functions(Host *h, const Action *a, char *const *functions, Fault *f)
{
        STRV_FOREACH (bdf, functions) {
                _cleanup_free_ char *path = function_path(*bdf, "reset");
                int r;

                if (!path)
                        return -ENOMEM;
                if (!host_exists(h, path))
                        continue;
                r = host_write_hand(h, path, "1");
                if (r < 0)
                        return fault_set(f, r, *bdf, "%s cannot be reset by itself: %s", *bdf, fault_errno(r));
        }
        return 0;
}

/* The bus below the bridge, with everything on it in place: the kernel saves and restores what it must. A device lock
 * that is taken just now is waited for. */
static int reset_bus(Host *h, const char *bridge, Fault *f)
{
        uint64_t until = step_until(h, RESCAN_USEC);

        for (;;) {
                int r, k;

                r = write_hand(h, bridge, "reset_subordinate", "1");
                if (r >= 0)
                        return 0;
                k = r == -EAGAIN ? step_wait(h, WAIT_UEVENT, NULL, 0, until, f) : 1;
                if (k < 0)
                        return k;
                if (k > 0)
                        return fault_set(f, r, bridge, "the bus below %s cannot be reset: %s", bridge, fault_errno(r));
        }
}

/* A function that was on a guest's driver has lost its override with the removal, and udev, which has just been told of
 * it, may load another driver for it: it gets a new one before that has happened. The steps after this one, override
 * and driver, put both back as they were. */
static void keep_for_guests(Host *h, const Action *a, char *const *functions)
{
        _cleanup_strv_ char **keep = NULL;

        if (param_list(a, "keep", &keep) < 0)
                return;
        for (size_t i = 0; functions[i] && keep && keep[i]; i++)
                if (!streq(keep[i], VALUE_NONE) && function_present(h, functions[i]))
                        (void) write_hand(h, functions[i], "driver_override", keep[i]);
}

/* Rescans until every function is there and answers: one may need a second after a reset. */
static int bring_back(Host *h, const Action *a, const char *bridge, char *const *functions, Fault *f)
{
        for (;;) {
                const char *missing = NULL;
                Fault tried = { 0 };
                uint64_t until;
                int r;

                r = rescan_below(h, bridge, &tried);
                if (!h->stuck)
                        keep_for_guests(h, a, functions);
                if (h->stuck)
                        return fault_set(f, r < 0 ? r : -ETIMEDOUT, a->target, "%s",
                                         r < 0 ? tried.text
                                               : "the card cannot be kept for guests: its driver_override hangs");
                until = step_until(h, RESCAN_USEC);
                do {
                        missing = NULL;
                        STRV_FOREACH (bdf, functions)
                                missing = answers(h, *bdf) ? missing : *bdf;
                        if (!missing)
                                return 0;
                        if (h->stuck)
                                return fault_set(f, -ETIMEDOUT, missing, "%s does not answer after the reset", missing);
                        r = step_wait(h, WAIT_UEVENT, NULL, 0, until, f);
                } while (r == 0);
                if (r < 0)
                        return r;
                if (until >= h->deadline)
                        return fault_set(f, -ENODEV, missing,
                                         "%s has not come back after the reset of %s: only a reboot, or power off and "
                                         "on, will bring it back",
                                         missing, a->target);
        }
}

static int remove_rescan(Host *h, const Action *a, const char *bridge, char *const *functions, Fault *f)
{
        _cleanup_free_ char *subordinate = bridge ? function_path(bridge, "reset_subordinate") : NULL;
        Fault first = { 0 };
        int r;

        if (bridge && !subordinate)
                return -ENOMEM;
        STRV_FOREACH (bdf, functions) {
                r = write_hand(h, *bdf, "remove", "1");
                if (r < 0 && r != -ENOENT && r != -ENODEV) { /* gone already: a run before this one was cut short */
                        (void) fault_set(&first, r, *bdf, "%s cannot be removed from the bus: %s", *bdf,
                                         fault_errno(r));
                        break;
                }
        }
        if (first.code == 0 && bridge && param_is(a, "hot", "yes") && host_exists(h, subordinate))
                (void) reset_bus(h, bridge, &first);
        /* Whatever happened: what was removed must come back. */
        r = h->stuck ? 0 : bring_back(h, a, bridge, functions, f);
        if (r < 0 || first.code == 0)
                return r;
        *f = first;
        return first.code;
}

static int do_reset(Host *h, const Action *a, const char *method, Fault *f)
{
        _cleanup_strv_ char **functions = NULL;
        _cleanup_free_ char *bridge = NULL, *bars = NULL;
        int r;

        r = param_list(a, "functions", &functions);
        if (r < 0)
                return r;
        r = action_param(a, "bridge", &bridge);
        if (r < 0 && r != -ENOENT)
                return r;
        r = check_idle(h, a, functions, f);
        if (r < 0)
                return r;
        r = action_param(a, "bars", &bars);
        if (r < 0 && r != -ENOENT)
                return r;
        if (streq(method, reset_method_name(RESET_REMOVE_RESCAN))) {
                r = remove_rescan(h, a, bridge, functions, f);
                return r < 0 || !bars ? r : bars_compare(h, functions, bars, f);
        }
        if (streq(method, reset_method_name(RESET_BUS)) && bridge && param_is(a, "hot", "yes"))
                r = reset_bus(h, bridge, f);
        else
                r = reset_functions(h, a, functions, f);
        if (r < 0)
                return r;
        STRV_FOREACH (bdf, functions)
                if (!answers(h, *bdf))
                        return fault_set(f, -ENODEV, *bdf,
                                         "%s does not answer after its reset: only a reboot, or power off and on, will "
                                         "bring it back",
                                         *bdf);
        return 0;
}

/* The BARs as they are before the guest. */
static int reset_note(Host *h, Action *a)
{
        _cleanup_strv_ char **functions = NULL;
        _cleanup_free_ char *bars = NULL;
        int r;

        r = action_param(a, "bars", &bars);
        if (r != -ENOENT) /* noted at the look before this one */
                return r;
        r = param_list(a, "functions", &functions);
        if (r >= 0)
                r = bars_note(h, functions, &bars);
        return r < 0 ? r : action_param_add(a, "bars", bars);
}

static int reset_gate(Host *h, const Action *a, Fault *f)
{
        return do_reset(h, a, a->after, f);
}

static int reset_converge(Host *h, const Action *a, const char *value, Fault *f)
{
        return do_reset(h, a, value, f);
}

const Step step_reset = {
        .name = "reset",
        .plan = reset_plan,
        .gate = reset_gate,
        .note = reset_note,
        .converge = reset_converge,
        .forward = FORWARD_RESET,
        .back = BACK_RESET,
};
