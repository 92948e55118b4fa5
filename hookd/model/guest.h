/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/parse.h"
#include "util/fault.h"

/* What hookd needs of a domain, from the XML libvirt feeds to a hook or virsh dumpxml prints. */
typedef enum GuestDeviceType {
        GUEST_DEVICE_PCI,
        GUEST_DEVICE_MDEV,
} GuestDeviceType;

typedef struct GuestDevice {
        GuestDeviceType type;
        PciAddress address; /* PCI: on the host */
        char uuid[37];      /* mdev */
        bool managed;       /* managed='yes' */
        bool interface;     /* <interface type='hostdev'> rather than <hostdev> */
        char *driver;       /* <driver name=…> other than "vfio", or NULL (libvirt 11: a variant driver's name) */
} GuestDevice;

typedef struct Guest {
        char *name;    /* UTF-8, never empty */
        char uuid[37]; /* lowercase */
        GuestDevice *devices;
        size_t n_devices;
} Guest;

#define GUEST_XML_MAX ((size_t) 64 << 20)

/* Parses domain XML; the only user of libxml2. No network, no external or internal entities expanded, at most
 * GUEST_XML_MAX bytes and libxml2's own depth limit. A <hostdev> without a type hookd knows (usb, scsi) is passed over;
 * a PCI one whose address cannot be read is an error. -EINVAL with a fault that names the line; -EFBIG; -ENOMEM.
 * *ret is owned by the caller. */
int guest_parse(const char *xml, size_t size, Guest **ret, Fault *f);
/* Of a guest whose devices are libvirt's to prepare. */
void guest_forget_devices(Guest *g);
Guest *guest_free(Guest *g);
DEFINE_CLEANUP(Guest, guest_free)
