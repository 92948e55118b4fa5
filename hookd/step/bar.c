/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/card.h"
#include "step/rank.h"

#include <stdio.h>

/* The size of a resizable BAR: many guests' firmware and drivers want another than the host's. Target: "BDF/resourceN";
 * values: a size, VALUE_NONE. The kernel changes it only while no driver has the function (pci-sysfs.c:
 * __resource_resize_store, -EBUSY), so that the guest's driver lets go for the moment; the host's is never asked to.
 * Where the kernel refuses, everything stays as it was, with a warning. */

static const HostBar *find_bar(const HostFunction *fn, unsigned bar)
{
        return bar < ARRAY_SIZE(fn->bars) && fn->bars[bar].sizes ? &fn->bars[bar] : NULL;
}

static bool can_be(const HostBar *b, uint64_t size)
{
        for (unsigned i = 0; i < 44; i++)
                if (b->sizes & UINT64_C(1) << i && size == UINT64_C(1) << (i + 20))
                        return true;
        return false;
}

static int warn(Plan *plan, const HostFunction *fn, const HostBar *b, const BarSize *wanted)
{
        char bdf[PCI_FORMAT_MAX], text[256] = "", size[SIZE_FORMAT_MAX], one[SIZE_FORMAT_MAX];
        size_t used = 0;

        for (unsigned i = 0; i < 44 && used < sizeof(text); i++)
                if (b->sizes & UINT64_C(1) << i)
                        used += (size_t) snprintf(text + used, sizeof(text) - used, "%s%s", used ? ", " : "",
                                                  size_format(UINT64_C(1) << (i + 20), one));
        return plan_warn(plan, "BAR %u of %s cannot be %s, only %s: its size stays", wanted->bar,
                         pci_format(&fn->address, bdf), size_format(wanted->size, size), text);
}

static int append(Plan *plan, const HostFunction *fn, const BarSize *wanted)
{
        char bdf[PCI_FORMAT_MAX], target[48], size[SIZE_FORMAT_MAX];

        (void) snprintf(target, sizeof(target), "%s/resource%u", pci_format(&fn->address, bdf), wanted->bar);
        return step_append(plan, "bar", target, size_format(wanted->size, size),
                           ACTION_EXCLUSIVE | ACTION_LENIENT | ACTION_CARD, TIMEOUT_KERNEL,
                           "BarSize=; the host's own size comes back afterwards")
                       ? 0
                       : -ENOMEM;
}

