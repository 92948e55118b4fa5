/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz/fuzz.h"

#include "ctl/record-plan.h"

/* What the daemon says of its state, and a worker of a plan, printed for people: a terminal is given no commands. */
void fuzz_one(const char *data, size_t size)
{
        _cleanup_free_ char *text = strndup(data, size), *out = NULL;
        Records r = { 0 };
        size_t n = 0;
        FILE *f;

        CHECK(text);
        for (char *p = text; *p; p++)
                if (((unsigned char) *p < 0x20 && *p != '\t' && *p != '\n') || *p == 0x7f)
                        *p = '?'; /* the daemon sends values escaped */
        for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
                CHECK(records_add(&r, line) == 0);
        f = open_memstream(&out, &n);
        CHECK(f);
        records_print(&r, false, (uint64_t) size * USEC_PER_SEC, f);
        records_print_plan(&r, false, f);
        CHECK(fclose(f) == 0);
        for (size_t i = 0; i < n; i++)
                CHECK((unsigned char) out[i] >= 0x20 || out[i] == '\n');
        records_clear(&r);
}
