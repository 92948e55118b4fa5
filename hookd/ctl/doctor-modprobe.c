/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-checks.h"

#include <stdio.h>

static const char *const cards[] = { "nvidia", "nouveau", "amdgpu", "radeon", "i915", "xe" };

/* One line of a file: its words. Commands as in modprobe.d(5). */
typedef struct Line {
        const TextFile *file;
        char **words;
        const HostView *view;
        Findings *fs;
} Line;

static bool same_module(const char *a, const char *b)
{
        while (*a && *b && (*a == *b || (strchr("-_", *a) && strchr("-_", *b)))) {
                a++;
                b++;
        }
        return *a == *b;
}

static bool drives_cards(const char *module)
{
        for (size_t i = 0; i < ARRAY_SIZE(cards); i++)
                if (same_module(module, cards[i]))
                        return true;
        return false;
}

/* "ids=1:2,3:4" -> "1:2,3:4"; NULL: another option. */
static const char *value_of(const char *word, const char *option)
{
        size_t n = strlen(option);

        return strncmp(word, option, n) == 0 && word[n] == '=' ? word + n + 1 : NULL;
}

static void check_option(const Line *l, const char *word)
{
        const char *module = l->words[1], *value;

        if (same_module(module, "vfio_pci") && (value = value_of(word, "ids")))
                check_vfio_ids(value, l->file->path, AREA_MODULES, true, l->view, l->fs);
        else if (same_module(module, "vfio_iommu_type1") && (value = value_of(word, "allow_unsafe_interrupts")) &&
                 (streq(value, "1") || parse_bool(value) > 0 || streq(value, "Y"))) {
                finding_add(l->fs, AREA_MODULES, FINDING_WARNING,
                            "%s: allow_unsafe_interrupts lets a guest send interrupts to the host: needed only where "
                            "the IOMMU cannot remap them",
                            l->file->path);
                finding_fix(l->fs, "remove it from %s, and see whether guests start", l->file->path);
        } else if (startswith(word, "ignore_msrs=") && !same_module(module, "kvm")) {
                finding_add(l->fs, AREA_MODULES, FINDING_WARNING, "%s: %s is an option of kvm, not of %s",
                            l->file->path, word, module);
                finding_fix(l->fs, "options kvm %s", word);
        } else if (!strchr(word, '=') && same_module(module, "vfio_pci") && strchr(word, ':')) {
                finding_add(l->fs, AREA_MODULES, FINDING_WARNING,
                            "%s: a blank parts the ids of vfio-pci, and %s is lost", l->file->path, word);
                finding_fix(l->fs, "options vfio-pci ids=10de:2484,10de:228b");
        }
}

static void check_softdep(const Line *l)
{
        bool order = false;

        STRV_FOREACH (word, l->words + 2)
                order = order || streq(*word, "pre:") || streq(*word, "post:");
        if (order)
                return;
        finding_add(l->fs, AREA_MODULES, FINDING_WARNING,
                    "%s: this softdep of %s has neither 'pre:' nor 'post:' and does nothing", l->file->path,
                    l->words[1]);
        finding_fix(l->fs, "softdep %s pre: vfio-pci", l->words[1]);
}

static void check_install(const Line *l)
{
        const char *command = l->words[2];

        if (!drives_cards(l->words[1]) || !command || !(endswith(command, "/false") || endswith(command, "/true")))
                return;
        finding_add(l->fs, AREA_MODULES, FINDING_WARNING,
                    "%s: 'install %s %s' keeps the module from ever loading: a card that was on it does not come back",
                    l->file->path, l->words[1], command);
        finding_fix(l->fs, "blacklist %s", l->words[1]);
}

static void check_blacklist(const Line *l)
{
        const char *module = l->words[1];

        for (size_t i = 0; l->view && i < l->view->n_functions; i++) {
                const HostFunction *fn = &l->view->functions[i];
                char bdf[PCI_FORMAT_MAX];

                if (!function_is_display(fn) || !drives_cards(module) || (fn->driver && !strstr(fn->driver, "vfio")) ||
                    !strv_contains(fn->candidates, module))
                        continue;
                finding_add(l->fs, AREA_MODULES, FINDING_HINT,
                            "%s: %s is blacklisted, so %s has no driver after boot, and comes back from a guest "
                            "without one",
                            l->file->path, module, pci_format(&fn->address, bdf));
        }
}

static void check_line(const Line *l)
{
        static const char *const others[] = { "alias", "remove", "weakdep", "include", "config" };
        const char *command = l->words[0];

        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                if (streq(command, others[i]))
                        return;
        if (!l->words[1] || !(streq(command, "options") || streq(command, "softdep") || streq(command, "install") ||
                              streq(command, "blacklist"))) {
                _cleanup_free_ char *rest = strv_join(l->words + 1, " ");

                finding_add(l->fs, AREA_MODULES, FINDING_WARNING, "%s: modprobe passes over the line '%s%s%s'",
                            l->file->path, command, rest && *rest ? " " : "", rest ? rest : "");
                if (startswith(command, "option"))
                        finding_fix(l->fs, "options %s", rest ? rest : "");
                else
                        finding_fix(l->fs, "remove it; modprobe.d(5) has the words that are known");
        } else if (streq(command, "softdep"))
                check_softdep(l);
        else if (streq(command, "install"))
                check_install(l);
        else if (streq(command, "blacklist"))
                check_blacklist(l);
        else
                STRV_FOREACH (word, l->words + 2)
                        check_option(l, *word);
}

void check_modprobe(const TextFiles *files, const char *unsafe, const HostView *v, Findings *fs)
{
        size_t before = fs->n;

        for (size_t i = 0; i < files->n; i++) {
                _cleanup_free_ char *copy = strdup(files->list[i].text);
                char *rest = copy, *text;

                fs->failed = fs->failed || !copy;
                while ((text = text_line(&rest))) {
                        _cleanup_strv_ char **words = NULL;
                        Line l = { .file = &files->list[i], .view = v, .fs = fs };

                        if (boot_words(text, &words) < 0) {
                                fs->failed = true;
                                return;
                        }
                        l.words = words;
                        check_line(&l);
                }
        }
        if (unsafe && streq(unsafe, "Y") && fs->n == before)
                finding_add(
                        fs, AREA_MODULES, FINDING_WARNING,
                        "allow_unsafe_interrupts of vfio_iommu_type1 is on: a guest can send interrupts to the host");
        if (files->denied) {
                finding_add(fs, AREA_MODULES, FINDING_UNKNOWN, "%s may not be read", files->denied);
                finding_fix(fs, "run as root to see it");
        }
        if (fs->n == before)
                finding_add(fs, AREA_MODULES, FINDING_FINE, "nothing against hookd in modprobe.d");
}
