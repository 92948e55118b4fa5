/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/sound.h"

#include "step/card.h"

#include <stdio.h>

#define ASKED_USEC (3 * USEC_PER_SEC) /* a sound server answers within a second */

static bool is_held(const PlanInput *in, const HostFunction *fn)
{
        for (size_t i = 0; i < in->view->n_holders; i++) {
                const char *node = in->view->holders[i].node;

                if (node && startswith(node, "/dev/snd/") && strv_contains(fn->nodes, node))
                        return true;
        }
        return false;
}

int sound_plan(const PlanInput *in, Plan *plan)
{
        for (size_t i = 0; i < in->n_functions; i++) {
                const HostFunction *fn = hostview_function(in->view, &in->functions[i]);
                char bdf[PCI_FORMAT_MAX];

                if (!fn || !is_held(in, fn))
                        continue;
                STRV_FOREACH (card, fn->sound) {
                        _cleanup_free_ char *path = NULL;
                        Action *a;

                        if (asprintf(&path, "/sys/bus/pci/devices/%s/sound/%s", pci_format(&fn->address, bdf), *card) <
                            0) {
                                path = NULL;
                                return -ENOMEM;
                        }
                        /* If it does not help, the gate that follows refuses. */
                        a = step_append(plan, "holders", path, "withdrawn", ACTION_LENIENT | ACTION_CARD,
                                        TIMEOUT_SETTING, "asks the sound server to let go of it");
                        if (!a || action_param_add(a, "functions", bdf) < 0)
                                return -ENOMEM;
                }
        }
        return 0;
}

int sound_observe(Host *h, const Action *a, char **ret_value, Fault *f _unused_)
{
        const char *slash = strrchr(a->target, '/');
        _cleanup_free_ char *record = NULL;

        if (asprintf(&record, "/run/udev/data/+sound:%s", slash ? slash + 1 : a->target) < 0) {
                record = NULL;
                return -ENOMEM;
        }
        *ret_value = strdup(!host_exists(h, a->target) ? VALUE_NONE
                            : host_exists(h, record)   ? "announced"
                                                       : "withdrawn");
        return *ret_value ? 0 : -ENOMEM;
}

/* Until udev has dealt with the event and, on the way there, the processes have let go. */
static int wait_for(Host *h, const Action *a, bool free_too, const char *value, Fault *f)
{
        uint64_t until = step_until(h, ASKED_USEC);

        for (;;) {
                _cleanup_holders_ HolderList holders = { 0 };
                _cleanup_free_ char *now = NULL;
                int r;

                r = sound_observe(h, a, &now, f);
                if (r < 0)
                        return r;
                r = free_too ? action_holders(h, a, &holders, f) : 0;
                if (r < 0)
                        return r;
                if (streq(now, value) && holders.n == 0)
                        return 0;
                r = step_wait(h, WAIT_UEVENT, holders.items, holders.n, until, f);
                if (r != 0)
                        return r < 0 ? r : 0;
        }
}

int sound_converge(Host *h, const Action *a, const char *value, Fault *f)
{
        bool withdraw = streq(value, "withdrawn");
        _cleanup_free_ char *path = NULL;
        int r;

        if (!host_exists(h, a->target)) /* it went with its driver, or comes back under another number */
                return 0;
        if (asprintf(&path, "%s/uevent", a->target) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = host_write_hand(h, path, withdraw ? "remove" : "add");
        if (r < 0)
                return fault_set(f, r, a->target, "cannot write %s: %s", path, fault_errno(r));
        return wait_for(h, a, withdraw, value, f);
}
