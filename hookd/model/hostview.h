/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/event.h"
#include "util/parse.h"

/* A snapshot of the host, taken by host/scan.c, and pure questions to it. All strings are owned by the view. */

/* A memory region of a function whose size can be changed (PCIe's resizable BAR). */
typedef struct HostBar {
        uint64_t size;  /* now, in bytes */
        uint64_t sizes; /* what it can be: bit n is 2^n MiB; 0: it cannot be changed */
} HostBar;

typedef struct HostFunction {
        PciAddress address;
        uint16_t vendor, device;
        uint32_t class;  /* 0x030000 */
        int boot_vga;    /* 1, 0, -1: no such attribute */
        int iommu_group; /* -1: none */
        int numa_node;   /* -1: none */
        char *driver;    /* NULL: unbound */
        char *between;   /* the guest whose transaction is taking it or giving it back just now; NULL: none. Without a
                            driver it is between two. Not the scan's to know (claims_mark()) */
        char *modalias;
        char *parent;               /* the bridge above: "0000:00:03.0"; NULL on a root bus */
        char *power_state;          /* "D0"; NULL before 5.11 */
        char *power_control;        /* "auto", "on" */
        int d3cold_allowed;         /* -1: no such attribute */
        char **reset_method;        /* words of reset_method; empty: none */
        bool has_reset;             /* the reset attribute exists */
        bool has_reset_subordinate; /* a bridge that can hot-reset its bus (ABI of October 2024) */
        bool is_bridge;
        char **nodes; /* device files: /dev/dri/card0, /dev/snd/controlC0, /dev/fb0, /dev/i2c-3, /dev/nvidia0,
                         /dev/vfio/5 … */
        char **drm;   /* card0, renderD128 */
        char **sound; /* card0 */
        char **block; /* disks behind it: nvme0n1 */
        char **net;   /* eth0 */
        char *physfn; /* of a virtual function: the physical one it belongs to */
        int sriov_total, sriov_offset, sriov_stride; /* of a physical one: how many there could be, and where the first
                                                        one and the next are (PCIe 9.3.3); 0: it has none */
        int sriov_vfs;                               /* how many there are */
        char **connected; /* connectors on which a monitor or panel reports itself: HDMI-A-1 */
        char **backlight; /* amdgpu_bl0 */
        HostBar bars[6];  /* only where they were asked for */
        /* What only people want to know: filled by describe() (host/describe.h). */
        char *name;        /* vendor and model */
        char **candidates; /* modules that say they can drive it */
} HostFunction;

typedef struct HostModule {
        char *name; /* with underscores, as in /proc/modules */
        int refcnt;
        char **holders; /* modules that use it */
        char *state;    /* live, coming, going */
} HostModule;

typedef struct HostConsole {
        char *id;   /* vtcon1: only for messages, numbers move */
        char *name; /* "(M) frame buffer device" */
        bool bound;
} HostConsole;

typedef struct HostFramebuffer {
        int index;      /* fb0; -1: a firmware framebuffer that is a DRM device and has no fb node */
        char *name;     /* as in /proc/fb: "EFI VGA", "nvidia-drmdrmfb" */
        char *platform; /* platform device behind it: "efi-framebuffer.0", NULL: not a firmware framebuffer */
        char *driver;   /* driver of that platform device: "efi-framebuffer", "simple-framebuffer" */
        bool has_owner;
        PciAddress owner; /* the PCI function whose memory it is */
} HostFramebuffer;

typedef struct HostUnit {
        char *id;              /* canonical: lightdm.service */
        char *active;          /* ActiveState: active, activating, inactive, failed … */
        char *job;             /* type of a queued job ("start", "stop") or NULL */
        char *cgroup;          /* /system.slice/lightdm.service or NULL */
        uint64_t stop_timeout; /* TimeoutStopUSec, UINT64_MAX: infinity */
        char *stopped_for;     /* a guest for which it was stopped and that is still there: it is down only meanwhile;
                                  NULL: none. Not the scan's to know (claims_mark()) */
} HostUnit;

typedef struct HostSession {
        char *id; /* "c1" */
        char *user;
        uint32_t uid;
        char *seat;    /* "seat0" or "" */
        char *tty;     /* "tty2" or "" */
        char *type;    /* x11, wayland, tty, mir, unspecified */
        char *class;   /* user, greeter, lock-screen, manager … */
        char *service; /* PAM service: "lightdm-greeter", "login", "sshd" */
        char *scope;   /* "session-c1.scope" */
        char *state;   /* online, active, closing */
        bool remote;
        bool linger; /* of the user */
} HostSession;

