/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

/* The files of the host outside of /sys/devices/pci*: modules, consoles, platform devices, /proc, /dev. */

static void expand_module(Fake *k, Node *dir)
{
        const Module *m = dir->object;
        Node *holders = add_dir(k, dir, "holders"), *sys = dir->parent;
        char list[256], *at = list, *word;

        add_file(k, dir, "refcnt", "%d\n", module_refs(k, m));
        add_file(k, dir, "initstate", "%s\n", m->going ? "going" : "live");
        if (m->rides[0]) /* nvidia_drm */
                add_file(k, add_dir(k, dir, "parameters"), "modeset", "%s\n", m->holds ? "Y" : "N");
        module_holders(k, m, list, sizeof(list));
        while ((word = strsep(&at, " ")))
                if (*word)
                        add_link(k, holders, word, add_dir(k, sys, word));
}

static void expand_proc_modules(Fake *k, Node *n)
{
        char text[4096] = "", list[256];
        size_t used = 0;

        FOREACH(const Module, m, k->s.modules, k->s.n_modules)
        {
                if (!m->loaded)
                        continue;
                module_holders(k, m, list, sizeof(list));
                for (char *p = list; *p; p++)
                        if (*p == ' ')
                                *p = ',';
                used += (size_t) snprintf(text + used, sizeof(text) - used, "%s 65536 %d %s%s %s 0x0000000000000000\n",
                                          m->name, module_refs(k, m), list[0] ? list : "-", list[0] ? "," : "",
                                          m->going ? "Unloading" : "Live");
                if (used >= sizeof(text))
                        abort();
        }
        node_value(k, n, text);
}

static void render_modules(Fake *k)
{
        Node *sys = add_path(k, "/sys/module"), *drivers = add_path(k, "/sys/bus/pci/drivers");

        FOREACH(Module, m, k->s.modules, k->s.n_modules)
        {
                Node *dir, *driver;

                if (!m->loaded && !m->builtin)
                        continue;
                dir = add_dir(k, sys, m->name);
                if (m->loaded) {
                        dir->object = m;
                        dir->expand = expand_module;
                }
                if (!m->driver[0] || m->rides[0])
                        continue;
                driver = add_dir(k, drivers, m->driver);
                add_store(k, driver, "bind", store_bind, NULL, m->driver, "")->risky = true;
                add_store(k, driver, "unbind", store_unbind, NULL, m->driver, "")->risky = true;
                add_store(k, driver, "new_id", store_new_id, NULL, m->driver, "")->risky = true;
                add_store(k, driver, "remove_id", store_remove_id, NULL, m->driver, "");
                add_link(k, driver, "module", dir);
                add_link(k, add_dir(k, dir, "drivers"), files_string(k, "pci:%s", m->driver), driver);
        }
        add_lazy(k, add_path(k, "/proc"), "modules", expand_proc_modules);
}

static void render_console(Fake *k, unsigned n, const char *kind, const char *name, bool bound)
{
        char id[12];
        Node *dir;

        snprintf(id, sizeof(id), "vtcon%u", n);
        dir = add_dir(k, add_path(k, "/sys/devices/virtual/vtconsole"), id);
        add_file(k, dir, "name", "(%s) %s\n", kind, name);
        add_store(k, dir, "bind", store_console, NULL, (void *) (startswith(name, "frame") ? "frame buffer" : "other"),
                  bound ? "1\n" : "0\n");
        add_link(k, add_path(k, "/sys/class/vtconsole"), id, dir);
}

static void render_consoles(Fake *k)
{
        bool vga = streq(k->s.system_console, "VGA+");

        add_path(k, "/sys/class/vtconsole");
        if (k->s.system_console[0])
                render_console(k, 0, "S", k->s.system_console, k->s.system_bound && !(vga && k->s.fbcon_there));
        if (k->s.fbcon_there)
                render_console(k, 1, "M", "frame buffer device", k->s.fbcon_bound);
}

static void framebuffer(Fake *k, Node *device, int n, const char *name)
{
        Node *dir = add_dir(k, add_dir(k, device, "graphics"), files_string(k, "fb%d", n));

        add_file(k, dir, "name", "%s\n", name);
        add_file(k, dir, "dev", "29:%d\n", n);
        add_link(k, dir, "device", device);
        add_link(k, add_path(k, "/sys/class/graphics"), dir->name, dir);
        add_device(k, files_string(k, "/dev/fb%d", n), 29, (unsigned) n);
}

