/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/rom.h"

#include "util/parse.h"

#include <stdarg.h>
#include <stdio.h>

#define UNIT        512 /* of the lengths in the headers */
#define PCIR_SIZE   0x18
#define LAST_IMAGE  0x80
#define MACHINE_X64 0x8664

typedef struct Bytes {
        const uint8_t *p;
        size_t size;
} Bytes;

/* Little endian; 0 beyond the end. */
static uint16_t word(const Bytes *b, size_t at)
{
        return at < b->size && b->size - at >= 2 ? (uint16_t) (b->p[at] | b->p[at + 1] << 8) : 0;
}

static uint8_t byte(const Bytes *b, size_t at)
{
        return at < b->size ? b->p[at] : 0;
}

/* The PCI data structure of the image at `at`, or 0. */
static size_t find_pcir(const Bytes *b, size_t at)
{
        size_t pcir;

        if (word(b, at) != 0xaa55)
                return 0;
        pcir = at + word(b, at + 0x18);
        return pcir > at && pcir + PCIR_SIZE <= b->size && memcmp(b->p + pcir, "PCIR", 4) == 0 ? pcir : 0;
}

/* Since revision 3 further devices are in a list that ends with 0. */
static bool lists_device(const Bytes *b, size_t pcir, uint16_t device)
{
        size_t list = word(b, pcir + 8);

        if (byte(b, pcir + 0x0c) < 3 || list == 0)
                return false;
        for (size_t at = pcir + list; word(b, at) != 0; at += 2)
                if (word(b, at) == device)
                        return true;
        return false;
}

static void check_sum(const Bytes *b, RomImage *image)
{
        size_t size = (size_t) byte(b, image->offset + 2) * UNIT; /* may be less than PCIR says */

        if (size == 0 || size > image->size)
                size = image->size;
        if (image->code != ROM_CODE_LEGACY || size > b->size - image->offset)
                return;
        image->checked = true;
        for (size_t i = 0; i < size; i++)
                image->sum += b->p[image->offset + i];
}

static void read_image(const Bytes *b, size_t at, size_t pcir, const RomCard *card, RomImage *ret)
{
        *ret = (RomImage){
                .offset = at,
                .size = (size_t) word(b, pcir + 0x10) * UNIT,
                .vendor = word(b, pcir + 4),
                .device = word(b, pcir + 6),
                .code = byte(b, pcir + 0x14),
        };
        ret->matches = card->vendor == 0 || (ret->vendor == card->vendor &&
                                             (ret->device == card->device || lists_device(b, pcir, card->device)));
        if (ret->code == ROM_CODE_EFI && word(b, at + 4) == 0x0ef1)
                ret->machine = word(b, at + 0x0a);
        check_sum(b, ret);
}

static int refuse(const Bytes *b, const RomCard *card, Fault *f)
{
        size_t pcir_end = (size_t) word(b, 0x18) + PCIR_SIZE;
        bool blank = true;

        for (size_t i = 1; i < b->size && blank; i++)
                blank = b->p[i] == b->p[0];
        if (blank && b->size > 0 && (b->p[0] == 0xff || b->p[0] == 0))
                return fault_set(f, -EBADMSG, NULL,
                                 "it is nothing but 0x%02x: the card did not answer. It sleeps, is behind a bridge "
                                 "that does, or its firmware was put away by the one of the machine",
                                 b->p[0]);
        if (word(b, 0) == 0xaa55 && pcir_end > b->size && pcir_end <= (size_t) byte(b, 2) * UNIT && !card->shadow)
                return fault_set(f, -EBADMSG, NULL,
                                 "it was cut off: its PCI data structure is at byte %u, and only %zu bytes are there",
                                 word(b, 0x18), b->size);
        if (word(b, 0) == 0xaa55)
                return fault_set(f, -EBADMSG, NULL,
                                 "it begins as a ROM does (0x55 0xAA), but has no PCI data structure (\"PCIR\")%s",
                                 card->shadow ? ": the firmware's copy at 0xC0000 is that of another card" : "");
        return fault_set(f, -EBADMSG, NULL, "no ROM: nothing in it begins with 0x55 0xAA and a PCI data structure");
}

