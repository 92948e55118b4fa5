/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/recover.h"

#include "ctl/term.h"

#include <dirent.h>
#include <stdarg.h>

/* One line of clean text. Caller frees; NULL: out of memory. */
static char *clean(Recover *r, const char *fmt, va_list ap)
{
        char *text = NULL;

        if (vasprintf(&text, fmt, ap) < 0) {
                r->failed = true;
                return NULL;
        }
        text_clean(text);
        return text;
}

void recover_say(Recover *r, unsigned indent, const char *fmt, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list ap;

        va_start(ap, fmt);
        text = clean(r, fmt, ap);
        va_end(ap);
        if (!text)
                return;
        r->failed = strv_append(&r->said, text) < 0 || r->failed;
        if (r->ctl->json)
                return;
        (void) printf("%*s", (int) indent, "");
        term_wrap(stdout, text, indent, indent + 4);
        (void) fflush(stdout); /* while it happens, whatever stdout is */
}

void recover_left(Recover *r, const char *fmt, ...)
{
        _cleanup_free_ char *text = NULL;
        Loss *list;
        va_list ap;

        va_start(ap, fmt);
        text = clean(r, fmt, ap);
        va_end(ap);
        list = text ? reallocarray(r->left, r->n_left + 1, sizeof(*list)) : NULL;
        if (!list) {
                r->failed = true;
                return;
        }
        r->left = list;
        list[r->n_left++] = (Loss){ .text = TAKE_PTR(text) };
}

void recover_command(Recover *r, const char *fmt, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list ap;

        va_start(ap, fmt);
        text = clean(r, fmt, ap);
        va_end(ap);
        if (text && r->n_left > 0)
                r->failed = strv_append(&r->left[r->n_left - 1].commands, text) < 0 || r->failed;
}

const char *recover_quote(const char *name)
{
        static char buf[1024];
        size_t n = 1;

        if (*name && *name != '-' &&
            strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:/_+-") == strlen(name))
                return name;
        *buf = '\'';
        for (const char *s = name; *s && n < sizeof(buf) - 6; s++)
                n += (size_t) snprintf(buf + n, sizeof(buf) - n, *s == '\'' ? "'\\''" : "%c", *s);
        (void) snprintf(buf + n, sizeof(buf) - n, "'");
        return buf;
}

void recover_clear(Recover *r)
{
        for (size_t i = 0; i < r->n_left; i++) {
                free(r->left[i].text);
                strv_free(r->left[i].commands);
        }
        free(r->left);
        strv_free(r->said);
        strv_free(r->held);
        free(r->journals);
        if (r->host)
                (void) host_free(r->host);
}

void recover_step(void *userdata, const char *line)
{
        recover_say(userdata, 2, "%s", line);
}

void recover_bad(Recover *r)
{
        DIR *dir = opendir(r->journals);
        struct dirent *e;

        while (dir && (e = readdir(dir)))
                if (startswith(e->d_name, "bad-")) {
                        recover_left(r, "The journal of a guest could not be read, and what was changed for it is not "
                                        "known. When the host is fine again:");
                        recover_command(r, "rm -r %s/%s", r->journals, e->d_name);
                }
        if (dir)
                (void) closedir(dir);
}
