/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/server.h"

#include "server/listener.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/spool.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define DRAIN_FIRST  USEC_PER_SEC
#define DRAIN_USEC   (5 * USEC_PER_SEC)
#define LISTEN_PAUSE USEC_PER_SEC

/* ---- time ---- */

void server_wake_at(Server *s, uint64_t when)
{
        if (when >= s->timer_at)
                return;
        s->timer_at = when;
        (void) sd_event_source_set_time(s->timer, when);
        (void) sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

void server_drain(Server *s)
{
        int r = log_drain();

        s->drain_at = UINT64_MAX;
        if (r > 0 || r == -EBUSY) { /* a worker may be at it, or have been stopped in the middle of it */
                s->drain_at = now_usec() + DRAIN_USEC;
                server_wake_at(s, s->drain_at);
        }
}

/* An entry went to the spool, ours or a worker's who may not end for long: journald did not take it. */
static int on_spooled(sd_event_source *source, const struct inotify_event *e, void *userdata)
{
        Server *s = userdata;

        if (e->len > 0 && streq(e->name, "spool") && s->drain_at == UINT64_MAX && spool_pending(s->spool)) {
                s->drain_at = now_usec() + DRAIN_FIRST;
                server_wake_at(s, s->drain_at);
        }
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        Server *s = userdata;
        uint64_t now = now_usec();

        s->timer_at = UINT64_MAX;
        (void) sd_event_source_set_enabled(s->listen_source, SD_EVENT_ON);
        profiles_refresh(s);
        clients_expire(s, now);
        jobs_expire(s, now);
        ledger_settle(s);
        if (s->drain_at <= now)
                server_drain(s);
        else
                server_wake_at(s, s->drain_at);
        return 0;
}

/* ---- connections ---- */

/* One at a time: the loop looks at what inotify has before each, so that nobody is answered by a profile that had been
 * changed before he asked. */
static int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Server *s = userdata;
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (client >= 0)
                client_accept(s, client);
        else if (errno != EINTR && errno != ECONNABORTED && errno != EAGAIN) {
                /* no descriptors or no memory, perhaps the whole machine: not in circles */
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
                server_wake_at(s, now_usec() + LISTEN_PAUSE);
        }
        return 0;
}

void server_notify(Server *s)
{
        unsigned held = 0;

        for (size_t i = 0; i < s->ledger.n; i++)
                held += s->ledger.list[i]->state == TXN_HELD;
        if (held == s->notified)
                return;
        s->notified = held;
        (void) sd_notifyf(0, "STATUS=%u guest%s hold%s devices of this host", held, held == 1 ? "" : "s",
                          held == 1 ? "s" : "");
}

/* ---- the loop ---- */

static LogTarget log_target(const char *audit)
{
        if (streq(audit, "stderr"))
                return LOG_TO_STDERR;
        return streq(audit, "none") ? LOG_TO_NULL : LOG_TO_JOURNAL;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
        return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int add_sources(Server *s)
{
        static const int signals[] = { SIGTERM, SIGINT };
        sigset_t mask;
        int r;

        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGTERM);
        (void) sigaddset(&mask, SIGINT);
        (void) sigaddset(&mask, SIGCHLD);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;
        (void) signal(SIGPIPE, SIG_IGN);
        r = sd_event_new(&s->event);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(signals); i++)
                r = sd_event_add_signal(s->event, NULL, signals[i], on_signal, NULL);
        if (r >= 0)
                r = sd_event_add_time(s->event, &s->timer, CLOCK_MONOTONIC, UINT64_MAX, 0, on_timer, s);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_io(s->event, &s->listen_source, s->listen_fd, EPOLLIN, on_connection, s);
        if (r >= 0)
                r = sd_event_set_watchdog(s->event, true);
        return r < 0 ? r : 0;
}

static int server_open(Server *s, Fault *f)
{
        struct timespec ts = { 0 };
        int r;

        TAILQ_INIT(&s->clients.list);
        TAILQ_INIT(&s->jobs.list);
        s->listen_fd = -1;
        s->notified = UINT_MAX;
        s->timer_at = s->drain_at = UINT64_MAX;
        (void) clock_gettime(CLOCK_REALTIME, &ts);
        s->since_realtime = (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
        if (asprintf(&s->spool, "%s/spool", s->options->journals) < 0) {
                s->spool = NULL;
                return fault_set(f, -ENOMEM, NULL, "out of memory");
        }
        log_open(log_target(s->options->audit), s->spool, LOG_INFO);
        s->clients.max = listener_raise_limit();
        r = listener_open(s->options->socket, &s->own_socket, f);
        if (r < 0)
                return r;
        s->listen_fd = r;
        r = add_sources(s);
        if (r < 0)
                return fault_set(f, r, NULL, "cannot set up the event loop: %s", fault_errno(r));
        r = profiles_open(s, f);
        if (r >= 0)
                r = ledger_open(s, f);
        if (r < 0)
                return r;
        r = sd_event_add_inotify(s->event, &s->spool_source, s->options->journals, IN_MODIFY | IN_ONLYDIR, on_spooled,
                                 s);
        return r < 0 ? fault_set(f, r, s->options->journals, "cannot watch %s: %s", s->options->journals,
                                 fault_errno(r))
                     : 0;
}

static void server_close(Server *s)
{
        if (s->own_socket && s->listen_fd >= 0)
                (void) unlink(s->options->socket);
        clients_free(s);
        jobs_free(s);
        ledger_free(s);
        profiles_free(s);
        sd_event_source_disable_unref(s->spool_source);
        sd_event_source_disable_unref(s->listen_source);
        sd_event_source_disable_unref(s->timer);
        closep(&s->listen_fd);
        sd_event_unref(s->event);
        free(s->spool);
}

int server_run(const ServerOptions *options, Fault *f)
{
        Server s = { .options = options };
        int r;

        r = server_open(&s, f);
        if (r >= 0) {
                log_simple(LOG_INFO, MESSAGE_DAEMON, "hookd " HOOKD_VERSION " started: %zu profiles, %zu open journals",
                           s.profiles.index ? profile_index_size(s.profiles.index) : 0, s.ledger.n);
                server_drain(&s);
                (void) sd_notify(0, "READY=1");
                server_notify(&s);
                r = sd_event_loop(s.event);
                if (r < 0)
                        fault_set(f, r, NULL, "the event loop ended: %s", fault_errno(r));
                (void) sd_notify(0, "STOPPING=1");
                log_simple(LOG_INFO, MESSAGE_DAEMON, "hookd stopped; %u workers go on by themselves", s.jobs.running);
        }
        server_close(&s);
        return r;
}
