/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/host-real.h"
#include "util/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

/* /proc/PID/maps waits for the process's mmap lock, which a fault in a stuck driver may hold: it is read in a hand that
 * gets so long, and what is only mapped, not open, is not found when it does not come back. */
#define MAPS_USEC (3 * USEC_PER_SEC)
#define MAPS_MAX  ((size_t) 64 << 10)

static void closedirp(DIR **d)
{
        if (*d)
                (void) closedir(*d);
}

static int next_number(DIR *d)
{
        struct dirent *e;

        while ((e = readdir(d))) {
                uint64_t number;

                if (parse_uint(e->d_name, INT_MAX, &number) >= 0)
                        return (int) number;
        }
        return -1;
}

typedef struct Node {
        const char *path;
        bool there, device;
        dev_t dev, rdev;
        ino_t ino;
} Node;

typedef struct Search {
        Node *nodes;
        size_t n_nodes;
        HostHolder *found;
        size_t n_found;
} Search;

static Node *nodes_new(char *const *paths)
{
        Node *nodes = calloc(strv_length(paths) + 1, sizeof(*nodes)), *n = nodes;

        if (!nodes)
                return NULL;
        STRV_FOREACH (p, paths) {
                struct stat st;

                n->path = *p;
                if (stat(*p, &st) >= 0) {
                        n->there = true;
                        n->device = S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode);
                        n->dev = st.st_dev;
                        n->rdev = st.st_rdev;
                        n->ino = st.st_ino;
                }
                n++;
        }
        return nodes;
}

/* Which node an open file is: by path, or by number for a node with another name (a container's). Only what lies in
 * some dev folder is asked for its number: stat() of a file on a dead server would not return. */
static ssize_t match_fd(const Search *s, const char *link, const char *fd_path)
{
        struct stat st;

        if (*link != '/')
                return -1;
        for (size_t i = 0; i < s->n_nodes; i++)
                if (streq(link, s->nodes[i].path))
                        return (ssize_t) i;

        if (!strstr(link, "/dev/") || stat(fd_path, &st) < 0 || (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode)))
                return -1;
        for (size_t i = 0; i < s->n_nodes; i++)
                if (s->nodes[i].device && s->nodes[i].rdev == st.st_rdev)
                        return (ssize_t) i;
        return -1;
}

static bool already_found(const Search *s, int pid, const Node *node)
{
        for (size_t i = 0; i < s->n_found; i++)
                if (s->found[i].pid == pid && streq(s->found[i].node, node->path))
                        return true;
        return false;
}

static int read_uid(int pid, uint32_t *ret)
{
        _cleanup_free_ char *text = NULL;
        unsigned uid;
        char *line;
        int r;

        r = proc_read(pid, "status", &text);
        if (r < 0)
                return r;
        line = strstr(text, "\nUid:"); /* its folder belongs to root when it is not dumpable */
        if (!line || sscanf(line, " Uid: %u", &uid) != 1)
                return -EBADMSG;
        *ret = uid;
        return 0;
}

/* "0::/path" of the unified hierarchy, or the path systemd keeps in its own one where there is no unified. */
static int read_cgroup(int pid, char **ret)
{
        _cleanup_free_ char *text = NULL;
        char *legacy = NULL, *rest, *line;
        int r;

        r = proc_read(pid, "cgroup", &text);
        if (r < 0)
                return r;
        rest = text;
        while ((line = strsep(&rest, "\n"))) {
                char *name = strchr(line, ':');

                if (startswith(line, "0::/")) {
                        legacy = line + 3;
                        break;
                }
                if (name && startswith(name, ":name=systemd:"))
                        legacy = name + strlen(":name=systemd:");
        }
        *ret = strdup(legacy ? legacy : "");
        return *ret ? 0 : -ENOMEM;
}

