/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/request.h"

#include "model/event.h"
#include "server/reconcile.h"
#include "server/record.h"
#include "server/server.h"
#include "server/status.h"
#include "txn/plan-record.h"
#include "util/fd.h"
#include "util/log.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

static void audit_event(const Event *e, const char *label, const Holding *h, const char *what)
{
        const LogField fields[] = {
                { FIELD_DOMAIN, e->domain }, { FIELD_UUID, h ? h->uuid : NULL }, { FIELD_EVENT, label }, { NULL, NULL }
        };

        log_entry(LOG_INFO, MESSAGE_EVENT, fields, "%s of guest %s: %s", label, e->domain, what);
}

/* A card of this guest that the kernel keeps, with somebody of ours who waits for it: nothing is gained by waiting
 * behind that one. */
static bool is_stuck(Server *s, const Holding *h)
{
        return h->state == TXN_STUCK && jobs_find(s, h->domain);
}

static void refuse_stuck(Client *c, const Holding *h, const char *label)
{
        const LogField fields[] = { { FIELD_DOMAIN, h->domain },
                                    { FIELD_UUID, h->uuid },
                                    { FIELD_EVENT, label },
                                    { FIELD_RESULT, "refused" },
                                    { NULL, NULL } };
        char card[PCI_FORMAT_MAX];
        Fault f = { 0 };

        (void) snprintf(card, sizeof(card), "%.*s", (int) strcspn(h->card, " "), h->card);
        (void) txn_refuse_stuck(card, h->domain, h->since, h->text, &f);
        log_entry(LOG_ERR, MESSAGE_REFUSED, fields, "%s of guest %s: %s", label, h->domain, f.text);
        client_answer(c, 1, f.text);
}

/* The shim's parent: libvirtd. pid 0: not known. *ret_orphan (may be NULL): it has gone already, and the shim was left
 * to init, the host's or its container's; where hookd is no service, init may be anything. */
static ProcessId caller_of(const Client *c, bool *ret_orphan)
{
        ProcessId shim, caller = { 0 };
        bool orphan = false;
        pid_t parent;

        if (process_identify(c->pid, &shim, &parent) == 0) {
                if (parent > 1)
                        orphan = process_identify(parent, &caller, NULL) < 0 || process_adopts(parent);
                else
                        orphan = getppid() == 1;
        }
        if (ret_orphan)
                *ret_orphan = orphan;
        return caller;
}

/* Has the administrator a folder of scripts for this guest? What is in it, the worker looks at. */
static bool has_scripts(const Server *s, const char *domain)
{
        static const char *const folders[] = { "/etc/hookd/hooks.d", "/etc/libvirt/hooks/qemu.d" };
        char path[PATH_MAX];
        struct stat st;

        for (size_t i = 0; i < ARRAY_SIZE(folders) && !strchr(domain, '/') && *domain != '.'; i++)
                if (snprintf(path, sizeof(path), "%s%s/%s", streq(s->options->root, "/") ? "" : s->options->root,
                             folders[i], domain) < (int) sizeof(path) &&
                    stat(path, &st) == 0 && S_ISDIR(st.st_mode))
                        return true;
        return false;
}

static void hook_prepare(Client *c, const Event *e, const char *label, int xml_fd)
{
        Server *s = c->server;
        const Holding *h = ledger_look_up(s, e->domain);
        Job job = { .verb = JOB_PREPARE, .domain = (char *) e->domain, .event = (char *) label, .xml_fd = xml_fd };
        bool orphan;

        if (!h && !profiles_may_own(s, e->domain) && !has_scripts(s, e->domain)) {
                closep(&xml_fd);
                client_answer(c, 0, NULL);
                return;
        }
        for (const Holding *x = h; x; x = ledger_next(s, e->domain, x))
                if (is_stuck(s, x)) {
                        closep(&xml_fd);
                        refuse_stuck(c, x, label);
                        return;
                }
        audit_event(e, label, h, "the host is being prepared");
        job.caller = caller_of(c, &orphan);
        if (orphan) {
                closep(&xml_fd);
                client_answer(c, 1, "libvirtd, which asked for it, has gone: nobody will start the guest");
                return;
        }
        job.client_fd = client_take_fd(c);
        jobs_add(s, &job);
}

