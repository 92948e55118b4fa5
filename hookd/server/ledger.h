/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/fault.h"
#include "server/process.h"
#include "txn/state.h"

#include <systemd/sd-event.h>

typedef struct Server Server;

/* What the daemon knows of one open journal. */
typedef struct Holding {
        Server *server;
        char uuid[37];
        char *domain, *profile, *card, *text; /* "" where there is none (yet); text: of its last line */
        TxnState state;
        uint64_t since; /* CLOCK_BOOTTIME usec */
        bool planless;  /* nothing was done to the host yet */
        bool seen;      /* in the refresh under way */
        bool adopted;   /* a worker of ours ended with it, or a recovery was started */
        ProcessId caller;
        bool caller_gone; /* and a recovery was started for it */
        int caller_fd;    /* pidfd: while it is HELD, libvirt's end would leave the card with nobody */
        sd_event_source *caller_source;
} Holding;

/* The open journals, as they were when last looked at: at the start, after every worker's end, when one appears. */
typedef struct Ledger {
        Holding **list;
        size_t n;
        bool unsettled; /* a journal without a plan was being written: look again before saying that there is none */
        char **bad;     /* "uuid: why": unreadable, and not set aside yet */
        sd_event_source *watch;
} Ledger;

/* Makes the folder, reads the journals and starts a recovery for each: those of living workers wait for their locks. */
int ledger_open(Server *s, Fault *f);
/* Reads the journals anew; unreadable ones are reported and set aside. One that nobody here works on is recovered,
 * once; `ended` is the guest whose worker has just ended (NULL: none). */
void ledger_refresh(Server *s, const char *ended);
/* The next open journal of a guest after `previous` (NULL: the first). NULL: none. Valid until the next refresh. */
const Holding *ledger_next(const Server *s, const char *domain, const Holding *previous);
static inline const Holding *ledger_find(const Server *s, const char *domain)
{
        return ledger_next(s, domain, NULL);
}
/* As ledger_find(), after a look at what may have appeared. */
const Holding *ledger_look_up(Server *s, const char *domain);
/* Starts a recovery for the journals of a guest whose worker died. */
void ledger_recover(Server *s, const char *domain);
void ledger_free(Server *s);
