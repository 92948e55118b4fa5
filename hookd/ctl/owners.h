/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/domains.h"
#include "ctl/record.h"
#include "util/fault.h"

/* Which guests are to have the host's devices, and which have them now. */
typedef struct Owners {
        Domains domains;
        bool domains_known;
        Records records; /* the daemon's status */
        bool records_known;
        Fault no_domains, no_records; /* why they are not known; empty: nobody was asked */
} Owners;

/* Asks libvirt, within two seconds, and the daemon. What does not answer is not known. */
void owners_ask(const char *socket, Owners *ret);
void owners_clear(Owners *o);
#define _cleanup_owners_ _cleanup_(owners_clear)

/* The guests that have a <hostdev> in this function's slot: the others of a slot go along. 0 or -ENOMEM. */
int owners_guests(const Owners *o, const PciAddress *a, char ***ret);
/* The record of the guest that holds this function; NULL: none, or not known. */
const Record *owners_holder(const Owners *o, const PciAddress *a);
