/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "step/step-util.h"

/* Looks for devices again below a bridge (NULL: everywhere, for a root bus), in a hand. 0 or -errno with a fault. */
int rescan_below(Host *h, const char *bridge, Fault *f);
