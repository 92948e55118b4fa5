/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What scan.c puts together; for scan-*.c only. */

#include "host/mdev.h"
#include "host/scan.h"

/* Attributes, folders and links that may not be there, or go while we look: NULL then, and 0, as for an empty
 * folder. Only -ENOMEM fails. */
int scan_read(Host *h, char **ret, const char *fmt, ...) _printf_(3, 4);
int scan_list(Host *h, char ***ret, const char *fmt, ...) _printf_(3, 4);
int scan_link(Host *h, char **ret, const char *fmt, ...) _printf_(3, 4); /* its last component */
bool scan_exists(Host *h, const char *fmt, ...) _printf_(2, 3);
int scan_append(char ***v, const char *fmt, ...) _printf_(2, 3);
/* One more, zeroed, at the end of an array; NULL: out of memory. */
void *scan_grow(void *array_ptr, size_t *n, size_t size);

/* The PCI function nearest to a device, from the path of a link: ../../devices/pci0000:00/…/0000:01:00.0/drm/card0. */
bool scan_nearest_function(const char *path, PciAddress *ret);
/* Names in /sys/class/CLASS (or another folder of links) whose nearest function is `a`. */
int scan_class(Host *h, const char *folder, const PciAddress *a, char ***ret);
int scan_nodes_of(Host *h, const PciAddress *a, const HostFramebuffer *fbs, size_t n_fbs, char ***ret);

/* ---- scan-pci.c ---- */
int scan_functions(Host *h, HostView *v, Fault *f);
int scan_function_devices(Host *h, const HostView *v, HostFunction *fn);
int scan_blocks(Host *h, const PciAddress *a, char ***ret); /* disks behind a function */
/* ---- scan-bar.c, scan-display.c ---- */
int scan_bars(Host *h, HostFunction *fn);
int scan_connected(Host *h, char *const *drm, HostFunction *fn);
/* ---- scan-module.c ---- */
int scan_modules(Host *h, HostView *v);
int scan_variant_drivers(Host *h, const ScanRequest *request, HostView *v);
/* ---- scan-use.c ---- */
int scan_disk_use(Host *h, char *const *disks, HostView *v);
int scan_default_route(Host *h, HostView *v);
/* ---- scan-script.c ---- */
int scan_scripts(Host *h, const char *domain, HostView *v, Fault *f);
/* ---- scan-unit.c ---- */
int scan_services(Host *h, const ScanRequest *request, HostView *v, Fault *f);
/* ---- scan-mdev.c ---- */
int scan_mdev_types(Host *h, HostView *v);
int scan_mdevs(Host *h, HostView *v);
