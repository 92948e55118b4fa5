/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

#include <time.h>

/* A line for hookctl: a word and key=value fields by tabs, values escaped. Built in a fixed buffer: a field that does
 * not fit is cut, the line stays one. */
typedef struct Record {
        char text[7168];
        size_t n;
} Record;

void record_begin(Record *r, const char *word);
void record_text(Record *r, const char *key, const char *value); /* NULL: empty */
void record_number(Record *r, const char *key, uint64_t value);
void record_send(const Record *r, int fd); /* as a WIRE_TEXT */

/* A moment of another clock (microseconds), on CLOCK_REALTIME as it is set now. */
uint64_t record_realtime(clockid_t clock, uint64_t then);
