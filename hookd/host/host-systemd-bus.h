/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The system bus for host-systemd*.c, the only files with sd-bus in them below the server. Nothing else waits than
 * bus_pump(), which knows the deadline and the one who asked. */

#include "host/host-real.h"

#include <systemd/sd-bus.h>

#define SYSTEMD         "org.freedesktop.systemd1"
#define SYSTEMD_PATH    "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER SYSTEMD ".Manager"
#define LOGIND          "org.freedesktop.login1"
#define LOGIND_PATH     "/org/freedesktop/login1"
#define LOGIND_MANAGER  LOGIND ".Manager"

/* The job we wait for. What was removed before we knew its path is kept. */
typedef struct Job {
        char *path;
        char result[24];
        bool done;
        char **early; /* path, result, path, result … */
} Job;

/* Connects where there is no connection. -ECONNREFUSED: no bus. */
int bus_connect(RealHost *h);
/* The job whose removal is to be noticed, NULL: none. Set before the call that makes it. */
void bus_watch_job(RealHost *h, Job *job);

/* Drives the connection until *done (NULL: never) or `until`: 1 done, 0 not yet, -ETIMEDOUT at the deadline,
 * -ECANCELED, -ECONNRESET when the connection broke. */
int bus_pump(RealHost *h, const bool *done, uint64_t until);

/* A method call, bounded by the deadline. *ret (ret may be NULL) is unreferenced by the caller; error, never NULL, by
 * sd_bus_error_free(). */
int bus_call(RealHost *h, const char *service, const char *path, const char *interface, const char *method,
             sd_bus_message **ret, sd_bus_error *error, const char *types, ...);

/* The same in two parts, for arguments that need containers: a message to be filled, and the call with it. */
int bus_message(RealHost *h, const char *service, const char *path, const char *interface, const char *method,
                sd_bus_message **ret);
int bus_call_message(RealHost *h, sd_bus_message *m, sd_bus_message **ret, sd_bus_error *error);

/* A property that is wanted: `to` is an array of `size` characters, or for size 0 what the signature says: char ** for
 * s and (so), where the path is left out, uint64_t, uint32_t, bool, and Pair for (uo). */
typedef struct Property {
        const char *name, *signature;
        void *to;
        size_t size;
} Property;

typedef struct Pair {
        uint32_t id;
        char path[256];
} Pair;

/* All properties of an object, of all its interfaces; those in the table (name NULL at the end) are kept. */
int bus_properties(RealHost *h, const char *service, const char *path, const Property *table, sd_bus_error *error);

/* The object has gone between asking for its path and for itself. */
static inline bool bus_object_gone(const sd_bus_error *e)
{
        return sd_bus_error_has_name(e, SD_BUS_ERROR_UNKNOWN_OBJECT) ||
               sd_bus_error_has_name(e, SD_BUS_ERROR_UNKNOWN_METHOD);
}
