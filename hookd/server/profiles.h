/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/fault.h"
#include "model/profile.h"

#include <systemd/sd-event.h>

typedef struct Server Server;

/* What the daemon must know of profiles: whose events may matter, and how long a worker may take. Kept fresh by
 * inotify; the worker reads the chosen file anew. */
typedef struct Profiles {
        ProfileIndex *index; /* NULL: the folder could never be read; then everything may be somebody's */
        uint64_t start_timeout, rollback_timeout, stop_timeout; /* usec, the largest that any profile asks for */
        bool stale;                                             /* something changed since they were read */
        sd_event_source *watch[2];                              /* the folder, and hookd.conf's folder */
        Fault fault;                                            /* code 0: all is well */
} Profiles;

int profiles_open(Server *s, Fault *f);
/* Reads folder and hookd.conf anew if something changed. */
void profiles_refresh(Server *s);
/* False: no profile can match a guest of that name. */
bool profiles_may_own(Server *s, const char *domain);
void profiles_free(Server *s);
