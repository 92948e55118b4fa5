/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/hostview-fields.h"

#define FIELD(struct_, name, type, member)                                                   \
        {                                                                                    \
                name, type, 0, offsetof(struct_, member), sizeof(((struct_ *) NULL)->member) \
        }
#define FIELD_HEX(struct_, name, digits, member)                                                 \
        {                                                                                        \
                name, HEX, digits, offsetof(struct_, member), sizeof(((struct_ *) NULL)->member) \
        }

static const Field function_fields[] = {
        FIELD(HostFunction, "address", PCI, address),
        FIELD_HEX(HostFunction, "vendor", 4, vendor),
        FIELD_HEX(HostFunction, "device", 4, device),
        FIELD_HEX(HostFunction, "class", 6, class),
        FIELD(HostFunction, "boot_vga", INT, boot_vga),
        FIELD(HostFunction, "group", INT, iommu_group),
        FIELD(HostFunction, "numa_node", INT, numa_node),
        FIELD(HostFunction, "driver", STRING, driver),
        FIELD(HostFunction, "modalias", STRING, modalias),
        FIELD(HostFunction, "parent", STRING, parent),
        FIELD(HostFunction, "power_state", STRING, power_state),
        FIELD(HostFunction, "control", STRING, power_control),
        FIELD(HostFunction, "d3cold", INT, d3cold_allowed),
        FIELD(HostFunction, "reset_method", LIST, reset_method),
        FIELD(HostFunction, "reset", YES_NO, has_reset),
        FIELD(HostFunction, "reset_subordinate", YES_NO, has_reset_subordinate),
        FIELD(HostFunction, "bridge", YES_NO, is_bridge),
        FIELD(HostFunction, "node", LIST, nodes),
        FIELD(HostFunction, "drm", LIST, drm),
        FIELD(HostFunction, "sound", LIST, sound),
        FIELD(HostFunction, "block", LIST, block),
        FIELD(HostFunction, "net", LIST, net),
        FIELD(HostFunction, "connected", LIST, connected),
        FIELD(HostFunction, "backlight", LIST, backlight),
        FIELD(HostFunction, "physfn", STRING, physfn),
        FIELD(HostFunction, "sriov_total", COUNT, sriov_total),
        FIELD(HostFunction, "sriov_offset", COUNT, sriov_offset),
        FIELD(HostFunction, "sriov_stride", COUNT, sriov_stride),
        FIELD(HostFunction, "sriov_vfs", COUNT, sriov_vfs),
        FIELD(HostFunction, "name", STRING, name),
        FIELD(HostFunction, "candidate", LIST, candidates),
        { NULL },
};
static const Field module_fields[] = {
        FIELD(HostModule, "name", STRING, name),
        FIELD(HostModule, "refs", INT, refcnt),
        FIELD(HostModule, "holder", LIST, holders),
        FIELD(HostModule, "state", STRING, state),
        { NULL },
};
static const Field console_fields[] = {
        FIELD(HostConsole, "id", STRING, id),
        FIELD(HostConsole, "name", STRING, name),
        FIELD(HostConsole, "bound", YES_NO, bound),
        { NULL },
};
static const Field framebuffer_fields[] = {
        FIELD(HostFramebuffer, "index", INT, index),
        FIELD(HostFramebuffer, "name", STRING, name),
        FIELD(HostFramebuffer, "platform", STRING, platform),
        FIELD(HostFramebuffer, "driver", STRING, driver),
        FIELD(HostFramebuffer, "owned", YES_NO, has_owner),
        FIELD(HostFramebuffer, "owner", PCI, owner),
        { NULL },
};
const Field hostview_unit_fields[] = {
        FIELD(HostUnit, "id", STRING, id),
        FIELD(HostUnit, "active", STRING, active),
        FIELD(HostUnit, "job", STRING, job),
        FIELD(HostUnit, "cgroup", STRING, cgroup),
        FIELD(HostUnit, "stop_timeout", NUMBER, stop_timeout),
        FIELD(HostUnit, "stopped_for", STRING, stopped_for),
        { NULL },
};
static const Field session_fields[] = {
        FIELD(HostSession, "id", STRING, id),
        FIELD(HostSession, "user", STRING, user),
        FIELD(HostSession, "uid", NUMBER, uid),
        FIELD(HostSession, "seat", STRING, seat),
        FIELD(HostSession, "tty", STRING, tty),
        FIELD(HostSession, "type", STRING, type),
        FIELD(HostSession, "class", STRING, class),
        FIELD(HostSession, "service", STRING, service),
        FIELD(HostSession, "scope", STRING, scope),
        FIELD(HostSession, "state", STRING, state),
        FIELD(HostSession, "remote", YES_NO, remote),
        FIELD(HostSession, "linger", YES_NO, linger),
        { NULL },
};
static const Field holder_fields[] = {
        FIELD(HostHolder, "pid", INT, pid),
        FIELD(HostHolder, "start", NUMBER, start_time),
        FIELD(HostHolder, "uid", NUMBER, uid),
        FIELD(HostHolder, "comm", STRING, comm),
        FIELD(HostHolder, "cgroup", STRING, cgroup),
        FIELD(HostHolder, "unit", STRING, unit),
        FIELD(HostHolder, "user_unit", STRING, user_unit),
        FIELD(HostHolder, "node", STRING, node),
        FIELD(HostHolder, "mapped", YES_NO, mapped),
        { NULL },
};
static const Field mdev_type_fields[] = {
        FIELD(HostMdevType, "parent", STRING, parent),
        FIELD(HostMdevType, "id", STRING, id),
        FIELD(HostMdevType, "name", STRING, name),
        FIELD(HostMdevType, "description", STRING, description),
        FIELD(HostMdevType, "api", STRING, api),
        FIELD(HostMdevType, "available", INT, available),
        { NULL },
};
static const Field mdev_fields[] = {
        FIELD(HostMdev, "uuid", STRING, uuid),
        FIELD(HostMdev, "parent", STRING, parent),
        FIELD(HostMdev, "type", STRING, type),
        { NULL },
};
const Field hostview_fields[] = {
        FIELD(HostView, "busy_disk", LIST, busy_disks),
        FIELD(HostView, "default_route", LIST, default_route),
        FIELD(HostView, "autologin", LIST, autologin_gettys),
        FIELD(HostView, "missing_module", LIST, missing_modules),
        FIELD(HostView, "variant_driver", LIST, variant_drivers),
        FIELD(HostView, "iommu", YES_NO, have_iommu),
        FIELD(HostView, "shutting_down", YES_NO, shutting_down),
        { NULL },
};

#define KIND(name, type, fields, array, n)                                                   \
        {                                                                                    \
                name, fields, sizeof(type), offsetof(HostView, array), offsetof(HostView, n) \
        }
const HostviewKind hostview_kinds[HOSTVIEW_KINDS] = {
        KIND("pci", HostFunction, function_fields, functions, n_functions),
        KIND("module", HostModule, module_fields, modules, n_modules),
        KIND("console", HostConsole, console_fields, consoles, n_consoles),
        KIND("framebuffer", HostFramebuffer, framebuffer_fields, framebuffers, n_framebuffers),
        KIND("unit", HostUnit, hostview_unit_fields, units, n_units),
        KIND("session", HostSession, session_fields, sessions, n_sessions),
        KIND("holder", HostHolder, holder_fields, holders, n_holders),
        KIND("mdev-type", HostMdevType, mdev_type_fields, mdev_types, n_mdev_types),
        KIND("mdev", HostMdev, mdev_fields, mdevs, n_mdevs),
};
