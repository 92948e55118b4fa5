/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/parse.h"

#include <stdio.h>

/* JSON (RFC 8259) as it goes out: no tree, nothing to free. key: NULL inside of an array. */
typedef struct Json {
        FILE *out;
        unsigned depth;
        bool more[16]; /* by depth: a comma comes before the next member */
} Json;

void json_begin(Json *j, const char *key, char bracket);       /* '{' or '[' */
void json_end(Json *j, char bracket);                          /* '}' or ']'; the outermost ends the line */
void json_string(Json *j, const char *key, const char *value); /* NULL: null. What is no UTF-8 becomes '?'. */
void json_number(Json *j, const char *key, int64_t value);
void json_bool(Json *j, const char *key, bool value);
void json_null(Json *j, const char *key);
void json_strings(Json *j, const char *key, char *const *values); /* an array */
