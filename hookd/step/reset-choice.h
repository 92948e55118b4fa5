/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "step/step-util.h"

/* How the functions of one slot of the card can be reset, from what the view says. Pure; power asks it too, for the
 * bridge that must stay awake. */

typedef struct ResetChoice {
        ResetMethod method; /* RESET_NONE: none */
        const char *bridge; /* the bridge above; NULL: a root bus */
        bool hot;           /* nothing but the card is below that bridge, so that its bus may be reset */
        char *warning;      /* why there is none although one is wanted, or NULL; owned */
} ResetChoice;
void reset_choice_clear(ResetChoice *c);
#define _cleanup_choice_ _cleanup_(reset_choice_clear)

/* Is functions[i] the first of the card in its slot? */
bool reset_is_leader(const PlanInput *in, size_t i);
/* For the slot of functions[i]. at_prepare: nothing may be removed then. -EOPNOTSUPP with a fault: the profile wants
 * what cannot be. */
int reset_choose(const PlanInput *in, size_t i, bool at_prepare, ResetChoice *ret, Fault *f);
