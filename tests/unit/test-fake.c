/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake/fake-host.h"
#include "test.h"

#include <signal.h>
#include <sys/wait.h>

/* The fake against the facts seen on a real kernel: what it gets wrong, every test on it gets wrong. */

#define GPU   "/sys/bus/pci/devices/0000:01:00.0"
#define AUDIO "/sys/bus/pci/devices/0000:01:00.1"
#define DRV   "/sys/bus/pci/drivers/"

static Host *desktop(void)
{
        Fault f = { 0 };
        Host *h = NULL;

        if (fake_host_new(TESTS_DIR "/hosts/nvidia-desktop.tree", &h, &f) < 0)
                test_fail("%s", f.text);
        return h;
}

static const char *text(Host *h, const char *path)
{
        static char buf[4096];
        _cleanup_free_ char *s = NULL;
        int r = host_read_hand(h, path, &s);

        (void) snprintf(buf, sizeof(buf), "%s", r < 0 ? strerrorname_np(-r) : s);
        return buf;
}

static const char *driver(Host *h, const char *bdf)
{
        static char buf[64];
        _cleanup_free_ char *s = NULL;
        char path[128];
        int r;

        (void) snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", bdf);
        r = host_readlink(h, path, &s);
        (void) snprintf(buf, sizeof(buf), "%s", r < 0 ? strerrorname_np(-r) : s);
        return buf;
}

static int put(Host *h, const char *path, const char *value)
{
        return host_write_hand(h, path, value);
}

static void assert_clean(Host *h)
{
        assert_str_eq(fake_violations(h), NULL);
        host_free(h);
}

/* Everything off the card that keeps its driver. */
static void desktop_down(Host *h)
{
        assert_ok(host_unit(h, UNIT_STOP, "display-manager.service", NULL));
        assert_ok(host_unit(h, UNIT_STOP, "nvidia-persistenced.service", NULL));
        assert_ok(host_wait(h, 0, NULL, 0, USEC_PER_SEC));
        assert_ok(host_module(h, MODULE_UNLOAD, "nvidia_drm", NULL));
        assert_ok(host_module(h, MODULE_UNLOAD, "nvidia-modeset", NULL));
        assert_ok(host_module(h, MODULE_UNLOAD, "nvidia_uvm", NULL));
        assert_ok(host_module(h, MODULE_UNLOAD, "nvidia", NULL));
}

static void to_vfio(Host *h)
{
        desktop_down(h);
        assert_ok(host_module(h, MODULE_LOAD, "vfio_pci", NULL));
        assert_ok(put(h, GPU "/driver_override", "vfio-pci"));
        assert_ok(put(h, AUDIO "/driver_override", "vfio-pci"));
        assert_ok(put(h, DRV "snd_hda_intel/unbind", "0000:01:00.1"));
        assert_ok(put(h, "/sys/bus/pci/drivers_probe", "0000:01:00.1"));
        assert_ok(put(h, "/sys/bus/pci/drivers_probe", "0000:01:00.0"));
        assert_str_eq(driver(h, "0000:01:00.0"), "vfio-pci");
}

TEST(looks)
{
        Host *h = desktop();
        _cleanup_free_ char *link = NULL;
        _cleanup_strv_ char **names = NULL;

        assert_str_eq(text(h, GPU "/vendor"), "0x10de");
        assert_str_eq(text(h, GPU "/class"), "0x030000");
        assert_str_eq(text(h, GPU "/boot_vga"), "1");
        assert_int_eq(host_exists(h, AUDIO "/boot_vga"), 0); /* only VGA has it */
        assert_str_eq(text(h, GPU "/driver_override"), "(null)");
        assert_str_eq(text(h, "/sys/class/vtconsole/vtcon1/name"), "(M) frame buffer device");
        assert_str_eq(text(h, "/sys/class/vtconsole/vtcon1/bind"), "1");
        assert_str_eq(text(h, "/sys/class/vtconsole/vtcon0/name"), "(S) dummy device");
        assert_str_eq(text(h, "/sys/class/vtconsole/vtcon0/bind"), "0");
        assert_str_eq(text(h, "/proc/fb"), "0 nvidia-drmdrmfb");
        assert_ok(host_readlink_full(h, GPU "/driver", &link));
        assert_str_eq(link, "../../../../bus/pci/drivers/nvidia");
        free(link);
        assert_ok(host_readlink_full(h, "/sys/class/graphics/fb0/device", &link));
        assert_str_eq(link, "../../../0000:01:00.0");
        assert_ok(host_list(h, "/sys/kernel/iommu_groups/5/devices", &names));
        assert_int_eq(strv_length(names), 2);
        assert_int_eq(host_exists(h, "/dev/dri/card0") && host_exists(h, "/dev/nvidia0"), 1);
        assert_int_eq(host_exists(h, "/dev/snd/controlC0"), 1);
        assert_str_eq(text(h, "/nowhere"), "ENOENT");
        assert_int_eq(host_write(h, GPU "/vendor", "1"), -EACCES);
        assert_clean(h);
}

