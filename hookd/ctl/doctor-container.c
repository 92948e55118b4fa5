/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-checks.h"
#include "wire/wire.h"

void check_container(const LibvirtContainer *c, const char *shim, Findings *fs)
{
        switch (c->hook) {
        case HOOK_CURRENT:
                finding_add(fs, AREA_HOOK, FINDING_FINE, "libvirt in a container (process %s) has hookd's hook",
                            c->pid);
                break;
        case HOOK_OLD:
        case HOOK_STRAY:
                finding_add(
                        fs, AREA_HOOK, FINDING_WARNING,
                        "libvirt in a container (process %s) has a hook of another version of hookd, or one that is "
                        "not executable",
                        c->pid);
                finding_fix(fs, "cp %s to where the container has its %s from, as qemu", shim, HOOKS_FOLDER);
                break;
        default:
                finding_add(
                        fs, AREA_HOOK, FINDING_PROBLEM,
                        "libvirt in a container (process %s) has no hook of hookd's: it starts guests without hookd",
                        c->pid);
                finding_fix(fs,
                            "give the container a folder with a copy of %s, named qemu, as %s, and /run/hookd: see "
                            "LIBVIRT IN A CONTAINER in hookd(8)",
                            shim, HOOKS_FOLDER);
                return;
        }
        if (!c->socket) {
                finding_add(fs, AREA_HOOK, FINDING_PROBLEM,
                            "libvirt in a container (process %s) has no %s: guests with devices are refused there",
                            c->pid, WIRE_SOCKET);
                finding_fix(fs, "give the container the folder /run/hookd of the host, and start it anew");
        }
}
