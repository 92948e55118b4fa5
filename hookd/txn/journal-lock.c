/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/journal-lock.h"

#include "txn/journal.h"
#include "util/fd.h"

#include <fcntl.h>
#include <poll.h>

#define GRACE (500 * USEC_PER_MSEC)

static const struct flock whole_file = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

int journal_lock_take(int fd, const char *path, bool wait, Fault *f)
{
        uint64_t deadline = now_usec() + GRACE;

        while (fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &whole_file) < 0) {
                if (errno == EINTR)
                        continue;
                if (errno != EAGAIN && errno != EACCES)
                        return fault_set(f, -errno, path, "cannot lock the journal %s: %s", path, fault_errno(-errno));
                if (now_usec() >= deadline)
                        return fault_set(
                                f, -EBUSY, path,
                                "another hookd-worker (or a kernel call of one that has not returned) still holds "
                                "the journal %s: `hookctl status` shows it",
                                path);
                (void) poll(NULL, 0, MIN(5, usec_to_poll(deadline))); /* there is no event for it with a deadline */
        }
        return 0;
}

bool journal_locked(const Journal *j)
{
        _cleanup_close_ int fd = openat(j->dir_fd, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        struct flock other = whole_file;

        return fd >= 0 && fcntl(fd, F_OFD_GETLK, &other) == 0 && other.l_type != F_UNLCK;
}
