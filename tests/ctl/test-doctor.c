/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hookctl doctor: its checks, and its words about small trees (doctor/NAME) with a captured host. */
#include "ctl/doctor-checks.h"
#include "ctl/golden.h"
#include "ctl/program.h"

/* ---- helpers ---- */

static Findings fs;

/* The finding with that in its text, of that severity. */
static const Finding *found(Severity s, const char *part)
{
        for (size_t i = 0; i < fs.n; i++)
                if (fs.list[i].severity == s && strstr(fs.list[i].text, part))
                        return &fs.list[i];
        for (size_t i = 0; i < fs.n; i++)
                (void) fprintf(stderr, "%s: %s\n", severity_name(fs.list[i].severity), fs.list[i].text);
        test_fail("no %s with \"%s\"", severity_name(s), part);
}

static void boot_of(Boot *b, const char *running, const char *next, const char *edit)
{
        *b = (Boot){ .before = "GRUB_CMDLINE_LINUX_DEFAULT=\"", .after = "\"", .apply = "update-grub" };
        assert_ok(running ? boot_words(running, &b->running) : 0);
        assert_ok(next ? boot_words(next, &b->next) : 0);
        assert_ok(edit ? boot_words(edit, &b->edit) : 0);
        assert_ok(edit ? boot_words(edit, &b->line) : 0);
        b->next_path = next ? strdup("grub.cfg") : NULL;
        b->edit_path = edit ? strdup("grub") : NULL;
}

static void cmdline(const char *running, const char *next, const char *edit)
{
        Boot b;

        findings_clear(&fs);
        boot_of(&b, running, next, edit);
        check_cmdline(&b, NULL, CPU_INTEL, &fs);
        check_cmdline_drift(&b, &fs);
        boot_clear(&b);
        assert_false(fs.failed);
}

/* ---- the command line ---- */

TEST(words)
{
        _cleanup_strv_ char **words = NULL;
        _cleanup_free_ char *joined = NULL;

        assert_ok(boot_words(" a  b=\"c d\" e\tf\n", &words));
        joined = strv_join(words, "|");
        assert_str_eq(joined, "a|b=\"c d\"|e|f");
        assert_ok(boot_words("", &words));
        assert_not_null(words);
        assert_int_eq(strv_length(words), 0);
}

TEST(grub_default)
{
        static const char text[] = "# GRUB_CMDLINE_LINUX=\"no\"\n"
                                   "GRUB_CMDLINE_LINUX_DEFAULT='quiet splash'\n"
                                   "GRUB_CMDLINE_LINUX=\"a\"\n"
                                   "export GRUB_CMDLINE_LINUX_DEFAULT=\"${GRUB_CMDLINE_LINUX_DEFAULT} b\" # why\n"
                                   "GRUB_CMDLINE_LINUX+=\" c\"\n"
                                   "GRUB_CMDLINE_LINUX_RECOVERY=\"single\"\n";
        _cleanup_strv_ char **other = NULL, **line = NULL;
        _cleanup_free_ char *a = NULL, *b = NULL;

        assert_ok(boot_grub_default(text, &other, &line));
        a = strv_join(other, " ");
        b = strv_join(line, " ");
        assert_str_eq(a, "a c");
        assert_str_eq(b, "quiet splash b");
}

static void menu(const char *text, const char *release, const char *expected, bool matched)
{
        _cleanup_strv_ char **words = NULL;
        _cleanup_free_ char *joined = NULL;
        bool is = false;

        assert_ok(boot_menu(text, release, &words, &is));
        joined = words ? strv_join(words, " ") : NULL;
        assert_str_eq(joined, expected);
        assert_int_eq(is, matched);
}

TEST(menus)
{
        static const char grub[] = "menuentry 'a' {\n\tlinux /vmlinuz-1 root=a x\n}\n"
                                   "menuentry 'b' {\n\tlinux\t/vmlinuz-2 root=b y\n}\n"
                                   "menuentry 'b, recovery' {\n\tlinux /vmlinuz-2 root=b single\n}\n";

        menu(grub, "2", "root=b y", true);
        menu(grub, "3", "root=a x", false);
        menu(grub, NULL, "root=a x", false);
        menu("title x\nversion 2\nlinux /vmlinuz-2\noptions root=b\noptions y\n", "2", "root=b y", true);
        menu("title x\n", "2", NULL, false);
}

