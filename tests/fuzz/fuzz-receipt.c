/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz/fuzz.h"

#include "../../hookd/ctl/receipt.c"

/* The record of what hookctl installed: a line that is taken is what writing it down gives. */
void fuzz_one(const char *data, size_t size)
{
        _cleanup_free_ char *text = strndup(data, size);
        Receipt r = { 0 };
        size_t n = 0;

        CHECK(text);
        for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
                if (decode_line(&r, line) < 0) {
                        CHECK(r.n == n);
                        continue;
                }
                CHECK(r.n == n || r.n == n + 1); /* one that is there already is not doubled */
                n = r.n;
        }
        for (size_t i = 0; i < r.n; i++) {
                _cleanup_free_ char *what = text_escape(r.items[i].what), *value = text_escape(r.items[i].value),
                                    *again = NULL;
                Receipt one = { 0 };

                CHECK(what && value && asprintf(&again, "%s\t%s\t%s", r.items[i].kind, what, value) > 0);
                CHECK(decode_line(&one, again) >= 0 && one.n == 1);
                CHECK(streq(one.items[0].what, r.items[i].what) && streq(one.items[0].value, r.items[i].value));
                receipt_clear(&one);
        }
        receipt_clear(&r);
}
