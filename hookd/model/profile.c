/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/profile-keys.h"

#include <assert.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>

/* inih splits long lines, takes indented ones for values and reads much else differently from build to build. So the
 * reader below gives it only lines that every build reads the same way, and refuses the others itself. */

#define PROBLEMS_MAX 50
#define SECTION_MAX  49 /* inih cuts a section's name here */

typedef struct ProfileReader {
        const char *next, *end;
        unsigned line;
        const char *path;
        bool is_conf;
        Profile *profile;
        const ProfileKey *section; /* its first key; NULL: none yet, or one whose lines are passed over */
        bool in_section;
        unsigned section_line[PROFILE_KEYS_MAX]; /* 0: not seen yet */
        char text[PROFILE_LINE_MAX + 2];         /* the line that inih has been given, without its newline */
        char *value;                             /* in it; NULL: not a key's line */
        char **problems;
        size_t n_problems;
        bool out_of_memory;
} ProfileReader;

static void _printf_(2, 3) problem(ProfileReader *r, const char *fmt, ...)
{
        _cleanup_free_ char *what = NULL, *text = NULL;
        va_list ap;
        int n;

        if (++r->n_problems > PROBLEMS_MAX)
                return;
        va_start(ap, fmt);
        n = vasprintf(&what, fmt, ap);
        va_end(ap);
        if (n < 0)
                what = NULL;
        if (what && asprintf(&text, "%s:%u: %s", r->path, r->line, what) < 0)
                text = NULL;
        if (!text || strv_append(&r->problems, text) < 0)
                r->out_of_memory = true;
}

/* Length of the well-formed UTF-8 character at s, 0 for anything else (RFC 3629: no surrogates, nothing over-long). */
static size_t utf8_length(const unsigned char *s, size_t left)
{
        size_t n = *s < 0x80                 ? 1
                   : *s >= 0xc2 && *s < 0xe0 ? 2
                   : (*s & 0xf0) == 0xe0     ? 3
                   : *s >= 0xf0 && *s < 0xf5 ? 4
                                             : 0;

        if (n > left)
                return 0;
        for (size_t i = 1; i < n; i++)
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
        if (n >= 3 && ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) || (*s == 0xf0 && s[1] < 0x90) ||
                       (*s == 0xf4 && s[1] > 0x8f)))
                return 0;
        return n;
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t';
}

