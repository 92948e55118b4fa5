/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz/fuzz.h"

#include "txn/log-text.h"

/* Each line that decodes is what encoding it gives, but for zeros before its numbers. */
void fuzz_one(const char *data, size_t size)
{
        LogLine *lines = NULL;
        Fault f = { 0 };
        size_t n = 0;
        int r;

        r = log_decode(data, size, &lines, &n, &f);
        if (r < 0) {
                CHECK(!lines);
                CHECK_FAULT(r, &f);
                return;
        }
        for (size_t i = 0; i < n; i++) {
                _cleanup_free_ char *text = log_line_encode(lines + i, lines[i].text);
                LogLine *one = NULL;
                size_t n_one = 0;

                CHECK(text && log_word_name(lines[i].word) && lines[i].index >= -1);
                CHECK(log_decode(text, strlen(text), &one, &n_one, &f) == 0 && n_one == 1);
                CHECK(one->usec == lines[i].usec && one->word == lines[i].word && one->index == lines[i].index &&
                      streq0(one->text, lines[i].text));
                (void) log_lines_free(one, n_one);
        }
        (void) log_lines_free(lines, n);
}