TEST(slips)
{
        static const struct {
                const char *wrong, *right;
        } slips[] = {
                { "video-efifb:off", "video=efifb:off" },
                { "video=efifb=off", "video=efifb:off" },
                { "video:efifb:off", "video=efifb:off" },
                { "video=efib:off", "video=efifb:off" },
                { "efifb:off", "video=efifb:off" },
                { "video=vesafb,off", "video=vesafb:off" },
                { "intel_immu=on", "intel_iommu=on" },
                { "intel_iomum=on", "intel_iommu=on" },
                { "inteliommu=on", "intel_iommu=on" },
                { "vfio.pci.ids=1:2", "vfio-pci.ids=1:2" },
                { "vfio-pci.id=1:2", "vfio-pci.ids=1:2" },
                { "pci_acs_override=downstream", "pcie_acs_override=downstream" },
                { "initcall_blaclist=sysfb_init", "initcall_blacklist=sysfb_init" },
        };
        static const char *const good[] = { "video=efifb:off",
                                            "video=HDMI-A-1:1920x1080",
                                            "intel-iommu=on",
                                            "vfio-pci.ids=10de:2484",
                                            "iommu.passthrough=1",
                                            "quiet",
                                            "pci=noaer",
                                            "initcall_debug",
                                            "amd_iommu_intr=legacy" };
        char text[256];

        for (size_t i = 0; i < ARRAY_SIZE(slips); i++) {
                const Finding *x;

                cmdline(slips[i].wrong, NULL, slips[i].wrong);
                (void) snprintf(text, sizeof(text), "%s is meant", slips[i].right);
                x = found(FINDING_WARNING, text);
                (void) snprintf(text, sizeof(text), "GRUB_CMDLINE_LINUX_DEFAULT=\"%s\"; then update-grub",
                                slips[i].right);
                assert_contains(x->fix, text);
        }
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                cmdline(good[i], NULL, good[i]);
                for (size_t k = 0; k < fs.n; k++)
                        assert_null(strstr(fs.list[k].text, "is meant"));
        }
}

TEST(values)
{
        cmdline("iommu=on amd_iommu=on", NULL, NULL);
        (void) found(FINDING_HINT, "iommu=on means nothing");
        (void) found(FINDING_HINT, "amd_iommu=on means nothing");
        cmdline("intel_iommu=yes", NULL, NULL);
        assert_contains(found(FINDING_WARNING, "no value the kernel knows")->fix, "intel_iommu=on");
        cmdline("intel_iommu=on,sm_on video=HDMI-A-1:e", NULL, "");
        assert_int_eq(findings_count(&fs, FINDING_HINT), 0);
        cmdline("video=efifb:off,vesafb:off", NULL, "video=efifb:off,vesafb:off");
        assert_contains(found(FINDING_WARNING, "only the first")->fix, "\"video=efifb:off video=vesafb:off\"");
        cmdline("vfio_iommu_type1.allow_unsafe_interrupts=1 nomodeset pcie_acs_override=downstream", NULL, NULL);
        assert_int_eq(findings_count(&fs, FINDING_WARNING), 3);
        cmdline("vfio_iommu_type1.allow_unsafe_interrupts=0", NULL, NULL);
        assert_int_eq(findings_count(&fs, FINDING_WARNING), 0);
}

TEST(drift)
{
        cmdline("quiet iommu=pt", "iommu=pt quiet", "iommu=pt quiet");
        assert_int_eq(fs.n, 1);
        (void) found(FINDING_FINE, "as in grub.cfg");
        cmdline("iommu=pt", "quiet", "quiet");
        assert_contains(found(FINDING_WARNING, "gone after the next reboot")->fix, "\"quiet iommu=pt\"");
        cmdline("", "quiet", "quiet iommu=pt");
        assert_str_eq(found(FINDING_WARNING, "the next boot will not have it")->fix, "update-grub");
        cmdline("", "iommu=pt", "iommu=pt");
        assert_str_eq(found(FINDING_WARNING, "but not in the running kernel")->fix, "reboot");
        cmdline("", NULL, "iommu=pt");
        assert_str_eq(found(FINDING_WARNING, "but not in the running kernel")->fix, "update-grub; reboot");
        cmdline("iommu=pt", "iommu=pt", "quiet");
        (void) found(FINDING_WARNING, "gone when that is used anew");
        cmdline("iommu=pt", NULL, NULL);
        (void) found(FINDING_UNKNOWN, "no boot loader's file");
        cmdline(NULL, NULL, "iommu=pt");
        (void) found(FINDING_UNKNOWN, "/proc/cmdline cannot be read");
        cmdline("root=/dev/sda1 quiet", "root=UUID=1", "");
        assert_int_eq(findings_count(&fs, FINDING_WARNING), 0);
}

TEST(fixes)
{
        Boot b = { .tool = "grubby --args=\"%s\"", .untool = "grubby --remove-args=\"%s\"" };
        _cleanup_free_ char *with_tool = boot_fix(&b, "a", "b"), *nowhere = NULL, *elsewhere = NULL;

        assert_str_eq(with_tool, "grubby --remove-args=\"a\"; grubby --args=\"b\"");
        boot_of(&b, NULL, NULL, NULL);
        nowhere = boot_fix(&b, NULL, "b");
        assert_str_eq(nowhere, "in the boot loader's configuration add b");
        boot_of(&b, NULL, NULL, "x");
        elsewhere = boot_fix(&b, "a", NULL); /* it stands in the other variable */
        assert_str_eq(elsewhere, "in grub remove a; then update-grub");
        boot_clear(&b);
}

/* ---- the IOMMU ---- */

static void iommu(const char *running, Cpu cpu, int table)
{
        HostView *v = hostview_new();
        Boot b;
        const IommuInput in = { .view = v, .boot = &b, .cpu = cpu, .table = table };

        findings_clear(&fs);
        boot_of(&b, running, NULL, NULL);
        check_iommu(&in, &fs);
        boot_clear(&b);
        (void) hostview_free(v);
}

