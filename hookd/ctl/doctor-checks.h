/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/doctor-boot.h"
#include "ctl/doctor-files.h"
#include "ctl/doctor.h"
#include "ctl/domains.h"
#include "ctl/hook-file.h"
#include "ctl/profile-folder.h"
#include "ctl/record.h"
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
        bool contained;   /* libvirt lives in a container */
} HookInput;
void check_hook(const HookInput *in, Findings *fs);
/* What a script does, by its words, that libvirt or hookd minds: calls back, and what hookd does itself. */
void check_script_deeds(const char *path, const char *text, Findings *fs);
/* ---- doctor-scripts.c ---- */
/* A script that hookd runs for a guest. text may be NULL: it cannot be read, or is a program. */
void check_guest_script(const char *guest, const HostScript *script, const char *text, Findings *fs);
const HookEntry *hook_ours(const HookInput *in); /* NULL: none that libvirt would run */

typedef struct LibvirtDaemon {
        const char *unit;
        bool running;
        uint64_t looked; /* when it looked for hooks: started or reloaded; CLOCK_REALTIME, usec */
        bool proven;     /* hookd has heard from this very process */
} LibvirtDaemon;
/* libvirt looks for hooks when it starts and when it is reloaded (virHookInitialize()). */
void check_hook_seen(const HookEntry *ours, const LibvirtDaemon *daemons, size_t n, Findings *fs);

/* ---- doctor-container.c ---- */
/* A libvirt daemon with other files than the host has. */
typedef struct LibvirtContainer {
        const char *pid;
        HookState hook; /* what it has as qemu in HOOKS_FOLDER */
        bool socket;    /* hookd's is there */
} LibvirtContainer;
void check_container(const LibvirtContainer *c, const char *shim, Findings *fs);

/* ---- doctor-modprobe.c ---- */
/* The files of modprobe.d; unsafe: the running value of vfio_iommu_type1.allow_unsafe_interrupts, NULL: not known. */
void check_modprobe(const TextFiles *files, const char *unsafe, const HostView *v, Findings *fs);

/* ---- doctor-initramfs.c ---- */
typedef struct InitramfsInput {
        const TextFiles *modprobe;
        const TextFiles *lists;        /* modules-load.d, /etc/modules, what the initramfs is to have */
        const char *release;           /* of the kernel; NULL: not known */
        const char *image;             /* of that kernel; NULL: not known */
        int64_t image_time;            /* seconds; 0: not known */
        const int64_t *modprobe_times; /* of the files, in their order */
} InitramfsInput;
void check_initramfs(const InitramfsInput *in, Findings *fs);

/* ---- doctor-cards.c ---- */
void check_cards(const HostView *v, const char *iomem, Findings *fs);

/* ---- doctor-kernel.c ---- */
typedef struct KernelInput {
        const char *release;
        const HostView *view;
        int vfio_pci;          /* the kernel has the module, or has it built in: 1, 0, -1: not known */
        int kvmgt;             /* the same */
        const char *gvt_where; /* where i915.enable_gvt is turned on; NULL: nowhere */
        const char *guc_where; /* where i915.enable_guc is; NULL: nowhere */
} KernelInput;
void check_kernel(const KernelInput *in, Findings *fs);
/* 6001 for 6.1.0-18-amd64, 0: no such thing. */
unsigned kernel_version(const char *release);
/* Where the option of a module is turned on: on the command line or in a file; NULL: nowhere. */
const char *option_where(const Boot *b, const TextFiles *modprobe, const char *module, const char *option);

/* ---- doctor-hookd.c ---- */
typedef struct HookdInput {
        bool unit_file, enabled;      /* of hookd.socket */
        const char *socket, *service; /* active states; NULL: nobody was asked */
        const Records *status;        /* of the daemon; NULL: see silent */
        const char *silent;           /* why it does not answer; NULL: nobody asked it */
        bool deaf;                    /* nobody listens on the socket */
        const TextFiles *dropins;     /* of hookd.service */
        const TextFiles *journald;    /* journald.conf and its drop-ins */
        int journal_folder;           /* /var/log/journal is there: 1, 0 */
} HookdInput;
void check_hookd(const HookdInput *in, Findings *fs);

/* ---- doctor-libvirt.c ---- */
typedef struct LibvirtProcess {
        const char *unit;
        char *limits, *status; /* of /proc/PID; NULL: could not be read */
} LibvirtProcess;
typedef struct LibvirtInput {
        bool installed;   /* here, or in a container */
        unsigned version; /* 9000000 for 9.0.0; 0: not known */
        const LibvirtProcess *processes;
        size_t n;
} LibvirtInput;
void check_libvirt(const LibvirtInput *in, Findings *fs);

/* ---- doctor-security.c ---- */
typedef struct SecurityInput {
        const char *lockdown;      /* "none [integrity] confidentiality"; NULL: cannot be seen */
        bool lockdown_denied;      /* not by who runs this */
        bool no_securityfs;        /* there is no such thing in this kernel, or it is not mounted */
        const char *apparmor;      /* "Y", "N"; NULL: not in this kernel */
        const TextFiles *profiles; /* of AppArmor for libvirt's daemons */
        const char *selinux;       /* "1": enforcing; NULL: not in this kernel */
        const char *boolean;       /* virt_hooks_unconfined: "0 0", "1 1"; NULL: the policy has none */
} SecurityInput;
void check_security(const SecurityInput *in, Findings *fs);

/* ---- doctor-selinux.c ---- */
/* The type that the policy's file_contexts gives a file: of the last line that fits, as in libselinux's
 * selabel_file(5). NULL: none. Caller frees. */
char *selinux_type(const char *contexts, const char *path);
/* label: the file's attribute security.selinux. */
void check_selinux_label(const char *path, const char *label, const char *contexts, bool enforcing, Findings *fs);

/* ---- doctor-guests.c ---- */
/* Guests with devices that are not there, and with a card but without a profile. */
void check_guests(const Domains *domains, ProfileFolder *folder, const HostView *v, Findings *fs);
