/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/worker-main.h"

#include "host/hand.h"
#include "txn/worker.h"
#include "util/fd.h"
#include "util/log.h"
#include "wire/wire.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>

/* How long a release waits for a QEMU that has outlived its own stop before it answers (libvirt itself gave up on it).
 */
#define GUEST_GONE_USEC (30 * USEC_PER_SEC)
#define LOOK_USEC       (10 * USEC_PER_SEC)
#define FAILURES_KEPT   16

void worker_say(Worker *w, const char *line)
{
        _cleanup_free_ WireMessage *m = malloc(sizeof(*m));

        if (w->client_fd >= 0 && m && wire_encode(m, WIRE_TEXT, 0, &line, 1) >= 0)
                (void) wire_send(w->client_fd, m, -1);
}

int worker_reply(Worker *w, int status, const char *text)
{
        _cleanup_free_ WireMessage *m = malloc(sizeof(*m));
        int r;

        if (w->client_fd < 0)
                return 0;
        r = m ? wire_encode(m, WIRE_RESULT, (uint32_t) status, (const char *const[]){ text }, 1) : -ENOMEM;
        if (r >= 0)
                r = wire_send(w->client_fd, m, -1);
        closep(&w->client_fd); /* whoever waits may go on now */
        w->client_fd = -1;
        w->host->cancel_fd = -1;
        return r;
}

/* Keeps the last failures for `hookctl status`: "domain<TAB>boottime usec<TAB>event<TAB>text", values escaped, newest
 * last. */
void worker_note_failure(Worker *w, const Fault *f)
{
        _cleanup_free_ char *old = NULL, *domain = text_escape(w->domain), *text = text_escape(f->text), *path = NULL,
                            *all = NULL;
        struct timespec ts = { 0 };
        const char *keep;
        size_t lines = 0;

        if (!domain || !text || asprintf(&path, "%s/last-failure", w->journals) < 0) {
                path = NULL;
                return;
        }
        (void) clock_gettime(CLOCK_BOOTTIME, &ts);
        (void) read_file_at(AT_FDCWD, path, 1 << 20, &old, NULL);
        keep = old ? old + strlen(old) : "";
        while (old && keep > old) {
                if (keep[-1] == '\n' && lines++ == FAILURES_KEPT - 1)
                        break;
                keep--;
        }
        if (asprintf(&all, "%s%s\t%llu\t%s\t%s\n", keep, domain, (unsigned long long) ts.tv_sec * USEC_PER_SEC,
                     w->event, text) < 0) {
                all = NULL;
                return;
        }
        (void) write_file_atomic_at(AT_FDCWD, path, 0600, all, strlen(all));
}

static void say_step(void *userdata, const char *line)
{
        worker_say(userdata, line);
}

/* Asked for by a person, who reads along. */
static bool by_hand(const Worker *w)
{
        return startswith(w->event, "hookctl");
}

/* p: the profile of a start; NULL: the journal's way back. */
static Txn make_txn(Worker *w, Journal *j, const Profile *p)
{
        uint64_t stop = j->plan && j->plan->stop_timeout > 0 ? j->plan->stop_timeout : 180 * USEC_PER_SEC;

        hand_keep_fds((const int[]){ j->lock_fd, -1 });
        if (!w->xml && j->plan)
                (void) journal_get_xml(j, &w->xml); /* scripts do without it rather than not at all */
        w->host->xml = w->xml;
        return (Txn){
                .host = w->host,
                .journal = j,
                .root = w->journals,
                .domain = j->plan ? j->plan->domain : w->domain,
                .event = w->event,
                .again = streq(w->event, "retry"),
                .forward_timeout = p ? p->start_timeout : 0,
                .back_timeout = p ? p->rollback_timeout : stop,
                .say = by_hand(w) ? say_step : NULL,
                .say_to = w,
        };
}

/* The kernel has not let go of a hand. The caller has its answer; this process waits, as long as it takes, and puts
 * back the rest. Killed, its part is taken over by a recovery that waits for the lock the hand still holds. */
static int outlast_hand(Worker *w, Txn *t, Fault *f)
{
        int r = 0;

        while (w->host->stuck && t->journal->plan) { /* without a plan nothing was done */
                /* Hands are all the children there are, and another may be in flight beside the last one. */
                while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
                        ;
                w->host->stuck = false;
                w->host->stuck_pid = 0;
                *w->host->stuck_in = '\0';
                *f = (Fault){ 0 };
                r = txn_revert(t, "the kernel call returned", f);
                if (r < 0)
                        worker_note_failure(w, f);
        }
        return r;
}

static int answer_prepare(Worker *w, int r, const Fault *f)
{
        if (r < 0)
                worker_note_failure(w, f);
        return worker_reply(w, r < 0 ? 1 : 0, r < 0 ? f->text : "");
}

