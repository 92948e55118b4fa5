/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/profile-keys.h"

/* BarSize=: "1:16G 0:256M". */

static bool bar_parse(const char *word, BarSize *ret)
{
        char number[24] = "";
        size_t digits = strspn(word + MIN(strlen(word), 2), "0123456789");
        unsigned shift;
        uint64_t n;

        if (*word < '0' || *word > '5' || word[1] != ':' || digits == 0 || digits >= sizeof(number))
                return false;
        memcpy(number, word + 2, digits);
        switch (word[2 + digits]) {
        case 'M':
                shift = 20;
                break;
        case 'G':
                shift = 30;
                break;
        case 'T':
                shift = 40;
                break;
        default:
                return false;
        }
        if (word[3 + digits] != '\0' || parse_uint(number, 1U << 20, &n) < 0 || n == 0 || n & (n - 1))
                return false;
        *ret = (BarSize){ .bar = (unsigned) (*word - '0'), .size = n << shift };
        return true;
}

static int bars_set(const ProfileKey *k, Profile *p, const char *value, char *ret_bad)
{
        _cleanup_strv_ char **words = NULL;
        _cleanup_free_ BarSize *list = list_of(value, sizeof(*list), &words);
        size_t n = 0;

        if (!list)
                return -ENOMEM;
        STRV_FOREACH (s, words) {
                bool good = bar_parse(*s, &list[n]), twice = false;

                for (size_t i = 0; good && i < n; i++)
                        twice = twice || list[i].bar == list[n].bar;
                if (!good || twice) {
                        (void) snprintf(ret_bad, PROFILE_LINE_MAX + 1, "%s", *s);
                        return good ? -EEXIST : -EINVAL;
                }
                n++;
        }
        free(p->bars);
        p->bars = TAKE_PTR(list);
        p->n_bars = n;
        return 0;
}

static void bars_print(const ProfileKey *k, const Profile *p, FILE *out)
{
        char buf[SIZE_FORMAT_MAX];

        for (size_t i = 0; i < p->n_bars; i++)
                (void) fprintf(out, "%s%u:%s", i == 0 ? "" : " ", p->bars[i].bar, size_format(p->bars[i].size, buf));
}

static void bars_expected(const ProfileKey *k, FILE *out)
{
        (void) fputs("the number of a BAR (0 to 5) and a size that is a power of two, such as 0:256M 1:16G", out);
}

const ProfileKind kind_bars = { bars_set, bars_print, bars_expected };
