/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon and its workers: who gets one, in what order, and what follows when one dies. */
#include "server/harness.h"

#include "server/process.h"

static void expect_call(const char *start)
{
        const char *call = next_call();

        if (!startswith(call, start))
                test_fail("the call is \"%s\", not \"%s…\"", call, start);
}

/* One after the other: begins and ends. */
static void expect_round(const char *what)
{
        char text[128];

        (void) snprintf(text, sizeof(text), "begins %s ", what);
        expect_call(text);
        (void) snprintf(text, sizeof(text), "ends %s ", what);
        expect_call(text);
}

static void start_with(const char *const *guests)
{
        daemon_prepare();
        for (; *guests; guests++) {
                char path[128];

                (void) snprintf(path, sizeof(path), "profiles/%s.ini", *guests);
                daemon_write(path, "");
        }
        daemon_start();
}
#define start_with(...) start_with((const char *const[]){ __VA_ARGS__, NULL })

static int ask(const char *domain, const char *op, const char *subop)
{
        int fd = client_connect();
        WireMessage m;

        client_hook(fd, domain, op, subop, -1);
        assert_int_eq(client_receive(fd, &m, PATIENCE), WIRE_ACCEPTED);
        return fd;
}

static void expect_result(int fd, uint32_t value, const char *text)
{
        WireMessage m;

        assert_int_eq(client_receive(fd, &m, PATIENCE), WIRE_RESULT);
        assert_int_eq(m.head.value, value);
        if (text)
                assert_contains(m.strings[0], text);
        (void) close(fd);
}

/* Waits for what a request cannot be sent for. */
static void wait_journal(const char *domain, bool there)
{
        for (unsigned i = 0; i < 100 && have_journal(domain) != there; i++)
                (void) poll(NULL, 0, 50);
        assert_int_eq(have_journal(domain), there);
}

TEST(prepare_goes_to_a_worker)
{
        char expected[256];
        const char *call;
        ProcessId parent;
        int fd, xml[2];
        WireMessage m;

        start_with("quick", "refuse");
        assert_ok(process_identify(getppid(), &parent, NULL));
        assert_ok(pipe2(xml, O_CLOEXEC));
        fd = client_connect();
        client_hook(fd, "quick", "prepare", "begin", xml[0]);
        (void) close(xml[0]);
        assert_int_eq(client_receive(fd, &m, PATIENCE), WIRE_ACCEPTED);
        assert_int_eq(m.head.value, 300); /* StartTimeoutSec= + RollbackTimeoutSec= */
        assert_int_eq(write(xml[1], "<domain/>", 9), 9);
        (void) close(xml[1]);
        expect_result(fd, 0, "");
        call = next_call();
        (void) snprintf(expected, sizeof(expected),
                        "begins prepare quick uuid= event=prepare/begin parent=%i:%llu xml=9", getppid(),
                        (unsigned long long) parent.start);
        if (parent.pid == 1)
                (void) strcpy(strstr(expected, "parent="), "parent= xml=9");
        assert_str_eq(call, expected);
        expect_call("ends prepare quick");
        expect_result(ask("refuse", "prepare", "begin"), 1, "the stub refuses");
}

TEST(held_until_release)
{
        const char *text;
        uint32_t value;

        start_with("held one");
        assert_int_eq(hook("held one", "prepare", "begin", NULL), 0);
        expect_round("prepare held one");
        assert_int_eq(hook("held one", "started", "begin", NULL), 0);
        assert_int_eq(hook("held one", "reconnect", "begin", NULL), 0);
        no_call(100);
        text = operator_request(WIRE_STATUS, NULL, -1, &value);
        assert_int_eq(value, 0);
        assert_contains(text, "daemon\tversion=");
        assert_contains(text, "guest\tdomain=held one\tuuid=00000000-0000-4000-8000-");
        assert_contains(text, "\tstate=held\t");
        assert_contains(text, "\ttext=by the stub\t");

        assert_int_eq(hook("held one", "stopped", "end", NULL), 0);
        no_call(100);
        assert_true(have_journal("held one"));
        /* the profile is not asked: what is open is given back */
        daemon_unlink("profiles/held one.ini");
        assert_int_eq(hook("held one", "release", "end", NULL), 0);
        text = next_call();
        assert_contains(text, "begins release held one uuid=00000000-0000-4000-8000-");
        assert_contains(text, "event=release/end");
        expect_call("ends release");
        wait_journal("held one", false);
        assert_int_eq(hook("held one", "release", "end", NULL), 0);
        assert_int_eq(hook("held one", "stopped", "end", NULL), 0);
        no_call(100);
        text = operator_request(WIRE_STATUS, NULL, -1, &value);
        assert_null(strstr(text, "guest\t"));
}

