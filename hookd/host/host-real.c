/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/host-real.h"
#include "util/fd.h"

#include <fcntl.h>
#include <stdio.h>

int real_hand(Host *h, HandFunction fn, void *arg, char *output, size_t output_max, const char *what,
              const char *target)
{
        pid_t pid;
        int r;

        r = hand_run(fn, arg, h->deadline, output, output_max, &pid);
        if (r == -ECHILD) /* killed, before its call or after: every call may be made twice */
                r = hand_run(fn, arg, h->deadline, output, output_max, &pid);
        if (pid > 0) {
                h->stuck = true;
                h->stuck_pid = pid;
                (void) snprintf(h->stuck_what, sizeof(h->stuck_what), "%s %s", what, target);
                (void) hand_stack(pid, h->stuck_in, sizeof(h->stuck_in));
        }
        return r;
}

static uint64_t real_now(Host *h _unused_)
{
        return now_usec();
}

static void real_free(Host *host)
{
        RealHost *h = real_of(host);

        (void) systemd_free(h->systemd);
        closep(&h->uevent_fd);
        closep(&h->root_fd);
        free(h);
}

static const HostOps real_ops = {
        .read = real_read,
        .write = real_write,
        .readlink = real_readlink,
        .list = real_list,
        .exists = real_exists,
        .module = real_module,
        .unit = real_unit,
        .look = real_look,
        .script = real_script,
        .session = real_session,
        .holders = real_holders,
        .signal = real_signal,
        .wait = real_wait,
        .now = real_now,
        .free = real_free,
};

int host_new(const char *root, Host **ret, Fault *f)
{
        RealHost *h;
        int fd;

        fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
                int r = -errno;

                return fault_set(f, r, root, "cannot open %s, the root of the host: %s", root, fault_errno(r));
        }

        h = calloc(1, sizeof(*h));
        if (!h) {
                (void) close(fd);
                return fault_set(f, -ENOMEM, root, "out of memory");
        }
        *h = (RealHost){
                .host = { .ops = &real_ops, .deadline = UINT64_MAX, .cancel_fd = -1 },
                .root_fd = fd,
                .whole = streq(root, "/"),
                .uevent_fd = -1,
                .bus_address = HOST_BUS_ADDRESS,
        };
        *ret = &h->host;
        return 0;
}
