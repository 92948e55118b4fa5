/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon and the processes a transaction is held for: libvirtd and QEMU, and what follows when one goes. Both are
 * children of the test. */
#include "server/harness.h"

#include "server/process.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>

static void expect_call(const char *start)
{
        const char *call = next_call();

        if (!startswith(call, start))
                test_fail("the call is \"%s\", not \"%s…\"", call, start);
}

static void expect_round(const char *what)
{
        char text[128];

        (void) snprintf(text, sizeof(text), "begins %s ", what);
        expect_call(text);
        (void) snprintf(text, sizeof(text), "ends %s ", what);
        expect_call(text);
}

/* A recovery that is not made before libvirtd could have come back. */
static void expect_late(const char *what)
{
        no_call(7000);
        expect_round(what);
}

static void wait_journal(const char *domain, bool there)
{
        for (unsigned i = 0; i < 100 && have_journal(domain) != there; i++)
                (void) poll(NULL, 0, 50);
        assert_int_eq(have_journal(domain), there);
}

static void start_daemon(void)
{
        daemon_prepare();
        daemon_write("profiles/all.ini", "[Match]\nDomain=*\n");
        daemon_mkdir("run");
        daemon_mkdir("run/libvirt");
        daemon_mkdir("run/libvirt/qemu");
        daemon_start();
}

/* ---- libvirtd: calls hooks as its children do, when it is told to ---- */

typedef struct Libvirtd {
        pid_t pid;
        int orders;  /* a line each: "domain op subop" */
        int results; /* a byte each: the hook's exit status */
} Libvirtd;

/* As the shim does; a child of a test must not fail as a test. 1: hookd hung up. */
static int shim(const char *domain, const char *op, const char *subop)
{
        const char *const strings[] = { domain, op, subop, "-" };
        _cleanup_close_ int fd = client_connect();
        WireMessage m;

        if (wire_encode(&m, WIRE_HOOK, 0, strings, 4) < 0 || wire_send(fd, &m, -1) < 0)
                return 1;
        while (readable(fd, 60000) && wire_receive(fd, &m, NULL) > 0)
                if (m.head.type == WIRE_RESULT)
                        return (int) m.head.value;
        return 1;
}

/* Of a libvirtd in a container: its child, its pid file. */
static void qemu_inside(const char *domain)
{
        char path[64], text[16];
        pid_t pid = fork();

        if (pid == 0) {
                (void) prctl(PR_SET_NAME, "qemu-system-x86");
                for (;;)
                        (void) pause();
        }
        (void) snprintf(path, sizeof(path), "run/libvirt/qemu/%s.pid", domain);
        (void) snprintf(text, sizeof(text), "%i\n", (int) pid);
        daemon_write(path, text);
}

static void libvirtd_serve(int orders, int results)
{
        char domain[32], op[16], subop[16];
        FILE *f = fdopen(orders, "re");

        while (f && fscanf(f, "%31s %15s %15s", domain, op, subop) == 3) {
                pid_t pid = streq(op, "qemu") ? 0 : fork();
                int status = 0;
                char byte;

                if (streq(op, "qemu"))
                        qemu_inside(domain);
                else if (pid == 0)
                        _exit(shim(domain, op, subop));
                else
                        (void) waitpid(pid, &status, 0);
                byte = (char) WEXITSTATUS(status);
                (void) !write(results, &byte, 1);
        }
        _exit(0);
}

static Libvirtd libvirtd_start(void)
{
        int orders[2], results[2];
        Libvirtd l;

        assert_ok(pipe2(orders, O_CLOEXEC));
        assert_ok(pipe2(results, O_CLOEXEC));
        l = (Libvirtd){ .pid = fork(), .orders = orders[1], .results = results[0] };
        assert_ok(l.pid);
        if (l.pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                libvirtd_serve(orders[0], results[1]);
        }
        (void) close(orders[0]);
        (void) close(results[1]);
        return l;
}

