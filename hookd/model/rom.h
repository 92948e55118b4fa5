/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/fault.h"

/* A PCI expansion ROM: a chain of images, each with a header (0x55 0xAA) and a PCI data structure ("PCIR") that names
 * the device, the kind of code and whether another image follows (PCI Firmware Specification 3.x, chapter 5; the EFI
 * header: UEFI Specification 2.x, 14.4.2). */

#define ROM_MAX        ((size_t) 16 << 20)
#define ROM_IMAGES_MAX 16

enum { ROM_CODE_LEGACY = 0, ROM_CODE_OPEN_FIRMWARE = 1, ROM_CODE_PA_RISC = 2, ROM_CODE_EFI = 3 };

typedef struct RomImage {
        size_t offset, size; /* from the ROM's beginning; size as PCIR has it: may reach beyond the data */
        uint16_t vendor, device;
        bool matches;     /* vendor:device, or the device list beside it, are the card's */
        uint8_t code;     /* ROM_CODE_…, or a vendor's own */
        uint16_t machine; /* EFI: PE machine type, 0x8664 is x86-64 */
        bool checked;     /* legacy, and all there: sum is that of its bytes, which must be 0 */
        uint8_t sum;
} RomImage;

typedef struct Rom {
        size_t before; /* bytes before the first image: no part of a ROM as a guest sees it */
        size_t size;   /* of the chain, without those */
        bool ended;    /* the last image says that it is the last */
        RomImage images[ROM_IMAGES_MAX];
        size_t n_images;
} Rom;

typedef struct RomCard {
        uint16_t vendor, device; /* 0: any */
        bool shadow;             /* read from the firmware's copy at 0xC0000, not from the card */
} RomCard;

/* Follows the chain as far as it goes. -EBADMSG with a fault: there is no image at all. */
int rom_parse(const void *data, size_t size, const RomCard *card, Rom *ret, Fault *f);
bool rom_has(const Rom *rom, uint8_t code);
/* "legacy (BIOS)", "EFI", "type 0xe0". buf has 16 bytes. */
const char *rom_code_name(const RomImage *image, char buf[16]);
/* What a guest would choke on, and what its owner should know; size: of the data. Sentences; 0 or -ENOMEM. */
int rom_judge(const Rom *rom, size_t size, const RomCard *card, char ***ret_problems, char ***ret_notes);