/* With the domain's XML, as libvirt calls. */
static uint32_t hook_xml(const char *domain, const char *op, const char *subop)
{
        int fd = client_connect(), xml[2];
        WireMessage m;

        assert_ok(pipe2(xml, O_CLOEXEC));
        assert_int_eq(write(xml[1], "<domain/>", 9), 9);
        (void) close(xml[1]);
        client_hook(fd, domain, op, subop, xml[0]);
        (void) close(xml[0]);
        while (client_receive(fd, &m, PATIENCE) == WIRE_ACCEPTED)
                ;
        assert_int_eq(m.head.type, WIRE_RESULT);
        (void) close(fd);
        return m.head.value;
}

static void make_folder(const char *path)
{
        char part[256];

        for (const char *slash = strchr(path, '/');; slash = strchr(slash + 1, '/')) {
                (void) snprintf(part, sizeof(part), "%.*s", slash ? (int) (slash - path) : (int) strlen(path), path);
                (void) mkdir(daemon_path(part), 0755);
                if (!slash)
                        return;
        }
}

/* Scripts: a worker for a guest that has a folder, with or without a profile, and for nobody else. */
TEST(events_between_start_and_end)
{
        static const char *const events[][2] = { { "start", "begin" },   { "started", "begin" },
                                                 { "stopped", "end" },   { "reconnect", "begin" },
                                                 { "migrate", "begin" }, { "restore", "begin" } };
        start_with("quick");
        make_folder("etc/hookd/hooks.d/quick plain");
        make_folder("etc/libvirt/hooks/qemu.d/refuse plain");
        for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
                char expected[128];

                assert_int_eq(hook_xml("quick", events[i][0], events[i][1]), 0);
                no_call(50);
                assert_int_eq(hook_xml("quick plain", events[i][0], events[i][1]), 0);
                (void) snprintf(expected, sizeof(expected), "begins event quick plain uuid= event=%s/%s ", events[i][0],
                                events[i][1]);
                expect_call(expected);
                expect_call("ends event quick plain");
        }
        assert_int_eq(hook_xml("refuse plain", "start", "begin"), 1);
        expect_round("event refuse plain");
        assert_int_eq(hook_xml("quick plain", "attach", "begin"), 0);
        assert_int_eq(hook_xml("quick plain", "release", "end"), 0); /* nothing is held */
        assert_int_eq(hook_xml("../hooks.d/quick plain", "started", "begin"), 0);
        no_call(100);
        assert_int_eq(hook_xml("quick plain", "prepare", "begin"), 0);
        expect_round("prepare quick plain");
}

/* A command of the profile's, which only the journal knows by then. */
TEST(events_of_the_plan)
{
        start_with("held events");
        assert_int_eq(hook("held events", "prepare", "begin", NULL), 0);
        expect_round("prepare held events");
        assert_int_eq(hook_xml("held events", "start", "begin"), 0);
        no_call(100);
        assert_int_eq(hook_xml("held events", "started", "begin"), 0);
        expect_round("event held events");
        assert_int_eq(hook("held events", "release", "end", NULL), 0);
        expect_round("release held events");
}

/* Nobody waits behind a worker that waits for the kernel. */
TEST(a_stuck_card)
{
        const char *text;
        uint32_t value;

        start_with("stuck one", "quick");
        expect_result(ask("stuck one", "prepare", "begin"), 1, "the card is stuck");
        expect_call("begins prepare stuck one");
        expect_call("waits prepare stuck one");
        for (int i = 0; i < 2; i++) {
                uint64_t start = now_usec();

                assert_int_eq(hook("stuck one", "stopped", "end", NULL), 0);
                assert_int_eq(hook("stuck one", i == 0 ? "release" : "prepare", i == 0 ? "end" : "begin", &text), 1);
                assert_true(startswith(text, "0000:01:00.0 is stuck since 20"));
                assert_contains(text, "by the guest stuck one: step driver, 0000:01:00.0: it hangs; process 7 waits in "
                                      "msleep");
                assert_contains(text, "reboot");
                assert_true(now_usec() - start < 2 * USEC_PER_SEC);
        }
        text = operator_request(WIRE_RELEASE, "stuck one", -1, &value);
        assert_int_eq(value, 1);
        assert_true(startswith(text, "0000:01:00.0 is stuck since 20"));
        text = operator_request(WIRE_STATUS, NULL, -1, &value);
        assert_contains(text, "\tstate=stuck\t");
        assert_contains(text, "waits in msleep");
        no_call(100);
        expect_result(ask("quick", "prepare", "begin"), 0, NULL);
        expect_round("prepare quick");

        open_gate("stuck one");
        expect_call("ends prepare stuck one");
        wait_journal("stuck one", false);
        expect_result(ask("stuck one", "prepare", "begin"), 1, "the card is stuck");
        expect_call("begins prepare stuck one"); /* a worker again */
        expect_call("waits prepare stuck one");
        open_gate("stuck one");
        expect_call("ends prepare stuck one");
}

