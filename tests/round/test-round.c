/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole rounds of guests' lives through the real shim, daemon and worker, on fake hosts. Where sanitizers are on, a
 * report of any of the processes is a failure, leaks included; and no process ever has a second thread. */
#include "server/harness.h"

#include "fake/fake-host.h"
#include "round/eight.h"

#include <sys/mount.h>

#define EIGHT 8
#define SLOW  60000 /* msec: eight at once with sanitizers, on a machine that does other things */

/* The shim knows one socket only: a /run of our own has a link there. */
static void private_run(void)
{
        static bool done;

        if (!done &&
            (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
             mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0 || mkdir("/run/hookd", 0755) < 0))
                test_skip("needs root for a mount namespace: %m");
        done = true;
        (void) unlink(WIRE_SOCKET);
        assert_ok(symlink(daemon_path("socket"), WIRE_SOCKET) < 0 ? -errno : 0);
}

static void copy(const char *from, const char *to)
{
        _cleanup_free_ char *text = NULL;

        assert_ok(read_file_at(AT_FDCWD, from, 1 << 20, &text, NULL));
        daemon_write(to, text);
}

/* Its host is DOMAIN.tree beside the daemon's other files, its profile is empty. */
static void add_guest(const char *domain, const char *tree)
{
        char name[128], path[512];

        (void) snprintf(path, sizeof(path), HOSTS "/%s.tree", tree);
        (void) snprintf(name, sizeof(name), "%s.tree", domain);
        copy(path, name);
        copy(HOSTS "/modules.inc", "modules.inc");
        (void) snprintf(name, sizeof(name), "profiles/%s.ini", domain);
        daemon_write(name, "");
}

static Host *host_of(const char *domain)
{
        char name[128];
        Fault f = { 0 };
        Host *h;

        (void) snprintf(name, sizeof(name), "%s.tree", domain);
        if (fake_host_new(daemon_path(name), &h, &f) < 0)
                test_fail("%s", f.text);
        return h;
}

/* What is there but for vfio's modules, which stay loaded. */
static char *state_of(const char *domain)
{
        _cleanup_(host_freep) Host *h = host_of(domain);
        char *all = fake_host_summary(h);

        for (char *line = all; *line;) {
                char *next = line + strcspn(line, "\n") + 1;

                if (startswith(line, "module vfio") || startswith(line, "module irqbypass"))
                        memmove(line, next, strlen(next) + 1);
                else
                        line = next;
        }
        return all;
}

static void guest_runs(const char *domain, bool runs)
{
        _cleanup_(host_freep) Host *h = host_of(domain);
        _cleanup_strv_ char **functions = NULL;
        char name[128];

        assert_ok(fake_host_guest(h, &functions));
        if (runs)
                assert_ok(fake_guest_start(h, functions, 4711));
        else
                fake_guest_stop(h, 4711);
        (void) snprintf(name, sizeof(name), "%s.tree", domain);
        assert_ok(fake_host_save(h, daemon_path(name)));
}

/* The domain's XML as libvirt feeds it, on a pipe. */
static int xml_of(const char *domain)
{
        _cleanup_(host_freep) Host *h = host_of(domain);
        _cleanup_strv_ char **functions = NULL;
        char text[4096];
        unsigned number = 0;
        int pipes[2], n;

        for (const char *p = domain; *p; p++)
                number = number * 31 + (unsigned char) *p;
        assert_ok(fake_host_guest(h, &functions));
        n = snprintf(text, sizeof(text),
                     "<domain type='kvm' id='1'><name>%s</name><uuid>73116f6f-f817-425f-bd60-%012x</uuid><devices>",
                     domain, number);
        STRV_FOREACH (bdf, functions) {
                PciAddress a;

                assert_ok(pci_parse(*bdf, &a));
                n += snprintf(text + n, sizeof(text) - (size_t) n,
                              "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x%04x' "
                              "bus='0x%02x' slot='0x%02x' function='0x%x'/></source></hostdev>",
                              a.domain, a.bus, a.slot, a.function);
        }
        n += snprintf(text + n, sizeof(text) - (size_t) n, "</devices></domain>\n");
        assert_ok(pipe2(pipes, O_CLOEXEC));
        assert_int_eq(write(pipes[1], text, (size_t) n), n);
        (void) close(pipes[1]);
        return pipes[0];
}

