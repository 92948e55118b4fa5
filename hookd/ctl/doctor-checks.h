/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/doctor-boot.h"
#include "ctl/doctor.h"
#include "ctl/hook-file.h"
#include "model/hostview.h"

/* The checks of `hookctl doctor`: pure, from small inputs to findings. A view may be NULL where the host's devices are
 * not known; so may be every text. */

typedef enum Cpu { CPU_OTHER, CPU_INTEL, CPU_AMD } Cpu;

/* ---- doctor-iommu.c ---- */
typedef struct IommuInput {
        const HostView *view;
        const Boot *boot;
        Cpu cpu;
        int table; /* 1: the firmware has a DMAR or IVRS table; 0: no; -1: cannot be seen */
} IommuInput;
void check_iommu(const IommuInput *in, Findings *fs);

/* ---- doctor-cmdline.c ---- */
void check_cmdline(const Boot *b, const HostView *v, Cpu cpu, Findings *fs);
/* What is only in one of: the running kernel, the next boot, the file that is edited. */
void check_cmdline_drift(const Boot *b, Findings *fs);

/* ---- doctor-ids.c ---- */
/* ids=vendor:device,… of vfio-pci, in `where`. booted: they were there at the last boot. */
void check_vfio_ids(const char *ids, const char *where, Area area, bool booted, const HostView *v, Findings *fs);

/* ---- doctor-hook.c ---- */
typedef struct HookEntry {
        char *path; /* /etc/libvirt/hooks/qemu, or of something in qemu.d */
        HookState state;
        bool folder, link, executable, open; /* open: everybody may write it */
        bool kills;                          /* a folder for a dispatcher, with scripts for started or reconnect */
        char *text;                          /* of a foreign one; NULL: could not be read */
        uint64_t changed;                    /* CLOCK_REALTIME, usec */
} HookEntry;
typedef struct HookInput {
        const HookEntry *entries;
        size_t n;
        bool denied;      /* the folder may not be read */
        unsigned version; /* of libvirt: 9000000 for 9.0.0; 0: not known */
} HookInput;
void check_hook(const HookInput *in, Findings *fs);
const HookEntry *hook_ours(const HookInput *in); /* NULL: none that libvirt would run */

typedef struct LibvirtDaemon {
        const char *unit;
        bool running;
        uint64_t looked; /* when it looked for hooks: started or reloaded; CLOCK_REALTIME, usec */
        bool proven;     /* hookd has heard from this very process */
} LibvirtDaemon;
/* libvirt looks for hooks when it starts and when it is reloaded (virHookInitialize()). */
void check_hook_seen(const HookEntry *ours, const LibvirtDaemon *daemons, size_t n, Findings *fs);
