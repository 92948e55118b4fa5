/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a start would do, as hookctl plan shows it, and an event between start and end: the worker's own code, on a fake
 * host. */
#include "unit/worker-ask.h"

#include "fake/fake-host.h"

#include <sys/mman.h>
#include <sys/stat.h>

static const char tree[] = "module i915 driver=i915 match=8086:*:03*\n"
                           "load i915\n"
                           "pci 0000:00:02.0 vendor=8086 device=5916 class=030000 driver=i915 group=1\n"
                           "script /etc/hookd/hooks.d/office/prepare/10-mount sets=/a to=1\n"
                           "script /etc/hookd/hooks.d/office/release/10-umount sets=/a to=0\n"
                           "script /etc/hookd/hooks.d/office/start/05-fails status=3\n"
                           "script /etc/hookd/hooks.d/office/start/10-more sets=/a to=2\n"
                           "script /etc/hookd/hooks.d/office/started/05-fails status=4\n"
                           "script /etc/hookd/hooks.d/office/started/10-more sets=/a to=3\n"
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
        char xml[32], where[96], journals[96], name[64], label[48];
        char *argv[] = { (char *) "hookd-worker",
                         (char *) verb,
                         (char *) CLIENT_FD,
                         xml,
                         where,
                         journals,
                         name,
                         label,
                         (char *) "--no-owner-check",
                         (char *) "--audit=none",
                         NULL };
        _cleanup_free_ char *text = NULL;
        int in;

        assert_ok(asprintf(&text,
                           "<domain><name>%s</name><uuid>73116f6f-f817-425f-bd60-4f93db371c39</uuid>"
                           "<devices>%s</devices></domain>",
                           domain, devices));
        in = memfd_create("xml", MFD_CLOEXEC);
        assert_ok(in);
        assert_int_eq(write(in, text, strlen(text)), strlen(text));
        assert_ok(lseek(in, 0, SEEK_SET));
        (void) snprintf(xml, sizeof(xml), "--xml-fd=%d", in);
        (void) snprintf(where, sizeof(where), "--profiles=%s", profiles);
        (void) snprintf(journals, sizeof(journals), "--journals=%s/none", profiles);
        (void) snprintf(label, sizeof(label), "--event=%s", event);
        (void) snprintf(name, sizeof(name), "--domain=%s", domain);
        return worker_ask(argv, open_fake, said);
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
        assert_int_eq(ask("plan", "prepare/begin", "office"), 0);
        assert_str_eq(said, "plan\tdomain=office\tevent=prepare\tprofile=\t"
                            "text=a start would do this, by its scripts; no profile is for this guest\n"
                            "action\tstep=scripts\ttarget=office\tstate=deed\tnow=\tafter=prepare/begin\t"
                            "why=release/end when it is over; what they do is theirs to undo\tone_way=yes\n"
                            "\n");
        assert_int_eq(ask("plan", "prepare/begin", "play"), 0);
        assert_contains(said, "hookd leaves it alone\n");
        assert_ok(rmdir(profiles));
}

/* Where libvirt heeds it, the first failure refuses; elsewhere the others still have their turn. */
TEST(events)
{
        begin();
        assert_int_eq(ask("event", "start/begin", "office"), 1);
        assert_contains(said, "the script /etc/hookd/hooks.d/office/start/05-fails ended with exit status 3");
        assert_int_eq(ask("event", "started/begin", "office"), 1); /* the shim says 0 to libvirt */
        assert_contains(said, "started/05-fails ended with exit status 4");
        assert_int_eq(ask("event", "stopped/end", "office"), 0);
        assert_str_eq(said, "\n");
        assert_int_eq(ask("event", "start/begin", "play"), 0);
        assert_ok(rmdir(profiles));
}

TEST_MAIN