int rom_parse(const void *data, size_t size, const RomCard *card, Rom *ret, Fault *f)
{
        Bytes b = { data, size };
        size_t pcir = 0, at = 0;

        *ret = (Rom){ 0 };
        while (ret->before < size && (pcir = find_pcir(&b, ret->before)) == 0)
                ret->before++;
        if (pcir == 0)
                return refuse(&(Bytes){ data, size }, card, f);
        b.p += ret->before;
        b.size -= ret->before;
        while (ret->n_images < ROM_IMAGES_MAX && at < b.size && (pcir = find_pcir(&b, at)) > 0) {
                RomImage *image = &ret->images[ret->n_images++];

                read_image(&b, at, pcir, card, image);
                ret->size = at + image->size;
                ret->ended = byte(&b, pcir + 0x15) & LAST_IMAGE;
                if (ret->ended || image->size == 0)
                        break;
                at += image->size;
        }
        return 0;
}

bool rom_has(const Rom *rom, uint8_t code)
{
        for (size_t i = 0; i < rom->n_images; i++)
                if (rom->images[i].code == code)
                        return true;
        return false;
}

const char *rom_code_name(const RomImage *image, char buf[16])
{
        static const char *const names[] = { "legacy (BIOS)", "Open Firmware", "PA-RISC", "EFI" };

        (void) snprintf(buf, 16, "type 0x%02x", image->code);
        return image->code < ARRAY_SIZE(names) ? names[image->code] : buf;
}

static int say(char ***list, const char *fmt, ...) _printf_(2, 3);
static int say(char ***list, const char *fmt, ...)
{
        char text[512];
        va_list ap;

        va_start(ap, fmt);
        (void) vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        return strv_append(list, text);
}

static int judge_image(const RomImage *image, const RomCard *card, char ***problems, char ***notes)
{
        char name[16];
        int r = 0;

        if (!image->matches)
                r = say(problems, "the image at byte %zu is for the device %04x:%04x, the card is %04x:%04x",
                        image->offset, image->vendor, image->device, card->vendor, card->device);
        if (r >= 0 && image->checked && image->sum != 0)
                r = say(problems, "the checksum of the image at byte %zu is wrong%s", image->offset,
                        card->shadow ? ": the copy was changed when the machine started"
                                     : ": it was changed, or read "
                                       "badly");
        if (r >= 0 && image->code == ROM_CODE_EFI && image->machine != 0 && image->machine != MACHINE_X64)
                r = say(notes, "the %s image at byte %zu is for machine type 0x%04x, not for x86-64",
                        rom_code_name(image, name), image->offset, image->machine);
        return r;
}

static int judge_chain(const Rom *rom, size_t size, char ***problems, char ***notes)
{
        size_t there = size - rom->before;

        if (rom->before > 0)
                return say(problems,
                           "another header of %zu bytes comes before the ROM, as nvflash and GPU-Z write it; no guest "
                           "wants it: `tail -c +%zu FILE > NEW` cuts it off",
                           rom->before, rom->before + 1);
        if (rom->size > there)
                return say(problems, "%zu bytes of %zu are missing: it was cut off", rom->size - there, rom->size);
        if (!rom->ended)
                return say(problems, "the chain of images does not end: the last one says that another follows");
        return rom->size < there ? say(notes, "%zu bytes come after the last image", there - rom->size) : 0;
}

int rom_judge(const Rom *rom, size_t size, const RomCard *card, char ***problems, char ***notes)
{
        int r = 0;

        if (card->shadow)
                r = say(problems, "this is the copy at 0xC0000 that the firmware made when the machine started, not "
                                  "the card's own ROM: guests choke on it. Read it while another card is the "
                                  "machine's first, or take the file of the card's maker");
        if (r >= 0)
                r = judge_chain(rom, size, problems, notes);
        for (size_t i = 0; i < rom->n_images && r >= 0; i++)
                r = judge_image(&rom->images[i], card, problems, notes);
        if (r >= 0 && !rom_has(rom, ROM_CODE_EFI))
                r = say(notes, "it has no EFI image: a guest with UEFI (OVMF) shows nothing on this card until its own "
                               "driver runs");
        if (r >= 0 && !rom_has(rom, ROM_CODE_LEGACY))
                r = say(notes, "it has no legacy image: a guest with BIOS (SeaBIOS) shows nothing on this card until "
                               "its own driver runs");
        return r;
}
