/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz/fuzz.h"

#include "model/plan.h"

/* Decoding is strict: only what encoding writes. */
void fuzz_one(const char *data, size_t size)
{
        _cleanup_(plan_freep) Plan *p = NULL;
        _cleanup_free_ char *text = NULL;
        Fault f = { 0 };
        int r;

        r = plan_decode(data, size, &p, &f);
        if (r < 0) {
                CHECK(!p);
                CHECK_FAULT(r, &f);
                return;
        }
        text = plan_encode(p);
        CHECK(text && strlen(text) == size && memcmp(text, data, size) == 0);
}
