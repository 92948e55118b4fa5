/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hookctl against the real daemon with the stub for a worker. */
#include "ctl/golden.h"
#include "ctl/holding.h"

/* Runs hookctl with these arguments and, where it takes that, --socket. */
static int run_program(const char *const *arguments, const char *input, bool with_socket)
{
        static char *const environment[] = { NULL };
        char socket_option[128], *argv[12] = { (char *) HOOKCTL_EXE, socket_option };
        size_t first = with_socket ? 2 : 1;

        (void) snprintf(socket_option, sizeof(socket_option), "--socket=%s/socket", d.dir);
        for (size_t i = 0; arguments[i]; i++)
                argv[first + i] = (char *) arguments[i];
        return program(argv, environment, input);
}
#define hookctl(...)           run_program((const char *const[]){ __VA_ARGS__, NULL }, NULL, true)
#define hookctl_input(in, ...) run_program((const char *const[]){ __VA_ARGS__, NULL }, (in), true)

#define XML(name) \
        "<domain type='kvm'><name>" name "</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid><devices/></domain>"

TEST(nobody_listens)
{
        daemon_prepare();
        assert_int_eq(hookctl("status"), 1);
        assert_contains(said, "hookd is not running");
        assert_contains(said, "systemctl start hookd.socket");
        assert_int_eq(hookctl("release", "x"), 1);
        assert_int_eq(hookctl_input(XML("x"), "plan", "--domain-xml=-"), 1);
}

TEST(wrong_usage)
{
        daemon_prepare();
        assert_int_eq(hookctl("nonsense"), 2);
        assert_int_eq(hookctl("release"), 2);
        assert_int_eq(hookctl("release", "a", "b"), 2);
        assert_int_eq(hookctl("status", "--force"), 2);
        assert_int_eq(hookctl("status", "--nonsense"), 2);
        assert_int_eq(hookctl("plan"), 2);
        assert_int_eq(hookctl("enable"), 2); /* --socket means nothing to it */
}

TEST(status)
{
        start_holding();
        assert_int_eq(hookctl("status"), 0);
        assert_contains(said, "hookd " HOOKD_VERSION " runs since ");
        assert_contains(said, "\nheld                 held      since ");
        assert_contains(said, "by the stub\n");
        assert_int_eq(hookctl("status", "--raw"), 0);
        assert_contains(said, "\nguest\tdomain=held\tuuid=");
        assert_int_eq(hookctl("status", "--json"), 0);
        assert_contains(said, "\"domain\": \"held\",\n");
}

/* Where the journal has nothing of it the daemon is asked. */
TEST(log_by_the_daemon)
{
        start_holding();
        assert_int_eq(hookctl("log", "no such guest"), 0);
        assert_contains(said, "no such guest\n");
        assert_contains(said, "by the stub, since 0, 10 of them");
        assert_int_eq(hookctl("log", "no such guest", "--since=2026-11-21 05:00", "-n", "3", "--json"), 0);
        assert_contains(said, "\"domain\": \"no such guest\"");
        assert_contains(said, ", 3 of them\"");
        assert_int_eq(hookctl("log", "no such guest", "-f"), 1);
        assert_contains(said, "without --follow hookd is asked");
        assert_int_eq(hookctl("log", "refuse it"), 1);
        assert_contains(said, "the stub refuses");
}

static const char stub_json[] = "{\n  \"domain\": \"x\",\n  \"event\": \"prepare\",\n  \"profile\": null,\n"
                                "  \"text\": \"by the stub\",\n  \"actions\": [],\n  \"warnings\": [\n"
                                "    \"it does nothing\"\n  ]\n}\n";

