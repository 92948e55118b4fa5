/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "txn/journal.h"
#include "util/fault.h"

typedef enum TxnState { TXN_PLANNED, TXN_APPLYING, TXN_HELD, TXN_REVERTING, TXN_RELEASED, TXN_STUCK } TxnState;

/* Computed from plan and log alone, never stored. */
TxnState txn_state(const Journal *j);
const char *txn_state_name(TxnState s);

/* May action i have taken effect and not have been undone? (intent, or an undo that was begun, without undone) */
bool txn_action_open(const Journal *j, int i);
/* Is action i between undo and undone, or intent and done, just now? */
bool txn_action_in_transit(const Journal *j, int i);
bool txn_was_held(const Journal *j);
bool txn_was_stopped(const Journal *j);
/* Has a release found QEMU alive and answered? (HELD once more after STOPPED) */
bool txn_was_answered(const Journal *j);
/* CLOCK_BOOTTIME usec of the line that put it into its present state; the text of that line in *ret_text (borrowed, may
 * be NULL). */
uint64_t txn_since(const Journal *j, const char **ret_text);

/* stuck.c: refuses what needs a card that the kernel keeps: which, since when, at which step, where in the kernel, what
 * to do. text and since are those of txn_since(). Returns -EBUSY. */
int txn_refuse_stuck(const char *target, const char *domain, uint64_t since, const char *text, Fault *f);
