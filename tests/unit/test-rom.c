/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A PCI ROM, image by image, and how it is read from a card. */
#include "unit/test.h"
#include "unit/folder.h"

#include "host/rom-read.h"
#include "model/rom.h"
#include "util/fd.h"
#include "util/parse.h"

#define PCIR 0x40

typedef struct Maker {
        uint8_t data[8192];
        size_t size;
} Maker;

static void put_word(Maker *m, size_t at, unsigned value)
{
        m->data[at] = (uint8_t) value;
        m->data[at + 1] = (uint8_t) (value >> 8);
}

/* Appends an image of so many units of 512 bytes; its checksum is right. Returns where it begins. */
static size_t put_image(Maker *m, uint8_t code, uint8_t units, uint16_t device, bool last)
{
        size_t at = m->size;
        uint8_t sum = 0;

        m->size += (size_t) units * 512;
        put_word(m, at, 0xaa55);
        m->data[at + 2] = units;
        put_word(m, at + 0x18, PCIR);
        memcpy(m->data + at + PCIR, "PCIR", 4);
        put_word(m, at + PCIR + 4, 0x10de);
        put_word(m, at + PCIR + 6, device);
        m->data[at + PCIR + 0x0c] = 3;
        put_word(m, at + PCIR + 0x10, units);
        m->data[at + PCIR + 0x14] = code;
        m->data[at + PCIR + 0x15] = last ? 0x80 : 0;
        if (code == ROM_CODE_EFI) {
                put_word(m, at + 4, 0x0ef1);
                put_word(m, at + 0x0a, 0x8664);
        }
        for (size_t i = at; i < m->size; i++)
                sum += m->data[i];
        m->data[m->size - 1] -= sum;
        return at;
}

static Maker whole(void)
{
        Maker m = { .size = 0 };

        (void) put_image(&m, ROM_CODE_LEGACY, 4, 0x1b80, false);
        (void) put_image(&m, ROM_CODE_EFI, 2, 0x1b80, true);
        return m;
}

static const RomCard card = { .vendor = 0x10de, .device = 0x1b80 };

/* Problems, a line each, then "-", then notes; or "refused: " and the reason. */
static const char *judge(const Maker *m, size_t size, const RomCard *of)
{
        _cleanup_strv_ char **problems = NULL, **notes = NULL;
        static char text[4096];
        Fault f = { 0 };
        Rom rom;
        int n;

        if (rom_parse(m->data, size, of, &rom, &f) < 0) {
                (void) snprintf(text, sizeof(text), "refused: %s", f.text);
                return text;
        }
        assert_ok(rom_judge(&rom, size, of, &problems, &notes));
        n = 0;
        text[0] = '\0';
        STRV_FOREACH (s, problems)
                n += snprintf(text + n, sizeof(text) - (size_t) n, "%s\n", *s);
        n += snprintf(text + n, sizeof(text) - (size_t) n, "-\n");
        STRV_FOREACH (s, notes)
                n += snprintf(text + n, sizeof(text) - (size_t) n, "%s\n", *s);
        return text;
}

TEST(a_good_one)
{
        Maker m = whole();
        Fault f = { 0 };
        char name[16];
        Rom rom;

        assert_str_eq(judge(&m, m.size, &card), "-\n");
        assert_ok(rom_parse(m.data, m.size, &card, &rom, &f));
        assert_int_eq(rom.n_images, 2);
        assert_int_eq(rom.size, 3072);
        assert_true(rom.ended);
        assert_int_eq(rom.images[1].offset, 2048);
        assert_str_eq(rom_code_name(&rom.images[0], name), "legacy (BIOS)");
        assert_str_eq(rom_code_name(&rom.images[1], name), "EFI");
        assert_true(rom.images[0].checked && rom.images[0].sum == 0);
        assert_false(rom.images[1].checked);
}

TEST(cut_off)
{
        Maker m = whole();

        assert_contains(judge(&m, m.size - 100, &card), "100 bytes of 3072 are missing: it was cut off\n-");
        assert_contains(judge(&m, 2048, &card), "the chain of images does not end");
        assert_contains(judge(&m, 2048 + PCIR, &card), "the chain of images does not end");
        assert_contains(judge(&m, 1000, &card), "1048 bytes of 2048 are missing");
        assert_contains(judge(&m, m.size + 512, &card), "-\n512 bytes come after the last image\n");
}

TEST(of_another_card)
{
        Maker m = whole();

        assert_contains(judge(&m, m.size, &(RomCard){ 0x10de, 0x1b81, false }),
                        "the image at byte 2048 is for the device 10de:1b80, the card is 10de:1b81\n-");
        assert_str_eq(judge(&m, m.size, &(RomCard){ 0 }), "-\n");
        put_word(&m, 2048 + PCIR + 8, 0x60); /* the list of further devices */
        put_word(&m, 2048 + PCIR + 0x60, 0x1b79);
        put_word(&m, 2048 + PCIR + 0x62, 0x1b81);
        assert_contains(judge(&m, m.size, &(RomCard){ 0x10de, 0x1b81, false }), "the image at byte 0 is for");
        assert_null(strstr(judge(&m, m.size, &(RomCard){ 0x10de, 0x1b81, false }), "byte 2048"));
        assert_contains(judge(&m, m.size, &(RomCard){ 0x10de, 0x1b82, false }), "byte 2048");
}

