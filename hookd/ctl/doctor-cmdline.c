/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-checks.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

/* The parameters this is about, as the kernel's documentation spells them. */
static const char *const known[] = {
        "intel_iommu",
        "amd_iommu",
        "iommu",
        "video",
        "initcall_blacklist",
        "module_blacklist",
        "modprobe.blacklist",
        "pcie_acs_override",
        "vfio_pci.ids",
        "vfio_pci.disable_vga",
        "vfio_pci.disable_idle_d3",
        "vfio_iommu_type1.allow_unsafe_interrupts",
        "kvm.ignore_msrs",
        "i915.enable_gvt",
        "nomodeset",
};

/* "vfio-pci.ids=…" -> "vfio_pci.ids": '-' and '_' are the same in names of parameters. Caller frees. */
static char *key_of(const char *word)
{
        char *key = strndup(word, strcspn(word, "="));

        for (char *p = key; p && *p; p++)
                if (*p == '-')
                        *p = '_';
        return key;
}

static bool is_known(const char *word)
{
        _cleanup_free_ char *key = key_of(word);

        for (size_t i = 0; key && i < ARRAY_SIZE(known); i++)
                if (streq(key, known[i]))
                        return true;
        return false;
}

/* The letters and digits alone, in lower case: what is left where only the signs between are wrong. */
static void squeeze(const char *s, char buf[128])
{
        size_t n = 0;

        for (; *s && n + 1 < 128; s++)
                if (isalnum((unsigned char) *s))
                        buf[n++] = (char) tolower((unsigned char) *s);
        buf[n] = '\0';
}

/* One letter missing, too many, wrong, or two that changed places. */
static bool one_slip(const char *a, const char *b)
{
        size_t n = strlen(a), m = strlen(b), i = 0;

        if (n > m)
                return one_slip(b, a);
        while (i < n && a[i] == b[i])
                i++;
        if (n == m)
                return i < n && (streq(a + i + 1, b + i + 1) ||
                                 (a[i] == b[i + 1] && a[i + 1] == b[i] && streq(a + i + 2, b + i + 2)));
        return m == n + 1 && streq(a + i, b + i + 1);
}

/* "video-efifb:off", "video=efifb=off", "efifb:off" are meant as video=efifb:off. */
static bool slip_of_video(const char *word, char buf[128])
{
        static const char *const names[] = { "efifb", "vesafb", "simplefb" };
        char squeezed[128], want[128];

        squeeze(word, squeezed);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                (void) snprintf(buf, 128, "video=%s:off", names[i]);
                squeeze(buf, want);
                if (!streq(word, buf) && (streq(squeezed, want) || streq(squeezed, want + strlen("video")) ||
                                          (startswith(word, "video") && one_slip(squeezed, want))))
                        return true;
        }
        return false;
}

static bool slip_of_known(const char *word, char buf[128])
{
        _cleanup_free_ char *key = key_of(word);
        char squeezed[128], want[128];

        squeeze(key ? key : "", squeezed);
        for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
                squeeze(known[i], want);
                if (!streq(squeezed, want) && !one_slip(squeezed, want))
                        continue;
                (void) snprintf(buf, 128, "%s%s", startswith(known[i], "vfio_pci.") ? "vfio-pci." : known[i],
                                startswith(known[i], "vfio_pci.") ? known[i] + strlen("vfio_pci.") : "");
                (void) snprintf(buf + strlen(buf), 128 - strlen(buf), "%s", word + strcspn(word, "="));
                return true;
        }
        return false;
}

static bool is_slip(const char *word, char right[128])
{
        return slip_of_video(word, right) || (!is_known(word) && slip_of_known(word, right));
}

typedef struct Cmdline {
        const Boot *boot;
        const HostView *view;
        Cpu cpu;
        Findings *fs;
} Cmdline;

static void note(const Cmdline *c, Severity s, const char *remove, const char *add, const char *fmt, ...)
        _printf_(5, 6);
