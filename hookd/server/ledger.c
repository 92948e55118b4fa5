/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/ledger.h"

#include "server/server.h"
#include "util/log.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

static void caller_unwatch(Holding *h)
{
        h->caller_source = sd_event_source_disable_unref(h->caller_source);
        closep(&h->caller_fd);
        h->caller_fd = -1;
}

static Holding *holding_free(Holding *h)
{
        caller_unwatch(h);
        free(h->domain);
        free(h->profile);
        free(h->card);
        free(h->text);
        free(h);
        return NULL;
}

DEFINE_CLEANUP(Holding, holding_free)

static int replace(char **field, char *value)
{
        if (!value)
                return -ENOMEM;
        free(*field);
        *field = value;
        return 0;
}

static int holding_update(Holding *h, const Journal *j)
{
        const ProcessId caller = { .pid = j->owner_pid, .start = j->owner_start };
        const char *text = NULL;

        h->seen = true;
        h->planless = !j->plan;
        h->state = txn_state(j);
        h->since = txn_since(j, &text);
        if (caller.pid != h->caller.pid || caller.start != h->caller.start) {
                caller_unwatch(h);
                h->caller = caller;
                h->caller_gone = false;
        }
        if (replace(&h->domain, strdup(j->plan ? j->plan->domain : "")) < 0 ||
            replace(&h->profile, strdup(j->plan && j->plan->profile ? j->plan->profile : "")) < 0 ||
            replace(&h->card, j->plan ? strv_join(j->plan->functions, " ") : strdup("")) < 0 ||
            replace(&h->text, strdup(text ? text : "")) < 0)
                return -ENOMEM;
        return 0;
}

static void recover(const Holding *h)
{
        Job job = {
                .verb = JOB_RECOVER, .domain = h->domain, .event = (char *) "recover", .client_fd = -1, .xml_fd = -1
        };

        memcpy(job.uuid, h->uuid, sizeof(job.uuid));
        jobs_add(h->server, &job);
}

static int on_caller_exit(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Holding *h = userdata;

        caller_unwatch(h);
        h->caller_gone = true;
        recover(h);
        return 0;
}

/* True when the process whose hook it was has gone, which is said once. Otherwise its end will be seen. */
static bool caller_has_gone(Holding *h)
{
        if (h->state != TXN_HELD || h->caller.pid <= 0 || h->caller_gone) {
                caller_unwatch(h);
                return false;
        }
        if (h->caller_source)
                return false;
        h->caller_fd = process_open(&h->caller);
        if (h->caller_fd == -ESRCH) {
                h->caller_gone = true;
                return true;
        }
        if (h->caller_fd >= 0 &&
            sd_event_add_io(h->server->event, &h->caller_source, h->caller_fd, EPOLLIN, on_caller_exit, h) < 0)
                caller_unwatch(h); /* the next refresh tries again */
        return false;
}

/* Who works on it? Where the answer is nobody, a recovery does. */
static void adopt(Holding *h, const char *ended)
{
        bool gone, was_adopted = h->adopted;

        if (ended && *ended && streq(h->domain, ended))
                was_adopted = h->adopted = true;
        if (!h->adopted && h->planless && jobs_prepare_running(h->server))
                return; /* that worker's, most likely: its end tells */
        gone = caller_has_gone(h);
        h->adopted = true;
        if (gone || (!was_adopted && (h->planless || !jobs_find(h->server, h->domain))))
                recover(h);
}

static void report_bad(Server *s, char **bad)
{
        char **kept = NULL;

        STRV_FOREACH (b, bad) {
                char uuid[37] = { 0 };
                bool aside;

                (void) strncpy(uuid, *b, sizeof(uuid) - 1);
                aside = s->jobs.running == 0 && journal_set_aside(s->options->journals, uuid) == 0;
                if (!aside)
                        (void) strv_append(&kept, *b);
                if (aside || !strv_contains(s->ledger.bad, *b)) {
                        const LogField fields[] = { { FIELD_UUID, uuid }, { NULL, NULL } };

                        log_entry(LOG_ERR, MESSAGE_JOURNAL_BAD, fields, "a journal is unreadable%s: %s",
                                  aside ? " and was set aside as bad-*" : "", *b);
                }
        }
        strv_free(s->ledger.bad);
        s->ledger.bad = kept;
}

static Holding *find_uuid(const Ledger *l, const char *uuid)
{
        for (size_t i = 0; i < l->n; i++)
                if (streq(l->list[i]->uuid, uuid))
                        return l->list[i];
        return NULL;
}

