/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/remarks.h"

#include "ctl/term.h"

#include <stdarg.h>

void remarks_add(Remarks *l, bool error, const char *path, unsigned line, const char *fmt, ...)
{
        Remark *grown = reallocarray(l->list, l->n + 1, sizeof(*grown)), *x;
        va_list ap;

        if (grown)
                l->list = grown;
        else {
                l->out_of_memory = true;
                return;
        }
        x = &l->list[l->n++];
        *x = (Remark){ .error = error, .path = strdup(path), .line = line };
        va_start(ap, fmt);
        if (vasprintf(&x->text, fmt, ap) < 0)
                x->text = NULL;
        va_end(ap);
        if (x->path && x->text) {
                text_clean(x->text);
                return;
        }
        l->out_of_memory = true;
        free(x->path);
        free(x->text);
        l->n--;
}

static int compare(const void *a, const void *b)
{
        const Remark *x = a, *y = b;
        int r = strcmp(x->path, y->path);

        if (r == 0 && x->line != y->line)
                r = x->line < y->line ? -1 : 1;
        if (r == 0)
                r = (int) y->error - (int) x->error;
        return r != 0 ? r : strcmp(x->text, y->text);
}

void remarks_sort(Remarks *l)
{
        size_t kept = 0;

        if (l->n > 0)
                qsort(l->list, l->n, sizeof(*l->list), compare);
        for (size_t i = 0; i < l->n; i++) {
                if (kept == 0 || compare(&l->list[kept - 1], &l->list[i]) != 0) {
                        l->list[kept++] = l->list[i];
                        continue;
                }
                free(l->list[i].path);
                free(l->list[i].text);
        }
        l->n = kept;
}

size_t remarks_errors(const Remarks *l)
{
        size_t n = 0;

        for (size_t i = 0; i < l->n; i++)
                n += l->list[i].error;
        return n;
}

void remarks_clear(Remarks *l)
{
        for (size_t i = 0; i < l->n; i++) {
                free(l->list[i].path);
                free(l->list[i].text);
        }
        free(l->list);
        *l = (Remarks){ 0 };
}

void remarks_print(const Remarks *l, bool colour, FILE *f)
{
        for (size_t i = 0; i < l->n; i++) {
                const Remark *x = &l->list[i];
                const char *level = x->error ? "error:" : "warning:";
                _cleanup_free_ char *path = text_escape(x->path);
                char line[16] = "";

                if (x->line > 0)
                        (void) snprintf(line, sizeof(line), "%u:", x->line);
                (void) fprintf(f, "%s:%s ", path ? path : "?", line);
                term_cell(f, colour, x->error ? COLOUR_RED : COLOUR_YELLOW, level, strlen(level) + 1);
                term_wrap(f, x->text, term_columns(path ? path : "?") + strlen(line) + strlen(level) + 3, 4);
        }
}

void remarks_json(const Remarks *l, Json *j, const char *key)
{
        json_begin(j, key, '[');
        for (size_t i = 0; i < l->n; i++) {
                const Remark *x = &l->list[i];

                json_begin(j, NULL, '{');
                json_string(j, "level", x->error ? "error" : "warning");
                json_string(j, "file", x->path);
                json_number(j, "line", x->line > 0 ? (int64_t) x->line : -1);
                json_string(j, "text", x->text);
                json_end(j, '}');
        }
        json_end(j, ']');
}