TEST(changed)
{
        Maker m = whole();

        m.data[1000]++;
        assert_contains(judge(&m, m.size, &card), "the checksum of the image at byte 0 is wrong: it was changed");
        assert_contains(judge(&m, m.size, &(RomCard){ 0x10de, 0x1b80, true }), "the copy at 0xC0000");
        assert_contains(judge(&m, m.size, &(RomCard){ 0x10de, 0x1b80, true }), "changed when the machine started");
}

TEST(kinds_of_code)
{
        Maker m = { .size = 0 };

        (void) put_image(&m, ROM_CODE_LEGACY, 1, 0x1b80, true);
        assert_contains(judge(&m, m.size, &card), "-\nit has no EFI image");
        m = (Maker){ .size = 0 };
        (void) put_image(&m, ROM_CODE_EFI, 1, 0x1b80, true);
        assert_contains(judge(&m, m.size, &card), "-\nit has no legacy image");
        put_word(&m, 0x0a, 0xaa64);
        assert_contains(judge(&m, m.size, &card), "machine type 0xaa64, not for x86-64");
        m = (Maker){ .size = 0 };
        (void) put_image(&m, 0xe0, 1, 0x1b80, false);
        (void) put_image(&m, 0xe0, 0, 0x1b80, false); /* no length: the end */
        m.size = 1024;
        assert_contains(judge(&m, m.size, &card), "does not end");
}

TEST(headers_before_it)
{
        Maker m = { .data = "NVGI", .size = 1024 };

        (void) put_image(&m, ROM_CODE_LEGACY, 1, 0x1b80, true);
        assert_contains(judge(&m, m.size, &card), "another header of 1024 bytes");
        assert_contains(judge(&m, m.size, &card), "`tail -c +1025 FILE > NEW`");
}

TEST(no_rom)
{
        Maker m = { .size = 2048 };

        assert_contains(judge(&m, 0, &card), "refused: no ROM");
        assert_contains(judge(&m, 2048, &card), "refused: it is nothing but 0x00");
        memset(m.data, 0xff, m.size);
        assert_contains(judge(&m, 2048, &card), "refused: it is nothing but 0xff");
        put_word(&m, 0, 0xaa55);
        put_word(&m, 0x18, 0xfff0);
        assert_contains(judge(&m, 2048, &card), "cut off: its PCI data structure is at byte 65520, and only 2048");
        m.data[2] = 4; /* 2048 bytes */
        assert_contains(judge(&m, 2048, &card), "no PCI data structure (\"PCIR\")");
        assert_contains(judge(&m, 2048, &(RomCard){ 0, 0, true }), "that of another card");
        m.data[0] = 1;
        assert_contains(judge(&m, 2048, &card), "refused: no ROM");
        for (size_t n = 0; n <= sizeof(m.data); n += 7) /* every cut is seen */
                (void) judge(&m, n, &card);
}

/* ---- from a card ---- */

/* The first byte of the file shows what was written: 1, then it was read, then 0. */
TEST(reading)
{
        _cleanup_free_ char *data = NULL, *rom = NULL, *control = NULL;
        Folder d = folder_make();
        Fault f = { 0 };
        size_t size;

        folder_write(&d, "rom", "XABC", 0600);
        assert_ok(mkdirat(d.fd, "power", 0700));
        folder_write(&d, "power/control", "auto\n", 0600);
        assert_ok(rom_read(d.path, now_usec() + 5 * USEC_PER_SEC, &data, &size, &f));
        assert_int_eq(size, 4);
        assert_str_eq(data, "1ABC");
        assert_ok(read_file_at(d.fd, "rom", 4096, &rom, NULL));
        assert_str_eq(rom, "0ABC");
        assert_ok(read_file_at(d.fd, "power/control", 4096, &control, NULL));
        assert_str_eq(control, "auto\n");
        assert_ok(unlinkat(d.fd, "power/control", 0));
        folder_remove(&d);
}

TEST(not_reading)
{
        Folder d = folder_make();
        char *data = NULL;
        Fault f = { 0 };
        size_t size;

        assert_int_eq(rom_read(d.path, now_usec() + 5 * USEC_PER_SEC, &data, &size, &f), -ENOENT);
        assert_contains(f.text, " has no ROM of its own");
        assert_ok(mkfifoat(d.fd, "rom", 0600)); /* nobody writes: it blocks, as a card that does not answer */
        assert_int_eq(rom_read(d.path, now_usec() + USEC_PER_SEC / 5, &data, &size, &f), -ETIMEDOUT);
        assert_null(data);
        folder_remove(&d);
}

TEST(the_shadow)
{
#define LINE "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
#define SIX  LINE LINE LINE LINE LINE LINE
        Folder d = folder_make();

        assert_false(rom_is_shadow(d.path));
        folder_write(&d, "resource", SIX "0x00000000000c0000 0x00000000000dffff 0x0000000000000212\n" LINE, 0600);
        assert_true(rom_is_shadow(d.path));
        folder_write(&d, "resource", SIX "0x00000000f7000000 0x00000000f707ffff 0x0000000000046200\n" LINE, 0600);
        assert_false(rom_is_shadow(d.path));
        folder_remove(&d);
}

TEST_MAIN
