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

/* What the steps do at an event between start and end: actions to be converged to `after`, in this order. Pure. */
int planner_event(const Profile *profile, const Guest *guest, const HostView *view, HookOp event, Plan **ret, Fault *f);

/* claims.c: one flock, <root>/claims.lock, and what the open journals say. */
typedef struct Claims Claims;
/* Takes the flock (bounded by deadline, now_usec() scale) and reads all journals but `uuid`. */
int claims_lock(const char *root, const char *uuid, uint64_t deadline, Claims **ret, Fault *f);
/* The same without the flock: for those who only look. */
int claims_look(const char *root, const char *uuid, Claims **ret, Fault *f);
Claims *claims_unlock(Claims *c);
DEFINE_CLEANUP(Claims, claims_unlock)
typedef enum ClaimVerdict {
        CLAIM_FREE,
        CLAIM_HELD,    /* EXCLUSIVE and another's: *ret_owner is that journal */
        CLAIM_WAIT,    /* the owner is reverting, or the target is in transit: unlock, wait, try again */
        CLAIM_INHERIT, /* SHARED: *ret_before is the before value of the oldest open journal */
} ClaimVerdict;
ClaimVerdict claims_check(const Claims *c, const Action *a, const Journal **ret_owner, const char **ret_before);
/* Marks in the view the units that are down only because another guest's transaction has stopped them (to a plan they
 * are up), the functions that are changing hands, the mediated devices that are promised to others, and the
 * virtual functions that others are just making. */
int claims_mark(const char *root, const char *uuid, HostView *view);
/* Is somebody just giving back one of these functions, or another one of its slot? 1, 0, -errno. */
int claims_given_back(const char *root, const char *uuid, const PciAddress *functions, size_t n);
/* Is one of these functions, or another one of its slot, in a call of another guest's transaction that the kernel does
 * not finish? -EBUSY with the refusal; 0: no; -errno without a fault: the journals cannot be read. */
int claims_stuck(const char *root, const char *uuid, const PciAddress *functions, size_t n, Fault *f);
/* On the way back: does another open journal still need this shared target? */
bool claims_needed_by_other(const Claims *c, const Action *a, const Journal **ret_other);

/* run.c: the engine. */
typedef struct Txn {
        Host *host;
        Journal *journal;
        const char *root;                       /* of the journals */
        const char *domain;                     /* for the audit */
        const char *event;                      /* for the audit: "prepare/begin" */
        uint64_t forward_timeout, back_timeout; /* usec */
        bool again;                             /* tried before: what fails now was said then */
        /* Each step as it ends, a line for the one who waits; NULL: nobody does. */
        void (*say)(void *userdata, const char *line);
        void *say_to;
} Txn;

/* Observes, checks claims, journals the plan with its before values, applies it, verifies it and logs HELD. On any
 * failure, cancellation or deadline it rolls back what was done and returns the first fault. Takes plan over. Where the
 * card is stuck (host->stuck) what cannot be undone stays in the journal, state STUCK. */
int txn_prepare(Txn *t, Plan *plan, Fault *f);

/* revert.c: converges every action that may have taken effect to its before value, in back order, best effort: a
 * failure is reported and the rest goes on. 0: all back, the journal is removed. why: "release", "recovery after a
 * restart" … */
int txn_revert(Txn *t, const char *why, Fault *f);
/* What the way back has to do with action i, by the journal alone; of actions whose steps are known. anything_open: of
 * the plan, before the way back began; before_open: of what comes before i on that way. */
typedef enum BackNeed {
        BACK_NOTHING,
        BACK_UNDO,     /* it may have taken effect, or is a deed of the way back */
        BACK_IF_MOVED, /* only where it is not found as it was before */
} BackNeed;
BackNeed txn_back_need(const Journal *j, int i, bool anything_open, bool before_open);
bool txn_anything_open(const Journal *j);
/* The plan's actions in the order of the way back; order has plan->n_actions. */
void txn_back_order(const Plan *plan, int *order);
/* A host that goes down gets nothing back: no unit may be started and no module loaded, and nobody is there to see. */
bool txn_shutting_down(Host *h);

/* guest.c: is QEMU still there? 1: a process has a vfio group of the card open, or is the one the journal has noted, or
 * is the QEMU of libvirt's pid file; 0: no. *ret (may be NULL, caller frees with holders_free) gets the processes. */
int txn_guest_alive(Txn *t, HostHolder **ret, size_t *ret_n);
/* Notes in the journal which of them the transaction is held for, if that is not noted yet, so that the daemon sees its
 * end. Its pid, 0: none that is surely the guest's, -errno. */
int txn_note_guest(Txn *t, const HostHolder *holders, size_t n);
/* Does the process that called the hook (libvirtd) still live? */
bool txn_owner_alive(Txn *t);

/* recover.c: deals with a journal found open: leaves it alone while its guest runs or is being started, reverts
 * otherwise. *ret_kept: left alone. */
int txn_recover(Txn *t, bool *ret_kept, Fault *f);

/* engine.c: what run.c and revert.c share. */
/* Sets h->deadline for one call: timeout_usec from now, but not beyond limit. */
void engine_deadline(Host *h, uint64_t timeout_usec, uint64_t limit);
/* Converges action i to value and observes that it got there. 0: there (already, or now), *ret_from what it was. */
int engine_converge(Txn *t, const Action *a, const char *value, uint64_t limit, char **ret_from, Fault *f);
bool engine_satisfied(const Action *a, const char *now, const char *wanted);

/* The kernel keeps a call of action i (h->stuck): journals that, with where it waits, and says so. f, which says what
 * was tried, becomes the whole sentence. */
void engine_stuck(Txn *t, int i, const char *from, const char *to, uint64_t start, Fault *f);
/* "; process 812 waits in msleep <- nv_remove", or "" where nothing is known. Static buffer. */
const char *engine_stuck_where(const Host *h);

/* audit.c: the story in the journal. */
void audit_plan(const Txn *t, const Plan *plan);
void audit_step(const Txn *t, const Action *a, const char *from, const char *to, const char *result, uint64_t usec,
                int priority, const char *message_id, const char *text);
void audit_outcome(const Txn *t, int priority, const char *message_id, const char *result, uint64_t usec,
                   const char *text);