/* Notes in every open journal of the guest that libvirt has done with it. */
static const Holding *note_stopped(Client *c, const Event *e, const char *label, const char *what)
{
        Server *s = c->server;
        const Holding *first = ledger_look_up(s, e->domain);
        int r;

        for (const Holding *h = first; h; h = ledger_next(s, e->domain, h)) {
                r = journal_note_stopped(s->options->journals, h->uuid);
                if (r < 0 && r != -ENOENT) {
                        const LogField fields[] = { { FIELD_DOMAIN, e->domain },
                                                    { FIELD_UUID, h->uuid },
                                                    { NULL, NULL } };

                        log_entry(LOG_WARNING, MESSAGE_WARNING, fields,
                                  "cannot note in the journal that guest %s has stopped: %s", e->domain,
                                  fault_errno(r));
                }
                audit_event(e, label, h, what);
        }
        if (first) {
                const ProcessId caller = caller_of(c, NULL);

                ledger_guest_stopped(s, e->domain, &caller);
        }
        return first;
}

static void hook_release(Client *c, const Event *e, const char *label)
{
        Server *s = c->server;
        const Holding *h = note_stopped(c, e, label, "the host is being put back"), *stuck = NULL;
        Job job = { .verb = JOB_RELEASE,
                    .domain = (char *) e->domain,
                    .event = (char *) label,
                    .client_fd = -1,
                    .xml_fd = -1 };

        if (!h && !jobs_find(s, e->domain)) {
                client_answer(c, 0, NULL);
                return;
        }
        /* One name, two journals: the guest was defined anew in between. The last one answers. A guest that is just
         * being prepared has none yet: the job looks it up when its turn comes. Who waits for a stuck card puts it back
         * as well. */
        for (; h; h = ledger_next(s, e->domain, h)) {
                if (is_stuck(s, h)) {
                        stuck = h;
                        continue;
                }
                if (*job.uuid)
                        jobs_add(s, &job);
                memcpy(job.uuid, h->uuid, sizeof(job.uuid));
        }
        if (stuck && !*job.uuid) {
                refuse_stuck(c, stuck, label);
                return;
        }
        job.client_fd = client_take_fd(c);
        jobs_add(s, &job);
}

static const Holding *hook_runs(Client *c, const Event *e, const char *label)
{
        Server *s = c->server;
        const Holding *h = ledger_find(s, e->domain);
        const ProcessId caller = caller_of(c, NULL);

        if (jobs_find(s, e->domain))
                h = ledger_look_up(s, e->domain); /* its prepare has answered, and its end was not seen yet */
        if (h) {
                audit_event(e, label, h, "the guest runs");
                ledger_guest_runs(s, e->domain, e->op == HOOK_RECONNECT ? &caller : NULL);
        }
        return h;
}

/* What happens between start and end, and needs a worker: scripts. One that is stuck keeps nobody waiting. */
static void hook_event(Client *c, const Event *e, const char *label, const Holding *h, int xml_fd)
{
        Server *s = c->server;
        bool known = hook_op_parse(label) < HOOK_ATTACH,
             wanted = known && ((h && strv_contains(h->events, label)) || has_scripts(s, e->domain));

        if (!wanted || xml_fd < 0 || (h && is_stuck(s, h))) {
                closep(&xml_fd);
                client_answer(c, 0, NULL);
                return;
        }
        jobs_add(s, &(Job){ .verb = JOB_EVENT,
                            .domain = (char *) e->domain,
                            .event = (char *) label,
                            .client_fd = client_take_fd(c),
                            .xml_fd = xml_fd });
}

static void hook(Client *c, const WireMessage *m, int xml_fd)
{
        const Holding *h;
        char label[64];
        Event e;

        if (event_parse(m->strings, m->head.count, &e) < 0) {
                closep(&xml_fd);
                client_answer(c, 0, NULL); /* called by hand, without arguments: nothing libvirt would do */
                return;
        }
        (void) snprintf(label, sizeof(label), "%s/%s", e.op_name, e.subop);
        if (e.op == HOOK_PREPARE) {
                hook_prepare(c, &e, label, xml_fd);
                return;
        }
        switch (e.op) {
        case HOOK_RELEASE:
                closep(&xml_fd);
                hook_release(c, &e, label);
                return;
        case HOOK_STOPPED:
                h = note_stopped(c, &e, label, "noted");
                break;
        case HOOK_STARTED:
        case HOOK_RECONNECT:
                h = hook_runs(c, &e, label);
                break;
        default:
                h = ledger_find(c->server, e.domain);
                if (h)
                        audit_event(&e, label, h, "noted");
        }
        hook_event(c, &e, label, h, xml_fd);
}

/* libvirtd has its answer to prepare, and has neither a QEMU nor said that it gave up: mostly it is just starting it.
 */
static bool may_be_starting(const Holding *h)
{
        return h->state == TXN_HELD && h->guest.id.pid <= 0 && h->stopped_at == 0 && h->caller.id.pid > 0 &&
               !h->caller.gone;
}

