/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

#include <stdio.h>

#define TERM_WIDTH 80

/* Colours only where somebody looks: a terminal, and no NO_COLOR (no-color.org). */
bool term_colour(FILE *f);
#define COLOUR_BOLD   "1"
#define COLOUR_RED    "31"
#define COLOUR_GREEN  "32"
#define COLOUR_YELLOW "33"

/* Columns that UTF-8 text takes on a terminal, whatever the locale: two for most of CJK and emoji, none for what
 * combines with the character before it, one for a byte that is no UTF-8. */
size_t term_columns(const char *s);
/* The beginning of text that fits into `columns`, with "…" for its end where something was left out. buf has
 * TERM_CLIP_MAX bytes, of which a long text gets no more. Returns buf. */
#define TERM_CLIP_MAX 256
const char *term_clip(const char *text, size_t columns, char buf[TERM_CLIP_MAX]);
/* From here on a control character in the text, or what is no UTF-8, becomes '?': it cannot move the cursor.
 *
 * Text padded with blanks to a width, in a colour where `colour` says so and code is not NULL. */
void term_cell(FILE *f, bool colour, const char *code, const char *text, size_t width);
/* Text in words, within TERM_WIDTH columns: the first line begins after `used` columns, the others at `indent`. Ends
 * the line. A word that is too long stays whole. */
void term_wrap(FILE *f, const char *text, size_t used, size_t indent);
/* The same in a colour, as term_cell(). */
void term_wrap_cell(FILE *f, bool colour, const char *code, const char *text, size_t used, size_t indent);
/* One of a row's columns, which begins at `begin`; the next one begins at `end`: on the same line, or, where the text
 * is too long for that, on the next. */
void term_column(FILE *f, bool colour, const char *code, const char *text, size_t begin, size_t end);
/* "2026-11-21 05:00:12", local time, of microseconds of CLOCK_REALTIME. */
#define TERM_TIME_MAX 32
const char *term_time(uint64_t usec, char buf[TERM_TIME_MAX]);
/* "117 ms", "3.05 s", "2 min 5 s", "3 h 12 min". */
#define TERM_SPAN_MAX 32
const char *term_span(uint64_t usec, char buf[TERM_SPAN_MAX]);
