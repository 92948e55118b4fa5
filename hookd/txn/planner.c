/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/txn.h"

#include "step/step.h"

#include <stdio.h>

/* Drivers of what sits on a graphics card; AllowDrivers= adds to them. A device that the domain names itself may have
 * any: libvirt would take it as well. */
static const char *const known_drivers[] = {
        "nvidia",
        "nouveau",
        "amdgpu",
        "radeon",
        "i915",
        "xe",
        "ast",
        "mgag200",
        "bochs-drm",
        "snd_hda_intel",
        "snd_sof_pci",
        "xhci_hcd",
        "xhci_pci",
        "nvidia-gpu",
        "i2c-designware-pci",
        "i2c_designware_pci",
        "snd_hda_codec_hdmi",
};

/* Group members that do not stand in the way: kernel drivers with driver_managed_dma, and stubs
 * (drivers/pci/pcie/portdrv.c, drivers/vfio). */
static bool harmless_driver(const HostFunction *fn)
{
        return fn->is_bridge || !fn->driver || streq(fn->driver, "pcieport") || streq(fn->driver, "pci-stub") ||
               startswith(fn->driver, "vfio") || endswith(fn->driver, "_vfio_pci") || endswith(fn->driver, "-vfio-pci");
}

static bool contains(const PciAddress *list, size_t n, const PciAddress *a)
{
        for (size_t i = 0; i < n; i++)
                if (pci_compare(&list[i], a) == 0)
                        return true;
        return false;
}

static int add(PciAddress **list, size_t *n, const PciAddress *a)
{
        PciAddress *grown;
        size_t at;

        if (contains(*list, *n, a))
                return 0;
        grown = reallocarray(*list, *n + 1, sizeof(**list));
        if (!grown)
                return -ENOMEM;
        for (at = *n; at > 0 && pci_compare(&grown[at - 1], a) > 0; at--)
                grown[at] = grown[at - 1];
        grown[at] = *a;
        *list = grown;
        ++*n;
        return 0;
}

static bool named_by_guest(const Guest *guest, const PciAddress *a)
{
        for (size_t i = 0; i < guest->n_devices; i++)
                if (guest->devices[i].type == GUEST_DEVICE_PCI && pci_compare(&guest->devices[i].address, a) == 0)
                        return true;
        return false;
}

/* The card: what the guest or the profile names, widened to the slot. */
static int settle_functions(const Profile *profile, const Guest *guest, const HostView *view, PciAddress **ret,
                            size_t *ret_n)
{
        size_t n_named;
        int r = 0;

        for (size_t i = 0; profile->functions_auto && i < guest->n_devices && r >= 0; i++)
                if (guest->devices[i].type == GUEST_DEVICE_PCI)
                        r = add(ret, ret_n, &guest->devices[i].address);
        for (size_t i = 0; !profile->functions_auto && i < profile->n_functions && r >= 0; i++)
                r = add(ret, ret_n, &profile->functions[i]);
        n_named = *ret_n;
        if (r < 0 || profile->widen == WIDEN_NONE)
                return r;
        for (size_t k = 0; k < view->n_functions && r >= 0; k++) {
                const HostFunction *fn = &view->functions[k];

                if (fn->is_bridge || fn->iommu_group < 0)
                        continue;
                for (size_t i = 0; i < n_named && r >= 0; i++) {
                        const HostFunction *named = hostview_function(view, &(*ret)[i]);

                        if (named && named->iommu_group == fn->iommu_group &&
                            pci_same_slot(&named->address, &fn->address)) {
                                r = add(ret, ret_n, &fn->address);
                                break;
                        }
                }
        }
        return r;
}

