/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz/fuzz.h"

#include "util/parse.h"

/* The small parsers of util: what they accept comes back the same. */
void fuzz_one(const char *data, size_t size)
{
        _cleanup_free_ char *s = strndup(data, size), *back = NULL, *escaped = NULL, *joined = NULL;
        _cleanup_strv_ char **words = NULL, **again = NULL;
        char buf[PCI_FORMAT_MAX];
        PciAddress a, b;
        uint64_t v;

        CHECK(s);
        if (text_unescape(s, &back) == 0) {
                escaped = text_escape(back);
                CHECK(escaped && streq(escaped, s));
        } else {
                escaped = text_escape(s);
                CHECK(escaped && text_unescape(escaped, &back) == 0 && streq(back, s));
        }
        if (pci_parse(s, &a) == 0) {
                CHECK(pci_parse(pci_format(&a, buf), &b) == 0);
                CHECK(pci_compare(&a, &b) == 0 && a.slot < 32 && a.function < 8);
        }
        (void) parse_bool(s);
        (void) parse_span(s, &v);
        (void) uuid_valid(s);
        if (parse_uint(s, 1000, &v) == 0 || parse_hex(s, 1000, &v) == 0)
                CHECK(v <= 1000);
        CHECK(strv_split(s, &words) == 0);
        joined = strv_join(words, " ");
        CHECK(joined && strv_split(joined, &again) == 0 && strv_length(again) == strv_length(words));
}