/* Before there is a transaction that could say so. */
static int refuse_prepare(Worker *w, int r, const Fault *f)
{
        const LogField fields[] = {
                { FIELD_DOMAIN, w->domain }, { FIELD_EVENT, w->event }, { FIELD_RESULT, "refused" }, { NULL, NULL }
        };

        log_entry(LOG_ERR, MESSAGE_REFUSED, fields, "%s: %s", w->domain, f->text);
        return answer_prepare(w, r, f);
}

/* A journal of this guest that is still open: libvirt says that the guest is not running, so what is left is put back
 * first. */
static int clear_old(Worker *w, const char *uuid, Fault *f)
{
        _cleanup_(journal_closep) Journal *j = NULL;
        Txn t;
        int r;

        r = journal_open(w->journals, uuid, 1, &j, f);
        if (r == -EBADMSG) {
                r = journal_set_aside(w->journals, uuid);
                log_simple(LOG_ERR, MESSAGE_JOURNAL_BAD, "%s: %s; set aside", w->domain, f->text);
                *f = (Fault){ 0 };
                return r;
        }
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (!j->plan)
                return journal_remove(j);
        t = make_txn(w, j, NULL);
        r = txn_guest_alive(&t, NULL, NULL);
        if (r > 0)
                return fault_set(
                        f, -EBUSY, w->domain,
                        "a QEMU of %s still has the card: it has outlived its own stop; `hookctl status` shows it",
                        w->domain);
        return r < 0 ? r : txn_revert(&t, "a new start of the guest", f);
}

static int do_prepare(Worker *w, Fault *f)
{
        _cleanup_(guest_freep) Guest *guest = NULL;
        _cleanup_(profile_freep) Profile *profile = NULL;
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_(journal_closep) Journal *j = NULL;
        Txn t;
        int r;

        r = worker_plan(w, &guest, &profile, &plan, f);
        if (r > 0 && plan->n_actions == 0)
                r = 0;
        if (r <= 0)
                return r < 0 ? refuse_prepare(w, r, f) : answer_prepare(w, r, f);
        r = clear_old(w, guest->uuid, f);
        if (r >= 0) {
                *f = (Fault){ 0 };
                r = journal_create(w->journals, guest->uuid, &j, f);
        }
        if (r >= 0 && w->hook_pid > 0)
                r = journal_set_owner(j, w->hook_pid, w->hook_start);
        if (r >= 0)
                r = journal_set_xml(j, w->xml);
        if (r < 0) {
                (void) fault_default(f, r, w->domain,
                                     "%s cannot be prepared, nothing was changed: its journal in %s cannot be written: "
                                     "%s",
                                     w->domain, w->journals, fault_errno(r));
                if (j)
                        (void) journal_remove(j);
                return refuse_prepare(w, r, f);
        }
        t = make_txn(w, j, profile);
        r = txn_prepare(&t, TAKE_PTR(plan), f);
        r = answer_prepare(w, r, f);
        (void) outlast_hand(w, &t, f);
        return r;
}

/* Waits, bounded, until QEMU has let go of the card. 1: it has not. */
static int wait_guest_gone(Worker *w, Txn *t, uint64_t usec)
{
        uint64_t limit = usec == UINT64_MAX ? UINT64_MAX : host_now(w->host) + usec;

        for (;;) {
                HostHolder *holders = NULL;
                size_t n = 0;
                int r;

                engine_deadline(w->host, LOOK_USEC, UINT64_MAX);
                r = txn_guest_alive(t, &holders, &n);
                w->host->deadline = limit;
                if (r > 0) {
                        int k = host_wait(w->host, 0, holders, n, n > 0 ? 5 * USEC_PER_SEC : USEC_PER_SEC);

                        if (k == -ETIMEDOUT)
                                r = 1;
                        else
                                r = k < 0 ? k : 2;
                }
                holders_free(holders, n);
                if (r != 2)
                        return r;
        }
}

/* libvirt gave up on a QEMU that the kernel does not let go of, and goes on; a person is told. The daemon, which knows
 * the process from the journal, starts a recovery when it has gone. */
static int keep_for_guest(Worker *w, Txn *t, Fault *f)
{
        HostHolder *holders = NULL;
        size_t n = 0;
        int pid = 0;

        engine_deadline(w->host, LOOK_USEC, UINT64_MAX);
        if (txn_guest_alive(t, &holders, &n) > 0)
                pid = by_hand(w) ? holders[0].pid : txn_note_guest(t, holders, n);
        holders_free(holders, n);
        if (by_hand(w))
                (void) fault_set(
                        f, -EBUSY, t->domain,
                        "QEMU of %s (process %d) still has the card. The kernel would wait for it in the unbind, "
                        "for ever, so nothing was changed, and --force changes nothing: shut the guest down, "
                        "or `virsh destroy %s`; then hookd gives the card back by itself",
                        t->domain, MAX(pid, 0), t->domain);
        else
                (void) fault_set(
                        f, -EBUSY, t->domain,
                        "waits for QEMU of %s (process %d), which still has the card: it is given back as soon "
                        "as that process has gone",
                        t->domain, MAX(pid, 0));
        audit_outcome(t, LOG_WARNING, MESSAGE_WARNING, "waiting", 0, f->text);
        if (!by_hand(w) && txn_state(t->journal) == TXN_HELD && !txn_was_answered(t->journal))
                (void) journal_log(t->journal, LOG_WORD_HELD, -1, f->text); /* `hookctl status` shows the last one */
        return worker_reply(w, by_hand(w), f->text);
}

