/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/scan.h"
#include "step/card.h"
#include "step/rank.h"

#include <stdio.h>

/* How many virtual functions (SR-IOV) a physical one has. The target is the physical one, the value sriov_numvfs or
 * VALUE_NONE. The kernel knows only the way from none to some and back (sriov_numvfs_store(): -EBUSY), and on the way
 * back takes every one of them away, whoever has it: so some are never made other ones, and none only when nobody uses
 * any. Whoever has more than it needs is content. Which of them get a driver of the host's is up to
 * sriov_drivers_autoprobe, which is the administrator's. */

#define TIMEOUT_VFS (2 * TIMEOUT_KERNEL) /* a driver's probe or remove for each of them */
#define APPEAR_USEC (3 * USEC_PER_SEC)

/* What a guest needs of one physical function. */
typedef struct Need {
        const HostFunction *parent;
        int count;  /* at least */
        bool named; /* Parent= */
        char **functions;
} Need;

static bool is_parent(const PlanInput *in, const HostFunction *fn)
{
        PciAddress a;

        return in->profile->vf_parent && pci_parse(in->profile->vf_parent, &a) >= 0 &&
               pci_compare(&a, &fn->address) == 0;
}

/* The guest's functions that belong to it, and how many that takes. */
static int need_of(const PlanInput *in, const HostFunction *fn, Need *ret)
{
        char bdf[PCI_FORMAT_MAX], own[PCI_FORMAT_MAX];

        *ret = (Need){ .parent = fn, .named = is_parent(in, fn) };
        pci_format(&fn->address, own);
        for (size_t i = 0; i < in->n_functions; i++) {
                const HostFunction *vf = hostview_function(in->view, &in->functions[i]);
                int index = 0;
                bool placed = hostview_physical(in->view, &in->functions[i], &index) == fn;

                /* one that is there says whose it is, even where the kernel (before 4.14) does not say which one */
                if (vf ? !vf->physfn || !streq(vf->physfn, own) : !placed)
                        continue;
                if (strv_append(&ret->functions, pci_format(&in->functions[i], bdf)) < 0)
                        return -ENOMEM;
                ret->count = MAX(ret->count, placed ? index + 1 : 1);
        }
        if (ret->named || (ret->functions && !in->profile->vf_parent))
                ret->count = MAX(ret->count, (int) in->profile->vf_count);
        return 0;
}

static int check(const PlanInput *in, const Need *n, const char *bdf, Fault *f)
{
        const HostFunction *fn = n->parent;

        if (fn->sriov_total == 0)
                return fault_set(f, -EOPNOTSUPP, bdf,
                                 "%s has no virtual functions to make, which Parent= in [VirtualFunctions] asks for: "
                                 "SR-IOV may have to be switched on in the firmware, or %s is not the physical "
                                 "function",
                                 bdf, bdf);
        if (card_has(in, &fn->address))
                return fault_set(f, -EINVAL, bdf,
                                 "the guest is given %s itself, whose virtual functions [VirtualFunctions] asks for: "
                                 "it can have only one of the two",
                                 bdf);
        if (n->count > fn->sriov_total)
                return fault_set(f, -ERANGE, bdf,
                                 "%s can have %d virtual functions (sriov_totalvfs), not %d: correct Count= in "
                                 "[VirtualFunctions]",
                                 bdf, fn->sriov_total, n->count);
        if (fn->sriov_vfs > 0 && fn->sriov_vfs < n->count)
                return fault_set(f, -EBUSY, bdf,
                                 "%s has %d virtual function%s already, and the kernel makes no more without taking "
                                 "those away: let whoever makes them make %d, in Count= of other profiles, or write 0 "
                                 "to its sriov_numvfs when nobody uses them",
                                 bdf, fn->sriov_vfs, fn->sriov_vfs == 1 ? "" : "s", n->count);
        return 0;
}

static int append(Plan *plan, const Need *n, const char *bdf)
{
        bool there = n->parent->sriov_vfs >= n->count;
        _cleanup_free_ char *joined = NULL;
        char count[16];
        Action *a;

        (void) snprintf(count, sizeof(count), "%d", n->count);
        a = step_append(plan, "virtual-functions", bdf, count, ACTION_SHARED | ACTION_CARD, TIMEOUT_VFS,
                        there ? "there already; they stay while a guest has one" : "made for the guest");
        if (!a)
                return -ENOMEM;
        joined = n->functions ? strv_join(n->functions, ",") : NULL;
        return !n->functions ? 0 : joined ? action_param_add(a, "functions", joined) : -ENOMEM;
}

static int virtual_functions_plan(const PlanInput *in, Plan *plan, Fault *f)
{
        bool any = false;

        for (size_t i = 0; i < in->view->n_functions; i++) {
                const HostFunction *fn = &in->view->functions[i];
                char bdf[PCI_FORMAT_MAX];
                Need n;
                int r;

                r = need_of(in, fn, &n);
                any = any || n.functions || n.named;
                if (r >= 0 && n.count > 0) {
                        r = check(in, &n, pci_format(&fn->address, bdf), f);
                        r = r < 0 ? r : append(plan, &n, bdf);
                }
                strv_free(n.functions);
                if (r < 0)
                        return r;
        }
        if (in->profile->vf_count == 0 || any)
                return 0;
        if (in->profile->vf_parent)
                return fault_set(f, -ENODEV, in->profile->vf_parent,
                                 "there is no PCI device %s on this host: correct Parent= in [VirtualFunctions]",
                                 in->profile->vf_parent);
        return plan_warn(plan, "Count= in [VirtualFunctions] makes nothing: the guest has no virtual function, and no "
                               "Parent= says whose they shall be");
}

