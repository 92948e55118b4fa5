/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/scan-parts.h"

#include <stdio.h>

#define PLATFORM "/sys/bus/platform/devices"

int scan_consoles(Host *h, HostView *v)
{
        _cleanup_strv_ char **names = NULL;
        int r;

        r = scan_list(h, &names, "/sys/class/vtconsole");
        if (r < 0)
                return r;
        STRV_FOREACH (id, names) {
                _cleanup_free_ char *name = NULL, *bound = NULL;
                HostConsole *c;

                if ((r = scan_read(h, &name, "/sys/class/vtconsole/%s/name", *id)) < 0 ||
                    (r = scan_read(h, &bound, "/sys/class/vtconsole/%s/bind", *id)) < 0)
                        return r;
                if (!name || !bound) /* it went while we looked */
                        continue;
                c = scan_grow(&v->consoles, &v->n_consoles, sizeof(*c));
                if (!c)
                        return -ENOMEM;
                c->id = strdup(*id);
                c->name = TAKE_PTR(name);
                c->bound = streq(bound, "1");
                if (!c->id)
                        return -ENOMEM;
        }
        return 0;
}

/* Which function's memory holds a region that neither PCI nor the function's own driver named: that is where the
 * firmware's framebuffer lies. Nesting in /proc/iomem is by indentation; addresses may be zeroed. A region with the
 * platform device's name settles it; else it must be one display controller alone. 1, 0 or -ENOMEM. */
static int owner_from_iomem(Host *h, const char *platform, PciAddress *ret)
{
        _cleanup_free_ char *text = NULL;
        struct {
                size_t indent;
                PciAddress address;
        } function = {};
        bool inside = false, several = false, found = false;
        char *rest, *line;
        int r;

        r = scan_read(h, &text, "/proc/iomem");
        if (r < 0)
                return r;
        rest = text;
        while ((line = strsep(&rest, "\n"))) {
                _cleanup_free_ char *class = NULL, *driver = NULL;
                size_t indent = strspn(line, " "), len;
                char *name = strstr(line, " : "), bdf[PCI_FORMAT_MAX];
                PciAddress a;

                if (!name)
                        continue;
                name += 3;
                if (inside && indent <= function.indent)
                        inside = false;
                if (pci_parse(name, &a) >= 0) {
                        inside = true;
                        function.indent = indent;
                        function.address = a;
                        continue;
                }
                if (!inside || startswith(name, "PCI "))
                        continue;

                pci_format(&function.address, bdf);
                if (streq(name, platform)) {
                        *ret = function.address;
                        return 1;
                }
                if ((r = scan_read(h, &class, "/sys/bus/pci/devices/%s/class", bdf)) < 0 ||
                    (r = scan_link(h, &driver, "/sys/bus/pci/devices/%s/driver", bdf)) < 0)
                        return r;
                len = driver ? strlen(driver) : 0;
                if (!class || !startswith(class, "0x03") || (driver && strncmp(name, driver, len) == 0))
                        continue;
                several = several || (found && pci_compare(ret, &function.address) != 0);
                *ret = function.address;
                found = true;
        }
        return found && !several;
}

static int owner_from_boot_vga(Host *h, PciAddress *ret)
{
        _cleanup_strv_ char **names = NULL;
        int r;

        r = scan_list(h, &names, "/sys/bus/pci/devices");
        if (r < 0)
                return r;
        STRV_FOREACH (name, names) {
                _cleanup_free_ char *text = NULL;

                r = scan_read(h, &text, "/sys/bus/pci/devices/%s/boot_vga", *name);
                if (r < 0)
                        return r;
                if (text && streq(text, "1") && pci_parse(*name, ret) >= 0)
                        return 1;
        }
        return 0;
}

