/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/since.h"

#include "util/parse.h"

#include <time.h>

static int ago(const char *s, size_t size, uint64_t now, uint64_t *ret)
{
        _cleanup_free_ char *span = strndup(s, size);
        uint64_t usec;

        if (!span || parse_span(span, &usec) < 0 || usec > now)
                return -EINVAL;
        *ret = now - usec;
        return 0;
}

int since_parse(const char *s, uint64_t now, uint64_t *ret)
{
        static const char *const formats[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%H:%M:%S", "%H:%M" };
        time_t today = (time_t) (now / USEC_PER_SEC), t;
        struct tm tm;

        if (*s == '-')
                return ago(s + 1, strlen(s + 1), now, ret);
        if (endswith(s, " ago"))
                return ago(s, strlen(s) - strlen(" ago"), now, ret);
        if (!localtime_r(&today, &tm))
                return -EINVAL;
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        tm.tm_isdst = -1;
        if (streq(s, "yesterday"))
                tm.tm_mday--;
        else if (!streq(s, "today")) {
                const struct tm midnight = tm;
                const char *end = NULL;

                for (size_t i = 0; i < ARRAY_SIZE(formats) && !(end && *end == '\0'); i++) {
                        tm = midnight;
                        end = strptime(s, formats[i], &tm);
                }
                if (!end || *end != '\0')
                        return -EINVAL;
                tm.tm_isdst = -1;
        }
        t = mktime(&tm);
        if (t < 0)
                return -EINVAL;
        *ret = (uint64_t) t * USEC_PER_SEC;
        return 0;
}
