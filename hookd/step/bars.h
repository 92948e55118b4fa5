/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/host.h"

/* The BARs of functions, as their `resource` files show them (drivers/pci/pci-sysfs.c: resource_show(): a line each of
 * start, end and flags; the first six are the BARs). */

/* The text of each function's file, in that order; "" for one that is not there. *ret is the caller's. 0 or -errno. */
int bars_read(Host *h, char *const *functions, char ***ret);
/* Has every BAR of these been found again, of its kind and with an address? The address itself may be another one, as
 * may the size of a function that can resize them: a reset takes it back to what the card begins with. -ENODEV with a
 * fault. */
int bars_compare(Host *h, char *const *functions, char *const *before, Fault *f);
