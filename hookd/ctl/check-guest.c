/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/check-parts.h"
#include "txn/txn.h"

#include <inttypes.h>

/* Functions= against the domain. */
static void check_lists(const Subject *s, const Guest *guest)
{
        const Profile *p = s->profile;
        char bdf[PCI_FORMAT_MAX];

        for (size_t i = 0; i < p->n_functions; i++)
                if (!guest_has_slot(guest, &p->functions[i]))
                        subject_add(s, false, "Devices", "Functions", "%s is no <hostdev> of %s, which will not get it",
                                    pci_format(&p->functions[i], bdf), guest->name);
        for (size_t i = 0; i < guest->n_devices && !p->functions_auto; i++) {
                const GuestDevice *d = &guest->devices[i];

                if (d->type == GUEST_DEVICE_PCI && !subject_lists(s, &d->address))
                        subject_add(s, false, "Devices", "Functions",
                                    "%s is a <hostdev> of %s, but not listed here: libvirt takes it without hookd",
                                    pci_format(&d->address, bdf), guest->name);
        }
}

/* A unit's own time-out does not count against StartTimeoutSec=, but it uses it up. */
static void check_units(const Subject *s, const Plan *plan)
{
        const HostView *v = s->check->view;

        for (size_t i = 0; i < plan->n_actions; i++) {
                const char *id = plan->actions[i].target;
                const HostUnit *u = v->display_manager && streq(v->display_manager->id, id) ? v->display_manager
                                                                                            : hostview_unit(v, id);

                if (u && u->stop_timeout > s->profile->start_timeout)
                        subject_add(s, false, "Transaction", "StartTimeoutSec",
                                    "%s has longer to stop (TimeoutStopSec=) than the whole start (%" PRIu64 " s)", id,
                                    s->profile->start_timeout / USEC_PER_SEC);
        }
}

void check_against_guest(const Subject *s, const Guest *guest)
{
        _cleanup_(plan_freep) Plan *plan = NULL;
        Fault f = { 0 };
        PciAddress a;

        if (guest->n_devices == 0 && s->profile->functions_auto) {
                subject_add(s, false, NULL, NULL, "%s has no <hostdev>, so there is nothing to do for it", guest->name);
                return;
        }
        check_lists(s, guest);
        if (!s->check->view)
                return;
        if (planner_plan(s->profile, guest, s->check->view, &plan, &f) < 0) {
                bool listed = pci_parse(f.culprit, &a) >= 0 && subject_lists(s, &a);

                /* one of Functions= that is not there was told about already */
                if (!listed || hostview_function(s->check->view, &a))
                        subject_add(s, true, "Devices", listed ? "Functions" : NULL, "%s could not be started: %s",
                                    guest->name, f.text);
                return;
        }
        check_units(s, plan);
        STRV_FOREACH (warning, plan->warnings)
                subject_add(s, false, NULL, NULL, "for %s: %s", guest->name, *warning);
}
