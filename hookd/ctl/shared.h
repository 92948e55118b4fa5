/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/json.h"
#include "model/hostview.h"

/* How one card is shared: virtual functions, mediated devices and the types that they can be made of. */

/* Has a parent of that name (an address, or another device's) mediated devices or types of them? */
bool shared_is_parent(const HostView *v, const char *parent);
/* Parents that are no PCI function, as "mtty". Appended to *ret; 0 or -ENOMEM. */
int shared_other_parents(const HostView *v, char ***ret);
/* Lines "NAME TEXT" below a device; nothing where there is nothing to say. `put` prints one. */
void shared_print_virtual(const HostFunction *fn, void (*put)(const char *name, const char *text));
void shared_print_mediated(const HostView *v, const char *parent, void (*put)(const char *name, const char *text));
/* Members of the device's object. fn NULL: a parent that is no PCI function. */
void shared_json(Json *j, const HostView *v, const HostFunction *fn, const char *parent);
