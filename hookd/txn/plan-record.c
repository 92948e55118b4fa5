/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/plan-record.h"

#include <stdarg.h>
#include <stdio.h>

void plan_record(RecordLine *r, const char *domain, const char *event, const char *profile, const char *fmt, ...)
{
        char text[2048];
        va_list ap;

        va_start(ap, fmt);
        (void) vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        record_begin(r, "plan");
        record_text(r, "domain", domain);
        record_text(r, "event", event);
        record_text(r, "profile", profile);
        record_text(r, "text", text);
}

void plan_record_action(RecordLine *r, const Action *a, const char *state, const char *now, const char *after,
                        const char *why)
{
        record_begin(r, "action");
        record_text(r, "step", a->step);
        record_text(r, "target", a->target);
        record_text(r, "state", state);
        record_text(r, "now", now);
        record_text(r, "after", after);
        record_text(r, "why", why);
        record_text(r, "one_way", a->flags & ACTION_ONE_WAY ? "yes" : "no");
}

void plan_record_warning(RecordLine *r, const char *text)
{
        record_begin(r, "warning");
        record_text(r, "text", text);
}
