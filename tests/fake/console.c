/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

/* Framebuffers, the console on them, and the firmware's framebuffer, which a native or vfio driver throws out for good.
 * The "frame buffer device" console is there while any framebuffer is. */

static unsigned framebuffers(Fake *k)
{
        unsigned n = 0;

        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
        n += fn->present && fn->nodes[GIVE_FB] != NO;
        FOREACH(Platform, p, k->s.platforms, k->s.n_platforms)
        n += p->present && p->driver[0] && p->fb != NO;
        return n;
}

void console_framebuffer_added(Fake *k)
{
        k->dirty = true;
        if (k->s.fbcon_there)
                return; /* the second one changes nothing for the console, bound or not */
        k->s.fbcon_there = k->s.fbcon_bound = true;
        k->s.system_bound = false;
}

void console_framebuffer_gone(Fake *k)
{
        k->dirty = true;
        if (framebuffers(k) > 0)
                return;
        k->s.fbcon_there = k->s.fbcon_bound = false;
        k->s.system_bound = true;
}

static void platform_drop(Fake *k, Platform *p)
{
        bool had = p->driver[0] && p->fb != NO;

        p->driver[0] = '\0';
        p->fb = p->drm = NO;
        if (had)
                console_framebuffer_gone(k);
        fake_uevent(k);
}

/* A driver that takes the boot display removes the platform device itself; on a second card it removes only what lies
 * in that card's own memory. */
void console_evict(Fake *k, const Function *fn)
{
        FOREACH(Platform, p, k->s.platforms, k->s.n_platforms)
        if (p->present && streq(p->owner, fn->bdf)) {
                platform_drop(k, p);
                p->present = false;
        }
}

int store_console(Fake *k, const Node *n, const char *value)
{
        bool on = startswith(value, "1");

        /* always succeeds; only a modular "(M)" console listens */
        if (!startswith((const char *) n->object, "frame buffer") || !k->s.fbcon_there)
                return 0;
        k->s.fbcon_bound = on;
        k->s.system_bound = !on;
        k->dirty = true;
        return 0;
}

static const char *platform_driver(const Platform *p)
{
        if (p->simpledrm)
                return "simple-framebuffer";
        return startswith(p->name, "efi")    ? "efi-framebuffer"
               : startswith(p->name, "vesa") ? "vesa-framebuffer"
                                             : "simple-framebuffer";
}

int store_platform_bind(Fake *k, const Node *n, const char *value)
{
        FOREACH(Platform, p, k->s.platforms, k->s.n_platforms)
        {
                if (!p->present || !streq(p->name, value) || !streq(platform_driver(p), n->object))
                        continue;
                if (p->driver[0])
                        return -EBUSY;
                text_set(p->driver, platform_driver(p));
                if (p->simpledrm)
                        for (p->drm = 0;; p->drm++) {
                                bool used = false;

                                FOREACH(Function, fn, k->s.functions, k->s.n_functions)
                                used |= fn->present && fn->nodes[GIVE_DRM] == p->drm;
                                if (!used)
                                        break;
                        }
                for (p->fb = 0;; p->fb++) {
                        bool used = false;

                        FOREACH(Function, fn, k->s.functions, k->s.n_functions)
                        used |= fn->present && fn->nodes[GIVE_FB] == p->fb;
                        if (!used)
                                break;
                }
                console_framebuffer_added(k);
                fake_uevent(k);
                return 0;
        }
        return -ENODEV;
}

int store_platform_unbind(Fake *k, const Node *n, const char *value)
{
        FOREACH(Platform, p, k->s.platforms, k->s.n_platforms)
        if (p->present && streq(p->name, value) && streq(p->driver, n->object)) {
                platform_drop(k, p);
                return 0;
        }
        return -ENODEV;
}
