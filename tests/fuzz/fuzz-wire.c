/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz/fuzz.h"

#include "wire/wire.h"

/* What decodes is exactly what encoding it gives. */
void fuzz_one(const char *data, size_t size)
{
        static WireMessage m, again;

        memset(&m, 'x', sizeof(m)); /* bytes beyond the message are not NULs */
        if (size > sizeof(m.buf))
                return;
        memcpy(m.buf, data, size);
        m.len = size;
        if (wire_decode(&m) < 0)
                return;
        for (unsigned i = 0; i < WIRE_MAX_STRINGS; i++)
                CHECK((m.strings[i] != NULL) == (i < m.head.count));
        CHECK(wire_encode(&again, m.head.type, m.head.value, m.strings, m.head.count) == 0);
        CHECK(again.len == size && memcmp(again.buf, data, size) == 0);
}
