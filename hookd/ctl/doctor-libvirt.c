/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-checks.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>

/* The hard limit in bytes; 0: not in there. */
static uint64_t locked_memory(const char *limits)
{
        const char *line = strstr(limits, "Max locked memory");
        char soft[32], hard[32];
        uint64_t bytes;

        if (!line || sscanf(line + strlen("Max locked memory"), "%31s %31s", soft, hard) != 2)
                return 0;
        if (streq(hard, "unlimited"))
                return UINT64_MAX;
        return parse_uint(hard, UINT64_MAX, &bytes) < 0 ? 0 : bytes;
}

static bool has_capability(const char *status, unsigned number)
{
        const char *line = strstr(status, "\nCapEff:\t");
        uint64_t mask;

        return line && sscanf(line + strlen("\nCapEff:\t"), "%" SCNx64, &mask) == 1 && (mask >> number & 1);
}

/* vfio locks all of the guest's memory: libvirt raises the limit of its QEMU (qemuDomainAdjustMaxMemLock()), which
 * CAP_SYS_RESOURCE lets it do. */
static void check_process(const LibvirtProcess *p, Findings *fs)
{
        uint64_t bytes;

        if (!p->limits || !p->status) {
                finding_add(fs, AREA_LIBVIRT, FINDING_UNKNOWN, "the limits of %s may not be read", p->unit);
                finding_fix(fs, "run as root to see them");
                return;
        }
        bytes = locked_memory(p->limits);
        if (bytes == UINT64_MAX || has_capability(p->status, CAP_SYS_RESOURCE))
                return;
        finding_add(fs, AREA_LIBVIRT, FINDING_PROBLEM,
                    "%s may lock %" PRIu64 " MiB of memory and has no CAP_SYS_RESOURCE to raise that: a guest with a "
                    "passed-through device needs all of its memory locked",
                    p->unit, bytes >> 20);
        finding_fix(fs, "LimitMEMLOCK=infinity for %s, or --ulimit memlock=-1 and CAP_SYS_RESOURCE for its container",
                    p->unit);
}

void check_libvirt(const LibvirtInput *in, Findings *fs)
{
        size_t before = fs->n;
        char version[32] = "";

        if (!in->installed) {
                finding_add(fs, AREA_LIBVIRT, FINDING_PROBLEM, "neither libvirtd nor virtqemud is installed here");
                finding_fix(fs, "install libvirt's daemon for QEMU; where it is in a container, give that "
                                "/etc/libvirt/hooks and /run/hookd");
                return;
        }
        if (in->version > 0)
                (void) snprintf(version, sizeof(version), " %u.%u.%u", in->version / 1000000, in->version / 1000 % 1000,
                                in->version % 1000);
        else
                finding_add(fs, AREA_LIBVIRT, FINDING_UNKNOWN, "the version of libvirt cannot be seen");
        if (in->version > 0 && in->version < 6005000) {
                finding_add(fs, AREA_LIBVIRT, FINDING_HINT,
                            "libvirt%s runs one hook only: what lies in qemu.d is for 6.5.0 and later", version);
                finding_fix(fs, "upgrade libvirt");
        }
        for (size_t i = 0; i < in->n; i++)
                check_process(&in->processes[i], fs);
        if (fs->n == before)
                finding_add(fs, AREA_LIBVIRT, FINDING_FINE, "libvirt%s", version);
}