static const Module *fb_module(Fake *k, const Function *fn)
{
        FOREACH(Module, m, k->s.modules, k->s.n_modules)
        if ((m->loaded || m->builtin) && m->gives & 1U << GIVE_FB &&
            (streq(m->driver, fn->driver) || streq(m->rides, fn->driver)))
                return m;
        return NULL;
}

static void render_framebuffers(Fake *k)
{
        Node *bus = add_path(k, "/sys/bus/platform/devices"), *drivers = add_path(k, "/sys/bus/platform/drivers");
        char text[512] = "";
        size_t used = 0;

        add_path(k, "/sys/class/graphics");
        if (k->s.fbcon_there)
                add_file(k, add_path(k, "/sys/devices/virtual/graphics/fbcon"), "rotate", "0\n");
        FOREACH(Platform, p, k->s.platforms, k->s.n_platforms)
        {
                const char *driver = p->simpledrm || startswith(p->name, "simple") ? "simple-framebuffer"
                                     : startswith(p->name, "efi")                  ? "efi-framebuffer"
                                     : startswith(p->name, "vesa")                 ? "vesa-framebuffer"
                                                                                   : NULL;
                Node *dir, *drv = NULL;

                if (driver) {
                        drv = add_dir(k, drivers, driver);
                        if (!drv->child) {
                                add_store(k, drv, "bind", store_platform_bind, NULL, (void *) driver, "")->risky = true;
                                add_store(k, drv, "unbind", store_platform_unbind, NULL, (void *) driver, "")->risky =
                                        true;
                        }
                }
                if (!p->present)
                        continue;
                dir = add_path(k, files_string(k, "/sys/devices/platform/%s", p->name));
                add_link(k, dir, "subsystem", add_path(k, "/sys/bus/platform"));
                add_file(k, dir, "modalias", "platform:%s\n", driver ?: p->name);
                add_link(k, bus, p->name, dir);
                if (!p->driver[0] || !drv)
                        continue;
                add_link(k, dir, "driver", drv);
                add_link(k, drv, p->name, dir);
                if (p->fb != NO) {
                        framebuffer(k, dir, p->fb, p->fbname);
                        used += (size_t) snprintf(text + used, sizeof(text) - used, "%d %s\n", p->fb, p->fbname);
                }
                if (p->drm != NO) {
                        Node *card = add_dir(k, add_dir(k, dir, "drm"), files_string(k, "card%d", p->drm));

                        add_link(k, card, "device", dir);
                        add_file(k, card, "dev", "226:%d\n", p->drm);
                        add_link(k, add_path(k, "/sys/class/drm"), card->name, card);
                        add_device(k, files_string(k, "/dev/dri/card%d", p->drm), 226, (unsigned) p->drm);
                }
        }
        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        {
                const Module *m = fn->present && fn->nodes[GIVE_FB] != NO ? fb_module(k, fn) : NULL;

                if (!m)
                        continue;
                framebuffer(k, function_dir(k, fn), fn->nodes[GIVE_FB], m->fbname);
                used += (size_t) snprintf(text + used, sizeof(text) - used, "%d %s\n", fn->nodes[GIVE_FB], m->fbname);
        }
        add_file(k, add_path(k, "/proc"), "fb", "%s", text);
}

static void iomem_line(char *text, size_t size, int indent, uint64_t start, uint64_t length, const char *name)
{
        size_t used = strlen(text);

        snprintf(text + used, size - used, "%*s%08llx-%08llx : %.40s\n", indent, "", (unsigned long long) start,
                 (unsigned long long) (start + length - 1), name);
}

static void expand_iomem(Fake *k, Node *n)
{
        char text[4096] = "";

        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        {
                if (!fn->present || !fn->bar_size)
                        continue;
                iomem_line(text, sizeof(text), 2, fn->bar, fn->bar_size, fn->bdf);
                FOREACH(Platform, p, k->s.platforms, k->s.n_platforms)
                {
                        bool efi = startswith(p->name, "efi");

                        if (!p->present || !streq(p->owner, fn->bdf))
                                continue;
                        if (!efi) /* sysfb gives its simple-framebuffer the region itself */
                                iomem_line(text, sizeof(text), 4, p->bar, p->bar_size, "BOOTFB");
                        if (p->driver[0])
                                iomem_line(text, sizeof(text), efi ? 4 : 6, p->bar, p->bar_size,
                                           efi            ? "efifb"
                                           : p->simpledrm ? "simpledrm"
                                                          : "simplefb");
                }
        }
        node_value(k, n, text);
}

