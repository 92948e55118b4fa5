/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/audit.h"

#include "util/log-names.h"
#include "util/parse.h"

static void put(RecordLine *r, const char *field, const char *value)
{
        if (value)
                record_text(r, field, value);
}

void audit_entry_record(const AuditEntry *e, RecordLine *r)
{
        record_begin(r, "entry");
        record_number(r, "__REALTIME_TIMESTAMP", e->usec);
        put(r, "MESSAGE_ID", audit_kind_id(e->kind));
        record_number(r, "PRIORITY", e->priority);
        if (e->duration != UINT64_MAX)
                record_number(r, FIELD_DURATION_USEC, e->duration);
        put(r, FIELD_DOMAIN, e->domain);
        put(r, FIELD_UUID, e->uuid);
        put(r, FIELD_EVENT, e->event);
        put(r, FIELD_STEP, e->step);
        put(r, FIELD_TARGET, e->target);
        put(r, FIELD_FROM, e->from);
        put(r, FIELD_TO, e->to);
        put(r, FIELD_RESULT, e->result);
        put(r, "MESSAGE", e->message); /* the longest: what is cut is its end */
}

static int set_field(AuditEntry *e, char *field)
{
        _cleanup_free_ char *value = NULL;
        char *equals = strchr(field, '=');
        int r;

        if (!equals)
                return -EBADMSG;
        *equals++ = '\0';
        r = text_unescape(equals, &value);
        if (r == -ENOMEM)
                return r;
        return audit_entry_set(e, field, value ? value : equals, strlen(value ? value : equals));
}

int audit_entry_read(const char *line, AuditEntry *ret)
{
        _cleanup_free_ char *copy = strdup(line);
        char *rest = copy, *field;
        int r = 0;

        *ret = AUDIT_ENTRY_NONE;
        if (!copy)
                return -ENOMEM;
        if (!streq(strsep(&rest, "\t"), "entry"))
                return -EBADMSG;
        while (r >= 0 && (field = strsep(&rest, "\t")))
                r = set_field(ret, field);
        ret->root = ret->hookd = true; /* the daemon has read nobody else's */
        if (r < 0)
                audit_entry_clear(ret);
        return r;
}
