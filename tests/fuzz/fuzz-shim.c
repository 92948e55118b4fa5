/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz/fuzz.h"

#include "model/guest.h"

#define main shim_main
int shim_main(int argc, char **argv);
#include "../../hook-shim/shim.c"

/* Without a daemon the shim alone decides whether a guest may start, with a reader of its own: it must see every device
 * that hookd's sees. libvirt writes neither references in attributes nor other encodings. */
void fuzz_one(const char *data, size_t size)
{
        _cleanup_free_ char *text = strndup(data, size);
        _cleanup_(guest_freep) Guest *g = NULL;
        Scan s = { .inside = false };
        Fault f = { 0 };

        for (size_t i = 0; i < size; i++)
                scan(&s, data[i]);
        CHECK(text);
        if (*text != '<' || strchr(text, '&') || strstr(text, "encoding") || strstr(text, "<!"))
                return;
        if (guest_parse(data, size, &g, &f) >= 0 && g->n_devices > 0)
                CHECK(s.found || !s.begun || !s.ended);
}
