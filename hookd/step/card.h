/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "step/step-util.h"

#include <stdio.h>

/* Who has the card's device files open, and how that is said to people. */

typedef struct HolderList {
        HostHolder *items; /* one for each pair of process and file */
        size_t n;
} HolderList;
void holder_list_clear(HolderList *l);
#define _cleanup_holders_ _cleanup_(holder_list_clear)

/* Holders of the device files the functions have now, and of the vendors' shared ones (vendor ids in hex; may be NULL).
 * Nodes of USB devices are not counted: the kernel takes those away from under an open file. */
int card_holders(Host *h, char *const *functions, char *const *vendors, HolderList *ret);
/* As above, for the functions and vendors of param "functions" and "shared". */
int action_holders(Host *h, const Action *a, HolderList *ret, Fault *f);
/* 0: nobody has one of this function's device files open, waited for a moment; -EBUSY with a fault. To be asked before
 * a driver's remove(), which may wait for them in the kernel for ever. */
int function_let_go(Host *h, const char *bdf, Fault *f);
/* The same of the device files that `nodes` appends for a target; `so` is what is not done then: "it is not removed".
 */
int nodes_let_go(Host *h, const char *target, int (*nodes)(Host *h, const char *target, char ***ret), const char *so,
                 Fault *f);

/* PID 1 and logind keep a session's device files for it: never to be signalled. */
bool holder_is_manager(const HostHolder *x);
bool holder_is_vfio(const HostHolder *x);
/* The command or the deed that would free it: a clause. */
void holder_print_remedy(FILE *out, const HostHolder *x);
/* "Xorg (pid 812, lightdm.service) has /dev/dri/card0 open: `systemctl stop lightdm.service` or …; …": a process once,
 * PID 1 and logind last, at most six. Caller frees; NULL: out of memory. */
char *holders_describe(const HolderList *l);