TEST(one_a_guest_many_guests)
{
        int a, again, b, release;

        start_with("slow a", "slow b");
        a = ask("slow a", "prepare", "begin");
        expect_call("begins prepare slow a");
        expect_call("waits prepare slow a");
        again = ask("slow a", "prepare", "begin");
        release = ask("slow a", "release", "end"); /* not known whether it will hold anything */
        no_call(200);
        b = ask("slow b", "prepare", "begin");
        expect_call("begins prepare slow b");
        expect_call("waits prepare slow b");
        open_gate("slow b");
        expect_result(b, 0, NULL);
        expect_call("ends prepare slow b");
        open_gate("slow a");
        expect_result(a, 0, NULL);
        expect_call("ends prepare slow a");
        expect_call("begins prepare slow a");
        expect_call("waits prepare slow a");
        open_gate("slow a");
        expect_result(again, 0, NULL);
        expect_call("ends prepare slow a");
        expect_result(release, 0, NULL); /* nothing was held: no worker */
        no_call(100);
}

TEST(at_most_sixteen)
{
        int fds[18];

        daemon_prepare();
        daemon_write("profiles/all.ini", "[Match]\nDomain=slow*\n");
        daemon_start();
        for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
                char name[16];

                (void) snprintf(name, sizeof(name), "slow %u", i);
                fds[i] = ask(name, "prepare", "begin");
        }
        for (unsigned i = 0; i < 32; i++)
                (void) next_call();
        no_call(300);
        open_gate("slow 3");
        expect_result(fds[3], 0, NULL);
        expect_call("ends prepare slow 3");
        expect_call("begins prepare slow 16"); /* first come, first served */
        expect_call("waits prepare slow 16");
        no_call(100);
        for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
                if (i != 3 && i != 17) {
                        char name[16];

                        (void) snprintf(name, sizeof(name), "slow %u", i);
                        open_gate(name);
                        expect_result(fds[i], 0, NULL);
                }
        for (bool waits = false; !waits;)
                waits = startswith(next_call(), "waits prepare slow 17");
        open_gate("slow 17");
        expect_result(fds[17], 0, NULL);
}

TEST(a_waiting_client_may_leave)
{
        int a, b;

        start_with("slow a");
        a = ask("slow a", "prepare", "begin");
        expect_call("begins");
        expect_call("waits");
        b = ask("slow a", "prepare", "begin");
        (void) close(b);
        (void) hook("nobody", "start", "begin", NULL); /* by then the daemon has seen it */
        open_gate("slow a");
        expect_result(a, 0, NULL);
        expect_call("ends prepare slow a");
        no_call(300);
}

TEST(a_worker_dies)
{
        start_with("crash", "crash-open", "quick");
        expect_result(ask("crash", "prepare", "begin"), 1, "signal 9");
        expect_call("begins prepare crash");
        no_call(200);
        expect_result(ask("crash-open", "prepare", "begin"), 1, "what it had begun is being put back");
        expect_call("begins prepare crash-open");
        expect_call("begins recover crash-open uuid=00000000-0000-4000-8000-");
        expect_call("ends recover crash-open");
        wait_journal("crash-open", false);
        assert_int_eq(hook("quick", "prepare", "begin", NULL), 0);
}

TEST(there_is_no_worker)
{
        const char *text;

        daemon_prepare();
        daemon_write("profiles/quick.ini", "");
        d.worker = "/nonexistent/hookd-worker";
        daemon_start();
        assert_int_eq(hook("quick", "prepare", "begin", &text), 1);
        assert_contains(text, "/nonexistent/hookd-worker");
        assert_int_eq(hook("quick", "prepare", "begin", &text), 1);
}

