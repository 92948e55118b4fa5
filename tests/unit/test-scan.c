/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/mdev.h"
#include "host/scan.h"

#include "fake/fake-host.h"
#include "test.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

/* ---- on the trees of tests/hosts, which the fake renders ---- */

static Host *host;
static HostView *view;

static void look(const char *tree, const char *wanted, const char *units)
{
        _cleanup_strv_ char **words = NULL, **names = NULL;
        PciAddress a[8];
        ScanRequest request = { .wanted = a };
        char path[256];
        Fault f = {};

        (void) snprintf(path, sizeof(path), TESTS_DIR "/hosts/%s.tree", tree);
        if (fake_host_new(path, &host, &f) < 0)
                test_fail("%s", f.text);
        assert_ok(strv_split(wanted, &words));
        assert_ok(strv_split(units, &names));
        STRV_FOREACH (w, words)
                assert_ok(pci_parse(*w, &a[request.n_wanted++]));
        request.units = names;
        if (scan(host, &request, &view, &f) < 0)
                test_fail("%s", f.text);
}

static void done(void)
{
        const char *bad = fake_violations(host);

        if (bad)
                test_fail("%s", bad);
        view = hostview_free(view);
        host = host_free(host);
}

static const HostFunction *function(const char *bdf)
{
        PciAddress a;

        assert_ok(pci_parse(bdf, &a));
        return hostview_function(view, &a);
}

static void assert_list(char *const *list, const char *expected)
{
        _cleanup_free_ char *joined = strv_join(list, " ");

        assert_str_eq(joined ? joined : "", expected);
}

TEST(one_card_and_its_desktop)
{
        const HostFunction *fn;
        const HostModule *m;
        const HostHolder *xorg = NULL;

        look("nvidia-desktop", "0000:01:00.0 0000:01:00.1", "nvidia-persistenced.service none.service");
        assert_int_eq(view->n_functions, 5);
        fn = function("0000:01:00.0");
        assert_not_null(fn);
        assert_int_eq(fn->vendor, 0x10de);
        assert_int_eq(fn->device, 0x2484);
        assert_int_eq(fn->class, 0x030000);
        assert_int_eq(fn->boot_vga, 1);
        assert_int_eq(fn->iommu_group, 5);
        assert_str_eq(fn->driver, "nvidia");
        assert_str_eq(fn->parent, "0000:00:03.0");
        assert_str_eq(fn->power_state, "D0");
        assert_str_eq(fn->power_control, "on");
        assert_int_eq(fn->d3cold_allowed, 1);
        assert_contains(fn->modalias, "pci:v000010DEd00002484sv00001AF4sd00001100bc03sc00i00");
        assert_list(fn->reset_method, "bus");
        assert_true(fn->has_reset);
        assert_false(fn->has_reset_subordinate);
        assert_false(fn->is_bridge);
        assert_list(fn->drm, "card0 renderD128");
        assert_list(fn->nodes, "/dev/dri/card0 /dev/dri/renderD128 /dev/fb0 /dev/nvidia0");
        fn = function("0000:01:00.1");
        assert_int_eq(fn->boot_vga, -1);
        assert_list(fn->sound, "card0");
        assert_list(fn->nodes, "/dev/snd/controlC0 /dev/snd/hwC0D0 /dev/snd/pcmC0D0p /dev/snd/pcmC0D3p");
        fn = function("0000:00:03.0");
        assert_true(fn->is_bridge);
        assert_true(fn->has_reset_subordinate);
        assert_null(fn->parent);
        assert_true(view->have_iommu);

        m = hostview_module(view, "nvidia-modeset");
        assert_not_null(m);
        assert_str_eq(m->name, "nvidia_modeset");
        assert_str_eq(m->state, "live");
        assert_list(m->holders, "nvidia_drm");
        assert_true(m->refcnt > 0);
        assert_list(view->missing_modules, "vfio vfio_iommu_type1 vfio_pci");

        assert_int_eq(view->n_consoles, 2);
        assert_str_eq(view->consoles[1].id, "vtcon1");
        assert_str_eq(view->consoles[1].name, "(M) frame buffer device");
        assert_true(view->consoles[1].bound);
        assert_false(view->consoles[0].bound);
        assert_int_eq(view->n_framebuffers, 1);
        assert_str_eq(view->framebuffers[0].name, "nvidia-drmdrmfb");
        assert_null(view->framebuffers[0].platform);
        assert_true(view->framebuffers[0].has_owner);
        assert_int_eq(view->framebuffers[0].owner.bus, 1);

        assert_str_eq(view->display_manager->id, "lightdm.service");
        assert_str_eq(view->display_manager->active, "active");
        assert_int_eq(view->display_manager->stop_timeout, 90 * USEC_PER_SEC);
        assert_int_eq(view->n_units, 1);
        assert_str_eq(view->units[0].id, "nvidia-persistenced.service");
        assert_int_eq(view->n_sessions, 1);
        assert_list(view->autologin_gettys, "");
        assert_false(view->shutting_down);

        for (size_t i = 0; i < view->n_holders; i++)
                if (streq(view->holders[i].node, "/dev/nvidiactl") && view->holders[i].pid == 812)
                        xorg = view->holders + i;
        assert_not_null(xorg);
        assert_str_eq(xorg->unit, "lightdm.service");
        assert_list(view->busy_disks, "");
        done();
}

