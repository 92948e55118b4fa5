/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/scan-parts.h"

#include <stdarg.h>
#include <stdio.h>

#define VENDOR_NVIDIA 0x10de
#define VENDOR_AMD    0x1002

/* The driver's information file waits for its locks, which a stuck card may hold. */
#define NVIDIA_USEC (5 * USEC_PER_SEC)

static int add_node(Host *h, char ***nodes, const char *fmt, ...) _printf_(3, 4);
static int add_node(Host *h, char ***nodes, const char *fmt, ...)
{
        char path[320];
        va_list args;

        va_start(args, fmt);
        (void) vsnprintf(path, sizeof(path), fmt, args);
        va_end(args);
        if (strv_contains(*nodes, path) || !host_exists(h, path))
                return 0;
        return strv_append(nodes, path);
}

/* Nodes by the class they belong to: the node has the name of the class device. */
static int add_class_nodes(Host *h, const PciAddress *a, char ***nodes)
{
        static const struct {
                const char *class, *folder;
        } classes[] = {
                { "drm", "/dev/dri" }, { "sound", "/dev/snd" },      { "graphics", "/dev" },
                { "i2c-dev", "/dev" }, { "drm_dp_aux_dev", "/dev" }, { "block", "/dev" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
                _cleanup_strv_ char **names = NULL;
                char folder[64];
                int r;

                (void) snprintf(folder, sizeof(folder), "/sys/class/%s", classes[i].class);
                r = scan_class(h, folder, a, &names);
                if (r < 0)
                        return r;
                STRV_FOREACH (name, names) {
                        r = add_node(h, nodes, "%s/%s", classes[i].folder, *name);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static int add_usb_nodes(Host *h, const PciAddress *a, char ***nodes)
{
        _cleanup_strv_ char **names = NULL;
        int r;

        r = scan_class(h, "/sys/bus/usb/devices", a, &names);
        if (r < 0)
                return r;
        STRV_FOREACH (name, names) {
                _cleanup_free_ char *bus = NULL, *device = NULL;
                uint64_t b, d;

                if (strchr(*name, ':')) /* an interface, not a device */
                        continue;
                if ((r = scan_read(h, &bus, "/sys/bus/usb/devices/%s/busnum", *name)) < 0 ||
                    (r = scan_read(h, &device, "/sys/bus/usb/devices/%s/devnum", *name)) < 0)
                        return r;
                if (!bus || !device || parse_uint(bus, 999, &b) < 0 || parse_uint(device, 999, &d) < 0)
                        continue;
                r = add_node(h, nodes, "/dev/bus/usb/%03u/%03u", (unsigned) b, (unsigned) d);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* What shows the firmware's framebuffer of this function, where no driver of its own does. */
static int add_framebuffer_nodes(Host *h, const PciAddress *a, const HostFramebuffer *fbs, size_t n, char ***nodes)
{
        for (size_t i = 0; i < n; i++) {
                _cleanup_strv_ char **cards = NULL;
                int r = 0;

                if (!fbs[i].has_owner || pci_compare(&fbs[i].owner, a) != 0)
                        continue;
                if (fbs[i].index >= 0)
                        r = add_node(h, nodes, "/dev/fb%i", fbs[i].index);
                if (r >= 0 && fbs[i].platform)
                        r = scan_list(h, &cards, "/sys/bus/platform/devices/%s/drm", fbs[i].platform);
                STRV_FOREACH (card, cards) {
                        if (r >= 0)
                                r = add_node(h, nodes, "/dev/dri/%s", *card);
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_vfio_nodes(Host *h, const char *bdf, char ***nodes)
{
        _cleanup_free_ char *group = NULL;
        _cleanup_strv_ char **devices = NULL;
        int r;

        r = scan_link(h, &group, "/sys/bus/pci/devices/%s/iommu_group", bdf);
        if (r >= 0 && group)
                r = add_node(h, nodes, "/dev/vfio/%s", group);
        if (r >= 0)
                r = scan_list(h, &devices, "/sys/bus/pci/devices/%s/vfio-dev", bdf);
        STRV_FOREACH (d, devices) {
                if (r >= 0)
                        r = add_node(h, nodes, "/dev/vfio/devices/%s", *d);
        }
        return r;
}

static int add_nvidia_node(Host *h, const char *bdf, char ***nodes)
{
        _cleanup_free_ char *text = NULL;
        uint64_t deadline = h->deadline, now = host_now(h);
        char path[128], *line;
        unsigned minor_;
        int r;

        (void) snprintf(path, sizeof(path), "/proc/driver/nvidia/gpus/%s/information", bdf);
        if (!host_exists(h, path))
                return 0;
        h->deadline = MIN(deadline, now + NVIDIA_USEC);
        r = host_read_hand(h, path, &text);
        h->deadline = deadline;
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        line = strstr(text, "Device Minor:");
        if (!line || sscanf(line, "Device Minor: %u", &minor_) != 1)
                return 0;
        return add_node(h, nodes, "/dev/nvidia%u", minor_);
}

int scan_nodes_of(Host *h, const PciAddress *a, const HostFramebuffer *fbs, size_t n_fbs, char ***ret)
{
        _cleanup_strv_ char **nodes = NULL;
        char bdf[PCI_FORMAT_MAX];
        int r;

        pci_format(a, bdf);
        if ((r = add_class_nodes(h, a, &nodes)) < 0 || (r = add_framebuffer_nodes(h, a, fbs, n_fbs, &nodes)) < 0 ||
            (r = add_nvidia_node(h, bdf, &nodes)) < 0 || (r = add_usb_nodes(h, a, &nodes)) < 0 ||
            (r = add_vfio_nodes(h, bdf, &nodes)) < 0)
                return r;
        *ret = TAKE_PTR(nodes);
        return 0;
}

int scan_nodes(Host *h, const PciAddress *a, char ***ret)
{
        _cleanup_(hostview_freep) HostView *v = hostview_new();
        int r;

        if (!v)
                return -ENOMEM;
        r = scan_framebuffers(h, v);
        if (r < 0)
                return r;
        return scan_nodes_of(h, a, v->framebuffers, v->n_framebuffers, ret);
}

int scan_shared_nodes(Host *h, uint16_t vendor, char ***ret)
{
        static const char *const nvidia[] = { "/dev/nvidiactl", "/dev/nvidia-modeset", "/dev/nvidia-uvm",
                                              "/dev/nvidia-uvm-tools", NULL },
                                 *const amd[] = { "/dev/kfd", NULL };
        _cleanup_strv_ char **nodes = NULL;

        for (const char *const *p = vendor == VENDOR_NVIDIA ? nvidia
                                    : vendor == VENDOR_AMD  ? amd
                                                            : nvidia + 4;
             *p; p++) {
                int r = add_node(h, &nodes, "%s", *p);

                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(nodes);
        return 0;
}
