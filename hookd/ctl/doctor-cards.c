/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-checks.h"

#include <stdio.h>

static bool is_firmware_region(const char *name)
{
        static const char *const names[] = { "BOOTFB",    "efifb",           "vesafb",           "simplefb",
                                             "simpledrm", "efi-framebuffer", "vesa-framebuffer", "simple-framebuffer" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (startswith(name, names[i]))
                        return true;
        return false;
}

static void held_by_firmware(const HostView *v, const PciAddress *a, const char *name, Findings *fs)
{
        char bdf[PCI_FORMAT_MAX];

        (void) pci_format(a, bdf);
        for (size_t i = 0; v && i < v->n_framebuffers; i++) {
                const HostFramebuffer *fb = &v->framebuffers[i];

                if (!fb->platform || !fb->has_owner || pci_compare(&fb->owner, a) != 0)
                        continue;
                finding_add(fs, AREA_CARDS, FINDING_HINT,
                            "the boot framebuffer %s is on %s: hookd takes it off when a guest starts, and the kernel "
                            "may not bring that screen back before the next boot",
                            fb->platform, bdf);
                return;
        }
        finding_add(fs, AREA_CARDS, FINDING_WARNING,
                    "the boot framebuffer (%s) still holds memory of %s, and there is no device to take it from: a "
                    "guest may fail with \"BAR 0: can't reserve\"",
                    name, bdf);
        finding_fix(fs, "add initcall_blacklist=sysfb_init to the kernel command line");
}

/* Regions are nested by indentation; those of a function's BARs are below the line with its address. */
static void check_iomem(const HostView *v, const char *iomem, Findings *fs)
{
        _cleanup_free_ char *copy = strdup(iomem);
        char *rest = copy, *line;
        bool inside = false;
        size_t at = 0;
        PciAddress a;

        fs->failed = fs->failed || !copy;
        while ((line = strsep(&rest, "\n"))) {
                char *name = strstr(line, " : ");
                size_t indent = strspn(line, " ");

                if (!name)
                        continue;
                name += 3;
                if (inside && indent <= at)
                        inside = false;
                if (pci_parse(name, &a) >= 0) {
                        inside = true;
                        at = indent;
                } else if (inside && is_firmware_region(name))
                        held_by_firmware(v, &a, name, fs);
        }
}

static bool has_own_reset(const HostFunction *fn)
{
        return strv_contains(fn->reset_method, "flr") || strv_contains(fn->reset_method, "device_specific") ||
               strv_contains(fn->reset_method, "bus") || strv_contains(fn->reset_method, "pm");
}

/* A card that cannot be reset starts once, and not again: the "AMD reset bug". */
static void check_reset(const HostView *v, const HostFunction *fn, Findings *fs)
{
        const HostFunction *bridge = NULL;
        char bdf[PCI_FORMAT_MAX];
        PciAddress parent;

        if (fn->parent && pci_parse(fn->parent, &parent) >= 0)
                bridge = hostview_function(v, &parent);
        if (has_own_reset(fn) || (bridge && bridge->has_reset_subordinate) || !fn->parent)
                return;
        finding_add(fs, AREA_CARDS, FINDING_HINT,
                    "%s has no reset of its own: a second start of a guest may find it as the first one left it",
                    pci_format(&fn->address, bdf));
        finding_fix(fs, "%s",
                    fn->vendor == 0x1002
                            ? "the module vendor-reset where it knows the card; or in the profile: [Reset] "
                              "Method=remove-rescan"
                            : "in the profile: [Reset] Method=remove-rescan");
}

void check_cards(const HostView *v, const char *iomem, Findings *fs)
{
        size_t before = fs->n;
        unsigned n = 0;

        if (!v)
                finding_add(fs, AREA_CARDS, FINDING_UNKNOWN, "the devices of this host are not known");
        for (size_t i = 0; v && i < v->n_functions; i++)
                if (function_is_display(&v->functions[i])) {
                        n++;
                        check_reset(v, &v->functions[i], fs);
                }
        if (v && n == 0)
                finding_add(fs, AREA_CARDS, FINDING_HINT, "this host has no graphics card");
        if (iomem)
                check_iomem(v, iomem, fs);
        else
                finding_add(fs, AREA_CARDS, FINDING_UNKNOWN, "/proc/iomem cannot be read");
        if (fs->n == before)
                finding_add(fs, AREA_CARDS, FINDING_FINE, "%u, none held by a boot framebuffer", n);
}