TEST(no_services)
{
        PciAddress a = { .bus = 1 };
        ScanRequest request = { .wanted = &a, .n_wanted = 1, .no_services = true };
        Fault f = {};

        assert_ok(fake_host_new(TESTS_DIR "/hosts/nvidia-desktop.tree", &host, &f));
        assert_ok(scan(host, &request, &view, &f));
        assert_null(view->display_manager);
        assert_int_eq(view->n_sessions + view->n_units + view->n_holders, 0);
        assert_true(view->n_functions > 0);
        assert_true(strv_length(function("0000:01:00.1")->nodes) > 0); /* the same slot: not asked for, but near */
        done();
}

TEST(costly_parts_only_near)
{
        look("two-cards", "0000:01:00.0 0000:01:00.1", "");
        assert_null(function("0000:00:02.0")->nodes);
        assert_list(function("0000:01:00.1")->sound, "card1");
        for (size_t i = 0; i < view->n_holders; i++)
                assert_false(streq(view->holders[i].node, "/dev/dri/card0"));
        done();
}

TEST(firmware_framebuffers)
{
        look("simpledrm", "0000:01:00.0", "");
        assert_int_eq(view->n_framebuffers, 1);
        assert_str_eq(view->framebuffers[0].platform, "simple-framebuffer.0");
        assert_str_eq(view->framebuffers[0].driver, "simple-framebuffer");
        assert_int_eq(view->framebuffers[0].index, 0);
        assert_true(view->framebuffers[0].has_owner);
        assert_list(function("0000:01:00.0")->nodes, "/dev/fb0 /dev/dri/card0");
        done();

        look("nvidia-efifb", "0000:01:00.0", "");
        assert_int_eq(view->n_framebuffers, 1);
        assert_str_eq(view->framebuffers[0].platform, "efi-framebuffer.0");
        assert_str_eq(view->framebuffers[0].name, "EFI VGA");
        assert_true(view->framebuffers[0].has_owner);
        assert_int_eq(view->framebuffers[0].owner.bus, 1);
        done();
}

TEST(autologin)
{
        look("tty-autologin", "0000:03:00.0 0000:03:00.1", "");
        assert_list(view->autologin_gettys, "getty@tty1.service");
        assert_null(view->display_manager);
        done();
}

TEST(only_a_login_on_a_console_is_an_autologin)
{
        static const char tree[] = "unit getty@tty1.service active=active\n"
                                   "unit getty@tty2.service active=active\n"
                                   "unit getty@tty3.service active=inactive\n"
                                   "unit getty@tty4.service active=active\n"
                                   "session 1 user=joe tty=tty1 class=user service=gdm\n"
                                   "session 2 user=joe tty=tty2 class=user service=login\n"
                                   "session 3 user=joe tty=tty3 class=user service=login\n"
                                   "session 4 user=joe tty=tty4 class=greeter service=login\n"
                                   "session 5 user=joe tty=pts/1 class=user service=login\n"
                                   "session 6 user=joe tty=tty2 class=user service=login\n";
        ScanRequest request = {};
        Fault f = {};

        assert_ok(fake_host_parse(tree, strlen(tree), "t", &host, &f));
        assert_ok(scan(host, &request, &view, &f));
        assert_int_eq(view->n_sessions, 6);
        assert_list(view->autologin_gettys, "getty@tty2.service");
        done();
}

TEST(usb_and_i2c_of_a_card)
{
        look("nvidia-usbc", "0000:01:00.0", "");
        for (size_t i = 0; i < view->n_functions; i++) {
                const HostFunction *fn = view->functions + i;

                if (fn->class >> 8 == 0x0c03 && fn->address.bus == 1)
                        assert_true(strv_length(fn->nodes) > 0 && startswith(fn->nodes[0], "/dev/bus/usb/"));
                if (fn->class >> 8 == 0x0c80 && fn->address.bus == 1)
                        assert_true(strv_length(fn->nodes) > 0 && startswith(fn->nodes[0], "/dev/i2c-"));
        }
        done();
}

TEST(a_disk)
{
        look("nvme", "0000:02:00.0", "");
        assert_list(function("0000:02:00.0")->block, "nvme1n1");
        assert_list(view->busy_disks, "");
        done();
}

