/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz/fuzz.h"

#include "model/plan.h"

/* Decoding loses nothing that encoding writes. */
void fuzz_one(const char *data, size_t size)
{
        _cleanup_(plan_freep) Plan *p = NULL, *q = NULL;
        _cleanup_free_ char *text = NULL, *again = NULL;
        Fault f = { 0 };
        int r;

        r = plan_decode(data, size, &p, &f);
        if (r < 0) {
                CHECK(!p);
                CHECK_FAULT(r, &f);
                return;
        }
        text = plan_encode(p);
        CHECK(text);
        r = plan_decode(text, strlen(text), &q, &f);
        if (r < 0)
                (void) fprintf(stderr, "%s\n%s", f.text, text);
        CHECK(r == 0);
        again = plan_encode(q);
        CHECK(again && streq(again, text));
}
