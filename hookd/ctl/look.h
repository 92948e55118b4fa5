/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/host.h"
#include "model/guest.h"
#include "model/hostview-text.h"

/* What a verb sees of the host: the cards (every slot with a display function), what is bound to them and who uses
 * them. file: a captured host instead of this machine; NULL: this machine, of which an ordinary user sees less (other
 * users' processes). guest (may be NULL): its devices are looked at as well. 0 or -errno with a fault. */
int look(const char *file, const Guest *guest, HostView **ret, Fault *f);
/* The same of a host that is open already, within 30 s. */
int look_at(Host *h, const Guest *guest, HostView **ret, Fault *f);
