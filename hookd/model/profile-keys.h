/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/profile.h"

#include <stdio.h>

/* Between the files of profile-*.c: the keys, how a kind of value is read and printed, and a file with its problems. */

typedef struct ProfileKind {
        /* Reads value (blanks at its ends are gone) into p. -EINVAL: *ret_bad is the offending word, "" for an empty
         * value; -EEXIST: that word stands there twice; -ENOMEM. p is unchanged then. */
        int (*set)(const ProfileKey *k, Profile *p, const char *value, char ret_bad[PROFILE_LINE_MAX + 1]);
        void (*print)(const ProfileKey *k, const Profile *p, FILE *out);
        void (*expected)(const ProfileKey *k, FILE *out); /* "yes or no": what could stand there */
} ProfileKind;

extern const ProfileKind kind_bool, kind_span, kind_choice, kind_name, kind_words, kind_functions, kind_devices,
        kind_count, kind_command, kind_bars;

/* limits of kind_span, in seconds */
typedef struct SpanLimits {
        unsigned min, max;
} SpanLimits;

/* limits of kind_count */
typedef struct CountLimits {
        unsigned min, max;
} CountLimits;

/* limits of kind_choice: words of `names`, the values that this key takes as bits */
typedef struct ChoiceLimits {
        const char *const *names;
        size_t n_names;
        unsigned allowed;
} ChoiceLimits;

/* limits of kind_name (one word) and kind_words (a list) */
typedef struct WordLimits {
        const char *unset; /* the word for NULL: "auto"; NULL: there is none, only the empty list */
        bool (*valid)(const char *word);
        const char *expected;
} WordLimits;

/* The words of a list, and room for as many values of that size, zeroed. Both are the caller's to free. NULL: out of
 * memory. */
void *list_of(const char *value, size_t size, char ***ret_words);

bool word_is_glob(const char *word);
bool word_is_driver(const char *word);
bool word_is_service(const char *word);
bool word_is_unit(const char *word);
bool word_is_parent(const char *word); /* of a mediated device: an address or a name in /sys/class/mdev_bus */
bool word_is_mdev_type(const char *word);
bool word_is_address(const char *word);

/* NULL: unknown. The section's first key stands for the section. */
const ProfileKey *profile_key_find(const char *section, const char *key);
const ProfileKey *profile_section_find(const char *section);
/* What may have been meant, or what there is: "did you mean Policy=?", "expected one of Policy=, Unit=". Caller frees.
 */
char *profile_key_advice(const char *section, const char *key);
char *profile_section_advice(const char *section, bool is_conf);

/* profile.c: as profile_parse(), but *ret is also given with -EINVAL: what could be read. */
int profile_read(const char *text, size_t size, const char *path, bool is_conf, const Profile *base, Profile **ret,
                 char ***ret_problems, Fault *f);
/* profile-load.c. Is a folder root's alone? path is for messages. 0, -EPERM, -errno. */
int profile_check_folder(int dirfd, const char *folder, const char *path, Fault *f);