static void libvirtd_hook(const Libvirtd *l, const char *event)
{
        char byte = 1;

        assert_int_eq(write(l->orders, event, strlen(event)), strlen(event));
        assert_int_eq(write(l->orders, "\n", 1), 1);
        assert_true(readable(l->results, PATIENCE));
        assert_int_eq(read(l->results, &byte, 1), 1);
        assert_int_eq(byte, 0);
}

static void end_process(pid_t pid)
{
        assert_ok(kill(pid, SIGKILL) < 0 ? -errno : 0);
        assert_ok(waitpid(pid, NULL, 0));
}

static void libvirtd_end(Libvirtd *l)
{
        if (l->pid > 0)
                end_process(l->pid);
        l->pid = 0;
        closep(&l->orders);
        closep(&l->results);
}

/* As libvirtd_start(), as the first process of a container: the numbers of its processes are its own, and so is its
 * /run. False: this test may not do that here. */
static bool container_start(const char *name, Libvirtd *ret)
{
        int orders[2], results[2], status = 0;
        pid_t pid;

        assert_ok(pipe2(orders, O_CLOEXEC));
        assert_ok(pipe2(results, O_CLOEXEC));
        pid = fork();
        assert_ok(pid);
        if (pid == 0) {
                if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                    mount("tmpfs", daemon_path("run"), "tmpfs", 0, NULL) < 0)
                        _exit(77);
                daemon_mkdir("run/libvirt");
                daemon_mkdir("run/libvirt/qemu");
                pid = fork();
                if (pid == 0) {
                        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                        (void) prctl(PR_SET_NAME, name);
                        libvirtd_serve(orders[0], results[1]);
                }
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) close(orders[0]);
                (void) close(results[1]);
                (void) waitpid(pid, &status, 0);
                _exit(0);
        }
        (void) close(orders[0]);
        (void) close(results[1]);
        *ret = (Libvirtd){ .pid = pid, .orders = orders[1], .results = results[0] };
        (void) poll(NULL, 0, 300);
        if (waitpid(pid, &status, WNOHANG) != pid)
                return true;
        assert_int_eq(WEXITSTATUS(status), 77);
        ret->pid = 0;
        libvirtd_end(ret);
        return false;
}

/* ---- QEMU ---- */

static pid_t qemu_start(const char *domain)
{
        char path[64], text[16];
        pid_t pid = fork();

        assert_ok(pid);
        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) prctl(PR_SET_NAME, "qemu-system-x86");
                for (;;)
                        (void) pause();
        }
        (void) snprintf(path, sizeof(path), "run/libvirt/qemu/%s.pid", domain);
        (void) snprintf(text, sizeof(text), "%i", (int) pid);
        daemon_write(path, text);
        return pid;
}

static const char *status(void)
{
        uint32_t value;

        return operator_request(WIRE_STATUS, NULL, -1, &value);
}

/* A guest that runs: prepared and started by this libvirtd. */
static pid_t guest_start(const Libvirtd *l, const char *domain)
{
        char event[64];
        pid_t qemu;

        (void) snprintf(event, sizeof(event), "%s prepare begin", domain);
        libvirtd_hook(l, event);
        (void) snprintf(event, sizeof(event), "prepare %s", domain);
        expect_round(event);
        qemu = qemu_start(domain);
        (void) snprintf(event, sizeof(event), "%s started begin", domain);
        libvirtd_hook(l, event);
        (void) snprintf(event, sizeof(event), "\tguest=%i\n", (int) qemu);
        assert_contains(status(), event);
        return qemu;
}

/* ---- */

TEST(libvirtd_goes_then_qemu)
{
        Libvirtd l;
        pid_t qemu;

        start_daemon();
        l = libvirtd_start();
        qemu = guest_start(&l, "held");
        libvirtd_end(&l);
        no_call(1000); /* the guest runs */
        assert_true(have_journal("held"));
        end_process(qemu);
        expect_late("recover held");
        wait_journal("held", false);
        no_call(200);
}

