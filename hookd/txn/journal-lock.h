/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/fault.h"

#include <stdbool.h>

/* The lock of a journal: of the open file, as flock()'s, so it lives in a hand that outlives its worker; but one that
 * can be asked for without being taken: a look at it, however short, must not be what a starting worker runs into. */

/* Takes the lock of fd, which is open for writing. wait: without bound; else -EBUSY, with a fault, when it is still
 * held after half a second. Whoever reads /proc/PID/fd (fuser, lsof, ss -p, the holders of another guest's card) has
 * the file open for that moment, and with it the lock of a worker that has just ended (fs/proc/fd.c takes a reference).
 */
int journal_lock_take(int fd, const char *path, bool wait, Fault *f);
