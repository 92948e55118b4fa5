/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/txn.h"

#include <stdio.h>

/* The vfio groups of the card: a QEMU that has the card has one of them open (drivers/vfio/group.c). */
static int group_nodes(Txn *t, char ***ret)
{
        STRV_FOREACH (bdf, t->journal->plan->functions) {
                _cleanup_free_ char *path = NULL, *group = NULL, *node = NULL;

                if (asprintf(&path, "/sys/bus/pci/devices/%s/iommu_group", *bdf) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }
                if (host_readlink(t->host, path, &group) < 0)
                        continue; /* removed, or no IOMMU: then nobody can have it open */
                if (asprintf(&node, "/dev/vfio/%s", group) < 0) {
                        node = NULL;
                        return -ENOMEM;
                }
                if (!strv_contains(*ret, node) && strv_append(ret, node) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* Field 22 of /proc/PID/stat, after the command in parentheses, which may hold anything; *ret_state is field 3. */
static int process_start(Host *h, int pid, uint64_t *ret_start, char *ret_state)
{
        _cleanup_free_ char *text = NULL;
        char path[64], *s;

        (void) snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        if (host_read(h, path, &text) < 0 || !(s = strrchr(text, ')')) || s[1] != ' ')
                return -ESRCH;
        s += 2;
        *ret_state = *s;
        for (int field = 3; field < 22; field++) {
                s = strchr(s, ' ');
                if (!s)
                        return -ESRCH;
                s++;
        }
        *ret_start = strtoull(s, NULL, 10);
        return 0;
}

bool txn_owner_alive(Txn *t)
{
        uint64_t start = 0;
        char state = 'Z';

        return t->journal->owner_pid > 0 && process_start(t->host, t->journal->owner_pid, &start, &state) == 0 &&
               state != 'Z' && start == t->journal->owner_start;
}

/* libvirt keeps /run/libvirt/qemu/NAME.pid from QEMU's fork until just before release. The number alone may be stale.
 */
static bool qemu_by_pid_file(Txn *t)
{
        _cleanup_free_ char *path = NULL, *text = NULL, *cmdline = NULL, *proc = NULL;
        uint64_t pid = 0, start;
        char state = 'Z';

        if (asprintf(&path, "/run/libvirt/qemu/%s.pid", t->journal->plan->domain) < 0) {
                path = NULL;
                return false;
        }
        if (strchr(t->journal->plan->domain, '/') || host_read(t->host, path, &text) < 0 ||
            parse_uint(text, INT32_MAX, &pid) < 0 || process_start(t->host, (int) pid, &start, &state) < 0 ||
            state == 'Z')
                return false;
        if (asprintf(&proc, "/proc/%d/comm", (int) pid) < 0) {
                proc = NULL;
                return false;
        }
        return host_read(t->host, proc, &cmdline) >= 0 && startswith(cmdline, "qemu");
}

int txn_guest_alive(Txn *t, HostHolder **ret, size_t *ret_n)
{
        _cleanup_strv_ char **nodes = NULL;
        HostHolder *holders = NULL;
        size_t n = 0;
        int r;

        r = group_nodes(t, &nodes);
        if (r < 0)
                return r;
        if (nodes) {
                r = host_holders(t->host, nodes, &holders, &n);
                if (r < 0)
                        return r;
        }
        if (ret) {
                *ret = holders;
                *ret_n = n;
        } else
                holders_free(holders, n);
        return n > 0 || qemu_by_pid_file(t);
}
