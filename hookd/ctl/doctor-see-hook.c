/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-sight.h"

#include "ctl/path.h"
#include "ctl/record.h"
#include "ctl/talk.h"
#include "host/service.h"
#include "wire/wire.h"

#include <stdio.h>
#include <sys/stat.h>

static bool has_late_scripts(const Sight *s, const char *path)
{
        static const char *const events[] = { "started", "reconnect" };
        char folder[512];

        for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
                (void) snprintf(folder, sizeof(folder), "%s/%s", path, events[i]);
                if (host_exists(s->host, folder))
                        return true;
        }
        return false;
}

/* 0, also where it went meanwhile; -errno: cannot be looked at. */
static int see_entry(const Sight *s, const char *path, const Receipt *receipt, const HookImage *image, HookEntry **list,
                     size_t *n)
{
        _cleanup_free_ char *full = path_below(s->ctl->root, path);
        HookEntry *grown, x = { 0 };
        struct stat st;
        Fault f = { 0 };

        if (!full)
                return -ENOMEM;
        if (lstat(full, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        x.link = S_ISLNK(st.st_mode);
        x.changed = (uint64_t) st.st_ctim.tv_sec * USEC_PER_SEC + (uint64_t) st.st_ctim.tv_nsec / 1000;
        if (x.link && stat(full, &st) < 0)
                return 0; /* it leads nowhere: libvirt passes over it, too */
        x.folder = S_ISDIR(st.st_mode);
        x.executable = !x.folder && (st.st_mode & 0111);
        x.open = st.st_mode & S_IWOTH;
        x.kills = x.folder && has_late_scripts(s, path);
        x.state = HOOK_FOREIGN;
        if (!x.folder && hook_file_state(s->ctl->root, path, receipt, image, &x.state, &f) < 0)
                x.state = HOOK_FOREIGN;
        if (!x.folder && x.state == HOOK_FOREIGN && host_read(s->host, path, &x.text) < 0)
                x.text = NULL;
        x.path = strdup(path);
        grown = x.path ? reallocarray(*list, *n + 1, sizeof(**list)) : NULL;
        if (!grown) {
                free(x.path);
                free(x.text);
                return -ENOMEM;
        }
        *list = grown;
        grown[(*n)++] = x;
        return 0;
}

typedef struct Callers {
        int pids[64];
        size_t n;
} Callers;

/* A guest's record names the libvirt daemon whose hook hookd has answered. */
static void note_caller(void *userdata, const char *line)
{
        Callers *c = userdata;
        Records r = { 0 };
        uint64_t pid;

        if (startswith(line, "guest\t") && records_add(&r, line) >= 0 && c->n < ARRAY_SIZE(c->pids) &&
            parse_uint(record_value(&r.list[0], "caller"), INT32_MAX, &pid) >= 0 && pid > 0)
                c->pids[c->n++] = (int) pid;
        records_clear(&r);
}

static void see_daemons(const Sight *s, const HookEntry *ours, Findings *fs)
{
        LibvirtDaemon daemons[] = { { .unit = "libvirtd.service" }, { .unit = "virtqemud.service" } };
        Callers callers = { .n = 0 };
        Fault f = { 0 };

        if (!s->here)
                return;
        (void) talk(s->ctl->socket, WIRE_STATUS, NULL, -1, note_caller, &callers, &f);
        for (size_t i = 0; i < ARRAY_SIZE(daemons); i++) {
                ServiceInfo info;
                int r = host_service(s->host, daemons[i].unit, &info);

                if (r < 0 && r != -ENOENT) {
                        finding_add(fs, AREA_HOOK, FINDING_UNKNOWN,
                                    "whether %s knows the hook cannot be seen: systemd did not answer: %s",
                                    daemons[i].unit, fault_errno(r));
                        continue;
                }
                daemons[i].running = r >= 0 && streq(info.active, "active");
                daemons[i].looked = info.changed;
                for (size_t k = 0; k < callers.n; k++)
                        daemons[i].proven = daemons[i].proven || (info.pid > 0 && callers.pids[k] == info.pid);
        }
        check_hook_seen(ours, daemons, ARRAY_SIZE(daemons), fs);
}

void see_hook(const Sight *s, Findings *fs)
{
        _cleanup_(hook_image_clear) HookImage image = { 0 };
        _cleanup_(receipt_clear) Receipt receipt = { 0 };
        _cleanup_strv_ char **names = NULL;
        HookEntry *list = NULL;
        HookInput in = { .version = s->libvirt, .contained = s->containers };
        Fault f = { 0 };
        size_t n = 0;
        int r;

        if (hook_image_load(s->ctl->shim, &image, &f) < 0) {
                finding_add(fs, AREA_HOOK, FINDING_PROBLEM, "%s", f.text);
                finding_fix(fs, "install hookd's package again");
        }
        if (receipt_load(s->ctl->root, &receipt, &f) < 0)
                finding_add(fs, AREA_HOOK, FINDING_PROBLEM, "%s", f.text);
        r = see_entry(s, HOOK_MAIN, &receipt, image.data ? &image : NULL, &list, &n);
        if (r >= 0 && (r = host_list(s->host, HOOK_D_FOLDER, &names)) == -ENOENT)
                r = 0;
        STRV_FOREACH (name, names) {
                char path[512];

                (void) snprintf(path, sizeof(path), HOOK_D_FOLDER "/%s", *name);
                if (r >= 0)
                        r = see_entry(s, path, &receipt, image.data ? &image : NULL, &list, &n);
        }
        in.denied = r < 0;
        in.entries = list;
        in.n = n;
        check_hook(&in, fs);
        see_containers(s, image.data ? &image : NULL, &receipt, fs);
        see_daemons(s, hook_ours(&in), fs);
        for (size_t i = 0; i < n; i++) {
                free(list[i].path);
                free(list[i].text);
        }
        free(list);
}
