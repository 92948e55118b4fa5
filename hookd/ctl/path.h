/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* root + path. Caller frees; NULL: out of memory. */
char *path_below(const char *root, const char *path);
/* Makes a folder (0755) and those above it, below root. 0 or -errno. */
int path_make(const char *root, const char *folder);
