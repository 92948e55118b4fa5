/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

#include <sys/types.h>

/* CLOCK_MONOTONIC, CLOCK_BOOTTIME is not wanted: deadlines stop while the host sleeps. Microseconds. */
uint64_t now_usec(void);

/* Milliseconds from now to a deadline for poll(), rounded up, 0 when passed, at most INT_MAX. */
int usec_to_poll(uint64_t deadline);

/* Writes all of it, across EINTR and short writes. 0 or -errno. */
int write_all(int fd, const void *data, size_t size);

/* Reads a file of at most max bytes relative to dirfd (AT_FDCWD goes). *ret is NUL-terminated, owned by the caller;
 * *ret_size may be NULL. O_NOFOLLOW on the last component. -EFBIG over max, -EISDIR, -EINVAL for what is not a regular
 * file; -errno otherwise. Not for sysfs. */
int read_file_at(int dirfd, const char *path, size_t max, char **ret, size_t *ret_size);

/* Reads fd to its end until `deadline` (now_usec() scale), at most max bytes; never blocks longer, whatever the fd is:
 * waits with poll() first and reads what is there. The fd may be blocking or not. -ETIMEDOUT, -EFBIG, -errno. */
int read_fd_deadline(int fd, size_t max, uint64_t deadline, char **ret, size_t *ret_size);

/* Writes path atomically: temporary beside it, fsync, rename. 0 or -errno; nothing is left behind on failure. */
int write_file_atomic_at(int dirfd, const char *path, mode_t mode, const void *data, size_t size);
