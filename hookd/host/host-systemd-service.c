/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/service.h"

#include "host/host-systemd-bus.h"

#include <stdio.h>

int host_service(Host *host, const char *unit, ServiceInfo *ret)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        RealHost *h = real_of(host);
        const char *path;
        char load[16] = "";
        uint32_t pid = 0;
        int r;

        *ret = (ServiceInfo){ 0 };
        if (!h->whole)
                return -ENOTSUP;
        r = bus_call(h, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "LoadUnit", &m, &error, "s", unit);
        if (r >= 0)
                r = sd_bus_message_read(m, "o", &path);
        if (r < 0)
                return r;
        r = bus_properties(h, SYSTEMD, path,
                           (const Property[]){ { "LoadState", "s", load, sizeof(load) },
                                               { "ActiveState", "s", ret->active, sizeof(ret->active) },
                                               { "StateChangeTimestamp", "t", &ret->changed },
                                               { "MainPID", "u", &pid },
                                               {} },
                           &error);
        ret->pid = (int) pid;
        return r < 0 || !streq(load, "not-found") ? r : -ENOENT;
}
