/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-sight.h"

void see_iommu(const Sight *s, Findings *fs)
{
        IommuInput in = { .view = s->view, .boot = &s->boot, .cpu = s->cpu, .table = -1 };
        _cleanup_strv_ char **tables = NULL;

        if (host_list(s->host, "/sys/firmware/acpi/tables", &tables) >= 0)
                in.table = strv_contains(tables, "DMAR") || strv_contains(tables, "IVRS");
        check_iommu(&in, fs);
}

void see_boot(const Sight *s, Findings *fs)
{
        check_cmdline(&s->boot, s->view, s->cpu, fs);
        check_cmdline_drift(&s->boot, fs);
}
