/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/audit.h"

#include "util/log-names.h"
#include "util/parse.h"

#include <endian.h>

#define VALUE_MAX ((size_t) 64 << 10)

static const struct {
        AuditKind kind;
        const char *id, *name;
} kinds[] = {
        { AUDIT_EVENT, MESSAGE_EVENT, "event" },
        { AUDIT_PLAN, MESSAGE_PLAN, "plan" },
        { AUDIT_STEP, MESSAGE_STEP, "step" },
        { AUDIT_STEP_FAILED, MESSAGE_STEP_FAILED, "step-failed" },
        { AUDIT_STEP_STUCK, MESSAGE_STEP_STUCK, "step-stuck" },
        { AUDIT_READY, MESSAGE_READY, "ready" },
        { AUDIT_REFUSED, MESSAGE_REFUSED, "refused" },
        { AUDIT_RELEASED, MESSAGE_RELEASED, "released" },
        { AUDIT_RELEASE_FAILED, MESSAGE_RELEASE_FAILED, "release-failed" },
        { AUDIT_RECOVERED, MESSAGE_RECOVERED, "recovered" },
        { AUDIT_JOURNAL_BAD, MESSAGE_JOURNAL_BAD, "journal-bad" },
        { AUDIT_PEER_REFUSED, MESSAGE_PEER_REFUSED, "peer-refused" },
        { AUDIT_PROFILE_BAD, MESSAGE_PROFILE_BAD, "profile-bad" },
        { AUDIT_DAEMON, MESSAGE_DAEMON, "daemon" },
        { AUDIT_WARNING, MESSAGE_WARNING, "warning" },
};

const char *audit_kind_name(AuditKind k)
{
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (kinds[i].kind == k)
                        return kinds[i].name;
        return "other";
}

const char *audit_kind_id(AuditKind k)
{
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (kinds[i].kind == k)
                        return kinds[i].id;
        return NULL;
}

static char **string_of(AuditEntry *e, const char *field)
{
        const struct {
                const char *field;
                char **value;
        } strings[] = {
                { "MESSAGE", &e->message }, { FIELD_DOMAIN, &e->domain }, { FIELD_UUID, &e->uuid },
                { FIELD_EVENT, &e->event }, { FIELD_STEP, &e->step },     { FIELD_TARGET, &e->target },
                { FIELD_FROM, &e->from },   { FIELD_TO, &e->to },         { FIELD_RESULT, &e->result },
        };

        for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
                if (streq(field, strings[i].field))
                        return strings[i].value;
        return NULL;
}

static void set_other(AuditEntry *e, const char *field, const char *value)
{
        uint64_t number;

        if (streq(field, "MESSAGE_ID")) {
                e->kind = AUDIT_OTHER;
                for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                        if (streq(value, kinds[i].id))
                                e->kind = kinds[i].kind;
        } else if (streq(field, "SYSLOG_IDENTIFIER"))
                e->hookd = streq(value, "hookd");
        else if (streq(field, "_UID"))
                e->root = streq(value, "0");
        else if (parse_uint(value, UINT64_MAX, &number) < 0)
                return;
        else if (streq(field, FIELD_DURATION_USEC))
                e->duration = number;
        else if (streq(field, "PRIORITY"))
                e->priority = (unsigned) MIN(number, UINT64_C(7));
        else if (streq(field, "__REALTIME_TIMESTAMP"))
                e->usec = number;
}

int audit_entry_set(AuditEntry *e, const char *field, const void *value, size_t size)
{
        _cleanup_free_ char *text = strndup(value, MIN(size, VALUE_MAX));
        char **to = string_of(e, field);

        if (!text)
                return -ENOMEM;
        text_clean(text);
        if (!to) {
                set_other(e, field, text);
                return 0;
        }
        free(*to);
        *to = TAKE_PTR(text);
        return 0;
}

