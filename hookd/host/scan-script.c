/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/scan-parts.h"

#include <stdio.h>

/* The administrator's scripts for a guest: hookd's own folders, and the layout below libvirt's hooks that libvirt
 * itself does not look into, but that everybody's dispatcher script made usual. */

#define HOOKS_D    "/etc/hookd/hooks.d"
#define QEMU_D     "/etc/libvirt/hooks/qemu.d"
#define DISPATCHER "/etc/libvirt/hooks/qemu"

/* What an editor or a package manager leaves behind. */
static bool is_leftover(const char *name)
{
        static const char *const ends[] = { "~",         ".bak",       ".orig",     ".rej",     ".swp",
                                            ".dpkg-old", ".dpkg-dist", ".dpkg-new", ".rpmsave", ".rpmnew" };

        for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
                if (endswith(name, ends[i]))
                        return true;
        return *name == '.';
}

static int add(HostView *v, HookOp event, const char *path, const FileLook *look)
{
        HostScript *s = scan_grow(&v->scripts, &v->n_scripts, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->event = event;
        s->path = strdup(path);
        s->distrust = *look->distrust ? strdup(look->distrust) : NULL;
        return !s->path || (*look->distrust && !s->distrust) ? -ENOMEM : 0;
}

/* The executables of a folder by name, or the one executable that lies in the folder's place. */
static int scan_event(Host *h, HookOp event, const char *folder, HostView *v, Fault *f)
{
        _cleanup_strv_ char **names = NULL;
        FileLook look;
        int r;

        r = host_look(h, folder, &look);
        if (r == -ENOENT || r == -ENOTDIR)
                return 0;
        if (r >= 0 && !look.folder)
                return look.executable ? add(v, event, folder, &look) : 0;
        if (r >= 0)
                r = host_list(h, folder, &names);
        if (r < 0)
                return fault_set(f, r, folder, "cannot look for scripts in %s: %s", folder, fault_errno(r));
        STRV_FOREACH (name, names) {
                char path[640];

                if (is_leftover(*name))
                        continue;
                (void) snprintf(path, sizeof(path), "%s/%s", folder, *name);
                r = host_look(h, path, &look);
                if (r == -ENOENT) /* a link that leads nowhere */
                        continue;
                if (r < 0)
                        return fault_set(f, r, path, "cannot look at the script %s: %s", path, fault_errno(r));
                if (look.executable && add(v, event, path, &look) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* Does somebody hand these folders on already? Then nothing in them shall run twice. hookd's own hook is a binary. */
static bool has_dispatcher(Host *h)
{
        _cleanup_free_ char *text = NULL;
        FileLook look;

        return host_look(h, DISPATCHER, &look) >= 0 && look.executable && host_read(h, DISPATCHER, &text) >= 0 &&
               strstr(text, "qemu.d");
}

int scan_scripts(Host *h, const char *domain, HostView *v, Fault *f)
{
        bool own, nested;
        char folder[512];
        int r = 0;

        if (!domain || strchr(domain, '/') || streq(domain, ".") || streq(domain, "..") || strlen(domain) > 255)
                return 0;
        (void) snprintf(folder, sizeof(folder), HOOKS_D "/%s", domain);
        own = host_exists(h, folder);
        (void) snprintf(folder, sizeof(folder), QEMU_D "/%s", domain);
        nested = host_exists(h, folder) && !has_dispatcher(h);
        for (HookOp op = HOOK_PREPARE; op < HOOK_ATTACH && (own || nested) && r >= 0; op++) {
                if (own) {
                        (void) snprintf(folder, sizeof(folder), HOOKS_D "/%s/%s", domain, hook_op_name(op));
                        r = scan_event(h, op, folder, v, f);
                }
                if (nested && r >= 0) {
                        (void) snprintf(folder, sizeof(folder), QEMU_D "/%s/%s", domain, hook_op_label(op));
                        r = scan_event(h, op, folder, v, f);
                }
        }
        return r;
}
