/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-checks.h"

/* The administrator's scripts that hookd runs, outside of libvirt's own hooks. */

void check_guest_script(const char *guest, const HostScript *script, const char *text, Findings *fs)
{
        if (script->distrust) {
                finding_add(fs, AREA_HOOK, FINDING_PROBLEM,
                            "%s is not run as root, and starts of guest %s are refused: %s", script->path, guest,
                            script->distrust);
                finding_fix(fs, "chown it to root, and chmod go-w: the file and the folders above it");
        } else
                finding_add(fs, AREA_HOOK, FINDING_FINE, "hookd runs %s at %s of guest %s", script->path,
                            hook_op_label(script->event), guest);
        if (text)
                check_script_deeds(script->path, text, fs);
}