/* Text that a person could have meant: UTF-8 without control characters. */
static bool check_characters(ProfileReader *r, const char *s, size_t n)
{
        for (size_t i = 0, step; i < n; i += step) {
                step = utf8_length((const unsigned char *) s + i, n - i);
                if (step == 0)
                        problem(r, "byte %zu is not UTF-8; expected text in UTF-8", i + 1);
                else if (((unsigned char) s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
                        problem(r, "byte %zu is the control character 0x%02x; expected text", i + 1, s[i]);
                else
                        continue;
                return false;
        }
        return true;
}

/* The line's end without blanks, carriage return and " ; comment". */
static size_t trim(const char *s, size_t n)
{
        for (size_t i = 1; i < n; i++)
                if (s[i] == ';' && is_blank(s[i - 1]))
                        n = i;
        while (n > 0 && (is_blank(s[n - 1]) || s[n - 1] == '\r'))
                n--;
        return n;
}

static bool check_section(ProfileReader *r, char *line)
{
        char *name = line + 1, *end = strchr(name, ']');
        _cleanup_free_ char *advice = NULL;
        const ProfileKey *section;
        unsigned *seen;

        r->section = NULL;
        r->in_section = true;
        if (!end || end[1] != '\0') {
                problem(r, "\"%s\" is not a section; expected [Section] and nothing behind it", line);
                return false;
        }
        *end = '\0';
        section = profile_section_find(name);
        if (end - name > SECTION_MAX)
                problem(r, "the name of a section is longer than %i bytes", SECTION_MAX);
        else if (!section) {
                advice = profile_section_advice(name, r->is_conf);
                problem(r, "unknown section [%s]; %s", name, advice ? advice : "");
        } else if (r->is_conf && streq(name, "Match"))
                problem(r, "[Match] belongs into a profile, not into the defaults for all of them");
        else if (*(seen = &r->section_line[section - profile_keys()]) != 0)
                problem(r, "[%s] stands here a second time, first in line %u; expected each section once", name, *seen);
        else {
                *seen = r->line;
                *end = ']';
                r->section = section;
                return true;
        }
        return false;
}

static bool check_key(ProfileReader *r, char *line)
{
        char *sign = line + strcspn(line, "=:");

        if (*sign != '=')
                problem(r, "\"%s\" is not understood; expected Key=value, [Section] or # comment", line);
        else if (sign == line)
                problem(r, "a value without a key; expected Key=value");
        else if (!r->in_section)
                problem(r, "\"%s\" stands before any section; expected [Section] first", line);
        else if (r->section) {
                r->value = sign + 1 + strspn(sign + 1, " \t");
                return true;
        }
        return false;
}

/* Is this a line for inih? It is copied to r->text then. */
static bool take_line(ProfileReader *r, const char *s, size_t n)
{
        r->value = NULL;
        if (memchr(s, '\0', n)) {
                problem(r, "a NUL byte; expected text");
                return false;
        }
        while (n > 0 && s[n - 1] == '\r')
                n--;
        if (!check_characters(r, s, n) || n == 0 || *s == '#' || *s == ';')
                return false;
        n = trim(s, n);
        if (n == 0)
                return false;
        if (is_blank(*s)) {
                problem(r, "an indented line; expected it to begin in the first column");
                return false;
        }
        if (n > PROFILE_LINE_MAX) {
                problem(r, "a line of %zu bytes; expected at most %i", n, PROFILE_LINE_MAX);
                return false;
        }
        memcpy(r->text, s, n);
        r->text[n] = '\0';
        return *r->text == '[' ? check_section(r, r->text) : check_key(r, r->text);
}

/* inih's fgets(). What is not for inih becomes an empty line, so that its line numbers stay ours. */
static char *read_line(char *buf, int size, void *userdata)
{
        ProfileReader *r = userdata;
        const char *start = r->next, *end;
        bool given;

        if (start >= r->end)
                return NULL;
        end = memchr(start, '\n', (size_t) (r->end - start));
        if (!end)
                end = r->end;
        r->next = end < r->end ? end + 1 : end;
        r->line++;
        given = take_line(r, start, (size_t) (end - start));
        if (given && strlen(r->text) + 2 > (size_t) size) {
                problem(r, "a line of %zu bytes; this system's inih can read %i", strlen(r->text), size - 2);
                given = false;
        }
        (void) snprintf(buf, (size_t) size, "%s\n", given ? r->text : "");
        return buf;
}

static void set_key(ProfileReader *r, const ProfileKey *k)
{
        char bad[PROFILE_LINE_MAX + 1] = "";
        _cleanup_free_ char *expected = NULL;
        size_t size;
        FILE *out;
        int code;

        code = k->kind->set(k, r->profile, r->value, bad);
        if (code >= 0)
                return;
        if (code == -EEXIST) {
                problem(r, "\"%s\" stands twice in %s=; expected it once", bad, k->key);
                return;
        }
        out = code == -ENOMEM ? NULL : open_memstream(&expected, &size);
        if (!out) {
                r->out_of_memory = true;
                return;
        }
        k->kind->expected(k, out);
        (void) fclose(out);
        if (*bad == '\0')
                problem(r, "%s= is empty; expected %s", k->key, expected);
        else
                problem(r, "\"%s\" is not a value for %s=; expected %s", bad, k->key, expected);
}

/* Always 1: the problems are collected, and 0 would make some builds of inih stop. */
static int on_key(void *userdata, const char *section, const char *key, const char *value)
{
        _cleanup_free_ char *advice = NULL;
        ProfileReader *r = userdata;
        const ProfileKey *k;
        unsigned *seen;

        if (!key) /* some builds announce a section */
                return 1;
        if (!r->value || !value || !streq(value, r->value)) {
                problem(r, "this system's inih reads this line differently");
                return 1;
        }
        k = profile_key_find(section, key);
        if (!k) {
                advice = profile_key_advice(section, key);
                problem(r, "unknown key %s= in [%s]; %s", key, section, advice ? advice : "");
                return 1;
        }
        seen = &r->profile->key_line[k - profile_keys()];
        if (*seen != 0)
                problem(r, "%s= stands here a second time, first in line %u; expected each key once, lists on one line",
                        key, *seen);
        else {
                *seen = r->line;
                set_key(r, k);
        }
        return 1;
}

/* What base says, on top of the defaults; [Match] is a file's own. */
static int inherit(Profile *p, const Profile *base)
{
        p->base_path = strdup(base->path);
        if (!p->base_path)
                return -ENOMEM;
        memcpy(p->base_line, base->key_line, sizeof(p->base_line));
        for (const ProfileKey *k = profile_keys(); k->key; k++) {
                _cleanup_free_ char *value = NULL;
                char bad[PROFILE_LINE_MAX + 1];

                if (streq(k->section, "Match"))
                        continue;
                value = profile_value(base, k->section, k->key);
                if (!value || k->kind->set(k, p, value, bad) < 0)
                        return -ENOMEM;
        }
        return 0;
}

Profile *profile_new(void)
{
        _cleanup_(profile_freep) Profile *p = calloc(1, sizeof(Profile));

        if (!p)
                return NULL;
        p->name = strdup("");
        p->path = strdup("");
        if (!p->name || !p->path)
                return NULL;
        for (const ProfileKey *k = profile_keys(); k->key; k++) {
                char bad[PROFILE_LINE_MAX + 1];
                int r;

                r = k->kind->set(k, p, k->default_text, bad);
                assert(r >= 0 || r == -ENOMEM);
                if (r < 0)
                        return NULL;
        }
        return TAKE_PTR(p);
}

Profile *profile_free(Profile *p)
{
        if (!p)
                return NULL;
        free(p->name);
        free(p->path);
        free(p->base_path);
        strv_free(p->match_domain);
        free(p->match_device);
        free(p->functions);
        strv_free(p->allow_drivers);
        free(p->bars);
        free(p->dm_unit);
        strv_free(p->stop_units);
        strv_free(p->module_names);
        free(p->mdev_parent);
        free(p->mdev_type);
        strv_free(p->mdev_uuids);
        free(p->vf_parent);
        free(p->driver_guest);
        free(p->driver_host);
        for (size_t i = 0; i < ARRAY_SIZE(p->exec); i++)
                strv_free(p->exec[i]);
        free(p);
        return NULL;
}

static int set_names(Profile *p, const char *path, bool is_conf)
{
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
        size_t n = is_conf ? 0 : strlen(name);

        if (n > 4 && endswith(name, ".ini"))
                n -= 4;
        free(p->name);
        free(p->path);
        p->name = strndup(name, n);
        p->path = strdup(path);
        return p->name && p->path ? 0 : -ENOMEM;
}

int profile_read(const char *text, size_t size, const char *path, bool is_conf, const Profile *base, Profile **ret,
                 char ***ret_problems, Fault *f)
{
        static const char bom[] = "\xef\xbb\xbf";
        _cleanup_(profile_freep) Profile *p = profile_new();
        ProfileReader r = { .next = text, .end = text + size, .path = path, .is_conf = is_conf, .profile = p };
        _cleanup_strv_ char **problems = NULL;
        int code;

        if (!p || (base && inherit(p, base) < 0) || set_names(p, path, is_conf) < 0)
                return fault_set(f, -ENOMEM, path, "out of memory reading %s", path);
        if (size >= 3 && memcmp(text, bom, 3) == 0)
                r.next += 3;
        code = ini_parse_stream(read_line, &r, on_key, &r);
        if (code != 0)
                problem(&r, "this system's inih does not understand line %i", code);
        problems = r.problems;
        if (r.out_of_memory)
                return fault_set(f, -ENOMEM, path, "out of memory reading %s", path);
        *ret = TAKE_PTR(p);
        if (r.n_problems == 0)
                return 0;
        if (r.n_problems > 1)
                (void) fault_set(f, -EINVAL, path, "%s (and %zu more)", problems[0], r.n_problems - 1);
        else
                (void) fault_set(f, -EINVAL, path, "%s", problems[0]);
        if (ret_problems)
                *ret_problems = TAKE_PTR(problems);
        return -EINVAL;
}

int profile_parse(const char *text, size_t size, const char *path, bool is_conf, const Profile *base, Profile **ret,
                  char ***ret_problems, Fault *f)
{
        _cleanup_(profile_freep) Profile *p = NULL;
        int r;

        if (ret_problems)
                *ret_problems = NULL;
        r = profile_read(text, size, path, is_conf, base, &p, ret_problems, f);
        if (r >= 0)
                *ret = TAKE_PTR(p);
        return r;
}