TEST(vfio_group_as_node)
{
        look("server-vfio", "", "");
        for (size_t i = 0; i < view->n_functions; i++) {
                const HostFunction *fn = view->functions + i;
                _cleanup_strv_ char **nodes = NULL;
                char group[32];

                if (!streq0(fn->driver, "vfio-pci"))
                        continue;
                (void) snprintf(group, sizeof(group), "/dev/vfio/%i", fn->iommu_group);
                assert_ok(scan_nodes(host, &fn->address, &nodes));
                assert_true(strv_contains(nodes, group));
        }
        done();
}

TEST(shared_nodes)
{
        _cleanup_strv_ char **nvidia = NULL, **intel = NULL;

        look("nvidia-desktop", "", "");
        assert_ok(scan_shared_nodes(host, 0x10de, &nvidia));
        assert_list(nvidia, "/dev/nvidiactl /dev/nvidia-modeset /dev/nvidia-uvm /dev/nvidia-uvm-tools");
        assert_ok(scan_shared_nodes(host, 0x8086, &intel));
        assert_list(intel, "");
        done();
}

TEST(display_managers)
{
        static const struct {
                const char *units, *asked, *found;
        } cases[] = {
                { "unit gdm.service names=display-manager.service active=active\n", NULL, "gdm.service" },
                { "unit gdm.service names=display-manager.service active=inactive\n", NULL, "gdm.service" },
                { "unit gdm.service names=display-manager.service active=failed\nunit sddm.service active=active\n",
                  NULL, "sddm.service" },
                { "unit gdm.service names=display-manager.service active=inactive job=start\n"
                  "unit sddm.service active=active\n",
                  NULL, "gdm.service" },
                { "unit ly.service active=active\n", NULL, "ly.service" },
                { "unit ly.service active=inactive\n", NULL, NULL },
                { "unit kiosk.service active=active\nunit gdm.service active=active\n", "kiosk.service",
                  "kiosk.service" },
                { "unit gdm.service active=active\n", "kiosk.service", NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ScanRequest request = { .dm_unit = cases[i].asked };
                Fault f = {};

                if (fake_host_parse(cases[i].units, strlen(cases[i].units), "t", &host, &f) < 0)
                        test_fail("%s", f.text);
                assert_ok(scan(host, &request, &view, &f));
                assert_str_eq(view->display_manager ? view->display_manager->id : NULL, cases[i].found);
                done();
        }
}

TEST(shutting_down)
{
        static const char tree[] = "unit shutdown.target active=inactive job=start\n";
        ScanRequest request = {};
        Fault f = {};

        assert_ok(fake_host_parse(tree, strlen(tree), "t", &host, &f));
        assert_ok(scan(host, &request, &view, &f));
        assert_true(view->shutting_down);
        done();
}

TEST(faults)
{
        static const struct {
                const char *fault;
                int r;
        } cases[] = {
                { "unit-state * 0 EHOSTUNREACH", 0 }, /* systemd cannot be asked: those parts are empty */
                { "session-list * 0 EIO", 0 },
                { "unit-state * 1 ETIMEDOUT", -ETIMEDOUT },
                { "session-list * 1 ECANCELED", -ECANCELED },
                { "holders * 1 EACCES", -EACCES },
                { "read /sys/bus/pci/devices/0000:01:00.0/vendor 1 EIO", -EIO },
                { "read /sys/bus/pci/devices/0000:01:00.0/vendor 1 ENODEV", 0 }, /* it has just gone */
                { "read /sys/bus/pci/devices/*/modalias 0 EIO", 0 },
                { "list /sys/class/* 0 EIO", 0 },
                { "readlink * 0 ENOMEM", -ENOMEM },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                PciAddress a = { .bus = 1 };
                ScanRequest request = { .wanted = &a, .n_wanted = 1 };
                Fault f = {};
                int r;

                assert_ok(fake_host_new(TESTS_DIR "/hosts/nvidia-desktop.tree", &host, &f));
                assert_ok(fake_fault_parse(host, cases[i].fault, &f));
                r = scan(host, &request, &view, &f);
                if (r != cases[i].r || (r < 0) != (f.text[0] != '\0'))
                        test_fail("%s: %i, \"%s\"", cases[i].fault, r, f.text);
                if (fake_faults_hit(host) == 0)
                        test_fail("%s never fired", cases[i].fault);
                done();
        }
}

/* ---- the real readers, on a folder ---- */

static char folder[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        return remove(path);
}

static void make_path(const char *name, char *path, size_t size)
{
        (void) snprintf(path, size, "%s/%s", folder, name);
        for (char *p = path + strlen(folder) + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                (void) mkdir(path, 0700);
                *p = '/';
        }
}

static void put(const char *name, const char *text)
{
        char path[512];
        FILE *file;

        make_path(name, path, sizeof(path));
        file = fopen(path, "we");
        assert_not_null(file);
        (void) fputs(text, file);
        assert_int_eq(fclose(file), 0);
}

static void put_link(const char *name, const char *target)
{
        char path[512];

        make_path(name, path, sizeof(path));
        assert_ok(symlink(target, path));
}

static void put_function(const char *bdf, const char *class, const char *boot_vga)
{
        const struct {
                const char *name, *text;
        } files[] = {
                { "vendor", "0x1002\n" }, { "device", "0x73bf\n" }, { "class", class }, { "boot_vga", boot_vga }
        };
        char name[256], target[256];

        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                (void) snprintf(name, sizeof(name), "sys/devices/pci0000:00/%s/%s", bdf, files[i].name);
                if (files[i].text)
                        put(name, files[i].text);
        }
        (void) snprintf(name, sizeof(name), "sys/bus/pci/devices/%s", bdf);
        (void) snprintf(target, sizeof(target), "../../../devices/pci0000:00/%s", bdf);
        put_link(name, target);
}