TEST(no_iommu)
{
        iommu("quiet", CPU_INTEL, 1);
        assert_contains(found(FINDING_PROBLEM, "VT-d")->fix, "add intel_iommu=on");
        iommu("quiet intel_iommu=on", CPU_INTEL, -1);
        assert_contains(found(FINDING_PROBLEM, "no IOMMU groups")->fix, "turn on VT-d");
        iommu("quiet", CPU_AMD, 0);
        assert_contains(found(FINDING_PROBLEM, "firmware does not offer")->fix, "AMD-Vi");
        iommu("amd_iommu=off", CPU_AMD, 1);
        assert_contains(found(FINDING_PROBLEM, "turned off by amd_iommu=off")->fix, "remove amd_iommu=off");
}

TEST(groups)
{
        HostView *v = hostview_new();
        Boot b = { .before = "", .after = "" };
        const IommuInput in = { .view = v, .boot = &b };

        v->have_iommu = true;
        v->functions = calloc(4, sizeof(*v->functions));
        v->n_functions = 4;
        v->functions[0] = (HostFunction){ .address = { .bus = 1 }, .class = 0x030000, .iommu_group = 3 };
        v->functions[1] = (HostFunction){ .address = { .bus = 1, .function = 1 },
                                          .iommu_group = 3,
                                          .driver = strdup("snd_hda_intel") };
        v->functions[2] = (HostFunction){ .address = { .bus = 2 }, .iommu_group = 3, .driver = strdup("nvme") };
        v->functions[3] = (HostFunction){ .address = { .bus = 3 }, .iommu_group = 3, .driver = strdup("pcieport") };
        findings_clear(&fs);
        check_iommu(&in, &fs);
        (void) found(FINDING_WARNING, "0000:01:00.0 shares IOMMU group 3 with 0000:02:00.0 (nvme):");
        (void) found(FINDING_FINE, "on, 1 groups");
        assert_int_eq(fs.n, 2);
        v->functions[0].iommu_group = -1;
        findings_clear(&fs);
        check_iommu(&in, &fs);
        (void) found(FINDING_PROBLEM, "no IOMMU group");
        (void) hostview_free(v);
}

/* ---- the hook ---- */

static void hook(unsigned version, const HookEntry *entries, size_t n)
{
        const HookInput in = { .entries = entries, .n = n, .version = version };

        findings_clear(&fs);
        check_hook(&in, &fs);
}

TEST(containers)
{
        LibvirtContainer c = { .pid = "4711", .hook = HOOK_CURRENT, .socket = true };

        findings_clear(&fs);
        check_container(&c, "/shim", &fs);
        (void) found(FINDING_FINE, "4711) has hookd's hook");
        assert_int_eq(fs.n, 1);
        c.socket = false;
        check_container(&c, "/shim", &fs);
        (void) found(FINDING_PROBLEM, "has no /run/hookd/hookd.sock");
        findings_clear(&fs);
        c.hook = HOOK_STRAY;
        check_container(&c, "/shim", &fs);
        assert_contains(found(FINDING_WARNING, "another version")->fix, "cp /shim");
        findings_clear(&fs);
        c.hook = HOOK_ABSENT;
        check_container(&c, "/shim", &fs);
        assert_contains(found(FINDING_PROBLEM, "without hookd")->fix, "a copy of /shim, named qemu");
        assert_int_eq(fs.n, 1);
}

TEST(hooks)
{
        HookEntry x[2] = { { .path = (char *) HOOK_MAIN, .state = HOOK_CURRENT, .executable = true } };

        hook(9000000, x, 0);
        assert_str_eq(found(FINDING_PROBLEM, "not installed")->fix, "hookctl enable");
        hook(9000000, x, 1);
        (void) found(FINDING_FINE, "installed");
        assert_int_eq(fs.n, 1);
        x[0].executable = false;
        hook(9000000, x, 1);
        assert_str_eq(found(FINDING_PROBLEM, "not executable")->fix, "chmod 755 " HOOK_MAIN);
        x[0] = (HookEntry){ .path = (char *) HOOK_ENTRY, .state = HOOK_CURRENT, .executable = true };
        hook(9000000, x, 1);
        assert_int_eq(fs.n, 1);
        hook(6004000, x, 1);
        (void) found(FINDING_PROBLEM, "libvirt 6.4.0 does not run");
        hook(0, x, 1);
        assert_int_eq(fs.n, 1);
        x[1] = (HookEntry){ .path = (char *) HOOK_MAIN, .state = HOOK_OLD, .executable = true, .open = true };
        hook(9000000, x, 2);
        (void) found(FINDING_WARNING, "another version");
        (void) found(FINDING_WARNING, "twice");
        (void) found(FINDING_PROBLEM, "everybody may write");
        x[0].state = HOOK_STRAY;
        x[0].link = true;
        hook(9000000, x, 1);
        (void) found(FINDING_WARNING, "did not install");
        (void) found(FINDING_WARNING, "symbolic link");
}

static void script(const char *text)
{
        const HookEntry x = {
                .path = (char *) HOOK_MAIN, .state = HOOK_FOREIGN, .executable = true, .text = (char *) text
        };

        hook(9000000, &x, 1);
}

