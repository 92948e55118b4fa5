/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/record.h"

#include "ctl/term.h"

#define STATE_COLUMN 21 /* behind a guest's name */

int records_add(Records *r, const char *line)
{
        _cleanup_strv_ char **fields = NULL;
        _cleanup_free_ char *copy = strdup(line);
        char *rest = copy, *field;
        Record *list;

        if (!copy)
                return -ENOMEM;
        while ((field = strsep(&rest, "\t")))
                if (strv_append(&fields, field) < 0)
                        return -ENOMEM;
        list = reallocarray(r->list, r->n + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        r->list = list;
        list[r->n++] = (Record){ TAKE_PTR(fields) };
        return 0;
}

void records_clear(Records *r)
{
        for (size_t i = 0; i < r->n; i++)
                strv_free(r->list[i].fields);
        free(r->list);
        *r = (Records){ 0 };
}

void records_print_raw(const Records *r, FILE *f)
{
        for (size_t i = 0; i < r->n; i++)
                STRV_FOREACH (field, r->list[i].fields)
                        (void) fprintf(f, "%s%c", *field, field[1] ? '\t' : '\n');
}

const char *record_value(const Record *r, const char *key)
{
        size_t n = strlen(key);

        STRV_FOREACH (field, r->fields + 1)
                if (strncmp(*field, key, n) == 0 && (*field)[n] == '=')
                        return *field + n + 1;
        return "";
}

char *record_unescaped(const Record *r, const char *key)
{
        const char *value = record_value(r, key);
        char *text;

        return text_unescape(value, &text) >= 0 ? text : strdup(value);
}

static uint64_t record_usec(const Record *r, const char *key)
{
        uint64_t usec;

        return parse_uint(record_value(r, key), UINT64_MAX, &usec) < 0 ? 0 : usec;
}

static void print_daemon(const Record *r, bool colour, FILE *f)
{
        const char *problem = record_value(r, "problem"), *profiles = record_value(r, "profiles");
        char since[TERM_TIME_MAX];

        (void) fprintf(f, "hookd %s runs since %s (pid %s), %s profile%s\n", record_value(r, "version"),
                       term_time(record_usec(r, "since"), since), record_value(r, "pid"), profiles,
                       streq(profiles, "1") ? "" : "s");
        if (*problem) {
                term_cell(f, colour, COLOUR_RED, "problem:", 9);
                term_wrap(f, problem, 9, 9);
        }
}

static const char *state_colour(const char *state)
{
        if (streq(state, "held"))
                return COLOUR_GREEN;
        return streq(state, "stuck") ? COLOUR_RED : COLOUR_YELLOW;
}

/* What will happen with it by itself. */
static void print_next(const Record *r, uint64_t now, FILE *f)
{
        const char *qemu = record_value(r, "guest");
        uint64_t due = record_usec(r, "due");
        char span[TERM_SPAN_MAX];

        if (*qemu && !streq(qemu, "0") && due == 0)
                (void) fprintf(f, "    until its QEMU ends (process %s)\n", qemu);
        else if (due > now)
                (void) fprintf(f, "    put back by itself in %s, or now by `hookctl reconcile`\n",
                               term_span(due - now, span));
}

static void print_guest(const Record *r, bool colour, uint64_t now, FILE *f)
{
        const char *state = record_value(r, "state"), *text = record_value(r, "text"),
                   *domain = record_value(r, "domain");
        char since[TERM_TIME_MAX];

        term_column(f, colour, COLOUR_BOLD, *domain ? domain : record_value(r, "uuid"), 0, STATE_COLUMN);
        term_cell(f, colour, state_colour(state), state, record_usec(r, "since") > 0 ? 10 : 0);
        if (record_usec(r, "since") > 0)
                (void) fprintf(f, "since %s", term_time(record_usec(r, "since"), since));
        (void) fputc('\n', f);
        if (*record_value(r, "card")) {
                char line[1024];

                (void) snprintf(line, sizeof(line), "%s, by %s", record_value(r, "card"), record_value(r, "profile"));
                (void) fputs("    ", f);
                term_wrap(f, line, 4, 4);
        }
        if (*text) {
                (void) fputs("    ", f);
                term_wrap(f, text, 4, 4);
        }
        print_next(r, now, f);
}

/* The job it waits for: the first of the same guest. NULL: for one of the 16 workers. */
static const Record *job_before(const Records *all, const Record *r)
{
        const char *domain = record_value(r, "domain");

        for (const Record *other = all->list; other < r; other++)
                if (*domain && streq(other->fields[0], "job") && !streq(record_value(other, "verb"), "plan") &&
                    streq(record_value(other, "domain"), domain))
                        return other;
        return NULL;
}

static void print_job(const Records *all, const Record *r, bool colour, uint64_t now, FILE *f)
{
        const char *domain = record_value(r, "domain"), *state = record_value(r, "state");
        uint64_t since = record_usec(r, "since");

        term_column(f, colour, COLOUR_BOLD, *domain ? domain : "?", 0, STATE_COLUMN);
        term_cell(f, false, NULL, record_value(r, "verb"), 10);
        term_cell(f, colour, streq(state, "late") ? COLOUR_RED : NULL, state, 8);
        (void) fprintf(f, "for %llu s", (unsigned long long) ((now > since ? now - since : 0) / USEC_PER_SEC));
        if (!streq(record_value(r, "pid"), "0"))
                (void) fprintf(f, ", worker %s", record_value(r, "pid"));
        else if (streq(state, "waiting")) {
                const Record *before = job_before(all, r);

                (void) fprintf(f, "%s%s%s", before ? ", until its " : ", until a worker is free",
                               before ? record_value(before, "verb") : "", before ? " has ended" : "");
        }
        (void) fputc('\n', f);
}

static void print_failure(const Record *r, bool colour, FILE *f)
{
        char since[TERM_TIME_MAX];

        (void) fprintf(f, "%s  ", term_time(record_usec(r, "since"), since));
        term_cell(f, colour, COLOUR_BOLD, record_value(r, "domain"), 0);
        (void) fprintf(f, ", %s\n    ", record_value(r, "event"));
        term_wrap(f, record_value(r, "text"), 4, 4);
}

/* A heading before the first record of its kind. */
static void head(FILE *f, bool colour, const char *text, bool *shown)
{
        if (*shown)
                return;
        (void) fputc('\n', f);
        term_cell(f, colour, COLOUR_BOLD, text, 0);
        (void) fputc('\n', f);
        *shown = true;
}

void records_print(const Records *r, bool colour, uint64_t now, FILE *f)
{
        bool guests = false, jobs = false, bad = false, failures = false;

        for (size_t i = 0; i < r->n; i++) {
                const Record *record = &r->list[i];
                const char *word = record->fields[0];

                if (streq(word, "daemon"))
                        print_daemon(record, colour, f);
                else if (streq(word, "guest")) {
                        head(f, colour, "Guests that hold devices", &guests);
                        print_guest(record, colour, now, f);
                } else if (streq(word, "job")) {
                        head(f, colour, "Under way", &jobs);
                        print_job(r, record, colour, now, f);
                } else if (streq(word, "jobs"))
                        (void) fprintf(f, "and %s more\n", record_value(record, "more"));
                else if (streq(word, "bad")) {
                        head(f, colour, "Unreadable journals", &bad);
                        term_wrap(f, record_value(record, "text"), 0, 4);
                } else if (streq(word, "failure")) {
                        head(f, colour, "Last failures", &failures);
                        print_failure(record, colour, f);
                }
        }
        if (!guests)
                (void) fputs("\nNo guest holds a device of this host.\n", f);
}
