/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/step-util.h"

#include <stdio.h>

#define SLICE_USEC (200 * USEC_PER_MSEC)

Action *step_append(Plan *plan, const char *step, const char *target, const char *after, unsigned flags,
                    uint64_t timeout_usec, const char *why)
{
        Action *a = plan_append(plan, step, target, after, flags, timeout_usec);

        if (a && why && action_set(&a->why, "%s", why) < 0)
                return NULL;
        return a;
}

char *function_path(const char *bdf, const char *attribute)
{
        char *path;

        return asprintf(&path, "/sys/bus/pci/devices/%s/%s", bdf, attribute) < 0 ? NULL : path;
}

bool function_present(Host *h, const char *bdf)
{
        _cleanup_free_ char *path = function_path(bdf, "vendor");

        return path && host_exists(h, path);
}

bool card_has(const PlanInput *in, const PciAddress *a)
{
        for (size_t i = 0; i < in->n_functions; i++)
                if (pci_compare(&in->functions[i], a) == 0)
                        return true;
        return false;
}

int card_param_add(const PlanInput *in, Action *a)
{
        _cleanup_strv_ char **list = NULL;
        _cleanup_free_ char *joined = NULL;

        for (size_t i = 0; i < in->n_functions; i++) {
                char bdf[PCI_FORMAT_MAX];

                if (strv_append(&list, pci_format(&in->functions[i], bdf)) < 0)
                        return -ENOMEM;
        }
        joined = strv_join(list, ",");
        return joined ? action_param_add(a, "functions", joined) : -ENOMEM;
}

int param_list(const Action *a, const char *key, char ***ret)
{
        _cleanup_free_ char *value = NULL;
        int r = action_param(a, key, &value);

        if (r < 0)
                return r;
        for (char *p = value; *p; p++)
                if (*p == ',')
                        *p = ' ';
        return strv_split(value, ret);
}

uint64_t param_uint(const Action *a, const char *key, uint64_t otherwise)
{
        _cleanup_free_ char *value = NULL;
        uint64_t n;

        return action_param(a, key, &value) >= 0 && parse_uint(value, UINT64_MAX, &n) >= 0 ? n : otherwise;
}

bool param_is(const Action *a, const char *key, const char *value)
{
        _cleanup_free_ char *found = NULL;

        return action_param(a, key, &found) >= 0 && streq(found, value);
}

bool driver_is_for_guests(const char *driver)
{
        return driver && (streq(driver, "vfio-pci") || endswith(driver, "_vfio_pci") || endswith(driver, "-vfio-pci") ||
                          streq(driver, "pci-stub"));
}

const char *guest_driver(const PlanInput *in, const PciAddress *a)
{
        char bdf[PCI_FORMAT_MAX];
        size_t n;

        if (in->profile->driver_guest)
                return in->profile->driver_guest;
        for (size_t i = 0; i < in->guest->n_devices; i++) {
                const GuestDevice *d = &in->guest->devices[i];

                if (d->type == GUEST_DEVICE_PCI && d->driver && pci_compare(&d->address, a) == 0)
                        return d->driver;
        }
        n = strlen(pci_format(a, bdf));
        STRV_FOREACH (v, in->view->variant_drivers)
                if (strncmp(*v, bdf, n) == 0 && (*v)[n] == ' ')
                        return *v + n + 1;
        return "vfio-pci";
}

const char *host_driver(const PlanInput *in, const HostFunction *fn)
{
        const char *host = in->profile->driver_host;

        if (host && (function_is_display(fn) || driver_is_for_guests(host)) &&
            !streq0(fn->driver, guest_driver(in, &fn->address)))
                return host;
        return fn->driver;
}

const char *driver_module(const char *driver, char buf[64])
{
        static const struct {
                const char *driver, *module;
        } other_names[] = {
                { "nvidia-gpu", "i2c_nvidia_gpu" },
                { "xhci_hcd", "xhci_pci" },
                { "bochs-drm", "bochs" },
                { "i2c_designware_pci", "i2c_designware_pci" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(other_names); i++)
                if (streq(other_names[i].driver, driver))
                        driver = other_names[i].module;
        (void) snprintf(buf, 64, "%s", driver);
        for (char *p = buf; *p; p++)
                if (*p == '-')
                        *p = '_';
        return buf;
}

uint64_t step_until(Host *h, uint64_t usec)
{
        uint64_t now = host_now(h);

        return h->deadline - MIN(now, h->deadline) < usec ? h->deadline : now + usec;
}

int step_wait(Host *h, unsigned what, const HostHolder *holders, size_t n, uint64_t until, Fault *f)
{
        uint64_t now = host_now(h);
        int r;

        if (now >= until)
                return 1;
        r = host_wait(h, what, holders, n, MIN(SLICE_USEC, until - now));
        if (r == -ECANCELED)
                return fault_set(f, r, NULL, "whoever asked for the start has gone");
        if (r == -ETIMEDOUT && host_now(h) >= until)
                return 1;
        return r;
}
