/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/scan-parts.h"

#include <stdarg.h>
#include <stdio.h>

#define SCAN_PATH(path, fmt)                                      \
        char path[512];                                           \
        do {                                                      \
                va_list args_;                                    \
                va_start(args_, fmt);                             \
                (void) vsnprintf(path, sizeof(path), fmt, args_); \
                va_end(args_);                                    \
        } while (0)

int scan_read(Host *h, char **ret, const char *fmt, ...)
{
        int r;

        SCAN_PATH(path, fmt);
        *ret = NULL;
        r = host_read(h, path, ret);
        return r == -ENOMEM ? r : 0;
}

int scan_list(Host *h, char ***ret, const char *fmt, ...)
{
        int r;

        SCAN_PATH(path, fmt);
        *ret = NULL;
        r = host_list(h, path, ret);
        if (*ret && !**ret) /* nothing in it is the same as no folder */
                *ret = strv_free(*ret);
        return r == -ENOMEM ? r : 0;
}

int scan_link(Host *h, char **ret, const char *fmt, ...)
{
        int r;

        SCAN_PATH(path, fmt);
        *ret = NULL;
        r = host_readlink(h, path, ret);
        return r == -ENOMEM ? r : 0;
}

bool scan_exists(Host *h, const char *fmt, ...)
{
        SCAN_PATH(path, fmt);
        return host_exists(h, path);
}

int scan_append(char ***v, const char *fmt, ...)
{
        SCAN_PATH(text, fmt);
        return strv_append(v, text);
}

void *scan_grow(void *array_ptr, size_t *n, size_t size)
{
        void **array = array_ptr;
        char *p = reallocarray(*array, *n + 1, size);

        if (!p)
                return NULL;
        *array = p;
        memset(p + *n * size, 0, size);
        ++*n;
        return p + (*n - 1) * size;
}

bool scan_nearest_function(const char *path, PciAddress *ret)
{
        bool found = false;

        for (const char *p = path; *p;) {
                size_t len = strcspn(p, "/");
                char name[PCI_FORMAT_MAX], canonical[PCI_FORMAT_MAX];
                PciAddress a;

                if (len < sizeof(name)) {
                        memcpy(name, p, len);
                        name[len] = '\0';
                        if (pci_parse(name, &a) >= 0 && streq(pci_format(&a, canonical), name)) {
                                *ret = a;
                                found = true;
                        }
                }
                p += len;
                p += *p == '/';
        }
        return found;
}

int scan_class(Host *h, const char *folder, const PciAddress *a, char ***ret)
{
        _cleanup_strv_ char **names = NULL, **found = NULL;
        int r;

        r = scan_list(h, &names, "%s", folder);
        if (r < 0)
                return r;
        STRV_FOREACH (name, names) {
                _cleanup_free_ char *link = NULL;
                char path[512];
                PciAddress near;

                (void) snprintf(path, sizeof(path), "%s/%s", folder, *name);
                r = host_readlink_full(h, path, &link);
                if (r >= 0 && scan_nearest_function(link, &near) && pci_compare(&near, a) == 0)
                        r = strv_append(&found, *name);
                if (r == -ENOMEM)
                        return r;
        }
        *ret = TAKE_PTR(found);
        return 0;
}

/* Wanted, or in the slot or the IOMMU group of a wanted one. */
static bool is_near(const HostView *v, const ScanRequest *request, const HostFunction *fn)
{
        for (size_t i = 0; i < request->n_wanted; i++) {
                const HostFunction *wanted = hostview_function(v, request->wanted + i);

                if (wanted && (pci_same_slot(&wanted->address, &fn->address) ||
                               (wanted->iommu_group >= 0 && wanted->iommu_group == fn->iommu_group)))
                        return true;
        }
        return false;
}

static int scan_holders(Host *h, char *const *nodes, HostView *v, Fault *f)
{
        int r;

        if (!nodes)
                return 0;
        r = host_holders(h, nodes, &v->holders, &v->n_holders);
        if (r >= 0)
                return 0;
        v->holders = NULL;
        v->n_holders = 0;
        if (r == -ENOTSUP) /* a folder as root has no processes */
                return 0;
        return fault_set(f, r, nodes[0], "cannot find out who has %s open: %s", nodes[0], fault_errno(r));
}

/* Devices, disks and holders of the functions near the wanted ones. */
static int scan_near(Host *h, const ScanRequest *request, HostView *v, Fault *f)
{
        _cleanup_strv_ char **nodes = NULL, **disks = NULL;
        int r;

        for (size_t i = 0; i < v->n_functions; i++) {
                HostFunction *fn = v->functions + i;
                _cleanup_strv_ char **shared = NULL;

                if (!is_near(v, request, fn))
                        continue;
                r = scan_function_devices(h, v, fn);
                if (r >= 0 && request->bars)
                        r = scan_bars(h, fn);
                if (r < 0)
                        return r;
                if (function_is_display(fn) && (r = scan_shared_nodes(h, fn->vendor, &shared)) < 0)
                        return r;
                STRV_FOREACH (node, fn->nodes)
                        if (!strv_contains(nodes, *node) && strv_append(&nodes, *node) < 0)
                                return -ENOMEM;
                STRV_FOREACH (node, shared)
                        if (!strv_contains(nodes, *node) && strv_append(&nodes, *node) < 0)
                                return -ENOMEM;
                STRV_FOREACH (disk, fn->block)
                        if (!strv_contains(disks, *disk) && strv_append(&disks, *disk) < 0)
                                return -ENOMEM;
        }

        if ((r = scan_disk_use(h, disks, v)) < 0 || (r = scan_default_route(h, v)) < 0 ||
            (r = scan_variant_drivers(h, request, v)) < 0)
                return r;
        return request->no_services ? 0 : scan_holders(h, nodes, v, f);
}

int scan(Host *h, const ScanRequest *request, HostView **ret, Fault *f)
{
        _cleanup_(hostview_freep) HostView *v = hostview_new();
        int r;

        if (!v)
                return fault_set(f, -ENOMEM, NULL, "out of memory while looking at the host");

        if ((r = scan_functions(h, v, f)) < 0 || (r = scan_modules(h, v)) < 0 || (r = scan_consoles(h, v)) < 0 ||
            (r = scan_framebuffers(h, v)) < 0 || (r = scan_mdevs(h, v)) < 0 ||
            (request->mdev_types && (r = scan_mdev_types(h, v)) < 0) || (r = scan_near(h, request, v, f)) < 0 ||
            (r = scan_scripts(h, request->domain, v, f)) < 0 ||
            (!request->no_services && (r = scan_services(h, request, v, f)) < 0))
                return fault_default(f, r, NULL, "cannot look at the host: %s", fault_errno(r));

        *ret = TAKE_PTR(v);
        return 0;
}
