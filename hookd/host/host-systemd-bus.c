/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/host-systemd-bus.h"
#include "util/fd.h"

#include <poll.h>
#include <stdio.h>

struct Systemd {
        sd_bus *bus;
        Job *job;
};

Systemd *systemd_free(Systemd *s)
{
        if (!s)
                return NULL;
        (void) sd_bus_close_unref(s->bus); /* no flush: that could wait */
        free(s);
        return NULL;
}

static void bus_drop(RealHost *h)
{
        if (h->systemd) {
                (void) sd_bus_close_unref(h->systemd->bus);
                h->systemd->bus = NULL;
        }
}

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_)
{
        Job *job = ((Systemd *) userdata)->job;
        const char *path, *unit, *result;
        uint32_t id;

        if (!job || job->done || sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) < 0)
                return 0;
        if (!job->path) {
                if (strv_append(&job->early, path) >= 0)
                        (void) strv_append(&job->early, result);
        } else if (streq(job->path, path)) {
                (void) snprintf(job->result, sizeof(job->result), "%s", result);
                job->done = true;
        }
        return 0;
}

/* Nothing is waited for in here, not even the end of the handshake: bus_pump() does all of that. No environment. */
int bus_connect(RealHost *h)
{
        sd_bus *bus = NULL;
        int r;

        if (!h->systemd) {
                h->systemd = calloc(1, sizeof(*h->systemd));
                if (!h->systemd)
                        return -ENOMEM;
        }
        if (h->systemd->bus)
                return 0;

        r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, h->bus_address);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus, true);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0) /* asynchronous, and in order with every call that follows */
                r = sd_bus_match_signal_async(bus, NULL, SYSTEMD, SYSTEMD_PATH, SYSTEMD ".Manager", "JobRemoved",
                                              on_job_removed, NULL, h->systemd);
        if (r < 0) {
                (void) sd_bus_close_unref(bus);
                return r == -ENOMEM ? r : -ECONNREFUSED; /* -ENOENT would read as "no such unit" */
        }
        h->systemd->bus = bus;
        return 0;
}

void bus_watch_job(RealHost *h, Job *job)
{
        h->systemd->job = job;
}

int bus_pump(RealHost *h, const bool *done, uint64_t until)
{
        for (;;) {
                sd_bus *bus = h->systemd->bus;
                struct pollfd p[2] = {
                        { .fd = -1 },
                        { .fd = h->host.no_cancel ? -1 : h->host.cancel_fd, .events = POLLIN | POLLRDHUP },
                };
                uint64_t now = now_usec(), wake = MIN(until, h->host.deadline);
                int r = 0;

                if (bus) {
                        uint64_t timeout;

                        r = sd_bus_process(bus, NULL);
                        if (done && *done)
                                return 1;
                        if (r >= 0) {
                                p[0] = (struct pollfd){ .fd = sd_bus_get_fd(bus),
                                                        .events = (short) sd_bus_get_events(bus) };
                                if (sd_bus_get_timeout(bus, &timeout) >= 0)
                                        wake = MIN(wake, timeout);
                        }
                        if (r < 0 || p[0].fd < 0) {
                                bus_drop(h);
                                return -ECONNRESET;
                        }
                }
                if (now >= h->host.deadline)
                        return -ETIMEDOUT;
                if (now >= until)
                        return 0;

                if (poll(p, 2, r > 0 ? 0 : usec_to_poll(wake)) < 0 && errno != EINTR)
                        return -errno;
                if (p[1].revents)
                        return -ECANCELED;
        }
}

typedef struct Reply {
        sd_bus_message *message;
        bool done;
} Reply;

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_)
{
        Reply *reply = userdata;

        reply->message = sd_bus_message_ref(m);
        reply->done = true;
        return 0;
}

int bus_message(RealHost *h, const char *service, const char *path, const char *interface, const char *method,
                sd_bus_message **ret)
{
        int r = bus_connect(h);

        if (r < 0)
                return r;
        r = sd_bus_message_new_method_call(h->systemd->bus, ret, service, path, interface, method);
        if (r < 0)
                return r;
        return sd_bus_message_set_auto_start(*ret, false); /* a machine without logind gets none from us */
}

