/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A unit test is a plain executable: this header, TEST(name) { … } any number of times, and TEST_MAIN once at the end.
 * A failed assertion prints where and what, and ends its test; the others still run. Arguments are names of the tests
 * to run. Exit status 0, 1, or 77 (meson: skipped) when nothing but skips happened. */

#include "util/macro.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>

typedef struct TestCase {
        const char *name;
        void (*run)(void);
        struct TestCase *next;
} TestCase;

static TestCase *test_first, **test_last = &test_first;
static jmp_buf test_jump;

static inline void test_add(TestCase *t)
{
        *test_last = t;
        test_last = &t->next;
}

/* Constructors run in the order of the file, so tests do too. */
#define TEST(id)                                                          \
        static void test_##id(void);                                      \
        static TestCase test_case_##id = { #id, test_##id, NULL };        \
        __attribute__((constructor)) static void test_register_##id(void) \
        {                                                                 \
                test_add(&test_case_##id);                                \
        }                                                                 \
        static void test_##id(void)

#define test_fail(...)                                                 \
        do {                                                           \
                (void) fprintf(stderr, "%s:%i: ", __FILE__, __LINE__); \
                (void) fprintf(stderr, __VA_ARGS__);                   \
                (void) fputc('\n', stderr);                            \
                longjmp(test_jump, 1);                                 \
        } while (0)

/* For what this machine cannot do: says why, never counts as passed. */
#define test_skip(...)                               \
        do {                                         \
                (void) fprintf(stderr, "NOT RUN: "); \
                (void) fprintf(stderr, __VA_ARGS__); \
                (void) fputc('\n', stderr);          \
                longjmp(test_jump, 2);               \
        } while (0)

#define assert_true(x)                                   \
        do {                                             \
                if (!(x))                                \
                        test_fail("%s is not true", #x); \
        } while (0)
#define assert_false(x)                                   \
        do {                                              \
                if (x)                                    \
                        test_fail("%s is not false", #x); \
        } while (0)
#define assert_null(x)     assert_true((x) == NULL)
#define assert_not_null(x) assert_true((x) != NULL)

#define assert_int_eq(a, b)                                                                     \
        do {                                                                                    \
                intmax_t a_ = (intmax_t) (a), b_ = (intmax_t) (b);                              \
                if (a_ != b_)                                                                   \
                        test_fail("%s is %" PRIdMAX ", not %" PRIdMAX " (%s)", #a, a_, b_, #b); \
        } while (0)

#define assert_str_eq(a, b)                                                                                \
        do {                                                                                               \
                const char *a_ = (a), *b_ = (b);                                                           \
                if (a_ != b_ && (!a_ || !b_ || strcmp(a_, b_) != 0))                                       \
                        test_fail("%s is \"%s\", not \"%s\"", #a, a_ ? a_ : "(null)", b_ ? b_ : "(null)"); \
        } while (0)

#define assert_contains(a, b)                                                                  \
        do {                                                                                   \
                const char *a_ = (a), *b_ = (b);                                               \
                if (!a_ || !strstr(a_, b_))                                                    \
                        test_fail("%s is \"%s\", without \"%s\"", #a, a_ ? a_ : "(null)", b_); \
        } while (0)

/* r >= 0, as functions that return a negative errno succeed. */
#define assert_ok(r)                                            \
        do {                                                    \
                int r_ = (r);                                   \
                if (r_ < 0)                                     \
                        test_fail("%s: %s", #r, strerror(-r_)); \
        } while (0)

static inline int test_main(int argc, char **argv)
{
        static int passed, failed, skipped; /* static: they live across longjmp() */

        for (TestCase *volatile t = test_first; t; t = t->next) {
                bool wanted = argc < 2;

                for (int i = 1; i < argc; i++)
                        wanted = wanted || streq(argv[i], t->name);
                if (!wanted)
                        continue;
                switch (setjmp(test_jump)) {
                case 0:
                        t->run();
                        passed++;
                        break;
                case 1:
                        (void) fprintf(stderr, "FAILED: %s\n", t->name);
                        failed++;
                        break;
                default:
                        (void) fprintf(stderr, "NOT RUN: %s\n", t->name);
                        skipped++;
                }
        }
        (void) printf("%i passed, %i failed", passed, failed);
        if (skipped > 0)
                (void) printf(", %i NOT RUN", skipped);
        (void) puts("");
        if (failed > 0 || (passed == 0 && skipped == 0))
                return 1;
        return passed == 0 ? 77 : 0;
}

#define TEST_MAIN                             \
        int main(int argc, char **argv)       \
        {                                     \
                return test_main(argc, argv); \
        }
