/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/plan.h"

#include <inttypes.h>
#include <stdio.h>

#define HEADING     "hookd-plan 1"
#define ACTIONS_MAX 4096 /* far beyond any machine */

static const struct {
        unsigned flag;
        const char *name;
} flag_names[] = {
        { ACTION_ONE_WAY, "one-way" }, { ACTION_EXCLUSIVE, "exclusive" }, { ACTION_SHARED, "shared" },
        { ACTION_GATE, "gate" },       { ACTION_BACK, "back" },           { ACTION_AFTER_HELD, "after-held" },
        { ACTION_TRANSIT, "transit" }, { ACTION_CARD, "card" },           { ACTION_LENIENT, "lenient" },
};

static int put(FILE *out, const char *before, const char *value, const char *after)
{
        _cleanup_free_ char *escaped = text_escape(value ? value : "");

        if (!escaped)
                return -ENOMEM;
        return fprintf(out, "%s%s%s", before, escaped, after) < 0 ? -ENOMEM : 0;
}

/* A value that is NULL has no field, one that is empty has an empty field. */
static int put_optional(FILE *out, const char *before, const char *value)
{
        return value ? put(out, before, value, "") : 0;
}

static int put_action(FILE *out, const Action *a)
{
        const char *separator = "\tflags=";

        if (put(out, "action\t", a->step, "\t") < 0 || put(out, "", a->target, "") < 0 ||
            put_optional(out, "\tbefore=", a->before) < 0 || put_optional(out, "\tafter=", a->after) < 0 ||
            put_optional(out, "\tparam=", a->param) < 0 || put_optional(out, "\twhy=", a->why) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++)
                if (a->flags & flag_names[i].flag) {
                        (void) fprintf(out, "%s%s", separator, flag_names[i].name);
                        separator = ",";
                }
        return fprintf(out, "\ttimeout=%" PRIu32 "\n", a->timeout_ms) < 0 ? -ENOMEM : 0;
}

static int put_plan(FILE *out, const Plan *p)
{
        int r;

        (void) fprintf(out, HEADING "\n");
        r = put(out, "domain\t", p->domain, "\n");
        r = r < 0 ? r : put(out, "uuid\t", p->uuid, "\n");
        r = r < 0 ? r : put(out, "profile\t", p->profile, "\n");
        r = r < 0 ? r : put(out, "boot\t", p->boot_id, "\n");
        (void) fprintf(out, "created\t%" PRId64 "\n", p->created_usec);
        (void) fprintf(out, "rollback-timeout\t%" PRIu64 "\nstop-timeout\t%" PRIu64 "\n", p->rollback_timeout,
                       p->stop_timeout);
        STRV_FOREACH (s, p->functions)
                r = r < 0 ? r : put(out, "function\t", *s, "\n");
        STRV_FOREACH (s, p->mediated)
                r = r < 0 ? r : put(out, "mediated\t", *s, "\n");
        STRV_FOREACH (s, p->events)
                r = r < 0 ? r : put(out, "event\t", *s, "\n");
        STRV_FOREACH (s, p->warnings)
                r = r < 0 ? r : put(out, "warning\t", *s, "\n");
        for (size_t i = 0; i < p->n_actions && r >= 0; i++)
                r = put_action(out, &p->actions[i]);
        return r;
}

char *plan_encode(const Plan *p)
{
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *out;
        int r;

        out = open_memstream(&text, &size);
        if (!out)
                return NULL;
        r = put_plan(out, p);
        if (fclose(out) != 0 || r < 0)
                return NULL;
        return TAKE_PTR(text);
}

static int take_flags(char *names, unsigned *ret)
{
        char *name;

        while ((name = strsep(&names, ","))) {
                unsigned flag = 0;

                for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++)
                        if (streq(flag_names[i].name, name))
                                flag = flag_names[i].flag;
                if (flag == 0)
                        return -EINVAL;
                *ret |= flag;
        }
        return 0;
}

static int take_text(const char *s, char **field)
{
        return *field ? -EINVAL : text_unescape(s, field);
}

static int take_uuid(const char *s, char field[37])
{
        if (*s != '\0' && !uuid_valid(s))
                return -EINVAL;
        (void) snprintf(field, 37, "%s", s);
        return 0;
}

static int take_list(const char *s, char ***list)
{
        _cleanup_free_ char *text = NULL;
        int r;

        r = text_unescape(s, &text);
        return r < 0 ? r : strv_append(list, text);
}

