/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/fault.h"
#include "server/client.h"
#include "server/job.h"
#include "server/ledger.h"
#include "server/profiles.h"

#include <systemd/sd-event.h>

/* The daemon: one event loop that never blocks. It answers what nobody owns, and hands everything else to workers. It
 * never touches hardware and never reads a domain's XML. */

typedef struct ServerOptions {
        const char *socket; /* made by the daemon itself when systemd passes none */
        const char *journals, *profiles, *conf, *root, *worker;
        const char *audit; /* journal, stderr, none; NULL: journal */
        bool check_owner;  /* of profiles */
} ServerOptions;

struct Server {
        const ServerOptions *options;
        sd_event *event;
        sd_event_source *timer;  /* the only one of ours: see server_wake_at() */
        uint64_t timer_at;       /* now_usec() scale; UINT64_MAX: not armed */
        uint64_t since_realtime; /* usec */
        char *spool;             /* of the audit, in the folder for journals */
        sd_event_source *spool_source;
        uint64_t drain_at; /* UINT64_MAX: the spool is empty, as far as is known */
        unsigned notified; /* what systemd was told last */

        int listen_fd;
        sd_event_source *listen_source;
        bool own_socket; /* unlinked at the end */

        Clients clients;
        Jobs jobs;
        Ledger ledger;
        Profiles profiles;
};

/* Runs until SIGTERM or SIGINT. Workers are left alone at the end: they answer their clients themselves. 0, or -errno
 * with a fault. */
int server_run(const ServerOptions *options, Fault *f);

/* clients_expire(), jobs_expire() and the audit's spool are seen to at `when` (now_usec() scale) at the latest. Never
 * armed while there is nothing to wait for: an idle daemon sleeps. */
void server_wake_at(Server *s, uint64_t when);
/* Sends what the audit's spool holds; tries again later while journald does not take it. */
void server_drain(Server *s);
/* Tells systemd how many guests hold something, for `systemctl status`, when that has changed: sd_notify() may wait for
 * PID 1, so it is not called for every event. (As the watchdog's ping may; but a PID 1 that does not read for hundreds
 * of messages would not act on a missing one either.) */
void server_notify(Server *s);
