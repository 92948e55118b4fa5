/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/scan-parts.h"

#include <stdio.h>

#define PCI_DEVICES "/sys/bus/pci/devices"

static int scan_int(Host *h, const char *bdf, const char *attribute, int *ret)
{
        _cleanup_free_ char *text = NULL;
        uint64_t value;
        int r;

        *ret = -1;
        r = scan_read(h, &text, PCI_DEVICES "/%s/%s", bdf, attribute);
        if (r >= 0 && text && parse_uint(text, INT32_MAX, &value) >= 0)
                *ret = (int) value;
        return r;
}

static int scan_hex(Host *h, const char *bdf, const char *attribute, uint64_t max, uint64_t *ret, Fault *f)
{
        _cleanup_free_ char *text = NULL;
        char path[128];
        int r;

        (void) snprintf(path, sizeof(path), PCI_DEVICES "/%s/%s", bdf, attribute);
        r = host_read(h, path, &text);
        if (r >= 0)
                r = parse_hex(text, max, ret);
        if (r < 0 && r != -ENOENT && r != -ENODEV)
                return fault_set(f, r, bdf, "cannot read %s: %s", path, fault_errno(r));
        return r;
}

/* The bridge above: the last component but one of the real path. */
static int scan_parent(Host *h, const char *bdf, char **ret)
{
        _cleanup_free_ char *link = NULL;
        char path[128], *slash;
        PciAddress a;
        int r;

        (void) snprintf(path, sizeof(path), PCI_DEVICES "/%s", bdf);
        r = host_readlink_full(h, path, &link);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        slash = strrchr(link, '/');
        if (!slash)
                return 0;
        *slash = '\0';
        slash = strrchr(link, '/');
        if (!slash || pci_parse(slash + 1, &a) < 0)
                return 0;
        *ret = strdup(slash + 1);
        return *ret ? 0 : -ENOMEM;
}

/* How many virtual functions there are, and could be. sriov_numvfs itself is read under the device's lock (kernel 5.11
 * and later: sriov_numvfs_show()), so its links are counted. */
static int scan_sriov(Host *h, const char *bdf, HostFunction *fn)
{
        _cleanup_strv_ char **names = NULL;
        int r;

        r = scan_link(h, &fn->physfn, PCI_DEVICES "/%s/physfn", bdf);
        if (r >= 0)
                r = scan_int(h, bdf, "sriov_totalvfs", &fn->sriov_total);
        fn->sriov_total = MAX(fn->sriov_total, 0);
        if (r < 0 || fn->sriov_total == 0)
                return r;
        if ((r = scan_int(h, bdf, "sriov_offset", &fn->sriov_offset)) < 0 ||
            (r = scan_int(h, bdf, "sriov_stride", &fn->sriov_stride)) < 0 ||
            (r = scan_list(h, &names, PCI_DEVICES "/%s", bdf)) < 0)
                return r;
        fn->sriov_offset = MAX(fn->sriov_offset, 0); /* before 4.14 nobody says */
        fn->sriov_stride = MAX(fn->sriov_stride, 0);
        STRV_FOREACH (name, names)
                fn->sriov_vfs += startswith(*name, "virtfn");
        return 0;
}

/* 1: filled; 0: it went while we looked. What may block on a stuck card (uevent, driver_override) is not read. */
static int scan_function(Host *h, const char *bdf, HostFunction *fn, Fault *f)
{
        _cleanup_free_ char *group = NULL, *methods = NULL;
        uint64_t vendor, device, class, number;
        int r;

        r = scan_hex(h, bdf, "vendor", UINT16_MAX, &vendor, f);
        if (r >= 0)
                r = scan_hex(h, bdf, "device", UINT16_MAX, &device, f);
        if (r >= 0)
                r = scan_hex(h, bdf, "class", 0xffffff, &class, f);
        if (r < 0)
                return r == -ENOENT || r == -ENODEV ? 0 : r;
        fn->vendor = (uint16_t) vendor;
        fn->device = (uint16_t) device;
        fn->class = (uint32_t) class;
        fn->is_bridge = class >> 8 == 0x0604;
        fn->iommu_group = -1;

        if ((r = scan_int(h, bdf, "boot_vga", &fn->boot_vga)) < 0 ||
            (r = scan_int(h, bdf, "d3cold_allowed", &fn->d3cold_allowed)) < 0 ||
            (r = scan_int(h, bdf, "numa_node", &fn->numa_node)) < 0 ||
            (r = scan_link(h, &group, PCI_DEVICES "/%s/iommu_group", bdf)) < 0 ||
            (r = scan_link(h, &fn->driver, PCI_DEVICES "/%s/driver", bdf)) < 0 ||
            (r = scan_read(h, &fn->modalias, PCI_DEVICES "/%s/modalias", bdf)) < 0 ||
            (r = scan_read(h, &fn->power_state, PCI_DEVICES "/%s/power_state", bdf)) < 0 ||
            (r = scan_read(h, &fn->power_control, PCI_DEVICES "/%s/power/control", bdf)) < 0 ||
            (r = scan_read(h, &methods, PCI_DEVICES "/%s/reset_method", bdf)) < 0 ||
            (r = scan_parent(h, bdf, &fn->parent)) < 0 || (r = scan_sriov(h, bdf, fn)) < 0)
                return r;
        if (group && parse_uint(group, INT32_MAX, &number) >= 0)
                fn->iommu_group = (int) number;
        if (methods) {
                r = strv_split(methods, &fn->reset_method);
                if (r < 0)
                        return r;
        }
        fn->has_reset = scan_exists(h, PCI_DEVICES "/%s/reset", bdf);
        fn->has_reset_subordinate = scan_exists(h, PCI_DEVICES "/%s/reset_subordinate", bdf);
        return 1;
}

