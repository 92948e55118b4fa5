/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* A line for hookctl: a word and key=value fields by tabs, values escaped. Built in a fixed buffer: a field that does
 * not fit is cut, the line stays one. */
typedef struct RecordLine {
        char text[7168];
        size_t n;
} RecordLine;

void record_begin(RecordLine *r, const char *word);
void record_text(RecordLine *r, const char *key, const char *value); /* NULL: empty */
void record_number(RecordLine *r, const char *key, uint64_t value);
