/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/units.h"

#include "ctl/path.h"
#include "host/host.h"

#include <stdio.h>
#include <sys/stat.h>

#define UNIT_USEC (60 * USEC_PER_SEC) /* for all that is asked of systemd */

/* ---- files ---- */

/* Where systemd would find the unit, without root. Caller frees; NULL: nowhere. */
static char *unit_file(const char *root)
{
        static const char *const folders[] = { "/etc/systemd/system", "/usr/local/lib/systemd/system",
                                               "/usr/lib/systemd/system", "/lib/systemd/system" };

        for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
                _cleanup_free_ char *path = path_below(folders[i], "/" SOCKET_UNIT), *full = NULL;

                if (!path)
                        return NULL;
                full = path_below(root, path);
                if (full && access(full, F_OK) == 0)
                        return TAKE_PTR(path);
        }
        return NULL;
}

int units_enable(const char *root, Receipt *r, Fault *f)
{
        _cleanup_free_ char *target = unit_file(root), *link = path_below(root, WANTS_LINK);
        struct stat st;
        int k;

        if (!link)
                return fault_set(f, -ENOMEM, NULL, "out of memory");
        if (!target)
                return fault_set(f, -ENOENT, SOCKET_UNIT,
                                 SOCKET_UNIT " is in none of systemd's folders: is hookd installed completely?");
        if (lstat(link, &st) == 0) {
                (void) puts(SOCKET_UNIT " is enabled already");
                return 0;
        }
        k = receipt_add_folders(r, root, WANTS_FOLDER);
        if (k >= 0)
                k = receipt_add(r, ITEM_LINK, WANTS_LINK, target);
        if (k < 0)
                return fault_set(f, k, NULL, "out of memory");
        k = receipt_save(root, r, f);
        if (k < 0)
                return k;
        k = path_make(root, WANTS_FOLDER);
        if (k >= 0 && symlink(target, link) < 0)
                k = -errno;
        if (k < 0)
                return fault_set(f, k, link, "cannot enable " SOCKET_UNIT " by the link %s: %s", link, fault_errno(k));
        (void) puts("enabled " SOCKET_UNIT ": it comes up with the machine");
        return 0;
}

int units_disable(const char *root, Receipt *r, Fault *f)
{
        _cleanup_free_ char *link = path_below(root, WANTS_LINK);
        const Item *item = receipt_find(r, ITEM_LINK, WANTS_LINK, NULL);
        char there[4096];
        ssize_t n;

        if (!item)
                return 0;
        if (!link)
                return fault_set(f, -ENOMEM, NULL, "out of memory");
        n = readlink(link, there, sizeof(there) - 1);
        if (n >= 0)
                there[n] = '\0';
        if (n >= 0 && streq(there, item->value)) {
                if (unlink(link) < 0)
                        return fault_set(f, -errno, link, "cannot remove %s: %s", link, fault_errno(-errno));
                (void) puts("disabled " SOCKET_UNIT);
        }
        receipt_drop(r, ITEM_LINK, WANTS_LINK, NULL);
        return 0;
}

/* ---- the running system ---- */

static int open_host(Host **ret, Fault *f)
{
        int r = host_new("/", ret, f);

        if (r >= 0)
                (*ret)->deadline = host_now(*ret) + UNIT_USEC;
        return r;
}

static int unit_fault(Fault *f, int r, const char *verb, const char *unit)
{
        return fault_set(f, r, unit, "cannot %s %s: %s; `systemctl %s %s` may say more", verb, unit, fault_errno(r),
                         verb, unit);
}

int units_start(Receipt *r, Fault *f)
{
        _cleanup_(host_freep) Host *h = NULL;
        UnitInfo info;
        int k;

        k = open_host(&h, f);
        if (k < 0)
                return k;
        k = host_unit(h, UNIT_STATE, SOCKET_UNIT, &info);
        if (k < 0)
                return unit_fault(f, k, "start", SOCKET_UNIT);
        if (streq(info.active, "active")) {
                (void) puts(SOCKET_UNIT " is listening");
                return 0;
        }
        k = receipt_add(r, ITEM_STARTED, SOCKET_UNIT, NULL);
        if (k < 0)
                return fault_set(f, k, NULL, "out of memory");
        k = receipt_save("", r, f);
        if (k < 0)
                return k;
        k = host_unit(h, UNIT_START, SOCKET_UNIT, &info);
        if (k < 0)
                return unit_fault(f, k, "start", SOCKET_UNIT);
        (void) puts("started " SOCKET_UNIT);
        return 0;
}

int units_stop(Receipt *r, Fault *f)
{
        static const char *const units[] = { SOCKET_UNIT, SERVICE_UNIT }; /* or the socket would start the service */
        _cleanup_(host_freep) Host *h = NULL;
        int k;

        if (!receipt_find(r, ITEM_STARTED, SOCKET_UNIT, NULL))
                return 0;
        k = open_host(&h, f);
        if (k < 0)
                return k;
        for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
                k = host_unit(h, UNIT_STOP, units[i], NULL);
                if (k < 0)
                        return unit_fault(f, k, "stop", units[i]);
                (void) printf("stopped %s\n", units[i]);
        }
        receipt_drop(r, ITEM_STARTED, SOCKET_UNIT, NULL);
        return 0;
}

int units_reload_libvirt(Fault *f)
{
        static const char *const units[] = { "libvirtd.service", "virtqemud.service" };
        _cleanup_(host_freep) Host *h = NULL;
        bool any = false;
        int k;

        k = open_host(&h, f);
        if (k < 0)
                return k;
        for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
                UnitInfo info;

                k = host_unit(h, UNIT_STATE, units[i], &info);
                if (k == -ENOENT || (k >= 0 && !streq(info.active, "active")))
                        continue;
                if (k >= 0)
                        k = host_unit(h, UNIT_RELOAD, units[i], NULL);
                if (k < 0)
                        return unit_fault(f, k, "reload", units[i]);
                (void) printf("reloaded %s, which looks for hooks then\n", units[i]);
                any = true;
        }
        if (!any)
                (void) puts("libvirt is not running; it looks for hooks when it starts");
        return 0;
}
