/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/parse.h"
#include "util/fault.h"
#include "model/hostview.h"

/* The seam: the only door to the machine. host_new() is the real one, tests/fake has the reacting fake. Paths are
 * absolute ("/sys/bus/pci/…") and resolved below the host's root. Functions return 0 or -errno.
 *
 * Every call is bounded by host->deadline (now() scale), which the engine sets before it lets a step act. */

typedef struct Host Host;

enum {
        HOST_HAND = 1, /* may block in the kernel for ever: do it in a hand. -ETIMEDOUT: the hand is still in flight
                          (host->stuck is set) */
};

/* Largest file read, and largest attribute read in a hand; beyond it -EFBIG. modules.alias and a container host's
 * mountinfo have megabytes. */
#define HOST_READ_MAX      ((size_t) 16 << 20)
#define HOST_ATTRIBUTE_MAX ((size_t) 64 << 10)

typedef enum ModuleOp {
        MODULE_STATE,  /* only ret: initstate, refcnt, holders. -ENOENT: not loaded */
        MODULE_LOAD,   /* as modprobe would: options, softdeps, install lines; blacklists ignored; already loaded: 0 */
        MODULE_UNLOAD, /* one module, no recursion. -EAGAIN: in use or has holders; -ENOENT: was not loaded;
                          -EOPNOTSUPP: built in */
} ModuleOp;

typedef struct ModuleInfo {
        bool builtin;
        char state[16]; /* "live", "coming", "going", "builtin" */
        int refcnt;
        char holders[256]; /* by blanks */
} ModuleInfo;

typedef enum UnitOp {
        UNIT_STATE, /* LoadUnit + properties; resolves aliases to the Id. -ENOENT: no such unit */
        UNIT_START, /* mode replace; waits for the job. -EIO: the job failed (ret->result says how) */
        UNIT_STOP,  /* the same; an inactive or unloaded unit is 0 */
        UNIT_RESET_FAILED,
        UNIT_RELOAD, /* waits as well; only hookctl uses it, for libvirt's daemons */
} UnitOp;

typedef struct UnitInfo {
        char id[256];
        char load[16];   /* "loaded", "not-found", "masked" */
        char active[16]; /* active, activating, deactivating, inactive, failed, reloading */
        char job[16];    /* type of a queued job, or "" */
        char cgroup[512];
        uint64_t stop_timeout; /* TimeoutStopUSec, UINT64_MAX: infinity */
        char result[24];       /* of our job: done, canceled, timeout, failed, dependency, skipped … */
} UnitInfo;

typedef enum SessionOp {
        SESSION_LIST,      /* ret, ret_n */
        SESSION_TERMINATE, /* id: TerminateSession */
} SessionOp;

/* What a path leads to, links followed. */
typedef struct FileLook {
        bool folder;
        bool executable;    /* a regular file with any x bit that has something in it */
        char distrust[320]; /* why root must not run what is there: it, or a folder on the way to it, belongs to
                               somebody else or may be written by others; "": it is root's alone */
} FileLook;

/* A script of the administrator's, run outside of the daemon's sandbox with host->xml as its standard input. */
typedef struct ScriptCall {
        char *const *argv; /* the first is its absolute path */
        const char *domain, *event;
        uint64_t timeout; /* usec; it is ended then */
} ScriptCall;

typedef struct ScriptResult {
        char how[24]; /* exit-code, signal, timeout, start-limit-hit …: systemd's Result; "" where it ended well */
        int status;   /* exit status, or the signal */
} ScriptResult;

enum {
        WAIT_UEVENT = 1, /* return when the kernel reports any device event */
};