TEST(foreign_hooks)
{
        HookEntry x[2] = { { .path = (char *) HOOK_D_FOLDER "/a.dpkg-old", .state = HOOK_FOREIGN, .executable = true },
                           { .path = (char *) HOOK_D_FOLDER "/win10", .state = HOOK_FOREIGN, .folder = true } };

        script("#!/bin/sh\nset -e\n[ \"$2\" = prepare ] && true\n");
        assert_int_eq(findings_count(&fs, FINDING_WARNING), 0);
        script("#!/bin/sh\nset -e\ntrue\n");
        (void) found(FINDING_WARNING, "does not ask which event");
        script("case $2 in prepare|reconnect) foo || exit 1;; esac\n");
        (void) found(FINDING_WARNING, "handles reconnect");
        script("#!/bin/sh\nset -eu\n# unlike virsh, prepare and rmmod\ntrue # prepare\n");
        assert_int_eq(findings_count(&fs, FINDING_WARNING), 0);
        script("virsh nodedev-detach x\n");
        (void) found(FINDING_WARNING, "calls libvirt back (virsh)");
        (void) found(FINDING_WARNING, "two hands on one card");
        hook(9000000, x, 2);
        assert_contains(found(FINDING_WARNING, "looks like a copy")->fix, "rm ");
        (void) found(FINDING_HINT, "nobody runs the scripts in the folder");
        x[0] = (HookEntry){ .path = (char *) HOOK_MAIN, .state = HOOK_CURRENT, .executable = true };
        hook(9000000, x, 2); /* hookd does */
        assert_int_eq(fs.n, 1);
}

TEST(scripts)
{
        HostScript x = { .event = HOOK_STARTED, .path = (char *) "/etc/hookd/hooks.d/win10/started/pin" };

        findings_clear(&fs);
        check_guest_script("win10", &x, "#!/bin/sh\n# no virsh\n\nvirsh vcpupin win10 0 1 # virsh\nrmmod nvidia\n",
                           &fs);
        (void) found(FINDING_FINE, "at started/begin of guest win10");
        (void) found(FINDING_WARNING, "/pin:4 calls libvirt back (virsh)");
        (void) found(FINDING_WARNING, "/pin:5 seems to do what hookd does (rmmod)");
        findings_clear(&fs);
        check_guest_script("win10", &x, NULL, &fs);
        assert_int_eq(fs.n, 1);
        x.distrust = (char *) "/etc/hookd/hooks.d may be written by everybody";
        findings_clear(&fs);
        check_guest_script("win10", &x, "true\n", &fs);
        (void) found(FINDING_PROBLEM, "may be written by everybody");
        assert_int_eq(fs.n, 1);
}

TEST(seen)
{
        const HookEntry x = { .path = (char *) HOOK_MAIN, .changed = 100 };
        LibvirtDaemon d = { .unit = "libvirtd.service", .running = true, .looked = 200 };

        findings_clear(&fs);
        check_hook_seen(&x, &d, 1, &fs);
        (void) found(FINDING_FINE, "knows it");
        findings_clear(&fs);
        d.looked = 50;
        check_hook_seen(&x, &d, 1, &fs);
        assert_str_eq(found(FINDING_WARNING, "may not know")->fix, "systemctl reload libvirtd.service");
        findings_clear(&fs);
        d.looked = 0;
        check_hook_seen(&x, &d, 1, &fs);
        (void) found(FINDING_UNKNOWN, "may not know");
        findings_clear(&fs);
        d.proven = true;
        check_hook_seen(&x, &d, 1, &fs);
        (void) found(FINDING_FINE, "knows it");
        findings_clear(&fs);
        check_hook_seen(NULL, &d, 1, &fs);
        assert_int_eq(fs.n, 0);
}

/* ---- modprobe.d, initramfs ---- */

static void modprobe(const char *text, const char *unsafe, const HostView *v)
{
        TextFile f = { .path = (char *) "vfio.conf", .text = (char *) text };
        const TextFiles files = { .list = &f, .n = 1 };

        findings_clear(&fs);
        check_modprobe(&files, unsafe, v, &fs);
        assert_false(fs.failed);
}

TEST(modprobe_lines)
{
        modprobe("# options vfio\n\noptions kvm ignore_msrs=1 \\\n  x=1\nalias a b\nweakdep a b\n", "N", NULL);
        assert_int_eq(findings_count(&fs, FINDING_FINE), 1);
        assert_int_eq(fs.n, 1);
        modprobe("option vfio-pci x=1\n", NULL, NULL);
        assert_str_eq(found(FINDING_WARNING, "passes over the line 'option vfio-pci x=1'")->fix,
                      "options vfio-pci x=1");
        modprobe("options kvm-intel ignore_msrs=1\n", NULL, NULL);
        assert_str_eq(found(FINDING_WARNING, "an option of kvm")->fix, "options kvm ignore_msrs=1");
        modprobe("options vfio-iommu-type1 allow_unsafe_interrupts=1\n", "Y", NULL);
        (void) found(FINDING_WARNING, "vfio.conf: allow_unsafe_interrupts");
        assert_int_eq(fs.n, 1);
        modprobe("", "Y", NULL);
        (void) found(FINDING_WARNING, "is on");
        modprobe("softdep nvidia pre vfio-pci\nsoftdep x pre: y\n", NULL, NULL);
        assert_str_eq(found(FINDING_WARNING, "neither 'pre:'")->fix, "softdep nvidia pre: vfio-pci");
        assert_int_eq(fs.n, 1);
        modprobe("install nvidia /bin/false\ninstall usb_storage /bin/false\n", NULL, NULL);
        (void) found(FINDING_WARNING, "keeps the module from ever loading");
        assert_int_eq(fs.n, 1);
        modprobe("options vfio-pci ids=10de:2484, 10de:228b\n", NULL, NULL);
        (void) found(FINDING_WARNING, "10de:228b is lost");
        modprobe("options vfio-pci ids=10de:zzzz\n", NULL, NULL);
        (void) found(FINDING_WARNING, "'10de:zzzz'");
}