void audit_entry_clear(AuditEntry *e)
{
        free(e->message);
        free(e->domain);
        free(e->uuid);
        free(e->event);
        free(e->step);
        free(e->target);
        free(e->from);
        free(e->to);
        free(e->result);
        *e = AUDIT_ENTRY_NONE;
}

bool audit_entry_wanted(const AuditEntry *e, const char *domain, uint64_t since)
{
        return e->kind != AUDIT_OTHER && e->root && e->hookd && e->message && e->usec >= since &&
               (!domain || streq0(domain, e->domain));
}

bool audit_entry_begins(const AuditEntry *e)
{
        return e->kind == AUDIT_EVENT && e->event && startswith(e->event, "prepare/");
}

int audit_add(Audit *a, AuditEntry *e)
{
        AuditEntry *list = reallocarray(a->list, a->n + 1, sizeof(*list));

        if (!list)
                return -ENOMEM;
        a->list = list;
        list[a->n++] = *e;
        *e = AUDIT_ENTRY_NONE;
        return 0;
}

void audit_clear(Audit *a)
{
        for (size_t i = 0; i < a->n; i++)
                audit_entry_clear(&a->list[i]);
        free(a->list);
        *a = (Audit){ 0 };
}

/* One field, "NAME=value\n", or "NAME\n", 64 bits of length, the value, "\n". Returns the bytes it takes, 0: it is
 * none, or -ENOMEM. */
static ssize_t decode_field(const char *p, size_t size, AuditEntry *e)
{
        const char *end = memchr(p, '\n', size), *equals = end ? memchr(p, '=', (size_t) (end - p)) : NULL, *value;
        char name[65];
        size_t name_size, length;
        uint64_t le;

        if (!end)
                return 0;
        name_size = (size_t) ((equals ? equals : end) - p);
        if (equals) {
                value = equals + 1;
                length = (size_t) (end - value);
        } else {
                if (size - (size_t) (end + 1 - p) < sizeof(le))
                        return 0;
                memcpy(&le, end + 1, sizeof(le));
                value = end + 1 + sizeof(le);
                length = size - (size_t) (value - p);
                if (le64toh(le) >= length || value[le64toh(le)] != '\n')
                        return 0;
                length = le64toh(le);
        }
        if (name_size == 0 || name_size >= sizeof(name))
                return name_size == 0 ? 0 : value + length + 1 - p;
        memcpy(name, p, name_size);
        name[name_size] = '\0';
        if (name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")])
                return 0;
        return audit_entry_set(e, name, value, length) < 0 ? -ENOMEM : value + length + 1 - p;
}

static int finish_entry(AuditEntry *e, const char *domain, uint64_t since, Audit *ret)
{
        if (audit_entry_wanted(e, domain, since))
                return audit_add(ret, e);
        audit_entry_clear(e);
        return 0;
}

int audit_decode(const char *text, size_t size, const char *domain, uint64_t since, Audit *ret, Fault *f)
{
        AuditEntry e = AUDIT_ENTRY_NONE;
        size_t at = 0, entries = 0;
        ssize_t n = 1;
        int r = 0;

        while (at < size && r >= 0 && n > 0) {
                n = text[at] == '\n' ? 1 : decode_field(text + at, size - at, &e);
                if (text[at] == '\n')
                        r = finish_entry(&e, domain, since, ret);
                entries += text[at] == '\n';
                at += n > 0 ? (size_t) n : 0;
        }
        if (r >= 0 && n > 0)
                r = finish_entry(&e, domain, since, ret);
        audit_entry_clear(&e);
        if (r < 0 || n < 0)
                return fault_set(f, -ENOMEM, NULL, "out of memory");
        return n > 0 ? 0
                     : fault_set(f, -EBADMSG, NULL,
                                 "entry %zu, byte %zu: this is neither a journal file nor what `journalctl -o export` "
                                 "writes",
                                 entries + 1, at);
}
