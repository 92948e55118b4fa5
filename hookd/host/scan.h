/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/host.h"

/* Host -> HostView. Reads only what cannot block on a stuck card (no uevent, no driver_override; vm-lab facts: vendor,
 * device, class, modalias, boot_vga, power_state, reset_method, power/control, iommu_group, links and lists are safe).
 * All PCI functions are in the view; what is costly (holders, disks, units' states) only for `wanted` functions and
 * everything in their slots and IOMMU groups, and for the named units. A unit or login manager that cannot be asked
 * leaves its part empty; what is not there is not an error. 0 or -errno. */
typedef struct ScanRequest {
        const PciAddress *wanted;
        size_t n_wanted;
        char *const *units;  /* further units whose state the plan needs; may be NULL */
        const char *dm_unit; /* the profile's; NULL: display-manager.service and the known names */
        bool mdev_types;     /* also which mediated devices could be made: the drivers of their parents are asked */
        bool bars;           /* the resizable BARs are wanted */
        const char *domain;  /* whose scripts are wanted; NULL: none */
        bool no_services;    /* leave out units, sessions and holders: a PCI-only look */
} ScanRequest;
int scan(Host *h, const ScanRequest *request, HostView **ret, Fault *f);

/* Device files a function offers now, from its drm, sound, graphics, i2c-* and usb sub-folders, /dev/vfio/GROUP, and
 * for nvidia /dev/nvidiaN (minor from /proc/driver/nvidia/gpus/BDF/information). *ret owned by the caller. */
int scan_nodes(Host *h, const PciAddress *a, char ***ret);
/* The vendor's nodes that belong to no single card: /dev/nvidiactl, nvidia-uvm, nvidia-modeset, nvidia-uvm-tools,
 * /dev/kfd. Only those that exist. */
int scan_shared_nodes(Host *h, uint16_t vendor, char ***ret);
/* What the host itself needs a function for, now: a mounted disk, a default route, a bridge: "its disk nvme0n1 is
 * mounted on /srv". NULL: nothing. Owned by the caller. 0 or -errno. */
int scan_function_use(Host *h, const PciAddress *a, char **ret);
/* Framebuffers and consoles as they are now. *view gets only those parts. */
int scan_consoles(Host *h, HostView *view);
int scan_framebuffers(Host *h, HostView *view);