static void render_shared_nodes(Fake *k)
{
        const Module *m;
        bool nvidia = false;

        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        {
                if (!fn->present || fn->nodes[GIVE_NVIDIA] == NO)
                        continue;
                nvidia = true;
                add_file(k, add_path(k, files_string(k, "/proc/driver/nvidia/gpus/%s", fn->bdf)), "information",
                         "Model: \t\t NVIDIA GA104\nIRQ:   \t\t 32\nBus Location: \t %s\nDevice Minor: \t %d\n",
                         fn->bdf, fn->nodes[GIVE_NVIDIA]);
                add_device(k, files_string(k, "/dev/nvidia%d", fn->nodes[GIVE_NVIDIA]), 195,
                           (unsigned) fn->nodes[GIVE_NVIDIA]);
        }
        m = module_find(k, "nvidia");
        if (m && m->loaded && nvidia)
                add_device(k, "/dev/nvidiactl", 195, 255);
        m = module_find(k, "nvidia_modeset");
        if (m && m->loaded)
                add_device(k, "/dev/nvidia-modeset", 195, 254);
        m = module_find(k, "nvidia_uvm");
        if (m && m->loaded) {
                add_device(k, "/dev/nvidia-uvm", 511, 0);
                add_device(k, "/dev/nvidia-uvm-tools", 511, 1);
        }
        m = module_find(k, "amdgpu");
        if (m && m->loaded)
                add_device(k, "/dev/kfd", 236, 0);
        m = module_find(k, "vfio");
        if (m && (m->loaded || m->builtin))
                add_device(k, "/dev/vfio/vfio", 10, 196);
}

static void expand_process(Fake *k, Node *dir)
{
        const Holder *x = dir->object;

        add_file(k, dir, "stat", "%d (%s) S 1 %d %d 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 %llu 0 0\n", x->pid, x->comm,
                 x->pid, x->pid, (unsigned long long) x->start);
        add_file(k, dir, "comm", "%s\n", x->comm);
        add_file(k, dir, "cgroup", "0::%s\n", x->cgroup);
}

static void render_processes(Fake *k)
{
        Node *proc = add_path(k, "/proc");

        FOREACH(Holder, x, k->s.holders, k->s.n_holders)
        {
                Node *dir = add_dir(k, proc, files_string(k, "%d", x->pid));

                dir->object = x;
                dir->expand = expand_process;
        }
}

static void render_raw(Fake *k)
{
        FOREACH(Raw, x, k->s.raw, k->s.n_raw)
        {
                const char *value = k->s.pool + x->value, *slash = strrchr(x->path, '/');
                Node *dir;

                if (x->kind == 'd') {
                        add_path(k, x->path);
                        continue;
                }
                dir = add_path(k, files_string(k, "%.*s", (int) (slash - x->path), x->path));
                if (x->kind == 'l') {
                        add_link_text(k, dir, slash + 1, value);
                } else if (x->kind == 'c') {
                        unsigned major = 0, minor = 0;

                        (void) sscanf(value, "%u:%u", &major, &minor);
                        add_device(k, x->path, major, minor);
                } else {
                        add_file(k, dir, slash + 1, "%s", value)->object = x;
                }
        }
}

static void render_scripts(Fake *k)
{
        FOREACH(const Script, x, k->s.scripts, k->s.n_scripts)
        {
                const char *slash = strrchr(x->path, '/');

                add_file(k, add_path(k, files_string(k, "%.*s", (int) (slash - x->path), x->path)), slash + 1, "%s",
                         x->text);
        }
}

void render(Fake *k)
{
        static const char *const dirs[] = { "/dev/dri", "/dev/snd", "/dev/vfio", "/proc/sys/kernel/random",
                                            "/run/udev" };

        files_reset(k);
        for (unsigned i = 0; i < ARRAY_SIZE(dirs); i++)
                add_path(k, dirs[i]);
        add_file(k, add_path(k, "/proc/sys/kernel"), "osrelease", "%s\n", k->s.kernel);
        add_file(k, add_path(k, "/proc/sys/kernel/random"), "boot_id", "5b1f9b3e-6b0c-4a57-9f0e-2f8a1c7d4e60\n");
        render_modules(k);
        render_pci(k);
        render_consoles(k);
        render_framebuffers(k);
        add_lazy(k, add_path(k, "/proc"), "iomem", expand_iomem);
        render_shared_nodes(k);
        render_processes(k);
        if (k->s.udev_busy_until > k->s.clock)
                add_file(k, add_path(k, "/run/udev"), "queue", "%s", "");
        render_raw(k);
        render_scripts(k);
}
