/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-sight.h"

#include "ctl/check.h"
#include "ctl/path.h"
#include "ctl/talk.h"
#include "ctl/units.h"
#include "host/service.h"
#include "wire/wire.h"

#include <stdio.h>
#include <sys/xattr.h>

static bool in_unit_folder(const Sight *s, const char *unit)
{
        static const char *const folders[] = { "/etc/systemd/system", "/usr/local/lib/systemd/system",
                                               "/usr/lib/systemd/system", "/lib/systemd/system" };
        char path[256];

        for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
                (void) snprintf(path, sizeof(path), "%s/%s", folders[i], unit);
                if (host_exists(s->host, path))
                        return true;
        }
        return false;
}

void see_hookd(const Sight *s, Findings *fs)
{
        static const char *const dropins[] = { "/etc/systemd/system/" SERVICE_UNIT ".d" }, *const journald[] = {
                "/etc/systemd/journald.conf.d", "/run/systemd/journald.conf.d", "/usr/lib/systemd/journald.conf.d"
        };
        _cleanup_(text_files_clear) TextFiles of_unit = { 0 }, of_journal = { 0 };
        _cleanup_free_ char *link = NULL;
        Records records = { 0 };
        ServiceInfo socket, service;
        Fault f = { 0 };
        HookdInput in = { .dropins = &of_unit, .journald = &of_journal };

        in.unit_file = in_unit_folder(s, SOCKET_UNIT);
        in.enabled = host_readlink(s->host, WANTS_LINK, &link) >= 0;
        in.journal_folder = host_exists(s->host, "/var/log/journal");
        if (text_files_add_folders(&of_unit, s->host, dropins, 1, ".conf") < 0 ||
            text_files_add(&of_journal, s->host, "/etc/systemd/journald.conf") < 0 ||
            text_files_add_folders(&of_journal, s->host, journald, ARRAY_SIZE(journald), ".conf") < 0)
                fs->failed = true;
        if (s->here && in.unit_file) {
                if (host_service(s->host, SOCKET_UNIT, &socket) >= 0)
                        in.socket = socket.active;
                if (host_service(s->host, SERVICE_UNIT, &service) >= 0)
                        in.service = service.active;
        }
        if (s->here) {
                int r = talk_records(s->ctl->socket, WIRE_STATUS, &records, &f);

                in.status = r >= 0 ? &records : NULL;
                in.silent = r < 0 ? f.text : NULL;
                in.deaf = r == -ENOENT;
        }
        check_hookd(&in, fs);
        records_clear(&records);
}

static char *read_of(int pid, const char *name, const Sight *s)
{
        char path[64], *text = NULL;

        (void) snprintf(path, sizeof(path), "/proc/%i/%s", pid, name);
        return host_read(s->host, path, &text) < 0 ? NULL : text;
}

void see_libvirt(const Sight *s, Findings *fs)
{
        static const char *const units[] = { "libvirtd.service", "virtqemud.service" };
        static const char *const programs[] = { "/usr/sbin/libvirtd", "/usr/sbin/virtqemud", "/usr/bin/libvirtd",
                                                "/usr/bin/virtqemud" };
        LibvirtProcess processes[ARRAY_SIZE(units)];
        LibvirtInput in = { .installed = s->containers, .version = s->libvirt, .processes = processes };

        for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
                in.installed = in.installed || host_exists(s->host, programs[i]);
        for (size_t i = 0; s->here && i < ARRAY_SIZE(units); i++) {
                ServiceInfo info;

                if (host_service(s->host, units[i], &info) >= 0 && info.pid > 0)
                        processes[in.n++] = (LibvirtProcess){ .unit = units[i],
                                                              .limits = read_of(info.pid, "limits", s),
                                                              .status = read_of(info.pid, "status", s) };
        }
        check_libvirt(&in, fs);
        for (size_t i = 0; i < in.n; i++) {
                free(processes[i].limits);
                free(processes[i].status);
        }
}

/* Of the files that libvirt runs. */
static void see_labels(const Sight *s, bool enforcing, Findings *fs)
{
        static const char *const hooks[] = { HOOK_MAIN, HOOK_ENTRY };
        _cleanup_free_ char *config = NULL, *contexts = NULL;
        char path[256] = "", policy[64] = "targeted";

        if (host_read(s->host, "/etc/selinux/config", &config) >= 0)
                for (char *rest = config, *line; (line = strsep(&rest, "\n"));)
                        (void) sscanf(line, "SELINUXTYPE=%63[a-z_-]", policy);
        (void) snprintf(path, sizeof(path), "/etc/selinux/%s/contexts/files/file_contexts", policy);
        if (host_read(s->host, path, &contexts) < 0)
                return;
        for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
                _cleanup_free_ char *full = path_below(s->ctl->root, hooks[i]);
                char label[256] = "";

                if (full && getxattr(full, "security.selinux", label, sizeof(label) - 1) > 0)
                        check_selinux_label(hooks[i], label, contexts, enforcing, fs);
        }
}

