/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/card.h"
#include "step/mdev-choice.h"
#include "step/module-chain.h"
#include "step/rank.h"

#include <stdio.h>

/* Values: loaded (built in counts), absent, in passing "going", and "idle": loaded, but without the card it had. A
 * module is put to "absent" in transit, or to "loaded", where it then stays: for vfio because it is never undone, for
 * the host's because another card needs it and the way back must find it again. */

#define BUSY_USEC (3 * USEC_PER_SEC) /* udev and logind look at a new device for about a second */

static const char *const vfio_modules[] = { "vfio", "vfio_iommu_type1", "vfio_pci" };

static int append_load(Plan *plan, const char *name, unsigned flags, const char *why)
{
        for (size_t i = 0; i < plan->n_actions; i++)
                if (streq(plan->actions[i].step, "module") && streq(plan->actions[i].target, name))
                        return 0;
        return step_append(plan, "module", name, "loaded", ACTION_TRANSIT | flags, TIMEOUT_KERNEL, why) ? 0 : -ENOMEM;
}

/* What the guest's side needs comes first: better to learn that it cannot be loaded while nothing is lost. */
static int plan_vfio(const PlanInput *in, Plan *plan)
{
        _cleanup_strv_ char **mediated = NULL;
        int r;

        r = mdev_wanted(in, &mediated);
        if (r < 0 || (in->n_functions == 0 && !mediated))
                return r;
        for (size_t i = 0; i < ARRAY_SIZE(vfio_modules) && r >= 0; i++)
                if (strv_contains(in->view->missing_modules, vfio_modules[i]) &&
                    (in->n_functions > 0 || !streq(vfio_modules[i], "vfio_pci"))) /* a mediated device has its own */
                        r = append_load(plan, vfio_modules[i], 0, "the guest's side needs it; it stays loaded");
        for (size_t i = 0; i < in->n_functions && r >= 0; i++) {
                const char *driver = guest_driver(in, &in->functions[i]);
                char name[64];

                if (streq(driver, "vfio-pci") || hostview_module(in->view, driver_module(driver, name)))
                        continue;
                r = append_load(plan, name, 0, "the guest's side needs it; it stays loaded");
        }
        return r;
}

/* The functions that get their screen from nvidia_drm. It serves the cards that nvidia has when it is loaded, and no
 * later one; and udev may load both between a card's "add" event and its probe (pci_bus_add_device: match_driver). */
static int serves_add(const PlanInput *in, Action *a)
{
        _cleanup_strv_ char **list = NULL;
        _cleanup_free_ char *joined = NULL;
        char bdf[PCI_FORMAT_MAX];

        for (size_t i = 0; streq(a->target, "nvidia_drm") && i < in->n_functions; i++) {
                const HostFunction *fn = hostview_function(in->view, &in->functions[i]);

                if (fn && fn->drm && streq0(fn->driver, "nvidia") &&
                    strv_append(&list, pci_format(&fn->address, bdf)) < 0)
                        return -ENOMEM;
        }
        if (!list)
                return 0;
        joined = strv_join(list, ",");
        return joined ? action_param_add(a, "serves", joined) : -ENOMEM;
}

static int plan_unload(const PlanInput *in, Plan *plan, const ChainModule *c)
{
        char vendor[8];
        Action *a;

        a = step_append(plan, "module", c->name, "absent", ACTION_TRANSIT | ACTION_CARD, TIMEOUT_KERNEL,
                        "its driver must let go of the card");
        if (!a)
                return -ENOMEM;
        (void) snprintf(vendor, sizeof(vendor), "%04x", c->vendor);
        if (card_param_add(in, a) < 0 || action_param_add(a, "shared", vendor) < 0 || serves_add(in, a) < 0)
                return -ENOMEM;
        return in->profile->module_policy == POLICY_UNLOAD ? 0 : action_param_add(a, "alone", c->driver);
}

