/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* A moment as journalctl --since takes it: "2026-11-21 05:00:12" (less of the time, or none, is the beginning of that),
 * "05:00", "today", "yesterday", "2h ago", "-2h". now and *ret are CLOCK_REALTIME microseconds, the text is local
 * time. 0, -EINVAL. */
int since_parse(const char *s, uint64_t now, uint64_t *ret);
