/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-sight.h"

#include "ctl/path.h"

#include <stdio.h>
#include <sys/stat.h>

void see_iommu(const Sight *s, Findings *fs)
{
        IommuInput in = { .view = s->view, .boot = &s->boot, .cpu = s->cpu, .table = -1 };
        _cleanup_strv_ char **tables = NULL;

        if (host_list(s->host, "/sys/firmware/acpi/tables", &tables) >= 0)
                in.table = strv_contains(tables, "DMAR") || strv_contains(tables, "IVRS");
        check_iommu(&in, fs);
}

void see_boot(const Sight *s, Findings *fs)
{
        check_cmdline(&s->boot, s->view, s->cpu, fs);
        check_cmdline_drift(&s->boot, fs);
}

static int64_t time_of(const Sight *s, const char *path)
{
        _cleanup_free_ char *full = path_below(s->ctl->root, path);
        struct stat st;

        return full && stat(full, &st) == 0 ? (int64_t) st.st_mtim.tv_sec : 0;
}

static int read_lists(Host *h, TextFiles *t)
{
        static const char *const loads[] = { "/etc/modules-load.d", "/run/modules-load.d",
                                             "/usr/local/lib/modules-load.d", "/usr/lib/modules-load.d" };
        static const char *const dracut[] = { "/etc/dracut.conf.d" }, *const arch[] = { "/etc/mkinitcpio.conf.d" };
        static const char *const files[] = { "/etc/modules", "/etc/initramfs-tools/modules", "/etc/mkinitcpio.conf",
                                             "/etc/dracut.conf" };
        int r = text_files_add_folders(t, h, loads, ARRAY_SIZE(loads), ".conf");

        if (r >= 0)
                r = text_files_add_folders(t, h, dracut, 1, ".conf");
        if (r >= 0)
                r = text_files_add_folders(t, h, arch, 1, ".conf");
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(files); i++)
                r = text_files_add(t, h, files[i]);
        return r;
}

/* /boot/initrd.img-R of Debian, initramfs-R.img of Fedora, initrd-R of SUSE. false: none is there. */
static bool find_image(const Sight *s, char path[256], int64_t *ret_time)
{
        static const char *const forms[] = { "/boot/initrd.img-%s", "/boot/initramfs-%s.img", "/boot/initrd-%s" };

        for (size_t i = 0; s->boot.release && i < ARRAY_SIZE(forms); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                (void) snprintf(path, 256, forms[i], s->boot.release);
#pragma GCC diagnostic pop
                *ret_time = time_of(s, path);
                if (*ret_time > 0)
                        return true;
        }
        return false;
}

void see_modules(const Sight *s, Findings *fs)
{
        _cleanup_(text_files_clear) TextFiles lists = { 0 };
        _cleanup_free_ char *unsafe = NULL;
        _cleanup_free_ int64_t *times = calloc(s->modprobe.n + 1, sizeof(*times));
        InitramfsInput in = {
                .modprobe = &s->modprobe, .lists = &lists, .release = s->boot.release, .modprobe_times = times
        };
        char image[256];

        if (!times || read_lists(s->host, &lists) < 0) {
                fs->failed = true;
                return;
        }
        for (size_t i = 0; i < s->modprobe.n; i++)
                times[i] = time_of(s, s->modprobe.list[i].path);
        if (find_image(s, image, &in.image_time))
                in.image = image;
        (void) host_read(s->host, "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", &unsafe);
        check_modprobe(&s->modprobe, unsafe, s->view, fs);
        check_initramfs(&in, fs);
}

void see_cards(const Sight *s, Findings *fs)
{
        _cleanup_free_ char *iomem = NULL;

        (void) host_read(s->host, "/proc/iomem", &iomem);
        check_cards(s->view, iomem, fs);
}

/* In /lib/modules/RELEASE: as a file, however packed, or built in. -1: that folder is not there. */
static int has_module(const Sight *s, const char *folder, const char *name)
{
        _cleanup_strv_ char **names = NULL;
        _cleanup_free_ char *builtin = NULL;
        char path[512], file[64];

        (void) snprintf(file, sizeof(file), "%s.ko", name);
        (void) snprintf(path, sizeof(path), "/lib/modules/%s", s->boot.release ? s->boot.release : "?");
        if (!host_exists(s->host, path))
                return -1;
        (void) snprintf(path, sizeof(path), "/lib/modules/%s/kernel/%s", s->boot.release, folder);
        if (host_list(s->host, path, &names) >= 0)
                STRV_FOREACH (entry, names)
                        if (startswith(*entry, file))
                                return 1;
        (void) snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin", s->boot.release);
        return host_read(s->host, path, &builtin) >= 0 && strstr(builtin, file);
}

void see_kernel(const Sight *s, Findings *fs)
{
        const KernelInput in = {
                .release = s->boot.release,
                .view = s->view,
                .vfio_pci = has_module(s, "drivers/vfio/pci", "vfio-pci"),
                .kvmgt = has_module(s, "drivers/gpu/drm/i915", "kvmgt"),
                .gvt_where = option_where(&s->boot, &s->modprobe, "i915", "enable_gvt"),
                .guc_where = option_where(&s->boot, &s->modprobe, "i915", "enable_guc"),
        };

        check_kernel(&in, fs);
}
