/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/host-real.h"
#include "host/service.h"
#include "util/fd.h"

#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>

/* A bus that is not there, one that does not speak, and a systemd and logind of our own on a private bus. The real ones
 * are in tests/vm. */

static char folder[64], address[128];

static Host *host(void)
{
        Host *h = NULL;
        Fault f = {};

        assert_ok(host_new("/", &h, &f));
        h->deadline = now_usec() + 20 * USEC_PER_SEC;
        (void) snprintf(folder, sizeof(folder), "/var/tmp/hookd-bus-XXXXXX");
        assert_not_null(mkdtemp(folder));
        (void) snprintf(address, sizeof(address), "unix:path=%s/bus", folder);
        real_of(h)->bus_address = address;
        return h;
}

static void done(Host *h)
{
        char path[128];

        (void) host_free(h);
        (void) snprintf(path, sizeof(path), "%s/bus", folder);
        (void) unlink(path);
        (void) snprintf(path, sizeof(path), "%s/conf", folder);
        (void) unlink(path);
        (void) rmdir(folder);
}

TEST(no_bus)
{
        Host *h = host();
        HostSession *sessions;
        UnitInfo unit;
        size_t n;

        for (int i = 0; i < 2; i++) { /* not -ENOENT, which would be "no such unit" */
                assert_int_eq(host_unit(h, UNIT_STATE, "a.service", &unit), -ECONNREFUSED);
                assert_int_eq(host_unit(h, UNIT_START, "a.service", &unit), -ECONNREFUSED);
                assert_int_eq(host_unit(h, UNIT_STOP, "a.service", &unit), -ECONNREFUSED);
                assert_int_eq(host_unit(h, UNIT_RESET_FAILED, "a.service", NULL), -ECONNREFUSED);
                assert_int_eq(host_sessions(h, &sessions, &n), -ECONNREFUSED);
                assert_int_eq(host_session_terminate(h, "c1"), -ECONNREFUSED);
        }
        done(h);
}

static int silent_bus(void)
{
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void) snprintf(a.sun_path, sizeof(a.sun_path), "%s/bus", folder);
        assert_ok(fd);
        assert_ok(bind(fd, (struct sockaddr *) &a, sizeof(a)));
        assert_ok(listen(fd, 8));
        return fd;
}

TEST(a_bus_that_does_not_speak)
{
        Host *h = host();
        int fd = silent_bus(), p[2];
        HostSession *sessions;
        uint64_t start = now_usec();
        UnitInfo unit;
        size_t n;

        h->deadline = start + 100 * USEC_PER_MSEC;
        assert_int_eq(host_unit(h, UNIT_STOP, "a.service", &unit), -ETIMEDOUT);
        assert_true(now_usec() - start >= 100 * USEC_PER_MSEC);
        assert_int_eq(host_unit(h, UNIT_STATE, "a.service", &unit), -ETIMEDOUT);
        assert_int_eq(host_sessions(h, &sessions, &n), -ETIMEDOUT);

        h->deadline = now_usec() + 30 * USEC_PER_SEC;
        assert_ok(pipe2(p, O_CLOEXEC));
        h->cancel_fd = p[0];
        closep(&p[1]);
        assert_int_eq(host_unit(h, UNIT_START, "a.service", &unit), -ECANCELED);
        h->no_cancel = true;
        h->deadline = now_usec() + 50 * USEC_PER_MSEC;
        assert_int_eq(host_unit(h, UNIT_START, "a.service", &unit), -ETIMEDOUT);
        assert_true(now_usec() - start < 10 * USEC_PER_SEC);
        closep(&p[0]);
        closep(&fd);
        done(h);
}

TEST(a_bus_that_hangs_up)
{
        Host *h = host();
        int fd = silent_bus();
        pid_t pid = fork();
        UnitInfo unit;
        int r;

        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;) {
                        int c = accept(fd, NULL, NULL);

                        (void) !write(c, "rubbish\r\n", 9);
                        closep(&c);
                }
        }
        closep(&fd);
        for (int i = 0; i < 3; i++) {
                r = host_unit(h, UNIT_STATE, "a.service", &unit);
                assert_true(r == -ECONNRESET || r == -ECONNREFUSED); /* whoever is faster */
        }
        (void) kill(pid, SIGKILL);
        (void) waitpid(pid, NULL, 0);
        done(h);
}

