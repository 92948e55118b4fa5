/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/host.h"

/* The BARs of functions, as their `resource` files show them (drivers/pci/pci-sysfs.c: resource_show(): a line each of
 * start, end and flags; the first six are the BARs). */

/* Every BAR that has an address: "0:1000000:40200,2:…" (number, size, flags) for a function, "-" for one without; by
 * semicolons in the order of the functions. *ret is the caller's. 0 or -errno. */
int bars_note(Host *h, char *const *functions, char **ret);
/* Is every BAR of such a note there again, of its kind and with an address? The address itself may be another one, as
 * may the size of a BAR that can be resized: a reset takes that back to what the card begins with. -ENODEV with a
 * fault. */
int bars_compare(Host *h, char *const *functions, const char *note, Fault *f);