TEST(blacklist)
{
        HostView *v = hostview_new();

        v->functions = calloc(1, sizeof(*v->functions));
        v->n_functions = 1;
        v->functions[0] = (HostFunction){ .address = { .bus = 1 }, .class = 0x030000 };
        assert_ok(strv_append(&v->functions[0].candidates, "nvidia"));
        modprobe("blacklist nouveau\nblacklist nvidia\n", NULL, v);
        (void) found(FINDING_HINT, "nvidia is blacklisted, so 0000:01:00.0 has no driver");
        assert_int_eq(fs.n, 1);
        v->functions[0].driver = strdup("nvidia");
        modprobe("blacklist nvidia\n", NULL, v);
        assert_int_eq(findings_count(&fs, FINDING_HINT), 0);
        (void) hostview_free(v);
}

static void initramfs(const char *path, const char *line, const char *release, int64_t image_time)
{
        TextFile list = { .path = (char *) path, .text = (char *) line },
                 conf = { .path = (char *) "vfio.conf", .text = (char *) "options vfio-pci ids=1:2\n" };
        const TextFiles lists = { .list = &list, .n = 1 }, files = { .list = &conf, .n = 1 };
        const int64_t when = 100;
        const InitramfsInput in = { .modprobe = &files,
                                    .lists = &lists,
                                    .release = release,
                                    .image = "/boot/initrd.img-6.1",
                                    .image_time = image_time,
                                    .modprobe_times = &when };

        findings_clear(&fs);
        check_initramfs(&in, &fs);
}

TEST(initramfs_files)
{
        initramfs("modules", "vfio_virqfd\n", "6.1.0", 0);
        assert_int_eq(fs.n, 0);
        initramfs("modules", "vfio\nvfio_virqfd\n", "6.2.0", 0);
        assert_str_eq(found(FINDING_WARNING, "no module since Linux 6.2")->fix, "remove vfio_virqfd from modules");
        initramfs("dracut", "add_drivers+=\"vfio vfio-pci\"\n", "6.1", 0);
        assert_str_eq(found(FINDING_WARNING, "no blanks")->fix, "add_drivers+=\" vfio vfio-pci \"");
        initramfs("dracut", "add_drivers+=\" vfio vfio-pci \"\n", "6.1", 0);
        assert_int_eq(fs.n, 0);
        initramfs("mkinitcpio.conf", "HOOKS=(base udev)\n", "6.1", 0);
        (void) found(FINDING_WARNING, "no modconf");
        initramfs("mkinitcpio.conf", "HOOKS=(base modconf udev)\n", "6.1", 0);
        assert_int_eq(fs.n, 0);
        initramfs("x", "", "6.1", 99);
        assert_str_eq(found(FINDING_WARNING, "is newer than")->fix, "update-initramfs -u");
        initramfs("x", "", "6.1", 101);
        assert_int_eq(fs.n, 0);
}

/* ---- cards, the kernel ---- */

static HostView *view_of(uint16_t vendor, uint16_t device, const char *driver)
{
        HostView *v = hostview_new();

        v->functions = calloc(1, sizeof(*v->functions));
        v->n_functions = 1;
        v->functions[0] = (HostFunction){ .address = { .bus = 1 },
                                          .class = 0x030000,
                                          .vendor = vendor,
                                          .device = device,
                                          .parent = strdup("0000:00:03.0"),
                                          .driver = driver ? strdup(driver) : NULL,
                                          .iommu_group = 1 };
        return v;
}

TEST(cards)
{
        static const char iomem[] = "0-1 : PCI Bus 0000:01\n  0-1 : 0000:01:00.0\n    0-1 : BOOTFB\n  0-1 : BOOTFB\n";
        HostView *v = view_of(0x1002, 0x7550, "amdgpu");

        findings_clear(&fs);
        check_cards(v, iomem, &fs);
        assert_contains(found(FINDING_WARNING, "still holds memory of 0000:01:00.0")->fix, "sysfb_init");
        assert_contains(found(FINDING_HINT, "no reset of its own")->fix, "vendor-reset");
        assert_int_eq(fs.n, 2);
        findings_clear(&fs);
        assert_ok(strv_append(&v->functions[0].reset_method, "flr"));
        check_cards(v, "0-1 : 0000:01:00.0\n  0-1 : amdgpu\n", &fs);
        assert_int_eq(findings_count(&fs, FINDING_FINE), 1);
        assert_int_eq(fs.n, 1);
        v->framebuffers = calloc(1, sizeof(*v->framebuffers));
        v->n_framebuffers = 1;
        v->framebuffers[0] = (HostFramebuffer){ .platform = strdup("efi-framebuffer.0"),
                                                .has_owner = true,
                                                .owner = v->functions[0].address };
        findings_clear(&fs);
        check_cards(v, iomem, &fs);
        (void) found(FINDING_HINT, "efi-framebuffer.0 is on 0000:01:00.0");
        assert_int_eq(fs.n, 1);
        findings_clear(&fs);
        check_cards(NULL, NULL, &fs);
        assert_int_eq(findings_count(&fs, FINDING_UNKNOWN), 2);
        (void) hostview_free(v);
}