/* ---- systemd and logind, as far as hookd sees them. What a unit does is in its name. ---- */

static struct {
        bool stopped, started;
        char name[64];
} fake;
static sd_event_source *fake_timer;

static bool is(const char *what)
{
        return startswith(fake.name, what);
}

static const char *fake_state(void)
{
        if (is("slow"))
                return "deactivating"; /* until the second look */
        if (is("fails"))
                return fake.started ? "failed" : fake.stopped ? "failed" : "active";
        if (is("refuses"))
                return "active";
        if (is("oneshot"))
                return "inactive";
        if (is("hangs"))
                return "active"; /* until its job runs, which it never does */
        return fake.started ? "active" : fake.stopped ? "inactive" : "active";
}

static int variant(sd_bus_message *m, const char *name, const char *type, const char *value)
{
        return sd_bus_message_append(m, "{sv}", name, type, value);
}

static int get_all_unit(sd_bus_message *call, sd_bus_message *m)
{
        const char *state = fake_state();
        bool job = is("hangs") && (fake.stopped || fake.started);

        (void) sd_bus_message_open_container(m, 'a', "{sv}");
        (void) variant(m, "Id", "s", is("alias") ? "lightdm.service" : fake.name);
        (void) sd_bus_message_append(m, "{sv}", "Names", "as", 1, "x");
        (void) variant(m, "LoadState", "s", is("missing") ? "not-found" : "loaded");
        (void) variant(m, "ActiveState", "s", is("missing") ? "inactive" : state);
        (void) variant(m, "ControlGroup", "s", "/system.slice/x");
        (void) variant(m, "Type", "s", is("oneshot") ? "oneshot" : "simple");
        (void) sd_bus_message_append(m, "{sv}", "TimeoutStopUSec", "t",
                                     (uint64_t) (is("alias") ? UINT64_MAX : 7000000));
        (void) sd_bus_message_append(m, "{sv}", "StateChangeTimestamp", "t", (uint64_t) 1234567);
        (void) sd_bus_message_append(m, "{sv}", "MainPID", "u", (uint32_t) 42);
        (void) sd_bus_message_append(m, "{sv}", "Job", "(uo)", (uint32_t) (job ? 5 : 0),
                                     job ? "/org/freedesktop/systemd1/job/5" : "/");
        if (is("slow"))
                (void) snprintf(fake.name, sizeof(fake.name), "was-slow");
        return sd_bus_message_close_container(m);
}

static void job_removed(sd_bus *bus, const char *result)
{
        (void) sd_bus_emit_signal(bus, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "JobRemoved",
                                  "uoss", 4, "/org/freedesktop/systemd1/job/4", "other.service", "failed");
        (void) sd_bus_emit_signal(bus, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "JobRemoved",
                                  "uoss", 5, "/org/freedesktop/systemd1/job/5", "lightdm.service", result);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *bus)
{
        job_removed(bus, is("fails") ? "failed" : "done");
        return 0;
}

static int get_all_session(sd_bus_message *m, const char *path)
{
        static const char *const properties[][2] = {
                { "Name", "joe" },      { "TTY", "tty2" },     { "Type", "wayland" },         { "Class", "user" },
                { "Service", "login" }, { "State", "active" }, { "Scope", "session-3.scope" }
        };

        (void) sd_bus_message_open_container(m, 'a', "{sv}");
        if (endswith(path, "/user")) {
                (void) sd_bus_message_append(m, "{sv}", "Linger", "b", 1);
                return sd_bus_message_close_container(m);
        }
        for (size_t i = 0; i < ARRAY_SIZE(properties); i++)
                (void) variant(m, properties[i][0], "s", properties[i][1]);
        (void) variant(m, "Id", "s", "3");
        (void) sd_bus_message_append(m, "{sv}", "Seat", "(so)", "seat0", "/seat");
        (void) sd_bus_message_append(m, "{sv}", "User", "(uo)", (uint32_t) 1000, "/user");
        (void) sd_bus_message_append(m, "{sv}", "Remote", "b", 0);
        return sd_bus_message_close_container(m);
}

