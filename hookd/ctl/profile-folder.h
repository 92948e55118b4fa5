/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/hostview.h"
#include "model/profile.h"

/* The profiles of this host, or of the system below a root. */
typedef struct ProfileFolder {
        char *path, *conf;   /* with the root */
        bool check_owner;    /* no root: they have to be root's */
        ProfileIndex *index; /* NULL: not read yet */
} ProfileFolder;

/* Paths only; 0 or -ENOMEM with a fault. */
int profile_folder_open(const char *root, ProfileFolder *ret, Fault *f);
void profile_folder_clear(ProfileFolder *p);
#define _cleanup_profile_folder_ _cleanup_(profile_folder_clear)

/* Reads the index, where that was not done yet. */
int profile_folder_index(ProfileFolder *p, Fault *f);
/* What hookd.conf says; *ret is NULL where there is none. */
int profile_folder_defaults(const ProfileFolder *p, Profile **ret, Fault *f);
/* Any file on top of hookd.conf. Who owns it is not asked: the index says that of those that hookd would use. */
int profile_folder_load(const ProfileFolder *p, const char *file, Profile **ret, Fault *f);
/* Which file is the guest's: 1 and *ret_path, owned by the caller; 0: none; -errno as profile_index_choose(). view:
 * NULL: no Device= by vendor and device fits. */
int profile_folder_choose(ProfileFolder *p, const Guest *guest, const HostView *view, char **ret_path, Fault *f);
/* The path of the file that is the guest's by its name. -EINVAL: there can be none. Caller frees. */
int profile_folder_file(const ProfileFolder *p, const char *guest, char **ret, Fault *f);

/* Vendor and device of each of the guest's devices, as profile_index_choose() takes them. Caller frees; NULL: out of
 * memory. */
uint32_t *guest_device_ids(const Guest *guest, const HostView *view);
