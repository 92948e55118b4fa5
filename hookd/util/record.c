/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/record.h"

#include "util/parse.h"

#include <stdio.h>

void record_begin(RecordLine *r, const char *word)
{
        r->n = (size_t) snprintf(r->text, sizeof(r->text), "%s", word);
}

void record_text(RecordLine *r, const char *key, const char *value)
{
        _cleanup_free_ char *escaped = text_escape(value ? value : "");
        size_t room = sizeof(r->text) - r->n;
        int n;

        n = snprintf(r->text + r->n, room, "\t%s=%s", key, escaped ? escaped : "");
        if (n > 0)
                r->n += MIN((size_t) n, room - 1);
}

void record_number(RecordLine *r, const char *key, uint64_t value)
{
        char text[24];

        (void) snprintf(text, sizeof(text), "%llu", (unsigned long long) value);
        record_text(r, key, text);
}
