/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/profile-keys.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>

static void *field(const ProfileKey *k, const Profile *p)
{
        return (char *) p + k->offset;
}

static int reject(char ret_bad[PROFILE_LINE_MAX + 1], const char *word, int code)
{
        (void) snprintf(ret_bad, PROFILE_LINE_MAX + 1, "%s", word);
        return code;
}

/* ---- yes and no ---- */

static int bool_set(const ProfileKey *k, Profile *p, const char *value, char *ret_bad)
{
        int r = parse_bool(value);

        if (r < 0)
                return reject(ret_bad, value, -EINVAL);
        *(bool *) field(k, p) = r;
        return 0;
}

static void bool_print(const ProfileKey *k, const Profile *p, FILE *out)
{
        (void) fputs(*(bool *) field(k, p) ? "yes" : "no", out);
}

static void bool_expected(const ProfileKey *k, FILE *out)
{
        (void) fputs("yes or no", out);
}

const ProfileKind kind_bool = { bool_set, bool_print, bool_expected };

/* ---- time spans ---- */

static int span_set(const ProfileKey *k, Profile *p, const char *value, char *ret_bad)
{
        const SpanLimits *limits = k->limits;
        uint64_t usec;

        if (parse_span(value, &usec) < 0 || usec < limits->min * USEC_PER_SEC || usec > limits->max * USEC_PER_SEC)
                return reject(ret_bad, value, -EINVAL);
        *(uint64_t *) field(k, p) = usec;
        return 0;
}

static void span_print(const ProfileKey *k, const Profile *p, FILE *out)
{
        uint64_t usec = *(uint64_t *) field(k, p);

        if (usec % USEC_PER_SEC == 0)
                (void) fprintf(out, "%" PRIu64, usec / USEC_PER_SEC);
        else
                (void) fprintf(out, "%" PRIu64 "us", usec);
}

static void span_expected(const ProfileKey *k, FILE *out)
{
        const SpanLimits *limits = k->limits;

        (void) fprintf(out, "%u to %u seconds, as 90, 90s or 1min 30s", limits->min, limits->max);
}

const ProfileKind kind_span = { span_set, span_print, span_expected };

/* ---- numbers ---- */

static int count_set(const ProfileKey *k, Profile *p, const char *value, char *ret_bad)
{
        const CountLimits *limits = k->limits;
        uint64_t n;

        if (parse_uint(value, limits->max, &n) < 0 || n < limits->min)
                return reject(ret_bad, value, -EINVAL);
        *(unsigned *) field(k, p) = (unsigned) n;
        return 0;
}

static void count_print(const ProfileKey *k, const Profile *p, FILE *out)
{
        (void) fprintf(out, "%u", *(unsigned *) field(k, p));
}

static void count_expected(const ProfileKey *k, FILE *out)
{
        const CountLimits *limits = k->limits;

        (void) fprintf(out, "a number from %u to %u", limits->min, limits->max);
}

const ProfileKind kind_count = { count_set, count_print, count_expected };

/* ---- one of some words ---- */

static_assert(sizeof(Policy) == sizeof(unsigned) && sizeof(Widen) == sizeof(unsigned) &&
                      sizeof(ResetMethod) == sizeof(unsigned) && sizeof(ResetWhen) == sizeof(unsigned),
              "an enum field is written as an unsigned");

static int choice_set(const ProfileKey *k, Profile *p, const char *value, char *ret_bad)
{
        const ChoiceLimits *limits = k->limits;

        for (unsigned i = 0; i < limits->n_names; i++)
                if (limits->allowed & 1U << i && streq(limits->names[i], value)) {
                        *(unsigned *) field(k, p) = i;
                        return 0;
                }
        return reject(ret_bad, value, -EINVAL);
}

static void choice_print(const ProfileKey *k, const Profile *p, FILE *out)
{
        const ChoiceLimits *limits = k->limits;

        (void) fputs(limits->names[*(unsigned *) field(k, p)], out);
}

static void choice_expected(const ProfileKey *k, FILE *out)
{
        const ChoiceLimits *limits = k->limits;
        unsigned left = limits->allowed;

        for (unsigned i = 0; left != 0; i++) {
                if (!(left & 1U << i))
                        continue;
                if (left != limits->allowed)
                        (void) fputs(left == 1U << i ? " or " : ", ", out);
                (void) fputs(limits->names[i], out);
                left &= ~(1U << i);
        }
}

