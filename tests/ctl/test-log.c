/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The audit as it comes back from the journal, told as a story and drawn as a timeline. */
#include "ctl/golden.h"
#include "ctl/since.h"
#include "ctl/story.h"
#include "ctl/term.h"
#include "ctl/timeline.h"

#include <time.h>

static void decode_golden(const char *domain, uint64_t since, Audit *ret)
{
        size_t size;
        _cleanup_free_ char *text = golden("log.export", &size);
        Fault f = { 0 };

        assert_ok(audit_decode(text, size, domain, since, ret, &f));
}

/* golden/log.export, told, is golden/NAME.out. */
static void compare(const char *domain, bool timeline, bool colour, const char *name)
{
        _cleanup_free_ char *is = NULL;
        Transaction *t = NULL;
        Audit a = { 0 };
        Story story = { .colour = colour };
        size_t size, n;

        (void) setenv("TZ", "UTC", 1);
        tzset();
        decode_golden(domain, 0, &a);
        assert_ok(story_group(&a, 0, &t, &n));
        story.out = open_memstream(&is, &size);
        for (size_t k = 0; k < n; k++)
                if (timeline)
                        timeline_print(a.list + t[k].first, t[k].n, colour, story.out);
                else
                        for (size_t i = 0; i < t[k].n; i++)
                                story_tell(&story, &a.list[t[k].first + i]);
        (void) fclose(story.out);
        story_clear(&story);
        audit_clear(&a);
        free(t);
        expect_golden(is, name);
        for (char *rest = is, *line; !colour && (line = strsep(&rest, "\n"));)
                if (term_columns(line) > TERM_WIDTH)
                        test_fail("wider than %i columns: %s", TERM_WIDTH, line);
}

/* What the daemon sends of it is it. */
TEST(through_the_socket)
{
        Audit a = { 0 };
        AuditEntry e;
        RecordLine line;

        decode_golden(NULL, 0, &a);
        for (size_t i = 0; i < a.n; i++) {
                const AuditEntry *was = &a.list[i];

                audit_entry_record(was, &line);
                assert_ok(audit_entry_read(line.text, &e));
                assert_true(audit_entry_wanted(&e, was->domain, was->usec));
                assert_int_eq(e.usec, was->usec);
                assert_int_eq(e.kind, was->kind);
                assert_int_eq(e.priority, was->priority);
                assert_int_eq(e.duration, was->duration);
                assert_str_eq(e.message, was->message);
                assert_str_eq(e.domain, was->domain);
                assert_str_eq(e.uuid, was->uuid);
                assert_str_eq(e.event, was->event);
                assert_str_eq(e.step, was->step);
                assert_str_eq(e.target, was->target);
                assert_str_eq(e.from, was->from);
                assert_str_eq(e.to, was->to);
                assert_str_eq(e.result, was->result);
                audit_entry_clear(&e);
        }
        audit_clear(&a);
        assert_int_eq(audit_entry_read("", &e), -EBADMSG);
        assert_int_eq(audit_entry_read("guest\tMESSAGE=x", &e), -EBADMSG);
        assert_int_eq(audit_entry_read("entry\tMESSAGE", &e), -EBADMSG);
        assert_ok(audit_entry_read("entry\tMESSAGE=a\\tb\tPRIORITY=x", &e));
        assert_int_eq(e.priority, 6);
        audit_entry_clear(&e);
}

TEST(told)
{
        compare(NULL, false, false, "log");
        compare(NULL, false, true, "log-colour");
        compare("Gäste 窓", false, false, "log-guest");
        compare(NULL, true, false, "log-timeline");
}

/* Only what root's hookd has logged, of that guest, since then. */
TEST(what_is_wanted)
{
        Audit a = { 0 };

        decode_golden(NULL, 0, &a);
        assert_int_eq(a.n, 28);
        for (size_t i = 0; i < a.n; i++)
                assert_false(streq(a.list[i].message, "forged"));
        audit_clear(&a);
        decode_golden("Gäste 窓", 0, &a);
        assert_int_eq(a.n, 2);
        assert_int_eq(a.list[1].duration, 2950000);
        assert_int_eq(a.list[1].priority, 3);
        audit_clear(&a);
        decode_golden(NULL, UINT64_C(1795237212) * USEC_PER_SEC + 1, &a);
        assert_int_eq(a.n, 26);
        audit_clear(&a);
}

