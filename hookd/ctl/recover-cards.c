/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/recover-cards.h"

#include "ctl/look.h"
#include "step/step-util.h"

#include <stdio.h>

#define CALL_USEC  (30 * USEC_PER_SEC) /* for one call into the kernel */
#define BIND_USEC  (15 * USEC_PER_SEC) /* for udev, which loads the driver's module */
#define SLICE_USEC (500 * USEC_PER_MSEC)
#define UNIT_USEC  (90 * USEC_PER_SEC)

static int set(Recover *r, const char *bdf, const char *attribute, const char *value)
{
        _cleanup_free_ char *path = function_path(bdf, attribute);

        r->host->deadline = host_now(r->host) + CALL_USEC;
        return path ? host_write_hand(r->host, path, value) : -ENOMEM;
}

/* Away from the guest's driver. What fails is seen afterwards; what hangs ends it all. */
static void let_go(Recover *r, const HostFunction *fn)
{
        char bdf[PCI_FORMAT_MAX];

        if (r->host->stuck)
                return;
        (void) set(r, pci_format(&fn->address, bdf), "driver_override", "\n");
        if (!r->host->stuck)
                (void) set(r, bdf, "driver/unbind", bdf);
}

static char *driver_of(Recover *r, const char *bdf)
{
        _cleanup_free_ char *path = function_path(bdf, "driver");
        char *driver = NULL;

        return path && host_readlink(r->host, path, &driver) >= 0 ? driver : NULL;
}

/* To the host's, by the way that a boot takes: udev loads what the device's modalias names. */
static void take_back(Recover *r, const HostFunction *fn)
{
        uint64_t until = host_now(r->host) + BIND_USEC;
        _cleanup_free_ char *now = NULL;
        char bdf[PCI_FORMAT_MAX];

        if (r->host->stuck)
                return;
        (void) set(r, pci_format(&fn->address, bdf), "uevent", "add");
        r->host->deadline = host_now(r->host) + CALL_USEC;
        if (!r->host->stuck)
                (void) host_write_hand(r->host, "/sys/bus/pci/drivers_probe", bdf);
        while (!r->host->stuck && !(now = driver_of(r, bdf)) && host_now(r->host) < until) {
                r->host->deadline = until;
                if (host_wait(r->host, WAIT_UEVENT, NULL, 0, SLICE_USEC) < 0)
                        break;
        }
        recover_say(r, 2, "%s: %s -> %s", bdf, fn->driver, now ? now : "no driver");
        if (now && !driver_is_for_guests(now))
                return;
        if (now)
                recover_left(r, "%s is on %s again: something on this host binds it there.", bdf, now);
        else
                recover_left(r, "%s has no driver now. The kernel may say why:", bdf);
        recover_command(r, now ? "grep -rs vfio /etc/modprobe.d /etc/udev/rules.d" : "dmesg | tail -n 20");
}

static void mend(Recover *r, const HostFunction *const *slot, size_t n)
{
        recover_say(r, 0, "Nobody has these; they are given back to the host:");
        for (size_t i = n; i-- > 0;) /* sound, USB and I2C hang on function 0 */
                let_go(r, slot[i]);
        for (size_t i = 0; i < n; i++)
                take_back(r, slot[i]);
        if (r->host->stuck) {
                recover_left(r, "A call has not returned from the kernel: %s. Only a reboot helps now:",
                             r->host->stuck_what);
                recover_command(r, "systemctl reboot");
        }
}