int scan_functions(Host *h, HostView *v, Fault *f)
{
        _cleanup_strv_ char **names = NULL, **groups = NULL;
        int r;

        r = scan_list(h, &names, PCI_DEVICES);
        if (r < 0)
                return r;
        v->functions = calloc(strv_length(names) + 1, sizeof(*v->functions));
        if (!v->functions)
                return -ENOMEM;
        STRV_FOREACH (name, names) {
                HostFunction *fn = v->functions + v->n_functions;

                if (pci_parse(*name, &fn->address) < 0)
                        continue;
                r = scan_function(h, *name, fn, f);
                if (r != 0)
                        v->n_functions++; /* also on failure: the view owns what was read */
                if (r < 0)
                        return r;
        }

        r = scan_list(h, &groups, "/sys/kernel/iommu_groups");
        v->have_iommu = groups && groups[0];
        return r;
}

/* Disks of an NVMe subsystem with several paths lie in a virtual folder, which links to its controllers. */
static int scan_nvme_subsystem(Host *h, const PciAddress *a, const char *disk, const char *link, bool *ret)
{
        const char *subsystem = strstr(link, "/nvme-subsystem/");
        _cleanup_strv_ char **controllers = NULL;
        _cleanup_free_ char *folder = NULL;
        int r;

        *ret = false;
        if (!subsystem)
                return 0;
        subsystem += strlen("/nvme-subsystem/");
        if (asprintf(&folder, "/sys/devices/virtual/nvme-subsystem/%.*s", (int) strcspn(subsystem, "/"), subsystem) <
            0) {
                folder = NULL;
                return -ENOMEM;
        }
        r = scan_class(h, folder, a, &controllers);
        STRV_FOREACH (c, controllers)
                *ret = *ret || startswith(*c, "nvme");
        return r;
}

int scan_blocks(Host *h, const PciAddress *a, char ***ret)
{
        _cleanup_strv_ char **disks = NULL;
        int r;

        r = scan_list(h, &disks, "/sys/block");
        STRV_FOREACH (disk, disks) {
                _cleanup_free_ char *link = NULL;
                char path[320];
                PciAddress near;
                bool mine;

                (void) snprintf(path, sizeof(path), "/sys/block/%s", *disk);
                r = host_readlink_full(h, path, &link);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        continue;
                mine = scan_nearest_function(link, &near) && pci_compare(&near, a) == 0;
                if (!mine) {
                        r = scan_nvme_subsystem(h, a, *disk, link, &mine);
                        if (r < 0)
                                return r;
                }
                if (mine && strv_append(ret, *disk) < 0)
                        return -ENOMEM;
        }
        return r == -ENOMEM ? r : 0;
}

int scan_function_devices(Host *h, const HostView *v, HostFunction *fn)
{
        _cleanup_strv_ char **drm = NULL, **sound = NULL;
        int r;

        if ((r = scan_class(h, "/sys/class/drm", &fn->address, &drm)) < 0 ||
            (r = scan_class(h, "/sys/class/sound", &fn->address, &sound)) < 0 ||
            (r = scan_class(h, "/sys/class/net", &fn->address, &fn->net)) < 0 ||
            (r = scan_class(h, "/sys/class/backlight", &fn->address, &fn->backlight)) < 0 ||
            (r = scan_blocks(h, &fn->address, &fn->block)) < 0 || (r = scan_connected(h, drm, fn)) < 0)
                return r;
        STRV_FOREACH (name, drm)
                if (!strchr(*name, '-') && (r = strv_append(&fn->drm, *name)) < 0) /* card0-HDMI-A-1: a connector */
                        return r;
        STRV_FOREACH (name, sound)
                if (startswith(*name, "card") && (r = strv_append(&fn->sound, *name)) < 0)
                        return r;
        return scan_nodes_of(h, &fn->address, v->framebuffers, v->n_framebuffers, &fn->nodes);
}
