/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a start would do, as hookctl plan shows it, and an event between start and end: the worker's own code, on a fake
 * host. */
#include "test.h"

#include "fake/fake-host.h"
#include "txn/worker-main.h"
#include "wire/wire.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

static const char tree[] = "module i915 driver=i915 match=8086:*:03*\n"
                           "load i915\n"
                           "pci 0000:00:02.0 vendor=8086 device=5916 class=030000 driver=i915 group=1\n"
                           "script /etc/hookd/hooks.d/work/prepare/10-mount sets=/a to=1\n"
                           "script /etc/hookd/hooks.d/work/release/10-umount sets=/a to=0\n"
                           "script /etc/hookd/hooks.d/work/start/05-fails status=3\n"
                           "script /etc/hookd/hooks.d/work/start/10-more sets=/a to=2\n"
                           "script /etc/hookd/hooks.d/work/started/05-fails status=4\n"
                           "script /etc/hookd/hooks.d/work/started/10-more sets=/a to=3\n"
                           "file /a 0\n";

static const char devices[] = "<hostdev mode='subsystem' type='pci' managed='yes'><source>"
                              "<address domain='0x0000' bus='0x00' slot='0x02' function='0x0'/></source></hostdev>"
                              "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>"
                              "<address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>";

static char profiles[64], said[8192];

static int open_fake(const char *path, Host **ret, Fault *f)
{
        return fake_host_parse(tree, strlen(tree), "test", ret, f);
}

/* The lines go to `said`, and the result is returned. */
static uint32_t ask(const char *verb, const char *event, const char *domain)
{
        char client[32], xml[32], where[96], journals[96], name[64], label[48];
        char *argv[] = {
                strdup("hookd-worker"),      (char *) verb,           client, xml, where, journals, name, label,
                (char *) "--no-owner-check", (char *) "--audit=none", NULL
        };
        _cleanup_free_ char *text = NULL;
        uint32_t value = UINT32_MAX;
        WireMessage m;
        int fd[2], in;

        assert_ok(asprintf(&text,
                           "<domain><name>%s</name><uuid>73116f6f-f817-425f-bd60-4f93db371c39</uuid>"
                           "<devices>%s</devices></domain>",
                           domain, devices));
        in = memfd_create("xml", MFD_CLOEXEC);
        assert_ok(in);
        assert_int_eq(write(in, text, strlen(text)), strlen(text));
        assert_ok(lseek(in, 0, SEEK_SET));
        assert_ok(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd));
        (void) snprintf(client, sizeof(client), "--client-fd=%d", fd[1]);
        (void) snprintf(xml, sizeof(xml), "--xml-fd=%d", in);
        (void) snprintf(where, sizeof(where), "--profiles=%s", profiles);
        (void) snprintf(journals, sizeof(journals), "--journals=%s/none", profiles);
        (void) snprintf(label, sizeof(label), "--event=%s", event);
        (void) snprintf(name, sizeof(name), "--domain=%s", domain);
        optind = 0;
        assert_int_eq(worker_main(ARRAY_SIZE(argv) - 1, argv, open_fake), WORKER_REPLIED);
        free(argv[0]);
        *said = '\0';
        while (wire_receive(fd[0], &m, NULL) > 0) {
                (void) strcat(strcat(said, m.strings[0]), "\n");
                if (m.head.type == WIRE_RESULT)
                        value = m.head.value;
        }
        (void) close(fd[0]);
        return value;
}

static void begin(void)
{
        (void) snprintf(profiles, sizeof(profiles), "/tmp/hookd-plan-XXXXXX");
        assert_not_null(mkdtemp(profiles));
}

/* Its devices are libvirt's to prepare, whatever they are. */
TEST(a_guest_without_a_profile)
{
        begin();
        assert_int_eq(ask("plan", "prepare/begin", "work"), 0);
        assert_str_eq(
                said,
                "plan\tdomain=work\tevent=prepare\tprofile=\ttext=a start would do this, by its scripts; no profile is "
                "for this guest\n"
                "action\tstep=scripts\ttarget=work\tstate=deed\tnow=\tafter=prepare/begin\twhy=release/end when it is "
                "over; what they do is theirs to undo\tone_way=yes\n"
                "\n");
        assert_int_eq(ask("plan", "prepare/begin", "play"), 0);
        assert_contains(said, "hookd leaves it alone\n");
        assert_ok(rmdir(profiles));
}

/* Where libvirt heeds it, the first failure refuses; elsewhere the others still have their turn. */
TEST(events)
{
        begin();
        assert_int_eq(ask("event", "start/begin", "work"), 1);
        assert_contains(said, "the script /etc/hookd/hooks.d/work/start/05-fails ended with exit status 3");
        assert_int_eq(ask("event", "started/begin", "work"), 1); /* the shim says 0 to libvirt */
        assert_contains(said, "started/05-fails ended with exit status 4");
        assert_int_eq(ask("event", "stopped/end", "work"), 0);
        assert_str_eq(said, "\n");
        assert_int_eq(ask("event", "start/begin", "play"), 0);
        assert_ok(rmdir(profiles));
}

TEST_MAIN
