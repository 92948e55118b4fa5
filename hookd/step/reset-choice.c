/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/reset-choice.h"

#include <stdarg.h>
#include <stdio.h>

void reset_choice_clear(ResetChoice *c)
{
        free(c->warning);
        c->warning = NULL;
}

bool reset_is_leader(const PlanInput *in, size_t i)
{
        for (size_t k = 0; k < i; k++)
                if (pci_same_slot(&in->functions[k], &in->functions[i]))
                        return false;
        return hostview_function(in->view, &in->functions[i]) != NULL;
}

/* A reset of one function that leaves its siblings alone. */
static bool has_function_reset(const HostFunction *fn)
{
        return strv_contains(fn->reset_method, "device_specific") || strv_contains(fn->reset_method, "flr") ||
               strv_contains(fn->reset_method, "af_flr") || strv_contains(fn->reset_method, "acpi");
}

static const HostFunction *bridge_of(const HostView *v, const HostFunction *fn)
{
        PciAddress a;

        return fn->parent && pci_parse(fn->parent, &a) >= 0 ? hostview_function(v, &a) : NULL;
}

/* Something below the bridge that is not the card's; NULL: nothing. */
static const HostFunction *stranger_below(const PlanInput *in, const char *bridge)
{
        for (size_t i = 0; i < in->view->n_functions; i++) {
                const HostFunction *fn = &in->view->functions[i], *up = fn;

                if (card_has(in, &fn->address))
                        continue;
                for (int depth = 0; up && depth < 32; depth++) {
                        if (streq0(up->parent, bridge))
                                return fn;
                        up = bridge_of(in->view, up);
                }
        }
        return NULL;
}

/* Does the slot have a display, and does one of its functions have to be found on a guest's driver afterwards? */
static void look_at_slot(const PlanInput *in, const PciAddress *a, bool *ret_display, bool *ret_for_guests,
                         bool *ret_function_reset)
{
        *ret_display = *ret_for_guests = *ret_function_reset = false;
        for (size_t i = 0; i < in->n_functions; i++) {
                const HostFunction *fn = hostview_function(in->view, &in->functions[i]);

                if (!fn || !pci_same_slot(&fn->address, a))
                        continue;
                *ret_display |= function_is_display(fn);
                *ret_for_guests |= driver_is_for_guests(host_driver(in, fn));
                *ret_function_reset |= has_function_reset(fn);
        }
}

static int none(ResetChoice *ret, const char *fmt, ...) _printf_(2, 3);
static int none(ResetChoice *ret, const char *fmt, ...)
{
        va_list ap;
        int n;

        ret->method = RESET_NONE;
        va_start(ap, fmt);
        n = vasprintf(&ret->warning, fmt, ap);
        va_end(ap);
        if (n >= 0)
                return 0;
        ret->warning = NULL;
        return -ENOMEM;
}

static int choose_auto(const HostFunction *first, const char *bdf, const HostFunction *bridge,
                       const HostFunction *stranger, bool at_prepare, bool for_guests, ResetChoice *ret)
{
        char other[PCI_FORMAT_MAX];

        if (has_function_reset(first)) /* vfio does that itself, at every open and close */
                return 0;
        if (!bridge)
                return none(ret, "no reset is possible for %s: it cannot be reset by itself and sits on a root bus",
                            bdf);
        if (stranger)
                return none(ret,
                            "no reset is possible for %s: it cannot be reset by itself, and %s behind the same "
                            "bridge is not the guest's",
                            bdf, pci_format(&stranger->address, other));
        if ((at_prepare || for_guests) && bridge->has_reset_subordinate) { /* in place: nobody else can take it */
                ret->method = RESET_BUS;
                return 0;
        }
        if (!at_prepare) {
                ret->method = RESET_REMOVE_RESCAN;
                return 0;
        }
        return none(ret,
                    "no reset is done for %s: it would have to be removed from the bus meanwhile, and this kernel "
                    "cannot reset the bus of %s alone (reset_subordinate)",
                    bdf, first->parent);
}

int reset_choose(const PlanInput *in, size_t i, bool at_prepare, ResetChoice *ret, Fault *f)
{
        const HostFunction *first = hostview_function(in->view, &in->functions[i]), *bridge, *stranger = NULL;
        bool display, for_guests, function_reset;
        char bdf[PCI_FORMAT_MAX];

        *ret = (ResetChoice){ .method = RESET_NONE };
        if (!first)
                return 0;
        pci_format(&first->address, bdf);
        bridge = bridge_of(in->view, first);
        if (bridge)
                stranger = stranger_below(in, first->parent);
        look_at_slot(in, &first->address, &display, &for_guests, &function_reset);
        ret->bridge = bridge ? first->parent : NULL;
        ret->hot = bridge && !stranger;

        switch (in->profile->reset_method) {
        case RESET_NONE:
                return 0;
        case RESET_AUTO:
                return display ? choose_auto(first, bdf, bridge, stranger, at_prepare, for_guests, ret) : 0;
        case RESET_FLR:
                if (!function_reset)
                        return fault_set(f, -EOPNOTSUPP, bdf,
                                         "%s has no function level reset (reset_method), which Method=flr in [Reset] "
                                         "asks for: leave Method= out, or use remove-rescan",
                                         bdf);
                ret->method = RESET_FLR;
                return 0;
        case RESET_BUS:
                if (!(ret->hot && bridge->has_reset_subordinate) && !strv_contains(first->reset_method, "bus"))
                        return fault_set(f, -EOPNOTSUPP, bdf,
                                         "the bus of %s cannot be reset, which Method=bus in [Reset] asks for: %s", bdf,
                                         stranger ? "another device is behind the same bridge"
                                                  : "this kernel or this slot offers no way; try remove-rescan");
                ret->method = RESET_BUS;
                return 0;
        case RESET_REMOVE_RESCAN:
                if (at_prepare)
                        return fault_set(
                                f, -EOPNOTSUPP, bdf,
                                "a card can be removed and found again only after the guest (%s): When=release "
                                "in [Reset], or Method=bus",
                                bdf);
                ret->method = RESET_REMOVE_RESCAN;
                return 0;
        }
        return 0;
}
