/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/path.h"
#include "ctl/recover.h"
#include "ctl/talk.h"
#include "txn/txn.h"
#include "txn/worker-start.h"
#include "util/fd.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* Where hookd does not answer. */

#define LOOK_USEC (20 * USEC_PER_SEC)
#define WAIT_USEC (300 * USEC_PER_SEC) /* for a worker that hookd has left behind */
#define STOP_USEC (180 * USEC_PER_SEC) /* StopTimeoutSec=, where no plan says another */
#define MORE_USEC (60 * USEC_PER_SEC)  /* beyond that: the last call into the kernel */
#define LOOK_MSEC 500

static const char *name_of(const Journal *j)
{
        return j->plan ? j->plan->domain : strrchr(j->path, '/') + 1;
}

/* "0000:01:00.0 0000:01:00.1". Caller frees. */
static char *card_of(const Journal *j)
{
        _cleanup_free_ char *devices = j->plan ? plan_devices(j->plan) : NULL;

        return devices && *devices ? TAKE_PTR(devices) : strdup("its devices");
}

static void left_stuck(Recover *r, const Journal *j, const char *card)
{
        const char *text = NULL;

        (void) txn_since(j, &text);
        recover_say(r, 0, "%s: the kernel keeps %s.", name_of(j), card);
        recover_left(r,
                     "%s: the kernel keeps %s: %s. It comes back by itself when that call returns; else only a reboot "
                     "helps:",
                     name_of(j), card, text ? text : "a call has not returned");
        recover_command(r, "systemctl reboot");
}

/* A worker that hookd has left behind goes on by itself. 1: it has ended, and left something; 0: nothing is open any
 * more, or it was said what is wrong. */
static int wait_for_worker(Recover *r, Journal **j, const char *card)
{
        _cleanup_free_ char *uuid = strdup(strrchr((*j)->path, '/') + 1);
        uint64_t limit = now_usec() + WAIT_USEC;
        bool said = false;

        while (uuid && journal_locked(*j)) {
                Fault f = { 0 };

                if (txn_state(*j) == TXN_STUCK) {
                        left_stuck(r, *j, card);
                        return 0;
                }
                if (now_usec() > limit) {
                        recover_left(r, "%s: another hookd-worker is still at it:", name_of(*j));
                        recover_command(r, "hookctl log %s", recover_quote(name_of(*j)));
                        return 0;
                }
                if (!said)
                        recover_say(r, 2, "a worker is at it: waiting for its end");
                said = true;
                (void) poll(NULL, 0, LOOK_MSEC);
                *j = journal_close(*j);
                if (journal_open(r->journals, uuid, 0, j, &f) < 0)
                        break;
        }
        if (!said)
                return uuid != NULL;
        /* it may have put everything back since the last look */
        *j = journal_close(*j);
        recover_say(r, 2, "it has ended");
        return journal_open(r->journals, uuid, 0, j, &(Fault){ 0 }) >= 0;
}

/* Does anybody still need what the journal holds? Then that is said. A guest that runs always does. */
static bool is_needed(Recover *r, Journal *j, const char *card)
{
        Txn t = { .host = r->host, .journal = j, .root = r->journals, .domain = name_of(j) };
        HostHolder *holders = NULL;
        size_t n = 0;
        int k;

        if (!j->plan)
                return false;
        r->host->deadline = host_now(r->host) + LOOK_USEC;
        k = txn_guest_alive(&t, &holders, &n);
        if (k > 0) {
                recover_say(r, 0, "%s: runs, and keeps %s.", name_of(j), card);
                recover_left(r, "%s runs (process %d), and has %s. To get it back, shut the guest down, then again:",
                             name_of(j), holders[0].pid, card);
                recover_command(r, "virsh shutdown %s", recover_quote(name_of(j)));
        } else if (k < 0) {
                recover_say(r, 0, "%s: NOT put back.", name_of(j));
                recover_left(r, "%s: whether it runs cannot be told: %s", name_of(j), fault_errno(k));
                recover_command(r, "virsh list");
        } else if (txn_state(j) == TXN_HELD && j->guest_pid == 0 && !txn_was_stopped(j) && j->owner_pid > 0 &&
                   !r->ctl->force && txn_owner_alive(&t)) {
                recover_say(r, 0, "%s: may just be starting, and keeps %s.", name_of(j), card);
                recover_left(
                        r,
                        "%s has %s, and libvirtd (process %d) may just be starting it. If it does not run and will "
                        "not:",
                        name_of(j), card, j->owner_pid);
                recover_command(r, "hookctl recover --force");
                k = 1;
        }
        holders_free(holders, n);
        return k != 0;
}