static void note(const Cmdline *c, Severity s, const char *remove, const char *add, const char *fmt, ...)
{
        _cleanup_free_ char *text = NULL, *fix = NULL;
        va_list ap;

        va_start(ap, fmt);
        if (vasprintf(&text, fmt, ap) < 0)
                text = NULL;
        va_end(ap);
        finding_add(c->fs, AREA_BOOT, s, "%s", text ? text : "");
        if (remove || add) {
                fix = boot_fix(c->boot, remove, add);
                finding_fix(c->fs, "%s", fix ? fix : "");
        }
}

static void check_video(const Cmdline *c, const char *word)
{
        const char *rest = strchr(word, ','), *name = word + strlen("video=");

        if (!strstr(word, ":off") || !(startswith(name, "efifb") || startswith(name, "vesafb")))
                return;
        if (rest && strstr(rest, ":off")) {
                _cleanup_free_ char *first = strndup(word, (size_t) (rest - word)), *both = NULL;

                if (first && asprintf(&both, "%s video=%s", first, rest + 1) < 0)
                        both = NULL;
                note(c, FINDING_WARNING, word, both,
                     "%s turns only the first framebuffer off: the kernel takes one of them for each video=", word);
        }
        for (size_t i = 0; c->view && i < c->view->n_framebuffers; i++) {
                const HostFramebuffer *fb = &c->view->framebuffers[i];

                if (fb->platform && !strstr(fb->platform, startswith(name, "efifb") ? "efi" : "vesa"))
                        note(c, FINDING_HINT, word, NULL,
                             "%s does nothing here: the boot framebuffer is %s. hookd takes it off the card itself",
                             word, fb->platform);
        }
}

static void check_acs(const Cmdline *c, const char *word)
{
        note(c, FINDING_WARNING, NULL, NULL,
             "%s: the groups look separate, but their devices can still reach each other's memory, and so can a "
             "guest the host's. It works with a patched kernel only",
             word);
}

static void check_iommu_word(const Cmdline *c, const char *word)
{
        if (streq(word, "iommu=on"))
                note(c, FINDING_HINT, word, NULL, "iommu=on means nothing to the kernel: iommu=pt is what is known");
        else if (streq(word, "amd_iommu=on"))
                note(c, FINDING_HINT, word, NULL,
                     "amd_iommu=on means nothing to the kernel: an AMD IOMMU is on unless it is turned off");
        else if (startswith(word, "intel_iommu=") && c->cpu == CPU_AMD)
                note(c, FINDING_HINT, word, NULL, "%s does nothing on a machine with an AMD processor", word);
        else if (startswith(word, "amd_iommu=") && c->cpu == CPU_INTEL)
                note(c, FINDING_HINT, word, NULL, "%s does nothing on a machine with an Intel processor", word);
        else if (strstr(word, "igfx_off"))
                note(c, FINDING_HINT, NULL, NULL,
                     "%s: the processor's own graphics has no IOMMU then and cannot be passed", word);
        else if (startswith(word, "intel_iommu=") && !strstr(word, "=on") && !strstr(word, "=off") &&
                 !strstr(word, "sm_o"))
                note(c, FINDING_WARNING, word, "intel_iommu=on", "%s is no value the kernel knows", word);
}

static void check_word(const Cmdline *c, const char *word)
{
        _cleanup_free_ char *key = key_of(word);
        const char *value = strchr(word, '=');
        char right[128];

        if (!key)
                return;
        if (is_slip(word, right))
                note(c, FINDING_WARNING, word, strv_contains(c->boot->edit, right) ? NULL : right,
                     "the kernel does not know %s and passes over it: %s is meant", word, right);
        else if (streq(key, "video"))
                check_video(c, word);
        else if (streq(key, "pcie_acs_override"))
                check_acs(c, word);
        else if (streq(key, "intel_iommu") || streq(key, "amd_iommu") || streq(key, "iommu"))
                check_iommu_word(c, word);
        else if (streq(key, "vfio_pci.ids") && value)
                check_vfio_ids(value + 1, "the kernel command line", AREA_BOOT, strv_contains(c->boot->running, word),
                               c->view, c->fs);
        else if (streq(key, "initcall_blacklist") && value && strstr(value, "sysfb_init"))
                note(c, FINDING_HINT, NULL, NULL,
                     "%s: the screen stays dark until the card's driver is loaded. hookd does not need it unless a "
                     "guest fails with \"can't reserve\"",
                     word);
        else if (streq(key, "nomodeset"))
                note(c, FINDING_WARNING, word, NULL,
                     "nomodeset keeps graphics drivers from loading, also when a card comes back from a guest");
        else if (streq(key, "vfio_iommu_type1.allow_unsafe_interrupts") && value && parse_bool(value + 1) > 0)
                note(c, FINDING_WARNING, word, NULL,
                     "%s lets a guest send interrupts to the host: needed only where the IOMMU cannot remap them",
                     word);
}