static void put_platform(const char *where, const char *device, const char *driver, int fb)
{
        char name[256], target[256];

        (void) snprintf(name, sizeof(name), "sys/devices/%s/%s/modalias", where, device);
        put(name, "platform\n");
        (void) snprintf(name, sizeof(name), "sys/bus/platform/devices/%s", device);
        (void) snprintf(target, sizeof(target), "../../../devices/%s/%s", where, device);
        put_link(name, target);
        if (driver) {
                (void) snprintf(name, sizeof(name), "sys/devices/%s/%s/driver", where, device);
                (void) snprintf(target, sizeof(target), "/sys/bus/platform/drivers/%s", driver);
                put_link(name, target);
        }
        if (fb < 0) {
                (void) snprintf(name, sizeof(name), "sys/devices/%s/%s/drm/card%i/dev", where, device, -fb);
                put(name, "226:0\n");
                return;
        }
        (void) snprintf(name, sizeof(name), "sys/devices/%s/%s/graphics/fb%i/device", where, device, fb);
        (void) snprintf(target, sizeof(target), "../../../%s", device);
        put_link(name, target);
        (void) snprintf(name, sizeof(name), "sys/class/graphics/fb%i", fb);
        (void) snprintf(target, sizeof(target), "../../devices/%s/%s/graphics/fb%i", where, device, fb);
        put_link(name, target);
}

static void begin(void)
{
        (void) snprintf(folder, sizeof(folder), "/var/tmp/hookd-scan-XXXXXX");
        assert_not_null(mkdtemp(folder));
        put_function("0000:00:02.0", "0x030000\n", "0\n");
        put_function("0000:01:00.0", "0x030000\n", "1\n");
        put_function("0000:02:00.0", "0x010802\n", NULL);
}

static void look_at_folder(const char *wanted)
{
        PciAddress a;
        ScanRequest request = { .wanted = &a, .n_wanted = 1 };
        Fault f = {};

        assert_ok(pci_parse(wanted, &a));
        assert_ok(host_new(folder, &host, &f));
        if (scan(host, &request, &view, &f) < 0)
                test_fail("%s", f.text);
}

static void finish(void)
{
        view = hostview_free(view);
        host = host_free(host);
        assert_ok(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS));
}

static void assert_owner(const char *platform, const char *bdf)
{
        char buf[PCI_FORMAT_MAX];

        for (size_t i = 0; i < view->n_framebuffers; i++)
                if (streq0(view->framebuffers[i].platform, platform)) {
                        const HostFramebuffer *fb = view->framebuffers + i;

                        assert_str_eq(fb->has_owner ? pci_format(&fb->owner, buf) : NULL, bdf);
                        return;
                }
        test_fail("%s is not there", platform);
}

TEST(owner_by_the_real_path)
{
        begin();
        put("proc/fb", "0 EFI VGA\n");
        put_platform("pci0000:00/0000:00:02.0", "efi-framebuffer.0", "efi-framebuffer", 0);
        look_at_folder("0000:01:00.0");
        assert_owner("efi-framebuffer.0", "0000:00:02.0");
        assert_str_eq(view->framebuffers[0].driver, "efi-framebuffer");
        finish();
}

