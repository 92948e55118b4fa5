/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/rank.h"
#include "step/step-util.h"

#include <stdio.h>

/* The brightness of a panel on the card: its driver starts with one of its own. Target: the function; values:
 * "BRIGHTNESS/MAXIMUM", VALUE_NONE. There is nothing to do on the way there, the value goes with the driver. */

#define FOLDER "/sys/class/backlight"

static int backlight_plan(const PlanInput *in, Plan *plan, Fault *f _unused_)
{
        for (size_t i = 0; i < in->n_functions; i++) {
                const HostFunction *fn = hostview_function(in->view, &in->functions[i]);
                char bdf[PCI_FORMAT_MAX];
                Action *a;

                if (!fn || !fn->driver || driver_is_for_guests(host_driver(in, fn)) || strv_length(fn->backlight) == 0)
                        continue;
                a = step_append(plan, "backlight", pci_format(&fn->address, bdf), VALUE_NONE,
                                ACTION_LENIENT | ACTION_CARD, TIMEOUT_SETTING, "put back afterwards");
                if (!a || action_param_add(a, "name", fn->backlight[0]) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* 1: this backlight is the function's. Its device is the function itself, or a connector of its DRM card. */
static int is_of(Host *h, const char *name, const char *bdf)
{
        _cleanup_free_ char *path = NULL, *link = NULL;
        char part[PCI_FORMAT_MAX + 2];
        int r;

        if (asprintf(&path, FOLDER "/%s", name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        (void) snprintf(part, sizeof(part), "/%s/", bdf);
        r = host_readlink_full(h, path, &link);
        return r == -ENOENT ? 0 : r < 0 ? r : strstr(link, part) != NULL;
}

/* The folder of the one with the name it had, else of any that the function has: numbers move. NULL: none. */
static int find(Host *h, const Action *a, char **ret, Fault *f)
{
        _cleanup_free_ char *name = NULL;
        _cleanup_strv_ char **names = NULL;
        const char *found = NULL;
        int r;

        *ret = NULL;
        r = action_param(a, "name", &name);
        if (r >= 0)
                r = host_list(h, FOLDER, &names);
        if (r == -ENOENT)
                return 0;
        STRV_FOREACH (s, names)
                if (r >= 0 && (!found || streq(*s, name))) {
                        r = is_of(h, *s, a->target);
                        found = r > 0 ? *s : found;
                }
        if (r < 0)
                return fault_set(f, r, a->target, "cannot look for the panel of %s in " FOLDER ": %s", a->target,
                                 fault_errno(r));
        if (found && asprintf(ret, FOLDER "/%s", found) < 0) {
                *ret = NULL;
                return -ENOMEM;
        }
        return 0;
}

static int read_value(Host *h, const char *folder, const char *attribute, uint64_t *ret)
{
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s/%s", folder, attribute) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        return host_read_uint(h, path, 10, ret);
}

static int backlight_observe(Host *h, const Action *a, char **ret_value, Fault *f)
{
        _cleanup_free_ char *folder = NULL;
        uint64_t now, max;
        int r;

        r = find(h, a, &folder, f);
        if (r < 0)
                return r;
        if (!folder) {
                *ret_value = strdup(VALUE_NONE);
                return *ret_value ? 0 : -ENOMEM;
        }
        r = read_value(h, folder, "brightness", &now);
        if (r >= 0)
                r = read_value(h, folder, "max_brightness", &max);
        if (r < 0)
                return fault_set(f, r, a->target, "cannot read the brightness in %s: %s", folder, fault_errno(r));
        if (asprintf(ret_value, "%llu/%llu", (unsigned long long) now, (unsigned long long) max) < 0) {
                *ret_value = NULL;
                return -ENOMEM;
        }
        return 0;
}

static bool parse(const char *value, unsigned long long *now, unsigned long long *max)
{
        return sscanf(value, "%llu/%llu", now, max) == 2 && *max > 0;
}

/* The same part of the maximum, which another version of the driver may count in other steps. */
static unsigned long long scaled(const char *value, unsigned long long max)
{
        unsigned long long wanted, of;

        if (!parse(value, &wanted, &of))
                return 0;
        return of == max ? wanted : (wanted * max + of / 2) / of;
}

static bool backlight_satisfied(const Action *a, const char *now, const char *wanted)
{
        unsigned long long value, max;

        if (streq(wanted, a->after) || streq(now, wanted))
                return true;
        return parse(now, &value, &max) && value == scaled(wanted, max);
}

static int backlight_converge(Host *h, const Action *a, const char *value, Fault *f)
{
        _cleanup_free_ char *folder = NULL, *path = NULL;
        char number[24];
        uint64_t max;
        int r;

        r = find(h, a, &folder, f);
        if (r < 0)
                return r;
        if (!folder)
                return fault_set(f, -ENODEV, a->target,
                                 "the panel of %s has not come back: its brightness stays as it is", a->target);
        r = read_value(h, folder, "max_brightness", &max);
        if (r >= 0 && asprintf(&path, "%s/brightness", folder) < 0) {
                path = NULL;
                r = -ENOMEM;
        }
        (void) snprintf(number, sizeof(number), "%llu", scaled(value, max));
        if (r >= 0)
                r = host_write_hand(h, path, number);
        return r < 0 ? fault_set(f, r, a->target, "cannot set the brightness in %s to %s: %s", folder, value,
                                 fault_errno(r))
                     : 0;
}

const Step step_backlight = {
        .name = "backlight",
        .plan = backlight_plan,
        .observe = backlight_observe,
        .converge = backlight_converge,
        .satisfied = backlight_satisfied,
        .forward = FORWARD_BACKLIGHT,
        .back = BACK_BACKLIGHT,
};
