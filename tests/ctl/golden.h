/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a test expects, as files. Part of the test, as test.h is. */

#include "unit/test.h"
#include "util/fd.h"

#include <fcntl.h>

/* The text of golden/NAME, and (may be NULL) its size; the caller frees it. */
static inline char *golden(const char *name, size_t *ret_size)
{
        char path[256], *text;

        (void) snprintf(path, sizeof(path), TESTS_DIR "/ctl/golden/%s", name);
        assert_ok(read_file_at(AT_FDCWD, path, 1 << 20, &text, ret_size));
        return text;
}

/* golden/NAME.out says just this; with BLESS=1 it becomes so. */
static inline void expect_golden(const char *is, const char *name)
{
        _cleanup_free_ char *expected = NULL;
        char path[256];

        (void) snprintf(path, sizeof(path), TESTS_DIR "/ctl/golden/%s.out", name);
        if (getenv("BLESS"))
                assert_ok(write_file_atomic_at(AT_FDCWD, path, 0644, is, strlen(is)));
        assert_ok(read_file_at(AT_FDCWD, path, 1 << 20, &expected, NULL));
        assert_str_eq(is, expected);
}
