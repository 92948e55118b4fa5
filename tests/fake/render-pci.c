/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

/* /sys of the PCI functions and of what their drivers give them. */

Node *function_dir(Fake *k, const Function *fn)
{
        const Function *up = fn->parent[0] ? function_find(k, fn->parent) : NULL;

        return up ? add_dir(k, function_dir(k, up), fn->bdf)
                  : add_dir(k, add_path(k, files_string(k, "/sys/devices/pci%.7s", fn->bdf)), fn->bdf);
}

static void device_file(Fake *k, Node *dir, const char *path, unsigned major, unsigned minor)
{
        add_file(k, dir, "dev", "%u:%u\n", major, minor);
        add_device(k, path, major, minor);
}

static void render_panel(Fake *k, Function *fn, Node *card)
{
        Node *port = add_dir(k, card, files_string(k, "%s-eDP-1", card->name)), *n;

        add_file(k, port, "status", "%s\n", "connected");
        add_link(k, add_path(k, "/sys/class/drm"), port->name, port);
        n = add_dir(k, port, fn->panel);
        add_file(k, n, "max_brightness", "%d\n", fn->brightness_max);
        add_store(k, n, "brightness", store_brightness, fn, NULL, files_string(k, "%d\n", fn->brightness))->risky =
                true;
        add_link(k, add_path(k, "/sys/class/backlight"), n->name, n);
}

static void render_drm(Fake *k, Function *fn, Node *dir)
{
        Node *drm = add_dir(k, dir, "drm"), *class = add_path(k, "/sys/class/drm");
        int card = fn->nodes[GIVE_DRM], render = fn->nodes[GIVE_RENDER];

        if (card != NO) {
                Node *n = add_dir(k, drm, files_string(k, "card%d", card)), *port;

                device_file(k, n, files_string(k, "/dev/dri/card%d", card), 226, (unsigned) card);
                add_link(k, n, "device", dir);
                add_link(k, class, n->name, n);
                port = add_dir(k, n, files_string(k, "card%d-HDMI-A-1", card));
                add_store(k, port, "status", store_connector, fn, NULL, fn->silent ? "disconnected\n" : "connected\n")
                        ->risky = true;
                add_file(k, port, "enabled", "%s\n", "enabled");
                add_link(k, port, "device", n);
                add_link(k, class, port->name, port);
                if (fn->panel[0])
                        render_panel(k, fn, n);
                add_store(k, n, "uevent", store_class_uevent, fn, NULL,
                          files_string(k, "MAJOR=226\nMINOR=%d\nDEVNAME=dri/card%d\nDEVTYPE=drm_minor\n", card, card));
        }
        if (render != NO) {
                Node *n = add_dir(k, drm, files_string(k, "renderD%d", render));

                device_file(k, n, files_string(k, "/dev/dri/renderD%d", render), 226, (unsigned) render);
                add_link(k, n, "device", dir);
                add_link(k, class, n->name, n);
        }
}

static void render_sound(Fake *k, Function *fn, Node *dir)
{
        static const char *const kinds[] = { "controlC%d", "pcmC%dD3p", "hwC%dD0", "pcmC%dD0p" };
        int card = fn->nodes[GIVE_SOUND];
        Node *n = add_dir(k, add_dir(k, dir, "sound"), files_string(k, "card%d", card));
        Node *class = add_path(k, "/sys/class/sound");

        add_file(k, n, "number", "%d\n", card);
        add_file(k, n, "id", "%s\n", "HDMI");
        add_link(k, n, "device", dir);
        add_link(k, class, n->name, n);
        add_store(k, n, "uevent", store_class_uevent, fn, NULL, "");
        if (!fn->withdrawn)
                add_file(k, add_path(k, "/run/udev/data"), files_string(k, "+sound:card%d", card), "%s",
                         "E:SOUND_INITIALIZED=1\n");
        for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
                char name[24];
                Node *sub;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                snprintf(name, sizeof(name), kinds[i], card);
#pragma GCC diagnostic pop
                sub = add_dir(k, n, name);
                device_file(k, sub, files_string(k, "/dev/snd/%s", name), 116, (unsigned) card * 32 + i);
                add_link(k, sub, "device", n);
                add_link(k, class, name, sub);
        }
}