static void kernel(const char *release, const HostView *v, int vfio_pci, const char *gvt, int kvmgt)
{
        const KernelInput in = {
                .release = release, .view = v, .vfio_pci = vfio_pci, .kvmgt = kvmgt, .gvt_where = gvt, .guc_where = gvt
        };

        findings_clear(&fs);
        check_kernel(&in, &fs);
}

TEST(kernels)
{
        HostView *v = view_of(0x1002, 0x7550, NULL), *intel = view_of(0x8086, 0x5917, "i915"),
                 *xe = view_of(0x8086, 0x5917, "xe"), *nvidia = view_of(0x10de, 0x2484, "nvidia");

        assert_int_eq(kernel_version("6.12.107+deb13-amd64"), 6012);
        assert_int_eq(kernel_version("x"), 0);
        kernel("6.1.0-18-amd64", v, 1, NULL, 0);
        assert_int_eq(fs.n, 1);
        (void) found(FINDING_FINE, "Linux 6.1.0-18-amd64");
        kernel("7.2.2-1-cachyos", v, 1, NULL, 0);
        (void) found(FINDING_WARNING, "RX 9070");
        kernel("7.2.2-1-cachyos", intel, 1, NULL, 0);
        assert_int_eq(findings_count(&fs, FINDING_WARNING), 0);
        kernel("5.10.0", v, 1, NULL, 0);
        (void) found(FINDING_WARNING, "before Linux 5.11");
        kernel("6.0.10-arch1-1", nvidia, 1, NULL, 0);
        assert_contains(found(FINDING_WARNING, "kernel bug 216475")->fix, "[VTConsole] Policy=keep");
        kernel("6.0.10-arch1-1", v, 1, NULL, 0);
        assert_int_eq(findings_count(&fs, FINDING_WARNING), 0);
        kernel("6.1.0-18-amd64", nvidia, 1, NULL, 0);
        assert_int_eq(findings_count(&fs, FINDING_WARNING), 0);
        kernel("6.1", v, 0, NULL, 0);
        (void) found(FINDING_PROBLEM, "has no vfio-pci");
        kernel("6.1", v, -1, NULL, 0);
        (void) found(FINDING_UNKNOWN, "vfio-pci");
        kernel("6.1", intel, 1, "i915.conf", 0);
        (void) found(FINDING_PROBLEM, "no kvmgt");
        (void) found(FINDING_PROBLEM, "enable_guc");
        kernel("6.1", xe, 1, "i915.conf", 1);
        (void) found(FINDING_PROBLEM, "xe, which has no GVT-g");
        kernel("6.1", v, 1, "i915.conf", 1);
        (void) found(FINDING_HINT, "no Intel graphics");
        (void) hostview_free(v);
        (void) hostview_free(intel);
        (void) hostview_free(xe);
        (void) hostview_free(nvidia);
}

TEST(ids)
{
        HostView *v = view_of(0x10de, 0x2484, NULL);

        findings_clear(&fs);
        check_vfio_ids("10de:2484", "x", AREA_BOOT, false, v, &fs);
        assert_int_eq(fs.n, 0);
        check_vfio_ids("10de:2484", "x", AREA_BOOT, true, v, &fs);
        assert_contains(found(FINDING_WARNING, "not loaded at boot")->fix, "modules-load.d");
        findings_clear(&fs);
        v->functions[0].driver = strdup("vfio-pci");
        check_vfio_ids("10DE:2484:ffff", "x", AREA_BOOT, true, v, &fs);
        (void) found(FINDING_HINT, "from the host for good");
        assert_int_eq(fs.n, 1);
        findings_clear(&fs);
        check_vfio_ids("10de:2485", "x", AREA_BOOT, true, v, &fs);
        (void) found(FINDING_HINT, "no such device");
        (void) hostview_free(v);
}

TEST(options)
{
        TextFile f = { .path = (char *) "i915.conf", .text = (char *) "options i915 enable_guc=3 enable_gvt=0\n" };
        const TextFiles files = { .list = &f, .n = 1 };
        Boot b;

        boot_of(&b, "quiet i915.enable_gvt=1 i915.enable_psr=0", NULL, NULL);
        assert_str_eq(option_where(&b, &files, "i915", "enable_gvt"), "the kernel command line");
        assert_str_eq(option_where(&b, &files, "i915", "enable_guc"), "i915.conf");
        assert_null(option_where(&b, &files, "i915", "enable_psr"));
        boot_clear(&b);
        boot_of(&b, "quiet", NULL, NULL);
        assert_null(option_where(&b, &files, "i915", "enable_gvt"));
        boot_clear(&b);
}

/* ---- hookd, libvirt, security, guests ---- */

static void hookd_with(HookdInput in, const char *dropin, const char *journald)
{
        TextFile a = { .path = (char *) "x.conf", .text = (char *) dropin },
                 b = { .path = (char *) "journald.conf", .text = (char *) journald };
        const TextFiles dropins = { .list = &a, .n = dropin != NULL },
                        of_journal = { .list = &b, .n = journald != NULL };

        in.dropins = &dropins;
        in.journald = &of_journal;
        findings_clear(&fs);
        check_hookd(&in, &fs);
        assert_false(fs.failed);
}

