/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/domains.h"

#include "ctl/domain-xml.h"

#define ASK_USEC (2 * USEC_PER_SEC)

static int compare(const void *a, const void *b)
{
        return strcmp((*(Guest *const *) a)->name, (*(Guest *const *) b)->name);
}

int domains_parse(char *const *xml, Domains *ret)
{
        Domains d = { .list = calloc(strv_length(xml) + 1, sizeof(*d.list)) };

        if (!d.list)
                return -ENOMEM;
        STRV_FOREACH (text, xml) {
                int r = guest_parse(*text, strlen(*text), &d.list[d.n], NULL);

                if (r == -ENOMEM) {
                        domains_clear(&d);
                        return r;
                }
                d.n += r >= 0;
        }
        qsort(d.list, d.n, sizeof(*d.list), compare);
        *ret = d;
        return 0;
}

int domains_ask(Domains *ret, Fault *f)
{
        _cleanup_strv_ char **xml = NULL;
        int r;

        r = domain_xml_list(ASK_USEC, &xml, f);
        if (r >= 0 && domains_parse(xml, ret) < 0)
                r = fault_set(f, -ENOMEM, NULL, "out of memory");
        return r;
}

void domains_clear(Domains *d)
{
        for (size_t i = 0; i < d->n; i++)
                guest_free(d->list[i]);
        free(d->list);
        *d = (Domains){ 0 };
}

bool guest_has_function(const Guest *guest, const PciAddress *a)
{
        for (size_t i = 0; i < guest->n_devices; i++)
                if (guest->devices[i].type == GUEST_DEVICE_PCI && pci_compare(&guest->devices[i].address, a) == 0)
                        return true;
        return false;
}

bool guest_has_slot(const Guest *guest, const PciAddress *a)
{
        for (size_t i = 0; i < guest->n_devices; i++)
                if (guest->devices[i].type == GUEST_DEVICE_PCI && pci_same_slot(&guest->devices[i].address, a))
                        return true;
        return false;
}
