/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "step/step-util.h"

/* The loaded modules of the host's drivers that the card is bound to, users before what they use, and which of them can
 * go. Pure. */

typedef struct ChainModule {
        const char *name;    /* as in the profile or in a static table */
        const char *driver;  /* that it serves */
        uint16_t vendor;     /* of the function that is on it */
        const char *stays;   /* why it is not unloaded: a clause; NULL: it is */
        const char *because; /* culprit of that: an address or a module; may be NULL */
        char because_buf[PCI_FORMAT_MAX];
} ChainModule;

enum { CHAIN_MAX = 32 };

/* Fills chain, returns how many. */
size_t module_chain(const PlanInput *in, ChainModule chain[CHAIN_MAX]);