static int take_action(char *rest, Plan *p)
{
        const char *step = strsep(&rest, "\t"), *target = strsep(&rest, "\t");
        _cleanup_free_ char *step_text = NULL, *target_text = NULL;
        char *field;
        Action *a;
        int r;

        if (!target || !rest || p->n_actions == ACTIONS_MAX)
                return -EINVAL;
        r = text_unescape(step, &step_text);
        r = r < 0 ? r : text_unescape(target, &target_text);
        if (r < 0)
                return r;
        a = plan_append(p, step_text, target_text, NULL, 0, 0);
        if (!a)
                return -ENOMEM;
        while (r >= 0 && (field = strsep(&rest, "\t"))) {
                char *value = strchr(field, '=');
                uint64_t ms;

                if (!value)
                        return -EINVAL;
                *value++ = '\0';
                if (streq(field, "before"))
                        r = take_text(value, &a->before);
                else if (streq(field, "after"))
                        r = take_text(value, &a->after);
                else if (streq(field, "param"))
                        r = take_text(value, &a->param);
                else if (streq(field, "why"))
                        r = take_text(value, &a->why);
                else if (streq(field, "flags"))
                        r = take_flags(value, &a->flags);
                else if (streq(field, "timeout") && (r = parse_uint(value, UINT32_MAX, &ms)) >= 0)
                        a->timeout_ms = (uint32_t) ms;
                else if (!streq(field, "timeout"))
                        r = -EINVAL;
        }
        return r;
}

static int take_line(char *line, Plan *p)
{
        char *rest = line;
        const char *word = strsep(&rest, "\t");
        uint64_t usec;
        int r;

        if (!rest)
                return -EINVAL;
        if (streq(word, "action"))
                return take_action(rest, p);
        if (strchr(rest, '\t'))
                return -EINVAL;
        if (streq(word, "domain"))
                return take_text(rest, &p->domain);
        if (streq(word, "uuid"))
                return take_uuid(rest, p->uuid);
        if (streq(word, "profile"))
                return take_text(rest, &p->profile);
        if (streq(word, "boot"))
                return take_uuid(rest, p->boot_id);
        if (streq(word, "function"))
                return take_list(rest, &p->functions);
        if (streq(word, "mediated"))
                return take_list(rest, &p->mediated);
        if (streq(word, "event"))
                return take_list(rest, &p->events);
        if (streq(word, "warning"))
                return take_list(rest, &p->warnings);
        if (streq(word, "rollback-timeout"))
                return parse_uint(rest, UINT64_MAX, &p->rollback_timeout);
        if (streq(word, "stop-timeout"))
                return parse_uint(rest, UINT64_MAX, &p->stop_timeout);
        if (!streq(word, "created"))
                return -EINVAL;
        r = parse_uint(rest, INT64_MAX, &usec);
        p->created_usec = r < 0 ? 0 : (int64_t) usec;
        return r;
}

/* Number of the line in which text departs from what it should be, which it does. */
static unsigned first_difference(const char *text, size_t size, const char *wanted)
{
        unsigned line = 1;

        for (; size > 0 && *text == *wanted; text++, wanted++, size--)
                line += *text == '\n';
        return line;
}

/* Decoding is generous about order and repetition; strictness comes from encoding again: only what this file writes
 * is read. */
int plan_decode(const char *text, size_t size, Plan **ret, Fault *f)
{
        _cleanup_(plan_freep) Plan *p = calloc(1, sizeof(Plan));
        _cleanup_free_ char *copy = NULL, *again = NULL;
        unsigned number = 1;
        char *rest, *line;
        int r;

        if (size == 0 || memchr(text, '\0', size) || text[size - 1] != '\n')
                return fault_set(f, -EINVAL, NULL, "this is not a plan: it has a NUL byte or its last line is cut off");
        copy = strndup(text, size);
        if (!p || !copy)
                return fault_set(f, -ENOMEM, NULL, "out of memory reading a plan");
        copy[size - 1] = '\0';
        rest = copy;
        line = strsep(&rest, "\n");
        if (!streq(line, HEADING))
                return fault_set(f, -EINVAL, NULL, "line 1 of the plan is not \"%s\"", HEADING);
        while ((line = strsep(&rest, "\n"))) {
                number++;
                r = take_line(line, p);
                if (r < 0)
                        return fault_set(f, r == -ENOMEM ? r : -EINVAL, NULL,
                                         "line %u of the plan cannot be understood", number);
        }
        if (!p->domain || !p->profile || p->uuid[0] == '\0')
                return fault_set(f, -EINVAL, NULL, "the plan names no domain, no UUID or no profile");
        again = plan_encode(p);
        if (!again)
                return fault_set(f, -ENOMEM, NULL, "out of memory reading a plan");
        if (strlen(again) != size || memcmp(again, text, size) != 0)
                return fault_set(f, -EINVAL, NULL, "line %u of the plan is not as hookd writes it",
                                 first_difference(text, size, again));
        *ret = TAKE_PTR(p);
        return 0;
}
