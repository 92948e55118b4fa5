/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "step/step-util.h"

/* A systemd unit as a target, for display-manager, services and sessions. Values: "active" (also when it is starting or
 * its start is queued), "inactive" (also failed), "deactivating", VALUE_NONE. */

/* "unit X active -> inactive", SHARED, with the unit's own stop time-out + 10 s; u NULL: nothing is known of it. */
Action *unit_append(Plan *plan, const char *step, const char *id, const HostUnit *u, const char *why);
/* Runs, is starting, or is about to; or would, but for another guest. */
bool unit_is_up(const HostUnit *u);

int unit_observe(Host *h, const Action *a, char **ret_value, Fault *f);
int unit_converge(Host *h, const Action *a, const char *value, Fault *f);
bool unit_satisfied(const Action *a, const char *now, const char *wanted);