TEST(unbind_and_probe)
{
        Host *h = desktop();

        assert_int_eq(put(h, DRV "snd_hda_intel/unbind", "0000:01:00.0"), -ENODEV); /* not bound to that */
        assert_ok(put(h, DRV "snd_hda_intel/unbind", "0000:01:00.1"));
        assert_int_eq(put(h, DRV "snd_hda_intel/unbind", "0000:01:00.1"), -ENODEV);
        assert_str_eq(driver(h, "0000:01:00.1"), "ENOENT");
        assert_int_eq(host_exists(h, "/dev/snd/controlC0"), 0);
        assert_ok(put(h, AUDIO "/driver_override", "nonsense"));
        assert_ok(put(h, "/sys/bus/pci/drivers_probe", "0000:01:00.1")); /* success, and nothing bound */
        assert_str_eq(driver(h, "0000:01:00.1"), "ENOENT");
        assert_int_eq(put(h, DRV "snd_hda_intel/bind", "0000:01:00.1"), -ENODEV); /* the override forbids it */
        assert_ok(put(h, AUDIO "/driver_override", ""));
        assert_str_eq(text(h, AUDIO "/driver_override"), "nonsense"); /* nothing reached the kernel */
        assert_ok(put(h, AUDIO "/driver_override", "\n"));
        assert_str_eq(text(h, AUDIO "/driver_override"), "(null)");
        assert_ok(put(h, "/sys/bus/pci/drivers_probe", "0000:01:00.1"));
        assert_str_eq(driver(h, "0000:01:00.1"), "snd_hda_intel");
        assert_int_eq(put(h, DRV "snd_hda_intel/bind", "0000:01:00.1"), -EBUSY);
        assert_int_eq(put(h, "/sys/bus/pci/drivers_probe", "0000:09:00.0"), -ENODEV);
        assert_clean(h);
}

TEST(vfio_takes_the_screen)
{
        Host *h = desktop();

        to_vfio(h);
        assert_int_eq(host_exists(h, "/dev/vfio/5"), 1);
        assert_int_eq(host_exists(h, "/dev/dri/card0"), 0);
        assert_int_eq(host_exists(h, "/sys/class/vtconsole/vtcon1"), 0); /* gone with the last framebuffer */
        assert_str_eq(text(h, "/sys/class/vtconsole/vtcon0/bind"), "1");
        /* and back: loading the module does not take it from vfio-pci, clearing the override alone neither */
        assert_int_eq(host_module(h, MODULE_LOAD, "nvidia", NULL), -ENODEV);
        assert_str_eq(driver(h, "0000:01:00.0"), "vfio-pci");
        assert_ok(put(h, GPU "/driver_override", "\n"));
        assert_str_eq(driver(h, "0000:01:00.0"), "vfio-pci");
        assert_ok(put(h, DRV "vfio-pci/unbind", "0000:01:00.0"));
        assert_ok(put(h, "/sys/bus/pci/drivers_probe", "0000:01:00.0"));
        assert_str_eq(driver(h, "0000:01:00.0"), "ENOENT"); /* it loads nothing */
        assert_ok(host_module(h, MODULE_LOAD, "nvidia", NULL));
        assert_str_eq(driver(h, "0000:01:00.0"), "nvidia");
        assert_str_eq(text(h, "/proc/fb"), "0 nvidia-drmdrmfb");
        assert_str_eq(text(h, "/sys/class/vtconsole/vtcon1/bind"), "1");
        assert_str_eq(text(h, "/sys/class/vtconsole/vtcon0/bind"), "0");
        assert_clean(h);
}