TEST(plan)
{
        start_holding();
        assert_int_eq(hookctl_input(XML("quick"), "plan", "--domain-xml=-"), 0);
        assert_str_eq(said, "x: by the stub\nwarning: it does nothing\n");
        assert_contains(next_call(), "begins plan quick");
        (void) next_call();
        assert_int_eq(hookctl_input(XML("quick"), "plan", "--domain-xml=-", "--json"), 0);
        assert_str_eq(said, stub_json);
        (void) next_call();
        (void) next_call();
        daemon_write("guest.xml", XML("-refuse"));
        assert_int_eq(hookctl("plan", "--domain-xml", daemon_path("guest.xml"), "--", "-refuse"), 0);
        assert_contains(next_call(), "begins plan -refuse");
        (void) next_call();
        daemon_write("guest.xml", XML("refuse"));
        assert_int_eq(hookctl("plan", "--domain-xml", daemon_path("guest.xml"), "--json"), 1);
        assert_str_eq(said, "hookctl: the stub refuses\n");
        (void) next_call();
        (void) next_call();
        assert_int_eq(hookctl("plan", "--domain-xml", daemon_path("guest.xml"), "other"), 1);
        assert_contains(said, "is that of refuse");
        assert_int_eq(hookctl("plan", "--domain-xml", daemon_path("missing.xml")), 1);
        assert_int_eq(hookctl_input("<domain>", "plan", "--domain-xml=-"), 1);
        no_call(0);
}

TEST(plan_of_a_release)
{
        start_holding();
        assert_int_eq(hookctl("plan", "held", "--event=release"), 0);
        assert_str_eq(said, "x: by the stub\nwarning: it does nothing\n");
        assert_contains(next_call(), "begins plan held uuid=0");
        (void) next_call();
        assert_int_eq(hookctl("plan", "other", "--event", "release"), 0);
        assert_str_eq(said, "other: hookd holds nothing for it; a release would do nothing\n");
        assert_int_eq(hookctl("plan", "other", "--event=release", "--json"), 0);
        assert_contains(said, "  \"domain\": \"other\",\n  \"event\": \"release\",\n  \"profile\": null,\n");
        assert_int_eq(hookctl("plan", "--event=release"), 2);
        assert_contains(said, "needs the name of a guest");
        assert_int_eq(hookctl("plan", "held", "--event=release", "--host=x"), 2);
        assert_contains(said, "it takes no --host");
        assert_int_eq(hookctl("plan", "held", "--event=release", "--profile=x"), 2);
        assert_int_eq(hookctl("plan", "held", "--event=stop"), 2);
        assert_contains(said, "is prepare or release");
        assert_int_eq(hookctl_input(XML("held"), "plan", "--domain-xml=-", "--event=prepare"), 0);
        assert_contains(next_call(), "begins plan held uuid= ");
        (void) next_call();
        no_call(0);
        assert_true(have_journal("held"));
}

/* The same plan as on the host itself, without the daemon. */
TEST(plan_on_a_captured_host)
{
        static const char host[] = "--host=" TESTS_DIR "/captures/nvidia-desktop.tree";
        static const char profile[] = "--profile=" TESTS_DIR "/ctl/golden/empty.ini";
        static const char xml[] = "--domain-xml=" TESTS_DIR "/ctl/golden/desktop.xml";
        const char *plan;

        daemon_prepare();
        assert_int_eq(hookctl("plan", host, profile, xml), 0);
        assert_contains(said, "win10: a start would do this on"); /* where the path goes depends on its length */
        plan = strstr(said, "  display-manager");
        assert_not_null(plan);
        expect_golden(plan, "plan-nvidia-desktop");
        assert_int_eq(hookctl("plan", host, profile, xml, "--json"), 0);
        assert_contains(said, "      \"target\": \"lightdm.service\",\n      \"state\": \"unseen\",\n"
                              "      \"now\": null,\n      \"after\": \"inactive\",\n");
        assert_int_eq(hookctl("plan", "--host=" TESTS_DIR "/captures/server-vfio.tree", profile, xml), 1);
        assert_contains(said, "there is no PCI device 0000:01:00.0");
        assert_int_eq(hookctl("plan", "--host=" TESTS_DIR "/ctl/golden/empty.ini", profile, xml), 1);
        assert_contains(said, "it is empty");
        assert_int_eq(hookctl("plan", host, "--profile=/nonexistent.ini", xml), 1);
        assert_contains(said, "/nonexistent.ini");
}

static void shows(const char *verb, const char *option, const char *host, const char *name)
{
        char tree[256];

        (void) snprintf(tree, sizeof(tree), "--host=" TESTS_DIR "/captures/%s.tree", host);
        assert_int_eq(run_program((const char *const[]){ verb, tree, option, NULL }, NULL, false), 0);
        expect_golden(said, name);
}

