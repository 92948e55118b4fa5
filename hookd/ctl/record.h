/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/parse.h"

#include <stdio.h>

/* The lines of the daemon (server/status.h) and of its workers (txn/plan-record.h): a word and key=value fields by
 * tabs. Values stay escaped, so that nothing in them can move a terminal's cursor. */
typedef struct Record {
        char **fields; /* the word first */
} Record;

typedef struct Records {
        Record *list;
        size_t n;
} Records;

int records_add(Records *r, const char *line); /* 0 or -ENOMEM */
void records_clear(Records *r);
void records_print_raw(const Records *r, FILE *f); /* as they came */
/* "" where there is no such field. */
const char *record_value(const Record *r, const char *key);
/* Its text itself; as it came where it is cut. Caller frees; NULL: out of memory. */
char *record_unescaped(const Record *r, const char *key);

/* For people. `now` is CLOCK_REALTIME in microseconds. */
void records_print(const Records *r, bool colour, uint64_t now, FILE *f);
