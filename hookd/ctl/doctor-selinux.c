/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-checks.h"

#include <regex.h>

#define FIELDS_MAX 3

/* "system_u:object_r:virt_hook_t:s0": its third part. Caller frees. */
static char *type_of(const char *context)
{
        for (unsigned i = 0; i < 2; i++) {
                context += strcspn(context, ":");
                context += *context == ':';
        }
        return strndup(context, strcspn(context, ":"));
}

/* Does the pattern, which is anchored at both ends, fit? The letters before the first sign of a pattern decide for
 * nearly all of the thousands there are. Perl's extensions are passed over: none is used below /etc. */
static bool fits(const char *pattern, const char *path)
{
        _cleanup_free_ char *anchored = NULL;
        size_t stem = strcspn(pattern, ".^$?*+|[({\\");
        bool fit;
        regex_t re;

        if (pattern[stem] && strchr("?*{", pattern[stem]) && stem > 0)
                stem--;
        if (strncmp(pattern, path, stem) != 0)
                return false;
        if (asprintf(&anchored, "^(%s)$", pattern) < 0) {
                anchored = NULL;
                return false;
        }
        if (regcomp(&re, anchored, REG_EXTENDED | REG_NOSUB) != 0)
                return false;
        fit = regexec(&re, path, 0, NULL, 0) == 0;
        regfree(&re);
        return fit;
}

char *selinux_type(const char *contexts, const char *path)
{
        _cleanup_free_ char *copy = strdup(contexts), *type = NULL;
        char *rest = copy, *line;

        while ((line = strsep(&rest, "\n"))) {
                char *fields[FIELDS_MAX] = { NULL }, *word;
                size_t n = 0;

                while (n < FIELDS_MAX && (word = strsep(&line, " \t")))
                        if (*word)
                                fields[n++] = word;
                if (n < 2 || *fields[0] == '#' || (n == FIELDS_MAX && !streq(fields[1], "--")) ||
                    !fits(fields[0], path))
                        continue;
                free(type);
                type = streq(fields[n - 1], "<<none>>") ? NULL : type_of(fields[n - 1]);
        }
        return TAKE_PTR(type);
}

void check_selinux_label(const char *path, const char *label, const char *contexts, bool enforcing, Findings *fs)
{
        _cleanup_free_ char *is = type_of(label), *wanted = selinux_type(contexts, path);

        if (!is || !wanted || streq(is, wanted))
                return;
        finding_add(fs, AREA_SECURITY, enforcing ? FINDING_WARNING : FINDING_HINT,
                    "%s has the SELinux type %s, and by the policy it has %s: libvirt may be kept from "
                    "running it%s",
                    path, is, wanted, enforcing ? "" : " once SELinux enforces");
        finding_fix(fs, "restorecon -v %s", path);
}
