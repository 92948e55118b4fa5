/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

/* Mediated devices: drivers/vfio/mdev. */

enum { FIRST_GROUP = 200 };

Mdev *mdev_find(Fake *k, const char *uuid)
{
        FOREACH(Mdev, m, k->s.mdevs, k->s.n_mdevs)
        if (strcasecmp(m->uuid, uuid) == 0)
                return m;
        return NULL;
}

static bool offered(Fake *k, const MdevType *t)
{
        const Module *m = t->module[0] ? module_find(k, t->module) : NULL;
        const Function *fn = function_find(k, t->parent);

        return (!t->module[0] || (m && (m->loaded || m->builtin))) &&
               (!fn || (fn->present && fn->driver[0] && !streq(fn->driver, "vfio-pci")));
}

static int available(Fake *k, const MdevType *t)
{
        int n = (int) t->instances;

        FOREACH(const Mdev, m, k->s.mdevs, k->s.n_mdevs)
        n -= streq(m->parent, t->parent) && streq(m->type, t->id);
        return n;
}

bool mdev_waits(Fake *k, const Mdev *m)
{
        char path[32];

        snprintf(path, sizeof(path), "/dev/vfio/%d", m->group);
        FOREACH(Holder, x, k->s.holders, k->s.n_holders)
        if (word_in(x->nodes, path))
                return true;
        return false;
}

static int store_create(Fake *k, const Node *n, const char *value)
{
        const MdevType *t = n->object;
        Mdev *m;
        int group = FIRST_GROUP;

        if (!uuid_valid(value))
                return -EINVAL;
        if (mdev_find(k, value))
                return -EEXIST;
        if (available(k, t) <= 0 || k->s.n_mdevs == MAX_MDEVS)
                return -EUSERS;
        for (bool again = true; again;) {
                again = false;
                FOREACH(const Mdev, other, k->s.mdevs, k->s.n_mdevs)
                if (other->group == group) {
                        group++;
                        again = true;
                }
        }
        m = &k->s.mdevs[k->s.n_mdevs++];
        *m = (Mdev){ .group = group };
        text_set(m->uuid, value);
        text_set(m->parent, t->parent);
        text_set(m->type, t->id);
        fake_uevent(k);
        return 0;
}

static int store_mdev_remove(Fake *k, const Node *n, const char *value)
{
        Mdev *m = n->object;
        size_t i = (size_t) (m - k->s.mdevs);

        if (!streq(value, "1"))
                return -EINVAL;
        if (mdev_waits(k, m))
                return HANGS;
        memmove(m, m + 1, (k->s.n_mdevs - i - 1) * sizeof(*m));
        memset(&k->s.mdevs[--k->s.n_mdevs], 0, sizeof(*m));
        fake_uevent(k);
        return 0;
}

static Node *parent_dir(Fake *k, const char *parent)
{
        const Function *fn = function_find(k, parent);

        return fn ? function_dir(k, fn) : add_path(k, files_string(k, "/sys/devices/virtual/%s/%s", parent, parent));
}

static void render_type(Fake *k, MdevType *t)
{
        Node *parent = parent_dir(k, t->parent), *class = add_path(k, "/sys/class/mdev_bus"), *dir;

        if (!files_find_in(class, t->parent))
                add_link(k, class, t->parent, parent);
        dir = add_dir(k, add_dir(k, parent, "mdev_supported_types"), t->id);
        add_store(k, dir, "create", store_create, NULL, t, "")->risky = true;
        add_file(k, dir, "available_instances", "%d\n", available(k, t));
        add_file(k, dir, "device_api", "%s\n", "vfio-pci");
        if (t->name[0])
                add_file(k, dir, "name", "%s\n", t->name);
        if (t->description[0])
                add_file(k, dir, "description", "%s\n", t->description);
        add_dir(k, dir, "devices");
}

static void render_mdev(Fake *k, Mdev *m)
{
        Node *parent = parent_dir(k, m->parent), *dir = add_dir(k, parent, m->uuid);
        Node *group = add_path(k, files_string(k, "/sys/kernel/iommu_groups/%d", m->group));
        Node *type = add_dir(k, add_dir(k, parent, "mdev_supported_types"), m->type);

        add_store(k, dir, "remove", store_mdev_remove, NULL, m, "")->risky = true;
        add_link(k, dir, "mdev_type", type);
        add_link(k, dir, "iommu_group", group);
        add_link(k, add_dir(k, group, "devices"), m->uuid, dir);
        add_link(k, add_path(k, "/sys/bus/mdev/devices"), m->uuid, dir);
        add_device(k, files_string(k, "/dev/vfio/%d", m->group), 243, (unsigned) m->group);
}

void render_mdevs(Fake *k)
{
        FOREACH(MdevType, t, k->s.mdev_types, k->s.n_mdev_types)
        if (offered(k, t))
                render_type(k, t);
        FOREACH(Mdev, m, k->s.mdevs, k->s.n_mdevs)
        render_mdev(k, m);
}