static int module_plan(const PlanInput *in, Plan *plan, Fault *f _unused_)
{
        ChainModule chain[CHAIN_MAX];
        size_t n = module_chain(in, chain);
        char mdev_module[64];
        int r;

        r = plan_vfio(in, plan);
        if (r >= 0 && mdev_needs_module(in, mdev_module))
                r = append_load(plan, mdev_module, 0, "mediated devices are made by it; it stays loaded");
        for (size_t i = 0; i < n && r >= 0; i++) {
                const ChainModule *c = &chain[i];
                char why[160];

                if (!c->stays) {
                        r = plan_unload(in, plan, c);
                        continue;
                }
                (void) snprintf(why, sizeof(why), "%s%s%s%s", c->stays, c->because ? " (" : "",
                                c->because ? c->because : "", c->because ? ")" : "");
                r = append_load(plan, c->name, ACTION_CARD, why);
        }
        return r;
}

static int state(Host *h, const char *name, ModuleInfo *ret, Fault *f)
{
        int r = host_module(h, MODULE_STATE, name, ret);

        if (r < 0 && r != -ENOENT)
                return fault_set(f, r, name, "cannot see whether the module %s is loaded: %s", name, fault_errno(r));
        return r;
}

/* Is one of its cards back on the host's driver without a screen? */
static int is_idle(Host *h, const Action *a, Fault *f)
{
        _cleanup_strv_ char **functions = NULL;

        if (param_list(a, "serves", &functions) < 0)
                return 0;
        STRV_FOREACH (bdf, functions) {
                _cleanup_free_ char *link = function_path(*bdf, "driver"), *drm = function_path(*bdf, "drm");
                _cleanup_free_ char *driver = NULL;
                int r;

                if (!link || !drm)
                        return -ENOMEM;
                r = host_readlink(h, link, &driver);
                if (r < 0 && r != -ENOENT)
                        return fault_set(f, r, *bdf, "cannot read %s: %s", link, fault_errno(r));
                if (r >= 0 && streq(driver, "nvidia") && !host_exists(h, drm))
                        return 1;
        }
        return 0;
}

static int module_observe(Host *h, const Action *a, char **ret_value, Fault *f)
{
        ModuleInfo info = { 0 };
        const char *value;
        int r;

        r = state(h, a->target, &info, f);
        if (r == -ENOENT) {
                value = "absent";
        } else if (r < 0) {
                return r;
        } else if (streq(info.state, "going")) {
                value = "going";
        } else {
                r = is_idle(h, a, f);
                if (r < 0)
                        return r;
                value = r > 0 ? "idle" : "loaded";
        }
        *ret_value = strdup(value);
        return *ret_value ? 0 : -ENOMEM;
}

static bool module_satisfied(const Action *a, const char *now, const char *wanted)
{
        if (streq(a->after, "loaded") && streq(now, "loaded"))
                return true;
        return streq(now, wanted) || (streq(wanted, "going") && streq(now, "absent"));
}

/* Waits until the module is neither coming nor going. */
static int settled(Host *h, const char *name, ModuleInfo *ret, Fault *f)
{
        uint64_t until = step_until(h, TIMEOUT_KERNEL);
        int r, k;

        for (;;) {
                *ret = (ModuleInfo){ 0 };
                r = state(h, name, ret, f);
                if (r < 0 || (!streq(ret->state, "coming") && !streq(ret->state, "going")))
                        return r;
                k = step_wait(h, WAIT_UEVENT, NULL, 0, until, f);
                if (k < 0)
                        return k;
                if (k > 0)
                        return fault_set(f, -EBUSY, name, "the module %s has been %s for too long", name, ret->state);
        }
}

static int refuse_busy(Host *h, const Action *a, const ModuleInfo *info, Fault *f)
{
        _cleanup_holders_ HolderList holders = { 0 };
        _cleanup_free_ char *text = NULL;
        Fault ignored = { 0 };

        if (action_holders(h, a, &holders, &ignored) >= 0 && holders.n > 0)
                text = holders_describe(&holders);
        return fault_set(f, -EBUSY, a->target,
                         "the module %s is in use (reference count %d, modules that use it: %s). %s. If it cannot be "
                         "freed: Policy=keep in [Module] leaves it loaded",
                         a->target, info->refcnt, info->holders[0] ? info->holders : "none",
                         text ? text
                         : info->holders[0]
                                 ? "Unload those first"
                                 : "No process has the card's device files open: a console, a sound or an I2C "
                                   "driver may use it inside the kernel");
}