static int bar_plan(const PlanInput *in, Plan *plan, Fault *f _unused_)
{
        for (size_t k = 0; k < in->profile->n_bars; k++) {
                const BarSize *wanted = &in->profile->bars[k];
                bool found = false;
                int r = 0;

                for (size_t i = 0; i < in->n_functions && r >= 0; i++) {
                        const HostFunction *fn = hostview_function(in->view, &in->functions[i]);
                        const HostBar *b = fn ? find_bar(fn, wanted->bar) : NULL;

                        if (!b)
                                continue;
                        found = true;
                        r = can_be(b, wanted->size) ? append(plan, fn, wanted) : warn(plan, fn, b, wanted);
                }
                if (r >= 0 && !found)
                        r = plan_warn(plan,
                                      "the card has no BAR %u whose size this kernel (6.1 or later) can change: "
                                      "BarSize= is left out",
                                      wanted->bar);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* "0000:01:00.0/resource1" -> its function and number. */
static int split(const Action *a, char bdf[PCI_FORMAT_MAX], unsigned *ret_bar)
{
        return sscanf(a->target, "%19[^/]/resource%u", bdf, ret_bar) == 2 && *ret_bar <= 5 ? 0 : -EINVAL;
}

static int bar_observe(Host *h, const Action *a, char **ret_value, Fault *f)
{
        _cleanup_free_ char *path = NULL, *text = NULL;
        char bdf[PCI_FORMAT_MAX], size[SIZE_FORMAT_MAX];
        unsigned long long start, end;
        const char *line;
        unsigned bar;
        int r;

        r = split(a, bdf, &bar);
        path = r < 0 ? NULL : function_path(bdf, "resource");
        if (!path)
                return r < 0 ? r : -ENOMEM;
        r = host_read(h, path, &text);
        if (r < 0 && r != -ENOENT)
                return fault_set(f, r, a->target, "cannot read %s: %s", path, fault_errno(r));
        line = text;
        for (unsigned i = 0; line && i < bar; i++) {
                line = strchr(line, '\n');
                line = line ? line + 1 : NULL;
        }
        if (!line || sscanf(line, "%llx %llx", &start, &end) != 2 || end <= start)
                *ret_value = strdup(VALUE_NONE);
        else
                *ret_value = strdup(size_format(end - start + 1, size));
        return *ret_value ? 0 : -ENOMEM;
}

/* "16G" -> 14, the power of two in MiB that the kernel takes. */
static int exponent(const char *value)
{
        char buf[SIZE_FORMAT_MAX];

        for (int i = 0; i < 44; i++)
                if (streq(size_format(UINT64_C(1) << (i + 20), buf), value))
                        return i;
        return -EINVAL;
}

static int let_go(Host *h, const char *bdf, char **ret_driver, Fault *f)
{
        _cleanup_free_ char *link = function_path(bdf, "driver"), *path = NULL;
        int r;

        if (!link)
                return -ENOMEM;
        r = host_readlink(h, link, ret_driver);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return fault_set(f, r, bdf, "cannot read %s: %s", link, fault_errno(r));
        if (!driver_is_for_guests(*ret_driver))
                return fault_set(
                        f, -EBUSY, bdf,
                        "the BARs of %s keep their size: %s drives it already, and the kernel changes them only "
                        "without a driver",
                        bdf, *ret_driver);
        r = function_let_go(h, bdf, f);
        if (r < 0)
                return r;
        if (asprintf(&path, "/sys/bus/pci/drivers/%s/unbind", *ret_driver) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = host_write_hand(h, path, bdf);
        return r < 0 && r != -ENODEV
                       ? fault_set(f, r, bdf, "%s cannot be unbound from %s: %s", bdf, *ret_driver, fault_errno(r))
                       : 0;
}

/* The override still names that driver. */
static int take_again(Host *h, const char *bdf, const char *driver, Fault *f)
{
        _cleanup_free_ char *link = function_path(bdf, "driver"), *now = NULL;
        int r;

        if (!driver)
                return 0;
        r = link ? host_write_hand(h, "/sys/bus/pci/drivers_probe", bdf) : -ENOMEM;
        if (r >= 0)
                r = host_readlink(h, link, &now);
        return r < 0 ? fault_set(f, r, bdf, "%s does not bind to %s again after its BAR was changed: %s", bdf, driver,
                                 fault_errno(r))
                     : 0;
}

static int explain(int r, const Action *a, const char *value, Fault *f)
{
        return fault_set(f, r, a->target, "the kernel does not make %s %s: %s%s", a->target, value, fault_errno(r),
                         r == -ENOSPC ? "; there is no room below its bridge: turn on \"Above 4G decoding\" and "
                                        "\"Resizable BAR\" in the firmware's set-up"
                                      : "");
}

static int bar_converge(Host *h, const Action *a, const char *value, Fault *f)
{
        _cleanup_free_ char *path = NULL, *driver = NULL;
        char bdf[PCI_FORMAT_MAX], attribute[32], number[16];
        int r, k, bit = exponent(value);
        unsigned bar;
        Fault one = { 0 };

        r = bit < 0 ? bit : split(a, bdf, &bar);
        if (r < 0)
                return fault_set(f, r, a->target, "%s cannot be %s", a->target, value);
        (void) snprintf(attribute, sizeof(attribute), "resource%u_resize", bar);
        (void) snprintf(number, sizeof(number), "%d", bit);
        path = function_path(bdf, attribute);
        if (!path)
                return -ENOMEM;
        r = let_go(h, bdf, &driver, f);
        if (r < 0)
                return r;
        r = host_write_hand(h, path, number);
        if (h->stuck)
                return fault_set(f, r, a->target, "changing the size of %s has not returned from the kernel",
                                 a->target);
        k = take_again(h, bdf, driver, &one);
        if (r < 0)
                return explain(r, a, value, f);
        if (k < 0)
                *f = one;
        return k;
}

const Step step_bar = {
        .name = "bar",
        .plan = bar_plan,
        .observe = bar_observe,
        .converge = bar_converge,
        .forward = FORWARD_BAR,
        .back = BACK_BAR,
};
