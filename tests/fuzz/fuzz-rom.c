/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz/fuzz.h"

#include "model/rom.h"
#include "util/parse.h"

/* A file that somebody took for a ROM. */
void fuzz_one(const char *data, size_t size)
{
        const RomCard card = { .vendor = 0x10de, .device = 0x1b80, .shadow = size % 2 };
        _cleanup_strv_ char **problems = NULL, **notes = NULL;
        Fault fault = { 0 };
        char name[16];
        Rom rom;
        int r;

        r = rom_parse(data, size, &card, &rom, &fault);
        if (r < 0) {
                CHECK_FAULT(r, &fault);
                return;
        }
        CHECK(rom.n_images > 0 && rom.n_images <= ROM_IMAGES_MAX && rom.before < size);
        for (size_t i = 0; i < rom.n_images; i++) {
                CHECK(rom.images[i].offset < size - rom.before);
                CHECK(*rom_code_name(&rom.images[i], name));
        }
        CHECK(rom_judge(&rom, size, &card, &problems, &notes) == 0);
}
