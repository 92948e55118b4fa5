/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/scan-parts.h"

#include <stdio.h>

/* Mediated devices: /sys/class/mdev_bus/PARENT/mdev_supported_types/TYPE and /sys/bus/mdev/devices/UUID (kernel:
 * drivers/vfio/mdev/mdev_sysfs.c, Documentation/ABI/testing/sysfs-bus-vfio-mdev). */

/* Which instances are left is answered by the parent's driver, in whatever lock it has. */
#define AVAILABLE_USEC (5 * USEC_PER_SEC)

int mdev_observe(Host *h, const char *uuid, char **ret_parent, char **ret_type)
{
        _cleanup_free_ char *path = NULL, *link = NULL, *type_path = NULL;
        char *slash, *parent;
        int r;

        *ret_parent = *ret_type = NULL;
        path = mdev_path(uuid, "");
        type_path = mdev_path(uuid, "mdev_type");
        if (!path || !type_path)
                return -ENOMEM;
        r = host_readlink_full(h, path, &link);
        if (r >= 0) /* the last thing that is made, and the first to go */
                r = host_readlink(h, type_path, ret_type);
        if (r < 0)
                return r;
        slash = strrchr(link, '/');
        if (slash)
                *slash = '\0';
        parent = slash ? strrchr(link, '/') : NULL;
        *ret_parent = strdup(parent ? parent + 1 : link);
        if (*ret_parent)
                return 0;
        free(*ret_type);
        *ret_type = NULL;
        return -ENOMEM;
}

int mdev_available(Host *h, const char *parent, const char *type, int *ret)
{
        uint64_t deadline = h->deadline, n;
        _cleanup_free_ char *text = NULL, *path = mdev_type_path(parent, type, "available_instances");
        int r;

        if (!path)
                return -ENOMEM;
        h->deadline = MIN(deadline, host_now(h) + AVAILABLE_USEC);
        r = host_read_hand(h, path, &text);
        h->deadline = deadline;
        if (r >= 0)
                r = parse_uint(text, INT32_MAX, &n);
        if (r >= 0)
                *ret = (int) n;
        return r;
}

int mdev_nodes(Host *h, const char *uuid, char ***ret)
{
        _cleanup_free_ char *group = NULL;
        _cleanup_strv_ char **devices = NULL;
        int r;

        r = scan_link(h, &group, MDEV_DEVICES "/%s/iommu_group", uuid);
        if (r >= 0 && group)
                r = scan_append(ret, "/dev/vfio/%s", group);
        if (r >= 0)
                r = scan_list(h, &devices, MDEV_DEVICES "/%s/vfio-dev", uuid);
        STRV_FOREACH (d, devices)
                if (r >= 0)
                        r = scan_append(ret, "/dev/vfio/devices/%s", *d);
        return r;
}

char *mdev_path(const char *uuid, const char *attribute)
{
        char *path;

        return asprintf(&path, MDEV_DEVICES "/%s%s%s", uuid, *attribute ? "/" : "", attribute) < 0 ? NULL : path;
}

char *mdev_type_path(const char *parent, const char *type, const char *attribute)
{
        char *path;

        return asprintf(&path, MDEV_PARENTS "/%s/mdev_supported_types/%s/%s", parent, type, attribute) < 0 ? NULL
                                                                                                           : path;
}

static int scan_type(Host *h, HostView *v, const char *parent, const char *id)
{
        HostMdevType *t = scan_grow(&v->mdev_types, &v->n_mdev_types, sizeof(*t));
        int r;

        if (!t)
                return -ENOMEM;
        t->parent = strdup(parent);
        t->id = strdup(id);
        if (!t->parent || !t->id)
                return -ENOMEM;
        r = mdev_available(h, parent, id, &t->available);
        if (r == -ENOMEM ||
            (r = scan_read(h, &t->name, MDEV_PARENTS "/%s/mdev_supported_types/%s/name", parent, id)) < 0 ||
            (r = scan_read(h, &t->description, MDEV_PARENTS "/%s/mdev_supported_types/%s/description", parent, id)) < 0)
                return r;
        return scan_read(h, &t->api, MDEV_PARENTS "/%s/mdev_supported_types/%s/device_api", parent, id);
}

int scan_mdev_types(Host *h, HostView *v)
{
        _cleanup_strv_ char **parents = NULL;
        int r;

        r = scan_list(h, &parents, MDEV_PARENTS);
        STRV_FOREACH (parent, parents) {
                _cleanup_strv_ char **types = NULL;

                r = r < 0 ? r : scan_list(h, &types, MDEV_PARENTS "/%s/mdev_supported_types", *parent);
                STRV_FOREACH (type, types)
                        r = r < 0 ? r : scan_type(h, v, *parent, *type);
        }
        return MIN(r, 0);
}

int scan_mdevs(Host *h, HostView *v)
{
        _cleanup_strv_ char **uuids = NULL;
        int r;

        r = scan_list(h, &uuids, MDEV_DEVICES);
        STRV_FOREACH (uuid, uuids) {
                _cleanup_free_ char *parent = NULL, *type = NULL;
                HostMdev *m;

                if (r < 0)
                        return r;
                r = mdev_observe(h, *uuid, &parent, &type);
                if (r < 0) { /* it went while we looked */
                        r = r == -ENOMEM ? r : 0;
                        continue;
                }
                m = scan_grow(&v->mdevs, &v->n_mdevs, sizeof(*m));
                if (!m)
                        return -ENOMEM;
                m->uuid = strdup(*uuid);
                m->parent = TAKE_PTR(parent);
                m->type = TAKE_PTR(type);
                r = m->uuid ? 0 : -ENOMEM;
        }
        return r;
}
