/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/holding.h"

#include "server/server.h"
#include "util/fd.h"
#include "util/log.h"

#include <stdio.h>
#include <sys/epoll.h>

/* How long libvirtd may take to notice that QEMU has gone, to tear the guest down after that, and, where it has died
 * itself, to come back and do so. Its own work on the devices is not to be disturbed: it may reset one that it does not
 * find on vfio any more. */
#define NOTICE_USEC    (20 * USEC_PER_SEC)
#define TEAR_DOWN_USEC (25 * USEC_PER_SEC)
#define COMEBACK_USEC  (8 * USEC_PER_SEC)

static void unwatch(Watched *w)
{
        w->source = sd_event_source_disable_unref(w->source);
        closep(&w->fd);
        w->fd = -1;
}

static void watched_gone(Watched *w)
{
        unwatch(w);
        w->gone = true;
        w->gone_at = now_usec();
}

static int on_exit_of(Holding *h, Watched *w)
{
        watched_gone(w);
        ledger_settle(h->server);
        return 0;
}

static int on_caller_exit(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Holding *h = userdata;

        return on_exit_of(h, &h->caller);
}

static int on_guest_exit(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Holding *h = userdata;

        return on_exit_of(h, &h->guest);
}

static void watch(Holding *h, Watched *w, sd_event_io_handler_t handler)
{
        if (h->state != TXN_HELD) {
                unwatch(w);
                return;
        }
        if (w->id.pid <= 0 || w->gone || w->source)
                return;
        w->fd = process_open(&w->id);
        w->foreign = w->fd >= 0 && process_is_foreign(w->id.pid);
        if (w->fd == -ESRCH)
                watched_gone(w);
        else if (w->fd >= 0 && sd_event_add_io(h->server->event, &w->source, w->fd, EPOLLIN, handler, h) < 0)
                unwatch(w); /* the next refresh tries again */
}

static void watch_both(Holding *h)
{
        watch(h, &h->caller, on_caller_exit);
        watch(h, &h->guest, on_guest_exit);
}

static void set_watched(Watched *w, const ProcessId *id)
{
        if (id->pid == w->id.pid && id->start == w->id.start)
                return;
        unwatch(w);
        *w = (Watched){ .id = *id, .fd = -1 };
}

Holding *holding_new(Server *s, const char *uuid)
{
        Holding *h = calloc(1, sizeof(*h));

        if (!h)
                return NULL;
        h->server = s;
        h->caller.fd = h->guest.fd = -1;
        (void) snprintf(h->uuid, sizeof(h->uuid), "%s", uuid);
        return h;
}

Holding *holding_free(Holding *h)
{
        if (!h)
                return NULL;
        unwatch(&h->caller);
        unwatch(&h->guest);
        free(h->domain);
        free(h->profile);
        free(h->card);
        free(h->text);
        strv_free(h->events);
        free(h);
        return NULL;
}

static int replace(char **field, char *value)
{
        if (!value)
                return -ENOMEM;
        free(*field);
        *field = value;
        return 0;
}

int holding_update(Holding *h, const Journal *j)
{
        const char *text = NULL;

        h->seen = true;
        h->planless = !j->plan;
        h->state = txn_state(j);
        h->since = txn_since(j, &text);
        if (txn_was_stopped(j))
                holding_stopped(h);
        h->answered = txn_was_answered(j);
        set_watched(&h->caller, &(ProcessId){ .pid = j->owner_pid, .start = j->owner_start });
        set_watched(&h->guest, &(ProcessId){ .pid = j->guest_pid, .start = j->guest_start });
        if (replace(&h->domain, strdup(j->plan ? j->plan->domain : "")) < 0 ||
            replace(&h->profile, strdup(j->plan && j->plan->profile ? j->plan->profile : "")) < 0 ||
            replace(&h->card, j->plan ? plan_devices(j->plan) : strdup("")) < 0 ||
            replace(&h->text, strdup(text ? text : "")) < 0)
                return -ENOMEM;
        if (j->plan && j->plan->events && !h->events) { /* a plan never changes */
                h->events = strv_copy(j->plan->events);
                if (!h->events)
                        return -ENOMEM;
        }
        watch_both(h);
        return 0;
}

void holding_stopped(Holding *h)
{
        if (h->stopped_at == 0)
                h->stopped_at = now_usec();
}

void holding_set_caller(Holding *h, const ProcessId *caller)
{
        if (h->state != TXN_HELD || caller->pid <= 0 ||
            (caller->pid == h->caller.id.pid && caller->start == h->caller.id.start))
                return;
        (void) journal_note_owner(h->server->options->journals, h->uuid, caller->pid, caller->start);
        set_watched(&h->caller, caller);
        watch_both(h);
}

/* libvirt keeps it from QEMU's fork until just before release. In its own mount namespace, and the number is that of
 * its pid namespace: it may live in a container. */
static int read_pid_file(const Holding *h, ProcessId *ret)
{
        const pid_t like = h->caller.gone ? 0 : h->caller.id.pid;
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -1;
        char text[16] = "";
        uint64_t pid;

        if (strchr(h->domain, '/'))
                return -EINVAL;
        if (asprintf(&path, "%s/run/libvirt/qemu/%s.pid", h->server->options->root, h->domain) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        fd = process_open_file(like, path);
        if (fd < 0)
                return fd;
        if (read(fd, text, sizeof(text) - 1) <= 0)
                return -EINVAL;
        text[strcspn(text, "\n")] = '\0';
        return parse_uint(text, INT32_MAX, &pid) < 0 ? -EINVAL : process_find(like, pid, ret);
}

void holding_find_guest(Holding *h, bool sure)
{
        ProcessId id;

        if (h->state != TXN_HELD || h->guest.id.pid > 0)
                return;
        if (read_pid_file(h, &id) < 0 || (!sure && !process_is_qemu(id.pid)))
                return;
        (void) journal_note_guest(h->server->options->journals, h->uuid, id.pid, id.start);
        set_watched(&h->guest, &id);
        watch_both(h);
}

uint64_t holding_due(const Holding *h, uint64_t now)
{
        bool known = h->guest.id.pid > 0, ended = known ? h->guest.gone : h->stopped_at > 0;
        uint64_t since = known ? h->guest.gone_at : h->stopped_at, due = now;

        if (h->state == TXN_HELD) {
                if (!ended && (known || !h->caller.gone)) /* it runs, or is being started */
                        return UINT64_MAX;
                if (h->answered || (!ended && !h->caller.foreign))
                        due = now; /* nobody will start it; libvirt has nothing more to say */
                else if (!ended)   /* its container's pid file is out of reach now: a QEMU on its way has the card open
                                      then */
                        due = h->caller.gone_at + COMEBACK_USEC;
                else if (h->caller.gone)
                        due = MAX(since, h->caller.gone_at) + COMEBACK_USEC;
                else
                        due = since + (h->stopped_at > 0 ? TEAR_DOWN_USEC : NOTICE_USEC);
        }
        return MAX(due, h->retry_at);
}

void holding_put_off(Holding *h, uint64_t now)
{
        static const unsigned seconds[] = { 5, 15, 60, 300 };
        unsigned n = h->tries++;

        h->retry_at = now + (n < ARRAY_SIZE(seconds) ? seconds[n] : n < 15 ? 300 : 3600) * USEC_PER_SEC;
}
