/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/json.h"

#include <inttypes.h>

static void put_text(Json *j, const char *s)
{
        _cleanup_free_ char *clean = strdup(s);

        (void) fputc('"', j->out);
        if (clean)
                text_clean(clean);
        for (const char *p = clean ? clean : ""; *p; p++)
                (void) fprintf(j->out, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
        (void) fputc('"', j->out);
}

static void begin_member(Json *j, const char *key)
{
        if (j->more[j->depth])
                (void) fputc(',', j->out);
        j->more[j->depth] = true;
        if (j->depth > 0)
                (void) fprintf(j->out, "\n%*s", (int) j->depth * 2, "");
        if (key) {
                put_text(j, key);
                (void) fputs(": ", j->out);
        }
}

void json_begin(Json *j, const char *key, char bracket)
{
        begin_member(j, key);
        (void) fputc(bracket, j->out);
        if (j->depth + 1 < ARRAY_SIZE(j->more))
                j->depth++;
        j->more[j->depth] = false;
}

void json_end(Json *j, char bracket)
{
        bool empty = !j->more[j->depth];

        if (j->depth > 0)
                j->depth--;
        if (!empty)
                (void) fprintf(j->out, "\n%*s", (int) j->depth * 2, "");
        (void) fputc(bracket, j->out);
        if (j->depth == 0)
                (void) fputc('\n', j->out);
}

void json_string(Json *j, const char *key, const char *value)
{
        if (!value) {
                json_null(j, key);
                return;
        }
        begin_member(j, key);
        put_text(j, value);
}

void json_number(Json *j, const char *key, int64_t value)
{
        begin_member(j, key);
        (void) fprintf(j->out, "%" PRId64, value);
}

void json_bool(Json *j, const char *key, bool value)
{
        begin_member(j, key);
        (void) fputs(value ? "true" : "false", j->out);
}

void json_null(Json *j, const char *key)
{
        begin_member(j, key);
        (void) fputs("null", j->out);
}

void json_strings(Json *j, const char *key, char *const *values)
{
        json_begin(j, key, '[');
        STRV_FOREACH (s, values)
                json_string(j, NULL, *s);
        json_end(j, ']');
}