TEST(hookd)
{
        const HookdInput good = { .unit_file = true, .enabled = true, .socket = "active", .journal_folder = 1 };
        HookdInput in = good;

        hookd_with(in, "[Service]\nProtectKernelModules=no\nNice=1\n", NULL);
        assert_int_eq(fs.n, 1);
        (void) found(FINDING_FINE, "is enabled");
        hookd_with(in, "[Service]\nPrivateDevices=yes\n", NULL);
        (void) found(FINDING_PROBLEM, "PrivateDevices=yes");
        hookd_with(in, NULL, "[Journal]\nStorage=persistent\n");
        assert_int_eq(findings_count(&fs, FINDING_HINT), 0);
        hookd_with(in, NULL, "Storage=none\n");
        (void) found(FINDING_HINT, "Storage=none");
        in.journal_folder = 0;
        hookd_with(in, NULL, NULL);
        assert_contains(found(FINDING_HINT, "Storage=auto")->fix, "mkdir");
        in = good;
        in.unit_file = false;
        hookd_with(in, NULL, NULL);
        (void) found(FINDING_PROBLEM, "in none of systemd's folders");
        in = good;
        in.enabled = false;
        in.socket = "inactive";
        in.service = "failed";
        hookd_with(in, NULL, NULL);
        assert_int_eq(findings_count(&fs, FINDING_PROBLEM), 3);
        in = good;
        in.socket = NULL;
        in.deaf = true;
        in.silent = "no";
        hookd_with(in, NULL, NULL);
        (void) found(FINDING_PROBLEM, "nobody listens");
        in.deaf = false;
        hookd_with(in, NULL, NULL);
        (void) found(FINDING_UNKNOWN, "no");
}

TEST(hookd_says)
{
        Records r = { 0 };
        HookdInput in = { .unit_file = true, .enabled = true, .status = &r, .journal_folder = 1 };

        assert_ok(records_add(&r, "daemon\tversion=" HOOKD_VERSION "\tprofiles=2\tproblem="));
        assert_ok(records_add(&r, "guest\tdomain=a\tstate=held\ttext=x"));
        hookd_with(in, NULL, NULL);
        (void) found(FINDING_FINE, "runs, 2 profiles");
        assert_int_eq(fs.n, 1);
        assert_ok(records_add(&r, "guest\tdomain=b\tstate=stuck\ttext=unbind"));
        assert_ok(records_add(&r, "bad\ttext=y"));
        assert_ok(records_add(&r, "failure\tdomain=a\tevent=prepare\ttext=old"));
        assert_ok(records_add(&r, "failure\tdomain=a\tevent=prepare\ttext=new"));
        assert_ok(records_add(&r, "daemon\tversion=0\tprofiles=1\tproblem=x.ini:1"));
        hookd_with(in, NULL, NULL);
        (void) found(FINDING_PROBLEM, "b is stuck: unbind");
        (void) found(FINDING_PROBLEM, "a journal cannot be read: y");
        (void) found(FINDING_HINT, "prepare of a: new");
        (void) found(FINDING_WARNING, "x.ini:1");
        assert_contains(found(FINDING_WARNING, "hookd 0 runs")->fix, "restart");
        records_clear(&r);
}

#define LIMITS(hard) "Max processes 1 1 processes\nMax locked memory         8388608              " hard " bytes\n"

static void libvirt(unsigned version, const char *limits, const char *status)
{
        const LibvirtProcess p = { .unit = "libvirtd.service", .limits = (char *) limits, .status = (char *) status };
        const LibvirtInput in = { .installed = true, .version = version, .processes = &p, .n = 1 };

        findings_clear(&fs);
        check_libvirt(&in, &fs);
}

TEST(libvirt)
{
        const LibvirtInput none = { .version = 0 };

        libvirt(9000000, LIMITS("8388608"), "Name:\tx\nCapEff:\t000001ffffffffff\n");
        (void) found(FINDING_FINE, "libvirt 9.0.0");
        assert_int_eq(fs.n, 1);
        libvirt(9000000, LIMITS("unlimited"), "Name:\tx\nCapEff:\t0000000000000000\n");
        assert_int_eq(fs.n, 1);
        libvirt(9000000, LIMITS("8388608"), "Name:\tx\nCapEff:\t000001fffeffffff\n");
        (void) found(FINDING_PROBLEM, "may lock 8 MiB");
        libvirt(9000000, NULL, NULL);
        (void) found(FINDING_UNKNOWN, "may not be read");
        libvirt(6000000, LIMITS("unlimited"), "");
        (void) found(FINDING_HINT, "one hook only");
        findings_clear(&fs);
        check_libvirt(&none, &fs);
        (void) found(FINDING_PROBLEM, "neither");
}

