/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/story.h"

#include "ctl/term.h"

#define TIME_COLUMNS  21
#define SPAN_COLUMNS  11
#define LABEL_COLUMNS 17

/* The transaction of each entry, numbered in the order of their beginnings. */
static size_t number(const Audit *a, size_t *of, size_t *first)
{
        size_t n = 0;

        for (size_t i = 0; i < a->n; i++) {
                const AuditEntry *e = &a->list[i];
                size_t k = n;

                while (e->domain && !audit_entry_begins(e) && k > 0 && !streq0(a->list[first[k - 1]].domain, e->domain))
                        k--;
                if (!e->domain || audit_entry_begins(e) || k == 0) {
                        first[n++] = i;
                        k = n;
                }
                of[i] = k - 1;
        }
        return n;
}

/* The first transaction that is kept. */
static size_t cut(const Audit *a, const size_t *first, size_t n, size_t last)
{
        size_t guests = 0, k = n;

        while (last > 0 && k > 0 && guests < last)
                guests += a->list[first[--k]].domain != NULL;
        return last > 0 && guests == last ? k : 0;
}

int story_group(Audit *a, size_t last, Transaction **ret, size_t *ret_n)
{
        _cleanup_free_ size_t *of = calloc(a->n + 1, sizeof(*of)), *first = calloc(a->n + 1, sizeof(*first));
        _cleanup_free_ AuditEntry *sorted = calloc(a->n + 1, sizeof(*sorted));
        Transaction *t = calloc(a->n + 1, sizeof(*t));
        size_t n, from, at = 0;

        if (!of || !first || !sorted || !t) {
                free(t);
                return -ENOMEM;
        }
        n = number(a, of, first);
        from = cut(a, first, n, last);
        for (size_t i = 0; i < a->n; i++)
                if (of[i] >= from)
                        t[of[i] - from].n++;
                else
                        audit_entry_clear(&a->list[i]);
        for (size_t k = 0; k < n - from; k++) {
                t[k].first = at;
                at += t[k].n;
                t[k].n = 0;
        }
        for (size_t i = 0; i < a->n; i++)
                if (of[i] >= from) {
                        Transaction *mine = &t[of[i] - from];

                        sorted[mine->first + mine->n++] = a->list[i];
                }
        free(a->list);
        a->list = TAKE_PTR(sorted);
        a->n = at;
        *ret = t;
        *ret_n = n - from;
        return 0;
}

static const char *after(const char *text, const char *prefix, const char *between)
{
        size_t n = prefix ? strlen(prefix) : 0;

        return n > 0 && strncmp(text, prefix, n) == 0 && startswith(text + n, between) ? text + n + strlen(between)
                                                                                       : text;
}

const char *story_text(const AuditEntry *e)
{
        const char *text = after(e->message, e->event, " of guest ");

        text = after(text, e->domain, ": ");
        return after(text, e->step, " ");
}

static const char *label(const AuditEntry *e)
{
        if (e->step)
                return e->step;
        switch (e->kind) {
        case AUDIT_RELEASE_FAILED:
                return "not put back";
        case AUDIT_RELEASED:
                return "put back";
        default:
                return audit_kind_name(e->kind);
        }
}

static const char *colour_of(const AuditEntry *e)
{
        if (e->priority <= 4)
                return e->priority <= 3 ? COLOUR_RED : COLOUR_YELLOW;
        return e->kind == AUDIT_READY || e->kind == AUDIT_RELEASED || e->kind == AUDIT_RECOVERED ? COLOUR_GREEN : NULL;
}

static void remember(char **field, const char *value)
{
        free(*field);
        *field = value ? strdup(value) : NULL;
}

static void tell_time(Story *s, const AuditEntry *e)
{
        char buf[TERM_TIME_MAX];

        term_cell(s->out, false, NULL, term_time(e->usec, buf), TIME_COLUMNS);
}

/* What concerns no guest, or begins something: with its time of day. */
static void tell_event(Story *s, const AuditEntry *e)
{
        const char *event = e->event ? e->event : "";

        tell_time(s, e);
        if (*event && e->domain) {
                term_cell(s->out, s->colour, COLOUR_BOLD, event, 0);
                (void) fputs(e->kind == AUDIT_EVENT ? ": " : "\n", s->out);
        }
        if (e->kind == AUDIT_EVENT || !e->domain)
                term_wrap_cell(s->out, s->colour, colour_of(e), story_text(e),
                               TIME_COLUMNS + (*event && e->domain ? strlen(event) + 2 : 0), TIME_COLUMNS);
        else if (!*event)
                (void) fputc('\n', s->out);
}

static void tell_entry(Story *s, const AuditEntry *e)
{
        char span[TERM_SPAN_MAX], text[TERM_SPAN_MAX + 1];
        const char *code = colour_of(e);

        (void) snprintf(text, sizeof(text), "+%s", term_span(e->usec > s->begun ? e->usec - s->begun : 0, span));
        (void) fprintf(s->out, "%*s  ", SPAN_COLUMNS, text);
        term_cell(s->out, s->colour, code, label(e), LABEL_COLUMNS);
        (void) fputc(' ', s->out);
        term_wrap_cell(s->out, s->colour, e->priority <= 4 ? code : NULL, story_text(e),
                       SPAN_COLUMNS + LABEL_COLUMNS + 3, SPAN_COLUMNS + LABEL_COLUMNS + 3);
}

void story_tell(Story *s, const AuditEntry *e)
{
        bool other = !streq0(s->domain, e->domain) || audit_entry_begins(e);

        if (other && e->domain) {
                if (s->begun > 0)
                        (void) fputc('\n', s->out);
                term_cell(s->out, s->colour, COLOUR_BOLD, e->domain, 0);
                (void) fputc('\n', s->out);
        } else if (!e->domain && s->domain)
                (void) fputc('\n', s->out);
        if (other || !e->domain || e->kind == AUDIT_EVENT || !streq0(s->event, e->event)) {
                s->begun = e->usec - (e->duration != UINT64_MAX ? MIN(e->duration, e->usec) : 0);
                tell_event(s, e);
        }
        if (e->kind != AUDIT_EVENT && e->domain)
                tell_entry(s, e);
        remember(&s->domain, e->domain);
        remember(&s->event, e->event);
}

void story_clear(Story *s)
{
        remember(&s->domain, NULL);
        remember(&s->event, NULL);
}