TEST(a_deadline_passes)
{
        uint64_t start;
        WireMessage m;
        int fd, queued;

        daemon_prepare();
        daemon_write("hookd.conf", "[Transaction]\nStartTimeoutSec=1\nRollbackTimeoutSec=1\nStopTimeoutSec=1\n");
        daemon_write("profiles/slow.ini", "[Transaction]\nStartTimeoutSec=1\nRollbackTimeoutSec=1\nStopTimeoutSec=1\n");
        daemon_start();
        start = now_usec();
        fd = client_connect();
        client_hook(fd, "slow", "prepare", "begin", -1);
        assert_int_eq(client_receive(fd, &m, PATIENCE), WIRE_ACCEPTED);
        assert_int_eq(m.head.value, 2);
        expect_call("begins");
        expect_call("waits");
        expect_result(fd, 1, "did not end in time");
        assert_true(now_usec() - start >= 2 * USEC_PER_SEC);
        assert_true(now_usec() - start < (2 + WIRE_GRACE_SEC) * USEC_PER_SEC);
        /* the next one of the guest waits a little, then is told; the late one is left alone */
        queued = ask("slow", "prepare", "begin");
        assert_int_eq(client_receive(queued, &m, 15000), WIRE_RESULT);
        assert_int_eq(m.head.value, 1);
        assert_contains(m.strings[0], "before this prepare has not ended");
        (void) close(queued);
        open_gate("slow");
        expect_call("ends prepare slow");
}

TEST(open_journals_at_the_start)
{
        uint32_t value;

        start_with("held", "quick");
        assert_int_eq(hook("held", "prepare", "begin", NULL), 0);
        expect_round("prepare held");
        daemon_stop();
        daemon_mkdir("journals/11111111-2222-3333-4444-555555555555");
        daemon_write("journals/11111111-2222-3333-4444-555555555555/plan", "nonsense\n");
        daemon_mkdir("journals/99999999-2222-3333-4444-555555555555"); /* died before its plan */
        daemon_start();
        for (unsigned i = 0; i < 4; i++)
                assert_contains(next_call(), " recover ");
        no_call(100);
        wait_journal("held", true); /* its guest runs */
        assert_contains(operator_request(WIRE_STATUS, NULL, -1, &value), "guest\tdomain=held\t");
        assert_false(daemon_exists("journals/11111111-2222-3333-4444-555555555555"));
        assert_int_eq(hook("quick", "prepare", "begin", NULL), 0);
        expect_round("prepare quick");
        assert_int_eq(hook("held", "release", "end", NULL), 0);
        expect_round("release held");
}

/* A worker outlives its daemon: it answers by itself, and the next daemon knows what it left. */
TEST(a_restart_in_between)
{
        int fd;

        start_with("slow held");
        fd = ask("slow held", "prepare", "begin");
        expect_call("begins");
        expect_call("waits");
        daemon_stop();
        daemon_start();
        open_gate("slow held");
        expect_result(fd, 0, NULL);
        /* its journal appears only now, and is somebody's nobody here knows */
        for (bool ended = false, recovered = false; !ended || !recovered;) {
                const char *call = next_call();

                ended = ended || startswith(call, "ends prepare slow held");
                recovered = recovered || startswith(call, "ends recover");
        }
        wait_journal("slow held", true);
        fd = ask("slow held", "release", "end");
        for (bool waits = false; !waits;)
                waits = startswith(next_call(), "waits release slow held");
        open_gate("slow held");
        expect_result(fd, 0, NULL);
        wait_journal("slow held", false);
}

/* libvirtd dies with its guest on the way: its end starts a recovery. */
TEST(the_caller_dies)
{
        int ready[2], go[2];
        pid_t libvirtd;
        char byte;

        start_with("held");
        assert_ok(pipe2(ready, O_CLOEXEC));
        assert_ok(pipe2(go, O_CLOEXEC));
        libvirtd = fork();
        assert_ok(libvirtd);
        if (libvirtd == 0) {
                pid_t shim = fork();

                if (shim == 0)
                        _exit((int) hook("held", "prepare", "begin", NULL));
                (void) waitpid(shim, NULL, 0);
                (void) !write(ready[1], "x", 1);
                (void) !read(go[0], &byte, 1);
                _exit(0);
        }
        assert_int_eq(read(ready[0], &byte, 1), 1);
        expect_round("prepare held");
        no_call(300);
        assert_int_eq(write(go[1], "x", 1), 1);
        assert_ok(waitpid(libvirtd, NULL, 0));
        expect_round("recover held");
        no_call(300); /* once */
        for (size_t i = 0; i < 2; i++) {
                (void) close(ready[i]);
                (void) close(go[i]);
        }
}

