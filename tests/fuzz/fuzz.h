/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A fuzz target is one file with fuzz_one(). It is linked twice: with main.c, which runs it over the files of a corpus
 * (every build, every compiler), and with libFuzzer (-Dfuzz=true, clang). */

#include "util/macro.h"

#include <stdio.h>

/* Any bytes at all; memory errors are the sanitizers' to find, a wrong result is CHECK()ed. */
void fuzz_one(const char *data, size_t size);

#define CHECK(x)                                                                       \
        do {                                                                           \
                if (!(x)) {                                                            \
                        (void) fprintf(stderr, "%s:%i: %s\n", __FILE__, __LINE__, #x); \
                        abort();                                                       \
                }                                                                      \
        } while (0)

/* A refusal has a sentence of one line. */
#define CHECK_FAULT(r, f)                                                  \
        do {                                                               \
                CHECK((f)->code == (r) && (f)->text[0] != '\0');           \
                for (const char *c_ = (f)->text; *c_; c_++)                \
                        CHECK((unsigned char) *c_ >= 0x20 && *c_ != 0x7f); \
        } while (0)