static int on_job(sd_bus *bus, sd_bus_message *call, bool start)
{
        const char *name, *mode;

        (void) sd_bus_message_read(call, "ss", &name, &mode);
        (void) snprintf(fake.name, sizeof(fake.name), "%s", name);
        if (!streq(mode, "replace"))
                return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_INVALID_ARGS, "mode");
        if (is("missing"))
                return sd_bus_reply_method_errorf(call, "org.freedesktop.systemd1.NoSuchUnit", "not loaded");
        if (is("masked"))
                return sd_bus_reply_method_errorf(call, "org.freedesktop.systemd1.UnitMasked", "masked");
        fake.started = start;
        fake.stopped = !start;
        if (is("early"))
                job_removed(bus, "done");
        (void) sd_bus_reply_method_return(call, "o", "/org/freedesktop/systemd1/job/5");
        if (is("early") || is("hangs") || is("lost") || is("meanwhile"))
                return 1;
        (void) sd_event_source_set_time_relative(fake_timer, 30 * USEC_PER_MSEC);
        return sd_event_source_set_enabled(fake_timer, SD_EVENT_ONESHOT);
}

/* What a transient unit of a script is made of, as far as the test looks at it, in a file beside the bus. */
static int note_property(sd_bus_message *m, const char *name, FILE *out)
{
        const char *text, *path, *type;
        char buf[64] = "";
        ssize_t size;
        uint64_t usec;
        int fd;

        (void) sd_bus_message_peek_type(m, NULL, &type);
        if (streq(name, "ExecStartEx")) {
                (void) sd_bus_message_enter_container(m, 'v', "a(sasas)");
                (void) sd_bus_message_enter_container(m, 'a', "(sasas)");
                (void) sd_bus_message_enter_container(m, 'r', "sasas");
                (void) sd_bus_message_read(m, "s", &path);
                (void) fprintf(out, "exec %s:", path);
                (void) sd_bus_message_enter_container(m, 'a', "s");
                while (sd_bus_message_read(m, "s", &text) > 0)
                        (void) fprintf(out, " %s", text);
                (void) sd_bus_message_exit_container(m);
                (void) sd_bus_message_enter_container(m, 'a', "s");
                while (sd_bus_message_read(m, "s", &text) > 0)
                        (void) fprintf(out, " [%s]", text);
                (void) sd_bus_message_exit_container(m);
                (void) fprintf(out, "\n");
                (void) sd_bus_message_exit_container(m);
                (void) sd_bus_message_exit_container(m);
                return sd_bus_message_exit_container(m);
        }
        if (streq(type, "h")) {
                (void) sd_bus_message_read(m, "v", "h", &fd);
                size = read(fd, buf, sizeof(buf) - 1);
                return fprintf(out, "%s %.*s\n", name, (int) size, buf);
        }
        if (streq(type, "s") && sd_bus_message_read(m, "v", "s", &text) >= 0)
                return fprintf(out, "%s %s\n", name, text);
        if (streq(type, "t") && sd_bus_message_read(m, "v", "t", &usec) >= 0)
                return fprintf(out, "%s %llu\n", name, (unsigned long long) usec);
        return sd_bus_message_skip(m, "v");
}

