/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/fault.h"

/* The socket: the one systemd passes, or one of our own at `path` (0600, its folder is made; a stale one is replaced, a
 * live one is -EADDRINUSE). Non-blocking, listening. Returns it, or -errno with a fault; *ret_own is true for the
 * second. */
int listener_open(const char *path, bool *ret_own, Fault *f);
/* Raises the limit on descriptors as far as it goes and returns how many connections that allows. */
unsigned listener_raise_limit(void);
