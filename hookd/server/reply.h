/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* One message to a client. Never waits: who does not read what was sent to him has had his chance. 0 or -errno. */
int reply_accepted(int fd, uint64_t usec); /* rounded up to seconds */
int reply_text(int fd, const char *line);
int reply_result(int fd, uint32_t value, const char *text);
