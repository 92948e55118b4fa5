/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Inside of the real host; included by its own files and their tests only. */

#include "host/hand.h"
#include "host/host.h"

#define HOST_BUS_ADDRESS "unix:path=/run/dbus/system_bus_socket"

typedef struct Systemd Systemd;

typedef struct RealHost {
        Host host;
        int root_fd;
        bool whole;              /* the root is "/": units, modules and processes are this machine's */
        int uevent_fd;           /* -1 until somebody waits for a uevent */
        Systemd *systemd;        /* the bus; NULL until needed */
        const char *bus_address; /* tests have their own */
} RealHost;

static inline RealHost *real_of(Host *h)
{
        return (RealHost *) h;
}

/* hand_run() until h->deadline, once more when somebody killed it. When the hand stays in flight: h->stuck, with "WHAT
 * TARGET" for people. */
int real_hand(Host *h, HandFunction fn, void *arg, char *output, size_t output_max, const char *what,
              const char *target);

/* ---- host-sysfs.c ---- */
int real_open(RealHost *h, const char *path, int flags); /* below the root, close-on-exec */
int real_read(Host *h, const char *path, unsigned flags, char **ret);
int real_write(Host *h, const char *path, const char *value, unsigned flags);
int real_readlink(Host *h, const char *path, char **ret);
int real_list(Host *h, const char *path, char ***ret);
int real_exists(Host *h, const char *path);

/* ---- host-look.c ---- */
int real_look(Host *h, const char *path, FileLook *ret);

/* ---- host-systemd-script.c ---- */
int real_script(Host *h, const ScriptCall *call, ScriptResult *ret);

/* ---- host-kmod.c ---- */
int real_module(Host *h, ModuleOp op, const char *name, ModuleInfo *ret);

/* ---- host-systemd.c, host-systemd-login.c, host-systemd-bus.c ---- */
int real_unit(Host *h, UnitOp op, const char *name, UnitInfo *ret);
int real_session(Host *h, SessionOp op, const char *id, HostSession **ret, size_t *ret_n);
Systemd *systemd_free(Systemd *s);

/* ---- host-holders.c ---- */
int real_holders(Host *h, char *const *nodes, HostHolder **ret, size_t *ret_n);

/* ---- host-proc.c ---- */
int proc_read(int pid, const char *name, char **ret); /* /proc/PID/NAME, whole */
/* Command name (may be NULL) and start time from /proc/PID/stat. -ESRCH: no such process. */
int proc_stat(int pid, char **ret_comm, uint64_t *ret_start_time);
int real_signal(Host *h, const HostHolder *holder, int signo);
int real_wait(Host *h, unsigned what, const HostHolder *holders, size_t n_holders, uint64_t slice_usec);
