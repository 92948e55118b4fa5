/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-checks.h"

#include <stdio.h>

/* "10de:2484", and what may come behind it: subsystem and class. */
static bool id_parse(const char *s, uint16_t *ret_vendor, uint16_t *ret_device)
{
        char vendor[5], device[5];
        uint64_t v, d;

        if (strspn(s, "0123456789abcdefABCDEF") != 4 || s[4] != ':' || strspn(s + 5, "0123456789abcdefABCDEF") != 4 ||
            (s[9] != '\0' && s[9] != ':'))
                return false;
        (void) snprintf(vendor, sizeof(vendor), "%.4s", s);
        (void) snprintf(device, sizeof(device), "%.4s", s + 5);
        if (parse_hex(vendor, 0xffff, &v) < 0 || parse_hex(device, 0xffff, &d) < 0)
                return false;
        *ret_vendor = (uint16_t) v;
        *ret_device = (uint16_t) d;
        return true;
}

static void check_function(const HostFunction *fn, const char *id, const char *where, Area area, Findings *fs)
{
        char bdf[PCI_FORMAT_MAX];

        (void) pci_format(&fn->address, bdf);
        if (fn->driver && strstr(fn->driver, "vfio"))
                return;
        if (!fn->driver)
                finding_add(fs, area, FINDING_WARNING,
                            "vfio-pci's ids=%s in %s did not bind %s: vfio-pci is not loaded at boot", id, where, bdf);
        else
                finding_add(
                        fs, area, FINDING_WARNING,
                        "vfio-pci's ids=%s in %s did not bind %s: %s was first. hookd does not need it: it binds the "
                        "card when its guest starts",
                        id, where, bdf, fn->driver);
        if (fn->driver)
                finding_fix(fs, "remove it, or write into /etc/modprobe.d/vfio.conf: softdep %s pre: vfio-pci",
                            fn->driver);
        else
                finding_fix(fs, "echo vfio-pci > /etc/modules-load.d/vfio-pci.conf");
}

static void check_id(const char *id, const char *where, Area area, bool booted, const HostView *v, Findings *fs)
{
        unsigned n = 0, bound = 0;
        uint16_t vendor, device;
        bool display = false;

        if (!id_parse(id, &vendor, &device)) {
                finding_add(fs, area, FINDING_WARNING, "'%s' in vfio-pci's ids in %s is no vendor:device", id, where);
                finding_fix(fs, "write it as 10de:2484, with commas and no blanks between several");
                return;
        }
        for (size_t i = 0; v && i < v->n_functions; i++) {
                const HostFunction *fn = &v->functions[i];

                if (fn->vendor != vendor || fn->device != device)
                        continue;
                n++;
                bound += fn->driver && strstr(fn->driver, "vfio");
                display = display || function_is_display(fn);
                if (booted)
                        check_function(fn, id, where, area, fs);
        }
        if (v && n == 0) {
                finding_add(fs, area, FINDING_HINT, "vfio-pci's ids=%s in %s: this host has no such device", id, where);
                finding_fix(fs, "remove it from %s", where);
        }
        if (n > 1 && display) {
                finding_add(fs, area, FINDING_WARNING,
                            "vfio-pci's ids=%s in %s takes all %u cards of that kind, also one meant for the host", id,
                            where, n);
                finding_fix(fs, "remove it: hookd binds by address, one card");
        }
        if (n == 1 && bound == 1 && display)
                finding_add(fs, area, FINDING_HINT,
                            "vfio-pci's ids=%s in %s keeps the card from the host for good; hookd would give it to the "
                            "host between guests",
                            id, where);
}

void check_vfio_ids(const char *ids, const char *where, Area area, bool booted, const HostView *v, Findings *fs)
{
        _cleanup_free_ char *copy = strdup(ids);
        char *rest = copy, *id;

        if (!copy)
                fs->failed = true;
        while ((id = strsep(&rest, ",")))
                if (*id)
                        check_id(id, where, area, booted, v, fs);
}
