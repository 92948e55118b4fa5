/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/hook-file.h"
#include "ctl/path.h"
#include "ctl/talk.h"
#include "ctl/units.h"
#include "wire/wire.h"

#include <stdio.h>

static void count_guest(void *userdata, const char *line)
{
        if (startswith(line, "guest\t"))
                ++*(unsigned *) userdata;
}

/* Without the hook nobody would tell hookd that a guest has stopped. */
static int refuse_while_held(const Ctl *c, Fault *f)
{
        bool elsewhere = *c->root && streq(c->socket, WIRE_SOCKET); /* this machine's hookd knows nothing of an image */
        unsigned guests = 0;

        if (c->force || elsewhere || talk(c->socket, WIRE_STATUS, NULL, -1, count_guest, &guests, f) < 0 || guests == 0)
                return 0;
        return fault_set(
                f, -EBUSY, NULL,
                "guests hold devices of this host (%u), which would not come back when they stop: stop them first "
                "(`hookctl status` lists them), or use --force",
                guests);
}

/* 0: gone, 1: left alone. */
static int remove_hook(const Ctl *c, Receipt *r, const char *path, Fault *f)
{
        _cleanup_free_ char *full = path_below(c->root, path);
        HookState state;
        int k;

        if (!full)
                return fault_set(f, -ENOMEM, NULL, "out of memory");
        k = hook_file_state(c->root, path, r, NULL, &state, f);
        if (k < 0)
                return k;
        if (state == HOOK_FOREIGN || state == HOOK_STRAY) {
                (void) printf("left alone %s: it is not what hookctl installed\n", full);
                return 1;
        }
        if (state != HOOK_ABSENT) {
                if (unlink(full) < 0)
                        return fault_set(f, -errno, path, "cannot remove %s: %s", full, fault_errno(-errno));
                (void) printf("removed %s\n", full);
        }
        receipt_drop(r, ITEM_FILE, path, NULL);
        return 0;
}

/* Only what enable made, innermost first, and only if nobody put something into it. */
static void remove_folders(const Ctl *c, Receipt *r)
{
        for (size_t i = r->n; i-- > 0;) {
                _cleanup_free_ char *full = NULL, *folder = NULL;

                if (!streq(r->items[i].kind, ITEM_FOLDER))
                        continue;
                folder = strdup(r->items[i].what);
                full = path_below(c->root, r->items[i].what);
                if (!full || !folder)
                        return;
                if (rmdir(full) == 0)
                        (void) printf("removed %s\n", full);
                else if (errno != ENOENT)
                        (void) printf("left alone %s: %s\n", full, fault_errno(-errno));
                receipt_drop(r, ITEM_FOLDER, folder, NULL);
        }
}

static int undo(const Ctl *c, Receipt *r, Fault *f)
{
        static const char *const hooks[] = { HOOK_MAIN, HOOK_ENTRY };
        bool here = !*c->root, foreign = false;
        int k = 0;

        for (size_t i = 0; k >= 0 && i < ARRAY_SIZE(hooks); i++)
                if (receipt_find(r, ITEM_FILE, hooks[i], NULL)) {
                        k = remove_hook(c, r, hooks[i], f);
                        foreign = foreign || k > 0;
                }
        if (k >= 0 && here)
                k = units_reload_libvirt(f);
        if (k >= 0 && here)
                k = units_stop(r, f);
        if (k >= 0)
                k = units_disable(c->root, r, f);
        if (k >= 0 && !foreign)
                remove_folders(c, r);
        return k < 0 ? k : foreign;
}

static int run(const Ctl *c)
{
        _cleanup_(receipt_clear) Receipt r = { 0 };
        Fault f = { 0 }, saving = { 0 };
        int k;

        if (receipt_load(c->root, &r, &f) < 0 || refuse_while_held(c, &f) < 0)
                return ctl_fail("%s", f.text);
        if (r.n == 0) {
                (void) puts("hookctl has installed nothing here");
                return 0;
        }
        k = undo(c, &r, &f);
        if (receipt_save(c->root, &r, &saving) < 0)
                return ctl_fail("%s", saving.text);
        return k < 0 ? ctl_fail("%s", f.text) : k;
}

const Verb verb_disable = {
        .name = "disable",
        .options = "root force socket",
        .arguments = "",
        .summary = "undo what enable did",
        .help = "Removes the hook and everything else that `hookctl enable` made, and nothing\n"
                "more: a hook that is not the one it installed stays, and the exit status is 1.\n"
                "Refuses while guests hold devices.\n",
        .run = run,
};
