/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-checks.h"

#include <stdio.h>

static unsigned groups(const HostView *v)
{
        unsigned n = 0;

        for (size_t i = 0; i < v->n_functions; i++) {
                size_t k = 0;

                while (k < i && v->functions[k].iommu_group != v->functions[i].iommu_group)
                        k++;
                n += k == i && v->functions[i].iommu_group >= 0;
        }
        return n;
}

static const char *off_word(const Boot *b)
{
        static const char *const words[] = { "intel_iommu=off", "amd_iommu=off", "iommu=off" };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (strv_contains(b->running, words[i]))
                        return words[i];
        return NULL;
}

static bool intel_on(const Boot *b)
{
        STRV_FOREACH (word, b->running)
                if (startswith(*word, "intel_iommu=on"))
                        return true;
        return false;
}

static void no_groups(const IommuInput *in, Findings *fs)
{
        const char *off = off_word(in->boot);
        _cleanup_free_ char *fix = boot_fix(in->boot, off, off ? NULL : "intel_iommu=on");

        if (off)
                finding_add(fs, AREA_IOMMU, FINDING_PROBLEM, "the IOMMU is turned off by %s on the kernel command line",
                            off);
        else if (in->table == 0)
                finding_add(fs, AREA_IOMMU, FINDING_PROBLEM,
                            "the firmware does not offer an IOMMU: no device can be passed to a guest");
        else if (in->cpu == CPU_INTEL && !intel_on(in->boot))
                finding_add(fs, AREA_IOMMU, FINDING_PROBLEM,
                            "there are no IOMMU groups: the kernel does not turn VT-d on by itself here");
        else
                finding_add(fs, AREA_IOMMU, FINDING_PROBLEM,
                            "there are no IOMMU groups: no device can be passed to a guest");
        if (off || (in->table != 0 && in->cpu == CPU_INTEL && !intel_on(in->boot)))
                finding_fix(fs, "%s; then reboot", fix ? fix : "");
        else
                finding_fix(fs, "turn on %s in the firmware's setup",
                            in->cpu == CPU_INTEL ? "VT-d (not only VT-x)"
                            : in->cpu == CPU_AMD ? "IOMMU or AMD-Vi (not only SVM)"
                                                 : "the IOMMU");
}

/* Bridges and what the guest may leave alone do not count (kernel: drivers with driver_managed_dma). */
static bool in_the_way(const HostFunction *fn)
{
        return !fn->is_bridge && fn->driver && !streq(fn->driver, "pcieport") && !streq(fn->driver, "pci-stub") &&
               !strstr(fn->driver, "vfio");
}

static void card_group(const HostView *v, const HostFunction *card, Findings *fs)
{
        _cleanup_free_ char *others = NULL;
        char bdf[PCI_FORMAT_MAX], other[PCI_FORMAT_MAX];
        FILE *out;
        size_t size;
        unsigned n = 0;

        (void) pci_format(&card->address, bdf);
        if (card->iommu_group < 0) {
                finding_add(fs, AREA_IOMMU, FINDING_PROBLEM, "%s is in no IOMMU group and cannot be passed", bdf);
                return;
        }
        out = open_memstream(&others, &size);
        for (size_t i = 0; out && i < v->n_functions; i++) {
                const HostFunction *fn = &v->functions[i];

                if (fn->iommu_group == card->iommu_group && !pci_same_slot(&fn->address, &card->address) &&
                    in_the_way(fn))
                        (void) fprintf(out, "%s%s (%s)", n++ > 0 ? ", " : "", pci_format(&fn->address, other),
                                       fn->driver);
        }
        if (!out || fclose(out) != 0)
                fs->failed = true;
        else if (n > 0) {
                finding_add(fs, AREA_IOMMU, FINDING_WARNING,
                            "%s shares IOMMU group %i with %s: they can only go to a guest together", bdf,
                            card->iommu_group, others);
                finding_fix(fs, "try another slot of the board; `hookctl devices` shows the group");
        }
}

void check_iommu(const IommuInput *in, Findings *fs)
{
        if (!in->view) {
                finding_add(fs, AREA_IOMMU, FINDING_UNKNOWN, "the devices of this host are not known");
                return;
        }
        if (!in->view->have_iommu) {
                no_groups(in, fs);
                return;
        }
        finding_add(fs, AREA_IOMMU, FINDING_FINE, "on, %u groups", groups(in->view));
        for (size_t i = 0; i < in->view->n_functions; i++)
                if (function_is_display(&in->view->functions[i]))
                        card_group(in->view, &in->view->functions[i], fs);
}
