/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fake/fake-host.h"
#include "txn/txn.h"

/* A host and a profile, one guest's life on it, and what may go wrong in that. */
typedef struct OpInfo {
        char op[24], target[120];
        bool effect, hand;
} OpInfo;

typedef struct Combo {
        char name[96]; /* "nvidia-desktop.empty" */
        const char *profiles_dir;
        Host *h;
        void *before;  /* state */
        char *summary; /* of it */
        char *refusal; /* the plan itself was refused: why */
        bool gated;    /* prepare itself refuses: somebody holds the card */
        Plan *plan;
        char *plan_text;
        uint64_t forward, rollback, back; /* usec */
        OpInfo *ops;
        unsigned n_plan, n_prepare,
                n_total;   /* operations: of scan and planner alone; then from 1 again: prepare, all */
        bool clean;        /* nothing goes wrong in this case */
        char failed[1024]; /* fake_faults_targets() of a process that died */
} Combo;

/* hosts.c */
/* The names in a folder that end so, without that, sorted. */
int sweep_names(const char *dir, const char *suffix, char ***ret);
/* A profile written for one host has a golden plan there and nowhere else; the others are for all. */
bool sweep_fits(const char *tree, const char *profile);

/* combo.c */
int combo_new(const char *tree_path, const char *profiles_dir, const char *profile, Combo **ret, Fault *f);
Combo *combo_free(Combo *c);
DEFINE_CLEANUP(Combo, combo_free)
/* The host as it is now is "before": plans anew. */
int combo_again(Combo *c, Fault *f);
/* scan and planner on h as it is, for these functions; NULL: those of the tree's `guest` line. */
int combo_plan(Host *h, char *const *functions, const char *profiles_dir, const char *profile, Plan **ret,
               Profile **ret_profile, Fault *f);

/* transact.c: as a worker of its own would; 0 or -errno. release and recover open what is there. */
enum { GUEST_PID = 4711, OWNER_PID = 500 };
#define OTHER_UUID "0f0f0f0f-1111-4222-8333-444444444444"
int life_prepare(Combo *c, const char *root, bool owner, Fault *f);
int life_other_prepare(Combo *c, const char *root, Fault *f);         /* another guest wants the same */
int life_release(Combo *c, const char *root, bool unstuck, Fault *f); /* -ENOENT: nothing was there */
int life_recover(Combo *c, const char *root, bool *ret_kept, Fault *f);
bool life_journal_left(Combo *c, const char *root);
void life_journal_clear(Combo *c, const char *root);

/* diff.c: lines that differ from `before` and must not; NULL: none. held: the guest side was reached. */
char *host_differences(const Combo *c, Host *h);
/* Has a fault hit one of the administrator's scripts? */
bool host_script_failed(const Combo *c, Host *h);

/* process.c: part of a story in a process of its own, which may die; the state it leaves comes back. false: it did not
 * die. */
typedef char *(*LifePart)(Combo *c, void *arg);
bool life_process(Combo *c, LifePart part, void *arg, char **ret_wrong);

/* life.c */
char *wrong(const char *fmt, ...) _printf_(1, 2);
/* QEMU starts with all that the plan gives it. */
int life_guest_start(Combo *c);
/* The end of every story: the host as it was, no journal, nothing done that must not be. */
char *life_judge(Combo *c, const char *root);
/* The kernel lets go of what hung, and what is left goes back, as the worker does it. */
char *life_unstick(Combo *c, const char *root);
/* One case. NULL: right; else what is wrong (caller frees). */
typedef struct Case {
        char kind[24]; /* clean, crash-before, crash-after, recrash, lie, hang, slow, late, cancel, double, an errno
                          name, kept-guest, kept-owner, plan */
        unsigned at;   /* operation */
} Case;
char *case_run(Combo *c, const Case *x, const char *journals);
/* Enumerates the cases of a combo; false at the end. *i starts at 0. full: also what says little beyond the others. */
bool case_next(const Combo *c, bool full, unsigned *i, Case *ret);
/* A clean run that fills c->ops, c->n_prepare and c->n_total. */
char *case_trace(Combo *c, const char *journals);
