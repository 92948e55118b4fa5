/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz/fuzz.h"

#include "model/guest.h"

void fuzz_one(const char *data, size_t size)
{
        _cleanup_(guest_freep) Guest *g = NULL;
        Fault f = { 0 };
        int r;

        r = guest_parse(data, size, &g, &f);
        if (r < 0) {
                CHECK(!g);
                CHECK_FAULT(r, &f);
                return;
        }
        CHECK(g && g->name && *g->name && uuid_valid(g->uuid));
        for (size_t i = 0; i < g->n_devices; i++) {
                const GuestDevice *d = g->devices + i;

                CHECK(d->type == GUEST_DEVICE_MDEV ? uuid_valid(d->uuid)
                                                   : d->address.slot < 32 && d->address.function < 8);
        }
}
