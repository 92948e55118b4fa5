/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/hook-file.h"
#include "ctl/path.h"
#include "ctl/units.h"

#include <stdio.h>

typedef struct Place {
        const char *path;
        HookState state;
} Place;

/* libvirt runs hooks/qemu and then everything in hooks/qemu.d: ours stays where it is, or takes what is free. */
static int choose(const Ctl *c, const Receipt *r, const HookImage *image, Place *ret, Fault *f)
{
        HookState at_main, at_entry;
        int k;

        k = hook_file_state(c->root, HOOK_MAIN, r, image, &at_main, f);
        if (k >= 0)
                k = hook_file_state(c->root, HOOK_ENTRY, r, image, &at_entry, f);
        if (k < 0)
                return k;
        if (at_main == HOOK_STRAY || at_entry == HOOK_STRAY)
                return fault_set(
                        f, -EEXIST, HOOK_MAIN,
                        "%s%s is a hook of hookd's that this hookctl did not install: nothing was changed. Remove it, "
                        "then run `hookctl enable` again",
                        c->root, at_main == HOOK_STRAY ? HOOK_MAIN : HOOK_ENTRY);
        if (at_main == HOOK_CURRENT || at_main == HOOK_OLD)
                *ret = (Place){ HOOK_MAIN, at_main };
        else if (at_entry == HOOK_CURRENT || at_entry == HOOK_OLD)
                *ret = (Place){ HOOK_ENTRY, at_entry };
        else if (at_main == HOOK_ABSENT)
                *ret = (Place){ HOOK_MAIN, HOOK_ABSENT };
        else if (at_entry == HOOK_ABSENT)
                *ret = (Place){ HOOK_ENTRY, HOOK_ABSENT };
        else
                return fault_set(
                        f, -EEXIST, HOOK_ENTRY,
                        "%s%s and %s%s exist and are not what hookctl installed: nothing was changed. Move the second "
                        "away if it is an old hook of hookd's",
                        c->root, HOOK_MAIN, c->root, HOOK_ENTRY);
        return 0;
}

static int install(const Ctl *c, Receipt *r, const HookImage *image, const Place *place, Fault *f)
{
        _cleanup_free_ char *folder = strndup(place->path, (size_t) (strrchr(place->path, '/') - place->path));
        bool replace = place->state == HOOK_OLD;
        int k;

        if (place->state == HOOK_CURRENT && receipt_find(r, ITEM_FILE, place->path, image->fingerprint)) {
                (void) printf("%s%s is installed already\n", c->root, place->path);
                return 0;
        }
        k = folder ? receipt_add_folders(r, c->root, folder) : -ENOMEM;
        if (k >= 0)
                k = receipt_add(r, ITEM_FILE, place->path, image->fingerprint);
        if (k < 0)
                return fault_set(f, k, NULL, "out of memory");
        k = receipt_save(c->root, r, f); /* the old fingerprint is still in it: a crash leaves nothing unknown */
        if (k < 0)
                return k;
        if (place->state != HOOK_CURRENT) {
                k = path_make(c->root, folder);
                if (k < 0)
                        return fault_set(f, k, folder, "cannot make the folder %s%s: %s", c->root, folder,
                                         fault_errno(k));
                k = hook_file_install(c->root, place->path, image, replace, f);
                if (k < 0)
                        return k;
        }
        receipt_drop(r, ITEM_FILE, place->path, image->fingerprint);
        k = receipt_save(c->root, r, f);
        if (k < 0)
                return k;
        (void) printf("%s %s%s%s\n", replace ? "renewed" : "installed", c->root, place->path,
                      streq(place->path, HOOK_ENTRY) ? ", beside the hook that is there" : "");
        return 0;
}

static int run(const Ctl *c)
{
        _cleanup_(hook_image_clear) HookImage image = { 0 };
        _cleanup_(receipt_clear) Receipt r = { 0 };
        bool here = !*c->root;
        Fault f = { 0 };
        Place place = { NULL, HOOK_ABSENT };
        int k;

        k = hook_image_load(c->shim, &image, &f);
        if (k >= 0)
                k = receipt_load(c->root, &r, &f);
        if (k >= 0)
                k = choose(c, &r, &image, &place, &f);
        /* The socket first: from the moment the hook is there, guests with a card need it. */
        if (k >= 0)
                k = units_enable(c->root, &r, &f);
        if (k >= 0 && here)
                k = units_start(&r, &f);
        if (k >= 0)
                k = install(c, &r, &image, &place, &f);
        if (k >= 0 && here)
                k = units_reload_libvirt(&f);
        return k < 0 ? ctl_fail("%s", f.text) : 0;
}

const Verb verb_enable = {
        .name = "enable",
        .options = "root shim",
        .arguments = "",
        .summary = "install the hook into libvirt's folder and start hookd.socket",
        .help = "Installs hookd's hook as " HOOK_MAIN ", or, where that exists\n"
                "already, as " HOOK_ENTRY "; an existing hook is never\n"
                "overwritten. Enables and starts " SOCKET_UNIT ", and lets a running libvirt\n"
                "look for hooks. Run it again after an upgrade of hookd.\n",
        .run = run,
};
