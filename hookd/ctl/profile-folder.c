/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/profile-folder.h"

#include "ctl/path.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

int profile_folder_open(const char *root, ProfileFolder *ret, Fault *f)
{
        *ret = (ProfileFolder){ .path = path_below(root, "/etc/hookd/profiles"),
                                .conf = path_below(root, "/etc/hookd/hookd.conf"),
                                .check_owner = *root == '\0' };
        return ret->path && ret->conf ? 0 : fault_set(f, -ENOMEM, NULL, "out of memory");
}

void profile_folder_clear(ProfileFolder *p)
{
        free(p->path);
        free(p->conf);
        profile_index_free(p->index);
        *p = (ProfileFolder){ 0 };
}

int profile_folder_index(ProfileFolder *p, Fault *f)
{
        int r = p->index ? 0 : profile_index_load(p->path, p->check_owner, &p->index, f);

        return r < 0 ? fault_default(f, r, p->path, "cannot read the profiles in %s: %s", p->path, fault_errno(r)) : 0;
}

int profile_folder_defaults(const ProfileFolder *p, Profile **ret, Fault *f)
{
        Fault fault = { 0 };
        int r;

        *ret = NULL;
        r = profile_load(AT_FDCWD, p->conf, p->conf, NULL, false, ret, NULL, &fault);
        if (r >= 0 || r == -ENOENT)
                return 0;
        *f = fault;
        return r;
}

int profile_folder_load(const ProfileFolder *p, const char *file, Profile **ret, Fault *f)
{
        _cleanup_(profile_freep) Profile *defaults = NULL;
        int r;

        r = profile_folder_defaults(p, &defaults, f);
        if (r < 0)
                return r;
        r = profile_load(AT_FDCWD, file, file, defaults, false, ret, NULL, f);
        return r < 0 ? fault_default(f, r, file, "cannot read %s: %s", file, fault_errno(r)) : 0;
}

uint32_t *guest_device_ids(const Guest *guest, const HostView *view)
{
        uint32_t *ids = calloc(guest->n_devices + 1, sizeof(*ids));

        for (size_t i = 0; ids && view && i < guest->n_devices; i++) {
                const HostFunction *fn = guest->devices[i].type == GUEST_DEVICE_PCI
                                                 ? hostview_function(view, &guest->devices[i].address)
                                                 : NULL;

                ids[i] = fn ? (uint32_t) fn->vendor << 16 | fn->device : 0;
        }
        return ids;
}

int profile_folder_choose(ProfileFolder *p, const Guest *guest, const HostView *view, char **ret_path, Fault *f)
{
        _cleanup_free_ uint32_t *ids = guest_device_ids(guest, view);
        const char *name = NULL;
        int r;

        r = ids ? profile_folder_index(p, f) : -ENOMEM;
        if (r >= 0)
                r = profile_index_choose(p->index, guest, ids, &name, f);
        if (r > 0 && asprintf(ret_path, "%s/%s", p->path, name) < 0)
                r = -ENOMEM;
        return r == -ENOMEM ? fault_set(f, r, NULL, "out of memory") : r;
}

int profile_folder_file(const ProfileFolder *p, const char *guest, char **ret, Fault *f)
{
        /* a name that begins with a dot is not read */
        if (*guest == '.' || *guest == '\0' || strchr(guest, '/') || strlen(guest) + strlen(".ini") > NAME_MAX)
                return fault_set(f, -EINVAL, guest,
                                 "no file in %s can be named as the guest '%s' is; name it otherwise, and set Domain= "
                                 "in its [Match]",
                                 p->path, guest);
        return asprintf(ret, "%s/%s.ini", p->path, guest) < 0 ? fault_set(f, -ENOMEM, guest, "out of memory") : 0;
}
