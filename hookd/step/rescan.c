/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/rescan.h"

#include <stdio.h>

/* Below the bridge only: the whole tree has others' devices. */
int rescan_below(Host *h, const char *bridge, Fault *f)
{
        _cleanup_free_ char *dir = bridge ? function_path(bridge, "pci_bus") : NULL, *path = NULL;
        _cleanup_strv_ char **buses = NULL;
        int r;

        if (bridge && !dir)
                return -ENOMEM;
        if (!bridge)
                path = strdup("/sys/bus/pci/rescan");
        else if (host_list(h, dir, &buses) < 0 || !buses || asprintf(&path, "%s/%s/rescan", dir, buses[0]) < 0)
                path = function_path(bridge, "rescan");
        if (!path)
                return -ENOMEM;
        r = host_write_hand(h, path, "1");
        return r < 0 ? fault_set(f, r, bridge, "cannot look for the card again: write to %s: %s", path, fault_errno(r))
                     : 0;
}