TEST(modules)
{
        Host *h = desktop();
        ModuleInfo info;

        assert_int_eq(host_module(h, MODULE_UNLOAD, "nvidia", NULL), -EAGAIN); /* holders */
        assert_ok(host_module(h, MODULE_STATE, "nvidia", &info));
        assert_str_eq(info.holders, "nvidia_modeset nvidia_uvm nvidia_drm");
        assert_int_eq(host_module(h, MODULE_UNLOAD, "nvidia_drm", NULL), -EAGAIN); /* Xorg has card0 open */
        assert_int_eq(host_module(h, MODULE_UNLOAD, "snd_hda_codec", NULL), -EAGAIN);
        assert_int_eq(host_module(h, MODULE_UNLOAD, "nouveau", NULL), -ENOENT);
        assert_int_eq(host_module(h, MODULE_UNLOAD, "pcieport", NULL), -EOPNOTSUPP);
        assert_int_eq(host_module(h, MODULE_LOAD, "nosuch", NULL), -ENOENT);
        desktop_down(h);
        assert_str_eq(driver(h, "0000:01:00.0"), "ENOENT");
        assert_int_eq(host_exists(h, "/dev/nvidiactl"), 0);
        assert_int_eq(host_exists(h, "/sys/module/nvidia"), 0);
        /* a softdep brings the whole chain, and the probe the card */
        assert_ok(host_module(h, MODULE_LOAD, "nvidia", NULL));
        assert_int_eq(host_exists(h, "/dev/dri/card0") && host_exists(h, "/dev/nvidia-uvm"), 1);
        /* "in use" for a moment after the probe */
        assert_int_eq(host_module(h, MODULE_UNLOAD, "nvidia_drm", NULL), -EAGAIN);
        assert_ok(host_wait(h, 0, NULL, 0, USEC_PER_SEC));
        assert_ok(host_module(h, MODULE_UNLOAD, "nvidia_drm", NULL));
        assert_clean(h);
}

TEST(override_keeps_a_loaded_module_away)
{
        Host *h = desktop();

        desktop_down(h);
        assert_ok(put(h, GPU "/driver_override", "vfio-pci"));
        assert_int_eq(host_module(h, MODULE_LOAD, "nvidia", NULL), -ENODEV); /* no card for it: it does not stay */
        assert_int_eq(host_exists(h, "/sys/module/nvidia"), 0);
        assert_str_eq(driver(h, "0000:01:00.0"), "ENOENT");
        assert_ok(host_module(h, MODULE_LOAD, "nouveau", NULL));
        assert_str_eq(driver(h, "0000:01:00.0"), "ENOENT");
        assert_clean(h);
}

TEST(remove_and_rescan)
{
        Host *h = desktop();

        to_vfio(h);
        assert_ok(put(h, GPU "/remove", "1"));
        assert_ok(put(h, AUDIO "/remove", "1"));
        assert_int_eq(host_exists(h, GPU), 0);
        assert_int_eq(host_exists(h, "/dev/vfio/5"), 0);
        assert_ok(put(h, "/sys/bus/pci/devices/0000:00:03.0/rescan", "1"));
        assert_int_eq(host_exists(h, GPU), 1);
        assert_str_eq(text(h, GPU "/driver_override"), "(null)");  /* lost */
        assert_str_eq(driver(h, "0000:01:00.1"), "snd_hda_intel"); /* loaded: bound at once */
        assert_str_eq(driver(h, "0000:01:00.0"), "ENOENT");        /* not loaded */
        assert_ok(host_wait(h, 0, NULL, 0, 3 * USEC_PER_SEC));     /* udev loads it */
        assert_str_eq(driver(h, "0000:01:00.0"), "nvidia");
        assert_clean(h);
}

TEST(reset)
{
        Host *h = desktop();

        assert_int_eq(put(h, GPU "/reset", "1"), -ENOTTY); /* listed, and yet impossible */
        assert_int_eq(put(h, GPU "/reset_method", "flr"), -EINVAL);
        assert_int_eq(host_exists(h, AUDIO "/reset"), 0);
        assert_ok(put(h, "/sys/bus/pci/devices/0000:00:03.0/reset_subordinate", "1"));
        assert_clean(h);
}

