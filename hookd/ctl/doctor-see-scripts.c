/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-sight.h"

#include "host/scan.h"

#define GUESTS_MAX 256

static void see_guest(const Sight *s, const char *guest, Findings *fs)
{
        const ScanRequest request = { .domain = guest, .no_services = true };
        _cleanup_(hostview_freep) HostView *view = NULL;
        Fault f = { 0 };

        if (scan(s->host, &request, &view, &f) < 0) {
                finding_add(fs, AREA_HOOK, FINDING_UNKNOWN, "%s", f.text);
                return;
        }
        for (size_t i = 0; i < view->n_scripts; i++) {
                _cleanup_free_ char *text = NULL;

                if (host_read(s->host, view->scripts[i].path, &text) < 0)
                        text = NULL;
                check_guest_script(guest, &view->scripts[i], text, fs);
        }
}

/* Guests are the names of the folders: a script for one that is not there yet counts as well. */
void see_scripts(const Sight *s, Findings *fs)
{
        static const char *const folders[] = { "/etc/hookd/hooks.d", HOOK_D_FOLDER };
        _cleanup_strv_ char **guests = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
                _cleanup_strv_ char **names = NULL;

                if (host_list(s->host, folders[i], &names) < 0)
                        continue;
                STRV_FOREACH (name, names)
                        if (!strv_contains(guests, *name) && strv_length(guests) < GUESTS_MAX &&
                            strv_append(&guests, *name) < 0)
                                fs->failed = true;
        }
        STRV_FOREACH (guest, guests)
                see_guest(s, *guest, fs);
}
