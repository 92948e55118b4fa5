/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/audit.h"

#include <stdio.h>

/* Where the time of one transaction went: a bar for every step, to scale, and what was libvirt's and QEMU's own part.
 * `list` is a transaction of story_group(). */
void timeline_print(const AuditEntry *list, size_t n, bool colour, FILE *out);
