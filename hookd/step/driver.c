/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/card.h"
#include "step/rank.h"
#include "step/rescan.h"

#include <stdio.h>

/* Which driver a function is bound to: a name or VALUE_NONE. Its driver link is the truth: a write to drivers_probe
 * succeeds whatever came of it. */

enum { ATTEMPTS = 4 };

#define PROBE_USEC (3 * USEC_PER_SEC) /* for a probe that somebody else has under way, or that was deferred */

static int driver_plan(const PlanInput *in, Plan *plan, Fault *f _unused_)
{
        /* Sound, USB and I2C are consumers of function 0: they go first there, and come last back. */
        for (size_t i = in->n_functions; i-- > 0;) {
                const HostFunction *fn = hostview_function(in->view, &in->functions[i]);
                const char *driver = guest_driver(in, &in->functions[i]);
                char bdf[PCI_FORMAT_MAX];
                Action *a;

                a = step_append(plan, "driver", pci_format(&in->functions[i], bdf), driver,
                                ACTION_EXCLUSIVE | ACTION_CARD, TIMEOUT_KERNEL,
                                fn && streq0(fn->driver, driver) ? "already there, and stays" : "for the guest");
                if (!a)
                        return -ENOMEM;
                if (fn && fn->parent && action_param_add(a, "bridge", fn->parent) < 0)
                        return -ENOMEM;
                if (fn && host_driver(in, fn) != fn->driver && action_param_add(a, "host", host_driver(in, fn)) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int current(Host *h, const char *bdf, char **ret, Fault *f)
{
        _cleanup_free_ char *path = function_path(bdf, "driver");
        int r;

        *ret = NULL;
        if (!path)
                return -ENOMEM;
        r = host_readlink(h, path, ret);
        if (r == -ENOENT) {
                *ret = strdup(VALUE_NONE);
                return *ret ? 0 : -ENOMEM;
        }
        return r < 0 ? fault_set(f, r, bdf, "cannot read %s: %s", path, fault_errno(r)) : 0;
}

static int driver_observe(Host *h, const Action *a, char **ret_value, Fault *f)
{
        return current(h, a->target, ret_value, f);
}

/* What the way back shall find: Host= of the profile goes before what was recorded. */
static bool other_host(const Action *a, const char *value, char **ret)
{
        *ret = NULL;
        return !streq(value, a->after) && action_param(a, "host", ret) >= 0;
}

static bool driver_satisfied(const Action *a, const char *now, const char *wanted)
{
        _cleanup_free_ char *host = NULL;

        return streq(now, other_host(a, wanted, &host) ? host : wanted);
}

static char *driver_path(const char *driver, const char *attribute)
{
        char *path;

        return asprintf(&path, "/sys/bus/pci/drivers/%s%s%s", driver, *attribute ? "/" : "", attribute) < 0 ? NULL
                                                                                                            : path;
}

/* nvidia_drm with modeset is a client of the card inside the kernel, which no scan of processes sees: while it is
 * loaded nvidia's remove() waits for it without end. */
static int check_modeset(Host *h, const char *bdf, const char *from, Fault *f)
{
        _cleanup_free_ char *modeset = NULL, *drm = function_path(bdf, "drm");
        int r;

        if (!drm)
                return -ENOMEM;
        if (!streq(from, "nvidia") || !host_exists(h, drm))
                return 0;
        r = host_read(h, "/sys/module/nvidia_drm/parameters/modeset", &modeset);
        if (r < 0 && r != -ENOENT)
                return fault_set(f, r, bdf,
                                 "%s is not unbound from nvidia, for which the kernel might wait for ever: cannot tell "
                                 "whether nvidia_drm has modeset=1: %s",
                                 bdf, fault_errno(r));
        if (r < 0 || !streq(modeset, "Y"))
                return 0;
        return fault_set(f, -EBUSY, bdf,
                         "%s cannot be unbound from nvidia while nvidia_drm is loaded with modeset=1: the kernel would "
                         "wait for ever, and another card or the profile keeps that module loaded. Give %s to vfio-pci "
                         "at boot, or set \"options nvidia_drm modeset=0\" in /etc/modprobe.d",
                         bdf, bdf);
}

static int unbind(Host *h, const char *bdf, const char *from, Fault *f)
{
        _cleanup_free_ char *path = driver_path(from, "unbind");
        int r;

        if (!path)
                return -ENOMEM;
        r = function_let_go(h, bdf, f);
        if (r >= 0)
                r = check_modeset(h, bdf, from, f);
        if (r < 0)
                return r;
        r = host_write_hand(h, path, bdf);
        if (r == -ENODEV || r == -ENOENT) /* it went meanwhile: look again */
                return 0;
        if (r == -ETIMEDOUT)
                return fault_set(f, r, bdf, "unbinding %s from %s has not returned from the kernel", bdf, from);
        return r < 0 ? fault_set(f, r, bdf, "%s cannot be unbound from %s: %s", bdf, from, fault_errno(r)) : 0;
}

/* The driver may have been unloaded since. */
static int ensure_registered(Host *h, const char *bdf, const char *driver, Fault *f)
{
        _cleanup_free_ char *path = driver_path(driver, "");
        char module[64];
        int r;

        if (!path)
                return -ENOMEM;
        if (host_exists(h, path))
                return 0;
        r = host_module(h, MODULE_LOAD, driver_module(driver, module), NULL);
        if (r == -ETIMEDOUT)
                return fault_set(f, r, bdf, "loading the module %s for %s has not returned from the kernel", module,
                                 bdf);
        if (r < 0)
                return fault_set(f, r, bdf, "%s needs the driver %s, whose module %s cannot be loaded: %s", bdf, driver,
                                 module, fault_errno(r));
        return 0;
}

static int write_probe(Host *h, const char *bdf, const char *driver, bool bind)
{
        _cleanup_free_ char *path = bind ? driver_path(driver, "bind") : strdup("/sys/bus/pci/drivers_probe");

        return path ? host_write_hand(h, path, bdf) : -ENOMEM;
}

/* Moves an unbound function to the driver. `probe`: an override names the driver, so that the PCI core finds it; else
 * it is named to that driver alone, because the core would take the first that matches. The second way is tried for its
 * errno, which the first does not give. */
static int attach(Host *h, const char *bdf, const char *driver, bool probe, Fault *f)
{
        uint64_t until = step_until(h, PROBE_USEC);
        int r, why = 0;

        for (int way = 0; way < 2; way++) {
                _cleanup_free_ char *now = NULL;

                r = write_probe(h, bdf, driver, (way == 0) != probe);
                if (r == -ETIMEDOUT)
                        return fault_set(f, r, bdf, "the probe of %s by %s has not returned from the kernel", bdf,
                                         driver);
                if (r < 0)
                        why = r;
                r = current(h, bdf, &now, f);
                if (r < 0 || !streq(now, VALUE_NONE))
                        return r;
        }
        for (;;) {
                _cleanup_free_ char *now = NULL;

                r = step_wait(h, WAIT_UEVENT, NULL, 0, until, f);
                if (r < 0)
                        return r;
                if (r > 0)
                        break;
                r = current(h, bdf, &now, f);
                if (r < 0 || !streq(now, VALUE_NONE))
                        return r;
        }
        return fault_set(f, why < 0 ? why : -EIO, bdf, "%s does not bind to %s: %s; %s", bdf, driver,
                         why < 0 ? fault_errno(why) : "the kernel says success, but does nothing",
                         why == -EBUSY ? "another device of its IOMMU group may be in use by a guest"
                                       : "`dmesg` may say why");
}

/* A function that is missing, after a reset whose rescan failed, is looked for once more. */
static int find_again(Host *h, const Action *a, Fault *f)
{
        uint64_t until = step_until(h, PROBE_USEC);
        _cleanup_free_ char *bridge = NULL;
        int r;

        r = action_param(a, "bridge", &bridge);
        if (r < 0 && r != -ENOENT)
                return r;
        r = rescan_below(h, bridge, f);
        while (r >= 0 && !function_present(h, a->target)) {
                r = step_wait(h, WAIT_UEVENT, NULL, 0, until, f);
                if (r > 0)
                        return fault_set(f, -ENODEV, a->target,
                                         "%s is not there: it has fallen off the bus, and looking for it again did not "
                                         "help: only a reboot, or power off and on, will",
                                         a->target);
        }
        return r;
}

static int driver_converge(Host *h, const Action *a, const char *value, Fault *f)
{
        _cleanup_free_ char *host = NULL;
        const char *wanted = other_host(a, value, &host) ? host : value;
        /* A function that was on this driver before need not have an override. */
        bool probe = streq(value, a->after) && !streq0(a->before, a->after);
        int r;

        if (!function_present(h, a->target)) {
                if (streq(wanted, VALUE_NONE))
                        return 0;
                if (probe)
                        return fault_set(f, -ENODEV, a->target, "%s is not there any more: it has fallen off the bus",
                                         a->target);
                r = find_again(h, a, f);
                if (r < 0)
                        return r;
        }
        for (int i = 0; i < ATTEMPTS; i++) {
                _cleanup_free_ char *now = NULL;

                r = current(h, a->target, &now, f);
                if (r < 0 || streq(now, wanted))
                        return r;
                if (!streq(now, VALUE_NONE)) {
                        r = unbind(h, a->target, now, f);
                        if (r < 0)
                                return r;
                        continue;
                }
                r = ensure_registered(h, a->target, wanted, f);
                if (r < 0)
                        return r;
                free(now);
                now = NULL;
                r = current(h, a->target, &now, f); /* loading the module may have bound it */
                if (r < 0 || !streq(now, VALUE_NONE))
                        continue;
                r = attach(h, a->target, wanted, probe, f);
                if (r < 0)
                        return r;
        }
        return 0; /* something else keeps binding it: the engine looks, and says what it found */
}

const Step step_driver = {
        .name = "driver",
        .plan = driver_plan,
        .observe = driver_observe,
        .converge = driver_converge,
        .satisfied = driver_satisfied,
        .forward = FORWARD_DRIVER,
        .back = BACK_DRIVER,
};
