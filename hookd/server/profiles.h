/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/fault.h"
#include "model/profile.h"
#include "server/job.h"

#include <systemd/sd-event.h>

typedef struct Server Server;

/* What the daemon must know of profiles: whose events may matter, and how long a worker may take. Kept fresh by
 * inotify; the worker reads the chosen file anew. */
typedef struct Profiles {
        ProfileIndex *index;       /* NULL: the folder could never be read; then everything may be somebody's */
        Profile *conf;             /* hookd.conf's values */
        bool stale;                /* something changed since they were read */
        sd_event_source *watch[2]; /* the folder, and hookd.conf's folder */
        char *problem;             /* the first of the last reading; NULL: all is well */
} Profiles;

int profiles_open(Server *s, Fault *f);
/* Reads folder and hookd.conf anew if something changed. */
void profiles_refresh(Server *s);
/* False: no profile can match a guest of that name. */
bool profiles_may_own(Server *s, const char *domain);
/* How long a worker may take for this guest, in microseconds: the longest of any profile that may turn out to be its.
 */
uint64_t profiles_time_allowed(Server *s, const char *domain, JobVerb verb);
void profiles_free(Server *s);