static int on_transient(sd_bus *bus, sd_bus_message *call)
{
        const char *name, *mode, *property, *end;
        char path[128];
        FILE *out;

        (void) snprintf(path, sizeof(path), "%s/conf", folder); /* the bus has read it */
        out = fopen(path, "we");
        (void) sd_bus_message_read(call, "ss", &name, &mode);
        (void) fprintf(out, "mode %s\n", mode);
        (void) sd_bus_message_enter_container(call, 'a', "(sv)");
        while (sd_bus_message_enter_container(call, 'r', "sv") > 0) {
                (void) sd_bus_message_read(call, "s", &property);
                (void) note_property(call, property, out);
                (void) sd_bus_message_exit_container(call);
        }
        (void) fclose(out);
        memset(&fake, 0, sizeof(fake));
        /* the script's name says what it does */
        out = fopen(path, "re");
        while (fgets(path, sizeof(path), out))
                if (startswith(path, "exec ") && (end = strrchr(path, '/')))
                        (void) snprintf(fake.name, sizeof(fake.name), "%.20s", end + 1);
        (void) fclose(out);
        fake.name[strcspn(fake.name, ": \n")] = '\0';
        if (is("early"))
                job_removed(bus, "done");
        (void) sd_bus_reply_method_return(call, "o", "/org/freedesktop/systemd1/job/5");
        if (is("early") || is("hangs") || is("lost") || is("meanwhile"))
                return 1;
        (void) sd_event_source_set_time_relative(fake_timer, 30 * USEC_PER_MSEC);
        return sd_event_source_set_enabled(fake_timer, SD_EVENT_ONESHOT);
}

static int get_all_script(sd_bus_message *m)
{
        (void) sd_bus_message_open_container(m, 'a', "{sv}");
        (void) variant(m, "ActiveState", "s", is("hangs") ? "activating" : "failed");
        (void) variant(m, "Result", "s", is("fails-late") ? "timeout" : is("hangs") ? "success" : "exit-code");
        (void) sd_bus_message_append(m, "{sv}", "ExecMainStatus", "i", 7);
        return sd_bus_message_close_container(m);
}

static int answer(sd_bus_message *call)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const char *member = sd_bus_message_get_member(call), *path = sd_bus_message_get_path(call), *name;
        sd_bus *bus = sd_bus_message_get_bus(call);

        if (streq(member, "LoadUnit")) {
                (void) sd_bus_message_read(call, "s", &name);
                if (!streq(name, fake.name) && !startswith(fake.name, "was-")) {
                        memset(&fake, 0, sizeof(fake));
                        (void) snprintf(fake.name, sizeof(fake.name), "%s", name);
                }
                return sd_bus_reply_method_return(call, "o", "/org/freedesktop/systemd1/unit/x");
        }
        if (streq(member, "StartTransientUnit"))
                return on_transient(bus, call);
        if (streq(member, "GetUnit")) {
                if (is("meanwhile")) /* systemd tells of its end before it answers */
                        job_removed(bus, "done");
                if (is("early") || is("works") || is("lost") || is("meanwhile")) /* forgotten: it ended well */
                        return sd_bus_reply_method_errorf(call, "org.freedesktop.systemd1.NoSuchUnit", "not loaded");
                return sd_bus_reply_method_return(call, "o", "/org/freedesktop/systemd1/unit/script");
        }
        if (streq(member, "KillUnit"))
                return sd_bus_reply_method_return(call, "");
        if (streq(member, "StartUnit") || streq(member, "StopUnit"))
                return on_job(bus, call, streq(member, "StartUnit"));
        if (streq(member, "ResetFailedUnit") || streq(member, "TerminateSession")) {
                (void) sd_bus_message_read(call, "s", &name);
                if (startswith(name, "missing"))
                        return sd_bus_reply_method_errorf(call,
                                                          streq(member, "TerminateSession")
                                                                  ? "org.freedesktop.login1.NoSuchSession"
                                                                  : "org.freedesktop.systemd1.NoSuchUnit",
                                                          "not loaded");
                return sd_bus_reply_method_return(call, "");
        }
        if (streq(member, "ListSessions"))
                return sd_bus_reply_method_return(call, "a(susso)", 2, "7", 0, "gone", "", "/session/gone", "3", 1000,
                                                  "joe", "seat0", "/session/3");
        if (endswith(path, "/gone"))
                return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_UNKNOWN_OBJECT, "no such session");
        (void) sd_bus_message_new_method_return(call, &m);
        if (strstr(path, "/job/")) {
                (void) sd_bus_message_open_container(m, 'a', "{sv}");
                (void) variant(m, "JobType", "s", "stop");
                (void) sd_bus_message_close_container(m);
        } else if (endswith(path, "/unit/script"))
                (void) get_all_script(m);
        else if (startswith(path, "/org/freedesktop/systemd1"))
                (void) get_all_unit(call, m);
        else
                (void) get_all_session(m, path);
        return sd_bus_send(NULL, m, NULL);
}