TEST(profiles_are_fresh)
{
        daemon_prepare();
        daemon_rmdir("profiles");
        daemon_start();
        assert_int_eq(hook("quick", "prepare", "begin", NULL), 0);
        no_call(0);
        daemon_mkdir("profiles");
        daemon_write("profiles/quick.ini", "");
        assert_int_eq(hook("quick", "prepare", "begin", NULL), 0);
        expect_round("prepare quick");
        daemon_unlink("profiles/quick.ini");
        assert_int_eq(hook("quick", "prepare", "begin", NULL), 0);
        no_call(0);
        daemon_write("profiles/x.ini", "[Match]\nDomain=qu*\n");
        assert_int_eq(hook("quick", "prepare", "begin", NULL), 0);
        expect_round("prepare quick");
        daemon_write("profiles/quick.ini", "[Nonsense]\n"); /* broken: its guest must not start by another one */
        assert_int_eq(hook("quick", "prepare", "begin", NULL), 0);
        expect_round("prepare quick");
}

/* Which profile a guest will have is not known yet: the longest time-out is promised. */
TEST(profiles_may_ask_for_time)
{
        uint32_t value;
        WireMessage m;
        int fd;

        daemon_prepare();
        daemon_write("hookd.conf", "[Transaction]\nRollbackTimeoutSec=5min\n");
        daemon_write("profiles/quick.ini", "");
        daemon_write("profiles/other.ini", "[Match]\nDomain=q*\n[Transaction]\nStartTimeoutSec=20min\n");
        daemon_write("profiles/bad.ini", "[Transaction]\nStartTimeoutSec=much\n");
        daemon_start();
        fd = client_connect();
        client_hook(fd, "quick", "prepare", "begin", -1);
        assert_int_eq(client_receive(fd, &m, PATIENCE), WIRE_ACCEPTED);
        assert_int_eq(m.head.value, 1200 + 300);
        expect_result(fd, 0, NULL);
        assert_contains(operator_request(WIRE_STATUS, NULL, -1, &value), "bad.ini:2");
}

/* What a release of it would do: the first line, and the result. */
static void plan_release(const char *guest, uint32_t value, const char *text)
{
        int fd = client_connect();
        WireMessage m;

        client_send(fd, WIRE_PLAN, (const char *const[]){ guest, "release", NULL }, -1);
        while (client_receive(fd, &m, PATIENCE) == WIRE_ACCEPTED)
                ;
        assert_int_eq(m.head.type, WIRE_TEXT);
        assert_contains(m.strings[0], text);
        while (client_receive(fd, &m, PATIENCE) == WIRE_TEXT)
                ;
        assert_int_eq(m.head.type, WIRE_RESULT);
        assert_int_eq(m.head.value, value);
        (void) close(fd);
}

/* A plan that has not ended is no work on the journal: what libvirt says is done, and a recovery is not put off. */
TEST(a_plan_holds_nothing_up)
{
        int fd;

        start_with("slow held");
        fd = ask("slow held", "prepare", "begin");
        expect_call("begins prepare");
        expect_call("waits");
        open_gate("slow held");
        expect_result(fd, 0, NULL);
        expect_call("ends prepare");
        fd = client_connect();
        client_send(fd, WIRE_PLAN, (const char *const[]){ "slow held", "release", NULL }, -1);
        expect_call("begins plan slow held");
        expect_call("waits");
        /* the release waits at the same gate, but it has begun */
        (void) close(ask("slow held", "release", "end"));
        expect_call("begins release slow held");
        expect_call("waits");
        open_gate("slow held");
        expect_call("ends");
        (void) close(fd);
}

