/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-sight.h"

#include "wire/wire.h"

#include <stdio.h>
#include <sys/stat.h>

/* "mnt:[4026531841]"; NULL: it has gone, or is not for us to see. */
static char *mounts_of(Host *h, const char *pid)
{
        char path[64], *link = NULL;

        (void) snprintf(path, sizeof(path), "/proc/%s/ns/mnt", pid);
        return host_readlink_full(h, path, &link) < 0 ? NULL : link;
}

/* libvirt's daemons that have other files than the host. Its own may be in a mount namespace of systemd's making: they
 * have the host's hooks folder all the same. */
static bool is_container(Host *h, const char *pid, const char *own)
{
        _cleanup_free_ char *comm = NULL, *mounts = NULL;
        struct stat there, here;
        char path[96];

        (void) snprintf(path, sizeof(path), "/proc/%s/comm", pid);
        if (host_read(h, path, &comm) < 0 || !(streq(comm, "libvirtd") || streq(comm, "virtqemud")))
                return false;
        mounts = mounts_of(h, pid);
        if (!mounts || streq(mounts, own))
                return false;
        (void) snprintf(path, sizeof(path), "/proc/%s/root" HOOKS_FOLDER, pid);
        return stat(path, &there) < 0 || stat(HOOKS_FOLDER, &here) < 0 || there.st_dev != here.st_dev ||
               there.st_ino != here.st_ino;
}

int find_containers(Host *h, char ***ret)
{
        _cleanup_free_ char *own = mounts_of(h, "1");
        _cleanup_strv_ char **pids = NULL;

        if (!own || host_list(h, "/proc", &pids) < 0)
                return 0;
        STRV_FOREACH (pid, pids)
                if (strspn(*pid, "0123456789") == strlen(*pid) && is_container(h, *pid, own) &&
                    strv_append(ret, *pid) < 0)
                        return -ENOMEM;
        return 0;
}

void see_containers(const Sight *s, const HookImage *image, const Receipt *receipt, Findings *fs)
{
        STRV_FOREACH (pid, s->containers) {
                LibvirtContainer c = { .pid = *pid };
                char path[96];
                Fault f = { 0 };

                (void) snprintf(path, sizeof(path), "/proc/%s/root", *pid);
                if (hook_file_state(path, HOOK_MAIN, receipt, image, &c.hook, &f) < 0)
                        c.hook = HOOK_ABSENT;
                (void) snprintf(path, sizeof(path), "/proc/%s/root" WIRE_SOCKET, *pid);
                c.socket = host_exists(s->host, path);
                check_container(&c, s->ctl->shim, fs);
        }
}