/* The plan was made when the card was alone on its driver. Another guest may have given one back since: it would lose
 * its driver with the module. */
static int check_alone(Host *h, const Action *a, Fault *f)
{
        _cleanup_strv_ char **functions = NULL, **all = NULL;
        _cleanup_free_ char *alone = NULL;
        int r;

        if (action_param(a, "alone", &alone) < 0)
                return 0;
        r = param_list(a, "functions", &functions);
        if (r >= 0)
                r = host_list(h, "/sys/bus/pci/devices", &all);
        if (r < 0)
                return fault_set(f, r, a->target, "cannot see which cards the module %s serves: %s", a->target,
                                 fault_errno(r));
        STRV_FOREACH (bdf, all) {
                _cleanup_free_ char *link = function_path(*bdf, "driver"), *driver = NULL;

                if (strv_contains(functions, *bdf) || !link || host_readlink(h, link, &driver) < 0 ||
                    !streq(driver, alone))
                        continue;
                return fault_set(f, -EBUSY, a->target,
                                 "the module %s stays: %s has come to the driver %s meanwhile, from another guest, and "
                                 "would lose it. Start the guest again: with two cards only this one is unbound",
                                 a->target, *bdf, alone);
        }
        return 0;
}

static int unload(Host *h, const Action *a, Fault *f)
{
        uint64_t until = step_until(h, BUSY_USEC);

        for (;;) {
                ModuleInfo info = { 0 };
                int r, k;

                r = settled(h, a->target, &info, f);
                if (r == -ENOENT)
                        return 0;
                if (r < 0)
                        return r;
                r = check_alone(h, a, f);
                if (r < 0)
                        return r;
                if (info.builtin)
                        return fault_set(f, -EOPNOTSUPP, a->target,
                                         "%s is built into the kernel and cannot be unloaded: Policy=keep in [Module]",
                                         a->target);
                r = host_module(h, MODULE_UNLOAD, a->target, NULL);
                if (r == 0 || r == -ENOENT)
                        return 0;
                if (r == -ETIMEDOUT)
                        return fault_set(f, r, a->target, "unloading the module %s has not returned from the kernel",
                                         a->target);
                if (r != -EAGAIN && r != -EBUSY)
                        return fault_set(f, r, a->target, "the module %s cannot be unloaded: %s", a->target,
                                         fault_errno(r));
                k = step_wait(h, WAIT_UEVENT, NULL, 0, until, f);
                if (k < 0)
                        return k;
                if (k == 0)
                        continue;
                info = (ModuleInfo){ 0 };
                r = state(h, a->target, &info, f);
                if (r == -ENOENT)
                        return 0;
                return r < 0 ? r : refuse_busy(h, a, &info, f);
        }
}

static int load(Host *h, const Action *a, Fault *f)
{
        ModuleInfo info = { 0 };
        int r;

        r = settled(h, a->target, &info, f);
        if (r >= 0) {
                r = is_idle(h, a, f);
                if (r <= 0)
                        return r;
                r = unload(h, a, f);
                if (r < 0)
                        return r;
        } else if (r != -ENOENT)
                return r;
        r = host_module(h, MODULE_LOAD, a->target, NULL);
        if (r == -ENOENT)
                return fault_set(f, r, a->target,
                                 "there is no module %s for the running kernel: was the kernel updated without a "
                                 "reboot, or is the driver not built for it?",
                                 a->target);
        if (r == -ETIMEDOUT)
                return fault_set(f, r, a->target, "loading the module %s has not returned from the kernel", a->target);
        if (r < 0)
                return fault_set(f, r, a->target, "the module %s cannot be loaded: %s; `dmesg` says more", a->target,
                                 fault_errno(r));
        return 0;
}

static int module_converge(Host *h, const Action *a, const char *value, Fault *f)
{
        return streq(value, "loaded") ? load(h, a, f) : unload(h, a, f);
}

const Step step_module = {
        .name = "module",
        .plan = module_plan,
        .observe = module_observe,
        .converge = module_converge,
        .satisfied = module_satisfied,
        .forward = FORWARD_MODULE,
        .back = BACK_MODULE,
};
