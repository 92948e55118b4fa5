/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

#include <fnmatch.h>

/* The device files a driver gives to its function. Numbers are the lowest free ones, as the kernel's are. */

static bool taken(Fake *k, int give, int number)
{
        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        if (fn->present && fn->nodes[give] == number)
                return true;
        FOREACH(Platform, p, k->s.platforms, k->s.n_platforms)
        if (p->present && p->driver[0] &&
            ((give == GIVE_FB && p->fb == number) || (give == GIVE_DRM && p->drm == number)))
                return true;
        return false;
}

static int lowest(Fake *k, int give)
{
        int n = give == GIVE_RENDER ? 128 : give == GIVE_USB ? 1 : 0;

        while (taken(k, give, n))
                n++;
        return n;
}

void nodes_give(Fake *k, Function *fn, unsigned gives)
{
        /* only a display function gets a screen, only an audio function a sound card */
        if (fn->class >> 16 != 0x03)
                gives &= ~(1U << GIVE_DRM | 1U << GIVE_RENDER | 1U << GIVE_FB | 1U << GIVE_NVIDIA);
        for (int i = 0; i < GIVE_N_NUMBERED; i++) {
                if (!(gives & 1U << i) || fn->nodes[i] != NO)
                        continue;
                fn->nodes[i] = lowest(k, i);
                if (i == GIVE_DRM) { /* as a driver starts */
                        fn->brightness = fn->brightness_max;
                        fn->silent = fn->shy;
                }
                if (i == GIVE_FB)
                        console_framebuffer_added(k);
        }
        fake_uevent(k);
}

void nodes_take(Fake *k, Function *fn, unsigned gives)
{
        for (int i = 0; i < GIVE_N_NUMBERED; i++) {
                if (!(gives & 1U << i) || fn->nodes[i] == NO)
                        continue;
                fn->nodes[i] = NO;
                if (i == GIVE_SOUND)
                        fn->withdrawn = false; /* the next one is announced by its driver */
                if (i == GIVE_FB)
                        console_framebuffer_gone(k);
        }
        fake_uevent(k);
}

/* Every device file of one kind that a function has: at most four, by index. */
static bool give_path(const Function *fn, int give, int i, char *buf, size_t size)
{
        static const char *const sound[] = { "controlC%d", "pcmC%dD3p", "hwC%dD0", "pcmC%dD0p" };
        int n = give < GIVE_N_NUMBERED ? fn->nodes[give] : NO;
        char name[32];

        if (n == NO || (i > 0 && give != GIVE_SOUND) || i > 3)
                return false;
        switch (give) {
        case GIVE_DRM:
                snprintf(buf, size, "/dev/dri/card%d", n);
                return true;
        case GIVE_RENDER:
                snprintf(buf, size, "/dev/dri/renderD%d", n);
                return true;
        case GIVE_FB:
                snprintf(buf, size, "/dev/fb%d", n);
                return true;
        case GIVE_SOUND:
                snprintf(name, sizeof(name), sound[i], n);
                snprintf(buf, size, "/dev/snd/%s", name);
                return true;
        case GIVE_USB:
                snprintf(buf, size, "/dev/bus/usb/%03d/001", n);
                return true;
        case GIVE_I2C:
                snprintf(buf, size, "/dev/i2c-%d", n);
                return true;
        case GIVE_NVIDIA:
                snprintf(buf, size, "/dev/nvidia%d", n);
                return true;
        default:
                return false;
        }
}

bool node_path(Fake *k, const Function *fn, int i, char *buf, size_t size)
{
        if (!fn->present)
                return false;
        for (int give = 0; give < GIVE_N_NUMBERED; give++)
                for (int j = 0; give_path(fn, give, j, buf, size); j++)
                        if (i-- == 0)
                                return true;
        return false;
}

static const Module *giver(Fake *k, const Function *fn, int give)
{
        FOREACH(Module, m, k->s.modules, k->s.n_modules)
        if ((m->loaded || m->builtin) && m->gives & 1U << give &&
            (streq(m->driver, fn->driver) || (m->rides[0] && streq(m->rides, fn->driver))))
                return m;
        return NULL;
}

const Module *node_module(Fake *k, const char *path)
{
        char buf[64];

        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        for (int give = 0; fn->present && give < GIVE_N_NUMBERED; give++)
                for (int i = 0; give_path(fn, give, i, buf, sizeof(buf)); i++)
                        if (streq(buf, path))
                                return giver(k, fn, give);
        if (streq(path, "/dev/nvidiactl"))
                return module_find(k, "nvidia");
        if (streq(path, "/dev/nvidia-modeset"))
                return module_find(k, "nvidia_modeset");
        if (startswith(path, "/dev/nvidia-uvm"))
                return module_find(k, "nvidia_uvm");
        if (streq(path, "/dev/kfd"))
                return module_find(k, "amdgpu");
        if (startswith(path, "/dev/vfio/"))
                return module_find(k, streq(path, "/dev/vfio/vfio") ? "vfio" : "vfio_pci");
        return NULL;
}

bool node_exists(Fake *k, const char *path)
{
        return files_find(k, path, true) != NULL;
}

/* Would the nodes of this function's driver keep its remove() waiting? */
bool pci_unbind_waits(Fake *k, const Function *fn)
{
        const Module *m = module_of_driver(k, fn->driver);
        char path[64];

        if (!m || !m->waits)
                return false;
        FOREACH(Module, rider, k->s.modules, k->s.n_modules)
        if (rider->loaded && rider->holds && streq(rider->rides, fn->driver) && fn->nodes[GIVE_DRM] != NO)
                return true;
        for (int i = 0; node_path(k, fn, i, path, sizeof(path)); i++)
                FOREACH(Holder, x, k->s.holders, k->s.n_holders)
        if (word_in(x->nodes, path))
                return true;
        return false;
}

/* "remove" in a sound card's uevent file is how hookd asks a sound server to let go. */
int store_class_uevent(Fake *k, const Node *n, const char *value)
{
        char path[64];

        if (streq(n->parent->parent->name, "sound"))
                n->function->withdrawn = startswith(value, "remove");
        if (startswith(value, "remove"))
                for (int i = 0; node_path(k, n->function, i, path, sizeof(path)); i++)
                        FOREACH(Holder, x, k->s.holders, k->s.n_holders)
        if (word_in(x->nodes, path) && streq(x->leaves, "uevent"))
                (void) later_add(k, LATER_HOLDER_EXIT, 30 * USEC_PER_MSEC, "", x->pid);
        fake_uevent(k);
        return 0;
}

/* drm_sysfs.c: status_store() */
int store_connector(Fake *k, const Node *n, const char *value)
{
        if (!streq(value, "detect") && !streq(value, "on") && !streq(value, "off") && !streq(value, "on-digital"))
                return -EINVAL;
        if (streq(value, "detect"))
                n->function->silent = false;
        k->dirty = true;
        return 0;
}

int store_brightness(Fake *k, const Node *n, const char *value)
{
        uint64_t to;

        if (parse_uint(value, (uint64_t) n->function->brightness_max, &to) < 0)
                return -EINVAL;
        n->function->brightness = (int) to;
        k->dirty = true;
        return 0;
}