TEST(libvirtd_goes_before_there_is_a_qemu)
{
        Libvirtd l;

        start_daemon();
        l = libvirtd_start();
        libvirtd_hook(&l, "held prepare begin");
        expect_round("prepare held");
        no_call(500);
        libvirtd_end(&l);
        expect_round("recover held");
        wait_journal("held", false);
}

/* Its shim outlives it, and so does the worker: nobody will start the guest. */
TEST(libvirtd_goes_in_prepare)
{
        Libvirtd l;

        start_daemon();
        l = libvirtd_start();
        assert_int_eq(write(l.orders, "slow-held prepare begin\n", 24), 24);
        expect_call("begins prepare slow-held");
        expect_call("waits prepare slow-held");
        libvirtd_end(&l);
        no_call(300);
        open_gate("slow-held");
        expect_call("ends prepare slow-held");
        expect_round("recover slow-held");
        wait_journal("slow-held", false);
}

/* The other way round: libvirt tears the guest down itself, and is not disturbed. */
TEST(libvirt_notices_by_itself)
{
        Libvirtd l;
        pid_t qemu;

        start_daemon();
        l = libvirtd_start();
        qemu = guest_start(&l, "held");
        end_process(qemu);
        no_call(1000);
        libvirtd_hook(&l, "held stopped end");
        no_call(1000);
        libvirtd_hook(&l, "held release end");
        expect_round("release held");
        wait_journal("held", false);
        libvirtd_end(&l);
        no_call(200);
}

TEST(libvirt_hangs)
{
        uint64_t start;
        Libvirtd l;
        pid_t qemu;

        start_daemon();
        l = libvirtd_start();
        qemu = guest_start(&l, "held");
        end_process(qemu);
        start = now_usec();
        no_call(17000);
        expect_round("recover held");
        assert_true(now_usec() - start < 28 * USEC_PER_SEC);
        wait_journal("held", false);
        libvirtd_hook(&l, "held stopped end"); /* late, and nothing to do any more */
        libvirtd_hook(&l, "held release end");
        no_call(200);
        libvirtd_end(&l);
}

TEST(libvirtd_goes_while_it_stops_the_guest)
{
        Libvirtd l;
        pid_t qemu;

        start_daemon();
        l = libvirtd_start();
        qemu = guest_start(&l, "held");
        libvirtd_hook(&l, "held stopped end");
        end_process(qemu);
        no_call(500);
        libvirtd_end(&l);
        expect_late("recover held");
        wait_journal("held", false);
}

/* The kernel does not let go of QEMU: release has answered, and nothing is touched before its end. */
TEST(qemu_outlives_its_own_stop)
{
        Libvirtd l;
        pid_t qemu;

        start_daemon();
        l = libvirtd_start();
        qemu = guest_start(&l, "held-stay");
        libvirtd_hook(&l, "held-stay stopped end");
        daemon_unlink("run/libvirt/qemu/held-stay.pid");
        libvirtd_hook(&l, "held-stay release end");
        expect_round("release held-stay");
        assert_contains(status(), "\ttext=waits for QEMU\t");
        no_call(1000);
        end_process(qemu);
        expect_round("recover held-stay"); /* at once: libvirt says no more */
        wait_journal("held-stay", false);
        libvirtd_end(&l);
}

/* As before, but its `started` was not seen. */
TEST(qemu_is_found_at_stopped)
{
        Libvirtd l;
        pid_t qemu;

        start_daemon();
        l = libvirtd_start();
        libvirtd_hook(&l, "held-stay prepare begin");
        expect_round("prepare held-stay");
        qemu = qemu_start("held-stay");
        libvirtd_hook(&l, "held-stay stopped end");
        libvirtd_hook(&l, "held-stay release end");
        expect_round("release held-stay");
        assert_true(have_journal("held-stay"));
        end_process(qemu);
        expect_round("recover held-stay");
        wait_journal("held-stay", false);
        libvirtd_end(&l);
}

