/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/record.h"

#include "server/reply.h"

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

void record_send(const RecordLine *r, int fd)
{
        (void) reply_text(fd, r->text);
}
