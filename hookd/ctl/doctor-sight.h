/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"
#include "ctl/doctor-checks.h"

/* Where the doctor looks, and what more than one of its parts needs. */
typedef struct Sight {
        const Ctl *ctl;
        Host *host; /* files below the root; with units where it is this machine */
        bool here;
        HostView *view; /* NULL: not known */
        Boot boot;
        TextFiles modprobe; /* what modprobe reads */
        Cpu cpu;
        unsigned libvirt;  /* version as libvirt counts: 9000000 is 9.0.0; 0: not known */
        char **containers; /* process ids of libvirt daemons that live in one */
} Sight;

/* Each looks at its part and adds what it found. */
void see_iommu(const Sight *s, Findings *fs);
void see_boot(const Sight *s, Findings *fs);
void see_modules(const Sight *s, Findings *fs);
void see_cards(const Sight *s, Findings *fs);
void see_kernel(const Sight *s, Findings *fs);
void see_hookd(const Sight *s, Findings *fs);
void see_libvirt(const Sight *s, Findings *fs);
void see_security(const Sight *s, Findings *fs);
void see_profiles(const Sight *s, Findings *fs);
void see_hook(const Sight *s, Findings *fs);
void see_scripts(const Sight *s, Findings *fs);

/* doctor-see-container.c */
int find_containers(Host *h, char ***ret); /* 0 or -ENOMEM */
void see_containers(const Sight *s, const HookImage *image, const Receipt *receipt, Findings *fs);