TEST(another_hookd_another_libvirtd)
{
        Libvirtd first, second;
        char text[64];
        pid_t qemu;

        start_daemon();
        first = libvirtd_start();
        qemu = guest_start(&first, "held");
        libvirtd_end(&first);
        daemon_stop();
        daemon_start();
        expect_round("recover held"); /* looks once, and keeps it */
        second = libvirtd_start();
        libvirtd_hook(&second, "held reconnect begin");
        (void) snprintf(text, sizeof(text), "\tcaller=%i\tguest=%i\n", (int) second.pid, (int) qemu);
        assert_contains(status(), text);
        no_call(300);
        end_process(qemu);
        no_call(1000); /* it is for the second one to say so */
        libvirtd_end(&second);
        expect_late("recover held");
        wait_journal("held", false);
}

/* It finds QEMU dead when it is back, and goes through the stop itself. */
TEST(libvirtd_comes_back)
{
        Libvirtd l;
        pid_t qemu;

        start_daemon();
        l = libvirtd_start();
        qemu = guest_start(&l, "held");
        libvirtd_end(&l);
        end_process(qemu);
        no_call(2000);
        l = libvirtd_start();
        libvirtd_hook(&l, "held stopped end");
        no_call(9000);
        libvirtd_hook(&l, "held release end");
        expect_round("release held");
        wait_journal("held", false);
        libvirtd_end(&l);
}

TEST(tried_again)
{
        uint32_t value;
        Libvirtd l;

        start_daemon();
        l = libvirtd_start();
        libvirtd_hook(&l, "held-stubborn prepare begin");
        expect_round("prepare held-stubborn");
        libvirtd_end(&l);
        expect_round("recover held-stubborn");
        no_call(4000);
        assert_contains(next_call(), "event=retry");
        expect_call("ends recover");
        no_call(7000);
        assert_true(have_journal("held-stubborn"));
        /* But for one who asks for it. */
        assert_contains(operator_request(WIRE_RECONCILE, NULL, -1, &value),
                        "\tfinding=working\ttext=is being put back");
        assert_int_eq(value, 0);
        assert_contains(next_call(), "begins recover held-stubborn");
        expect_call("ends recover");
}

/* A guest that runs keeps its card, and so does one whose libvirtd has not said that it stopped. */
TEST(asked_to_reconcile)
{
        char self[64], found[32] = "";
        uint32_t value;
        Libvirtd l;

        start_daemon();
        assert_str_eq(operator_request(WIRE_RECONCILE, NULL, -1, &value), "\n");
        l = libvirtd_start();
        libvirtd_hook(&l, "held prepare begin");
        expect_round("prepare held");
        for (int i = 0; i < 100 && !streq(found, "starting"); i++) { /* the daemon has not seen the worker's end yet */
                const char *text = strstr(operator_request(WIRE_RECONCILE, NULL, -1, &value), "\tfinding=");

                assert_not_null(text);
                (void) snprintf(found, sizeof(found), "%.*s", (int) strcspn(text + 9, "\t"), text + 9);
                (void) poll(NULL, 0, 20);
        }
        assert_str_eq(found, "starting");
        (void) snprintf(self, sizeof(self), "%i", (int) getpid());
        daemon_write("run/libvirt/qemu/held.pid", self);
        libvirtd_hook(&l, "held started begin");
        assert_contains(operator_request(WIRE_RECONCILE, NULL, -1, &value), "\tfinding=runs\ttext=keeps it: its QEMU");
        no_call(300);
        libvirtd_end(&l);
}