static int on_call(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
        if (!sd_bus_message_is_method_call(call, NULL, NULL))
                return 0;
        (void) answer(call);
        return 1;
}

static void run_fakes(bool logind)
{
        sd_event *event = NULL;
        sd_bus *bus = NULL;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (sd_event_new(&event) < 0 || sd_bus_new(&bus) < 0 || sd_bus_set_address(bus, address) < 0 ||
            sd_bus_set_bus_client(bus, 1) < 0 || sd_bus_start(bus) < 0 ||
            sd_bus_add_filter(bus, NULL, on_call, NULL) < 0 || sd_bus_attach_event(bus, event, 0) < 0 ||
            sd_event_add_time_relative(event, &fake_timer, CLOCK_MONOTONIC, 0, 0, on_timer, bus) < 0 ||
            sd_event_source_set_enabled(fake_timer, SD_EVENT_OFF) < 0 ||
            (logind && sd_bus_request_name(bus, "org.freedesktop.login1", 0) < 0) ||
            sd_bus_request_name(bus, "org.freedesktop.systemd1", 0) < 0)
                _exit(1);
        (void) sd_event_loop(event);
        _exit(1);
}

static pid_t daemon_pid, fakes_pid;

static bool private_bus(bool logind)
{
        char path[128], arg[160], text[1024];
        int fd, p[2];

        if (access("/usr/bin/dbus-daemon", X_OK) < 0)
                return false;
        (void) snprintf(path, sizeof(path), "%s/conf", folder);
        (void) snprintf(text, sizeof(text),
                        "<busconfig><type>system</type><listen>%s</listen><auth>EXTERNAL</auth>"
                        "<policy context='default'><allow user='*'/><allow own='*'/><allow send_destination='*'/>"
                        "<allow send_type='signal'/><allow receive_sender='*'/></policy></busconfig>",
                        address);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_ok(fd);
        assert_ok(write_all(fd, text, strlen(text)));
        closep(&fd);

        assert_ok(pipe(p));
        daemon_pid = fork();
        if (daemon_pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) snprintf(arg, sizeof(arg), "--config-file=%s", path);
                (void) snprintf(text, sizeof(text), "--print-address=%i", p[1]);
                (void) dup2(open("/dev/null", O_WRONLY),
                            STDERR_FILENO); /* it cannot raise its limits here, and says so */
                (void) execl("/usr/bin/dbus-daemon", "dbus-daemon", "--nofork", arg, text, NULL);
                _exit(127);
        }
        closep(&p[1]);
        assert_true(read(p[0], text, sizeof(text)) > 0); /* it listens */
        closep(&p[0]);
        fakes_pid = fork();
        if (fakes_pid == 0)
                run_fakes(logind);
        return true;
}

static Host *host_with_bus(bool logind)
{
        Host *h = host();
        UnitInfo unit;

        if (!private_bus(logind)) {
                done(h);
                test_skip("there is no dbus-daemon here");
        }
        while (host_unit(h, UNIT_STATE, "x.service", &unit) < 0) /* until it has its name */
                if (host_wait(h, 0, NULL, 0, 20 * USEC_PER_MSEC) < 0)
                        test_fail("the fake systemd does not answer");
        return h;
}

static void done_with_bus(Host *h)
{
        (void) kill(fakes_pid, SIGKILL);
        (void) kill(daemon_pid, SIGKILL);
        (void) waitpid(fakes_pid, NULL, 0);
        (void) waitpid(daemon_pid, NULL, 0);
        done(h);
}

