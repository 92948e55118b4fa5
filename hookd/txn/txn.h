/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/host.h"
#include "model/profile.h"
#include "txn/journal.h"
#include "txn/state.h"

/* planner.c: profile + guest + view -> plan. Settles the card's functions (Functions=, Widen=), refuses what must not
 * be taken (mounted disk, default route, group members on host drivers, unknown drivers), then lets every step append.
 * Pure. */
int planner_plan(const Profile *profile, const Guest *guest, const HostView *view, Plan **ret, Fault *f);

/* claims.c: one flock, <root>/claims.lock, and what the open journals say. */
typedef struct Claims Claims;
/* Takes the flock (bounded by deadline, now_usec() scale) and reads all journals but `uuid`. */
int claims_lock(const char *root, const char *uuid, uint64_t deadline, Claims **ret, Fault *f);
Claims *claims_unlock(Claims *c);
DEFINE_CLEANUP(Claims, claims_unlock)
typedef enum ClaimVerdict {
        CLAIM_FREE,
        CLAIM_HELD,    /* EXCLUSIVE and another's: *ret_owner is that journal */
        CLAIM_WAIT,    /* the owner is reverting, or the target is in transit: unlock, wait, try again */
        CLAIM_INHERIT, /* SHARED: *ret_before is the before value of the oldest open journal */
} ClaimVerdict;
ClaimVerdict claims_check(const Claims *c, const Action *a, const Journal **ret_owner, const char **ret_before);
/* On the way back: does another open journal still need this shared target? */
bool claims_needed_by_other(const Claims *c, const Action *a, const Journal **ret_other);

/* run.c: the engine. */
typedef struct Txn {
        Host *host;
        Journal *journal;
        const char *root;                       /* of the journals */
        const char *event;                      /* for the audit: "prepare/begin" */
        uint64_t forward_timeout, back_timeout; /* usec */
} Txn;

/* Observes, checks claims, journals the plan with its before values, applies it, verifies every function and logs HELD.
 * On any failure, cancellation or deadline it rolls back what was done and returns the first fault. Takes over plan. */
int txn_prepare(Txn *t, Plan *plan, Fault *f);
/* Converges every action that may have taken effect to its before value, in back order, best effort: a failure is
 * reported and the rest goes on. 0: all back, the journal is gone. why: "release", "recovery after a restart" … */
int txn_revert(Txn *t, const char *why, Fault *f);
/* Is QEMU still there? 1: a process holds a vfio group of the card, or the pid file of the domain is locked; 0 no;
 * fault text names it. */
int txn_guest_alive(Txn *t, Fault *f);

/* recover.c: what to do with a journal found open. */
int txn_recover(Txn *t, Fault *f);