void see_security(const Sight *s, Findings *fs)
{
        _cleanup_free_ char *lockdown = NULL, *apparmor = NULL, *selinux = NULL, *boolean = NULL;
        _cleanup_(text_files_clear) TextFiles profiles = { 0 };
        SecurityInput in = { .profiles = &profiles };
        int r;

        r = host_read(s->host, "/sys/kernel/security/lockdown", &lockdown);
        (void) host_read(s->host, "/sys/module/apparmor/parameters/enabled", &apparmor);
        (void) host_read(s->host, "/sys/fs/selinux/enforce", &selinux);
        (void) host_read(s->host, "/sys/fs/selinux/booleans/virt_hooks_unconfined", &boolean);
        if (text_files_add(&profiles, s->host, "/etc/apparmor.d/usr.sbin.libvirtd") < 0 ||
            text_files_add(&profiles, s->host, "/etc/apparmor.d/usr.sbin.virtqemud") < 0)
                fs->failed = true;
        in.lockdown = lockdown;
        in.lockdown_denied = r == -EACCES || r == -EPERM;
        in.no_securityfs = r == -ENOENT && host_exists(s->host, "/sys/kernel/security/lsm");
        in.apparmor = apparmor;
        in.selinux = selinux;
        in.boolean = boolean;
        check_security(&in, fs);
        if (selinux)
                see_labels(s, *selinux == '1', fs);
}

/* libvirt's own files: it is not woken up, and not asked while it waits for a hook. */
static int read_domains(const Sight *s, Domains *ret, Findings *fs)
{
        static const char *const folder[] = { "/etc/libvirt/qemu" };
        _cleanup_(text_files_clear) TextFiles files = { 0 };
        _cleanup_strv_ char **xml = NULL;
        int r;

        r = text_files_add_folders(&files, s->host, folder, 1, ".xml");
        if (files.denied) {
                finding_add(fs, AREA_PROFILES, FINDING_UNKNOWN, "the guests: %s may not be read", files.denied);
                finding_fix(fs, "run as root to see them");
        }
        for (size_t i = 0; r >= 0 && i < files.n; i++)
                r = strv_append(&xml, files.list[i].text);
        return r < 0 ? r : domains_parse(xml, ret);
}

void see_profiles(const Sight *s, Findings *fs)
{
        _cleanup_profile_folder_ ProfileFolder folder = { 0 };
        _cleanup_domains_ Domains domains = { 0 };
        _cleanup_remarks_ Remarks remarks = { 0 };
        size_t before = fs->n;
        Fault f = { 0 };
        Check c;

        if (profile_folder_open(s->ctl->root, &folder, &f) < 0 || read_domains(s, &domains, fs) < 0) {
                fs->failed = true;
                return;
        }
        c = (Check){ .folder = &folder,
                     .view = s->view,
                     .host = s->here && !s->ctl->host ? s->host : NULL,
                     .domains = domains.n > 0 ? &domains : NULL };
        if (check_all(&c, &remarks, &f) < 0)
                finding_add(fs, AREA_PROFILES, FINDING_PROBLEM, "%s", f.text);
        remarks_sort(&remarks);
        for (size_t i = 0; i < remarks.n; i++) {
                const Remark *x = &remarks.list[i];
                const char *path = x->path + (startswith(x->path, s->ctl->root) ? strlen(s->ctl->root) : 0);

                if (x->line > 0)
                        finding_add(fs, AREA_PROFILES, x->error ? FINDING_PROBLEM : FINDING_WARNING, "%s:%u: %s", path,
                                    x->line, x->text);
                else
                        finding_add(fs, AREA_PROFILES, x->error ? FINDING_PROBLEM : FINDING_WARNING, "%s: %s", path,
                                    x->text);
        }
        fs->failed = fs->failed || remarks.out_of_memory;
        check_guests(&domains, &folder, s->view, fs);
        if (fs->n == before)
                finding_add(fs, AREA_PROFILES, FINDING_FINE, "%zu guest%s, %zu profile%s", domains.n,
                            domains.n == 1 ? "" : "s", folder.index ? profile_index_size(folder.index) : 0,
                            folder.index && profile_index_size(folder.index) == 1 ? "" : "s");
}
