/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What hookctl recover makes of cards that nobody has, and of a desktop that is down. */
#include "unit/test.h"

#include "ctl/recover-cards.h"
#include "fake/fake-host.h"
#include "model/hostview-text.h"
#include "util/fd.h"

#include <fcntl.h>

static HostView *view;

/* Two cards on vfio-pci since boot. */
static void load(void)
{
        static const char path[] = TESTS_DIR "/captures/server-vfio.tree";
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        Fault f = { 0 };

        if (view)
                (void) hostview_free(view);
        view = NULL;
        assert_ok(read_file_at(AT_FDCWD, path, HOSTVIEW_TEXT_MAX, &text, &size));
        if (hostview_decode(text, size, path, &view, &f) < 0)
                test_fail("%s", f.text);
}

static size_t count(const char *cmdline, const char *modprobe, const char *held, const char *driverctl)
{
        TextFile file = { .path = (char *) "/etc/modprobe.d/x.conf", .text = (char *) modprobe };
        const TextFiles files = { .list = &file, .n = modprobe ? 1 : 0 };
        char *have[] = { (char *) held, NULL }, *kept[] = { (char *) driverctl, NULL };
        const StrayInput in = { .view = view, .held = have, .cmdline = cmdline, .modprobe = &files, .driverctl = kept };
        _cleanup_free_ const HostFunction **list = NULL;
        size_t n = 99;

        assert_ok(strays_find(&in, &list, &n));
        return n;
}

TEST(what_explains_a_card_on_vfio)
{
        HostHolder *holders;

        load();
        assert_int_eq(count(NULL, NULL, NULL, NULL), 2);
        assert_int_eq(count("quiet vfio-pci.ids=8086:1,10de:20b5", NULL, NULL, NULL), 0);
        assert_int_eq(count("quiet vfio_pci.ids=10DE:20B5:10de:1234", NULL, NULL, NULL), 0);
        assert_int_eq(count("quiet vfio-pci.ids=10de:20b4 ids=10de:20b5", NULL, NULL, NULL), 2);
        assert_int_eq(count(NULL, "# x\noptions vfio-pci disable_vga=1 ids=10de:20b5\n", NULL, NULL), 0);
        assert_int_eq(count(NULL, "#options vfio-pci ids=10de:20b5\noptions snd ids=10de:20b5\n", NULL, NULL), 2);
        assert_int_eq(count(NULL, "install vfio_pci /sbin/override.sh\n", NULL, NULL), 0);
        assert_int_eq(count(NULL, NULL, "0000:41:00.0", NULL), 1);
        assert_int_eq(count(NULL, NULL, NULL, "0000:81:00.0"), 1);

        holders = calloc(1, sizeof(*holders));
        assert_not_null(holders);
        holders->pid = 4242;
        holders->node = strdup("/dev/vfio/41");
        free(view->holders);
        view->holders = holders;
        view->n_holders = 1;
        for (size_t i = 0; i < view->n_functions; i++)
                if (view->functions[i].iommu_group == 41 && !strv_contains(view->functions[i].nodes, "/dev/vfio/41"))
                        assert_ok(strv_append(&view->functions[i].nodes, "/dev/vfio/41"));
        assert_int_eq(count(NULL, NULL, NULL, NULL), 1);
        view = hostview_free(view);
}

/* ---- on a host that reacts ---- */

static const char tree[] = "opt udev-delay=500ms\n"
                           "module vfio\n"
                           "module vfio_iommu_type1 deps=vfio\n"
                           "module vfio_pci deps=vfio driver=vfio-pci vfio=yes autoload=no\n"
                           "module nouveau driver=nouveau match=10de:*:03* gives=drm,fb fbname=nouveaudrmfb\n"
                           "module snd_hda_intel driver=snd_hda_intel match=*:*:0403* gives=sound\n"
                           "load vfio vfio_iommu_type1 vfio_pci nouveau snd_hda_intel\n"
                           "pci 0000:01:00.0 vendor=10de device=2484 class=030000 driver=vfio-pci group=5 "
                           "override=vfio-pci\n"
                           "pci 0000:01:00.1 vendor=10de device=228b class=040300 driver=vfio-pci group=5 "
                           "override=vfio-pci\n"
                           "unit lightdm.service names=display-manager.service active=inactive\n";
#define BOOTED "unit graphical.target active=active\n"

static Ctl ctl;
static Recover r;

