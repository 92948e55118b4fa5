/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/txn.h"

#include <stdio.h>

/* The vfio group of a device, if it is in one. */
static int group_node(Txn *t, const char *bus, const char *device, char ***ret)
{
        _cleanup_free_ char *path = NULL, *group = NULL, *node = NULL;
        int r;

        if (asprintf(&path, "/sys/bus/%s/devices/%s/iommu_group", bus, device) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = host_readlink(t->host, path, &group);
        if (r < 0) /* removed, or no IOMMU: then nobody can have it open */
                return r == -ENOENT ? 0 : r;
        if (asprintf(&node, "/dev/vfio/%s", group) < 0) {
                node = NULL;
                return -ENOMEM;
        }
        return strv_contains(*ret, node) ? 0 : strv_append(ret, node);
}

/* The vfio groups of what the guest has: a QEMU that has a device has its group open (drivers/vfio/group.c). */
static int group_nodes(Txn *t, char ***ret)
{
        int r = 0;

        STRV_FOREACH (bdf, t->journal->plan->functions)
                r = r < 0 ? r : group_node(t, "pci", *bdf, ret);
        STRV_FOREACH (uuid, t->journal->plan->mediated)
                r = r < 0 ? r : group_node(t, "mdev", *uuid, ret);
        return r;
}

/* A process as /proc/PID/stat has it. One whose first thread is a zombie lives on while another thread is in the
 * kernel: closing a vfio device, for instance, and then it has no open files to be found by. */
typedef struct Process {
        int pid;
        uint64_t start;
        bool ended;
        char comm[32];
} Process;

/* -ESRCH: there is none; any other error: nobody can tell. */
static int process_look(Host *h, int pid, Process *ret)
{
        _cleanup_free_ char *text = NULL;
        unsigned long long start;
        char path[64], *open_paren, *s, state;
        int threads, r;

        (void) snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        r = host_read(h, path, &text);
        if (r < 0)
                return r == -ENOENT ? -ESRCH : r;
        open_paren = strchr(text, '(');
        s = strrchr(text, ')'); /* what is between them may hold anything */
        if (!open_paren || !s || s < open_paren)
                return -ESRCH;
        *s++ = '\0';
        /* state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime stime cutime cstime priority nice
         * threads itrealvalue starttime */
        if (sscanf(s,
                   " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d %*s "
                   "%llu",
                   &state, &threads, &start) != 3)
                return -ESRCH;
        *ret = (Process){ .pid = pid, .start = start, .ended = (state == 'Z' || state == 'X') && threads <= 1 };
        (void) snprintf(ret->comm, sizeof(ret->comm), "%s", open_paren + 1);
        return 0;
}

/* 1, 0 or -errno. */
static int process_lives(Host *h, int pid, uint64_t start, Process *ret)
{
        int r = pid > 0 ? process_look(h, pid, ret) : -ESRCH;

        if (r < 0)
                return r == -ESRCH ? 0 : r;
        return !ret->ended && ret->start == start;
}

bool txn_owner_alive(Txn *t)
{
        Process p;

        /* where nobody can tell nothing must be taken back */
        return process_lives(t->host, t->journal->owner_pid, t->journal->owner_start, &p) != 0;
}

static bool is_qemu(const char *comm)
{
        return comm && (strstr(comm, "qemu") || strstr(comm, "kvm"));
}

/* Is it the number that the process has itself? In a container whose /run is the host's the file has a number of that
 * container's, which here may be another guest's QEMU. */
static bool is_own_number(Host *h, int pid)
{
        _cleanup_free_ char *text = NULL;
        const char *line;
        char path[64];

        (void) snprintf(path, sizeof(path), "/proc/%d/status", pid);
        if (host_read(h, path, &text) < 0 || !(line = strstr(text, "\nNSpid:\t")))
                return true; /* nobody can tell */
        line += strlen("\nNSpid:\t");
        return !memchr(line, '\t', strcspn(line, "\n"));
}

/* libvirt keeps /run/libvirt/qemu/NAME.pid from QEMU's fork until just before release. The number alone may be stale.
 * Where libvirt lives in a container only the daemon finds the file; it notes in the journal what that says. */
static int by_pid_file(Txn *t, Process *ret)
{
        _cleanup_free_ char *path = NULL, *text = NULL;
        uint64_t pid = 0;
        int r;

        if (strchr(t->journal->plan->domain, '/'))
                return 0;
        if (asprintf(&path, "/run/libvirt/qemu/%s.pid", t->journal->plan->domain) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = host_read(t->host, path, &text);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (parse_uint(text, INT32_MAX, &pid) < 0)
                return 0;
        r = process_look(t->host, (int) pid, ret);
        if (r < 0)
                return r == -ESRCH ? 0 : r;
        return !ret->ended && is_qemu(ret->comm) && is_own_number(t->host, ret->pid);
}

static int add_process(HostHolder **holders, size_t *n, const Process *p)
{
        HostHolder *grown;

        for (size_t i = 0; i < *n; i++)
                if ((*holders)[i].pid == p->pid)
                        return 0;
        grown = reallocarray(*holders, *n + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        *holders = grown;
        grown[*n] = (HostHolder){ .pid = p->pid, .start_time = p->start, .comm = strdup(p->comm) };
        if (!grown[(*n)++].comm)
                return -ENOMEM;
        return 0;
}

int txn_guest_alive(Txn *t, HostHolder **ret, size_t *ret_n)
{
        _cleanup_strv_ char **nodes = NULL;
        HostHolder *holders = NULL;
        size_t n = 0;
        Process p;
        int r;

        r = group_nodes(t, &nodes);
        if (r >= 0 && nodes)
                r = host_holders(t->host, nodes, &holders, &n);
        if (r >= 0)
                r = process_lives(t->host, t->journal->guest_pid, t->journal->guest_start, &p);
        if (r > 0)
                r = add_process(&holders, &n, &p);
        if (r >= 0)
                r = by_pid_file(t, &p);
        if (r > 0)
                r = add_process(&holders, &n, &p);
        if (r >= 0)
                r = n > 0;
        if (r >= 0 && ret) {
                *ret = holders;
                *ret_n = n;
        } else
                holders_free(holders, n);
        return r;
}

/* While the guest is being started a process that has the card open need not be its QEMU. */
static bool waited_for(Txn *t, const HostHolder *h)
{
        return is_qemu(h->comm) || t->journal->guest_pid > 0 || txn_was_stopped(t->journal) || !txn_owner_alive(t);
}

int txn_note_guest(Txn *t, const HostHolder *holders, size_t n)
{
        Process p;

        if (process_lives(t->host, t->journal->guest_pid, t->journal->guest_start, &p) != 0)
                return t->journal->guest_pid;
        for (size_t i = 0; i < n; i++)
                if (waited_for(t, holders + i)) {
                        int r = journal_set_guest(t->journal, holders[i].pid, holders[i].start_time);

                        return r < 0 ? r : holders[i].pid;
                }
        return 0;
}
