/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz/fuzz.h"

#include "ctl/story.h"
#include "ctl/timeline.h"

/* The same from the daemon, a line each: what was read is read again from its own record. */
static void read_lines(const char *data, size_t size)
{
        _cleanup_free_ char *text = strndup(data, size);
        AuditEntry e, again;
        RecordLine line;

        CHECK(text);
        for (char *rest = text, *one; (one = strsep(&rest, "\n"));) {
                if (audit_entry_read(one, &e) < 0)
                        continue;
                audit_entry_record(&e, &line);
                CHECK(audit_entry_read(line.text, &again) == 0);
                CHECK(again.kind == e.kind && again.usec == e.usec && again.duration == e.duration);
                audit_entry_clear(&again);
                audit_entry_clear(&e);
        }
}

/* A journal from anywhere, told for people: a terminal is given no commands. */
void fuzz_one(const char *data, size_t size)
{
        _cleanup_free_ char *out = NULL;
        _cleanup_(audit_clear) Audit a = { 0 };
        _cleanup_free_ Transaction *t = NULL;
        Story story = { 0 };
        Fault fault = { 0 };
        size_t n = 0, n_out = 0;
        int r;

        read_lines(data, size);
        r = audit_decode(data, size, NULL, 0, &a, &fault);
        if (r < 0)
                CHECK_FAULT(r, &fault);
        CHECK(story_group(&a, size % 3, &t, &n) == 0);
        story.out = open_memstream(&out, &n_out);
        CHECK(story.out);
        for (size_t k = 0; k < n; k++) {
                CHECK(t[k].n > 0 && t[k].first + t[k].n <= a.n);
                for (size_t i = 0; i < t[k].n; i++)
                        story_tell(&story, &a.list[t[k].first + i]);
                timeline_print(a.list + t[k].first, t[k].n, false, story.out);
        }
        story_clear(&story);
        CHECK(fclose(story.out) == 0);
        for (size_t i = 0; i < n_out; i++)
                CHECK((unsigned char) out[i] >= 0x20 || out[i] == '\n');
}
