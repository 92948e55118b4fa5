/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/parse.h"

#include <stdio.h>

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

/* Reads between min and max hex digits (at most 8) at *s and moves it behind them. */
static bool take_hex(const char **s, unsigned min, unsigned max, uint32_t *ret)
{
        uint32_t v = 0;
        unsigned n;
        int d;

        for (n = 0; n < max && (d = hex_digit((*s)[n])) >= 0; n++)
                v = v << 4 | (uint32_t) d;
        *s += n;
        *ret = v;
        return n >= min;
}

static bool take_char(const char **s, char c)
{
        if (**s != c)
                return false;
        (*s)++;
        return true;
}

int pci_parse(const char *s, PciAddress *ret)
{
        uint32_t domain = 0, bus, slot, function;
        char colon = ':', dot = '.';
        const char *p = s;

        if (startswith(s, "pci_")) {
                colon = dot = '_';
                p += 4;
                if (!take_hex(&p, 4, 8, &domain) || !take_char(&p, colon))
                        return -EINVAL;
        } else if (strlen(s) > strlen("01:00.0")) {
                if (!take_hex(&p, 4, 8, &domain) || !take_char(&p, colon))
                        return -EINVAL;
        }
        if (!take_hex(&p, 2, 2, &bus) || !take_char(&p, colon) || !take_hex(&p, 2, 2, &slot) || !take_char(&p, dot) ||
            !take_hex(&p, 1, 1, &function) || *p != '\0')
                return -EINVAL;
        if (slot > 0x1f || function > 7)
                return -ERANGE;
        *ret = (PciAddress){ domain, (uint8_t) bus, (uint8_t) slot, (uint8_t) function };
        return 0;
}

const char *pci_format(const PciAddress *a, char buf[PCI_FORMAT_MAX])
{
        (void) snprintf(buf, PCI_FORMAT_MAX, "%04x:%02x:%02x.%x", a->domain, a->bus, a->slot, a->function & 7U);
        return buf;
}

int pci_compare(const PciAddress *a, const PciAddress *b)
{
        if (a->domain != b->domain)
                return a->domain < b->domain ? -1 : 1;
        if (a->bus != b->bus)
                return a->bus < b->bus ? -1 : 1;
        if (a->slot != b->slot)
                return a->slot < b->slot ? -1 : 1;
        return (int) a->function - (int) b->function;
}

int parse_bool(const char *s)
{
        static const char *const yes[] = { "yes", "true", "on", "1", "y", "t" };
        static const char *const no[] = { "no", "false", "off", "0", "n", "f" };

        for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
                if (strcasecmp(s, yes[i]) == 0)
                        return 1;
                if (strcasecmp(s, no[i]) == 0)
                        return 0;
        }
        return -EINVAL;
}

int parse_uint(const char *s, uint64_t max, uint64_t *ret)
{
        bool over = false;
        uint64_t v = 0;

        if (*s == '\0')
                return -EINVAL;
        for (; *s; s++) {
                if (*s < '0' || *s > '9')
                        return -EINVAL;
                over = over || __builtin_mul_overflow(v, 10, &v) ||
                       __builtin_add_overflow(v, (uint64_t) (*s - '0'), &v);
        }
        if (over || v > max)
                return -ERANGE;
        *ret = v;
        return 0;
}

int parse_hex(const char *s, uint64_t max, uint64_t *ret)
{
        const char *digits = startswith(s, "0x") || startswith(s, "0X") ? s + 2 : s;
        uint64_t v = 0;
        bool over = false;

        if (*digits == '\0')
                return -EINVAL;
        for (; *digits; digits++) {
                int d = hex_digit(*digits);

                if (d < 0)
                        return -EINVAL;
                over = over || v >> 60 != 0;
                v = v << 4 | (uint64_t) d;
        }
        if (over || v > max)
                return -ERANGE;
        *ret = v;
        return 0;
}

static const struct {
        const char *name;
        uint64_t usec;
} span_units[] = {
        { "us", 1 },
        { "usec", 1 },
        { "ms", USEC_PER_MSEC },
        { "msec", USEC_PER_MSEC },
        { "s", USEC_PER_SEC },
        { "sec", USEC_PER_SEC },
        { "second", USEC_PER_SEC },
        { "seconds", USEC_PER_SEC },
        { "m", 60 * USEC_PER_SEC },
        { "min", 60 * USEC_PER_SEC },
        { "minute", 60 * USEC_PER_SEC },
        { "minutes", 60 * USEC_PER_SEC },
        { "h", 3600 * USEC_PER_SEC },
        { "hr", 3600 * USEC_PER_SEC },
        { "hour", 3600 * USEC_PER_SEC },
        { "hours", 3600 * USEC_PER_SEC },
        { "d", 86400 * USEC_PER_SEC },
        { "day", 86400 * USEC_PER_SEC },
        { "days", 86400 * USEC_PER_SEC },
};

static uint64_t span_unit(const char *s, size_t n)
{
        for (size_t i = 0; i < ARRAY_SIZE(span_units); i++)
                if (strlen(span_units[i].name) == n && memcmp(span_units[i].name, s, n) == 0)
                        return span_units[i].usec;
        return 0;
}

/* One term: digits, blanks, unit. A bare number is seconds, but only when it is all there is. */
static int span_term(const char **s, bool first, uint64_t *ret)
{
        size_t digits = strspn(*s, "0123456789"), letters;
        uint64_t v = 0, unit;
        char number[24];
        const char *p;

        if (digits == 0)
                return -EINVAL;
        if (digits >= sizeof(number))
                return -ERANGE;
        memcpy(number, *s, digits);
        number[digits] = '\0';
        if (parse_uint(number, UINT64_MAX, &v) < 0)
                return -ERANGE;
        p = *s + digits;
        p += strspn(p, " \t");
        letters = strspn(p, "abcdefghijklmnopqrstuvwxyz");
        if (letters > 0)
                unit = span_unit(p, letters);
        else
                unit = first && *p == '\0' ? USEC_PER_SEC : 0;
        if (unit == 0)
                return -EINVAL;
        p += letters;
        *s = p + strspn(p, " \t");
        return __builtin_mul_overflow(v, unit, ret) ? -ERANGE : 0;
}

int parse_span(const char *s, uint64_t *ret_usec)
{
        uint64_t sum = 0, term;
        bool first = true;
        int r;

        s += strspn(s, " \t");
        do {
                r = span_term(&s, first, &term);
                if (r < 0)
                        return r;
                if (__builtin_add_overflow(sum, term, &sum))
                        return -ERANGE;
                first = false;
        } while (*s);
        *ret_usec = sum;
        return 0;
}

bool uuid_valid(const char *s)
{
        for (size_t i = 0; i < 36; i++) {
                bool dash = i == 8 || i == 13 || i == 18 || i == 23;

                if (dash ? s[i] != '-' : hex_digit(s[i]) < 0)
                        return false;
        }
        return s[36] == '\0';
}

const char *size_format(uint64_t bytes, char buf[SIZE_FORMAT_MAX])
{
        static const char units[] = "TGMK";
        unsigned shift = 40;

        for (const char *u = units; *u; u++, shift -= 10)
                if (bytes > 0 && bytes % (UINT64_C(1) << shift) == 0) {
                        (void) snprintf(buf, SIZE_FORMAT_MAX, "%llu%c", (unsigned long long) (bytes >> shift), *u);
                        return buf;
                }
        (void) snprintf(buf, SIZE_FORMAT_MAX, "%llu", (unsigned long long) bytes);
        return buf;
}
