/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/doctor-files.h"
#include "ctl/recover.h"

/* Cards that nobody has, and that are not the host's either. */
typedef struct StrayInput {
        const HostView *view;
        char *const *held; /* functions of open journals */
        const char *cmdline;
        const TextFiles *modprobe;
        char *const *driverctl; /* the files in /etc/driverctl.d: each keeps a device on a driver */
} StrayInput;

/* Functions of a slot with a display function that are on a guest's driver (vfio-pci, pci-stub) though no open journal
 * and no process has them, and no configuration keeps them there: ids= of the driver, a command of its own in an
 * `install` line, driverctl. In the view's order; an array of pointers into the view, caller frees. 0 or -ENOMEM. */
int strays_find(const StrayInput *in, const HostFunction ***ret, size_t *ret_n);

/* Says them and what helps, or with --force gives them back to the host's drivers: override cleared, unbound, announced
 * anew to udev, probed. */
void recover_cards(Recover *r, const HostFunction *const *strays, size_t n);
/* A display manager that is down though no guest needs that and the host's graphical target is up: said, or started. */
void recover_desktop(Recover *r, const HostUnit *display_manager);
/* Both, of the host as it is now. */
void recover_host(Recover *r);
