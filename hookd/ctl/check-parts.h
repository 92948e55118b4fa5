/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between the files of check-*.c. */

#include "ctl/check.h"

/* One profile under examination. */
typedef struct Subject {
        const Check *check;
        const Profile *profile;
        Remarks *remarks;
} Subject;

/* A remark at the line that set the key; at the file as a whole where nobody did. */
void subject_add(const Subject *s, bool error, const char *section, const char *key, const char *fmt, ...)
        _printf_(5, 6);

/* Is it one of Functions=? */
bool subject_lists(const Subject *s, const PciAddress *a);

/* check-host.c: what the profile names against what this host has. */
void check_against_host(const Subject *s);
/* check-sense.c: values that contradict one another. */
void check_sense(const Subject *s);
/* check-moved.c: addresses with vendor:device in the file's comments, as `hookctl generate` writes them, against the
 * cards. file: where it is. */
void check_moved(const Subject *s, const char *file);
/* check-guest.c: a start of this guest. */
void check_against_guest(const Subject *s, const Guest *guest);
/* check-match.c: which guests the files of the folder are for. 0 or -ENOMEM. */
int check_matches(const Check *c, Remarks *remarks);
