/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/scan-parts.h"

/* "card0-HDMI-A-1" is a connector. Its status is what the kernel found last: reading it does not ask the monitor
 * (drivers/gpu/drm/drm_sysfs.c: status_show). */
int scan_connected(Host *h, char *const *drm, HostFunction *fn)
{
        STRV_FOREACH (name, drm) {
                const char *dash = strchr(*name, '-');
                _cleanup_free_ char *status = NULL;
                int r;

                if (!dash || !startswith(*name, "card"))
                        continue;
                r = scan_read(h, &status, "/sys/class/drm/%s/status", *name);
                if (r >= 0 && streq0(status, "connected"))
                        r = strv_append(&fn->connected, dash + 1);
                if (r < 0)
                        return r;
        }
        return 0;
}