TEST(the_last_ones)
{
        Transaction *t = NULL;
        Audit a = { 0 };
        size_t n;

        decode_golden(NULL, 0, &a);
        assert_ok(story_group(&a, 1, &t, &n));
        assert_int_eq(n, 2); /* the other guest's, and what concerns none */
        assert_str_eq(a.list[t[0].first].domain, "Gäste 窓");
        assert_int_eq(t[0].n, 2);
        assert_null(a.list[t[1].first].domain);
        assert_int_eq(a.n, 3);
        free(t);
        assert_ok(story_group(&a, 5, &t, &n));
        assert_int_eq(n, 2);
        free(t);
        audit_clear(&a);
        assert_ok(story_group(&a, 1, &t, &n));
        assert_int_eq(n, 0);
        free(t);
        audit_clear(&a);
}

static int decode(const char *text, size_t size)
{
        Audit a = { 0 };
        Fault f = { 0 };
        int r = audit_decode(text, size, NULL, 0, &a, &f), n = (int) a.n;

        audit_clear(&a);
        assert_true(r < 0 ? f.code == r && *f.text : true);
        return r < 0 ? r : n;
}

TEST(export_format)
{
#define HEAD "__REALTIME_TIMESTAMP=1\n_UID=0\nSYSLOG_IDENTIFIER=hookd\nMESSAGE_ID=4a1f2f0c7b9d4e0fa4c3d2a1b0e95f0e\n"
        static const char binary[] = HEAD "MESSAGE\n\3\0\0\0\0\0\0\0a\nb\n\n";
        static const char cut[] = HEAD "MESSAGE\n\4\0\0\0\0\0\0\0a\nb\n";
        static const char huge[] = HEAD "MESSAGE\n\377\377\377\377\377\377\377\377a\n";

        assert_int_eq(decode("", 0), 0);
        assert_int_eq(decode("\n\n", 2), 0);
        assert_int_eq(decode(binary, sizeof(binary) - 1), 1);
        assert_int_eq(decode(HEAD "MESSAGE=x\n", strlen(HEAD "MESSAGE=x\n")), 1); /* the last line is no empty one */
        assert_int_eq(decode(cut, sizeof(cut) - 1), -EBADMSG);
        assert_int_eq(decode(huge, sizeof(huge) - 1), -EBADMSG);
        assert_int_eq(decode("Nov 21 host hookd[1]: x=y\n", 26), -EBADMSG);
        assert_int_eq(decode("MESSAGE=x", 9), -EBADMSG);
        assert_int_eq(decode("=x\n", 3), -EBADMSG);
}

static uint64_t since(const char *s)
{
        uint64_t usec;

        return since_parse(s, UINT64_C(1795237212) * USEC_PER_SEC, &usec) < 0 ? UINT64_MAX : usec / USEC_PER_SEC;
}

TEST(moments)
{
        (void) setenv("TZ", "UTC", 1);
        tzset();
        assert_int_eq(since("2026-11-21 05:00:11"), 1795237211);
        assert_int_eq(since("2026-11-21 05:00"), 1795237200);
        assert_int_eq(since("2026-11-21"), 1795219200);
        assert_int_eq(since("today"), 1795219200);
        assert_int_eq(since("yesterday"), 1795219200 - 86400);
        assert_int_eq(since("05:00"), 1795237200);
        assert_int_eq(since("2h ago"), 1795237212 - 7200);
        assert_int_eq(since("-90"), 1795237212 - 90);
        assert_int_eq(since(""), UINT64_MAX);
        assert_int_eq(since("2026-11-21 x"), UINT64_MAX);
        assert_int_eq(since("-"), UINT64_MAX);
        assert_int_eq(since("-9999999999h"), UINT64_MAX);
        assert_int_eq(since("ago"), UINT64_MAX);
}

TEST(spans)
{
        char buf[TERM_SPAN_MAX];

        assert_str_eq(term_span(999999, buf), "999 ms");
        assert_str_eq(term_span(1050000, buf), "1.05 s");
        assert_str_eq(term_span(61 * USEC_PER_SEC, buf), "1 min 1 s");
        assert_str_eq(term_span(7260 * USEC_PER_SEC, buf), "2 h 1 min");
}

TEST_MAIN