/* However many ask, one worker reads the journal. */
TEST(one_log_at_a_time)
{
        int fds[3];

        start_with("slow held", "held");
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                fds[i] = client_connect();
                client_send(fds[i], WIRE_LOG, (const char *const[]){ "slow one", "0", "0", NULL }, -1);
        }
        expect_call("begins log slow one");
        expect_call("waits");
        assert_int_eq(hook("held", "prepare", "begin", NULL), 0);
        expect_round("prepare held");
        no_call(200);
        open_gate("slow one");
        for (size_t i = 1; i < ARRAY_SIZE(fds); i++) {
                expect_call("ends log slow one");
                expect_call("begins log slow one");
                expect_call("waits");
                open_gate("slow one");
        }
        expect_call("ends log slow one");
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                (void) close(fds[i]);
}

TEST(the_operator_asks)
{
        uint32_t value;
        const char *text;
        int fd, fd2, xml[2];
        WireMessage m;

        start_with("slow held", "held");
        assert_contains(operator_request(WIRE_RELEASE, "held", -1, &value), "holds nothing");
        assert_int_eq(value, 1);
        assert_int_eq(hook("held", "prepare", "begin", NULL), 0);
        expect_round("prepare held");
        fd = ask("slow held", "prepare", "begin");
        expect_call("begins");
        expect_call("waits");
        assert_contains(operator_request(WIRE_RELEASE, "slow held", -1, &value), "is under way");
        assert_int_eq(value, 1);
        text = operator_request(WIRE_STATUS, NULL, -1, &value);
        assert_contains(text, "job\tverb=prepare\tdomain=slow held\tstate=running\t");

        assert_ok(pipe2(xml, O_CLOEXEC));
        assert_int_eq(write(xml[1], "<domain/>", 9), 9);
        (void) close(xml[1]);
        text = operator_request(WIRE_PLAN, "held", xml[0], &value);
        assert_contains(text, "\ttext=by the stub\nwarning\t");
        assert_int_eq(value, 0);
        assert_contains(next_call(), "begins plan held uuid= event=hookctl plan parent= xml=9");
        expect_call("ends plan held");
        (void) close(xml[0]);

        fd2 = client_connect();
        client_send(fd2, WIRE_LOG, (const char *const[]){ "", "7", "0", NULL }, -1);
        expect_call("begins log  uuid= event=hookctl log");
        expect_call("ends log");
        (void) close(fd2);
        fd2 = client_connect();
        client_send(fd2, WIRE_LOG, (const char *const[]){ "", "7", "x", NULL }, -1);
        expect_result(fd2, 1, "does not know this request");

        plan_release("held", 0, "text=by the stub");
        assert_contains(next_call(), "begins plan held uuid=00000000-0000-4000-8000-");
        expect_call("ends plan held");
        plan_release("slow held", 0, "text=hookd has only just begun");
        plan_release(
                "other", 0,
                "domain=other\tevent=release\tprofile=\ttext=hookd holds nothing for it; a release would do nothing");
        fd2 = client_connect();
        client_send(fd2, WIRE_PLAN, (const char *const[]){ "held", NULL }, -1);
        expect_result(fd2, 1, "does not know this request");
        fd2 = client_connect();
        client_send(fd2, WIRE_PLAN, (const char *const[]){ "held", "begin", NULL }, -1);
        expect_result(fd2, 1, "does not know this request");
        assert_true(have_journal("held"));

        assert_contains(operator_request(WIRE_RELEASE, "held", -1, &value), "probably just being started");
        assert_int_eq(value, 1);
        no_call(0);
        fd2 = client_connect();
        client_send(fd2, WIRE_RELEASE, (const char *const[]){ "held", "surely", NULL }, -1);
        expect_result(fd2, 1, "does not know this request");
        fd2 = client_connect();
        client_send(fd2, WIRE_RELEASE, (const char *const[]){ "held", "force", NULL }, -1);
        assert_contains(next_call(), "event=hookctl release");
        assert_int_eq(client_receive(fd2, &m, PATIENCE), WIRE_ACCEPTED);
        expect_result(fd2, 0, NULL);
        expect_call("ends release held");
        open_gate("slow held");
        expect_result(fd, 0, NULL);
}

TEST(status_shows_failures)
{
        uint32_t value;
        const char *text;

        daemon_prepare();
        daemon_write("journals/last-failure", "a\\tb\t1000000\tprepare/begin\tit was\\nso\nbroken line\n");
        daemon_start();
        text = operator_request(WIRE_STATUS, NULL, -1, &value);
        assert_contains(text, "\tdomain=a\\tb\tevent=prepare/begin\ttext=it was\\nso\n");
        assert_null(strstr(text, "broken"));
}

TEST_MAIN
