/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/check-parts.h"

#include "host/describe.h"
#include "step/step-util.h"

#include <stdio.h>

static const HostFunction *find_id(const HostView *v, uint16_t vendor, uint16_t device)
{
        for (size_t i = 0; i < v->n_functions; i++)
                if (v->functions[i].vendor == vendor && v->functions[i].device == device)
                        return &v->functions[i];
        return NULL;
}

/* "0000:01:00.0, 0000:02:00.0": where this host's cards are. Caller frees. */
static char *cards(const HostView *v)
{
        _cleanup_strv_ char **list = NULL;
        char bdf[PCI_FORMAT_MAX];

        for (size_t i = 0; i < v->n_functions; i++)
                if (function_is_display(&v->functions[i]) &&
                    strv_append(&list, pci_format(&v->functions[i].address, bdf)) < 0)
                        return NULL;
        return list ? strv_join(list, ", ") : strdup("nowhere");
}

/* Where a vendor:device of Device= is that Functions= does not know. */
static const HostFunction *moved_to(const Subject *s)
{
        for (size_t i = 0; i < s->profile->n_match_device; i++) {
                const MatchDevice *d = &s->profile->match_device[i];
                const HostFunction *fn = d->is_address ? NULL : find_id(s->check->view, d->vendor, d->device);

                if (fn && !subject_lists(s, &fn->address))
                        return fn;
        }
        return NULL;
}

static void check_functions(const Subject *s)
{
        const HostView *v = s->check->view;

        for (size_t i = 0; i < s->profile->n_functions; i++) {
                const PciAddress *a = &s->profile->functions[i];
                const HostFunction *fn = hostview_function(v, a), *now = moved_to(s);
                _cleanup_free_ char *where = cards(v);
                int index;
                char bdf[PCI_FORMAT_MAX], other[PCI_FORMAT_MAX];

                pci_format(a, bdf);
                if (!fn && hostview_physical(v, a, &index)) /* virtual, and made when it is needed */
                        continue;
                if (fn && fn->is_bridge)
                        subject_add(s, true, "Devices", "Functions",
                                    "%s is a PCI bridge; only what is behind it can be given to a guest", bdf);
                else if (fn)
                        continue;
                else if (now)
                        subject_add(s, true, "Devices", "Functions",
                                    "there is no PCI device %s on this host; %04x:%04x of Device= has moved to %s: "
                                    "correct it here and in the domain (`virsh edit`)",
                                    bdf, now->vendor, now->device, pci_format(&now->address, other));
                else
                        subject_add(s, true, "Devices", "Functions",
                                    "there is no PCI device %s on this host; its cards are at %s", bdf,
                                    where ? where : "?");
        }
}

/* The words of a list's devices that are not here. All of them: the profile is for nobody. */
static void check_devices(const Subject *s)
{
        const Profile *p = s->profile;
        size_t absent = 0;

        for (size_t pass = 0; pass < 2; pass++)
                for (size_t i = 0; i < p->n_match_device; i++) {
                        const MatchDevice *d = &p->match_device[i];
                        char word[PCI_FORMAT_MAX];
                        int index;

                        if (d->is_address && hostview_physical(s->check->view, &d->address, &index))
                                continue;
                        if (d->is_address ? hostview_function(s->check->view, &d->address) != NULL
                                          : find_id(s->check->view, d->vendor, d->device) != NULL)
                                continue;
                        if (d->is_address)
                                pci_format(&d->address, word);
                        else
                                (void) snprintf(word, sizeof(word), "%04x:%04x", d->vendor, d->device);
                        if (pass == 0)
                                absent++;
                        else
                                subject_add(
                                        s, false, "Match", "Device", "there is no PCI device %s on this host%s", word,
                                        absent == p->n_match_device ? ", so this profile is for no guest here" : "");
                }
}

static void check_modules(const Subject *s)
{
        const HostView *v = s->check->view;

        STRV_FOREACH (name, s->profile->module_names) {
                const HostModule *m = hostview_module(v, *name);

                if (!m && s->check->host && module_known(*name) == 0)
                        subject_add(s, false, "Module", "Names", "the running kernel has no module %s", *name);
                else if (!m && !s->check->host)
                        subject_add(s, false, "Module", "Names", "the module %s is not loaded on that host", *name);
                STRV_FOREACH (user, m ? m->holders : NULL)
                        if (strv_contains(name + 1, *user))
                                subject_add(s, false, "Module", "Names",
                                            "%s is used by %s, which comes after it and has to be unloaded first",
                                            *name, *user);
        }
}

static bool driver_is_here(const Subject *s, const char *driver)
{
        char module[64], path[128];

        for (size_t i = 0; i < s->check->view->n_functions; i++)
                if (streq0(s->check->view->functions[i].driver, driver))
                        return true;
        if (hostview_module(s->check->view, driver_module(driver, module)) || driver_is_for_guests(driver))
                return true;
        if (!s->check->host)
                return false;
        (void) snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s", driver);
        return host_exists(s->check->host, path) || module_known(module) != 0;
}

static void check_driver(const Subject *s, const char *section, const char *key, const char *driver)
{
        if (driver && !driver_is_here(s, driver))
                subject_add(s, false, section, key,
                            s->check->host ? "the running kernel has no driver %s"
                                           : "no device of that host is on the driver %s",
                            driver);
}

/* What the display manager or StopUnits= names. */
static void check_unit(const Subject *s, const char *section, const char *key, const char *unit)
{
        UnitInfo info = { 0 };
        int r;

        if (!s->check->host)
                return;
        s->check->host->deadline = host_now(s->check->host) + 5 * USEC_PER_SEC;
        r = host_unit(s->check->host, UNIT_STATE, unit, &info);
        if (r == -ENOENT || (r >= 0 && streq(info.load, "not-found")))
                subject_add(s, false, section, key, "systemd has no unit %s: `systemctl list-unit-files` lists them",
                            unit);
        else if (r >= 0 && streq(info.load, "masked"))
                subject_add(s, false, section, key, "the unit %s is masked, so it could not be started again", unit);
}

static void check_units(const Subject *s)
{
        const HostUnit *dm = s->check->view->display_manager;
        const char *unit = s->profile->dm_unit;

        if (unit)
                check_unit(s, "DisplayManager", "Unit", unit);
        if (unit && !s->check->host && (!dm || !streq(dm->id, unit)))
                subject_add(s, false, "DisplayManager", "Unit", "the display manager of that host is %s, not %s",
                            dm ? dm->id : "not known", unit);
        STRV_FOREACH (name, s->profile->stop_units)
                check_unit(s, "Services", "StopUnits", *name);
}

void check_against_host(const Subject *s)
{
        check_functions(s);
        check_devices(s);
        check_modules(s);
        check_driver(s, "Driver", "Guest", s->profile->driver_guest);
        check_driver(s, "Driver", "Host", s->profile->driver_host);
        STRV_FOREACH (driver, s->profile->allow_drivers)
                check_driver(s, "Devices", "AllowDrivers", *driver);
        check_units(s);
}