static void operator_release(Client *c, const char *domain, bool force)
{
        Server *s = c->server;
        const Holding *h = ledger_look_up(s, domain);
        const Job *other = jobs_find(s, domain);
        Job job = { .verb = JOB_RELEASE, .domain = (char *) domain, .event = (char *) "hookctl release", .xml_fd = -1 };
        char text[512];

        if (h && is_stuck(s, h)) {
                refuse_stuck(c, h, job.event);
                return;
        }
        if (other) {
                (void) snprintf(
                        text, sizeof(text),
                        "the %s of guest %s is under way (worker %i, for %llu s): `hookctl status` shows it; try again "
                        "when it has ended",
                        job_verb_name(other->verb), domain, (int) other->pid,
                        (unsigned long long) ((now_usec() - other->created) / USEC_PER_SEC));
                client_answer(c, 1, text);
                return;
        }
        if (!h) {
                (void) snprintf(text, sizeof(text),
                                "hookd holds nothing for a guest '%s': `hookctl status` lists what it holds", domain);
                client_answer(c, 1, text);
                return;
        }
        if (!force && may_be_starting(h)) {
                (void) snprintf(text, sizeof(text),
                                "guest %s is probably just being started: libvirtd (process %i) had its host prepared, "
                                "and has not said that it stopped. If it does not run and will not, `hookctl release "
                                "--force %s`",
                                domain, (int) h->caller.id.pid, domain);
                client_answer(c, 1, text);
                return;
        }
        audit_event(&(Event){ .domain = domain }, job.event, h,
                    force ? "asked for by hand, for sure" : "asked for by hand");
        memcpy(job.uuid, h->uuid, sizeof(job.uuid));
        job.client_fd = client_take_fd(c);
        jobs_add(s, &job);
}

/* By the XML, or by the journal: what a start would do, or a release. */
static void operator_plan(Client *c, const char *domain, const char *uuid, int xml_fd)
{
        Server *s = c->server;
        Job job = { .verb = JOB_PLAN, .domain = (char *) domain, .event = (char *) "hookctl plan", .xml_fd = xml_fd };

        (void) snprintf(job.uuid, sizeof(job.uuid), "%s", uuid);
        job.client_fd = client_take_fd(c);
        jobs_add(s, &job);
}

/* Also while the guest runs, or is at a job: it only looks. */
static void operator_plan_release(Client *c, const char *domain)
{
        const Holding *h = ledger_look_up(c->server, domain);
        RecordLine line;

        if (h) {
                operator_plan(c, domain, h->uuid, -1);
                return;
        }
        plan_record(&line, domain, "release", NULL, "hookd %s; a release would do nothing",
                    jobs_find(c->server, domain) ? "has only just begun, and changed nothing for it yet"
                                                 : "holds nothing for it");
        record_send(&line, c->fd);
        client_answer(c, 0, NULL);
}

/* The audit, for whoever has the socket but not the journal. */
static void operator_log(Client *c, const char *domain, uint64_t since, uint64_t last)
{
        Server *s = c->server;
        Job job = { .verb = JOB_LOG,
                    .domain = (char *) domain,
                    .event = (char *) "hookctl log",
                    .since = since,
                    .last = last,
                    .xml_fd = -1 };

        job.client_fd = client_take_fd(c);
        jobs_add(s, &job);
}

void request_handle(Client *c, const WireMessage *m, int xml_fd)
{
        Server *s = c->server;
        const char *guest = m->head.count >= 1 && m->head.count <= 2 && *m->strings[0] ? m->strings[0] : NULL,
                   *option = m->head.count == 2 ? m->strings[1] : "";
        uint64_t since, last;

        switch (m->head.type) {
        case WIRE_HOOK:
                hook(c, m, xml_fd);
                return;
        case WIRE_PLAN:
                if (guest && streq(option, "release")) {
                        closep(&xml_fd);
                        operator_plan_release(c, guest);
                        return;
                }
                if (!guest || *option || xml_fd < 0)
                        break;
                operator_plan(c, guest, "", xml_fd);
                return;
        case WIRE_LOG:
                if (m->head.count != 3 || parse_uint(m->strings[1], UINT64_MAX, &since) < 0 ||
                    parse_uint(m->strings[2], UINT64_MAX, &last) < 0)
                        break;
                closep(&xml_fd);
                operator_log(c, m->strings[0], since, last);
                return;
        case WIRE_RELEASE:
                if (!guest || (*option && !streq(option, "force")))
                        break;
                closep(&xml_fd);
                operator_release(c, guest, *option);
                return;
        case WIRE_RECONCILE:
                closep(&xml_fd);
                reconcile(s, c->fd);
                client_answer(c, 0, NULL);
                return;
        case WIRE_STATUS:
                closep(&xml_fd);
                ledger_refresh(s);
                status_send(s, c->fd);
                client_answer(c, 0, NULL);
                return;
        default:
                break;
        }
        closep(&xml_fd);
        client_answer(c, 1, "hookd does not know this request");
}
