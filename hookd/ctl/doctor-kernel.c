/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-checks.h"

#include <stdio.h>

unsigned kernel_version(const char *release)
{
        unsigned major, minor;

        return sscanf(release, "%u.%u", &major, &minor) == 2 && minor < 1000 ? major * 1000 + minor : 0;
}

/* Kernels with known trouble. Versions are those reported: another one may have it as well. */
static const struct {
        unsigned first, last;    /* kernel_version() */
        uint16_t vendor, device; /* of a card; 0: of any vendor, of any card of that vendor */
        const char *text, *fix;
} trouble[] = {
        { 0, 5010, 0, 0,
          "its power states cannot be read before Linux 5.11, its reset methods not before 5.15: hookd sees less",
          "use a newer kernel" },
        { 5011, 5014, 0, 0, "a card's reset methods cannot be read before Linux 5.15: hookd sees less",
          "use a newer kernel" },
        /* bugzilla.kernel.org 216475, of September 2022; github.com/ipaqmaster/vfio works around it since December 2022
         */
        { 5019, 6000, 0x10de, 0,
          "on hosts with NVIDIA's driver, text consoles that are put back were reported to crash in fbcon (kernel bug "
          "216475)",
          "if they do here: in the profile: [VTConsole] Policy=keep" },
        /* github.com/CachyOS/linux-cachyos/issues/1023 */
        { 7002, 7002, 0x1002, 0x7550,
          "taking an RX 9070 from vfio-pci was reported to crash in vfio_pci_core_sriov_configure(): it would not come "
          "back to the host",
          "boot an older kernel (6.18), or leave the card to vfio-pci" },
};

static bool has_card(const HostView *v, uint16_t vendor, uint16_t device)
{
        for (size_t i = 0; v && i < v->n_functions; i++)
                if (v->functions[i].vendor == vendor && function_is_display(&v->functions[i]) &&
                    (device == 0 || v->functions[i].device == device))
                        return true;
        return false;
}

static void check_gvt(const KernelInput *in, Findings *fs)
{
        bool xe = false, intel = false;

        if (!in->gvt_where)
                return;
        for (size_t i = 0; in->view && i < in->view->n_functions; i++) {
                const HostFunction *fn = &in->view->functions[i];

                intel = intel || (function_is_display(fn) && fn->vendor == 0x8086);
                xe = xe || (function_is_display(fn) && streq0(fn->driver, "xe"));
        }
        if (in->view && !intel)
                finding_add(fs, AREA_KERNEL, FINDING_HINT,
                            "i915.enable_gvt is on in %s, but there are no Intel graphics here", in->gvt_where);
        else if (xe)
                finding_add(fs, AREA_KERNEL, FINDING_PROBLEM,
                            "i915.enable_gvt is on in %s, but the driver here is xe, which has no GVT-g",
                            in->gvt_where);
        else if (in->kvmgt == 0) {
                finding_add(fs, AREA_KERNEL, FINDING_PROBLEM,
                            "i915.enable_gvt is on in %s, but this kernel has no kvmgt: GVT-g cannot work",
                            in->gvt_where);
                finding_fix(fs, "use a kernel with CONFIG_DRM_I915_GVT_KVMGT");
        } else
                finding_add(fs, AREA_KERNEL, FINDING_FINE, "GVT-g is on (5th to 10th generation Intel Core only)");
        if (in->guc_where && (intel || !in->view)) {
                finding_add(fs, AREA_KERNEL, FINDING_PROBLEM, "i915.enable_guc is on in %s: i915 turns GVT-g off then",
                            in->guc_where);
                finding_fix(fs, "i915.enable_guc=0");
        }
}

void check_kernel(const KernelInput *in, Findings *fs)
{
        unsigned version = in->release ? kernel_version(in->release) : 0;
        size_t before = fs->n;

        if (version == 0)
                finding_add(fs, AREA_KERNEL, FINDING_UNKNOWN, "the version of the kernel is not known");
        for (size_t i = 0; version > 0 && i < ARRAY_SIZE(trouble); i++)
                if (version >= trouble[i].first && version <= trouble[i].last &&
                    (trouble[i].vendor == 0 || has_card(in->view, trouble[i].vendor, trouble[i].device))) {
                        finding_add(fs, AREA_KERNEL, FINDING_WARNING, "Linux %s: %s", in->release, trouble[i].text);
                        finding_fix(fs, "%s", trouble[i].fix);
                }
        if (in->vfio_pci == 0) {
                finding_add(fs, AREA_KERNEL, FINDING_PROBLEM, "Linux %s has no vfio-pci: no device can be passed",
                            in->release ? in->release : "?");
                finding_fix(fs, "install the distribution's full kernel, not that for clouds or containers");
        } else if (in->vfio_pci < 0)
                finding_add(fs, AREA_KERNEL, FINDING_UNKNOWN,
                            "whether the kernel has vfio-pci cannot be seen: its "
                            "modules are not in /lib/modules");
        check_gvt(in, fs);
        if (fs->n == before)
                finding_add(fs, AREA_KERNEL, FINDING_FINE, "Linux %s, with vfio-pci", in->release);
}

static bool is_on(const char *word, const char *module, const char *option)
{
        size_t n = strlen(module), m = strlen(option);

        if (n > 0) {
                if (strncmp(word, module, n) != 0 || word[n] != '.')
                        return false;
                word += n + 1;
        }
        return strncmp(word, option, m) == 0 && word[m] == '=' && word[m + 1] != '0' && word[m + 1] != '-' &&
               word[m + 1] != 'N' && word[m + 1] != 'n';
}

const char *option_where(const Boot *b, const TextFiles *modprobe, const char *module, const char *option)
{
        STRV_FOREACH (word, b->running)
                if (is_on(*word, module, option))
                        return "the kernel command line";
        for (size_t i = 0; i < modprobe->n; i++) {
                _cleanup_free_ char *copy = strdup(modprobe->list[i].text);
                char *rest = copy, *line;

                while ((line = text_line(&rest))) {
                        _cleanup_strv_ char **words = NULL;

                        if (boot_words(line, &words) < 0 || !words[0] || !words[1] || !streq(words[0], "options") ||
                            !streq(words[1], module))
                                continue;
                        STRV_FOREACH (word, words + 2)
                                if (is_on(*word, "", option))
                                        return modprobe->list[i].path;
                }
        }
        return NULL;
}