/* fb->platform is set: whose memory does it show? */
static int find_owner(Host *h, HostFramebuffer *fb)
{
        _cleanup_free_ char *link = NULL;
        char path[320];
        int r;

        (void) snprintf(path, sizeof(path), PLATFORM "/%s", fb->platform);
        r = host_readlink_full(h, path, &link);
        if (r == -ENOMEM)
                return r;
        if (r >= 0 && scan_nearest_function(link, &fb->owner)) { /* newer kernels: a child of the function */
                fb->has_owner = true;
                return 0;
        }
        r = owner_from_iomem(h, fb->platform, &fb->owner);
        /* Some drivers go on without their region. What is no firmware framebuffer (a virtual or a USB display) has
         * none either: the boot display's is assumed only for what the kernel's sysfb names so. */
        if (r == 0 && strstr(fb->platform, "framebuffer"))
                r = owner_from_boot_vga(h, &fb->owner);
        if (r < 0)
                return r;
        fb->has_owner = r > 0;
        return 0;
}

static HostFramebuffer *add_framebuffer(HostView *v, int index, const char *name)
{
        HostFramebuffer *fb = scan_grow(&v->framebuffers, &v->n_framebuffers, sizeof(*fb));

        if (!fb)
                return NULL;
        fb->index = index;
        fb->name = strdup(name);
        return fb->name ? fb : NULL;
}

/* "0 EFI VGA" of /proc/fb. The device behind it is a PCI function, or a platform device that may belong to one. */
static int scan_framebuffer(Host *h, int index, const char *name, HostView *v)
{
        _cleanup_free_ char *device = NULL, *link = NULL;
        HostFramebuffer *fb;
        char path[64];
        int r;

        fb = add_framebuffer(v, index, name);
        if (!fb)
                return -ENOMEM;
        r = scan_link(h, &device, "/sys/class/graphics/fb%i/device", index);
        if (r < 0 || !device)
                return r;
        if (scan_exists(h, PLATFORM "/%s", device)) {
                fb->platform = TAKE_PTR(device);
                r = scan_link(h, &fb->driver, PLATFORM "/%s/driver", fb->platform);
                return r < 0 ? r : find_owner(h, fb);
        }
        (void) snprintf(path, sizeof(path), "/sys/class/graphics/fb%i", index);
        r = host_readlink_full(h, path, &link);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        fb->has_owner = scan_nearest_function(link, &fb->owner);
        return 0;
}

/* A platform device with a driver and a DRM card, but no fb node: simpledrm and its like, when it shows some function's
 * memory. By what it is, not by its name. */
static int scan_platform_display(Host *h, const char *device, HostView *v)
{
        _cleanup_free_ char *driver = NULL;
        _cleanup_strv_ char **cards = NULL;
        HostFramebuffer *fb;
        int r;

        for (size_t i = 0; i < v->n_framebuffers; i++)
                if (streq0(v->framebuffers[i].platform, device))
                        return 0;
        r = scan_list(h, &cards, PLATFORM "/%s/drm", device);
        if (r < 0 || !cards)
                return r;
        r = scan_link(h, &driver, PLATFORM "/%s/driver", device);
        if (r < 0 || !driver)
                return r;

        fb = add_framebuffer(v, -1, driver);
        if (!fb)
                return -ENOMEM;
        fb->driver = TAKE_PTR(driver);
        fb->platform = strdup(device);
        if (!fb->platform)
                return -ENOMEM;
        r = find_owner(h, fb);
        if (r >= 0 && !fb->has_owner) { /* a board's own display controller, or a virtual one */
                free(fb->name);
                free(fb->platform);
                free(fb->driver);
                v->n_framebuffers--;
        }
        return r;
}

int scan_framebuffers(Host *h, HostView *v)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_strv_ char **devices = NULL;
        char *rest, *line;
        int r;

        r = scan_read(h, &text, "/proc/fb");
        if (r < 0)
                return r;
        rest = text;
        while ((line = strsep(&rest, "\n"))) {
                char *name = strchr(line, ' ');
                uint64_t index;

                if (!name)
                        continue;
                *name++ = '\0';
                if (parse_uint(line, INT32_MAX, &index) < 0)
                        continue;
                r = scan_framebuffer(h, (int) index, name, v);
                if (r < 0)
                        return r;
        }

        r = scan_list(h, &devices, PLATFORM);
        STRV_FOREACH (device, devices) {
                if (r >= 0)
                        r = scan_platform_display(h, *device, v);
        }
        return r;
}
