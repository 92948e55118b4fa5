/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz/fuzz.h"

#include "model/profile.h"

/* All of p's values as the text of a file, or NULL where a line would be longer than a file may have. */
static char *print(const Profile *p)
{
        const char *section = "";
        char *text = NULL;
        size_t size;
        FILE *f;
        bool fits = true;

        f = open_memstream(&text, &size);
        CHECK(f);
        for (const ProfileKey *k = profile_keys(); k->key; k++) {
                _cleanup_free_ char *value = profile_value(p, k->section, k->key);

                CHECK(value);
                if (strlen(value) + strlen(k->key) + 1 > PROFILE_LINE_MAX)
                        fits = false;
                if (!streq(section, k->section))
                        (void) fprintf(f, "[%s]\n", k->section);
                section = k->section;
                (void) fprintf(f, "%s=%s\n", k->key, value);
        }
        CHECK(fclose(f) == 0);
        if (!fits || size > PROFILE_SIZE_MAX) {
                free(text);
                return NULL;
        }
        return text;
}

static void parse(const char *data, size_t size, bool is_conf)
{
        _cleanup_(profile_freep) Profile *p = NULL, *q = NULL;
        _cleanup_free_ char *text = NULL, *again = NULL;
        _cleanup_strv_ char **problems = NULL;
        Fault f = { 0 };
        int r;

        r = profile_parse(data, size, "fuzz.ini", is_conf, NULL, &p, &problems, &f);
        if (r < 0) {
                CHECK(!p && strv_length(problems) > 0);
                CHECK_FAULT(r, &f);
                return;
        }
        CHECK(p && strv_length(problems) == 0);
        /* what it means can be written down and read again */
        text = print(p);
        if (!text || is_conf)
                return;
        r = profile_parse(text, strlen(text), "fuzz.ini", false, NULL, &q, NULL, &f);
        if (r < 0)
                (void) fprintf(stderr, "%s\n%s", f.text, text);
        CHECK(r == 0);
        again = print(q);
        CHECK(again && streq(again, text));
}

void fuzz_one(const char *data, size_t size)
{
        parse(data, size, false);
        parse(data, size, true);
}