typedef struct HostOps {
        /* Whole attribute or file, at most HOST_READ_MAX, one trailing newline removed; *ret owned by the caller. */
        int (*read)(Host *h, const char *path, unsigned flags, char **ret);
        /* One write(2). The value is given as is: "\n" clears driver_override. */
        int (*write)(Host *h, const char *path, const char *value, unsigned flags);
        /* The target of a link, as stored. */
        int (*readlink)(Host *h, const char *path, char **ret);
        /* Names in a folder, sorted, without . and .. */
        int (*list)(Host *h, const char *path, char ***ret);
        /* Does a path exist (following links)? 1, 0 or -errno; never blocks. */
        int (*exists)(Host *h, const char *path);
        int (*module)(Host *h, ModuleOp op, const char *name, ModuleInfo *ret);
        int (*unit)(Host *h, UnitOp op, const char *name, UnitInfo *ret);
        /* -ENOENT; never blocks. */
        int (*look)(Host *h, const char *path, FileLook *ret);
        /* Waits for its end. 0: it ended with 0; -EREMOTEIO: otherwise, and *ret says how; -ETIMEDOUT: the deadline,
         * -ECANCELED, it was ended; -errno: it could not be run. */
        int (*script)(Host *h, const ScriptCall *call, ScriptResult *ret);
        int (*session)(Host *h, SessionOp op, const char *id, HostSession **ret, size_t *ret_n);
        /* Every process that has one of these device files open or mapped: an item for each pair of process and file,
         * by pid, then in the order of nodes; array owned by the caller (holders_free). */
        int (*holders)(Host *h, char *const *nodes, HostHolder **ret, size_t *ret_n);
        /* Through a pidfd, only if pid and start time still name the same process; -ESRCH otherwise. */
        int (*signal)(Host *h, const HostHolder *holder, int signo);
        /* Sleeps until one of the holders has exited, a uevent came (WAIT_UEVENT), the cancel descriptor became
         * readable, slice_usec or the deadline has passed. 0: look again; -ETIMEDOUT: deadline; -ECANCELED: the caller
         * of the transaction has gone (never while host->no_cancel). */
        int (*wait)(Host *h, unsigned what, const HostHolder *holders, size_t n_holders, uint64_t slice_usec);
        uint64_t (*now)(Host *h); /* microseconds, monotonic; the fake's own clock */
        void (*free)(Host *h);
} HostOps;

struct Host {
        const HostOps *ops;
        uint64_t deadline; /* set by the engine; UINT64_MAX: none (only in tests) */
        int cancel_fd;     /* readable or hung up: the one who asked has gone; -1: nobody */
        bool no_cancel;    /* on the way back nothing cancels */
        const char *xml;   /* of the domain, for scripts; NULL: nothing. Borrowed */
        /* Set when a hand did not return in time: nothing more may touch that card. */
        bool stuck;
        int stuck_pid;
        char stuck_what[256]; /* "write /sys/bus/pci/…/unbind" */
        char stuck_in[384];   /* where in the kernel it waits, see hand_stack(); "" where that cannot be seen */
};

/* The real machine below `root` ("/" or a folder for readers' tests; then units and modules are -ENOTSUP). */
int host_new(const char *root, Host **ret, Fault *f);
Host *host_free(Host *h);
DEFINE_CLEANUP(Host, host_free)

/* Thin wrappers over the ops. */
int host_read(Host *h, const char *path, char **ret);
int host_read_hand(Host *h, const char *path, char **ret);
int host_read_uint(Host *h, const char *path, int base, uint64_t *ret);
int host_write(Host *h, const char *path, const char *value);
int host_write_hand(Host *h, const char *path, const char *value);
int host_readlink(Host *h, const char *path, char **ret);      /* the link's last component: "nvidia" */
int host_readlink_full(Host *h, const char *path, char **ret); /* the link as stored */
int host_list(Host *h, const char *path, char ***ret);
bool host_exists(Host *h, const char *path);
int host_module(Host *h, ModuleOp op, const char *name, ModuleInfo *ret);
int host_unit(Host *h, UnitOp op, const char *name, UnitInfo *ret);
int host_look(Host *h, const char *path, FileLook *ret);
int host_script(Host *h, const ScriptCall *call, ScriptResult *ret);
int host_sessions(Host *h, HostSession **ret, size_t *ret_n);
int host_session_terminate(Host *h, const char *id);
int host_holders(Host *h, char *const *nodes, HostHolder **ret, size_t *ret_n);
int host_signal(Host *h, const HostHolder *holder, int signo);
int host_wait(Host *h, unsigned what, const HostHolder *holders, size_t n, uint64_t slice_usec);
uint64_t host_now(Host *h);
/* The units of a path in the unified hierarchy, as sd_pid_get_unit() and sd_pid_get_user_unit() would say: the first
 * component that is no slice, and the same again below user@UID.service. NULL where there is none. 0 or -ENOMEM. */
int cgroup_units(const char *cgroup, char **ret_unit, char **ret_user_unit);
HostHolder *holders_free(HostHolder *holders, size_t n);
HostSession *sessions_free(HostSession *sessions, size_t n);
