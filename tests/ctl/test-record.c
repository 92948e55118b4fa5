/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What hookctl makes of the daemon's records, and hookctl's way with words. */
#include "ctl/golden.h"
#include "ctl/record-json.h"
#include "ctl/record-plan.h"
#include "ctl/term.h"

#include <time.h>

#define NOW (UINT64_C(1795219200) * USEC_PER_SEC) /* 2026-11-21 00:00:00 UTC */

static void print(const Records *r, bool colour, bool json, FILE *f)
{
        const char *word = r->list[0].fields[0];
        Json j = { .out = f };

        if (streq(word, "plan") && json)
                records_json_plan(r, f);
        else if (streq(word, "plan"))
                records_print_plan(r, colour, f);
        else if (json && streq(word, "found"))
                records_json_list(&j, NULL, r, "found");
        else if (json)
                records_json_status(r, f);
        else
                records_print(r, colour, NOW, f);
}

/* golden/NAME.in, printed, is golden/NAME.out. */
static void compare(const char *name, bool colour, bool json)
{
        _cleanup_free_ char *in = NULL, *is = NULL;
        char path[128];
        Records r = { 0 };
        char *rest, *line;
        size_t size;
        FILE *f;

        (void) snprintf(path, sizeof(path), "%s.in", name);
        in = golden(path, NULL);
        for (rest = in; (line = strsep(&rest, "\n"));)
                if (*line)
                        assert_ok(records_add(&r, line));
        f = open_memstream(&is, &size);
        print(&r, colour, json, f);
        (void) fclose(f);
        records_clear(&r);
        (void) snprintf(path, sizeof(path), "%s%s", name, json ? "-json" : colour ? "-colour" : "");
        expect_golden(is, path);
        for (rest = is; !colour && !json && (line = strsep(&rest, "\n"));)
                if (term_columns(line) > TERM_WIDTH && strchr(line, ' '))
                        test_fail("wider than %i columns: %s", TERM_WIDTH, line);
}

TEST(status)
{
        (void) setenv("TZ", "UTC", 1);
        tzset();
        compare("idle", false, false);
        compare("busy", false, false);
        compare("busy", true, false);
        compare("busy", false, true);
}

TEST(reconcile)
{
        compare("reconcile", false, true);
}

TEST(plan)
{
        compare("plan", false, false);
        compare("plan", true, false);
        compare("plan", false, true);
        compare("plan-nothing", false, false);
        compare("plan-release", false, false);
}

static const char *wrapped(const char *text, size_t used, size_t indent)
{
        static char buf[4096];
        FILE *f = fmemopen(buf, sizeof(buf), "w");

        term_wrap(f, text, used, indent);
        (void) fclose(f);
        return buf;
}

TEST(wrapping)
{
        char word[200];

        assert_str_eq(wrapped("", 0, 4), "\n");
        assert_str_eq(wrapped("  a  b ", 0, 4), "  a  b\n");
        memset(word, 'x', sizeof(word));
        (void) strcpy(word + 78, " y");
        (void) snprintf(word + 80, sizeof(word) - 80, " z");
        {
                char expected[200];

                (void) snprintf(expected, sizeof(expected), "%.78s y\n    z\n", word);
                assert_str_eq(wrapped(word, 0, 4), expected);
                (void) snprintf(expected, sizeof(expected), "%.78s\n    y z\n", word);
                assert_str_eq(wrapped(word, 1, 4), expected);
        }
}

TEST(columns)
{
        char buf[TERM_CLIP_MAX], text[400] = "";

        assert_int_eq(term_columns("Gäste"), 5);
        assert_int_eq(term_columns("窓口"), 4);
        assert_int_eq(term_columns("게임 🎮"), 7);
        assert_int_eq(term_columns("e\xcc\x81"), 1); /* a letter and its accent */
        assert_int_eq(term_columns("a\xff\xe7"), 3); /* no UTF-8: a column a byte */
        assert_int_eq(term_columns(""), 0);
        assert_str_eq(term_clip("窓口", 4, buf), "窓口");
        assert_str_eq(term_clip("窓口です", 4, buf), "窓…");
        assert_str_eq(term_clip("窓口です", 5, buf), "窓口…");
        assert_str_eq(term_clip("abc", 2, buf), "a…");
        while (strlen(text) < sizeof(text) - 8)
                (void) strcat(text, "窓");
        assert_true(strlen(term_clip(text, 1000, buf)) < TERM_CLIP_MAX);
        assert_str_eq(wrapped("窓窓窓 口口口", 70, 2), "窓窓窓\n  口口口\n");
}

TEST_MAIN