static int virtual_functions_observe(Host *h, const Action *a, char **ret_value, Fault *f)
{
        _cleanup_free_ char *path = function_path(a->target, "sriov_numvfs");
        int r;

        if (!path)
                return -ENOMEM;
        r = host_read_hand(h, path, ret_value);
        if (r == -ENOENT) {
                *ret_value = strdup(VALUE_NONE);
                return *ret_value ? 0 : -ENOMEM;
        }
        return r < 0 ? fault_set(f, r, a->target, "cannot read %s: %s", path, fault_errno(r)) : 0;
}

/* VALUE_NONE is as good as 0 where it is compared with a number. */
static uint64_t number(const char *value)
{
        uint64_t n;

        return parse_uint(value, UINT16_MAX, &n) >= 0 ? n : 0;
}

static bool virtual_functions_satisfied(const Action *a _unused_, const char *now, const char *wanted)
{
        return streq(now, wanted) || (number(wanted) > 0 && number(now) >= number(wanted)) || streq(wanted, VALUE_NONE);
}

/* Nobody may have any of them: not a guest, not the host itself. */
static int check_unused(Host *h, const char *bdf, Fault *f)
{
        _cleanup_free_ char *path = function_path(bdf, "");
        _cleanup_strv_ char **names = NULL;
        int r;

        r = path ? host_list(h, path, &names) : -ENOMEM;
        if (r < 0)
                return fault_set(f, r, bdf, "cannot list %s: %s", path, fault_errno(r));
        STRV_FOREACH (name, names) {
                _cleanup_free_ char *link = NULL, *vf = NULL, *use = NULL;
                PciAddress a;

                if (!startswith(*name, "virtfn"))
                        continue;
                link = function_path(bdf, *name);
                r = link ? host_readlink(h, link, &vf) : -ENOMEM;
                if (r < 0 || pci_parse(vf, &a) < 0)
                        return fault_set(f, r < 0 ? r : -EINVAL, bdf, "cannot read %s: %s", link ? link : *name,
                                         fault_errno(r < 0 ? r : -EINVAL));
                r = function_let_go(h, vf, f);
                if (r < 0)
                        return fault_prefix(f, "the virtual functions stay");
                r = scan_function_use(h, &a, &use);
                if (r < 0)
                        return fault_set(f, r, vf, "cannot see what the host uses %s for: %s", vf, fault_errno(r));
                if (use)
                        return fault_set(f, -EBUSY, vf,
                                         "the virtual functions of %s stay: the host uses %s, %s. When that has ended, "
                                         "`hookctl release` takes them away",
                                         bdf, vf, use);
        }
        return 0;
}

/* They are made before the write returns; whether they are where they were expected is up to the card. */
static int check_made(Host *h, const Action *a, Fault *f)
{
        uint64_t until = step_until(h, APPEAR_USEC);
        _cleanup_strv_ char **functions = NULL;
        int r;

        r = param_list(a, "functions", &functions);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        STRV_FOREACH (vf, functions)
                while (!function_present(h, *vf)) {
                        r = step_wait(h, WAIT_UEVENT, NULL, 0, until, f);
                        if (r < 0)
                                return r;
                        if (r > 0)
                                return fault_set(f, -ENODEV, *vf,
                                                 "%s has its virtual functions now, but %s is none of them: compare "
                                                 "with `lspci -D`, and correct the domain",
                                                 a->target, *vf);
                }
        return 0;
}

static int write_count(Host *h, const Action *a, const char *count, Fault *f)
{
        _cleanup_free_ char *path = function_path(a->target, "sriov_numvfs");
        int r;

        r = path ? host_write_hand(h, path, count) : -ENOMEM;
        if (r >= 0 || r == -EBUSY) /* another guest's start was faster; the engine looks whether it made enough */
                return 0;
        if (r == -ETIMEDOUT)
                return fault_set(f, r, a->target, "making %s virtual functions of %s has not returned from the kernel",
                                 count, a->target);
        if (r == -ENOENT && function_present(h, a->target))
                return fault_set(f, -EOPNOTSUPP, a->target,
                                 "the driver of %s makes no virtual functions, or it has no driver", a->target);
        return fault_set(f, r, a->target, "%s cannot have %s virtual functions: %s%s", a->target, count, fault_errno(r),
                         r == -ENOMEM
                                 ? ". The firmware has left no room for them: switch SR-IOV on there, or boot with "
                                   "pci=realloc"
                                 : "");
}

static int virtual_functions_converge(Host *h, const Action *a, const char *value, Fault *f)
{
        _cleanup_free_ char *now = NULL;
        int r;

        r = virtual_functions_observe(h, a, &now, f);
        if (r < 0 || virtual_functions_satisfied(a, now, value))
                return r;
        if (streq(now, VALUE_NONE))
                return fault_set(f, -ENODEV, a->target,
                                 "%s is not there any more, or has no virtual functions any more", a->target);
        if (number(value) > 0 && number(now) > 0)
                return fault_set(f, -EBUSY, a->target,
                                 "%s has %s virtual functions, and the kernel makes no more of them without taking "
                                 "those away, so there cannot be %s",
                                 a->target, now, value);
        r = number(value) > 0 ? 0 : check_unused(h, a->target, f);
        if (r >= 0)
                r = write_count(h, a, value, f);
        return r >= 0 && number(value) > 0 ? check_made(h, a, f) : r;
}

const Step step_virtual_functions = {
        .name = "virtual-functions",
        .plan = virtual_functions_plan,
        .observe = virtual_functions_observe,
        .converge = virtual_functions_converge,
        .satisfied = virtual_functions_satisfied,
        .forward = FORWARD_VIRTUAL_FUNCTIONS,
        .back = BACK_VIRTUAL_FUNCTIONS,
};
