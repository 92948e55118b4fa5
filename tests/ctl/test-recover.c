/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hookctl recover: with the real daemon and the stub for a worker, and with no daemon at all. */
#include "ctl/golden.h"
#include "ctl/holding.h"

#define UUID    "73116f6f-f817-425f-bd60-4f93db371c39"
#define FOLDER  "run/hookd-txn"
#define JOURNAL FOLDER "/" UUID

static bool elsewhere; /* no hookd is asked */

/* The test's folder is the host. */
static int recover(const char *worker, const char *option)
{
        static char *const environment[] = { NULL };
        char socket_option[128], root[128], with[256];
        char *argv[] = { (char *) HOOKCTL_EXE, (char *) "recover", root, with, (char *) option, NULL, NULL };

        (void) snprintf(socket_option, sizeof(socket_option), "--socket=%s/socket", d.dir);
        (void) snprintf(root, sizeof(root), "--root=%s", d.dir);
        (void) snprintf(with, sizeof(with), "--worker=%s", worker);
        if (!elsewhere)
                argv[option ? 5 : 4] = socket_option;
        elsewhere = false;
        return program(argv, environment, NULL);
}

TEST(hookd_holds_nothing)
{
        daemon_prepare();
        daemon_start();
        assert_int_eq(recover(STUB_EXE, NULL), 0);
        assert_str_eq(said, "hookd answers, and holds nothing.\n"
                            "No other card is kept from the host.\n"
                            "\n"
                            "Nothing is left to put back.\n");
        no_call(0);
}

TEST(hookd_releases)
{
        start_holding();
        assert_int_eq(recover(STUB_EXE, NULL), 1); /* its libvirtd, this test's parent, lives */
        assert_contains(said, "held: may just be starting");
        assert_contains(said, "\nStill to do:\n");
        assert_contains(said, "\n    hookctl recover --force\n");
        assert_true(have_journal("held"));
        no_call(0);
        assert_int_eq(recover(STUB_EXE, "--force"), 0);
        assert_contains(said, "held: put back.\n");
        assert_contains(said, "\nNothing is left to put back.\n");
        assert_false(have_journal("held"));
        assert_contains(next_call(), "event=hookctl release");
}

static pid_t hook_apart(const char *op, const char *subop)
{
        pid_t pid = fork();

        assert_ok(pid);
        if (pid == 0)
                _exit((int) hook("slow-held", op, subop, NULL));
        assert_contains(next_call(), "begins");
        assert_contains(next_call(), "waits");
        return pid;
}

/* What it comes to is not known before its end. */
TEST(hookd_is_at_it)
{
        pid_t pid, gate;

        daemon_prepare();
        daemon_write("profiles/slow-held.ini", "");
        daemon_start();
        pid = hook_apart("prepare", "begin");
        open_gate("slow-held");
        assert_int_eq(wait_exit(pid), 0);
        (void) next_call();
        pid = hook_apart("release", "end");
        gate = fork();
        assert_ok(gate);
        if (gate == 0) {
                (void) poll(NULL, 0, 300);
                open_gate("slow-held");
                _exit(0);
        }
        assert_int_eq(recover(STUB_EXE, NULL), 0);
        assert_contains(said, "slow-held: hookd is at it: waiting for the end\n"
                              "slow-held: put back.\n");
        assert_int_eq(wait_exit(pid), 0);
        assert_int_eq(wait_exit(gate), 0);
}

TEST(as_json)
{
        start_holding();
        assert_int_eq(recover(STUB_EXE, "--json"), 1);
        assert_true(startswith(said, "{\n"));
        assert_contains(said, "\"commands\": [\n");
        assert_contains(said, "\"hookctl recover --force\"\n");
        assert_null(strstr(said, "Still to do"));
}

/* ---- without the daemon ---- */

static void host(void)
{
        daemon_prepare();
        daemon_mkdir("run");
        daemon_mkdir(FOLDER);
        daemon_mkdir("proc");
}

static void process(int pid, const char *comm, uint64_t start)
{
        char path[64], text[256];

        (void) snprintf(path, sizeof(path), "proc/%d", pid);
        daemon_mkdir(path);
        (void) snprintf(path, sizeof(path), "proc/%d/stat", pid);
        (void) snprintf(text, sizeof(text), "%d (%s) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %llu 0\n", pid, comm,
                        (unsigned long long) start);
        daemon_write(path, text);
}

/* HELD, with lab.service stopped for it. */
static Journal *held(const char *domain)
{
        Plan *p = plan_new(domain, UUID, "x.ini");
        Journal *j = NULL;
        Fault f = { 0 };
        Action *a;

        assert_ok(strv_append(&p->functions, "0000:01:00.0"));
        a = plan_append(p, "services", "lab.service", "inactive", ACTION_SHARED, 10 * USEC_PER_SEC);
        assert_not_null(a);
        assert_ok(action_set(&a->before, "active"));
        assert_ok(journal_create(daemon_path(FOLDER), UUID, &j, &f));
        assert_ok(journal_write_plan(j, p, &f));
        assert_ok(journal_log(j, LOG_WORD_BEGIN, -1, NULL));
        assert_ok(journal_log(j, LOG_WORD_INTENT, 0, NULL));
        assert_ok(journal_log(j, LOG_WORD_DONE, 0, NULL));
        assert_ok(journal_log(j, LOG_WORD_HELD, -1, NULL));
        return j;
}

