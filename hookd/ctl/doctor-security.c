/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-checks.h"

static void check_lockdown(const SecurityInput *in, Findings *fs)
{
        if (in->no_securityfs)
                finding_add(fs, AREA_SECURITY, FINDING_FINE, "no lockdown");
        else if (!in->lockdown) {
                finding_add(fs, AREA_SECURITY, FINDING_UNKNOWN,
                            "whether the kernel is locked down cannot be seen in /sys/kernel/security/lockdown");
                finding_fix(fs, in->lockdown_denied ? "run as root to see it"
                                                    : "mount -t securityfs securityfs /sys/kernel/security");
        } else if (strstr(in->lockdown, "[none]"))
                finding_add(fs, AREA_SECURITY, FINDING_FINE, "no lockdown");
        else
                finding_add(
                        fs, AREA_SECURITY, FINDING_HINT,
                        "the kernel is locked down (%s), as Secure Boot does it: modules that are not signed do not "
                        "load, so a card of such a driver does not come back; PCI registers cannot be written by "
                        "hand. Binding, resets and vfio are not touched by it",
                        strstr(in->lockdown, "[confidentiality]") ? "confidentiality" : "integrity");
}

static void check_apparmor(const SecurityInput *in, Findings *fs)
{
        size_t before = fs->n;

        if (!in->apparmor || *in->apparmor != 'Y')
                return;
        if (in->profiles->denied)
                finding_add(fs, AREA_SECURITY, FINDING_UNKNOWN, "%s may not be read", in->profiles->denied);
        for (size_t i = 0; i < in->profiles->n; i++) {
                const TextFile *f = &in->profiles->list[i];
                const char *name = strrchr(f->path, '/') + 1;

                if (strstr(f->text, "libvirt/hooks") || strstr(f->text, "flags=(unconfined)"))
                        continue;
                finding_add(fs, AREA_SECURITY, FINDING_PROBLEM, "AppArmor's profile %s does not let libvirt run hooks",
                            f->path);
                finding_fix(fs,
                            "echo '/etc/libvirt/hooks/** rmix,' >> /etc/apparmor.d/local/%s && apparmor_parser -r %s",
                            name, f->path);
        }
        if (fs->n == before)
                finding_add(fs, AREA_SECURITY, FINDING_FINE, "AppArmor lets libvirt run hooks");
}

static void check_selinux(const SecurityInput *in, Findings *fs)
{
        if (!in->selinux || *in->selinux != '1')
                return;
        if (in->boolean && *in->boolean == '0') {
                finding_add(
                        fs, AREA_SECURITY, FINDING_WARNING,
                        "SELinux enforces, and virt_hooks_unconfined is off: the hook may not reach hookd's socket");
                finding_fix(fs, "setsebool -P virt_hooks_unconfined on");
        } else {
                finding_add(fs, AREA_SECURITY, FINDING_UNKNOWN,
                            "SELinux enforces: whether its policy lets libvirt run the hook shows only when it does");
                finding_fix(fs, "after a start of a guest: ausearch -m avc -ts recent -su virt");
        }
}

void check_security(const SecurityInput *in, Findings *fs)
{
        check_lockdown(in, fs);
        check_apparmor(in, fs);
        check_selinux(in, fs);
}