TEST(devices_and_holders)
{
        daemon_prepare();
        shows("devices", NULL, "nvidia-desktop", "devices-nvidia-desktop");
        shows("devices", "--tree", "nvidia-desktop", "devices-tree-nvidia-desktop");
        shows("devices", "--json", "nvidia-desktop", "devices-json-nvidia-desktop");
        shows("devices", NULL, "server-vfio", "devices-server-vfio");
        shows("devices", NULL, "shared", "devices-shared");
        shows("devices", "--json", "shared", "devices-json-shared");
        shows("holders", NULL, "nvidia-desktop", "holders-nvidia-desktop");
        shows("holders", "--json", "nvidia-desktop", "holders-json-nvidia-desktop");
        shows("holders", "01:00.1", "nvidia-desktop", "holders-of-slot");
        assert_int_eq(run_program((const char *const[]){ "holders", "x", NULL }, NULL, false), 2);
        assert_int_eq(run_program((const char *const[]){ "holders", "ffff:00:00.0", NULL }, NULL, false), 1);
        assert_int_eq(run_program((const char *const[]){ "devices", NULL }, NULL, false), 0);
}

/* A process may call itself what it likes. */
TEST(names_that_move_the_cursor)
{
        _cleanup_free_ char *tree = NULL;
        char *name;

        daemon_prepare();
        assert_ok(read_file_at(AT_FDCWD, TESTS_DIR "/captures/nvidia-desktop.tree", 1 << 16, &tree, NULL));
        name = strstr(tree, "comm=Xorg");
        assert_not_null(name);
        memcpy(name, "comm=\\n\\t", strlen("comm=Xorg"));
        assert_int_eq(run_program((const char *const[]){ "holders", "--host=-", NULL }, tree, false), 0);
        assert_contains(said, "\n812     root      ??               lightdm.service\n");
        assert_int_eq(run_program((const char *const[]){ "devices", "--host=-", NULL }, tree, false), 0);
        assert_contains(said, "held by    ?? (pid 812, ");
}

#define program(...) run_program((const char *const[]){ __VA_ARGS__, NULL }, NULL, false)

TEST(rom)
{
        static const char host[] = "--host=" TESTS_DIR "/captures/nvidia-desktop.tree",
                          good[] = TESTS_DIR "/fuzz/corpus/rom/whole";
        char new[128];

        daemon_prepare();
        (void) snprintf(new, sizeof(new), "%s/new.rom", d.dir);
        assert_int_eq(program("rom"), 2);
        assert_int_eq(program("rom", "check"), 2);
        assert_int_eq(program("rom", "dump", "01:00.0"), 2);
        assert_int_eq(program("rom", "burn", good), 2);
        assert_int_eq(program("rom", "check", good), 0);
        assert_str_eq(said, "      0  legacy (BIOS)     1024 bytes, for 10de:1b80, checksum right\n"
                            "   1024  EFI                512 bytes, for 10de:1b80\n");
        assert_int_eq(program("rom", "check", good, "00:1f.2", host), 1);
        assert_contains(said, "problem: the image at byte 0 is for the device 10de:1b80, the card is");
        assert_int_eq(program("rom", "check", TESTS_DIR "/fuzz/corpus/rom/header"), 1);
        assert_contains(said, "another header of 256 bytes");
        assert_int_eq(program("rom", "check", good, "--json"), 0);
        assert_contains(said, "\"checksum\": true\n");
        assert_contains(said, "\"problems\": []");
        assert_int_eq(program("rom", "check", TESTS_DIR "/ctl/golden/empty.ini"), 1);
        assert_int_eq(program("rom", "check", new), 1);
        assert_int_eq(program("rom", "dump", "x", new, host), 2);
        assert_int_eq(program("rom", "dump", "ff:00.0", new, host), 1);
        assert_int_eq(program("rom", "dump", "01:00.0", good, host), 1);
        assert_contains(said, "exists already");
        assert_int_eq(program("rom", "dump", "01:00.0", new, host), 1);
        assert_contains(said, "is driven by nvidia");
        assert_int_eq(program("rom", "dump", "01:00.0", new, host, "--force"), 1);
        assert_contains(said, "warning: 01:00.0 is driven by nvidia");
        assert_false(daemon_exists("new.rom"));
}

