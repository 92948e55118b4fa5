/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-boot.h"
#include "ctl/recover-cards.h"
#include "step/step-util.h"

#include <stdio.h>

/* Of a module, '-' and '_' are the same. */
static bool is_holder_module(const char *name, size_t n)
{
        static const char *const names[] = { "vfio-pci", "vfio_pci", "pci-stub", "pci_stub" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strlen(names[i]) == n && strncmp(name, names[i], n) == 0)
                        return true;
        return false;
}

/* Is it in a list as "10de:2484,10de:228b:ffff:ffff"? */
static bool has_id(const char *ids, const HostFunction *fn)
{
        for (const char *s = ids; *s; s += strspn(s, ",")) {
                unsigned vendor, device;

                if (sscanf(s, "%x:%x", &vendor, &device) == 2 && vendor == fn->vendor && device == fn->device)
                        return true;
                s += strcspn(s, ",");
        }
        return false;
}

/* vfio-pci.ids=… 1, 0 or -ENOMEM. */
static int by_cmdline(const char *cmdline, const HostFunction *fn)
{
        _cleanup_strv_ char **words = NULL;

        if (boot_words(cmdline ? cmdline : "", &words) < 0)
                return -ENOMEM;
        STRV_FOREACH (word, words) {
                const char *dot = strchr(*word, '.');

                if (dot && is_holder_module(*word, (size_t) (dot - *word)) && startswith(dot, ".ids=") &&
                    has_id(dot + strlen(".ids="), fn))
                        return 1;
        }
        return 0;
}

static bool line_keeps(char *const *words, const HostFunction *fn)
{
        if (!words || !words[0] || !words[1] || !is_holder_module(words[1], strlen(words[1])))
                return false;
        if (streq(words[0], "install"))
                return true; /* a script of the owner's, which chooses by what it likes */
        if (!streq(words[0], "options"))
                return false;
        STRV_FOREACH (word, words + 2)
                if (startswith(*word, "ids=") && has_id(*word + strlen("ids="), fn))
                        return true;
        return false;
}

static int by_modprobe(const TextFiles *files, const HostFunction *fn)
{
        for (size_t i = 0; files && i < files->n; i++) {
                _cleanup_free_ char *copy = strdup(files->list[i].text);
                char *rest = copy, *line;

                if (!copy)
                        return -ENOMEM;
                while ((line = text_line(&rest))) {
                        _cleanup_strv_ char **words = NULL;

                        if (boot_words(line, &words) < 0)
                                return -ENOMEM;
                        if (line_keeps(words, fn))
                                return 1;
                }
        }
        return 0;
}

static bool is_in_use(const HostView *v, const HostFunction *fn)
{
        for (size_t i = 0; i < v->n_holders; i++)
                if (strv_contains(fn->nodes, v->holders[i].node))
                        return true;
        return false;
}

static bool is_of_card(const HostView *v, const HostFunction *fn)
{
        for (size_t i = 0; i < v->n_functions; i++)
                if (function_is_display(&v->functions[i]) && pci_same_slot(&v->functions[i].address, &fn->address))
                        return true;
        return false;
}

/* 1, 0 or -ENOMEM. */
static int is_stray(const StrayInput *in, const HostFunction *fn)
{
        char bdf[PCI_FORMAT_MAX];
        int r;

        pci_format(&fn->address, bdf);
        if (!fn->driver || !driver_is_for_guests(fn->driver) || strv_contains(in->held, bdf) ||
            strv_contains(in->driverctl, bdf) || is_in_use(in->view, fn) || !is_of_card(in->view, fn))
                return 0;
        r = by_cmdline(in->cmdline, fn);
        if (r == 0)
                r = by_modprobe(in->modprobe, fn);
        return r < 0 ? r : r == 0;
}

int strays_find(const StrayInput *in, const HostFunction ***ret, size_t *ret_n)
{
        _cleanup_free_ const HostFunction **list = calloc(in->view->n_functions + 1, sizeof(*list));
        size_t n = 0;

        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < in->view->n_functions; i++) {
                int r = is_stray(in, &in->view->functions[i]);

                if (r < 0)
                        return r;
                if (r > 0)
                        list[n++] = &in->view->functions[i];
        }
        *ret = TAKE_PTR(list);
        *ret_n = n;
        return 0;
}
