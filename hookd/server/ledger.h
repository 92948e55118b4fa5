/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/fault.h"
#include "server/holding.h"

typedef struct Job Job;

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
/* Reads the journals anew; unreadable ones are reported and set aside. One that nobody here works on is recovered. */
void ledger_refresh(Server *s);
/* The same, after the end of a worker. fine: it ended of itself and has answered. What it left is put back, or kept for
 * a guest that runs; what could not be put back is tried again, less and less often. */
void ledger_job_ended(Server *s, const Job *j, bool fine);
/* Starts the recoveries that are due and sees to it that the next one will be. */
void ledger_settle(Server *s);
/* The next open journal of a guest after `previous` (NULL: the first). NULL: none. Valid until the next refresh. */
const Holding *ledger_next(const Server *s, const char *domain, const Holding *previous);
static inline const Holding *ledger_find(const Server *s, const char *domain)
{
        return ledger_next(s, domain, NULL);
}
/* As ledger_find(), after a look at what may have appeared. */
const Holding *ledger_look_up(Server *s, const char *domain);
/* What libvirt's hooks tell of a guest: it runs, or has stopped; caller: the libvirtd that says so, NULL: as before. */
void ledger_guest_runs(Server *s, const char *domain, const ProcessId *caller);
void ledger_guest_stopped(Server *s, const char *domain, const ProcessId *caller);
void ledger_free(Server *s);