/* The desktop with some lines more. */
static Host *desktop_with(const char *lines)
{
        _cleanup_free_ char *all = NULL;
        Fault f = { 0 };
        Host *h = NULL;

        assert_true(asprintf(&all, "include nvidia-desktop.tree\n%s\n", lines) > 0);
        if (fake_host_parse(all, strlen(all), TESTS_DIR "/hosts/more", &h, &f) < 0)
                test_fail("%s", f.text);
        return h;
}

#define PIPEWIRE                                                            \
        "holder 900 comm=pipewire uid=1000 node=/dev/snd/controlC0 cgroup=" \
        "/user.slice/user-1000.slice/user@1000.service/session.slice/pipewire.service leaves="

TEST(unbind_waits_for_a_sound_client)
{
        Host *h = desktop_with(PIPEWIRE "never");

        h->deadline = host_now(h) + 10 * USEC_PER_SEC;
        assert_int_eq(put(h, DRV "snd_hda_intel/unbind", "0000:01:00.1"), -ETIMEDOUT);
        assert_true(h->stuck);
        assert_contains(h->stuck_what, "/unbind");
        assert_true(host_now(h) >= h->deadline);
        /* the link is gone before the unbind has ended; what takes the device's lock blocks as well, the rest does not
         */
        assert_str_eq(driver(h, "0000:01:00.1"), "ENOENT");
        assert_str_eq(text(h, AUDIO "/vendor"), "0x10de");
        assert_str_eq(text(h, AUDIO "/uevent"), "ETIMEDOUT");
        assert_str_eq(text(h, AUDIO "/driver_override"), "ETIMEDOUT");
        assert_int_eq(put(h, AUDIO "/driver_override", "\n"), -ETIMEDOUT);
        assert_true(fake_release_hangs(h) >= 1);
        assert_clean(h);
}

TEST(unbind_goes_on_when_the_client_leaves)
{
        Host *h = desktop_with(PIPEWIRE "3s");
        uint64_t start = host_now(h);

        h->deadline = start + 10 * USEC_PER_SEC;
        assert_ok(put(h, DRV "snd_hda_intel/unbind", "0000:01:00.1"));
        assert_true(!h->stuck && host_now(h) - start >= 2900000);
        assert_int_eq(host_exists(h, "/dev/snd/controlC0"), 0);
        assert_clean(h);
}

TEST(a_late_client_ends_the_hang)
{
        Host *h = desktop_with(PIPEWIRE "30s");

        h->deadline = host_now(h) + 10 * USEC_PER_SEC;
        assert_int_eq(put(h, DRV "snd_hda_intel/unbind", "0000:01:00.1"), -ETIMEDOUT);
        fake_advance(h, 30 * USEC_PER_SEC);
        h->deadline = UINT64_MAX;
        assert_str_eq(text(h, AUDIO "/driver_override"), "(null)");
        assert_str_eq(driver(h, "0000:01:00.1"), "ENOENT");
        assert_clean(h);
}

TEST(nvidia_waits_for_its_clients)
{
        Host *h = desktop();

        /* Xorg, and after it nvidia_drm with its framebuffer */
        h->deadline = host_now(h) + USEC_PER_SEC;
        assert_int_eq(put(h, DRV "nvidia/unbind", "0000:01:00.0"), -ETIMEDOUT);
        host_free(h);

        h = desktop();
        assert_ok(host_unit(h, UNIT_STOP, "lightdm.service", NULL));
        assert_ok(host_unit(h, UNIT_STOP, "nvidia-persistenced.service", NULL));
        h->deadline = host_now(h) + USEC_PER_SEC;
        assert_int_eq(put(h, DRV "nvidia/unbind", "0000:01:00.0"), -ETIMEDOUT);
        assert_clean(h);
}

TEST(outside_of_a_hand)
{
        Host *h = desktop();
        _cleanup_free_ char *s = NULL;

        assert_ok(host_read(h, GPU "/uevent", &s));
        assert_contains(fake_violations(h), "only in a hand");
        assert_ok(host_write(h, AUDIO "/driver_override", "vfio-pci"));
        assert_contains(fake_violations(h), "driver_override may block");
        host_free(h);
}

static size_t count(Host *h, const char *node, HostHolder **ret)
{
        char *nodes[] = { (char *) node, NULL };
        HostHolder *v = NULL;
        size_t n = 0;

        assert_ok(host_holders(h, nodes, &v, &n));
        if (ret)
                *ret = v;
        else
                holders_free(v, n);
        return n;
}

