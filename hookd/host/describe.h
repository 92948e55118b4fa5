/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/hostview.h"

/* Adds what people want to know of the functions: names from systemd's hardware database (hwdb(7)), and the modules
 * whose aliases match (modules.alias of the running kernel). What is not known stays NULL; 0 or -ENOMEM. */
int describe(HostView *v);

/* host-systemd-hwdb.c, host-kmod.c */
int describe_names(HostView *v);
int describe_candidates(HostView *v);
