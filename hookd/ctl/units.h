/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/receipt.h"

#define SOCKET_UNIT  "hookd.socket"
#define SERVICE_UNIT "hookd.service"
#define WANTS_FOLDER "/etc/systemd/system/sockets.target.wants"
#define WANTS_LINK   WANTS_FOLDER "/" SOCKET_UNIT

/* What `systemctl enable hookd.socket` would do: the socket comes up with the machine. Each says on stdout what it did,
 * and adds to or drops from the receipt. 0 or -errno with a fault. */
int units_enable(const char *root, Receipt *r, Fault *f);
int units_disable(const char *root, Receipt *r, Fault *f);

/* The running system. */
int units_start(Receipt *r, Fault *f);
int units_stop(Receipt *r, Fault *f);
/* libvirt looks for hooks when it starts and on SIGHUP only. */
int units_reload_libvirt(Fault *f);