TEST(owner_by_iomem)
{
        static const struct {
                const char *iomem, *owner;
        } cases[] = {
                /* the region has another name than the device, addresses are zeroed, other drivers have regions too */
                { "00000000-00000000 : PCI Bus 0000:00\n"
                  "  00000000-00000000 : 0000:00:02.0\n"
                  "    00000000-00000000 : efifb\n"
                  "  00000000-00000000 : PCI Bus 0000:01\n"
                  "    00000000-00000000 : 0000:01:00.0\n"
                  "  00000000-00000000 : PCI Bus 0000:02\n"
                  "    00000000-00000000 : 0000:02:00.0\n"
                  "      00000000-00000000 : nvme\n"
                  "00000000-00000000 : Local APIC\n",
                  "0000:00:02.0" },
                /* its own name, deeper, and another's region elsewhere */
                { "00000000-00000000 : PCI Bus 0000:00\n"
                  "  00000000-00000000 : 0000:00:02.0\n"
                  "    00000000-00000000 : BOOTFB\n"
                  "      00000000-00000000 : simple-framebuffer.0\n"
                  "  00000000-00000000 : 0000:01:00.0\n"
                  "    00000000-00000000 : somebody\n",
                  "0000:00:02.0" },
                /* undecided, or nothing at all: the boot display */
                { "  00000000-00000000 : 0000:01:00.0\n"
                  "    00000000-00000000 : one\n"
                  "  00000000-00000000 : 0000:00:02.0\n"
                  "    00000000-00000000 : two\n",
                  "0000:01:00.0" },
                { "00000000-00000000 : System RAM\n", "0000:01:00.0" },
                /* not below a function */
                { "  00000000-00000000 : 0000:00:02.0\n"
                  "  00000000-00000000 : BOOTFB\n",
                  "0000:01:00.0" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                begin();
                put("proc/fb", "0 simple\n");
                put("proc/iomem", cases[i].iomem);
                put_platform("platform", "simple-framebuffer.0", "simple-framebuffer", 0);
                look_at_folder("0000:01:00.0");
                assert_owner("simple-framebuffer.0", cases[i].owner);
                finish();
        }
}

TEST(a_region_of_the_native_driver_is_not_the_firmwares)
{
        begin();
        put("proc/fb", "0 simple\n");
        put("proc/iomem", "  0-0 : 0000:00:02.0\n    0-0 : i915 bar\n  0-0 : 0000:01:00.0\n    0-0 : BOOTFB\n");
        put_link("sys/devices/pci0000:00/0000:00:02.0/driver", "../../../bus/pci/drivers/i915");
        put_platform("platform", "what-comes.0", "what-comes", 0);
        look_at_folder("0000:01:00.0");
        assert_owner("what-comes.0", "0000:01:00.0");
        finish();
}

TEST(displays_without_memory_of_a_card)
{
        begin();
        put("proc/fb", "0 evdidrmfb\n1 noname\nrubbish\n");
        put("dev/dri/card3", "");
        put("proc/iomem", "  0-0 : 0000:01:00.0\n    0-0 : BOOTFB\n      0-0 : simpledrm.0\n");
        put_platform("platform", "simpledrm.0", "simpledrm", -3); /* no fb node */
        put_platform("platform", "vkms", NULL, -4);               /* no driver */
        look_at_folder("0000:01:00.0");
        assert_int_eq(view->n_framebuffers, 3);
        assert_owner("simpledrm.0", "0000:01:00.0");
        assert_int_eq(view->framebuffers[2].index, -1);
        assert_false(view->framebuffers[0].has_owner);
        assert_list(function("0000:01:00.0")->nodes, "/dev/dri/card3");
        finish();

        begin();
        put_platform("platform", "evdi.0", "evdi", -2); /* a driver, but nobody's memory */
        look_at_folder("0000:01:00.0");
        assert_int_eq(view->n_framebuffers, 0);
        finish();
}

static void put_disk(const char *link)
{
        put("sys/devices/pci0000:00/0000:02:00.0/nvme/nvme0/nvme0n1/dev", "259:0\n");
        put("sys/devices/pci0000:00/0000:02:00.0/nvme/nvme0/nvme0n1/nvme0n1p1/dev", "259:1\n");
        put("sys/devices/pci0000:00/0000:02:00.0/nvme/nvme0/nvme0n1/nvme0n1p1/partition", "1\n");
        put("sys/devices/pci0000:00/0000:02:00.0/nvme/nvme0/nvme0n1/nvme0n1p2/dev", "259:2\n");
        put("sys/devices/pci0000:00/0000:02:00.0/nvme/nvme0/nvme0n1/nvme0n1p2/partition", "2\n");
        put_link("sys/block/nvme0n1", link ? link : "../devices/pci0000:00/0000:02:00.0/nvme/nvme0/nvme0n1");
}

TEST(disks_in_use)
{
        static const struct {
                const char *path, *text, *busy;
        } cases[] = {
                { "proc/self/mountinfo", "25 1 8:2 / / rw - ext4 /dev/sda2 rw\n26 25 259:10 / /x rw - ext4 /dev/x rw\n",
                  "" },
                { "proc/self/mountinfo",
                  "25 1 8:2 / / rw - ext4 /dev/sda2 rw\n26 25 259:2 /sub /srv rw,x shared:1 - ext4 /dev/nvme0n1p2 rw\n",
                  "nvme0n1 mounted on /srv (nvme0n1p2)" },
                { "proc/1/mountinfo", "26 25 259:0 / /home rw - xfs /dev/root rw\n", "nvme0n1 mounted on /home" },
                { "proc/self/mountinfo", "26 25 0:31 / /data rw - btrfs /dev/nvme0n1p1 rw,subvol=/\n",
                  "nvme0n1 mounted on /data (nvme0n1p1)" },
                { "proc/self/mountinfo", "26 25 0:31 / /data rw - btrfs /dev/nvme0n1p11 rw\nshort line\n\n", "" },
                { "proc/swaps", "Filename\tType\tSize\n/dev/nvme0n1p1    partition\t1\t0\t-2\n",
                  "nvme0n1 in use as swap (nvme0n1p1)" },
                { "sys/fs/btrfs/1234/devices/nvme0n1p2", "", "nvme0n1 part of a mounted btrfs (nvme0n1p2)" },
                { "sys/devices/pci0000:00/0000:02:00.0/nvme/nvme0/nvme0n1/nvme0n1p2/holders/md0", "",
                  "nvme0n1 in use by the RAID array md0 (nvme0n1p2)" },
                { "sys/devices/pci0000:00/0000:02:00.0/nvme/nvme0/nvme0n1/holders/dm-3", "",
                  "nvme0n1 in use by vg-root" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                begin();
                put_disk(NULL);
                put("sys/block/dm-3/dm/name", "vg-root\n");
                put(cases[i].path, cases[i].text);
                look_at_folder("0000:02:00.0");
                assert_list(function("0000:02:00.0")->block, "nvme0n1");
                assert_list(view->busy_disks, cases[i].busy);
                finish();
        }
}

/* RAID on the disk, LVM on that, and what the volume is for. */
TEST(a_disk_below_a_volume)
{
        begin();
        put_disk(NULL);
        put("sys/devices/pci0000:00/0000:02:00.0/nvme/nvme0/nvme0n1/nvme0n1p2/holders/md0", "");
        put("sys/block/md0/dev", "9:0\n");
        put("sys/block/md0/holders/dm-3", "");
        put("sys/block/dm-3/dev", "254:3\n");
        put("sys/block/dm-3/dm/name", "vg-root\n");
        put("sys/block/dm-3/dm/uuid", "LVM-n3l8s9\n");
        put("proc/self/mountinfo", "25 1 254:3 / / rw - ext4 /dev/mapper/vg-root rw\n");
        look_at_folder("0000:02:00.0");
        assert_list(view->busy_disks,
                    "nvme0n1 in use by the RAID array md0, in use by the LVM volume vg-root, mounted on "
                    "/ (nvme0n1p2)");
        finish();
}

/* A disk behind a USB controller is the controller's. */
TEST(a_usb_disk)
{
        begin();
        put("sys/devices/pci0000:00/0000:02:00.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdb/dev", "8:16\n");
        put_link("sys/block/sdb",
                 "../devices/pci0000:00/0000:02:00.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdb");
        put("proc/self/mountinfo", "25 1 8:16 / /backup rw - ext4 /dev/sdb rw\n");
        look_at_folder("0000:02:00.0");
        assert_list(function("0000:02:00.0")->block, "sdb");
        assert_list(view->busy_disks, "sdb mounted on /backup");
        finish();
}

TEST(a_disk_of_somebody_else)
{
        begin();
        put_disk(NULL);
        put("proc/self/mountinfo", "26 25 259:0 / /home rw - xfs /dev/root rw\n");
        look_at_folder("0000:01:00.0");
        assert_list(view->busy_disks, "");
        finish();
}

TEST(nvme_with_several_paths)
{
        begin();
        put_disk("../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1");
        put("sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/dev", "259:0\n");
        put_link("sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0",
                 "../../../pci0000:00/0000:02:00.0/nvme/nvme0");
        put("proc/self/mountinfo", "26 25 259:0 / /home rw - xfs /dev/root rw\n");
        look_at_folder("0000:02:00.0");
        assert_list(function("0000:02:00.0")->block, "nvme0n1");
        assert_list(view->busy_disks, "nvme0n1 mounted on /home");
        finish();
}

TEST(default_routes)
{
        begin();
        put("proc/net/route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
                              "br0\t00000000\t0100A8C0\t0003\t0\t0\t425\t00000000\t0\t0\t0\n"
                              "virbr0\t007AA8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
                              "half\t00000000\t0100A8C0\t0003\t0\t0\t425\t00000080\t0\t0\t0\n"
                              "no\t00000000\t00000000\t0203\t0\t0\t0\t00000000\t0\t0\t0\n");
        put("proc/net/ipv6_route", "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
                                   "fe800000000000000000000000000001 00000400 00000001 00000000 00000003     wlan0\n"
                                   "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
                                   "00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n"
                                   "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 "
                                   "00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth7\n");
        put("sys/class/net/br0/lower_bond0", "");
        put("sys/class/net/br0/upper_x", "");
        put("sys/class/net/bond0/lower_enp2s0", "");
        put("sys/class/net/bond0/lower_br0", ""); /* a circle */
        look_at_folder("0000:02:00.0");
        assert_list(view->default_route, "br0 bond0 enp2s0 wlan0");
        finish();
}

TEST(modules_and_variants)
{
        begin();
        put("proc/modules", "vfio_pci 16384 1 - Live 0x0000000000000000\n"
                            "nvidia 56000 12 nvidia_uvm,nvidia_modeset, Live 0x0000000000000000 (POE)\n"
                            "vfio 45056 1 vfio_pci,[permanent], Unloading 0x0\n"
                            "odd 1 - - Loading 0x0\n"
                            "short\n");
        put("sys/module/vfio_iommu_type1/parameters/x", "");
        put("proc/sys/kernel/osrelease", "6.1.0-test\n");
        put("lib/modules/6.1.0-test/modules.alias", "# Aliases\n"
                                                    "alias pci:v000015B3d* mlx5_core\n"
                                                    "alias vfio_pci:v000010DEd00002342sv*sd*bc*sc*i* nvgrace\n"
                                                    "alias vfio_pci:v00001002d000073BFsv*sd*bc*sc*i* variant_vfio\n"
                                                    "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n");
        put("sys/devices/pci0000:00/0000:01:00.0/modalias", "pci:v00001002d000073BFsv00001002sd00000E3Abc03sc00i00\n");
        look_at_folder("0000:01:00.0");
        assert_int_eq(view->n_modules, 4);
        assert_list(hostview_module(view, "nvidia")->holders, "nvidia_uvm nvidia_modeset");
        assert_int_eq(hostview_module(view, "nvidia")->refcnt, 12);
        assert_list(hostview_module(view, "vfio")->holders, "vfio_pci");
        assert_str_eq(hostview_module(view, "vfio")->state, "going");
        assert_str_eq(hostview_module(view, "odd")->state, "coming");
        assert_list(view->missing_modules, "vfio"); /* one built in, one loaded, one on its way out */
        assert_list(view->variant_drivers, "0000:01:00.0 variant_vfio");
        finish();
}

TEST(nodes_by_class)
{
        static const char *const names[] = { "drm/card1",       "drm/card1-DP-1", "drm/renderD129",
                                             "sound/controlC2", "sound/card2",    "graphics/fb0",
                                             "i2c-dev/i2c-7",   "net/enp1s0",     "drm_dp_aux_dev/drm_dp_aux0" };
        static const char *const nodes[] = { "dri/card1", "dri/renderD129", "snd/controlC2", "fb0",
                                             "i2c-7",     "drm_dp_aux0",    "vfio/4",        "vfio/devices/vfio0" };
        char name[128], target[256];

        begin();
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                (void) snprintf(name, sizeof(name), "sys/class/%s", names[i]);
                (void) snprintf(target, sizeof(target), "../../devices/pci0000:00/0000:01:00.0/deep/er/%s", names[i]);
                put_link(name, target);
        }
        put_link("sys/class/drm/card0", "../../devices/pci0000:00/0000:00:02.0/drm/card0");
        put("dev/dri/card0", "");
        for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
                (void) snprintf(name, sizeof(name), "dev/%s", nodes[i]);
                put(name, "");
        }
        put("sys/devices/pci0000:00/0000:01:00.0/vfio-dev/vfio0/dev", "");
        put("sys/kernel/iommu_groups/4/type", "DMA\n");
        put_link("sys/devices/pci0000:00/0000:01:00.0/iommu_group", "../../../kernel/iommu_groups/4");
        look_at_folder("0000:01:00.0");
        assert_list(function("0000:01:00.0")->nodes,
                    "/dev/dri/card1 /dev/dri/renderD129 /dev/snd/controlC2 /dev/fb0 /dev/i2c-7 /dev/drm_dp_aux0 "
                    "/dev/vfio/4 /dev/vfio/devices/vfio0");
        assert_list(function("0000:01:00.0")->drm, "card1 renderD129");
        assert_list(function("0000:01:00.0")->sound, "card2");
        assert_list(function("0000:01:00.0")->net, "enp1s0");
        assert_int_eq(function("0000:01:00.0")->iommu_group, 4);
        assert_true(view->have_iommu);
        finish();
}