/* 0, -EREMOTEIO: what the worker says; -ECONNRESET, -ETIMEDOUT, -errno with a fault. */
static int run_worker(Recover *r, const Journal *j, Fault *f)
{
        _cleanup_free_ char *profiles = path_below(r->ctl->root, "/etc/hookd/profiles"),
                            *conf = path_below(r->ctl->root, "/etc/hookd/hookd.conf"),
                            *spool = path_below(r->journals, "/spool");
        uint64_t stop = j->plan && j->plan->stop_timeout > 0 ? j->plan->stop_timeout : STOP_USEC;
        _cleanup_close_ int mine = -1, its = -1;
        WorkerCall call = {
                .executable = r->ctl->worker,
                .verb = "release",
                .domain = name_of(j),
                .uuid = strrchr(j->path, '/') + 1,
                .event = "hookctl recover",
                .xml_fd = -1,
                .root = *r->ctl->root ? r->ctl->root : "/",
                .journals = r->journals,
                .profiles = profiles,
                .conf = conf,
                .spool = spool,
                .audit = *r->ctl->root ? "none" : "journal",
                .check_owner = true,
        };
        int fds[2], k;
        pid_t pid;

        if (!profiles || !conf || !spool)
                return fault_set(f, -ENOMEM, NULL, "out of memory");
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
                return fault_set(f, -errno, NULL, "cannot make a socket: %s", fault_errno(-errno));
        mine = fds[0];
        call.client_fd = its = fds[1];
        k = worker_start(&call, &pid, f);
        if (k < 0)
                return k;
        closep(&its);
        its = -1;
        k = talk_answer(mine, stop + MORE_USEC, recover_step, r, f);
        (void) waitpid(pid, NULL, WNOHANG); /* one that waits for the kernel goes on by itself */
        if (k == -ECONNRESET)
                return fault_set(f, k, NULL, "the worker for it (process %d) ended without an answer", (int) pid);
        if (k == -ETIMEDOUT)
                return fault_set(f, k, NULL, "the worker for it (process %d) has not ended, and goes on by itself",
                                 (int) pid);
        return k;
}

static void guest(Recover *r, Journal **j)
{
        _cleanup_free_ char *card = card_of(*j), *name = strdup(name_of(*j));
        Fault f = { 0 };

        if (!card || !name) {
                r->failed = true;
                return;
        }
        if (wait_for_worker(r, j, card) == 0 || is_needed(r, *j, card))
                return;
        recover_say(r, 0, "%s: is gone, %s is put back ...", name, card);
        if (run_worker(r, *j, &f) >= 0) {
                recover_say(r, 0, "%s: put back.", name);
                return;
        }
        recover_say(r, 0, "%s: NOT put back.", name);
        recover_left(r, "%s: %s", name, f.text);
        recover_command(r, "journalctl -t hookd");
}

static void set_aside(Recover *r, char *const *bad)
{
        STRV_FOREACH (b, bad) {
                char uuid[37] = { 0 };
                int k;

                (void) strncpy(uuid, *b, sizeof(uuid) - 1);
                k = journal_set_aside(r->journals, uuid);
                recover_say(r, 0, "A journal cannot be read, and %s: %s",
                            k < 0 ? "cannot be set aside either" : "is set aside", *b);
                if (k < 0)
                        recover_left(r, "%s/%s cannot be read, and not set aside: %s", r->journals, uuid,
                                     fault_errno(k));
        }
}

/* What is still open. */
static void look_again(Recover *r)
{
        Journal **list = NULL;
        size_t n = 0;

        r->failed = journal_list(r->journals, &list, &n, NULL) == -ENOMEM || r->failed;
        for (size_t i = 0; i < n; i++) {
                r->open = true;
                STRV_FOREACH (bdf, list[i]->plan ? list[i]->plan->functions : NULL)
                        r->failed = strv_append(&r->held, *bdf) < 0 || r->failed;
        }
        journal_list_free(list, n);
}

void recover_alone(Recover *r)
{
        _cleanup_strv_ char **bad = NULL;
        Journal **list = NULL;
        size_t n = 0;
        int k;

        k = journal_list(r->journals, &list, &n, &bad);
        if (k < 0)
                recover_left(r, "The journals in %s cannot be read: %s", r->journals, fault_errno(k));
        else if (n == 0 && !bad)
                recover_say(r, 0, "There is no journal: hookd holds nothing.");
        set_aside(r, bad);
        for (size_t i = 0; i < n; i++)
                guest(r, &list[i]);
        journal_list_free(list, n);
        look_again(r);
}
