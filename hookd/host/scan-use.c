/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/scan-parts.h"

#include <stdarg.h>
#include <stdio.h>

/* What the host itself lives on: a controller whose disk or network card is in use is not given away. */

typedef struct Uses {
        char *mounts[2]; /* ours and PID 1's: the daemon has a mount namespace of its own */
        char *swaps;
        char **btrfs; /* block devices of mounted btrfs file systems, which have device numbers of their own */
} Uses;

static void uses_clear(Uses *u)
{
        free(u->mounts[0]);
        free(u->mounts[1]);
        free(u->swaps);
        (void) strv_free(u->btrfs);
}

static int uses_read(Host *h, Uses *u)
{
        _cleanup_strv_ char **ids = NULL;
        int r;

        if ((r = scan_read(h, &u->mounts[0], "/proc/self/mountinfo")) < 0 ||
            (r = scan_read(h, &u->mounts[1], "/proc/1/mountinfo")) < 0 ||
            (r = scan_read(h, &u->swaps, "/proc/swaps")) < 0 || (r = scan_list(h, &ids, "/sys/fs/btrfs")) < 0)
                return r;
        STRV_FOREACH (id, ids) {
                _cleanup_strv_ char **devices = NULL;

                r = scan_list(h, &devices, "/sys/fs/btrfs/%s/devices", *id);
                STRV_FOREACH (d, devices) {
                        if (r >= 0)
                                r = strv_append(&u->btrfs, *d);
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Is this the source a mount or a swap line names? Only as a word of its own. */
static bool names_device(const char *word, size_t len, const char *device)
{
        return len == strlen("/dev/") + strlen(device) && startswith(word, "/dev/") &&
               strncmp(word + strlen("/dev/"), device, strlen(device)) == 0;
}

/* "36 35 98:0 /root /mnt rw,noatime shared:1 - ext4 /dev/sda1 rw": 1 and the mount point, or 0. */
static int find_mount(const char *mounts, const char *device, const char *number, const char **ret, size_t *ret_len)
{
        for (const char *line = mounts; line && *line;) {
                const char *end = line + strcspn(line, "\n"), *field = line, *fields[5], *source;

                for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
                        fields[i] = field;
                        field += strcspn(field, " \n");
                        field += *field == ' ';
                }
                source = memmem(field, (size_t) (end - field), " - ", 3);
                if (source) {
                        source += 3;
                        source += strcspn(source, " \n");
                        source += *source == ' ';
                }
                if ((strcspn(fields[2], " \n") == strlen(number) && startswith(fields[2], number)) ||
                    (source && names_device(source, strcspn(source, " \n"), device))) {
                        *ret = fields[4];
                        *ret_len = strcspn(fields[4], " \n");
                        return 1;
                }
                line = end + (*end == '\n');
        }
        return 0;
}

static bool is_swap(const char *swaps, const char *device)
{
        for (const char *line = swaps; line && *line;) {
                if (names_device(line, strcspn(line, " \t\n"), device))
                        return true;
                line += strcspn(line, "\n");
                line += *line == '\n';
        }
        return false;
}

/* "the LVM volume vg0-root" for dm-0, by what device-mapper's users put before their names for the kernel. */
static int holder_name(Host *h, const char *holder, char **ret)
{
        static const char *const kinds[][2] = { { "LVM-", "the LVM volume " },
                                                { "CRYPT-", "the encrypted volume " },
                                                { "mpath-", "the multipath device " } };
        _cleanup_free_ char *name = NULL, *uuid = NULL;
        const char *what = startswith(holder, "md") ? "the RAID array " : "";
        int r;

        if ((r = scan_read(h, &name, "/sys/block/%s/dm/name", holder)) < 0 ||
            (r = scan_read(h, &uuid, "/sys/block/%s/dm/uuid", holder)) < 0)
                return r;
        for (size_t i = 0; uuid && i < ARRAY_SIZE(kinds); i++)
                if (startswith(uuid, kinds[i][0]))
                        what = kinds[i][1];
        if (asprintf(ret, "%s%s", what, name ? name : holder) < 0) {
                *ret = NULL;
                return -ENOMEM;
        }
        return 0;
}

/* "mounted on /srv", "in use as swap", "part of a mounted btrfs": what the host does with a block device itself. 1:
 * with *ret; 0: nothing. */
static int direct_use(const char *device, const char *number, const Uses *u, char **ret)
{
        const char *mount;
        size_t len;
        int n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(u->mounts); i++)
                if (find_mount(u->mounts[i], device, number ? number : "-", &mount, &len)) {
                        n = asprintf(ret, "mounted on %.*s", (int) len, mount);
                        return n < 0 ? -ENOMEM : 1;
                }
        if (is_swap(u->swaps, device))
                n = asprintf(ret, "in use as swap");
        else if (strv_contains(u->btrfs, device))
                n = asprintf(ret, "part of a mounted btrfs");
        return n < 0 ? -ENOMEM : n > 0;
}

#define HOLDERS_DEPTH 8

/* What is built on it, RAID, LVM, encryption, bcache, and what that is used for: "in use by the RAID array md0, in use
 * by the LVM volume vg0-root, mounted on /". 1: with *ret; 0: it is not used. folder: its own in /sys. */
static int find_use(Host *h, const char *device, const char *folder, const Uses *u, unsigned depth, char **ret)
{
        _cleanup_free_ char *number = NULL, *name = NULL, *above = NULL;
        _cleanup_strv_ char **holders = NULL;
        char up[320];
        int r;

        r = scan_read(h, &number, "%s/dev", folder);
        if (r >= 0)
                r = direct_use(device, number, u, ret);
        if (r == 0)
                r = scan_list(h, &holders, "%s/holders", folder);
        if (r != 0 || !holders)
                return r;
        r = holder_name(h, holders[0], &name);
        (void) snprintf(up, sizeof(up), "/sys/block/%.255s", holders[0]);
        if (r >= 0 && depth < HOLDERS_DEPTH)
                r = find_use(h, holders[0], up, u, depth + 1, &above);
        if (r < 0)
                return r;
        return asprintf(ret, "in use by %s%s%s", name, above ? ", " : "", above ? above : "") < 0 ? -ENOMEM : 1;
}

/* Looks at a disk or one of its partitions; `folder` is its own in /sys. 1: in use, and said so. */
static int device_use(Host *h, const char *disk, const char *device, const char *folder, const Uses *u, HostView *v)
{
        _cleanup_free_ char *use = NULL;
        bool whole = streq(disk, device);
        int r;

        r = find_use(h, device, folder, u, 0, &use);
        if (r <= 0)
                return r;
        r = scan_append(&v->busy_disks, "%s %s%s%s%s", disk, use, whole ? "" : " (", whole ? "" : device,
                        whole ? "" : ")");
        return r < 0 ? r : 1;
}

static int disk_use(Host *h, const char *disk, const Uses *u, HostView *v)
{
        _cleanup_strv_ char **names = NULL;
        char folder[640];
        int r;

        (void) snprintf(folder, sizeof(folder), "/sys/block/%s", disk);
        r = device_use(h, disk, disk, folder, u, v);
        if (r != 0)
                return r;
        r = scan_list(h, &names, "/sys/block/%s", disk);
        STRV_FOREACH (name, names) {
                if (r != 0)
                        break;
                if (!startswith(*name, disk) || !scan_exists(h, "/sys/block/%s/%s/partition", disk, *name))
                        continue;
                (void) snprintf(folder, sizeof(folder), "/sys/block/%s/%s", disk, *name);
                r = device_use(h, disk, *name, folder, u, v);
        }
        return r;
}

int scan_disk_use(Host *h, char *const *disks, HostView *v)
{
        _cleanup_(uses_clear) Uses u = {};
        int r;

        if (!disks)
                return 0;
        r = uses_read(h, &u);
        STRV_FOREACH (disk, disks) {
                if (r >= 0)
                        r = disk_use(h, *disk, &u, v);
        }
        return MIN(r, 0);
}

/* With what it stands on: a bridge's ports, a bond's members, the card below a VLAN. */
static int add_route(Host *h, HostView *v, const char *interface, unsigned depth)
{
        _cleanup_strv_ char **names = NULL;
        int r;

        if (strv_contains(v->default_route, interface) || depth > 8)
                return 0;
        r = strv_append(&v->default_route, interface);
        if (r >= 0)
                r = scan_list(h, &names, "/sys/class/net/%s", interface);
        STRV_FOREACH (name, names) {
                if (r >= 0 && startswith(*name, "lower_"))
                        r = add_route(h, v, *name + strlen("lower_"), depth + 1);
        }
        return r;
}

/* Runs over the lines of a table; `is_default` gets the line's words and says which of them is the interface. */
static int scan_routes(Host *h, const char *path, int (*is_default)(char *const *words), HostView *v)
{
        _cleanup_free_ char *text = NULL;
        char *rest, *line;
        int r;

        r = scan_read(h, &text, "%s", path);
        rest = text;
        while (r >= 0 && (line = strsep(&rest, "\n"))) {
                _cleanup_strv_ char **words = NULL;
                int interface;

                for (char *c = line; *c; c++)
                        if (*c == '\t')
                                *c = ' ';
                r = strv_split(line, &words);
                if (r < 0)
                        return r;
                interface = is_default(words);
                if (interface >= 0)
                        r = add_route(h, v, words[interface], 0);
        }
        return r;
}

#define ROUTE_REJECT 0x200

static bool is_usable(const char *flags)
{
        uint64_t value;

        return parse_hex(flags, UINT32_MAX, &value) >= 0 && !(value & ROUTE_REJECT);
}

/* Iface Destination Gateway Flags RefCnt Use Metric Mask … */
static int ipv4_default(char *const *w)
{
        return strv_length(w) >= 8 && streq(w[1], "00000000") && streq(w[7], "00000000") && is_usable(w[3]) ? 0 : -1;
}

/* destination length source length next-hop metric refcnt use flags interface */
static int ipv6_default(char *const *w)
{
        return strv_length(w) >= 10 && strspn(w[0], "0") == strlen(w[0]) && streq(w[1], "00") && is_usable(w[8]) &&
                               !streq(w[9], "lo")
                       ? 9
                       : -1;
}

int scan_default_route(Host *h, HostView *v)
{
        int r;

        r = scan_routes(h, "/proc/net/route", ipv4_default, v);
        return r < 0 ? r : scan_routes(h, "/proc/net/ipv6_route", ipv6_default, v);
}

static int say(char **ret, const char *fmt, ...) _printf_(2, 3);
static int say(char **ret, const char *fmt, ...)
{
        va_list args;
        int n;

        va_start(args, fmt);
        n = vasprintf(ret, fmt, args);
        va_end(args);
        if (n >= 0)
                return 0;
        *ret = NULL;
        return -ENOMEM;
}

/* A bridge, a bond, a VLAN or a guest's macvtap stands on it. */
static int net_use(Host *h, const char *interface, const HostView *v, char **ret)
{
        _cleanup_strv_ char **names = NULL;
        int r;

        if (strv_contains(v->default_route, interface))
                return say(ret, "its interface %s carries the host's default route", interface);
        r = scan_list(h, &names, "/sys/class/net/%s", interface);
        STRV_FOREACH (name, names)
                if (startswith(*name, "upper_"))
                        return say(ret, "%s is on its interface %s", *name + strlen("upper_"), interface);
        return r;
}

int scan_function_use(Host *h, const PciAddress *a, char **ret)
{
        _cleanup_(hostview_freep) HostView *v = hostview_new();
        _cleanup_strv_ char **disks = NULL, **nets = NULL;
        int r;

        *ret = NULL;
        if (!v)
                return -ENOMEM;
        if ((r = scan_blocks(h, a, &disks)) < 0 || (r = scan_disk_use(h, disks, v)) < 0 ||
            (r = scan_class(h, "/sys/class/net", a, &nets)) < 0 || (nets && (r = scan_default_route(h, v)) < 0))
                return r;
        if (v->busy_disks)
                return say(ret, "its disk %s", v->busy_disks[0]);
        STRV_FOREACH (net, nets)
                if (r >= 0 && !*ret)
                        r = net_use(h, *net, v, ret);
        return r;
}