TEST(units_sessions_holders)
{
        Host *h =
                desktop_with("session 2 user=joe tty=tty2 type=tty class=user service=login manager=user@1000.service\n"
                             "unit user@1000.service active=active "
                             "cgroup=/user.slice/user-1000.slice/user@1000.service\n" PIPEWIRE "term\n"
                             "holder 1 comm=systemd node=/dev/dri/card0 leaves=never session=2\n"
                             "holder 700 comm=bash node=/dev/dri/card0 "
                             "cgroup=/user.slice/user-1000.slice/session-2.scope");
        UnitInfo info = { 0 };
        HostSession *s = NULL;
        HostHolder *v = NULL;
        size_t n;

        assert_ok(host_unit(h, UNIT_STATE, "display-manager.service", &info));
        assert_str_eq(info.id, "lightdm.service");
        assert_str_eq(info.active, "active");
        assert_int_eq(host_unit(h, UNIT_STATE, "gdm.service", &info), -ENOENT);
        n = count(h, "/dev/dri/card0", &v);
        assert_int_eq(n, 3);
        assert_str_eq(v[0].comm, "systemd");
        assert_str_eq(v[2].unit, "lightdm.service");
        holders_free(v, n);
        n = count(h, "/dev/snd/controlC0", &v);
        assert_int_eq(n, 1);
        assert_str_eq(v[0].unit, "user@1000.service");
        assert_str_eq(v[0].user_unit, "pipewire.service");
        assert_ok(host_signal(h, v, SIGTERM));
        assert_ok(host_wait(h, 0, v, n, USEC_PER_SEC));
        assert_int_eq(host_signal(h, v, SIGTERM), -ESRCH);
        holders_free(v, n);
        assert_int_eq(count(h, "/dev/snd/controlC0", NULL), 0);

        /* the display manager's processes go, other sessions stay, and with them what logind holds for them */
        assert_ok(host_unit(h, UNIT_STOP, "display-manager.service", &info));
        assert_str_eq(info.result, "done");
        assert_int_eq(count(h, "/dev/dri/card0", NULL), 2);
        assert_ok(host_sessions(h, &s, &n));
        assert_int_eq(n, 1);
        assert_str_eq(s[0].scope, "session-2.scope");
        sessions_free(s, n);
        assert_ok(host_session_terminate(h, "2"));
        assert_int_eq(count(h, "/dev/dri/card0", NULL), 0);
        assert_ok(host_unit(h, UNIT_STATE, "user@1000.service", &info));
        assert_str_eq(info.active, "active");
        assert_ok(host_wait(h, 0, NULL, 0, 11 * USEC_PER_SEC));
        assert_ok(host_unit(h, UNIT_STATE, "user@1000.service", &info));
        assert_str_eq(info.active, "inactive"); /* lingers UserStopDelay */

        assert_ok(host_unit(h, UNIT_START, "lightdm.service", NULL));
        assert_int_eq(count(h, "/dev/dri/card0", NULL), 1);
        assert_ok(host_sessions(h, &s, &n));
        assert_int_eq(n, 1); /* the greeter is back */
        sessions_free(s, n);
        assert_clean(h);
}

TEST(display_manager_without_a_screen_fails)
{
        Host *h = desktop();
        UnitInfo info = { 0 };

        to_vfio(h);
        assert_int_eq(host_unit(h, UNIT_START, "lightdm.service", &info), -EIO);
        assert_str_eq(info.result, "failed");
        assert_str_eq(info.active, "failed");
        assert_ok(host_unit(h, UNIT_RESET_FAILED, "lightdm.service", &info));
        assert_str_eq(info.active, "inactive");
        assert_clean(h);
}

TEST(consoles)
{
        Host *h = desktop();

        assert_ok(host_write(h, "/sys/class/vtconsole/vtcon0/bind", "0"));
        assert_str_eq(text(h, "/sys/class/vtconsole/vtcon1/bind"), "1"); /* the system's does not listen */
        assert_ok(host_write(h, "/sys/class/vtconsole/vtcon1/bind", "0"));
        assert_str_eq(text(h, "/sys/class/vtconsole/vtcon1/bind"), "0");
        assert_str_eq(text(h, "/sys/class/vtconsole/vtcon0/bind"), "1");
        assert_ok(host_write(h, "/sys/class/vtconsole/vtcon1/bind", "1"));
        assert_str_eq(text(h, "/sys/class/vtconsole/vtcon0/bind"), "0");
        assert_clean(h);
}

