/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static unsigned missed;

void bench_fail(const char *fmt, ...)
{
        va_list ap;

        (void) fflush(stdout);
        va_start(ap, fmt);
        (void) vfprintf(stderr, fmt, ap);
        va_end(ap);
        (void) fputc('\n', stderr);
        exit(1);
}

uint64_t now_nsec(void)
{
        struct timespec ts = { 0 };

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}

void samples_init(Samples *s, size_t max)
{
        *s = (Samples){ .list = calloc(max, sizeof(*s->list)), .max = max };
        if (!s->list)
                bench_fail("out of memory");
        for (size_t i = 0; i < max; i++)
                s->list[i] = 1; /* its pages are there before anything is measured */
}

void samples_add(Samples *s, uint64_t nsec)
{
        if (s->n < s->max)
                s->list[s->n++] = nsec;
}

void samples_done(Samples *s)
{
        free(TAKE_PTR(s->list));
        s->n = s->max = 0;
}

static int by_time(const void *a, const void *b)
{
        const uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

        return x < y ? -1 : x > y;
}

uint64_t samples_percentile(Samples *s, unsigned p)
{
        if (s->n == 0)
                bench_fail("nothing was measured");
        qsort(s->list, s->n, sizeof(*s->list), by_time);
        return s->list[(s->n - 1) * p / 100];
}

void table_head(const char *title)
{
        (void) printf("\n%-58s %7s %10s %10s\n", title, "n", "median us", "p99 us");
}

void table_row(const char *what, Samples *s)
{
        double median = (double) samples_percentile(s, 50) / 1000, p99 = (double) samples_percentile(s, 99) / 1000;

        (void) printf("  %-56s %7zu %10.1f %10.1f\n", what, s->n, median, p99);
        (void) fflush(stdout);
}

void table_not_run(const char *what, const char *why)
{
        (void) printf("  %-56s NOT RUN: %s\n", what, why);
}

static void limit(const char *what, double value, bool kept, const char *relation, double bound, const char *unit)
{
        missed += !kept;
        (void) printf("  %-56s %7.2f %s %s %g%s%s: %s\n", what, value, unit, relation, bound, *unit ? " " : "", unit,
                      kept ? "kept" : "MISSED");
        (void) fflush(stdout);
}

void limit_at_most(const char *what, double value, double bound, const char *unit)
{
        limit(what, value, value <= bound, "at most", bound, unit);
}

void limit_at_least(const char *what, double value, double bound, const char *unit)
{
        limit(what, value, value >= bound, "at least", bound, unit);
}

unsigned limits_missed(void)
{
        return missed;
}
