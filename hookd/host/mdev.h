/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/host.h"

/* Mediated devices in sysfs. (scan-mdev.c) */

#define MDEV_DEVICES "/sys/bus/mdev/devices"
#define MDEV_PARENTS "/sys/class/mdev_bus"

/* An attribute of a device, or of a type of a parent. Caller frees; NULL: out of memory. */
char *mdev_path(const char *uuid, const char *attribute);
char *mdev_type_path(const char *parent, const char *type, const char *attribute);
/* Whose it is, and its type; both owned by the caller. -ENOENT: there is none, or not completely. Never blocks. */
int mdev_observe(Host *h, const char *uuid, char **ret_parent, char **ret_type);
/* How many instances of a type a parent can still make. Its driver answers: in a hand, at most 5 s. -ENOENT: the parent
 * has no such type. */
int mdev_available(Host *h, const char *parent, const char *type, int *ret);
/* Appends the device files that a guest with this device has open: its vfio group's, or its own. */
int mdev_nodes(Host *h, const char *uuid, char ***ret);
