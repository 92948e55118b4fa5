/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stands in for hookd-worker in the daemon's tests: tells the test about every call, and does what the guest's name
 * says.
 *
 *   quick…   answers 0                 refuse…  answers 1
 *   crash…   dies without an answer; crash-open… leaves an open journal behind
 *   slow…    tells that it waits, and goes on when the test sends something to "gate-GUEST"
 *   stuck…   prepare leaves a journal with a stuck card, answers 1 and waits as slow… does; then all is well
 *   …held…   prepare leaves a HELD journal with its owner, release removes it
 *
 *   …events… its journal's plan wants a worker at started/begin
 *   …stay…   its release keeps the journal while the guest it has noted lives
 *   …stubborn…  its recovery fails
 *
 * A recovery waits for the journal's lock and removes the journal, but for a HELD one whose guest lives or whose caller
 * may still start it. The test listens on "calls". Both sockets are
 * beside the folder for journals. */
#include "txn/journal.h"
#include "txn/state.h"
#include "util/fd.h"
#include "util/log-names.h"
#include "wire/wire.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

typedef struct Call {
        const char *verb, *domain, *event, *journals, *parent, *since, *last;
        char uuid[37];
        int client_fd, xml_fd;
} Call;

static int datagram_socket(const Call *c, const char *name, struct sockaddr_un *ret)
{
        *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
        (void) snprintf(ret->sun_path, sizeof(ret->sun_path), "%.50s/../%.50s", c->journals, name);
        return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static void tell(const Call *c, const char *what, size_t xml)
{
        struct sockaddr_un to;
        _cleanup_close_ int fd = datagram_socket(c, "calls", &to);
        char text[512];
        int n;

        n = snprintf(text, sizeof(text), "%s %s %s uuid=%s event=%s parent=%s xml=%zu", what, c->verb, c->domain,
                     c->uuid, c->event, c->parent, xml);
        (void) sendto(fd, text, MIN((size_t) n, sizeof(text) - 1), MSG_NOSIGNAL, (struct sockaddr *) &to, sizeof(to));
}

static void wait_at_gate(const Call *c)
{
        struct sockaddr_un at;
        _cleanup_close_ int fd = -1;
        const struct timeval limit = { .tv_sec = 30 }; /* a test that has failed opens no gate */
        char name[64], byte;

        (void) snprintf(name, sizeof(name), "gate-%.40s", c->domain);
        fd = datagram_socket(c, name, &at);
        (void) unlink(at.sun_path);
        (void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        (void) bind(fd, (struct sockaddr *) &at, sizeof(at));
        tell(c, "waits", 0);
        (void) recv(fd, &byte, 1, 0);
        (void) unlink(at.sun_path);
}

static int reply(const Call *c, uint32_t value, const char *text)
{
        WireMessage m;

        (void) wire_encode(&m, value == UINT32_MAX ? WIRE_TEXT : WIRE_RESULT, value == UINT32_MAX ? 0 : value, &text,
                           1);
        return c->client_fd >= 0 && wire_send(c->client_fd, &m, -1) < 0 ? -1 : 0;
}

static void make_uuid(Call *c)
{
        uint64_t hash = 5381;

        for (const char *s = c->domain; *s; s++)
                hash = hash * 33 + (unsigned char) *s;
        (void) snprintf(c->uuid, sizeof(c->uuid), "00000000-0000-4000-8000-%012llx",
                        (unsigned long long) hash & 0xffffffffffff);
}

static int open_transaction(Call *c, bool held)
{
        Journal *j = NULL;
        int pid;
        unsigned long long start;
        Fault f = { 0 };
        Plan *plan;

        make_uuid(c);
        plan = plan_new(c->domain, c->uuid, "stub.ini");
        if (!plan || (strstr(c->domain, "events") && strv_append(&plan->events, "started/begin") < 0))
                return -1;
        if (journal_create(c->journals, c->uuid, &j, &f) < 0 ||
            (sscanf(c->parent, "%d:%llu", &pid, &start) == 2 && journal_set_owner(j, pid, start) < 0) ||
            journal_write_plan(j, plan, &f) < 0 || journal_log(j, LOG_WORD_BEGIN, -1, NULL) < 0 ||
            (held && journal_log(j, LOG_WORD_HELD, -1, "by the stub") < 0)) {
                (void) fprintf(stderr, "stub-worker: %s\n", f.text);
                return -1;
        }
        journal_close(j);
        return 0;
}

/* As after a hand that does not return: the answer has gone, and the worker waits with the journal. */
static int be_stuck(Call *c)
{
        _cleanup_(journal_closep) Journal *j = NULL;
        Action *a = NULL;
        Plan *plan;
        Fault f = { 0 };
        int r;

        make_uuid(c);
        plan = plan_new(c->domain, c->uuid, "stub.ini");
        if (!plan || strv_append(&plan->functions, "0000:01:00.0") < 0 ||
            !(a = plan_append(plan, "driver", "0000:01:00.0", "vfio-pci", ACTION_CARD, USEC_PER_SEC)) ||
            action_set(&a->before, "nvidia") < 0 || journal_create(c->journals, c->uuid, &j, &f) < 0 ||
            journal_write_plan(j, plan, &f) < 0 || journal_log(j, LOG_WORD_BEGIN, -1, NULL) < 0 ||
            journal_log(j, LOG_WORD_STUCK, 0, "step driver, 0000:01:00.0: it hangs; process 7 waits in msleep") < 0)
                return -1;
        r = reply(c, 1, "the card is stuck");
        wait_at_gate(c);
        (void) journal_log(j, LOG_WORD_UNSTUCK, -1, NULL);
        return journal_remove(j) < 0 ? -1 : r;
}

/* One that only waits to be reaped does not. */
static bool lives(int pid)
{
        _cleanup_free_ char *stat = NULL;
        char path[32], *state;

        (void) snprintf(path, sizeof(path), "/proc/%i/stat", pid);
        if (pid <= 0 || read_file_at(AT_FDCWD, path, 4096, &stat, NULL) < 0)
                return false;
        state = strrchr(stat, ')');
        return state && strncmp(state, ") Z", 3) != 0;
}

static int release(const Call *c)
{
        _cleanup_(journal_closep) Journal *j = NULL;
        Fault f = { 0 };

        if (journal_open(c->journals, c->uuid, 1, &j, &f) < 0)
                return -1;
        if (strstr(c->domain, "stay") && lives(j->guest_pid))
                return journal_log(j, LOG_WORD_HELD, -1, "waits for QEMU");
        return journal_remove(j);
}

static int recover(const Call *c)
{
        _cleanup_(journal_closep) Journal *j = NULL;
        bool needed;
        Fault f = { 0 };

        if (journal_open(c->journals, c->uuid, 2, &j, &f) < 0 || strstr(c->domain, "stubborn"))
                return -1;
        needed = j->guest_pid > 0 ? lives(j->guest_pid) : lives(j->owner_pid) && !txn_was_stopped(j);
        return txn_state(j) == TXN_HELD && needed ? 0 : journal_remove(j);
}

static int act(Call *c)
{
        bool held = strstr(c->domain, "held"), prepare = streq(c->verb, "prepare");

        if (startswith(c->domain, "slow") && !streq(c->verb, "recover"))
                wait_at_gate(c);
        if (streq(c->verb, "recover"))
                return recover(c);
        if (startswith(c->domain, "crash-open") && open_transaction(c, false) < 0)
                return -1;
        if (startswith(c->domain, "crash"))
                (void) raise(SIGKILL);
        if (startswith(c->domain, "refuse"))
                return reply(c, 1, "the stub refuses");
        if (startswith(c->domain, "stuck") && prepare)
                return be_stuck(c);
        if (streq(c->verb, "plan")) {
                (void) reply(c, UINT32_MAX, "plan\tdomain=x\tevent=prepare\tprofile=\ttext=by the stub");
                (void) reply(c, UINT32_MAX, "warning\ttext=it does nothing");
        }
        if (streq(c->verb, "log")) {
                char text[512];

                (void) snprintf(text, sizeof(text),
                                "entry\t__REALTIME_TIMESTAMP=1795237212000000\tMESSAGE_ID=" MESSAGE_EVENT
                                "\tPRIORITY=6\t" FIELD_DOMAIN "=%s\t" FIELD_EVENT
                                "=prepare/begin\tMESSAGE=prepare/begin of "
                                "guest %s: by the stub, since %s, %s of them",
                                c->domain, c->domain, c->since, c->last);
                (void) reply(c, UINT32_MAX, text);
        }
        if (held && prepare && open_transaction(c, true) < 0)
                return -1;
        if (streq(c->verb, "release") && release(c) < 0)
                return -1;
        return reply(c, 0, "");
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                { "client-fd", required_argument, NULL, 'c' },   { "xml-fd", required_argument, NULL, 'x' },
                { "domain", required_argument, NULL, 'd' },      { "uuid", required_argument, NULL, 'u' },
                { "event", required_argument, NULL, 'e' },       { "journals", required_argument, NULL, 'j' },
                { "hook-parent", required_argument, NULL, 'p' }, { "root", required_argument, NULL, 'o' },
                { "profiles", required_argument, NULL, 'o' },    { "conf", required_argument, NULL, 'o' },
                { "spool", required_argument, NULL, 'o' },       { "audit", required_argument, NULL, 'o' },
                { "no-owner-check", no_argument, NULL, 'o' },    { "since", required_argument, NULL, 's' },
                { "last", required_argument, NULL, 'l' },        { NULL, 0, NULL, 0 },
        };
        Call c = { .domain = "", .event = "", .parent = "", .since = "0", .last = "0", .client_fd = -1, .xml_fd = -1 };
        _cleanup_free_ char *xml = NULL;
        size_t size = 0;
        int o, r;

        while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
                switch (o) {
                case 'c':
                        c.client_fd = atoi(optarg);
                        break;
                case 'x':
                        c.xml_fd = atoi(optarg);
                        break;
                case 'd':
                        c.domain = optarg;
                        break;
                case 'u':
                        (void) snprintf(c.uuid, sizeof(c.uuid), "%s", optarg);
                        break;
                case 'e':
                        c.event = optarg;
                        break;
                case 'j':
                        c.journals = optarg;
                        break;
                case 'p':
                        c.parent = optarg;
                        break;
                case 's':
                        c.since = optarg;
                        break;
                case 'l':
                        c.last = optarg;
                        break;
                case 'o':
                        break;
                default:
                        return 2;
                }
        if (optind != argc - 1 || !c.journals)
                return 2;
        c.verb = argv[optind];
        if (c.xml_fd >= 0)
                (void) read_fd_deadline(c.xml_fd, 1 << 20, now_usec() + 5 * USEC_PER_SEC, &xml, &size);
        tell(&c, "begins", size);
        r = act(&c);
        tell(&c, "ends", 0);
        return r < 0 ? 1 : 0;
}