static void render_other(Fake *k, Function *fn, Node *dir, unsigned gives)
{
        int usb = fn->nodes[GIVE_USB], i2c = fn->nodes[GIVE_I2C];

        if (usb != NO) {
                Node *n = add_dir(k, dir, files_string(k, "usb%d", usb));

                add_file(k, n, "busnum", "%d\n", usb);
                add_file(k, n, "devnum", "%d\n", 1);
                device_file(k, n, files_string(k, "/dev/bus/usb/%03d/001", usb), 189, ((unsigned) usb - 1) * 128);
                add_link(k, add_path(k, "/sys/bus/usb/devices"), n->name, n);
        }
        if (i2c != NO) {
                Node *n = add_dir(k, dir, files_string(k, "i2c-%d", i2c));
                Node *dev = add_dir(k, add_dir(k, n, "i2c-dev"), n->name);

                device_file(k, dev, files_string(k, "/dev/i2c-%d", i2c), 89, (unsigned) i2c);
                add_file(k, n, "name", "%s\n", "NVIDIA GPU I2C adapter");
                add_link(k, add_path(k, "/sys/class/i2c-dev"), n->name, dev);
        }
        if (gives & 1U << GIVE_BLOCK && fn->block[0]) {
                Node *n = add_dir(k, add_path(k, files_string(k, "/sys/class/nvme")), "nvme0");

                n = add_dir(k, add_dir(k, add_dir(k, dir, "nvme"), "nvme0"), fn->block);
                add_file(k, n, "size", "%d\n", 1000215216);
                add_link(k, add_path(k, "/sys/class/block"), fn->block, n);
                add_link(k, add_path(k, "/sys/block"), fn->block, n);
                device_file(k, n, files_string(k, "/dev/%s", fn->block), 259, 0);
                add_dir(k, n, "holders");
        }
        if (gives & 1U << GIVE_NET && fn->net[0]) {
                Node *n = add_dir(k, add_dir(k, dir, "net"), fn->net);

                add_file(k, n, "address", "%s\n", "52:54:00:12:34:56");
                add_link(k, n, "device", dir);
                add_link(k, add_path(k, "/sys/class/net"), fn->net, n);
        }
}

static void render_driver(Fake *k, Function *fn, Node *dir)
{
        Module *m = fn->leaving ? NULL : module_of_driver(k, fn->driver);
        Node *driver;

        if (!m)
                return;
        driver = add_path(k, files_string(k, "/sys/bus/pci/drivers/%s", m->driver));
        add_link(k, dir, "driver", driver);
        add_link(k, driver, fn->bdf, dir);
        if (m->vfio) {
                Node *n =
                        add_dir(k, add_dir(k, dir, "vfio-dev"), files_string(k, "vfio%d", (int) (fn - k->s.functions)));

                add_file(k, n, "dev", "%s\n", "243:0");
                add_device(k, files_string(k, "/dev/vfio/%d", fn->group), 243, (unsigned) fn->group);
                return;
        }
        if (fn->nodes[GIVE_DRM] != NO || fn->nodes[GIVE_RENDER] != NO)
                render_drm(k, fn, dir);
        if (fn->nodes[GIVE_SOUND] != NO)
                render_sound(k, fn, dir);
        render_other(k, fn, dir, m->gives);
}

static void render_power(Fake *k, Function *fn, Node *dir)
{
        Node *power = add_dir(k, dir, "power");

        if (fn->power_state[0])
                add_file(k, dir, "power_state", "%s\n", fn->power_state);
        if (fn->d3cold != NO)
                add_store(k, dir, "d3cold_allowed", store_d3cold, fn, NULL, fn->d3cold ? "1\n" : "0\n")->risky = true;
        add_store(k, power, "control", store_control, fn, NULL, files_string(k, "%s\n", fn->control))->risky = true;
        add_file(k, power, "runtime_status", "%s\n", startswith(fn->power_state, "D3") ? "suspended" : "active");
}

static void render_locked(Fake *k, Function *fn, Node *dir)
{
        Node *n;

        n = add_store(k, dir, "driver_override", store_override, fn, NULL,
                      files_string(k, "%s\n", fn->override[0] ? fn->override : "(null)"));
        n->risky = n->locks = true;
        n = add_file(k, dir, "uevent", "%s%s%sPCI_CLASS=%X\nPCI_ID=%04X:%04X\nPCI_SLOT_NAME=%s\n",
                     fn->driver[0] ? "DRIVER=" : "", fn->driver, fn->driver[0] ? "\n" : "", fn->class, fn->vendor,
                     fn->device, fn->bdf);
        n->function = fn;
        n->risky = n->locks = true;
        n = add_store(k, dir, "remove", store_remove, fn, NULL, "");
        n->risky = true;
        n = add_store(k, dir, "rescan", store_rescan, fn, NULL, "");
        n->risky = true;
        if (fn->has_reset) {
                add_store(k, dir, "reset_method", store_reset_method, fn, NULL, files_string(k, "%s\n", fn->reset_now))
                        ->risky = true;
                if (fn->reset_now[0])
                        add_store(k, dir, "reset", store_reset, fn, NULL, "")->risky = true;
        }
        if (fn->reset_subordinate)
                add_store(k, dir, "reset_subordinate", store_reset_subordinate, fn, NULL, "")->risky = true;
}

