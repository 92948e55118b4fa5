/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/host.h"

/* What systemd knows of a service's process. Only for people: hookd itself does not ask it. */
typedef struct ServiceInfo {
        char active[16];  /* active, inactive, failed … */
        int pid;          /* main process; 0: none */
        uint64_t changed; /* CLOCK_REALTIME, usec: when it was last started or reloaded (StateChangeTimestamp, which
                             systemd sets at the end of a reload as well: unit_notify()); 0: never */
} ServiceInfo;

/* -ENOENT: no such unit; -ENOTSUP below another root; -ECONNREFUSED: no bus; -errno. */
int host_service(Host *h, const char *unit, ServiceInfo *ret);