/* What it prints of this machine, it reads. */
TEST(capture)
{
        _cleanup_free_ char *copy = NULL;

        daemon_prepare();
        assert_int_eq(hookctl("capture", "x"), 2);
        assert_int_eq(hookctl("capture"), 2); /* it takes no --socket */
        assert_int_eq(run_program((const char *const[]){ "capture", NULL }, NULL, false), 0);
        assert_contains(said, "\nhookd-host 1\nhost\t");
        copy = strdup(said);
        assert_int_eq(hookctl_input(copy, "plan", "--host=-", "--profile=" TESTS_DIR "/ctl/golden/empty.ini",
                                    "--domain-xml=" TESTS_DIR "/ctl/golden/desktop.xml"),
                      1);
        assert_contains(said, "0000:01:00.0");
}

TEST(release)
{
        start_holding();
        assert_int_eq(hookctl("release", "other"), 1);
        assert_contains(said, "holds nothing");
        assert_int_eq(hookctl("release", "held"), 1); /* its libvirtd, this test, lives */
        assert_contains(said, "probably just being started");
        assert_true(have_journal("held"));
        assert_int_eq(hookctl("release", "held", "--force"), 0);
        assert_contains(said, "held holds nothing of this host any more");
        assert_false(have_journal("held"));
}

TEST(list_says_who_holds)
{
        start_holding();
        assert_int_eq(hookctl("list"), 0); /* this machine's profiles, whatever they are */
        assert_null(strstr(said, "Who holds what is not known"));
}

TEST(reconcile)
{
        daemon_prepare();
        assert_int_eq(hookctl("reconcile"), 1);
        start_holding();
        assert_int_eq(hookctl("reconcile"), 0);
        assert_contains(said, "held\n    : keeps it: libvirtd (process ");
        assert_int_eq(hookctl("reconcile", "--json"), 0);
        assert_contains(said, "\"finding\": \"starting\",\n");
        assert_true(have_journal("held"));
        assert_int_eq(hook("held", "release", "end", NULL), 0);
        assert_int_eq(hookctl("reconcile"), 0);
        assert_contains(said, "No guest holds a device of this host");
}

/* Without the hook nobody would tell hookd that the guest has stopped. */
TEST(disable_while_a_guest_holds)
{
        char root[128];

        start_holding();
        (void) snprintf(root, sizeof(root), "--root=%s", d.dir);
        assert_int_eq(hookctl("disable", root), 1);
        assert_contains(said, "guests hold devices of this host (1)");
        assert_int_eq(hookctl("disable", root, "--force"), 0);
        assert_int_eq(hookctl("release", "held", "--force"), 0);
        assert_int_eq(hookctl("disable", root), 0);
}

/* Whoever listens there is not believed. */
TEST(a_strange_daemon)
{
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        int listening, status;
        pid_t pid;

        daemon_prepare();
        (void) snprintf(at.sun_path, sizeof(at.sun_path), "%s/socket", d.dir);
        listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        assert_ok(bind(listening, (struct sockaddr *) &at, sizeof(at)));
        assert_ok(listen(listening, 4));
        pid = fork();
        assert_ok(pid);
        if (pid == 0) {
                for (int i = 0; i < 3; i++) {
                        int fd = accept(listening, NULL, NULL);
                        WireMessage m;

                        assert_ok(wire_encode(&m, i == 1 ? WIRE_STATUS : WIRE_RESULT, 0, NULL, 0));
                        if (i > 0)
                                (void) send(fd, m.buf, m.len, MSG_NOSIGNAL);
                        (void) close(fd);
                }
                _exit(0);
        }
        assert_int_eq(hookctl("status"), 1); /* hangs up */
        assert_int_eq(hookctl("status"), 1); /* answers by a question */
        assert_int_eq(hookctl("status"), 1); /* answers without a sentence */
        assert_ok(waitpid(pid, &status, 0));
        (void) close(listening);
}

TEST_MAIN
