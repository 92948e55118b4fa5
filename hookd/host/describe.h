/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/hostview.h"

/* Adds what people want to know of the functions: names from systemd's hardware database (hwdb(7)), and the modules
 * whose aliases match (modules.alias of the running kernel). What is not known stays NULL; 0 or -ENOMEM. */
int describe(HostView *v);

/* Does the running kernel have a module of this name (or alias), or has it built in? 1, 0; -errno: its index cannot be
 * read. (host-kmod.c) */
int module_known(const char *name);

/* host-systemd-hwdb.c, host-kmod.c */
int describe_names(HostView *v);
int describe_candidates(HostView *v);