TEST(state)
{
        Host *h = host_with_bus(true);
        UnitInfo u;

        assert_ok(host_unit(h, UNIT_STATE, "plain.service", &u));
        assert_str_eq(u.id, "plain.service");
        assert_str_eq(u.load, "loaded");
        assert_str_eq(u.active, "active");
        assert_str_eq(u.cgroup, "/system.slice/x");
        assert_str_eq(u.job, "");
        assert_int_eq(u.stop_timeout, 7 * USEC_PER_SEC);
        assert_ok(host_unit(h, UNIT_STATE, "alias.service", &u));
        assert_str_eq(u.id, "lightdm.service");
        assert_true(u.stop_timeout == UINT64_MAX);
        assert_int_eq(host_unit(h, UNIT_STATE, "missing.service", &u), -ENOENT);
        done_with_bus(h);
}

TEST(service)
{
        Host *h = host_with_bus(true);
        ServiceInfo s;

        assert_ok(host_service(h, "plain.service", &s));
        assert_str_eq(s.active, "active");
        assert_int_eq(s.pid, 42);
        assert_int_eq(s.changed, 1234567);
        assert_int_eq(host_service(h, "missing.service", &s), -ENOENT);
        done_with_bus(h);
}

TEST(jobs)
{
        static const struct {
                const char *name;
                UnitOp op;
                int r;
                const char *active, *result;
        } cases[] = {
                { "plain.service", UNIT_STOP, 0, "inactive", "done" },
                { "plain.service", UNIT_START, 0, "active", "done" },
                { "early.service", UNIT_STOP, 0, "inactive", "done" },
                { "early.service", UNIT_START, 0, "active", "done" },
                { "fails.service", UNIT_START, -EIO, "failed", "failed" },
                { "fails.service", UNIT_STOP, 0, "failed", "failed" }, /* counts as stopped */
                { "refuses.service", UNIT_STOP, -EIO, "active", "done" },
                { "oneshot.service", UNIT_START, 0, "inactive", "done" },
                { "missing.service", UNIT_STOP, 0, "", "" },
                { "missing.service", UNIT_START, -ENOENT, "", "" },
                { "slow.service", UNIT_STOP, 0, "inactive", "done" },
                { "lost.service", UNIT_STOP, 0, "inactive", "" }, /* the signal, and so the result */
        };
        Host *h = host_with_bus(true);

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                UnitInfo u;
                int r = host_unit(h, cases[i].op, cases[i].name, &u);

                if (r != cases[i].r || !streq(u.active, cases[i].active) || !streq(u.result, cases[i].result))
                        test_fail("%s: %i %s %s", cases[i].name, r, u.active, u.result);
        }
        assert_ok(host_unit(h, UNIT_RESET_FAILED, "plain.service", NULL));
        assert_ok(host_unit(h, UNIT_RESET_FAILED, "missing.service", NULL));
        assert_true(host_unit(h, UNIT_START, "masked.service", NULL) < 0);
        done_with_bus(h);
}

static int run_script(Host *h, const char *path, ScriptResult *ret)
{
        char *const argv[] = {
                (char *) path, (char *) "win10", (char *) "prepare", (char *) "begin", (char *) "-", NULL
        };
        const ScriptCall call = { .argv = argv, .domain = "win10", .event = "prepare/begin", .timeout = 5000000 };

        return host_script(h, &call, ret);
}

