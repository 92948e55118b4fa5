/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/ledger.h"

#include "server/server.h"
#include "util/fd.h"
#include "util/log.h"

#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>

static void recover(Holding *h)
{
        Job job = { .verb = JOB_RECOVER,
                    .domain = h->domain,
                    .event = (char *) (h->tries > 0 ? "retry" : "recover"),
                    .client_fd = -1,
                    .xml_fd = -1 };

        memcpy(job.uuid, h->uuid, sizeof(job.uuid));
        jobs_add(h->server, &job);
}

/* Its end comes here again. A journal without a plan is most likely that of a prepare that runs. */
static bool somebody_works(const Holding *h)
{
        return jobs_of_journal(h->server, h->domain, h->uuid) || (h->planless && jobs_prepare_running(h->server));
}

/* Who works on it? Where the answer is nobody, a recovery does: also for one that is HELD, as its guest may have gone
 * unseen. */
static void adopt(Holding *h)
{
        if (h->adopted || (h->planless && somebody_works(h)))
                return;
        h->adopted = true;
        if (!somebody_works(h))
                recover(h);
}

void ledger_settle(Server *s)
{
        uint64_t now = now_usec();

        for (size_t i = 0; i < s->ledger.n; i++) {
                Holding *h = s->ledger.list[i];
                uint64_t due;

                if (!h->adopted || somebody_works(h))
                        continue;
                due = holding_due(h, now);
                if (due > now) {
                        server_wake_at(s, due);
                        continue;
                }
                recover(h);
                if (!somebody_works(h)) { /* not even started */
                        holding_put_off(h, now);
                        server_wake_at(s, h->retry_at);
                }
        }
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
        fresh = holding_new(s, uuid);
        if (!fresh)
                return -ENOMEM;
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

static void reread(Server *s)
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
}

void ledger_refresh(Server *s)
{
        reread(s);
        for (size_t i = 0; i < s->ledger.n; i++)
                adopt(s->ledger.list[i]);
        ledger_settle(s);
}

static void say_again(const Holding *h)
{
        const LogField fields[] = { { FIELD_DOMAIN, h->domain }, { FIELD_UUID, h->uuid }, { NULL, NULL } };

        log_entry(LOG_WARNING, MESSAGE_WARNING, fields,
                  "guest %s: what could not be put back is tried again by itself, in a few seconds first, then every 5 "
                  "minutes, at last every hour; `hookctl status` shows whether it is still open",
                  *h->domain ? h->domain : h->uuid);
}

void ledger_job_ended(Server *s, const Job *j, bool fine)
{
        uint64_t now = now_usec();

        reread(s);
        for (size_t i = 0; i < s->ledger.n; i++) {
                Holding *h = s->ledger.list[i];

                if (!streq(h->uuid, j->uuid) && (h->planless || !streq(h->domain, j->domain)))
                        continue;
                h->adopted = true;
                h->retry_at = 0;
                if (holding_due(h, now) > now)
                        h->tries = 0;
                else if (j->verb == JOB_RECOVER || (fine && h->state != TXN_HELD)) {
                        if (h->tries == 0)
                                say_again(h);
                        holding_put_off(h, now);
                }
        }
        ledger_refresh(s);
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
        ledger_refresh(s);
        return ledger_find(s, domain);
}

void ledger_guest_runs(Server *s, const char *domain, const ProcessId *caller)
{
        for (size_t i = 0; i < s->ledger.n; i++)
                if (!s->ledger.list[i]->planless && streq(s->ledger.list[i]->domain, domain)) {
                        if (caller)
                                holding_set_caller(s->ledger.list[i], caller);
                        holding_find_guest(s->ledger.list[i], true);
                }
        ledger_settle(s);
}

void ledger_guest_stopped(Server *s, const char *domain, const ProcessId *caller)
{
        for (size_t i = 0; i < s->ledger.n; i++)
                if (!s->ledger.list[i]->planless && streq(s->ledger.list[i]->domain, domain)) {
                        holding_set_caller(s->ledger.list[i], caller);
                        holding_stopped(s->ledger.list[i]);
                        holding_find_guest(s->ledger.list[i], false); /* it may have outlived its own stop */
                }
        ledger_settle(s);
}

static int on_change(sd_event_source *source, const struct inotify_event *e, void *userdata)
{
        Server *s = userdata;

        if (e->mask & (IN_IGNORED | IN_Q_OVERFLOW))
                s->ledger.unsettled = true;
        else if (e->len > 0 && uuid_valid(e->name))
                ledger_refresh(s);
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
        ledger_refresh(s);
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
