/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/client.h"

#include "server/reply.h"
#include "server/request.h"
#include "server/server.h"
#include "util/fd.h"
#include "util/log.h"
#include "wire/wire.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define SILENCE_USEC     (10 * USEC_PER_SEC)
#define REFUSALS_A_SPELL 10
#define REFUSAL_SPELL    (60 * USEC_PER_SEC)

static void client_free(Client *c)
{
        if (c->source) {
                TAILQ_REMOVE(&c->server->clients.list, c, link);
                c->server->clients.n--;
                sd_event_source_disable_unref(c->source);
        }
        closep(&c->fd);
        free(c);
}

/* A flood of refusals must not become a flood in the audit. */
static void audit_refusal(Server *s, pid_t pid, uid_t uid, const char *why)
{
        uint64_t now = now_usec();

        if (now - s->clients.refused_since > REFUSAL_SPELL) {
                s->clients.refused_since = now;
                s->clients.refused = 0;
        }
        if (++s->clients.refused > REFUSALS_A_SPELL)
                return;
        log_simple(LOG_WARNING, MESSAGE_PEER_REFUSED, "refused process %i of user %u: %s%s", (int) pid, (unsigned) uid,
                   why,
                   s->clients.refused == REFUSALS_A_SPELL ? " (further refusals of this minute are not shown)" : "");
}

/* What the peer has sent or is about to send is dropped first: closing a socket with something unread in it would make
 * the peer see a reset instead of the answer. Its descriptors never become ours: even close() may wait for their owner.
 */
static void turn_away(int fd, const char *text)
{
        WireMessage m;

        (void) shutdown(fd, SHUT_RD);
        for (unsigned i = 0; i < 8 && wire_receive(fd, &m, NULL) != 0; i++)
                ;
        (void) reply_result(fd, 1, text);
        (void) close(fd);
}

void client_answer(Client *c, uint32_t value, const char *text)
{
        (void) reply_result(c->fd, value, text);
        client_free(c);
}

int client_take_fd(Client *c)
{
        int fd = TAKE_FD(c->fd);

        client_free(c);
        return fd;
}

/* 1: c is gone; 0: nothing there yet. */
static int client_read(Client *c)
{
        WireMessage m;
        int fd = -1, r;

        r = wire_receive(c->fd, &m, &fd);
        if (r == -EAGAIN)
                return 0;
        if (r > 0)
                request_handle(c, &m, fd);
        else if (r == 0)
                client_free(c);
        else {
                audit_refusal(c->server, c->pid, c->uid, "what it sent is no request");
                turn_away(client_take_fd(c),
                          r == -EPROTONOSUPPORT ? "hookd and the program that asked are of different versions: run "
                                                  "`hookctl enable` once more, restart hookd.service"
                                                : "hookd could not read the request");
        }
        return 1;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Client *c = userdata;

        /* an error without a message would wake us for ever */
        if (client_read(c) == 0 && (events & (EPOLLHUP | EPOLLERR)))
                client_free(c);
        return 0;
}

static int client_wait(Client *c)
{
        Server *s = c->server;
        int r;

        r = sd_event_add_io(s->event, &c->source, c->fd, EPOLLIN, on_readable, c);
        if (r < 0)
                return r;
        TAILQ_INSERT_TAIL(&s->clients.list, c, link);
        s->clients.n++;
        c->deadline = now_usec() + SILENCE_USEC;
        server_wake_at(s, c->deadline);
        return 0;
}

/* Silent ones are a threat to the next hook, whose request is there as soon as it has connected: the one that has been
 * silent for longest goes. */
static void make_room(Server *s)
{
        Client *oldest = TAILQ_FIRST(&s->clients.list);

        if (oldest && s->clients.n + s->jobs.n >= s->clients.max) {
                audit_refusal(s, oldest->pid, oldest->uid, "silent, and there are too many connections");
                turn_away(client_take_fd(oldest), "hookd has too many connections, and this one was silent");
        }
}

void client_accept(Server *s, int fd)
{
        struct ucred peer = { .uid = (uid_t) -1 };
        socklen_t size = sizeof(peer);
        Client *c;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || (peer.uid != 0 && peer.uid != geteuid())) {
                audit_refusal(s, peer.pid, peer.uid, "only root may ask");
                turn_away(fd, "hookd answers root only");
                return;
        }
        c = s->jobs.n < s->clients.max ? calloc(1, sizeof(*c)) : NULL;
        if (!c) {
                audit_refusal(s, peer.pid, peer.uid, "too many connections");
                turn_away(fd, "hookd has too many connections: see `hookctl status`, and try again");
                return;
        }
        *c = (Client){ .server = s, .fd = fd, .pid = peer.pid, .uid = peer.uid };
        if (client_read(c) != 0)
                return;
        make_room(s);
        if (client_wait(c) < 0)
                client_free(c);
}

void clients_expire(Server *s, uint64_t now)
{
        Client *c;

        while ((c = TAILQ_FIRST(&s->clients.list)) && c->deadline <= now)
                turn_away(client_take_fd(c), "hookd waited 10 s for the request");
        if (c)
                server_wake_at(s, c->deadline);
}

void clients_free(Server *s)
{
        Client *c;

        while ((c = TAILQ_FIRST(&s->clients.list)))
                client_free(c);
}