/* Calls the hook as libvirt does; its stderr goes to a file beside the rest. */
static pid_t hook_start(const char *domain, const char *op, const char *subop)
{
        int xml = xml_of(domain);
        pid_t pid;

        (void) fflush(NULL);
        pid = fork();
        assert_ok(pid);
        if (pid == 0) {
                char name[128];
                int err;

                (void) snprintf(name, sizeof(name), "stderr-%s", domain);
                err = open(daemon_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
                (void) dup2(xml, STDIN_FILENO);
                (void) dup2(err, STDERR_FILENO);
                (void) execle(SHIM, SHIM, domain, op, subop, "-", NULL,
                              (char *const[]){ (char *) "LC_ALL=C", (char *) "ASAN_OPTIONS=log_path=sanitizer", NULL });
                _exit(127);
        }
        (void) close(xml);
        return pid;
}

static void expect_exit(pid_t pid, const char *domain, int expected)
{
        _cleanup_free_ char *said = NULL;
        char name[128];
        int status;

        assert_int_eq(waitpid(pid, &status, 0), pid);
        (void) snprintf(name, sizeof(name), "stderr-%s", domain);
        (void) read_file_at(AT_FDCWD, daemon_path(name), 1 << 16, &said, NULL);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != expected)
                test_fail("the hook of %s ended with wait status %#x, not with %i: %s", domain, (unsigned) status,
                          expected, said ? said : "");
        if (expected == 0 && said && *said)
                test_fail("the hook of %s said: %s", domain, said);
}

static void expect_hook(const char *domain, const char *op, const char *subop, int expected)
{
        expect_exit(hook_start(domain, op, subop), domain, expected);
}

static unsigned threads_of(int pid)
{
        char path[64];
        unsigned n = 0;
        DIR *dir;

        (void) snprintf(path, sizeof(path), "/proc/%i/task", pid);
        dir = opendir(path);
        for (struct dirent *e; dir && (e = readdir(dir));)
                n += e->d_name[0] != '.';
        if (dir)
                (void) closedir(dir);
        return n;
}

/* Waits until the worker of each guest stands at the gate, all of them at the same time. */
static void wait_for_all(const char *const *domains, size_t n, pid_t *ret_workers)
{
        for (size_t i = 0; i < n; i++) {
                _cleanup_free_ char *text = NULL;
                char name[128];

                (void) snprintf(name, sizeof(name), "at-%s", domains[i]);
                for (unsigned k = 0; !daemon_exists(name); k++) {
                        if (k > SLOW / 50)
                                test_fail("the worker of %s does not begin while the others are at work", domains[i]);
                        (void) poll(NULL, 0, 50);
                }
                assert_ok(read_file_at(AT_FDCWD, daemon_path(name), 64, &text, NULL));
                ret_workers[i] = (pid_t) atoi(text);
                daemon_unlink(name);
        }
        for (size_t i = 0; i < n; i++)
                assert_int_eq(threads_of(ret_workers[i]), 1); /* each is still there, and alone */
}

/* What the sanitizers wrote. NULL: nothing. */
static char *reports(void)
{
        DIR *dir = opendir(d.dir);
        char *all = NULL;

        for (struct dirent *e; dir && (e = readdir(dir));)
                if (startswith(e->d_name, "sanitizer.")) {
                        _cleanup_free_ char *text = NULL, *before = all;

                        (void) read_file_at(AT_FDCWD, daemon_path(e->d_name), 1 << 20, &text, NULL);
                        if (asprintf(&all, "%s%s:\n%s", before ? before : "", e->d_name, text ? text : "") < 0)
                                abort();
                }
        if (dir)
                (void) closedir(dir);
        return all;
}

/* A worker ends after its answer; its report comes last. */
static void wait_workers_gone(void)
{
        for (unsigned k = 0; k < SLOW / 50; k++) {
                uint32_t value;
                const char *text = operator_request(WIRE_STATUS, NULL, -1, &value);

                if (!strstr(text, "job\t"))
                        return;
                (void) poll(NULL, 0, 50);
        }
        test_fail("a worker does not end");
}

static void begin(void)
{
        daemon_prepare();
        private_run();
        assert_ok(chdir(d.dir)); /* the sanitizers' reports */
}

static void end(void)
{
        _cleanup_free_ char *report = NULL;

        wait_workers_gone();
        daemon_stop();
        report = reports();
        if (report)
                test_fail("a sanitizer reports:\n%s", report);
}

