/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "server/process.h"
#include "txn/state.h"

#include <systemd/sd-event.h>

typedef struct Server Server;

/* A process whose end matters. */
typedef struct Watched {
        ProcessId id; /* pid 0: not known */
        bool gone;
        bool foreign;     /* in another pid namespace: a container */
        uint64_t gone_at; /* now_usec() scale: when that was seen */
        int fd;           /* pidfd; -1: not watched */
        sd_event_source *source;
} Watched;

/* What the daemon knows of one open journal. */
typedef struct Holding {
        Server *server;
        char uuid[37];
        char **events;                        /* at which its plan wants a worker */
        char *domain, *profile, *card, *text; /* "" where there is none (yet); text: of its last line */
        TxnState state;
        uint64_t since;      /* CLOCK_BOOTTIME usec */
        bool planless;       /* nothing was done to the host yet */
        bool seen;           /* in the refresh under way */
        bool adopted;        /* a worker of ours ended with it, or a recovery was started */
        uint64_t stopped_at; /* now_usec() scale: libvirt said stopped or release; 0: it has not */
        bool answered;       /* and has its answer: nothing more will come from it */
        Watched caller;      /* libvirtd: with it gone nobody else sees the guest's end */
        Watched guest;       /* QEMU, once it was seen */
        unsigned tries;      /* recoveries in a row that achieved nothing */
        uint64_t retry_at;   /* now_usec() scale: none before that */
} Holding;

/* Takes what the journal says; the processes it names are watched while it is HELD. 0 or -ENOMEM. */
int holding_update(Holding *h, const Journal *j);
Holding *holding_new(Server *s, const char *uuid);
Holding *holding_free(Holding *h);
DEFINE_CLEANUP(Holding, holding_free)

/* Libvirt has done with the guest. */
void holding_stopped(Holding *h);
/* Looks for the guest's QEMU by libvirt's pid file, notes it in the journal and watches it. sure: the file is surely
 * that of this guest, as it runs just now. */
void holding_find_guest(Holding *h, bool sure);
/* Another libvirtd has taken the guest over. */
void holding_set_caller(Holding *h, const ProcessId *caller);

/* When a recovery is due, by what is known here: now_usec() scale, UINT64_MAX: not yet. Never while the guest runs or
 * is being started; libvirtd gets a while to tear the guest down itself. */
uint64_t holding_due(const Holding *h, uint64_t now);
/* A recovery of it is begun, or has ended without effect: the next one waits, longer each time. */
void holding_put_off(Holding *h, uint64_t now);