static int check_in_use(const HostFunction *fn, const HostView *view, const char *bdf, Fault *f)
{
        STRV_FOREACH (disk, fn->block) {
                STRV_FOREACH (busy, view->busy_disks) {
                        size_t n = strlen(*disk);

                        if (strncmp(*busy, *disk, n) == 0 && (*busy)[n] == ' ')
                                return fault_set(
                                        f, -EBUSY, bdf,
                                        "%s is the controller of a disk the host is using (%s): take that "
                                        "out of use on the host (umount, swapoff, vgchange -an, mdadm --stop), "
                                        "or take %s out of the guest",
                                        bdf, *busy, bdf);
                }
        }
        STRV_FOREACH (net, fn->net) {
                if (strv_contains(view->default_route, *net))
                        return fault_set(f, -EBUSY, bdf,
                                         "%s is the network card %s, which carries the host's default "
                                         "route: move the route, or take %s out of the guest",
                                         bdf, *net, bdf);
        }
        return 0;
}

/* A function that is not there: a virtual one that is made before it is needed? */
static int check_absent(const Profile *profile, const HostView *view, const PciAddress *a, const char *bdf, Fault *f)
{
        char own[PCI_FORMAT_MAX];
        const HostFunction *pf;
        PciAddress parent;
        int index;

        pf = hostview_physical(view, a, &index);
        if (!pf)
                return fault_set(f, -ENODEV, bdf,
                                 "there is no PCI device %s on this host (the guest's or the profile's "
                                 "configuration is stale, or the card has not come back): compare with `lspci -D`",
                                 bdf);
        if ((unsigned) index < profile->vf_count &&
            (!profile->vf_parent ||
             (pci_parse(profile->vf_parent, &parent) >= 0 && pci_compare(&parent, &pf->address) == 0)))
                return 0;
        return fault_set(f, -ENODEV, bdf,
                         "there is no PCI device %s on this host. It would be the virtual function %d of %s, which has "
                         "%d now: Count=%d, or more, in [VirtualFunctions] of the profile makes it",
                         bdf, index + 1, pci_format(&pf->address, own), pf->sriov_vfs, index + 1);
}

/* What stands on a function goes with its driver. */
static int check_foundation(const HostView *view, const HostFunction *fn, const char *bdf, Fault *f)
{
        if (fn->sriov_vfs > 0 && fn->driver && !harmless_driver(fn))
                return fault_set(f, -EBUSY, bdf,
                                 "%s has %d virtual function%s, which would go with its driver: give the guest one of "
                                 "those, or write 0 to its sriov_numvfs when nobody uses them",
                                 bdf, fn->sriov_vfs, fn->sriov_vfs == 1 ? "" : "s");
        for (size_t i = 0; i < view->n_mdevs; i++)
                if (streq(view->mdevs[i].parent, bdf))
                        return fault_set(f, -EBUSY, bdf,
                                         "%s has the mediated device %s, which would go with its driver: shut down the "
                                         "guest that has it, or remove it",
                                         bdf, view->mdevs[i].uuid);
        return 0;
}

static int check_function(const Profile *profile, const Guest *guest, const HostView *view, const PciAddress *a,
                          Fault *f)
{
        const HostFunction *fn = hostview_function(view, a);
        char bdf[PCI_FORMAT_MAX];
        int r;

        pci_format(a, bdf);
        if (!fn)
                return check_absent(profile, view, a, bdf, f);
        if (fn->is_bridge)
                return fault_set(f, -EINVAL, bdf, "%s is a PCI bridge; only what is behind it can be given to a guest",
                                 bdf);
        if (fn->iommu_group < 0)
                return fault_set(f, -ENODEV, bdf,
                                 "%s is in no IOMMU group: enable VT-d or AMD-Vi in the firmware and the "
                                 "IOMMU in the kernel (intel_iommu=on)",
                                 bdf);
        for (size_t i = 0; !harmless_driver(fn) && !named_by_guest(guest, a); i++) {
                if (i == ARRAY_SIZE(known_drivers)) {
                        if (strv_contains(profile->allow_drivers, fn->driver))
                                break;
                        return fault_set(f, -EPERM, bdf,
                                         "%s is on the driver %s, which hookd does not unbind unasked: add "
                                         "AllowDrivers=%s to [Devices] if the guest shall have it, or Widen=none",
                                         bdf, fn->driver, fn->driver);
                }
                if (streq(known_drivers[i], fn->driver))
                        break;
        }
        r = check_foundation(view, fn, bdf, f);
        return r < 0 ? r : check_in_use(fn, view, bdf, f);
}

