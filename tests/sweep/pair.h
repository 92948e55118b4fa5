/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sweep/sweep.h"

/* Two guests on one host, each with a card of its own. */

typedef struct PairHost {
        const char *tree, *held; /* a line of the summary: what both need, and neither alone brings back */
        const char *profile;
        char *cards[2][3];
} PairHost;

typedef struct Guests {
        const PairHost *on;
        Host *h;
        char *plan[2];
        char uuid[2][37];
        void *before; /* state: nobody has anything */
        char *summary;
        char root[64];
        unsigned cases, failed, unloaded; /* modules, under a card that is not the one who acts */
        int acting;
} Guests;

/* Counts and prints what is not so. */
bool check(Guests *g, bool ok, const char *story, unsigned at, const char *what);
/* A new story: the host as it was at the start. */
void begin(Guests *g);
/* Each as a worker of its own would, with guest i's plan. */
int prepare(Guests *g, int i, Fault *f);
int release(Guests *g, int i, Fault *f);
typedef int (*Act)(Guests *g, int i, Fault *f);
/* The process that acts for guest i dies at an operation. false: it did not come to that. */
bool crash_in(Guests *g, Act act, int i, FakeWhat what, unsigned at);
/* Is what both need as they need it? */
bool is_down(Guests *g);
bool as_before(Guests *g);
/* For fake_trace(): counts modules that go under the other's card. */
void watch_modules(void *arg, unsigned n, const char *op, const char *target, bool effect, bool hand);
int make_plan(Guests *g, int i, Fault *f);
/* B's plan anew, on the host as it is now, with what the journals say. */
int plan_b_now(Guests *g, Fault *f);