TEST(virtual_functions)
{
        _cleanup_free_ char *use = NULL;
        PciAddress a;

        begin();
        put_function("0000:03:00.0", "0x020000\n", NULL);
        put_function("0000:03:10.0", "0x020000\n", NULL);
        put("sys/devices/pci0000:00/0000:03:00.0/sriov_totalvfs", "7\n");
        put("sys/devices/pci0000:00/0000:03:00.0/sriov_offset", "128\n");
        put("sys/devices/pci0000:00/0000:03:00.0/sriov_stride", "2\n");
        put_link("sys/devices/pci0000:00/0000:03:00.0/virtfn0", "../0000:03:10.0");
        put_link("sys/devices/pci0000:00/0000:03:10.0/physfn", "../0000:03:00.0");
        put("sys/devices/pci0000:00/0000:03:10.0/net/eth5/flags", "0x1003\n");
        put_link("sys/class/net/eth5", "../../devices/pci0000:00/0000:03:10.0/net/eth5");
        look_at_folder("0000:03:00.0");
        assert_int_eq(function("0000:03:00.0")->sriov_total, 7);
        assert_int_eq(function("0000:03:00.0")->sriov_offset, 128);
        assert_int_eq(function("0000:03:00.0")->sriov_stride, 2);
        assert_int_eq(function("0000:03:00.0")->sriov_vfs, 1);
        assert_null(function("0000:03:00.0")->physfn);
        assert_int_eq(function("0000:03:10.0")->sriov_total, 0);
        assert_str_eq(function("0000:03:10.0")->physfn, "0000:03:00.0");

        assert_ok(pci_parse("0000:03:10.0", &a));
        assert_ok(scan_function_use(host, &a, &use));
        assert_null(use);
        put_link("sys/devices/pci0000:00/0000:03:10.0/net/eth5/upper_br0", "../../../../virtual/net/br0");
        assert_ok(scan_function_use(host, &a, &use));
        assert_str_eq(use, "br0 is on its interface eth5");
        finish();
}