/* Six lines, one for each BAR; the one that can be resized is somewhere high. */
static void render_resources(Fake *k, Function *fn, Node *dir)
{
        char text[512] = "";
        size_t used = 0;

        for (int i = 0; i < 6; i++) {
                unsigned long long start = i == 0 ? fn->bar : 0, size = i == 0 ? fn->bar_size : 0;

                if (i == fn->rebar) {
                        start = 0x4000000000ULL;
                        size = (unsigned long long) fn->rebar_size << 20;
                }
                used += (size_t) snprintf(text + used, sizeof(text) - used, "0x%016llx 0x%016llx 0x%016x\n", start,
                                          size ? start + size - 1 : 0, size ? 0x40200 : 0);
        }
        add_file(k, dir, "resource", "%s", text);
        if (fn->rebar != NO)
                add_store(k, dir, files_string(k, "resource%d_resize", fn->rebar), store_resize, fn, NULL,
                          files_string(k, "%016llx\n", (unsigned long long) fn->rebar_sizes))
                        ->risky = true;
}

static void render_bus(Fake *k, Function *fn, Node *dir)
{
        FOREACH(Function, child, k->s.functions, k->s.n_functions)
        if (streq(child->parent, fn->bdf)) {
                Node *bus = add_dir(k, add_dir(k, dir, "pci_bus"), files_string(k, "%.7s", child->bdf));

                add_store(k, bus, "rescan", store_rescan, fn, NULL, "")->risky = true;
                add_file(k, dir, "secondary_bus_number", "%d\n", (int) strtol(child->bdf + 5, NULL, 16));
                add_link(k, add_path(k, "/sys/class/pci_bus"), bus->name, bus);
                return;
        }
}

static void expand_function(Fake *k, Node *dir)
{
        Function *fn = dir->function;

        add_file(k, dir, "vendor", "0x%04x\n", fn->vendor);
        add_file(k, dir, "device", "0x%04x\n", fn->device);
        add_file(k, dir, "class", "0x%06x\n", fn->class);
        add_file(k, dir, "subsystem_vendor", "0x%04x\n", fn->sub_vendor);
        add_file(k, dir, "subsystem_device", "0x%04x\n", fn->sub_device);
        add_file(k, dir, "modalias", "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", fn->vendor, fn->device,
                 fn->sub_vendor, fn->sub_device, fn->class >> 16, fn->class >> 8 & 0xff, fn->class & 0xff);
        if (fn->boot_vga != NO)
                add_file(k, dir, "boot_vga", "%d\n", fn->boot_vga);
        add_file(k, dir, "enable", "%d\n", fn->driver[0] != '\0');
        add_file(k, dir, "numa_node", "%d\n", -1);
        render_resources(k, fn, dir);
        add_file(k, dir, "config", "%c%c%c%c", fn->dead > 0 ? 0xff : fn->vendor & 0xff,
                 fn->dead > 0 ? 0xff : fn->vendor >> 8, fn->dead > 0 ? 0xff : fn->device & 0xff,
                 fn->dead > 0 ? 0xff : fn->device >> 8)
                ->risky = true;
        add_link(k, dir, "subsystem", add_path(k, "/sys/bus/pci"));
        render_power(k, fn, dir);
        render_locked(k, fn, dir);
        render_sriov_files(k, fn, dir);
}

static void render_function(Fake *k, Function *fn)
{
        Node *dir = function_dir(k, fn);

        dir->function = fn;
        dir->expand = expand_function;
        add_link(k, add_path(k, "/sys/bus/pci/devices"), fn->bdf, dir);
        if (fn->group != NO) {
                Node *group = add_path(k, files_string(k, "/sys/kernel/iommu_groups/%d", fn->group));

                add_file(k, group, "type", "%s\n", "DMA");
                add_link(k, add_dir(k, group, "devices"), fn->bdf, dir);
                add_link(k, dir, "iommu_group", group);
        }
        render_driver(k, fn, dir);
        render_bus(k, fn, dir);
}

void render_pci(Fake *k)
{
        Node *bus = add_path(k, "/sys/bus/pci");

        add_dir(k, bus, "devices");
        add_store(k, bus, "drivers_probe", store_probe, NULL, NULL, "")->risky = true;
        add_store(k, bus, "rescan", store_rescan, NULL, NULL, "")->risky = true;
        add_file(k, bus, "drivers_autoprobe", "%d\n", 1);
        add_path(k, "/sys/kernel/iommu_groups");
        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        if (fn->present)
                render_function(k, fn);
        render_sriov_links(k);
        render_mdevs(k);
}
