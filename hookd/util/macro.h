/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a)         (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)             ((a) < (b) ? (a) : (b))
#define MAX(a, b)             ((a) > (b) ? (a) : (b))
#define streq(a, b)           (strcmp((a), (b)) == 0)
#define streq0(a, b)          (strcmp((a) ? (a) : "", (b) ? (b) : "") == 0)
#define startswith(s, prefix) (strncmp((s), (prefix), strlen(prefix)) == 0)
#define _cleanup_(f)          __attribute__((cleanup(f)))
#define _printf_(a, b)        __attribute__((format(printf, a, b)))
#define _unused_              __attribute__((unused))

/* Hands the pointer over: the variable is NULL afterwards. */
#define TAKE_PTR(p)                     \
        ({                              \
                __typeof__(p) p_ = (p); \
                (p) = NULL;             \
                p_;                     \
        })
#define TAKE_FD(fd)             \
        ({                      \
                int fd_ = (fd); \
                (fd) = -1;      \
                fd_;            \
        })

#define USEC_PER_SEC  UINT64_C(1000000)
#define USEC_PER_MSEC UINT64_C(1000)

static inline bool endswith(const char *s, const char *suffix)
{
        size_t n = strlen(s), m = strlen(suffix);

        return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

static inline void freep(void *p)
{
        free(*(void **) p);
}

static inline void closep(int *fd)
{
        if (*fd >= 0)
                (void) close(*fd);
}

#define _cleanup_free_  _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)

/* Defines NAMEp() for _cleanup_(): calls free_func on a non-NULL pointer. */
#define DEFINE_CLEANUP(type, free_func)           \
        static inline void free_func##p(type **p) \
        {                                         \
                if (*p)                           \
                        (void) free_func(*p);     \
        }