/* Each word once, wherever it stands. */
void check_cmdline(const Boot *b, const HostView *v, Cpu cpu, Findings *fs)
{
        const Cmdline c = { .boot = b, .view = v, .cpu = cpu, .fs = fs };

        STRV_FOREACH (word, b->running)
                check_word(&c, *word);
        STRV_FOREACH (word, b->next)
                if (!strv_contains(b->running, *word))
                        check_word(&c, *word);
        STRV_FOREACH (word, b->edit)
                if (!strv_contains(b->running, *word) && !strv_contains(b->next, *word))
                        check_word(&c, *word);
}

/* Worth having again after the next reboot. */
static bool matters(const char *word)
{
        char right[128];

        if (streq(word, "iommu=on") || streq(word, "amd_iommu=on") || streq(word, "nomodeset") || is_slip(word, right))
                return false;
        if (startswith(word, "video="))
                return strstr(word, ":off");
        return is_known(word) || startswith(word, "rd.driver.");
}

static void drift(const Cmdline *c, const char *word)
{
        const Boot *b = c->boot;
        bool running = strv_contains(b->running, word), edit = strv_contains(b->edit, word),
             next = b->next ? strv_contains(b->next, word) : edit;
        const char *path = b->next ? b->next_path : b->edit_path;

        if (running && !next && !edit)
                note(c, FINDING_WARNING, NULL, word,
                     "the running kernel has %s, but %s does not: it is gone after the next reboot", word, path);
        else if (!next && edit && b->next) {
                finding_add(c->fs, AREA_BOOT, FINDING_WARNING,
                            "%s is in %s, but not in %s: the next boot will not have it", word, b->edit_path, path);
                finding_fix(c->fs, "%s", b->apply ? b->apply : "apply the boot loader's configuration");
        } else if (!running && next) {
                finding_add(c->fs, AREA_BOOT, FINDING_WARNING, "%s is in %s, but not in the running kernel", word,
                            path);
                finding_fix(c->fs, "%s%sreboot", !b->next && b->apply ? b->apply : "",
                            !b->next && b->apply ? "; " : "");
        } else if (next && !edit && b->edit)
                note(c, FINDING_WARNING, NULL, word, "%s is in %s, but not in %s: it is gone when that is used anew",
                     word, path, b->edit_path);
}

void check_cmdline_drift(const Boot *b, Findings *fs)
{
        const Cmdline c = { .boot = b, .fs = fs };
        size_t before = fs->n;

        if (b->denied) {
                finding_add(fs, AREA_BOOT, FINDING_UNKNOWN, "%s may not be read", b->denied);
                finding_fix(fs, "run as root to see it");
        }
        if (!b->running)
                finding_add(fs, AREA_BOOT, FINDING_UNKNOWN, "/proc/cmdline cannot be read");
        if (!b->next && !b->edit) {
                finding_add(fs, AREA_BOOT, FINDING_UNKNOWN,
                            "no boot loader's file is known here: what the next boot will have is not seen");
                return;
        }
        if (!b->running)
                return;
        STRV_FOREACH (word, b->running)
                if (matters(*word))
                        drift(&c, *word);
        STRV_FOREACH (word, b->next)
                if (matters(*word) && !strv_contains(b->running, *word))
                        drift(&c, *word);
        STRV_FOREACH (word, b->edit)
                if (matters(*word) && !strv_contains(b->running, *word) && !strv_contains(b->next, *word))
                        drift(&c, *word);
        if (fs->n == before)
                finding_add(fs, AREA_BOOT, FINDING_FINE, "as in %s", b->next ? b->next_path : b->edit_path);
}