int bus_call_message(RealHost *h, sd_bus_message *m, sd_bus_message **ret, sd_bus_error *error)
{
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
        Reply reply = {};
        int r;

        r = sd_bus_call_async(h->systemd->bus, &slot, m, on_reply, &reply, UINT64_MAX);
        if (r < 0) {
                bus_drop(h);
                return r == -ENOMEM ? r : -ECONNRESET;
        }

        r = bus_pump(h, &reply.done, UINT64_MAX);
        if (r < 0)
                return r;
        r = 0;
        if (sd_bus_is_open(h->systemd->bus) <= 0) { /* its own error for what is still open when it closes */
                bus_drop(h);
                r = -ECONNRESET;
        } else if (sd_bus_message_is_method_error(reply.message, NULL)) {
                r = -sd_bus_message_get_errno(reply.message);
                if (r == -ETIMEDOUT || r == -ECANCELED) /* theirs, not our deadline */
                        r = -EREMOTEIO;
                (void) sd_bus_error_copy(error, sd_bus_message_get_error(reply.message));
        } else if (ret)
                *ret = sd_bus_message_ref(reply.message);
        (void) sd_bus_message_unref(reply.message);
        return r;
}

int bus_call(RealHost *h, const char *service, const char *path, const char *interface, const char *method,
             sd_bus_message **ret, sd_bus_error *error, const char *types, ...)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        va_list args;
        int r;

        r = bus_message(h, service, path, interface, method, &m);
        if (r < 0)
                return r;
        va_start(args, types);
        r = sd_bus_message_appendv(m, types, args);
        va_end(args);
        if (r < 0) {
                bus_drop(h);
                return r == -ENOMEM ? r : -ECONNRESET;
        }
        return bus_call_message(h, m, ret, error);
}

static int read_property(sd_bus_message *m, const Property *p)
{
        const char *text, *path;
        int flag, r;

        if (streq(p->signature, "(uo)")) {
                Pair *pair = p->to;

                r = sd_bus_message_read(m, "(uo)", &pair->id, &path);
                if (r >= 0)
                        (void) snprintf(pair->path, sizeof(pair->path), "%s", path);
                return r;
        }
        if (streq(p->signature, "b")) {
                r = sd_bus_message_read(m, "b", &flag);
                if (r >= 0)
                        *(bool *) p->to = flag;
                return r;
        }
        if (!streq(p->signature, "s") && !streq(p->signature, "(so)"))
                return sd_bus_message_read(m, p->signature, p->to);

        r = streq(p->signature, "s") ? sd_bus_message_read(m, "s", &text)
                                     : sd_bus_message_read(m, "(so)", &text, &path);
        if (r < 0)
                return r;
        if (p->size > 0) {
                (void) snprintf(p->to, p->size, "%s", text);
                return 0;
        }
        free(*(char **) p->to);
        *(char **) p->to = strdup(text);
        return *(char **) p->to ? 0 : -ENOMEM;
}

int bus_properties(RealHost *h, const char *service, const char *path, const Property *table, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = bus_call(h, service, path, "org.freedesktop.DBus.Properties", "GetAll", &m, error, "s", "");
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const char *name, *signature;
                const Property *p = table;

                r = sd_bus_message_read(m, "s", &name);
                if (r >= 0)
                        r = sd_bus_message_peek_type(m, NULL, &signature);
                if (r < 0)
                        return r;
                while (p->name && !(streq(p->name, name) && streq(p->signature, signature)))
                        p++;
                if (!p->name)
                        r = sd_bus_message_skip(m, "v");
                else {
                        r = sd_bus_message_enter_container(m, 'v', signature);
                        if (r >= 0)
                                r = read_property(m, p);
                        if (r >= 0)
                                r = sd_bus_message_exit_container(m);
                }
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        return r;
}