/* libvirtd in a container: what it calls its QEMU is another process out here, and its pid file is not the host's. */
TEST(a_container)
{
        char self[64];
        const char *at;
        Libvirtd l;
        int qemu;

        start_daemon();
        if (!container_start("libvirtd", &l))
                return;
        libvirtd_hook(&l, "held prepare begin");
        expect_round("prepare held");
        (void) snprintf(self, sizeof(self), "%i", (int) getpid());
        daemon_write("run/libvirt/qemu/held.pid", self); /* the host's: somebody else's */
        libvirtd_hook(&l, "held qemu inside");
        libvirtd_hook(&l, "held started begin");
        at = strstr(status(), "\tguest=");
        assert_not_null(at);
        qemu = atoi(at + strlen("\tguest="));
        assert_true(qemu > 1 && qemu != getpid());
        no_call(300);
        assert_ok(kill(qemu, SIGKILL) < 0 ? -errno : 0);
        libvirtd_hook(&l, "held stopped end");
        libvirtd_hook(&l, "held release end");
        expect_round("release held");
        libvirtd_end(&l);
}

/* libvirtd has died in the container, and the shim was left to the first process in there. */
TEST(an_orphan_in_a_container)
{
        Libvirtd l;
        char byte = 0;

        start_daemon();
        if (!container_start("dumb-init", &l))
                return;
        assert_int_eq(write(l.orders, "held prepare begin\n", 19), 19);
        assert_true(readable(l.results, PATIENCE));
        assert_int_eq(read(l.results, &byte, 1), 1);
        assert_int_eq(byte, 1);
        no_call(300);
        libvirtd_end(&l);
}

/* libvirt's folder is not ours: whatever lies there is not waited for. */
TEST(pid_files_that_are_none)
{
        static const char *const texts[] = { "", "x", "0", "-1", "99999999999", "2147483647" };
        char self[64];
        Libvirtd l;

        start_daemon();
        l = libvirtd_start();
        libvirtd_hook(&l, "held prepare begin");
        expect_round("prepare held");
        libvirtd_hook(&l, "held started begin"); /* none */
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                daemon_write("run/libvirt/qemu/held.pid", texts[i]);
                libvirtd_hook(&l, "held started begin");
        }
        daemon_unlink("run/libvirt/qemu/held.pid");
        assert_ok(mkfifo(daemon_path("run/libvirt/qemu/held.pid"), 0600) < 0 ? -errno : 0);
        libvirtd_hook(&l, "held started begin");
        daemon_unlink("run/libvirt/qemu/held.pid");
        daemon_mkdir("run/libvirt/qemu/held.pid");
        libvirtd_hook(&l, "held started begin");
        daemon_rmdir("run/libvirt/qemu/held.pid");
        (void) snprintf(self, sizeof(self), "%i", (int) getpid()); /* a stale number that is somebody else's now */
        daemon_write("run/libvirt/qemu/held.pid", self);
        libvirtd_hook(&l, "held stopped end");
        assert_contains(status(), "\tguest=0\n");
        libvirtd_hook(&l, "held release end");
        expect_round("release held");
        libvirtd_end(&l);
}

static unsigned long long switches(void)
{
        unsigned long long n = 0;
        char path[64], line[128];
        FILE *f;

        (void) snprintf(path, sizeof(path), "/proc/%i/status", (int) d.pid);
        f = fopen(path, "re");
        assert_not_null(f);
        while (fgets(line, sizeof(line), f))
                if (startswith(line, "voluntary_ctxt_switches:"))
                        n = strtoull(strchr(line, ':') + 1, NULL, 10);
        (void) fclose(f);
        return n;
}

TEST(it_sleeps_while_guests_run)
{
        unsigned long long before;
        Libvirtd l;
        pid_t a, b;

        start_daemon();
        l = libvirtd_start();
        a = guest_start(&l, "held-a");
        b = guest_start(&l, "held-b");
        (void) poll(NULL, 0, 500);
        before = switches();
        (void) poll(NULL, 0, 3000);
        assert_int_eq(switches() - before, 0);
        libvirtd_end(&l);
        end_process(a);
        expect_late("recover held-a");
        end_process(b);
        expect_late("recover held-b");
}

TEST_MAIN