static int ledger_take(Server *s, const Journal *j)
{
        const char *slash = strrchr(j->path, '/'), *uuid = slash ? slash + 1 : j->path;
        _cleanup_(holding_freep) Holding *fresh = NULL;
        Holding *h = find_uuid(&s->ledger, uuid), **list;
        int r;

        if (h)
                return holding_update(h, j);
        fresh = calloc(1, sizeof(*fresh));
        if (!fresh)
                return -ENOMEM;
        fresh->server = s;
        fresh->caller_fd = -1;
        (void) snprintf(fresh->uuid, sizeof(fresh->uuid), "%s", uuid);
        r = holding_update(fresh, j);
        if (r < 0)
                return r;
        list = reallocarray(s->ledger.list, s->ledger.n + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        s->ledger.list = list;
        list[s->ledger.n++] = TAKE_PTR(fresh);
        return 0;
}

static void ledger_sweep(Ledger *l)
{
        size_t kept = 0;

        for (size_t i = 0; i < l->n; i++)
                if (l->list[i]->seen)
                        l->list[kept++] = l->list[i];
                else
                        holding_free(l->list[i]);
        l->n = kept;
}

void ledger_refresh(Server *s, const char *ended)
{
        Ledger *l = &s->ledger;
        _cleanup_strv_ char **bad = NULL;
        Journal **list = NULL;
        size_t n = 0;
        int r;

        r = journal_list(s->options->journals, &list, &n, &bad);
        if (r < 0) {
                if (!l->unsettled)
                        log_simple(LOG_ERR, MESSAGE_JOURNAL_BAD, "cannot read the journals in %s: %s",
                                   s->options->journals, fault_errno(r));
                l->unsettled = true; /* what is known stays; every look-up tries again */
                return;
        }
        l->unsettled = false;
        for (size_t i = 0; i < l->n; i++)
                l->list[i]->seen = false;
        for (size_t i = 0; i < n; i++) {
                if (!list[i]->plan && journal_locked(list[i]))
                        l->unsettled = true;
                if (ledger_take(s, list[i]) < 0)
                        l->unsettled = true;
        }
        journal_list_free(list, n);
        ledger_sweep(l);
        report_bad(s, bad);
        for (size_t i = 0; i < l->n; i++)
                adopt(l->list[i], ended);
}

const Holding *ledger_next(const Server *s, const char *domain, const Holding *previous)
{
        bool past = !previous;

        for (size_t i = 0; i < s->ledger.n; i++) {
                const Holding *h = s->ledger.list[i];

                if (past && !h->planless && streq(h->domain, domain))
                        return h;
                past = past || h == previous;
        }
        return NULL;
}

const Holding *ledger_look_up(Server *s, const char *domain)
{
        const Holding *h = ledger_find(s, domain);

        /* A worker may have opened its journal since the last look, even one that nobody here knows: a miss is looked
         * at again, because a release that is not seen leaves the card with nobody. */
        if (h && !s->ledger.unsettled && !jobs_find(s, domain))
                return h;
        ledger_refresh(s, NULL);
        return ledger_find(s, domain);
}

void ledger_recover(Server *s, const char *domain)
{
        for (size_t i = 0; i < s->ledger.n; i++)
                if (!s->ledger.list[i]->planless && streq(s->ledger.list[i]->domain, domain))
                        recover(s->ledger.list[i]);
}

static int on_change(sd_event_source *source, const struct inotify_event *e, void *userdata)
{
        Server *s = userdata;

        if (e->mask & (IN_IGNORED | IN_Q_OVERFLOW))
                s->ledger.unsettled = true;
        else if (e->len > 0 && uuid_valid(e->name))
                ledger_refresh(s, NULL);
        return 0;
}

int ledger_open(Server *s, Fault *f)
{
        const char *root = s->options->journals;
        int r;

        if (mkdir(root, 0700) < 0 && errno != EEXIST)
                return fault_set(f, -errno, root, "cannot make the folder for journals %s: %s", root,
                                 fault_errno(-errno));
        /* A worker that an earlier hookd left behind may open its journal only now. */
        r = sd_event_add_inotify(s->event, &s->ledger.watch, root,
                                 IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_ONLYDIR, on_change, s);
        if (r >= 0)
                r = sd_event_source_set_priority(s->ledger.watch, SD_EVENT_PRIORITY_IMPORTANT);
        if (r < 0)
                return fault_set(f, r, root, "cannot watch the folder for journals %s: %s", root, fault_errno(r));
        ledger_refresh(s, NULL);
        return 0;
}

void ledger_free(Server *s)
{
        for (size_t i = 0; i < s->ledger.n; i++)
                holding_free(s->ledger.list[i]);
        free(s->ledger.list);
        strv_free(s->ledger.bad);
        sd_event_source_disable_unref(s->ledger.watch);
}
