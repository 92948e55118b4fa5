/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/record-plan.h"

#include "ctl/term.h"

/* Where the columns begin. The third is moved for a longer target, up to a width. */
#define TARGET_COLUMN 19
#define TARGET_LEAST  26
#define TARGET_MOST   30

static const char *const keys[] = { "step", "target", "state", "now", "after", "why" };
enum { STEP, TARGET, STATE, NOW, AFTER, WHY };

static bool is_word(const Record *r, const char *word)
{
        return streq(r->fields[0], word);
}

/* What is said of the target. */
static char *describe(char *const *v, bool release, bool one_way)
{
        const char *state = v[STATE], *now = v[NOW], *after = v[AFTER], *why = v[WHY], *colon = *why ? ": " : "";
        char *text = NULL;
        int n;

        if (streq(state, "gate"))
                n = asprintf(&text, "must be clear%s%s", colon, why);
        else if (streq(state, "later"))
                n = asprintf(&text, "%s, on the way back%s%s", after, colon, why);
        else if (streq(state, "deed"))
                n = asprintf(&text, "%s%s%s", after, colon, why);
        else if (streq(state, "unknown"))
                n = asprintf(&text, release ? "? -> %s: cannot be seen: %s" : "? -> %s (%s)", after, why);
        else if (streq(state, "already"))
                n = streq(now, after) ? asprintf(&text, "is %s already", now)
                                      : asprintf(&text, "is %s: nothing to do", now);
        else if (streq(state, "unseen") || (streq(state, "change") && !release))
                n = asprintf(&text, "%s%s-> %s%s%s%s", now, *now ? " " : "", after, colon, why,
                             one_way ? " (one way)" : "");
        else if (streq(state, "change") || streq(state, "try"))
                n = asprintf(&text, "%s -> %s%s%s%s", now, after,
                             streq(state, "try") ? " (where that is possible)" : "", *why ? ", but " : "", why);
        else if (streq(state, "left"))
                n = asprintf(&text, "left as it is: %s", why);
        else
                n = asprintf(&text, "%s",
                             streq(state, "done")        ? "was put back already"
                             : streq(state, "unchanged") ? "was not changed"
                             : streq(state, "stuck")     ? "waits: the kernel keeps the card"
                                                         : after);
        return n < 0 ? NULL : text;
}

/* In a start: has it the reason of the line above, for the same step? */
static bool is_repeated(const Record *r, const Record *above)
{
        static const char *const same[] = { "step", "state", "why" };

        for (size_t i = 0; i < ARRAY_SIZE(same); i++)
                if (!is_word(above, "action") || !streq(record_value(r, same[i]), record_value(above, same[i])))
                        return false;
        return !streq(record_value(r, "state"), "unknown");
}

static void print_action(const Record *r, bool release, bool repeated, size_t width, FILE *f)
{
        _cleanup_strv_ char **v = calloc(ARRAY_SIZE(keys) + 1, sizeof(*v));
        _cleanup_free_ char *text = NULL, *line = NULL;
        size_t columns, step;

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                if (!v || !(v[i] = record_unescaped(r, keys[i])))
                        return;
        if (repeated)
                *v[WHY] = '\0';
        step = strlen(v[STEP]);
        step -= MIN(step, TARGET_COLUMN - 3); /* a longer name takes from the target's column */
        columns = term_columns(v[TARGET]) + step;
        text = describe(v, release, streq(record_value(r, "one_way"), "yes"));
        if (text && asprintf(&line, "  %-*s %s%*s %s", TARGET_COLUMN - 3, v[STEP], v[TARGET],
                             (int) (width > columns ? width - columns : 0), "", text) >= 0)
                term_wrap(f, line, 0, TARGET_COLUMN);
}

static size_t target_width(const Records *r)
{
        size_t width = TARGET_LEAST;

        for (size_t i = 0; i < r->n; i++) {
                size_t columns = term_columns(record_value(&r->list[i], "target"));

                if (columns <= TARGET_MOST)
                        width = MAX(width, columns);
        }
        return width;
}

/* The end is what a person sees of a plan that is longer than the screen. */
static void print_sum(const Records *r, FILE *f)
{
        char text[64] = "";
        size_t n = 0, already = 0;

        for (size_t i = 0; i < r->n; i++)
                if (is_word(&r->list[i], "action")) {
                        n++;
                        already += streq(record_value(&r->list[i], "state"), "already");
                }
        if (already > 0)
                (void) snprintf(text, sizeof(text), ", %zu of them already so", already);
        (void) fprintf(f, "%zu step%s%s; nothing was changed\n", n, n == 1 ? "" : "s", text);
}

void records_print_plan(const Records *r, bool colour, FILE *f)
{
        size_t width = target_width(r);
        bool release = false;

        for (size_t i = 0; i < r->n; i++) {
                const Record *record = &r->list[i];
                _cleanup_free_ char *text = record_unescaped(record, "text"), *line = NULL;

                if (is_word(record, "plan")) {
                        _cleanup_free_ char *domain = record_unescaped(record, "domain");

                        release = streq(record_value(record, "event"), "release");
                        if (domain && text && asprintf(&line, "%s: %s", domain, text) >= 0)
                                term_wrap(f, line, 0, 4);
                        if (!release && *record_value(record, "profile") &&
                            !(i + 1 < r->n && is_word(record + 1, "action")))
                                (void) fputs("  nothing\n", f);
                } else if (is_word(record, "action")) {
                        print_action(record, release, !release && i > 0 && is_repeated(record, record - 1), width, f);
                        if (i + 1 == r->n || !is_word(record + 1, "action"))
                                print_sum(r, f);
                } else if (is_word(record, "warning") && text) {
                        term_cell(f, colour, COLOUR_YELLOW, "warning:", 9);
                        term_wrap(f, text, 9, 9);
                }
        }
}
