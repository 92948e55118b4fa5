/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/fault.h"

#include "util/parse.h"

#include <stdarg.h>
#include <stdio.h>

static int vset(Fault *f, int code, const char *culprit, const char *fmt, va_list ap)
{
        if (f) {
                f->code = code;
                snprintf(f->culprit, sizeof(f->culprit), "%s", culprit ? culprit : "");
                vsnprintf(f->text, sizeof(f->text), fmt, ap);
                text_clean(f->culprit);
                text_clean(f->text);
        }
        return code;
}

int fault_set(Fault *f, int code, const char *culprit, const char *fmt, ...)
{
        va_list ap;
        int r;

        va_start(ap, fmt);
        r = vset(f, code, culprit, fmt, ap);
        va_end(ap);
        return r;
}

int fault_default(Fault *f, int code, const char *culprit, const char *fmt, ...)
{
        va_list ap;

        if (f && f->code != 0)
                return f->code;
        va_start(ap, fmt);
        (void) vset(f, code, culprit, fmt, ap);
        va_end(ap);
        return code;
}

int fault_prefix(Fault *f, const char *fmt, ...)
{
        char old[sizeof(f->text)];
        va_list ap;
        int n;

        if (!f || f->code == 0)
                return f ? f->code : -EINVAL;
        memcpy(old, f->text, sizeof(old));
        va_start(ap, fmt);
        n = vsnprintf(f->text, sizeof(f->text), fmt, ap);
        va_end(ap);
        if (n >= 0 && (size_t) n < sizeof(f->text))
                (void) snprintf(f->text + n, sizeof(f->text) - (size_t) n, ": %.*s",
                                (int) (sizeof(f->text) - (size_t) n - 3), old);
        text_clean(f->text);
        return f->code;
}

const char *fault_errno(int code)
{
        static char buf[128];
        const char *name = strerrorname_np(code < 0 ? -code : code);

        (void) snprintf(buf, sizeof(buf), "%s (%s)", strerror(code < 0 ? -code : code), name ? name : "?");
        return buf;
}