static int do_release(Worker *w, Fault *f)
{
        _cleanup_(journal_closep) Journal *j = NULL;
        Txn t;
        int r, k;

        r = journal_open(w->journals, w->uuid, 1, &j, f);
        if (r == -ENOENT)
                return worker_reply(w, 0, "");
        if (r >= 0 && !j->plan)
                return worker_reply(w, journal_remove(j) < 0, "");
        if (r < 0) {
                worker_note_failure(w, f);
                return worker_reply(w, 1, f->text);
        }
        t = make_txn(w, j, NULL);
        w->host->no_cancel = true;
        /* Only once: a start that is refused because of it ends in a release as well. */
        r = wait_guest_gone(w, &t, by_hand(w) || txn_was_answered(j) ? 0 : GUEST_GONE_USEC);
        if (r > 0)
                return keep_for_guest(w, &t, f);
        r = r < 0 ? fault_default(f, r, t.domain, "cannot tell whether %s still runs: %s", t.domain, fault_errno(r))
                  : txn_revert(&t, w->event, f);
        if (r < 0)
                worker_note_failure(w, f);
        k = worker_reply(w, r < 0 ? 1 : 0, r < 0 ? f->text : "");
        (void) outlast_hand(w, &t, f);
        return k;
}

static int do_recover(Worker *w, Fault *f)
{
        _cleanup_(journal_closep) Journal *j = NULL;
        bool kept;
        Txn t;
        int r;

        /* Another worker, or a hand of a dead one, may hold it for long: that is what this process waits for. */
        r = journal_open(w->journals, w->uuid, 2, &j, f);
        if (r == -ENOENT)
                return 0;
        if (r == -EBADMSG) {
                log_simple(LOG_ERR, MESSAGE_JOURNAL_BAD, "%s; set aside", f->text);
                return journal_set_aside(w->journals, w->uuid);
        }
        if (r < 0) {
                log_simple(LOG_ERR, MESSAGE_RELEASE_FAILED, "%s", f->text);
                return r;
        }
        t = make_txn(w, j, NULL);
        r = txn_recover(&t, &kept, f);
        if (r < 0 && !t.again)
                worker_note_failure(w, f);
        return outlast_hand(w, &t, f) < 0 ? -EIO : r;
}

static int run_verb(Worker *w, Fault *f)
{
        int r;

        if (streq(w->verb, "prepare"))
                return do_prepare(w, f);
        if (streq(w->verb, "release"))
                return do_release(w, f);
        if (streq(w->verb, "recover"))
                return do_recover(w, f);
        if (streq(w->verb, "event"))
                return worker_event(w, f);
        if (streq(w->verb, "plan")) {
                r = *w->uuid ? worker_show_release(w, f) : worker_show_plan(w, f);
                return worker_reply(w, r < 0 ? 1 : 0, r < 0 ? f->text : "");
        }
        if (streq(w->verb, "log")) {
                r = worker_show_log(w, f);
                return worker_reply(w, r < 0 ? 1 : 0, r < 0 ? f->text : "");
        }
        return fault_set(f, -EINVAL, w->verb, "no such verb");
}

int worker_main(int argc, char **argv, HostOpen open_host)
{
        _cleanup_(host_freep) Host *host = NULL;
        LogTarget audit = LOG_TO_JOURNAL;
        Fault f = { 0 };
        Worker w = {
                .domain = "",
                .uuid = "",
                .event = "",
                .root = "/",
                .journals = "/run/hookd-txn",
                .profiles = "/etc/hookd/profiles",
                .conf = "/etc/hookd/hookd.conf",
                .check_owner = true,
                .client_fd = -1,
                .xml_fd = -1,
        };
        int r;

        if (worker_parse_args(&w, argc, argv, &audit) < 0) {
                (void) fprintf(stderr, "hookd-worker: wrong arguments; it is started by hookd\n");
                return WORKER_SILENT;
        }
        (void) signal(SIGPIPE, SIG_IGN);
        hand_mark(argv[0]);
        log_open(audit, w.spool, LOG_INFO);
        r = open_host(w.root, &host, &f);
        if (r < 0) {
                log_simple(LOG_ERR, MESSAGE_REFUSED, "%s: %s", w.domain, f.text);
                return WORKER_SILENT;
        }
        w.host = host;
        host->cancel_fd = streq(w.verb, "prepare") ? w.client_fd : -1;
        r = run_verb(&w, &f);
        free(w.xml);
        (void) log_drain();
        return r < 0 ? WORKER_FAILED : WORKER_REPLIED;
}
