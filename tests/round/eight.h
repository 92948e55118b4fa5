/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Guests with nothing in common: each its own card and its own unit that must go, which takes its time. */

#include "util/macro.h"

#include <stdio.h>

/* msec: how long guest i's unit takes to stop, and to start. */
static inline unsigned eight_slow(unsigned i)
{
        return 1000 + 100 * i;
}

static inline void eight_tree(unsigned i, char *buf, size_t size)
{
        unsigned bus = 0x41 + i;

        (void) snprintf(buf, size,
                        "include modules.inc\n"
                        "module nvidia post=nvidia_uvm\n"
                        "guest 0000:%02x:00.0\n"
                        "pci 0000:40:01.1 vendor=1022 device=1483 class=060400 driver=pcieport group=40\n"
                        "pci 0000:%02x:00.0 vendor=10de device=2235 class=030200 driver=nvidia group=%u "
                        "parent=0000:40:01.1 reset_method=\"flr bus\"\n"
                        "pci 0000:c5:00.0 vendor=1a03 device=2000 class=030000 driver=ast group=60 boot_vga=1\n"
                        "load drm drm_kms_helper ast nvidia nvidia_uvm\n"
                        "console \"dummy device\" no\n"
                        "unit compute-%u.service active=active opens=/dev/nvidia[0-9c]* pid=640 stop-takes=%ums "
                        "start-takes=%ums\n"
                        "unit systemd-logind.service active=active\n"
                        "unit shutdown.target cgroup=\"\"\n",
                        bus, bus, bus, i, eight_slow(i), eight_slow(i));
}

static inline void eight_profile(unsigned i, char *buf, size_t size)
{
        (void) snprintf(buf, size, "[Services]\nStopUnits=compute-%u.service\n", i);
}

static inline void eight_xml(unsigned i, char *buf, size_t size)
{
        (void) snprintf(buf, size,
                        "<domain type='kvm' id='1'><name>g%u</name><uuid>73116f6f-f817-425f-bd60-4f93db371c%02x</uuid>"
                        "<devices><hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' "
                        "bus='0x%02x' slot='0x00' function='0x0'/></source></hostdev></devices></domain>\n",
                        i, i, 0x41 + i);
}