const ProfileKind kind_choice = { choice_set, choice_print, choice_expected };

/* ---- names ---- */

/* An unquoted # or a quotation mark is a mistake far more often than part of a name; [#] still matches one. */
bool word_is_glob(const char *word)
{
        return *word != '\0' && !strchr("#\"'", *word);
}

static bool made_of(const char *word, const char *others, size_t max)
{
        const char *s = word;

        while (isalnum((unsigned char) *s) || (*s && strchr(others, *s)))
                s++;
        return s != word && *s == '\0' && (size_t) (s - word) <= max;
}

bool word_is_driver(const char *word)
{
        return made_of(word, "_-", 63);
}

static bool is_unit_with(const char *word, const char *const *types, size_t n)
{
        const char *dot = strrchr(word, '.');

        /* a template without instance cannot be started */
        if (!dot || dot == word || dot[-1] == '@' || !made_of(word, ":_.\\@-", 255))
                return false;
        for (size_t i = 0; i < n; i++)
                if (streq(dot, types[i]))
                        return true;
        return false;
}

static const char *const unit_types[] = { ".service", ".socket",    ".timer", ".path",  ".target",
                                          ".mount",   ".automount", ".swap",  ".slice", ".scope" };

bool word_is_service(const char *word)
{
        return is_unit_with(word, unit_types, 1);
}

bool word_is_unit(const char *word)
{
        return is_unit_with(word, unit_types, ARRAY_SIZE(unit_types));
}

bool word_is_parent(const char *word)
{
        return made_of(word, ":._-", 63);
}

bool word_is_mdev_type(const char *word)
{
        return made_of(word, "._-", 63) && strchr(word, '-');
}

bool word_is_address(const char *word)
{
        PciAddress a;

        return pci_parse(word, &a) >= 0;
}

static bool is_unset(const WordLimits *limits, const char *value)
{
        return limits->unset && streq(limits->unset, value);
}

static void word_expected(const ProfileKey *k, FILE *out)
{
        const WordLimits *limits = k->limits;

        if (limits->unset)
                (void) fprintf(out, "%s or ", limits->unset);
        (void) fputs(limits->expected, out);
}

static int name_set(const ProfileKey *k, Profile *p, const char *value, char *ret_bad)
{
        const WordLimits *limits = k->limits;
        char **name = field(k, p), *copy = NULL;

        if (!is_unset(limits, value)) {
                if (!limits->valid(value))
                        return reject(ret_bad, value, -EINVAL);
                copy = strdup(value);
                if (!copy)
                        return -ENOMEM;
        }
        free(*name);
        *name = copy;
        return 0;
}

static void name_print(const ProfileKey *k, const Profile *p, FILE *out)
{
        const WordLimits *limits = k->limits;
        char **name = field(k, p);

        (void) fputs(*name ? *name : limits->unset, out);
}

const ProfileKind kind_name = { name_set, name_print, word_expected };

/* ---- lists ---- */

static int words_set(const ProfileKey *k, Profile *p, const char *value, char *ret_bad)
{
        const WordLimits *limits = k->limits;
        char ***field_list = field(k, p);
        _cleanup_strv_ char **list = NULL;
        int r;

        r = is_unset(limits, value) ? 0 : strv_split(value, &list);
        if (r < 0)
                return r;
        STRV_FOREACH (s, list) {
                if (!limits->valid(*s) || is_unset(limits, *s))
                        return reject(ret_bad, *s, -EINVAL);
                if (strv_contains((char *const *) s + 1, *s))
                        return reject(ret_bad, *s, -EEXIST);
        }
        strv_free(*field_list);
        *field_list = TAKE_PTR(list);
        return 0;
}

static void words_print(const ProfileKey *k, const Profile *p, FILE *out)
{
        const WordLimits *limits = k->limits;
        char ***list = field(k, p);

        if (strv_length(*list) == 0 && limits->unset)
                (void) fputs(limits->unset, out);
        STRV_FOREACH (s, *list)
                (void) fprintf(out, "%s%s", s == *list ? "" : " ", *s);
}

