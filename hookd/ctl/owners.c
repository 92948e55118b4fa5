/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/owners.h"

#include "ctl/talk.h"
#include "wire/wire.h"

void owners_ask(const char *socket, Owners *ret)
{
        ret->domains_known = domains_ask(&ret->domains, &ret->no_domains) >= 0;
        ret->records_known = talk_records(socket, WIRE_STATUS, &ret->records, &ret->no_records) >= 0;
}

void owners_clear(Owners *o)
{
        domains_clear(&o->domains);
        records_clear(&o->records);
        *o = (Owners){ 0 };
}

int owners_guests(const Owners *o, const PciAddress *a, char ***ret)
{
        _cleanup_strv_ char **list = NULL;

        for (size_t i = 0; i < o->domains.n; i++)
                if (guest_has_slot(o->domains.list[i], a) && strv_append(&list, o->domains.list[i]->name) < 0)
                        return -ENOMEM;
        *ret = TAKE_PTR(list);
        return 0;
}

const Record *owners_holder(const Owners *o, const PciAddress *a)
{
        char bdf[PCI_FORMAT_MAX];

        pci_format(a, bdf);
        for (size_t i = 0; i < o->records.n; i++) {
                const Record *r = &o->records.list[i];
                _cleanup_strv_ char **card = NULL;

                if (streq(r->fields[0], "guest") && strv_split(record_value(r, "card"), &card) >= 0 &&
                    strv_contains(card, bdf) && !streq(record_value(r, "state"), "released"))
                        return r;
        }
        return NULL;
}
