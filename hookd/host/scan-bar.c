/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/scan-parts.h"

#include <stdio.h>

/* resourceN_resize (kernel 6.1) reads as a bitmap: bit n for 2^n MiB; `resource` has a line "start end flags" for each
 * region. */
int scan_bars(Host *h, HostFunction *fn)
{
        _cleanup_free_ char *resource = NULL;
        char bdf[PCI_FORMAT_MAX], *rest, *line;
        int r;

        pci_format(&fn->address, bdf);
        r = scan_read(h, &resource, "/sys/bus/pci/devices/%s/resource", bdf);
        rest = resource;
        for (size_t i = 0; i < ARRAY_SIZE(fn->bars) && r >= 0 && (line = strsep(&rest, "\n")); i++) {
                _cleanup_free_ char *sizes = NULL;
                unsigned long long start, end;

                r = scan_read(h, &sizes, "/sys/bus/pci/devices/%s/resource%zu_resize", bdf, i);
                if (r < 0 || !sizes || sscanf(line, "%llx %llx", &start, &end) != 2 || end <= start ||
                    parse_hex(sizes, UINT64_MAX, &fn->bars[i].sizes) < 0)
                        continue;
                fn->bars[i].size = end - start + 1;
        }
        return r;
}