/* A group is one thing for the IOMMU: a member left on a host driver makes it not viable (drivers/iommu: DMA
 * ownership). */
static int check_groups(const PciAddress *functions, size_t n, const HostView *view, Fault *f)
{
        for (size_t i = 0; i < n; i++) {
                const HostFunction *mine = hostview_function(view, &functions[i]);

                for (size_t k = 0; mine && k < view->n_functions; k++) {
                        const HostFunction *fn = &view->functions[k];
                        char bdf[PCI_FORMAT_MAX], other[PCI_FORMAT_MAX];

                        if (fn->iommu_group != mine->iommu_group || harmless_driver(fn) ||
                            contains(functions, n, &fn->address))
                                continue;
                        pci_format(&mine->address, bdf);
                        pci_format(&fn->address, other);
                        return fault_set(f, -EBUSY, other,
                                         "%s cannot be given away: %s is in the same IOMMU group (%d) and on "
                                         "the host driver %s; give the guest both, or put the card into a slot "
                                         "with a group of its own",
                                         bdf, other, mine->iommu_group, fn->driver);
                }
        }
        return 0;
}

int planner_plan(const Profile *profile, const Guest *guest, const HostView *view, Plan **ret, Fault *f)
{
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_free_ PciAddress *functions = NULL;
        const Step *const *steps = step_table();
        size_t n = 0;
        PlanInput in;
        int r;

        plan = plan_new(guest->name, guest->uuid, profile->path ? profile->path : "");
        if (!plan || settle_functions(profile, guest, view, &functions, &n) < 0)
                return fault_set(f, -ENOMEM, guest->name, "out of memory");
        plan->rollback_timeout = profile->rollback_timeout;
        plan->stop_timeout = profile->stop_timeout;
        for (size_t i = 0; i < n; i++) {
                char bdf[PCI_FORMAT_MAX];

                r = check_function(profile, guest, view, &functions[i], f);
                if (r < 0)
                        return r;
                if (strv_append(&plan->functions, pci_format(&functions[i], bdf)) < 0)
                        return fault_set(f, -ENOMEM, guest->name, "out of memory");
        }
        r = check_groups(functions, n, view, f);
        if (r < 0)
                return r;

        in = (PlanInput){ .profile = profile, .guest = guest, .view = view, .functions = functions, .n_functions = n };
        for (size_t i = 0; steps[i]; i++) {
                size_t before = plan->n_actions;

                r = steps[i]->plan ? steps[i]->plan(&in, plan, f) : 0;
                if (r < 0)
                        return fault_default(f, r, guest->name, "the step %s cannot be planned: %s", steps[i]->name,
                                             fault_errno(r));
                if (steps[i]->decides_desktop) /* those after it follow */
                        in.stops_desktop = plan->n_actions > before;
        }
        *ret = TAKE_PTR(plan);
        return 0;
}

int planner_event(const Profile *profile, const Guest *guest, const HostView *view, HookOp event, Plan **ret, Fault *f)
{
        _cleanup_(plan_freep) Plan *plan = plan_new(guest->name, guest->uuid, profile->path);
        const PlanInput in = { .profile = profile, .guest = guest, .view = view };
        const Step *const *steps = step_table();

        if (!plan)
                return fault_set(f, -ENOMEM, guest->name, "out of memory");
        for (size_t i = 0; steps[i]; i++) {
                int r = steps[i]->event ? steps[i]->event(&in, event, plan, f) : 0;

                if (r < 0)
                        return fault_default(f, r, guest->name, "the step %s cannot be planned: %s", steps[i]->name,
                                             fault_errno(r));
        }
        *ret = TAKE_PTR(plan);
        return 0;
}
