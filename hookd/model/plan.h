/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/parse.h"
#include "util/fault.h"

/* Everything hookd does moves one named target from a before value to an after value. */

typedef enum ActionFlags {
        ACTION_ONE_WAY = 1 << 0,    /* may be impossible to bring back; named where it took effect */
        ACTION_EXCLUSIVE = 1 << 1,  /* one guest at a time: override, driver, power */
        ACTION_SHARED = 1 << 2,     /* several guests may need it: unit, vtconsole; the last one restores */
        ACTION_GATE = 1 << 3,       /* waits for a condition or refuses; calls gate(), changes no value */
        ACTION_BACK = 1 << 4,       /* exists only on the way back: settle, reset */
        ACTION_AFTER_HELD = 1 << 5, /* with BACK: only once a guest may have touched the card: reset */
        ACTION_TRANSIT = 1 << 6,    /* verified once on the way, not held afterwards: module */
        ACTION_CARD = 1 << 7,       /* touches the card itself: never again once it is stuck */
        ACTION_LENIENT = 1 << 8,    /* a failure is a warning, not a refusal: power, firmware framebuffer's way back */
} ActionFlags;

/* The value of a target that does not exist (a vanished console, an unset override). */
#define VALUE_NONE "none"

typedef struct Action {
        char *step;   /* name of its step: "driver" */
        char *target; /* "0000:01:00.0" */
        char *before; /* observed and journaled before the plan's first effect; NULL until then */
        char *after;
        char *param; /* what the step must know of profile and view at run time, "key=value" by blanks, values escaped;
                        or NULL */
        char *why;   /* one clause for people, or NULL: "drives seat0 from this card" */
        unsigned flags;
        uint32_t timeout_ms; /* of one converge or gate */
} Action;

typedef struct Plan {
        char *domain;
        char uuid[37];
        char *profile;
        char boot_id[37];
        int64_t created_usec;                    /* CLOCK_REALTIME */
        uint64_t rollback_timeout, stop_timeout; /* usec, of the profile: a release does not read it again */
        char **functions; /* the card: every function that goes to the guest's side, canonical addresses */
        char **mediated;  /* the mediated devices that it gets: their UUIDs */
        char **warnings;  /* sentences: "no reset is possible for …" */
        char **events;    /* at which a worker is wanted once more while the guest has its turn: "started/begin" */
        Action *actions;  /* in forward order */
        size_t n_actions;
} Plan;

Plan *plan_new(const char *domain, const char *uuid, const char *profile);
Plan *plan_free(Plan *p);
DEFINE_CLEANUP(Plan, plan_free)

/* Appends an action; strings are copied; after, param and why may be NULL. Returns it (valid until the next append) or
 * NULL: out of memory. */
Action *plan_append(Plan *p, const char *step, const char *target, const char *after, unsigned flags,
                    uint64_t timeout_usec);
int action_set(char **field, const char *fmt, ...) _printf_(2, 3); /* frees the old value; 0 or -ENOMEM */
int plan_warn(Plan *p, const char *fmt, ...) _printf_(2, 3);

/* Value of key in param: 0 and *ret (caller frees), -ENOENT, -ENOMEM. */
int action_param(const Action *a, const char *key, char **ret);
/* key has no blank and no '='. -EEXIST: it is there already. */
int action_param_add(Action *a, const char *key, const char *value);

/* All that the guest gets, by blanks: functions and mediated devices. Caller frees; NULL: out of memory. */
char *plan_devices(const Plan *p);

/* Text, the same for the journal's plan file and the golden tests: a line an item, tab between
 * fields, values escaped with text_escape(), first line "hookd-plan 1". Decode is strict: -EINVAL names the line. */
char *plan_encode(const Plan *p);
int plan_decode(const char *text, size_t size, Plan **ret, Fault *f);