static int add_found(Search *s, int pid, const Node *node, bool mapped)
{
        HostHolder *p, holder = { .pid = pid, .mapped = mapped };
        int r;

        if (already_found(s, pid, node))
                return 0;
        p = reallocarray(s->found, s->n_found + 1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        s->found = p;

        r = proc_stat(pid, &holder.comm, &holder.start_time);
        if (r >= 0)
                r = read_uid(pid, &holder.uid);
        if (r >= 0)
                r = read_cgroup(pid, &holder.cgroup);
        if (r >= 0)
                r = cgroup_units(holder.cgroup, &holder.unit, &holder.user_unit);
        if (r >= 0) {
                holder.node = strdup(node->path);
                r = holder.node ? 0 : -ENOMEM;
        }
        if (r < 0) {
                host_holder_clear(&holder);
                return r == -ENOMEM ? r : 0; /* it ended while we looked: it holds nothing */
        }
        s->found[s->n_found++] = holder;
        return 0;
}

/* A folder that is gone or not ours to see is empty. */
static int search_fds(Search *s, int pid, const char *folder)
{
        _cleanup_(closedirp) DIR *d = opendir(folder);
        int fd;

        while (d && (fd = next_number(d)) >= 0) {
                char path[PATH_MAX], link[PATH_MAX];
                ssize_t n;

                (void) snprintf(path, sizeof(path), "%s/%i", folder, fd);
                n = readlink(path, link, sizeof(link) - 1);
                if (n <= 0)
                        continue;
                link[n] = '\0';
                n = match_fd(s, link, path);
                if (n >= 0) {
                        int r = add_found(s, pid, s->nodes + n, false);

                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

/* Threads may have a table of open files of their own; kcmp() tells, and where it is not to be had every one is read.
 */
static int search_tasks(Search *s, int pid)
{
        _cleanup_(closedirp) DIR *d = NULL;
        char path[64];
        int task;

        (void) snprintf(path, sizeof(path), "/proc/%i/task", pid);
        d = opendir(path);
        while (d && (task = next_number(d)) >= 0) {
                int r;

                if (task == pid || syscall(SYS_kcmp, pid, task, KCMP_FILES, 0, 0) == 0)
                        continue;
                (void) snprintf(path, sizeof(path), "/proc/%i/task/%i/fd", pid, task);
                r = search_fds(s, pid, path);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int search_open(Search *s)
{
        _cleanup_(closedirp) DIR *d = opendir("/proc");
        int pid, r;

        if (!d)
                return -errno;
        while ((pid = next_number(d)) >= 0) {
                char path[64];

                (void) snprintf(path, sizeof(path), "/proc/%i/fd", pid);
                r = search_fds(s, pid, path);
                if (r >= 0)
                        r = search_tasks(s, pid);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* "7f…-7f… rw-s 00000000 00:06 123    /dev/dri/card0": by path, or by inode where it has another name. */
static ssize_t match_map(const Search *s, const char *line)
{
        const char *path = strchr(line, '/');
        unsigned major_, minor_;
        unsigned long inode;

        if (!path)
                return -1;
        for (size_t i = 0; i < s->n_nodes; i++)
                if (streq(path, s->nodes[i].path))
                        return (ssize_t) i;

        if (!strstr(path, "/dev/") || sscanf(line, "%*s %*s %*s %x:%x %lu", &major_, &minor_, &inode) != 3)
                return -1;
        for (size_t i = 0; i < s->n_nodes; i++) {
                const Node *n = s->nodes + i;

                if (n->there && n->dev == makedev(major_, minor_) && n->ino == inode)
                        return (ssize_t) i;
        }
        return -1;
}

/* Runs in a hand: pairs of pid and index as text. */
static int search_maps(void *arg, char *output, size_t output_max)
{
        const Search *s = arg;
        _cleanup_(closedirp) DIR *d = opendir("/proc");
        size_t used = 0;
        int pid;

        if (!d)
                return -errno;
        while ((pid = next_number(d)) >= 0) {
                _cleanup_free_ char *text = NULL;
                char *rest, *line;
                ssize_t last = -1;

                if (proc_read(pid, "maps", &text) < 0)
                        continue;
                rest = text;
                while ((line = strsep(&rest, "\n"))) {
                        ssize_t n = match_map(s, line);

                        if (n < 0 || n == last || output_max - used < 32)
                                continue;
                        used += (size_t) snprintf(output + used, output_max - used, "%i %zi\n", pid, n);
                        last = n; /* a driver's file is mapped in dozens of pieces */
                }
        }
        return 0;
}

static int search_mapped(Host *h, Search *s)
{
        _cleanup_free_ char *output = malloc(MAPS_MAX);
        char *rest, *line;
        pid_t pid;
        int r;

        if (!output)
                return -ENOMEM;
        r = hand_run(search_maps, s, MIN(h->deadline, now_usec() + MAPS_USEC), output, MAPS_MAX - 1, &pid);
        if (r == -ETIMEDOUT || r == -ECHILD)
                return 0;
        if (r < 0)
                return r;

        output[MAPS_MAX - 1] = '\0';
        rest = output;
        while ((line = strsep(&rest, "\n"))) {
                int holder;
                size_t node;

                if (sscanf(line, "%i %zu", &holder, &node) != 2 || node >= s->n_nodes)
                        continue;
                r = add_found(s, holder, s->nodes + node, true);
                if (r < 0)
                        return r;
        }
        return 0;
}

static size_t node_index(const HostHolder *h, char *const *nodes)
{
        size_t i = 0;

        while (nodes[i] && !streq(nodes[i], h->node))
                i++;
        return i;
}

static int compare_holders(const void *a, const void *b, void *nodes)
{
        const HostHolder *x = a, *y = b;
        size_t i, j;

        if (x->pid != y->pid)
                return x->pid < y->pid ? -1 : 1;
        i = node_index(x, nodes);
        j = node_index(y, nodes);
        return i < j ? -1 : i > j;
}

int real_holders(Host *h, char *const *nodes, HostHolder **ret, size_t *ret_n)
{
        Search s = { .n_nodes = strv_length(nodes) };
        int r = 0;

        if (!real_of(h)->whole)
                return -ENOTSUP;

        *ret = NULL;
        *ret_n = 0;
        if (s.n_nodes == 0)
                return 0;

        s.nodes = nodes_new(nodes);
        if (!s.nodes)
                return -ENOMEM;
        r = search_open(&s);
        if (r >= 0)
                r = search_mapped(h, &s);
        free(s.nodes);
        if (r < 0) {
                (void) holders_free(s.found, s.n_found);
                return r;
        }

        if (s.n_found > 0)
                qsort_r(s.found, s.n_found, sizeof(*s.found), compare_holders, (void *) nodes);
        *ret = s.found;
        *ret_n = s.n_found;
        return 0;
}
