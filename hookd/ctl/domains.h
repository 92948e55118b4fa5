/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/guest.h"

/* All guests of this host, from their XML. */
typedef struct Domains {
        Guest **list;
        size_t n;
} Domains;

/* Domain XML that cannot be read is passed over: libvirt would not start it either. 0 or -ENOMEM. */
int domains_parse(char *const *xml, Domains *ret);
/* Of libvirt, bounded to two seconds. -errno with a fault: it does not answer, or is not there. */
int domains_ask(Domains *ret, Fault *f);
void domains_clear(Domains *d);
#define _cleanup_domains_ _cleanup_(domains_clear)

/* Does the guest have this function among its devices? */
bool guest_has_function(const Guest *guest, const PciAddress *a);
/* Or one of the same slot? Then the others go along. */
bool guest_has_slot(const Guest *guest, const PciAddress *a);
