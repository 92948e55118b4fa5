/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "step/step.h"

/* What several steps need. */

/* How long one call into the kernel may take before it counts as hung, where nothing better is known. */
#define TIMEOUT_SETTING (10 * USEC_PER_SEC) /* an attribute that should answer at once */
#define TIMEOUT_KERNEL  (30 * USEC_PER_SEC) /* a driver's probe or remove, a module's init or exit */

/* plan_append() with its reason; the reason may be NULL. NULL: out of memory. */
Action *step_append(Plan *plan, const char *step, const char *target, const char *after, unsigned flags,
                    uint64_t timeout_usec, const char *why);

/* "/sys/bus/pci/devices/BDF/attribute", caller frees; NULL: out of memory. */
char *function_path(const char *bdf, const char *attribute);
bool function_present(Host *h, const char *bdf);

/* Is this function one of the card's? */
bool card_has(const PlanInput *in, const PciAddress *a);
/* The functions of the card as param "functions", separated by commas. */
int card_param_add(const PlanInput *in, Action *a);
/* A list by commas from param; -ENOENT: no such key. */
int param_list(const Action *a, const char *key, char ***ret);
uint64_t param_uint(const Action *a, const char *key, uint64_t otherwise);
bool param_is(const Action *a, const char *key, const char *value);

/* vfio-pci, a vfio variant, pci-stub: the device is kept for guests. */
bool driver_is_for_guests(const char *driver);
/* The driver that the guest's side of this function needs: profile, domain XML, the kernel's variant, vfio-pci. */
const char *guest_driver(const PlanInput *in, const PciAddress *a);
/* The driver it goes back to: Host= of the profile where that fits (a graphics driver is for the display functions, one
 * for guests for all), unless it is on the guest's already; else what it has now. NULL: none. */
const char *host_driver(const PlanInput *in, const HostFunction *fn);
/* The module that brings a PCI driver of this name, as far as the names differ. Writes into buf, returns it. */
const char *driver_module(const char *driver, char buf[64]);

/* Waits a slice for something to happen, at most to `until`. 1: until has passed; 0: look again; -ETIMEDOUT (the
 * engine's deadline), -ECANCELED with a fault, -errno. */
int step_wait(Host *h, unsigned what, const HostHolder *holders, size_t n, uint64_t until, Fault *f);
/* now + usec, not behind the engine's deadline. */
uint64_t step_until(Host *h, uint64_t usec);