TEST(a_round)
{
        _cleanup_free_ char *before = NULL, *after = NULL;

        begin();
        add_guest("win11", "nvidia-desktop");
        before = state_of("win11");
        daemon_start();
        for (unsigned i = 0; i < 2; i++) {
                expect_hook("win11", "prepare", "begin", 0);
                assert_true(have_journal("win11"));
                guest_runs("win11", true);
                expect_hook("win11", "start", "begin", 0);
                expect_hook("win11", "started", "begin", 0);
                expect_hook("win11", "reconnect", "begin", 0);
                if (i == 1) { /* with a restart in between */
                        wait_workers_gone();
                        daemon_stop();
                        daemon_start();
                        wait_workers_gone();
                        assert_true(have_journal("win11"));
                }
                assert_int_eq(threads_of(d.pid), 1);
                guest_runs("win11", false);
                expect_hook("win11", "stopped", "end", 0);
                expect_hook("win11", "release", "end", 0);
                assert_false(have_journal("win11"));
                free(after);
                after = state_of("win11");
                assert_str_eq(after, before);
        }
        end();
}

TEST(a_refusal)
{
        _cleanup_free_ char *before = NULL, *after = NULL, *text = NULL, *held = NULL;

        begin();
        add_guest("win11", "nvidia-desktop");
        assert_ok(read_file_at(AT_FDCWD, daemon_path("win11.tree"), 1 << 20, &text, NULL));
        assert_true(asprintf(&held,
                             "%s\nholder 2100 comm=ollama node=/dev/nvidia0 cgroup=/system.slice/ollama.service "
                             "leaves=never\n",
                             text) > 0);
        daemon_write("win11.tree", held);
        before = state_of("win11");
        daemon_start();
        expect_hook("win11", "prepare", "begin", 1);
        expect_hook("win11", "stopped", "end", 0);
        expect_hook("win11", "release", "end", 0);
        after = state_of("win11");
        assert_str_eq(after, before);
        assert_false(have_journal("win11"));
        end();
}

/* Eight guests at boot with nothing in common: none waits for another's slow steps. */
TEST(eight_at_once)
{
        static const char *const names[EIGHT] = { "g0", "g1", "g2", "g3", "g4", "g5", "g6", "g7" };
        char *before[EIGHT];
        pid_t hooks[EIGHT], workers[EIGHT];

        begin();
        for (size_t i = 0; i < EIGHT; i++) {
                char name[32], text[2048];

                copy(HOSTS "/modules.inc", "modules.inc");
                (void) snprintf(name, sizeof(name), "%s.tree", names[i]);
                eight_tree((unsigned) i, text, sizeof(text));
                daemon_write(name, text);
                (void) snprintf(name, sizeof(name), "profiles/%s.ini", names[i]);
                eight_profile((unsigned) i, text, sizeof(text));
                daemon_write(name, text);
                before[i] = state_of(names[i]);
        }
        daemon_start();
        for (unsigned back = 0; back < 2; back++) {
                daemon_write("gate", "");
                for (size_t i = 0; i < EIGHT; i++)
                        hooks[i] = hook_start(names[i], back ? "release" : "prepare", back ? "end" : "begin");
                wait_for_all(names, EIGHT, workers); /* all have begun, none has ended */
                for (size_t i = 0; i < EIGHT; i++) {
                        assert_int_eq(waitpid(hooks[i], NULL, WNOHANG), 0);
                        assert_int_eq(threads_of(hooks[i]), 1);
                }
                assert_int_eq(threads_of(d.pid), 1);
                daemon_unlink("gate");
                for (size_t i = 0; i < EIGHT; i++)
                        expect_exit(hooks[i], names[i], 0);
        }
        for (size_t i = 0; i < EIGHT; i++) {
                _cleanup_free_ char *after = state_of(names[i]);

                assert_str_eq(after, before[i]);
                assert_false(have_journal(names[i]));
                free(before[i]);
        }
        end();
}

/* The other tests would not see a leak if this one did not. */
TEST(a_leak_is_seen)
{
        _cleanup_free_ char *report = NULL;

        if (!SANITIZED)
                test_skip("a build without sanitizers");
        begin();
        add_guest("win11", "nvidia-desktop");
        daemon_write("leak", "");
        daemon_start();
        expect_hook("win11", "prepare", "begin", 0);
        wait_workers_gone();
        daemon_stop();
        report = reports();
        assert_true(report);
        assert_contains(report, "1000 byte(s) leaked");
}

TEST_MAIN