TEST(scripts)
{
        static const struct {
                const char *path;
                int r;
                const char *how;
                int status;
        } cases[] = {
                { "/x/works", 0, "", 0 },
                { "/x/early", 0, "", 0 },
                { "/x/fails", -EREMOTEIO, "exit-code", 7 },
                { "/x/fails-late", -EREMOTEIO, "timeout", 7 },
                { "/x/meanwhile", 0, "", 0 },
                { "/x/lost", 0, "", 0 }, /* and so its result: only one that failed is kept */
        };
        _cleanup_free_ char *text = NULL;
        Host *h = host_with_bus(true);
        ScriptResult how;
        char path[128];

        h->xml = "<domain/>";
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int r = run_script(h, cases[i].path, &how);

                if (r != cases[i].r || !streq(how.how, cases[i].how) || how.status != cases[i].status)
                        test_fail("%s: %i %s %i", cases[i].path, r, how.how, how.status);
        }
        (void) snprintf(path, sizeof(path), "%s/conf", folder);
        assert_ok(read_file_at(AT_FDCWD, path, 4096, &text, NULL));
        assert_contains(text, "mode fail\n");
        assert_contains(text, "exec /x/lost: /x/lost win10 prepare begin - [no-env-expand]\n");
        assert_contains(text, "StandardInputFileDescriptor <domain/>\n");
        assert_contains(text, "Type oneshot\n");
        assert_contains(text, "TimeoutStartUSec 5000000\n");
        done_with_bus(h);
}

TEST(a_script_that_does_not_end)
{
        Host *h = host_with_bus(true);
        ScriptResult how;

        h->deadline = now_usec() + 200 * USEC_PER_MSEC;
        assert_int_eq(run_script(h, "/x/hangs", &how), -ETIMEDOUT);
        done_with_bus(h);
}

TEST(a_job_that_does_not_end)
{
        Host *h = host_with_bus(true);
        uint64_t start = now_usec();
        UnitInfo u;
        int p[2];

        h->deadline = start + 2500 * USEC_PER_MSEC; /* beyond the first look of our own */
        assert_int_eq(host_unit(h, UNIT_STOP, "hangs.service", &u), -ETIMEDOUT);
        assert_true(now_usec() - start >= 2500 * USEC_PER_MSEC);

        h->deadline = now_usec() + 30 * USEC_PER_SEC;
        assert_ok(host_unit(h, UNIT_STATE, "hangs.service", &u));
        assert_str_eq(u.job, "stop");
        assert_ok(pipe2(p, O_CLOEXEC));
        h->cancel_fd = p[0];
        closep(&p[1]);
        assert_int_eq(host_unit(h, UNIT_STOP, "hangs.service", &u), -ECANCELED);
        assert_true(now_usec() - start < 10 * USEC_PER_SEC);
        closep(&p[0]);
        h->cancel_fd = -1;
        done_with_bus(h);
}

TEST(the_bus_goes_during_a_job)
{
        Host *h = host_with_bus(true);
        pid_t pid = fork(), bus = daemon_pid;
        UnitInfo u;

        if (pid == 0) {
                (void) poll(NULL, 0, 100);
                (void) kill(bus, SIGKILL);
                _exit(0);
        }
        h->deadline = now_usec() + 800 * USEC_PER_MSEC;
        assert_int_eq(host_unit(h, UNIT_STOP, "hangs.service", &u), -ETIMEDOUT);
        (void) waitpid(pid, NULL, 0);
        done_with_bus(h);
}

TEST(sessions)
{
        Host *h = host_with_bus(true);
        HostSession *s = NULL;
        size_t n = 0;

        assert_ok(host_sessions(h, &s, &n));
        assert_int_eq(n, 1); /* the other went while we asked */
        assert_str_eq(s[0].id, "3");
        assert_str_eq(s[0].user, "joe");
        assert_int_eq(s[0].uid, 1000);
        assert_str_eq(s[0].seat, "seat0");
        assert_str_eq(s[0].tty, "tty2");
        assert_str_eq(s[0].type, "wayland");
        assert_str_eq(s[0].class, "user");
        assert_str_eq(s[0].service, "login");
        assert_str_eq(s[0].scope, "session-3.scope");
        assert_str_eq(s[0].state, "active");
        assert_false(s[0].remote);
        assert_true(s[0].linger);
        (void) sessions_free(s, n);
        assert_ok(host_session_terminate(h, "3"));
        assert_ok(host_session_terminate(h, "missing"));
        done_with_bus(h);
}

TEST(no_logind)
{
        Host *h = host_with_bus(false);
        HostSession *s;
        size_t n = 9;

        assert_ok(host_sessions(h, &s, &n));
        assert_int_eq(n, 0);
        done_with_bus(h);
}

TEST_MAIN
