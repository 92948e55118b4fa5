/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/txn.h"

#include "util/log.h"

#include <stdio.h>

static const char *uuid_of(const Txn *t)
{
        return t->journal && t->journal->plan ? t->journal->plan->uuid : NULL;
}

void audit_plan(const Txn *t, const Plan *plan)
{
        _cleanup_free_ char *devices = plan_devices(plan);
        const LogField fields[] = {
                { FIELD_DOMAIN, t->domain },
                { FIELD_UUID, plan->uuid },
                { FIELD_EVENT, t->event },
                { FIELD_TARGET, devices },
                { NULL, NULL },
        };

        log_entry(LOG_INFO, MESSAGE_PLAN, fields, "%s: %zu actions for %s, by %s", t->domain, plan->n_actions,
                  devices && *devices ? devices : "no device", *plan->profile ? plan->profile : "the defaults");
        STRV_FOREACH (w, plan->warnings) {
                log_entry(LOG_WARNING, MESSAGE_WARNING, fields, "%s: %s", t->domain, *w);
        }
}

void audit_step(const Txn *t, const Action *a, const char *from, const char *to, const char *result, uint64_t usec,
                int priority, const char *message_id, const char *text)
{
        char duration[24];
        const LogField fields[] = {
                { FIELD_DOMAIN, t->domain },
                { FIELD_UUID, uuid_of(t) },
                { FIELD_EVENT, t->event },
                { FIELD_STEP, a->step },
                { FIELD_TARGET, a->target },
                { FIELD_FROM, from },
                { FIELD_TO, to },
                { FIELD_RESULT, result },
                { FIELD_DURATION_USEC, duration },
                { NULL, NULL },
        };
        unsigned long long msec = (usec + 500) / 1000;
        char line[2048];

        if (t->again && streq(result, "failed"))
                return;
        (void) snprintf(duration, sizeof(duration), "%llu", (unsigned long long) usec);
        if (text && *text)
                (void) snprintf(line, sizeof(line), "%s %s: %s", a->step, a->target, text);
        else if (from && to && streq(result, "already"))
                (void) snprintf(line, sizeof(line), "%s %s: %s %s", a->step, a->target,
                                streq(from, to) ? "already" : "stays", from);
        else if (from && to)
                (void) snprintf(line, sizeof(line), "%s %s: %s -> %s (%llu ms)", a->step, a->target, from, to, msec);
        else
                (void) snprintf(line, sizeof(line), "%s %s: %s (%llu ms)", a->step, a->target, result, msec);
        log_entry(priority, message_id, fields, "%s: %s", t->domain, line);
        if (t->say)
                t->say(t->say_to, line);
}

void audit_outcome(const Txn *t, int priority, const char *message_id, const char *result, uint64_t usec,
                   const char *text)
{
        char duration[24];
        const LogField fields[] = {
                { FIELD_DOMAIN, t->domain }, { FIELD_UUID, uuid_of(t) },        { FIELD_EVENT, t->event },
                { FIELD_RESULT, result },    { FIELD_DURATION_USEC, duration }, { NULL, NULL },
        };

        if (t->again && streq(result, "failed"))
                return;
        (void) snprintf(duration, sizeof(duration), "%llu", (unsigned long long) usec);
        log_entry(priority, message_id, fields, "%s: %s", t->domain, text);
}
