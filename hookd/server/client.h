/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

#include <sys/queue.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

typedef struct Server Server;

/* A connection until its one request has come; then it is answered, or its descriptor goes to a job. */
typedef struct Client {
        Server *server;
        int fd;
        pid_t pid; /* SO_PEERCRED */
        uid_t uid;
        sd_event_source *source; /* NULL: its request was there at once */
        uint64_t deadline;
        TAILQ_ENTRY(Client) link;
} Client;

typedef struct Clients {
        TAILQ_HEAD(ClientList, Client) list; /* those that have not spoken yet, oldest first */
        unsigned n, max;
        uint64_t refused_since; /* rate limit of the audit */
        unsigned refused;
} Clients;

/* Takes a fresh connection over: checks who it is and waits for its request. */
void client_accept(Server *s, int fd);
/* Sends the result and ends the connection. value: the shim's exit status. */
void client_answer(Client *c, uint32_t value, const char *text);
/* Ends the client without closing its descriptor, which is returned. */
int client_take_fd(Client *c);

/* Ends those that have been silent for too long. */
void clients_expire(Server *s, uint64_t now);
void clients_free(Server *s);
