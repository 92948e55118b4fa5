/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "step/step-util.h"

/* The sound card of the card, while the desktop's sound server keeps running: a synthetic "remove" uevent makes
 * PipeWire and PulseAudio close it, "add" makes them open it again. Target: the sound card in sysfs; values: announced,
 * withdrawn, VALUE_NONE. What udev knows is the state: it drops its record of a device on "remove" and makes a new one
 * on "add", also on the one of a driver that was bound again. */
int sound_plan(const PlanInput *in, Plan *plan);
int sound_observe(Host *h, const Action *a, char **ret_value, Fault *f);
int sound_converge(Host *h, const Action *a, const char *value, Fault *f);
