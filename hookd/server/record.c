/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/record.h"

#include "server/reply.h"
#include "util/parse.h"

#include <stdio.h>

static uint64_t clock_usec(clockid_t clock)
{
        struct timespec ts = { 0 };

        (void) clock_gettime(clock, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

uint64_t record_realtime(clockid_t clock, uint64_t then)
{
        return clock_usec(CLOCK_REALTIME) - (clock_usec(clock) - then);
}

void record_begin(Record *r, const char *word)
{
        r->n = (size_t) snprintf(r->text, sizeof(r->text), "%s", word);
}

void record_text(Record *r, const char *key, const char *value)
{
        _cleanup_free_ char *escaped = text_escape(value ? value : "");
        size_t room = sizeof(r->text) - r->n;
        int n;

        n = snprintf(r->text + r->n, room, "\t%s=%s", key, escaped ? escaped : "");
        if (n > 0)
                r->n += MIN((size_t) n, room - 1);
}

void record_number(Record *r, const char *key, uint64_t value)
{
        char text[24];

        (void) snprintf(text, sizeof(text), "%llu", (unsigned long long) value);
        record_text(r, key, text);
}

void record_send(const Record *r, int fd)
{
        (void) reply_text(fd, r->text);
}