/* A parent that is no PCI function, as the kernel's own sample. */
TEST(mediated_devices)
{
        static const char type[] = "sys/devices/virtual/mtty/mtty/mdev_supported_types/mtty-2/";
        static const char uuid[] = "c2177883-f1bb-47f0-914d-32a22e3a8804";
        ScanRequest request = { .mdev_types = true, .no_services = true };
        _cleanup_strv_ char **nodes = NULL;
        char name[256];
        Fault f = {};

        begin();
        for (size_t i = 0; i < 3; i++) {
                (void) snprintf(name, sizeof(name), "%s%s", type,
                                ((const char *const[]){ "available_instances", "device_api", "name" })[i]);
                put(name, ((const char *const[]){ "23\n", "vfio-pci\n", "Dual port serial\n" })[i]);
        }
        put_link("sys/class/mdev_bus/mtty", "../../devices/virtual/mtty/mtty");
        (void) snprintf(name, sizeof(name), "sys/devices/virtual/mtty/mtty/%s/mdev_type", uuid);
        put_link(name, "../mdev_supported_types/mtty-2");
        (void) snprintf(name, sizeof(name), "sys/devices/virtual/mtty/mtty/%s/iommu_group", uuid);
        put_link(name, "../../../../../kernel/iommu_groups/9");
        (void) snprintf(name, sizeof(name), "sys/devices/virtual/mtty/mtty/%s/vfio-dev/vfio1/dev", uuid);
        put(name, "510:1\n");
        (void) snprintf(name, sizeof(name), "sys/bus/mdev/devices/%s", uuid);
        put_link(name, "../../../devices/virtual/mtty/mtty/c2177883-f1bb-47f0-914d-32a22e3a8804");

        assert_ok(host_new(folder, &host, &f));
        assert_ok(scan(host, &request, &view, &f));
        assert_int_eq(view->n_mdev_types, 1);
        assert_str_eq(view->mdev_types[0].parent, "mtty");
        assert_str_eq(view->mdev_types[0].id, "mtty-2");
        assert_str_eq(view->mdev_types[0].name, "Dual port serial");
        assert_str_eq(view->mdev_types[0].api, "vfio-pci");
        assert_null(view->mdev_types[0].description);
        assert_int_eq(view->mdev_types[0].available, 23);
        assert_int_eq(view->n_mdevs, 1);
        assert_str_eq(view->mdevs[0].uuid, uuid);
        assert_str_eq(view->mdevs[0].parent, "mtty");
        assert_str_eq(view->mdevs[0].type, "mtty-2");
        assert_ok(mdev_nodes(host, uuid, &nodes));
        assert_list(nodes, "/dev/vfio/9 /dev/vfio/devices/vfio1");

        /* unasked no driver is asked */
        view = hostview_free(view);
        request.mdev_types = false;
        assert_ok(scan(host, &request, &view, &f));
        assert_int_eq(view->n_mdev_types, 0);
        assert_int_eq(view->n_mdevs, 1);
        finish();
}

TEST(an_empty_machine)
{
        PciAddress a = { .bus = 9 };
        ScanRequest request = { .wanted = &a, .n_wanted = 1 };
        Fault f = {};

        (void) snprintf(folder, sizeof(folder), "/var/tmp/hookd-scan-XXXXXX");
        assert_not_null(mkdtemp(folder));
        assert_ok(host_new(folder, &host, &f));
        assert_ok(scan(host, &request, &view, &f));
        assert_int_eq(view->n_functions, 0);
        assert_false(view->have_iommu);
        assert_list(view->missing_modules, "vfio vfio_iommu_type1 vfio_pci");
        finish();
}

TEST_MAIN
