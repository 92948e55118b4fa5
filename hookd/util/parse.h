/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* A PCI function. Printed as 0000:01:00.0 (domain at least four digits). */
typedef struct PciAddress {
        uint32_t domain;
        uint8_t bus, slot, function;
} PciAddress;

/* Accepts 0000:01:00.0, 01:00.0 and pci_0000_01_00_0, nothing before or after. 0, -EINVAL, -ERANGE. */
int pci_parse(const char *s, PciAddress *ret);
/* Writes the canonical form; buf has PCI_FORMAT_MAX bytes. Returns buf. */
#define PCI_FORMAT_MAX 20
const char *pci_format(const PciAddress *a, char buf[PCI_FORMAT_MAX]);
int pci_compare(const PciAddress *a, const PciAddress *b);
static inline bool pci_same_slot(const PciAddress *a, const PciAddress *b)
{
        return a->domain == b->domain && a->bus == b->bus && a->slot == b->slot;
}

/* "yes/no/true/false/on/off/1/0" -> 1, 0 or -EINVAL (systemd's booleans). */
int parse_bool(const char *s);
/* Decimal, no sign, no blanks, at most max. 0, -EINVAL, -ERANGE. */
int parse_uint(const char *s, uint64_t max, uint64_t *ret);
/* "0x10de", "10de" -> value; -EINVAL, -ERANGE over max. */
int parse_hex(const char *s, uint64_t max, uint64_t *ret);
/* systemd time span, or seconds when bare: "90", "2min 30s", "500ms". Microseconds. -EINVAL, -ERANGE. */
int parse_span(const char *s, uint64_t *ret_usec);
/* Bytes as "16G", "256M", "4K" or "512", in the largest unit that leaves nothing over. Returns buf. */
#define SIZE_FORMAT_MAX 24
const char *size_format(uint64_t bytes, char buf[SIZE_FORMAT_MAX]);
/* 36 characters of lower- or uppercase hex with dashes, as libvirt prints it: true if so. */
bool uuid_valid(const char *s);

/* String vectors: NULL-terminated, each string and the array owned by the holder. A NULL vector is an empty one. */
#define STRV_FOREACH(s, v) for (char *const *s = (v); s && *s; s++)
size_t strv_length(char *const *v);
bool strv_contains(char *const *v, const char *s);
int strv_append(char ***v, const char *s);  /* copies s; 0 or -ENOMEM */
int strv_split(const char *s, char ***ret); /* by blanks; never an empty word; 0 or -ENOMEM */
char **strv_copy(char *const *v);
char *strv_join(char *const *v, const char *separator); /* NULL: out of memory */
void strv_sort(char **v);
char **strv_free(char **v); /* returns NULL */
static inline void strv_freep(char ***v)
{
        (void) strv_free(*v);
}
#define _cleanup_strv_ _cleanup_(strv_freep)

/* Escapes for one-line records: \\ \n \t \r and \xHH for other control bytes; unescape is exact. Caller frees. */
char *text_escape(const char *s);
int text_unescape(const char *s, char **ret); /* 0, -EINVAL, -ENOMEM */

/* For people's eyes: control characters, and what is not UTF-8 (a character that was cut, too), become '?'. */
void text_clean(char *s);
