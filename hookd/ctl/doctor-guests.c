/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-checks.h"

#include <stdio.h>

/* Addresses of the cards, for somebody whose own has moved. */
static void print_cards(const HostView *v, FILE *out)
{
        unsigned n = 0;

        for (size_t i = 0; i < v->n_functions; i++) {
                const HostFunction *fn = &v->functions[i];
                char bdf[PCI_FORMAT_MAX];

                if (function_is_display(fn))
                        (void) fprintf(out, "%s%s (%04x:%04x)", n++ > 0 ? ", " : "", pci_format(&fn->address, bdf),
                                       fn->vendor, fn->device);
        }
}

static void missing(const Guest *guest, const PciAddress *a, const HostView *v, Findings *fs)
{
        _cleanup_free_ char *cards = NULL;
        char bdf[PCI_FORMAT_MAX];
        size_t size;
        FILE *out = open_memstream(&cards, &size);

        if (out)
                print_cards(v, out);
        if (!out || fclose(out) != 0) {
                fs->failed = true;
                return;
        }
        finding_add(fs, AREA_PROFILES, FINDING_PROBLEM,
                    "%s wants %s, and this host has no such device: a new firmware or another board may have moved it. "
                    "%s%s",
                    guest->name, pci_format(a, bdf), *cards ? "Cards are at " : "There is no graphics card", cards);
        finding_fix(fs, "virsh edit '%s'", guest->name);
}

void check_guests(const Domains *domains, ProfileFolder *folder, const HostView *v, Findings *fs)
{
        for (size_t i = 0; v && i < domains->n; i++) {
                const Guest *guest = domains->list[i];
                _cleanup_free_ char *path = NULL;
                bool card = false;
                Fault f = { 0 };
                int index;

                for (size_t k = 0; k < guest->n_devices; k++) {
                        const GuestDevice *d = &guest->devices[k];
                        const HostFunction *fn;

                        if (d->type != GUEST_DEVICE_PCI)
                                continue;
                        fn = hostview_function(v, &d->address);
                        if (!fn && !hostview_physical(v, &d->address, &index)) /* a virtual one is made when needed */
                                missing(guest, &d->address, v, fs);
                        card = card || (fn && function_is_display(fn));
                }
                if (!card || profile_folder_choose(folder, guest, v, &path, &f) != 0)
                        continue;
                finding_add(fs, AREA_PROFILES, FINDING_HINT,
                            "%s has a card, but no profile: hookd leaves it to libvirt, which does not free the card",
                            guest->name);
                finding_fix(fs, "touch '/etc/hookd/profiles/%s.ini' (an empty one does the right thing)", guest->name);
        }
}
