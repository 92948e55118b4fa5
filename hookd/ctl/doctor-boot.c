/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-boot.h"

#include <stdio.h>

#define LINE_DEFAULT "GRUB_CMDLINE_LINUX_DEFAULT"
#define LINE_ALWAYS  "GRUB_CMDLINE_LINUX"

void boot_clear(Boot *b)
{
        strv_free(b->running);
        strv_free(b->next);
        strv_free(b->edit);
        strv_free(b->line);
        free(b->next_path);
        free(b->edit_path);
        free(b->denied);
        free(b->release);
        *b = (Boot){ 0 };
}

int boot_words(const char *text, char ***ret)
{
        _cleanup_strv_ char **words = NULL;

        for (const char *p = text; *p;) {
                _cleanup_free_ char *word = NULL;
                bool quoted = false;
                const char *end;

                p += strspn(p, " \t\n");
                for (end = p; *end && (quoted || !strchr(" \t\n", *end)); end++)
                        quoted = quoted != (*end == '"');
                if (end == p)
                        break;
                word = strndup(p, (size_t) (end - p));
                if (!word || strv_append(&words, word) < 0)
                        return -ENOMEM;
                p = end;
        }
        if (!words) {
                words = calloc(1, sizeof(*words)); /* empty is not unknown */
                if (!words)
                        return -ENOMEM;
        }
        strv_free(*ret);
        *ret = TAKE_PTR(words);
        return 0;
}

static int append_words(char ***to, char *const *words)
{
        STRV_FOREACH (word, words)
                if (strv_append(to, *word) < 0)
                        return -ENOMEM;
        return 0;
}

/* The value of an assignment, unquoted, with the two variables replaced by what they are. */
static int expand(const char *value, char **other, char **line, char ***ret)
{
        static const char *const names[] = { "${" LINE_DEFAULT "}", "$" LINE_DEFAULT, "${" LINE_ALWAYS "}",
                                             "$" LINE_ALWAYS };
        _cleanup_strv_ char **words = NULL, **all = NULL;
        _cleanup_free_ char *bare = strdup(value);
        size_t n;

        if (!bare)
                return -ENOMEM;
        n = strlen(bare);
        if (n >= 2 && (bare[0] == '"' || bare[0] == '\'')) {
                char *end = strrchr(bare + 1, bare[0]);

                if (end)
                        *end = '\0';
                memmove(bare, bare + 1, strlen(bare + 1) + 1);
        }
        if (boot_words(bare, &words) < 0)
                return -ENOMEM;
        STRV_FOREACH (word, words) {
                size_t i = 0;
                int r;

                while (i < ARRAY_SIZE(names) && !streq(*word, names[i]))
                        i++;
                r = i < 2                   ? append_words(&all, line)
                    : i < ARRAY_SIZE(names) ? append_words(&all, other)
                                            : strv_append(&all, *word);
                if (r < 0)
                        return r;
        }
        if (!all)
                return boot_words("", ret);
        strv_free(*ret);
        *ret = TAKE_PTR(all);
        return 0;
}

int boot_grub_default(const char *text, char ***other, char ***line)
{
        _cleanup_free_ char *copy = strdup(text);
        char *rest = copy, *s;
        int r = copy ? 0 : -ENOMEM;

        while (r >= 0 && (s = strsep(&rest, "\n"))) {
                _cleanup_strv_ char **value = NULL;
                char ***to, *sign;

                s += strspn(s, " \t");
                if (startswith(s, "export "))
                        s += strlen("export ");
                to = startswith(s, LINE_DEFAULT) && strchr("+=", s[strlen(LINE_DEFAULT)]) ? line
                     : startswith(s, LINE_ALWAYS) && strchr("+=", s[strlen(LINE_ALWAYS)]) ? other
                                                                                          : NULL;
                sign = strchr(s, '=');
                if (!to || !sign)
                        continue;
                r = expand(sign + 1, *other, *line, &value);
                if (r >= 0 && sign[-1] == '+')
                        r = append_words(to, value);
                else if (r >= 0) {
                        strv_free(*to);
                        *to = TAKE_PTR(value);
                }
        }
        return r;
}

int boot_menu(const char *text, const char *release, char ***ret, bool *ret_matched)
{
        static const char *const commands[] = { "linux", "linuxefi", "linux16", "options" };
        _cleanup_strv_ char **found = NULL;
        _cleanup_free_ char *copy = strdup(text);
        bool matched = release && strstr(text, release) && !strstr(text, "menuentry");
        char *rest = copy, *s;

        if (!copy)
                return -ENOMEM;
        while ((s = strsep(&rest, "\n"))) {
                char *command, *kernel;
                size_t i = 0;

                s += strspn(s, " \t");
                command = strsep(&s, " \t");
                while (i < ARRAY_SIZE(commands) && !streq(command, commands[i]))
                        i++;
                if (!s || i == ARRAY_SIZE(commands))
                        continue;
                if (streq(command, "options")) { /* there may be several: they add up */
                        _cleanup_strv_ char **more = NULL;

                        if (boot_words(s, &more) < 0 || append_words(&found, more) < 0)
                                return -ENOMEM;
                        continue;
                }
                s += strspn(s, " \t");
                kernel = strsep(&s, " \t");
                if (found && (matched || !release || !strstr(kernel, release)))
                        continue;
                if (s) { /* an entry's `linux` has nothing behind the kernel */
                        matched = release && strstr(kernel, release);
                        if (boot_words(s, &found) < 0)
                                return -ENOMEM;
                }
        }
        *ret_matched = matched;
        *ret = TAKE_PTR(found);
        return 0;
}

static void print_edit(const Boot *b, const char *remove, const char *add, FILE *out)
{
        bool first = true;

        (void) fprintf(out, "in %s: %s", b->edit_path, b->before);
        STRV_FOREACH (word, b->line)
                if (!streq0(remove, *word) && !streq0(add, *word)) {
                        (void) fprintf(out, "%s%s", first ? "" : " ", *word);
                        first = false;
                }
        if (add)
                (void) fprintf(out, "%s%s", first ? "" : " ", add);
        (void) fputs(b->after, out);
}

char *boot_fix(const Boot *b, const char *remove, const char *add)
{
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                return NULL;
        if (b->tool) {
                if (remove)
                        (void) fprintf(out, b->untool, remove);
                if (remove && add)
                        (void) fputs("; ", out);
                if (add)
                        (void) fprintf(out, b->tool, add);
        } else if (b->edit_path && (!remove || strv_contains(b->line, remove)))
                print_edit(b, remove, add, out);
        else
                (void) fprintf(out, "in %s %s%s%s%s%s", b->edit_path ? b->edit_path : "the boot loader's configuration",
                               remove ? "remove " : "", remove ? remove : "", remove && add ? " and " : "",
                               add ? "add " : "", add ? add : "");
        if (!b->tool && b->edit_path && b->apply)
                (void) fprintf(out, "; then %s", b->apply);
        if (fclose(out) == 0)
                return text;
        free(text);
        return NULL;
}