TEST(firmware_framebuffer)
{
        static const char tree[] =
                "include modules.inc\n"
                "pci 0000:01:00.0 vendor=10de device=2484 class=030000 group=5 boot_vga=1 "
                "bar=c0000000+1000000\n"
                "platform efi-framebuffer.0 driver=efi-framebuffer owner=0000:01:00.0 fb=\"EFI VGA\" "
                "bar=c0000000+300000\n";
        Fault f = { 0 };
        Host *h;

        assert_ok(fake_host_parse(tree, sizeof(tree) - 1, TESTS_DIR "/hosts/x", &h, &f));
        assert_str_eq(text(h, "/proc/fb"), "0 EFI VGA");
        assert_contains(text(h, "/proc/iomem"), "    c0000000-c02fffff : efifb");
        assert_str_eq(driver(h, "../../platform/devices/efi-framebuffer.0"), "efi-framebuffer");
        /* by hand it works both ways */
        assert_ok(put(h, "/sys/bus/platform/drivers/efi-framebuffer/unbind", "efi-framebuffer.0"));
        assert_int_eq(host_exists(h, "/sys/class/vtconsole/vtcon1"), 0);
        assert_ok(put(h, "/sys/bus/platform/drivers/efi-framebuffer/bind", "efi-framebuffer.0"));
        assert_str_eq(text(h, "/sys/class/vtconsole/vtcon1/bind"), "1");
        /* vfio-pci throws the device out for good */
        assert_ok(host_module(h, MODULE_LOAD, "vfio-pci", NULL));
        assert_ok(put(h, GPU "/driver_override", "vfio-pci"));
        assert_ok(put(h, "/sys/bus/pci/drivers_probe", "0000:01:00.0"));
        assert_int_eq(host_exists(h, "/sys/bus/platform/devices/efi-framebuffer.0"), 0);
        assert_str_eq(text(h, "/proc/fb"), "");
        assert_int_eq(put(h, "/sys/bus/platform/drivers/efi-framebuffer/bind", "efi-framebuffer.0"), -ENODEV);
        assert_clean(h);
}

TEST(guest_and_group)
{
        char *both[] = { (char *) "0000:01:00.0", (char *) "0000:01:00.1", NULL };
        Host *h = desktop();

        assert_int_eq(fake_guest_start(h, both, 4711), -ENODEV);
        to_vfio(h);
        assert_ok(put(h, DRV "vfio-pci/unbind", "0000:01:00.1"));
        assert_ok(put(h, AUDIO "/driver_override", "\n"));
        assert_ok(put(h, "/sys/bus/pci/drivers_probe", "0000:01:00.1"));
        both[1] = NULL;
        assert_int_eq(fake_guest_start(h, both, 4711), -EPERM); /* not viable */
        assert_ok(put(h, DRV "snd_hda_intel/unbind", "0000:01:00.1"));
        assert_ok(fake_guest_start(h, both, 4711));
        assert_int_eq(count(h, "/dev/vfio/5", NULL), 1);
        assert_contains(text(h, "/proc/4711/stat"), "(qemu-system-x86)");
        assert_ok(put(h, "/sys/bus/pci/drivers_probe", "0000:01:00.1"));
        assert_str_eq(driver(h, "0000:01:00.1"), "ENOENT"); /* the group is the guest's */
        assert_true(fake_is_dirty(h, "0000:01:00.0"));
        fake_guest_stop(h, 4711); /* the last close resets the bus: nothing else is on it */
        assert_false(fake_is_dirty(h, "0000:01:00.0"));
        assert_clean(h);
}

TEST(save_and_load)
{
        Host *h = desktop(), *again = NULL;
        _cleanup_free_ char *a = NULL, *b = NULL, *sa = NULL, *sb = NULL;
        Fault f = { 0 };

        to_vfio(h);
        assert_ok(put(h, GPU "/remove", "1"));
        a = fake_host_text(h);
        if (fake_host_parse(a, strlen(a), "saved", &again, &f) < 0)
                test_fail("%s", f.text);
        b = fake_host_text(again);
        assert_str_eq(a, b);
        sa = fake_host_summary(h);
        sb = fake_host_summary(again);
        assert_str_eq(sa, sb);
        assert_ok(put(again, "/sys/bus/pci/rescan", "1"));
        assert_int_eq(host_exists(again, GPU), 1);
        host_free(again);
        assert_clean(h);
}