typedef struct HostHolder {
        int pid;
        uint64_t start_time; /* field 22 of /proc/PID/stat: pid and start time name a process */
        uint32_t uid;
        char *comm;
        char *cgroup;    /* path in the unified hierarchy */
        char *unit;      /* system unit or session scope or user@UID.service from the cgroup; NULL: none */
        char *user_unit; /* unit inside user@UID.service; NULL: none */
        char *node;      /* which of the asked files */
        bool mapped;     /* mapped, but not open */
} HostHolder;

/* Mediated devices (vfio-mdev): a parent offers types, of which devices are made that have a UUID. */
typedef struct HostMdevType {
        char *parent;                   /* "0000:00:02.0", or the name of a parent that is no PCI function: "mtty" */
        char *id;                       /* "i915-GVTg_V5_4" */
        char *name, *description, *api; /* for people; NULL: the parent's driver says nothing */
        int available;                  /* instances that can be made yet */
} HostMdevType;

typedef struct HostMdev {
        char *uuid, *parent, *type;
} HostMdev;

/* An executable that the administrator put into one of the folders for a guest's event. */
typedef struct HostScript {
        HookOp event;
        char *path;
        char *distrust; /* why root must not run it: "/etc/hookd/hooks.d may be written by others"; NULL: it may */
} HostScript;

typedef struct HostView {
        HostFunction *functions;
        size_t n_functions;
        HostModule *modules;
        size_t n_modules;
        HostConsole *consoles;
        size_t n_consoles;
        HostFramebuffer *framebuffers;
        size_t n_framebuffers;
        HostUnit *display_manager; /* NULL: none known on this machine */
        HostUnit *units;           /* the others that were asked for: profile's and the known holders */
        size_t n_units;
        HostSession *sessions;
        size_t n_sessions;
        HostHolder *holders; /* of the nodes of the functions asked for, and of the vendor's shared nodes */
        size_t n_holders;
        HostMdevType *mdev_types; /* only where they were asked for */
        size_t n_mdev_types;
        HostMdev *mdevs;
        size_t n_mdevs;
        char **busy_disks;    /* block devices of the functions asked for that are mounted, swap, RAID or LVM: "nvme0n1
                                 mounted on /srv" */
        char **default_route; /* interfaces that carry a default route */
        char **autologin_gettys; /* getty@tty1.service units that are active on a VT of the seat with a session */
        char **missing_modules;  /* of vfio, vfio_iommu_type1, vfio_pci: not loaded and not built in */
        char **variant_drivers;  /* "0000:01:00.0 mlx5_vfio_pci": from modules.alias vfio_pci: entries */
        HostScript *scripts;     /* for the guest that was asked for, in the order in which they run */
        size_t n_scripts;
        bool have_iommu;    /* at least one group */
        bool shutting_down; /* SystemState=stopping */
} HostView;

HostView *hostview_new(void);
HostView *hostview_free(HostView *v);
DEFINE_CLEANUP(HostView, hostview_free)
/* Free what an element owns, not the element: for those who fill a view or keep such an array of their own. */
void host_session_clear(HostSession *s);
void host_holder_clear(HostHolder *h);

/* All return NULL / false where there is none; nothing is copied. */
const HostFunction *hostview_function(const HostView *v, const PciAddress *a);
const HostModule *hostview_module(const HostView *v, const char *name); /* '-' and '_' are the same */
const HostUnit *hostview_unit(const HostView *v, const char *id);
const HostMdev *hostview_mdev(const HostView *v, const char *uuid);
/* The physical function that has, or could have, a virtual one at this address, and which of them that would be: 0 is
 * the first. */
const HostFunction *hostview_physical(const HostView *v, const PciAddress *a, int *ret_index);
static inline bool function_is_display(const HostFunction *fn)
{
        return fn->class >> 16 == 0x03; /* PCI base class 03: display controller */
}
/* Does a display stay with the host when `gone` are given away? What counts are functions with outputs that a driver of
 * the host's runs (not vfio-pci, its variants or pci-stub) or, without a driver, whose memory a firmware framebuffer
 * shows. */
bool hostview_other_display(const HostView *v, const PciAddress *gone, size_t n_gone);
