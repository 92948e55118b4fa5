/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/reply.h"

#include "wire/wire.h"

static int send_one(int fd, enum WireType type, uint32_t value, const char *text)
{
        WireMessage m;
        int r;

        r = wire_encode(&m, type, value, &text, text ? 1 : 0);
        return r < 0 ? r : wire_send(fd, &m, -1);
}

int reply_accepted(int fd, uint64_t usec)
{
        return send_one(fd, WIRE_ACCEPTED, (uint32_t) ((usec + USEC_PER_SEC - 1) / USEC_PER_SEC), NULL);
}

int reply_text(int fd, const char *line)
{
        return send_one(fd, WIRE_TEXT, 0, line);
}

int reply_result(int fd, uint32_t value, const char *text)
{
        return send_one(fd, WIRE_RESULT, value, text ? text : "");
}