TEST(the_worker_itself)
{
        host();
        daemon_write("vm1.tree", "unit lab.service active=inactive\n");
        journal_close(held("vm1"));
        assert_int_eq(recover(FAKE_EXE, NULL), 1);
        assert_contains(said, "hookd does not answer: going on without it.\n"
                              "vm1: is gone, 0000:01:00.0 is put back ...\n"
                              "  services lab.service: inactive -> active (");
        assert_contains(said, "vm1: put back.\n"
                              "No other card is kept from the host.\n"
                              "\n"
                              "Still to do:\n");
        assert_contains(said, "\n    systemctl start hookd\n");
        assert_false(daemon_exists(JOURNAL));
        assert_int_eq(recover(FAKE_EXE, NULL), 1);
        assert_contains(said, "There is no journal: hookd holds nothing.\n");
        elsewhere = true;
        assert_int_eq(recover(FAKE_EXE, NULL), 0);
        assert_str_eq(said, "There is no journal: hookd holds nothing.\n"
                            "No other card is kept from the host.\n"
                            "\n"
                            "Nothing is left to put back.\n");
}

TEST(a_worker_that_fails)
{
        host();
        journal_close(held("refuse"));
        assert_int_eq(recover(STUB_EXE, NULL), 1);
        assert_contains(said, "refuse: NOT put back.\n");
        assert_contains(said, "refuse: the stub refuses\n");
        assert_int_eq(recover("/nonexistent/worker", NULL), 1);
        assert_contains(said, "is hookd installed");

        host();
        journal_close(held("crash it"));
        assert_int_eq(recover(STUB_EXE, NULL), 1);
        assert_contains(said, "ended without an");
        assert_true(daemon_exists(JOURNAL));
}

TEST(a_guest_that_may_be_starting)
{
        Journal *j;

        host();
        process(77, "libvirtd", 1234);
        j = held("held one");
        assert_ok(journal_set_owner(j, 77, 1234));
        journal_close(j);
        assert_int_eq(recover(STUB_EXE, NULL), 1);
        assert_contains(said, "held one: may just be starting, and keeps 0000:01:00.0.\n");
        assert_contains(said, "libvirtd (process 77)");
        assert_true(daemon_exists(JOURNAL));
        elsewhere = true;
        assert_int_eq(recover(STUB_EXE, "--json"), 1);
        expect_golden(said, "recover-json");
        assert_int_eq(recover(STUB_EXE, "--force"), 1);
        assert_contains(said, "held one: put back.\n");
        assert_false(daemon_exists(JOURNAL));

        /* another process by now */
        j = held("held one");
        assert_ok(journal_set_owner(j, 77, 1233));
        journal_close(j);
        assert_int_eq(recover(STUB_EXE, NULL), 1);
        assert_contains(said, "held one: put back.\n");
}

TEST(a_guest_that_runs)
{
        host();
        process(78, "qemu-system-x86", 1234);
        daemon_mkdir("run/libvirt");
        daemon_mkdir("run/libvirt/qemu");
        daemon_write("run/libvirt/qemu/my held.pid", "78");
        journal_close(held("my held"));
        for (int i = 0; i < 2; i++) {
                assert_int_eq(recover(STUB_EXE, i > 0 ? "--force" : NULL), 1);
                assert_contains(said, "my held: runs, and keeps 0000:01:00.0.\n");
                assert_contains(said, "\n    virsh shutdown 'my held'\n");
                assert_true(daemon_exists(JOURNAL));
        }
}

TEST(a_stuck_card)
{
        Journal *j;

        host();
        j = held("held"); /* this process has the lock, as a hand would */
        assert_ok(journal_log(j, LOG_WORD_STUCK, 0, "step driver: it hangs"));
        assert_int_eq(recover(STUB_EXE, "--force"), 1);
        assert_contains(said, "held: the kernel keeps 0000:01:00.0.\n");
        assert_contains(said, "step driver: it hangs");
        assert_contains(said, "\n    systemctl reboot\n");
        journal_close(j);
}

/* One that hookd has left behind. */
TEST(another_worker)
{
        Journal *j;
        pid_t pid;

        host();
        j = held("held");
        pid = fork();
        assert_ok(pid);
        if (pid == 0) {
                (void) poll(NULL, 0, 2000);
                _exit(journal_remove(j) < 0);
        }
        journal_close(j); /* the child keeps the lock */
        assert_int_eq(recover(STUB_EXE, NULL), 1);
        assert_contains(said, "  a worker is at it: waiting for its end\n"
                              "  it has ended\n");
        assert_int_eq(wait_exit(pid), 0);
}

TEST(a_bad_journal)
{
        host();
        daemon_mkdir(JOURNAL);
        daemon_write(JOURNAL "/plan", "\033[2Jnonsense\n");
        assert_int_eq(recover(STUB_EXE, NULL), 1);
        assert_contains(said, "A journal cannot be read, and is set aside:\n    " UUID);
        assert_null(strchr(said, '\033'));
        assert_contains(said, "what was changed for it is not");
        assert_contains(said, "\n    rm -r ");
        assert_contains(said, "/" FOLDER "/bad-" UUID "-");
        assert_false(daemon_exists(JOURNAL));
}

TEST_MAIN
