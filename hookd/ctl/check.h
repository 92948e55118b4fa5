/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/domains.h"
#include "ctl/remarks.h"
#include "ctl/profile-folder.h"
#include "host/host.h"

/* Profiles against what they are for. Everything is looked for, whatever was found before. */

typedef struct Check {
        ProfileFolder *folder;
        const HostView *view;   /* as look() made it; NULL: nothing is said of the host */
        Host *host;             /* the machine itself, to ask for units and modules; NULL: the view is a captured one */
        const Domains *domains; /* all guests there are; NULL: not known */
} Check;

/* hookd.conf, every profile with the guests that are its, and how they stand to one another. 0, or -errno with a fault:
 * the folder cannot be read. */
int check_all(const Check *c, Remarks *ret, Fault *f);
/* hookd.conf and the profile of this guest. 0 or -errno: which one it is cannot be told. */
int check_guest(const Check *c, const Guest *guest, Remarks *ret, Fault *f);
/* hookd.conf and one file. guest: NULL: those of c->domains that are its. shown (NULL: file): the path in remarks,
 * which also says whether it is one of the folder's. 0 or -ENOMEM. */
int check_file(const Check *c, const char *file, const char *shown, const Guest *guest, Remarks *ret, Fault *f);