TEST(faults)
{
        Host *h = desktop();
        Fault f = { 0 };

        assert_ok(fake_fault_parse(h, "write *driver_override 2 EBUSY", &f));
        assert_ok(fake_fault_parse(h, "module-unload nvidia_uvm 0 lie", &f));
        assert_ok(fake_fault_parse(h, "write */unbind 1 late:2", &f));
        assert_int_eq(fake_fault_parse(h, "write * 1 NOSUCH", &f), -EINVAL);
        assert_ok(put(h, AUDIO "/driver_override", "a"));
        assert_int_eq(put(h, AUDIO "/driver_override", "b"), -EBUSY);
        assert_ok(put(h, AUDIO "/driver_override", "\n"));
        assert_ok(host_module(h, MODULE_UNLOAD, "nvidia_uvm", NULL));
        assert_ok(host_module(h, MODULE_STATE, "nvidia_uvm", NULL));
        assert_ok(put(h, DRV "snd_hda_intel/unbind", "0000:01:00.1"));
        assert_str_eq(driver(h, "0000:01:00.1"), "snd_hda_intel");
        assert_str_eq(driver(h, "0000:01:00.1"), "ENOENT");
        assert_int_eq(fake_faults_hit(h), 3);
        assert_clean(h);
}

TEST(a_driver_that_refuses)
{
        Host *h = desktop();
        Fault f = { 0 };

        assert_ok(fake_fault_parse(h, "probe \"0000:01:00.1 snd_hda_intel\" 0 EIO", &f));
        assert_ok(put(h, DRV "snd_hda_intel/unbind", "0000:01:00.1"));
        assert_int_eq(put(h, DRV "snd_hda_intel/bind", "0000:01:00.1"), -EIO);
        assert_ok(put(h, "/sys/bus/pci/drivers_probe", "0000:01:00.1"));
        assert_str_eq(driver(h, "0000:01:00.1"), "ENOENT");
        assert_clean(h);
}

TEST(hang_as_a_fault)
{
        Host *h = desktop();
        Fault f = { 0 };

        assert_ok(fake_fault_parse(h, "write */snd_hda_intel/unbind 1 hang", &f));
        h->deadline = host_now(h) + 5 * USEC_PER_SEC;
        assert_int_eq(put(h, DRV "snd_hda_intel/unbind", "0000:01:00.1"), -ETIMEDOUT);
        assert_str_eq(driver(h, "0000:01:00.1"), "ENOENT");
        assert_int_eq(fake_release_hangs(h), 1);
        assert_int_eq(host_exists(h, "/dev/snd/controlC0"), 0);
        assert_str_eq(text(h, AUDIO "/driver_override"), "(null)");
        assert_clean(h);
}

TEST(cancel)
{
        Host *h = desktop();
        Fault f = { 0 };

        assert_ok(fake_client(h));
        assert_ok(host_wait(h, 0, NULL, 0, 1000));
        assert_ok(fake_fault_parse(h, "read * 1 cancel", &f));
        assert_str_eq(text(h, GPU "/vendor"), "0x10de");
        assert_int_eq(host_wait(h, 0, NULL, 0, 1000), -ECANCELED);
        h->no_cancel = true;
        assert_ok(host_wait(h, 0, NULL, 0, 1000));
        assert_clean(h);
}

TEST(slow)
{
        Host *h = desktop();
        Fault f = { 0 };
        uint64_t start = host_now(h);

        assert_ok(fake_fault_parse(h, "module-load * 1 slow", &f));
        assert_ok(host_module(h, MODULE_LOAD, "vfio", NULL));
        assert_true(host_now(h) - start >= 600 * USEC_PER_SEC);
        assert_clean(h);
}

TEST(crash)
{
        Host *h = desktop();
        Fault f = { 0 };
        pid_t pid;
        int status;

        assert_ok(fake_fault_parse(h, "write */unbind 1 crash-after", &f));
        pid = fork();
        if (pid == 0) {
                (void) put(h, DRV "snd_hda_intel/unbind", "0000:01:00.1");
                _exit(1);
        }
        assert_true(waitpid(pid, &status, 0) == pid);
        assert_int_eq(WEXITSTATUS(status), FAKE_CRASHED);
        assert_clean(h);
}

TEST_MAIN