static void explain(Recover *r, const HostFunction *const *slot, size_t n)
{
        char bdf[PCI_FORMAT_MAX];

        recover_left(r, "%s%s%s is on %s, and no guest has it. To give it back to the host:",
                     pci_format(&slot[0]->address, bdf), slot[0]->name ? ", " : "", slot[0]->name ? slot[0]->name : "",
                     slot[0]->driver);
        recover_command(r, "hookctl recover --force");
        recover_command(r, "# or by hand:");
        for (size_t i = n; i-- > 0;) {
                pci_format(&slot[i]->address, bdf);
                recover_command(r, "echo > /sys/bus/pci/devices/%s/driver_override", bdf);
                recover_command(r, "echo %s > /sys/bus/pci/devices/%s/driver/unbind", bdf, bdf);
        }
        for (size_t i = 0; i < n; i++) {
                pci_format(&slot[i]->address, bdf);
                recover_command(r, "echo add > /sys/bus/pci/devices/%s/uevent", bdf);
                recover_command(r, "echo %s > /sys/bus/pci/drivers_probe", bdf);
        }
}

void recover_cards(Recover *r, const HostFunction *const *strays, size_t n)
{
        size_t end;

        for (size_t i = 0; i < n && !r->host->stuck; i = end) {
                for (end = i + 1; end < n && pci_same_slot(&strays[i]->address, &strays[end]->address); end++)
                        ;
                if (r->ctl->force)
                        mend(r, strays + i, end - i);
                else
                        explain(r, strays + i, end - i);
        }
        if (n == 0)
                recover_say(r, 0, "No other card is kept from the host.");
}

static void start(Recover *r, const char *id)
{
        UnitInfo info = { 0 };
        int k;

        r->host->deadline = host_now(r->host) + UNIT_USEC;
        (void) host_unit(r->host, UNIT_RESET_FAILED, id, NULL); /* the start limit's sake */
        k = host_unit(r->host, UNIT_START, id, &info);
        recover_say(r, 0, "%s: %s.", id, k < 0 ? "does NOT start" : "started");
        if (k >= 0)
                return;
        recover_left(r, "%s does not start: %s%s", id, k == -EIO ? "its job ended with " : fault_errno(k),
                     k == -EIO ? info.result : "");
        recover_command(r, "systemctl status %s", id);
}

void recover_desktop(Recover *r, const HostUnit *u)
{
        UnitInfo target = { 0 };

        if (!u)
                return;
        if (!streq(u->active, "inactive") && !streq(u->active, "failed")) {
                recover_say(r, 0, "%s is %s.", u->id, u->active);
                return;
        }
        r->host->deadline = host_now(r->host) + CALL_USEC;
        if (r->open || u->job || host_unit(r->host, UNIT_STATE, "graphical.target", &target) < 0 ||
            !streq(target.active, "active"))
                return; /* down for a guest, or nobody wants it: no desktop was booted */
        if (r->ctl->force) {
                start(r, u->id);
                return;
        }
        recover_left(r, "%s is %s, and no guest needs it to be:", u->id, u->active);
        recover_command(r, "systemctl start %s", u->id);
}

void recover_host(Recover *r)
{
        static const char driverctl[] = "/etc/driverctl.d";
        _cleanup_(hostview_freep) HostView *view = NULL;
        _cleanup_(text_files_clear) TextFiles modprobe = { 0 };
        _cleanup_free_ const HostFunction **strays = NULL;
        _cleanup_free_ char *cmdline = NULL;
        _cleanup_strv_ char **kept = NULL;
        StrayInput in;
        size_t n = 0;
        Fault f = { 0 };

        if (look_at(r->host, NULL, &view, &f) < 0) {
                recover_left(r, "%s", f.text);
                return;
        }
        r->host->deadline = host_now(r->host) + CALL_USEC;
        (void) host_read(r->host, "/proc/cmdline", &cmdline);
        (void) host_list(r->host, driverctl, &kept);
        in = (StrayInput){
                .view = view, .held = r->held, .cmdline = cmdline, .modprobe = &modprobe, .driverctl = kept
        };
        if (text_files_add_modprobe(&modprobe, r->host) < 0 || strays_find(&in, &strays, &n) < 0) {
                r->failed = true;
                return;
        }
        recover_cards(r, strays, n);
        recover_desktop(r, view->display_manager);
}