static void begin(bool force, const char *extra)
{
        _cleanup_free_ char *text = NULL;
        Fault f = { 0 };

        recover_clear(&r);
        ctl = (Ctl){ .root = "", .force = force, .json = true }; /* kept, not printed */
        r = (Recover){ .ctl = &ctl };
        assert_ok(asprintf(&text, "%s%s", tree, extra));
        if (fake_host_parse(text, strlen(text), "test", &r.host, &f) < 0)
                test_fail("%s", f.text);
}

static const char *driver(const char *bdf)
{
        static char name[64];
        _cleanup_free_ char *path = NULL, *link = NULL;

        assert_ok(asprintf(&path, "/sys/bus/pci/devices/%s/driver", bdf));
        r.host->deadline = UINT64_MAX;
        (void) snprintf(name, sizeof(name), "%s", host_readlink(r.host, path, &link) < 0 ? "none" : link);
        return name;
}

static const char *active(const char *id)
{
        static UnitInfo unit;

        r.host->deadline = UINT64_MAX;
        assert_ok(host_unit(r.host, UNIT_STATE, id, &unit));
        return unit.active;
}

TEST(only_said_without_force)
{
        begin(false, BOOTED);
        recover_host(&r);
        assert_int_eq(r.n_left, 2);
        assert_contains(r.left[0].text, "0000:01:00.0");
        assert_contains(r.left[0].text, "is on vfio-pci, and no guest has it");
        assert_str_eq(r.left[0].commands[0], "hookctl recover --force");
        assert_true(strv_contains(r.left[0].commands,
                                  "echo 0000:01:00.1 > /sys/bus/pci/devices/0000:01:00.1/driver/unbind"));
        assert_contains(r.left[1].text, "lightdm.service is inactive, and no guest needs it to be");
        assert_str_eq(r.left[1].commands[0], "systemctl start lightdm.service");
        assert_str_eq(driver("0000:01:00.0"), "vfio-pci");
        assert_str_eq(active("lightdm.service"), "inactive");
        assert_null(fake_violations(r.host));
        recover_clear(&r);
        r = (Recover){ 0 };
}

TEST(given_back_by_force)
{
        begin(true, BOOTED);
        recover_host(&r);
        for (size_t i = 0; i < r.n_left; i++)
                (void) fprintf(stderr, "left: %s\n", r.left[i].text);
        assert_int_eq(r.n_left, 0);
        assert_str_eq(driver("0000:01:00.0"), "nouveau");
        assert_str_eq(driver("0000:01:00.1"), "snd_hda_intel");
        assert_true(strv_contains(r.said, "0000:01:00.0: vfio-pci -> nouveau"));
        assert_true(strv_contains(r.said, "lightdm.service: started."));
        assert_str_eq(active("lightdm.service"), "active");
        assert_null(fake_violations(r.host));
        recover_clear(&r);
        r = (Recover){ 0 };
}

TEST(a_guest_has_it)
{
        begin(true, BOOTED "holder 4242 comm=qemu-system-x86 node=/dev/vfio/5\n");
        recover_host(&r);
        assert_str_eq(driver("0000:01:00.0"), "vfio-pci");
        begin(true, BOOTED);
        assert_ok(strv_append(&r.held, "0000:01:00.0"));
        assert_ok(strv_append(&r.held, "0000:01:00.1"));
        r.open = true; /* its journal says so */
        recover_host(&r);
        assert_int_eq(r.n_left, 0);
        assert_str_eq(driver("0000:01:00.0"), "vfio-pci");
        assert_str_eq(active("lightdm.service"), "inactive");
        recover_clear(&r);
        r = (Recover){ 0 };
}

TEST(it_hangs)
{
        begin(true, BOOTED "fault write *0000:01:00.1/driver/unbind 1 hang\n");
        recover_host(&r);
        assert_true(r.n_left > 0);
        assert_contains(r.left[0].text, "has not returned from the kernel");
        assert_str_eq(r.left[0].commands[0], "systemctl reboot");
        assert_null(fake_violations(r.host)); /* nothing more on that card */
        recover_clear(&r);
        r = (Recover){ 0 };
}

TEST(a_desktop_that_nobody_booted)
{
        begin(true, "");
        recover_desktop(&r, &(HostUnit){ .id = (char *) "lightdm.service", .active = (char *) "inactive" });
        assert_int_eq(r.n_left, 0);
        assert_str_eq(active("lightdm.service"), "inactive");
        begin(true, BOOTED "unit broken.service active=failed start-result=failed\n");
        recover_desktop(&r, &(HostUnit){ .id = (char *) "broken.service", .active = (char *) "failed" });
        assert_int_eq(r.n_left, 1);
        assert_contains(r.left[0].text, "broken.service does not start: its job ended with failed");
        recover_clear(&r);
        r = (Recover){ 0 };
}

TEST_MAIN
