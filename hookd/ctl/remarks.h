/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/json.h"

/* What a look at files has found, each with its place. */
typedef struct Remark {
        bool error; /* it will not work; else it is worth knowing */
        char *path;
        unsigned line; /* 0: the file as a whole */
        char *text;    /* what is wrong and what to do: a clause without a period */
} Remark;

typedef struct Remarks {
        Remark *list;
        size_t n;
        bool out_of_memory; /* some are missing */
} Remarks;

void remarks_add(Remarks *l, bool error, const char *path, unsigned line, const char *fmt, ...) _printf_(5, 6);
/* By file, line, errors first; what is there twice goes. */
void remarks_sort(Remarks *l);
size_t remarks_errors(const Remarks *l);
void remarks_clear(Remarks *l);
#define _cleanup_remarks_ _cleanup_(remarks_clear)

/* "path:line: error: text", wrapped. */
void remarks_print(const Remarks *l, bool colour, FILE *f);
/* An array of objects: level ("error", "warning"), file, line (-1: the file as a whole), text. */
void remarks_json(const Remarks *l, Json *j, const char *key);
