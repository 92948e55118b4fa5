/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/profile-folder.h"

/* A profile for this guest as text: every key commented out, with the value that counts as it is: the default, or what
 * auto chooses on this host, and why. So it does what an empty file does. The guest's devices are in comments as
 * `hookctl check` compares them. defaults: hookd.conf's values. *ret: caller frees; *ret_refusal (caller frees): NULL,
 * or why the guest could not be started now, which the text says, too. 0 or -ENOMEM. */
int generate_profile(const Profile *defaults, const Guest *guest, const HostView *view, char **ret, char **ret_refusal);
/* The same for a guest that libvirt knows, or of --domain-xml=FILE, on this host or on --host=FILE. *ret_name: what it
 * is called, caller frees. 0 or -errno with a fault. */
int generate_for(const char *guest, const char *domain_xml, const char *host, const ProfileFolder *folder,
                 char **ret_name, char **ret, char **ret_refusal, Fault *f);
