/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/rank.h"
#include "step/step-util.h"

#include <stdio.h>

/* Waits until a function's device files are back and udev is done with them, so that the display manager and the
 * sound server find them. A deed: there is nothing to put back. */

static int settle_plan(const PlanInput *in, Plan *plan, Fault *f _unused_)
{
        for (size_t i = 0; i < in->n_functions; i++) {
                const HostFunction *fn = hostview_function(in->view, &in->functions[i]);
                char bdf[PCI_FORMAT_MAX], what[16];
                Action *a;

                if (!fn || !fn->driver || driver_is_for_guests(host_driver(in, fn)) || (!fn->drm && !fn->sound))
                        continue;
                (void) snprintf(what, sizeof(what), "%s%s%s", fn->drm ? "drm" : "", fn->drm && fn->sound ? "," : "",
                                fn->sound ? "sound" : "");
                a = step_append(plan, "settle", pci_format(&fn->address, bdf), "settled", ACTION_BACK | ACTION_LENIENT,
                                TIMEOUT_KERNEL, "its device files must be there before anybody looks for them");
                if (!a || action_param_add(a, "nodes", what) < 0 ||
                    action_param_add(a, "driver", host_driver(in, fn)) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* Has udev a record of the device with this "dev" attribute, or nothing left to do? */
static bool udev_is_done(Host *h, const char *dir, const char *name)
{
        _cleanup_free_ char *path = NULL, *number = NULL, *record = NULL;

        if (!host_exists(h, "/run/udev/queue"))
                return true;
        if (asprintf(&path, "%s/%s/dev", dir, name) < 0) {
                path = NULL;
                return false;
        }
        if (host_read(h, path, &number) < 0)
                return false;
        if (asprintf(&record, "/run/udev/data/c%s", number) < 0) {
                record = NULL;
                return false;
        }
        return host_exists(h, record);
}

/* Is there a cardN below the function's `class` folder, with its device file, and udev done with it? */
static bool is_there(Host *h, const char *bdf, const char *class)
{
        _cleanup_free_ char *dir = function_path(bdf, class);
        _cleanup_strv_ char **names = NULL;
        bool sound = streq(class, "sound");

        if (!dir || host_list(h, dir, &names) < 0)
                return false;
        STRV_FOREACH (name, names) {
                _cleanup_free_ char *node = NULL, *control = NULL, *sub = NULL;

                if (!startswith(*name, "card"))
                        continue;
                if (asprintf(&node, sound ? "/dev/snd/controlC%s" : "/dev/dri/card%s", *name + strlen("card")) < 0 ||
                    asprintf(&control, "controlC%s", *name + strlen("card")) < 0 ||
                    asprintf(&sub, "%s/%s", dir, *name) < 0)
                        return false;
                return host_exists(h, node) && (sound ? udev_is_done(h, sub, control) : udev_is_done(h, dir, *name));
        }
        return false;
}

static int settle_converge(Host *h, const Action *a, const char *value _unused_, Fault *f)
{
        _cleanup_strv_ char **classes = NULL;
        _cleanup_free_ char *path = function_path(a->target, "driver"), *driver = NULL, *now = NULL;
        int r;

        r = path ? param_list(a, "nodes", &classes) : -ENOMEM;
        if (r < 0)
                return r;
        r = action_param(a, "driver", &driver);
        if (r < 0)
                return r;
        r = host_readlink(h, path, &now);
        if (r < 0 || !streq(now, driver)) /* nothing to wait for */
                return fault_set(f, -ENODEV, a->target,
                                 "the device files of %s are not waited for: it is not on its driver %s", a->target,
                                 driver);
        for (;;) {
                const char *missing = NULL;

                STRV_FOREACH (class, classes)
                        missing = is_there(h, a->target, *class) ? missing : *class;
                if (!missing)
                        return 0;
                r = step_wait(h, WAIT_UEVENT, NULL, 0, h->deadline, f);
                if (r < 0)
                        return r;
                if (r > 0)
                        return fault_set(f, -ETIMEDOUT, a->target,
                                         "the %s device files of %s have not come back: `dmesg` and `udevadm monitor` "
                                         "may say why",
                                         missing, a->target);
        }
}

const Step step_settle = {
        .name = "settle",
        .plan = settle_plan,
        .converge = settle_converge,
        .forward = FORWARD_SETTLE,
        .back = BACK_SETTLE,
};
