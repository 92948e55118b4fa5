/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/timeline.h"

#include "ctl/term.h"

#define LABEL_COLUMNS 38
#define SPAN_COLUMNS  10
#define BAR_COLUMNS   (TERM_WIDTH - 2 - LABEL_COLUMNS - SPAN_COLUMNS - 2)

/* A part of a transaction with a scale of its own: the start, until QEMU runs, or one attempt of the way back, from
 * QEMU's end on. */
typedef struct Part {
        const AuditEntry *list;
        size_t n;
        uint64_t begin, end;
        uint64_t asked, answered; /* hookd's own share; 0: none */
} Part;

typedef enum Stage { STAGE_NONE, STAGE_START, STAGE_RELEASE, STAGE_OTHER } Stage;

static Stage stage_of(const AuditEntry *e)
{
        const char *event = e->event ? e->event : "";

        if (startswith(event, "prepare/") || startswith(event, "start/") || startswith(event, "started/"))
                return STAGE_START;
        if (startswith(event, "stopped/") || startswith(event, "release/"))
                return STAGE_RELEASE;
        return e->kind == AUDIT_EVENT || !*event ? STAGE_NONE : STAGE_OTHER;
}

static bool same_part(const AuditEntry *a, const AuditEntry *b)
{
        Stage stage = stage_of(b);

        return stage == STAGE_NONE || (stage == stage_of(a) && (stage != STAGE_OTHER || streq(a->event, b->event)));
}

static bool is_outcome(const AuditEntry *e)
{
        switch (e->kind) {
        case AUDIT_READY:
        case AUDIT_REFUSED:
        case AUDIT_RELEASED:
        case AUDIT_RELEASE_FAILED:
        case AUDIT_RECOVERED:
                return true;
        default:
                return false;
        }
}

static bool has_duration(const AuditEntry *e)
{
        return e->step && e->duration != UINT64_MAX;
}

static uint64_t begin_of(const AuditEntry *e)
{
        return e->duration != UINT64_MAX ? e->usec - MIN(e->duration, e->usec) : e->usec;
}

static Part measure(const AuditEntry *list, size_t n)
{
        Part p = { .list = list, .n = n, .begin = begin_of(&list[0]), .end = list[0].usec };

        for (size_t i = 0; i < n; i++) {
                const AuditEntry *e = &list[i];

                if (stage_of(e) == STAGE_NONE)
                        continue;
                p.begin = MIN(p.begin, begin_of(e));
                p.end = MAX(p.end, e->usec);
                if (e->event && (startswith(e->event, "prepare/") || startswith(e->event, "release/") ||
                                 stage_of(e) == STAGE_OTHER)) {
                        p.asked = p.asked > 0 ? MIN(p.asked, begin_of(e)) : begin_of(e);
                        p.answered = MAX(p.answered, e->usec);
                }
        }
        return p;
}

static void print_bar(const Part *p, uint64_t begin, uint64_t end, const char *code, bool colour, FILE *out)
{
        uint64_t whole = MAX(p->end - p->begin, UINT64_C(1));
        size_t from = (size_t) ((begin - p->begin) * BAR_COLUMNS / whole),
               to = (size_t) ((end - p->begin) * BAR_COLUMNS / whole);
        char bar[BAR_COLUMNS + 1];

        from = MIN(from, (size_t) BAR_COLUMNS - 1);
        to = MIN(MAX(to, from + 1), (size_t) BAR_COLUMNS);
        memset(bar, '#', sizeof(bar));
        bar[to - from] = '\0';
        (void) fprintf(out, "  %*s", (int) from, "");
        term_cell(out, colour, code, bar, 0);
        (void) fputc('\n', out);
}

static void print_row(const Part *p, const char *label, uint64_t begin, uint64_t end, const char *code, bool colour,
                      FILE *out)
{
        char clip[TERM_CLIP_MAX], span[TERM_SPAN_MAX];

        (void) fputs("  ", out);
        term_cell(out, colour, code, term_clip(label, LABEL_COLUMNS, clip), LABEL_COLUMNS);
        (void) fprintf(out, "%*s", SPAN_COLUMNS, term_span(end - begin, span));
        print_bar(p, begin, end, code, colour, out);
}

static void print_steps(const Part *p, bool colour, FILE *out)
{
        size_t quick = 0;

        for (size_t i = 0; i < p->n; i++) {
                const AuditEntry *e = &p->list[i];
                char label[512];

                if (e->kind == AUDIT_PLAN && e->usec >= p->asked + USEC_PER_MSEC)
                        print_row(p, "look at the host, and plan", p->asked, e->usec, NULL, colour, out);
                if (!has_duration(e))
                        continue;
                if (e->duration < USEC_PER_MSEC && e->priority > 4) {
                        quick++;
                        continue;
                }
                (void) snprintf(label, sizeof(label), "%s %s", e->step, e->target ? e->target : "");
                print_row(p, label, begin_of(e), e->usec,
                          e->priority <= 3   ? COLOUR_RED
                          : e->priority == 4 ? COLOUR_YELLOW
                                             : NULL,
                          colour, out);
        }
        if (quick > 0)
                (void) fprintf(out, "  and %zu step%s of less than 1 ms\n", quick, quick > 1 ? "s" : "");
}

static void print_part(const AuditEntry *list, size_t n, bool colour, FILE *out)
{
        char time[TERM_TIME_MAX], span[TERM_SPAN_MAX];
        Part p = measure(list, n);
        const AuditEntry *outcome = NULL;
        Stage stage = stage_of(&list[0]);
        uint64_t others;

        for (size_t i = 0; i < n; i++)
                if (is_outcome(&list[i]))
                        outcome = &list[i];
        if (p.asked == 0 || stage == STAGE_NONE) /* only libvirt's word that it goes on */
                return;
        others = p.asked - p.begin + (p.end - p.answered);
        term_cell(out, false, NULL, term_time(p.begin, time), 21);
        term_cell(out, colour, COLOUR_BOLD,
                  stage == STAGE_START     ? "start"
                  : stage == STAGE_RELEASE ? "stop"
                                           : list[0].event,
                  0);
        (void) fprintf(out, ", %s%s", term_span(p.end - p.begin, span), outcome ? ": " : "\n");
        if (outcome)
                term_cell(out, colour, outcome->priority <= 3 ? COLOUR_RED : NULL,
                          outcome->result ? outcome->result : audit_kind_name(outcome->kind), 0);
        (void) fputs(outcome ? "\n" : "", out);
        if (stage == STAGE_RELEASE && p.asked > p.begin)
                print_row(&p, "libvirt, after the end of QEMU", p.begin, p.asked, COLOUR_YELLOW, colour, out);
        print_steps(&p, colour, out);
        if (stage == STAGE_START && p.end > p.answered)
                print_row(&p, "libvirt and QEMU, until the guest ran", p.answered, p.end, COLOUR_YELLOW, colour, out);
        (void) fprintf(out, "  hookd %s", term_span(p.answered - p.asked, span));
        if (others > 0)
                (void) fprintf(out, ", libvirt and QEMU %s", term_span(others, span));
        (void) fputc('\n', out);
}

void timeline_print(const AuditEntry *list, size_t n, bool colour, FILE *out)
{
        size_t first = 0;

        if (n == 0 || !list[0].domain)
                return;
        term_cell(out, colour, COLOUR_BOLD, list[0].domain, 0);
        (void) fputc('\n', out);
        for (size_t i = 1; i <= n; i++)
                if (i == n || !same_part(&list[first], &list[i])) {
                        print_part(list + first, i - first, colour, out);
                        first = i;
                }
}