TEST(selinux_labels)
{
        static const char hook[] = "/etc/libvirt/hooks/qemu",
                          contexts[] = "/.*\tsystem_u:object_r:default_t:s0\n"
                                       "/etc/.*\tsystem_u:object_r:etc_t:s0\n"
                                       "/etc/libvirt/hooks(/.*)?\tsystem_u:object_r:virt_hook_t:s0\n"
                                       "/etc/libvirt/hooks/.*\t-d\tsystem_u:object_r:folder_t:s0\n"
                                       "/etc/libvirt/hooks/none\t<<none>>\n"
                                       "/etc/libvirt/hooks/lxc\t--\tsystem_u:object_r:lxc_t:s0:c1\n"
                                       "/usr/(?:bin\tsystem_u:object_r:broken_t:s0\n";
        _cleanup_free_ char *type = selinux_type(contexts, hook),
                            *file = selinux_type(contexts, "/etc/libvirt/hooks/lxc"),
                            *none = selinux_type(contexts, "/etc/libvirt/hooks/none"),
                            *other = selinux_type(contexts, "/var/x"), *nothing = selinux_type("", hook);

        assert_str_eq(type, "virt_hook_t");
        assert_str_eq(file, "lxc_t");
        assert_str_eq(other, "default_t");
        assert_null(none);
        assert_null(nothing);
        findings_clear(&fs);
        check_selinux_label(hook, "system_u:object_r:virt_hook_t:s0", contexts, true, &fs);
        check_selinux_label(hook, "unconfined_u:object_r:user_tmp_t:s0", "", true, &fs);
        assert_int_eq(fs.n, 0);
        check_selinux_label(hook, "unconfined_u:object_r:user_tmp_t:s0", contexts, true, &fs);
        assert_str_eq(found(FINDING_WARNING, "the SELinux type user_tmp_t")->fix,
                      "restorecon -v /etc/libvirt/hooks/qemu");
        findings_clear(&fs);
        check_selinux_label(hook, "unconfined_u:object_r:user_tmp_t:s0", contexts, false, &fs);
        (void) found(FINDING_HINT, "once SELinux enforces");
}

static void security(SecurityInput in, const char *profile)
{
        TextFile f = { .path = (char *) "/etc/apparmor.d/usr.sbin.libvirtd", .text = (char *) profile };
        const TextFiles profiles = { .list = &f, .n = profile != NULL };

        in.profiles = &profiles;
        findings_clear(&fs);
        check_security(&in, &fs);
}

TEST(security)
{
        security((SecurityInput){ .lockdown = "[none] integrity" }, NULL);
        assert_int_eq(fs.n, 1);
        (void) found(FINDING_FINE, "no lockdown");
        security((SecurityInput){ .lockdown = "none integrity [confidentiality]" }, NULL);
        (void) found(FINDING_HINT, "(confidentiality)");
        security((SecurityInput){ .lockdown = NULL }, NULL);
        (void) found(FINDING_UNKNOWN, "lockdown");
        security((SecurityInput){ .no_securityfs = true, .apparmor = "Y" }, "/etc/libvirt/hooks/** rmix,\n");
        assert_int_eq(findings_count(&fs, FINDING_FINE), 2);
        security((SecurityInput){ .no_securityfs = true, .apparmor = "Y" }, "profile x {}\n");
        assert_contains(found(FINDING_PROBLEM, "AppArmor")->fix, "/etc/apparmor.d/local/usr.sbin.libvirtd");
        security((SecurityInput){ .no_securityfs = true, .apparmor = "N" }, "profile x {}\n");
        assert_int_eq(fs.n, 1);
        security((SecurityInput){ .no_securityfs = true, .selinux = "1", .boolean = "0 0" }, NULL);
        assert_contains(found(FINDING_WARNING, "SELinux")->fix, "setsebool");
        security((SecurityInput){ .no_securityfs = true, .selinux = "1" }, NULL);
        (void) found(FINDING_UNKNOWN, "SELinux");
        security((SecurityInput){ .no_securityfs = true, .selinux = "0" }, NULL);
        assert_int_eq(fs.n, 1);
}

/* ---- the whole ---- */

static int hookctl(const char *tree, const char *host, const char *option)
{
        static char *const environment[] = { NULL };
        char root[256], view[256],
                *argv[] = { (char *) HOOKCTL_EXE,
                            (char *) "doctor",
                            root,
                            view,
                            (char *) "--shim=" TESTS_DIR "/ctl/doctor/shim",
                            (char *) option,
                            NULL };

        (void) snprintf(root, sizeof(root), "--root=" TESTS_DIR "/ctl/doctor/%s", tree);
        (void) snprintf(view, sizeof(view), "--host=" TESTS_DIR "/captures/%s.tree", host);
        return program(argv, environment, NULL);
}

TEST(trees)
{
        assert_int_eq(hookctl("calm", "nvidia-desktop", NULL), 0);
        expect_golden(said, "doctor-calm");
        assert_int_eq(hookctl("forum", "nvidia-desktop", NULL), 1);
        expect_golden(said, "doctor-forum");
        for (const char *line = said; *line; line += strcspn(line, "\n") + 1) /* 80 columns */
                assert_true(strcspn(line, "\n") <= 80);
        assert_int_eq(hookctl("calm", "nvidia-desktop", "--json"), 0);
        expect_golden(said, "doctor-json-calm");
        assert_int_eq(hookctl("calm", "nvidia-desktop", "--all"), 0);
        expect_golden(said, "doctor-all-calm");
}

/* A virtual machine with an AMD processor and an IOMMU of Intel's, as QEMU makes them. */
TEST(two_makers)
{
        assert_int_eq(hookctl("two-makers", "nvidia-desktop", "--all"), 1);
        assert_contains(said, "IOMMU");
        assert_null(strstr(said, "intel_iommu=on does nothing"));
}

TEST_MAIN