const ProfileKind kind_words = { words_set, words_print, word_expected };

/* ---- devices ---- */

static int functions_set(const ProfileKey *k, Profile *p, const char *value, char *ret_bad)
{
        bool is_auto = *value == '\0' || streq(value, "auto");
        _cleanup_free_ PciAddress *list = NULL;
        _cleanup_strv_ char **words = NULL;
        size_t n = 0;

        if (strv_split(is_auto ? "" : value, &words) < 0)
                return -ENOMEM;
        list = calloc(strv_length(words) + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        STRV_FOREACH (s, words) {
                if (pci_parse(*s, &list[n]) < 0)
                        return reject(ret_bad, *s, -EINVAL);
                for (size_t i = 0; i < n; i++)
                        if (pci_compare(&list[i], &list[n]) == 0)
                                return reject(ret_bad, *s, -EEXIST);
                n++;
        }
        free(p->functions);
        p->functions = TAKE_PTR(list);
        p->n_functions = n;
        p->functions_auto = is_auto;
        return 0;
}

static void functions_print(const ProfileKey *k, const Profile *p, FILE *out)
{
        char buf[PCI_FORMAT_MAX];

        if (p->functions_auto)
                (void) fputs("auto", out);
        for (size_t i = 0; i < p->n_functions; i++)
                (void) fprintf(out, "%s%s", i == 0 ? "" : " ", pci_format(&p->functions[i], buf));
}

static void functions_expected(const ProfileKey *k, FILE *out)
{
        (void) fputs("auto or PCI addresses such as 0000:01:00.0", out);
}

const ProfileKind kind_functions = { functions_set, functions_print, functions_expected };

static bool device_parse(const char *word, MatchDevice *ret)
{
        static const char digits[] = "0123456789abcdefABCDEF";
        char vendor[5] = "";
        uint64_t v, d;

        *ret = (MatchDevice){ 0 };
        if (pci_parse(word, &ret->address) == 0) {
                ret->is_address = true;
                return true;
        }
        if (strspn(word, digits) != 4 || word[4] != ':' || strspn(word + 5, digits) != 4 || word[9] != '\0')
                return false;
        memcpy(vendor, word, 4);
        if (parse_hex(vendor, UINT16_MAX, &v) < 0 || parse_hex(word + 5, UINT16_MAX, &d) < 0)
                return false;
        ret->vendor = (uint16_t) v;
        ret->device = (uint16_t) d;
        return true;
}

void *list_of(const char *value, size_t size, char ***ret_words)
{
        return strv_split(value, ret_words) < 0 ? NULL : calloc(strv_length(*ret_words) + 1, size);
}

static int devices_set(const ProfileKey *k, Profile *p, const char *value, char *ret_bad)
{
        _cleanup_strv_ char **words = NULL;
        _cleanup_free_ MatchDevice *list = list_of(value, sizeof(*list), &words);
        size_t n = 0;

        if (!list)
                return -ENOMEM;
        STRV_FOREACH (s, words) {
                if (!device_parse(*s, &list[n++]))
                        return reject(ret_bad, *s, -EINVAL);
                if (strv_contains((char *const *) s + 1, *s))
                        return reject(ret_bad, *s, -EEXIST);
        }
        free(p->match_device);
        p->match_device = TAKE_PTR(list);
        p->n_match_device = n;
        return 0;
}

static void devices_print(const ProfileKey *k, const Profile *p, FILE *out)
{
        for (size_t i = 0; i < p->n_match_device; i++) {
                const MatchDevice *d = &p->match_device[i];
                char buf[PCI_FORMAT_MAX];

                if (i > 0)
                        (void) fputc(' ', out);
                if (d->is_address)
                        (void) fputs(pci_format(&d->address, buf), out);
                else
                        (void) fprintf(out, "%04x:%04x", d->vendor, d->device);
        }
}

static void devices_expected(const ProfileKey *k, FILE *out)
{
        (void) fputs("vendor:device such as 10de:2484, or PCI addresses such as 0000:01:00.0", out);
}

const ProfileKind kind_devices = { devices_set, devices_print, devices_expected };
