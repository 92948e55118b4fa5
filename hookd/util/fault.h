/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* What went wrong, once, for people: the reason a start is refused. `text` is one line without a newline that says
 * what failed, on which target, why, and what to do. Fixed size, no allocation, so that it can always be filled. */
typedef struct Fault {
        int code;          /* negative errno; 0: no fault */
        char culprit[192]; /* the target: "0000:01:00.0", "lightdm.service"; may be empty */
        char text[1536];
} Fault;

/* Fills *f (which may be NULL) and returns code, which is negative. Control characters in the formatted text become
 * '?', so that a hostile name cannot forge a second line. Overwrites what was there. */
int fault_set(Fault *f, int code, const char *culprit, const char *fmt, ...) _printf_(4, 5);

/* As fault_set(), but only where f is still empty: for callers above one that already spoke. */
int fault_default(Fault *f, int code, const char *culprit, const char *fmt, ...) _printf_(4, 5);

/* Puts "prefix: " before the text of a filled fault; returns its code. */
int fault_prefix(Fault *f, const char *fmt, ...) _printf_(2, 3);

/* "Device or resource busy (EBUSY)" for a negative errno. Returns a pointer to a static buffer (no threads here). */
const char *fault_errno(int code);
