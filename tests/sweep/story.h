/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sweep/sweep.h"

/* One guest's life with whatever a number says: faults of any kind at any place, a daemon that is restarted. */
typedef struct Story {
        FakeFault faults[3];
        unsigned n_faults;
        enum { RESTART_NONE, RESTART_STARTING, RESTART_RUNNING } restart;
        bool crashes, hangs; /* one of the faults is such */
        char text[160];      /* all of it */

        /* what came of it */
        const char *root;
        bool held;
        unsigned refused, stuck, crashed, recovered;
} Story;

uint64_t story_seed(uint64_t seed, uint64_t n);
void story_draw(Story *s, const Combo *c, uint64_t random);
/* On the host as the last story left it. NULL: right; else what is wrong (caller frees). */
char *story_tell(Story *s, Combo *c, const char *root);
