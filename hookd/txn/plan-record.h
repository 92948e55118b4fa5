/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/plan.h"
#include "util/record.h"

/* A plan as lines for hookctl, which makes text and JSON of them (ctl/record-plan.h): one `plan`, then `action`s in
 * their order and `warning`s. hookctl(1) explains their fields. Each of these makes a whole line. */

/* profile: NULL where none is for this guest. fmt: what is said of the plan, behind the guest's name. */
void plan_record(RecordLine *r, const char *domain, const char *event, const char *profile, const char *fmt, ...)
        _printf_(5, 6);

/* state: of a start change, already, unknown (why: what keeps it from being seen), unseen (nobody has looked), gate,
 * later (the release does it), deed (no state, but something that is run); of a release change, try (it may fail),
 * already, unknown, left, done, unchanged, stuck, deed. now, why: NULL where there is none. */
void plan_record_action(RecordLine *r, const Action *a, const char *state, const char *now, const char *after,
                        const char *why);

void plan_record_warning(RecordLine *r, const char *text);
