/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/rank.h"
#include "step/step-util.h"

#include <stdio.h>

/* Monitors and panels that were there before and do not report themselves after the card is back: their connectors are
 * asked once more, so that the display manager, which comes next, finds a screen. A deed: there is nothing to put back.
 */

#define SETTLE_USEC (2 * USEC_PER_SEC) /* a link that is being trained says nothing for a moment */
#define DRM         "/sys/class/drm"

static int connectors_plan(const PlanInput *in, Plan *plan, Fault *f _unused_)
{
        for (size_t i = 0; i < in->n_functions; i++) {
                const HostFunction *fn = hostview_function(in->view, &in->functions[i]);
                _cleanup_free_ char *list = NULL;
                char bdf[PCI_FORMAT_MAX];
                Action *a;

                if (!fn || !fn->driver || driver_is_for_guests(host_driver(in, fn)) || strv_length(fn->connected) == 0)
                        continue;
                list = strv_join(fn->connected, ",");
                a = list ? step_append(plan, "connectors", pci_format(&fn->address, bdf), "detected",
                                       ACTION_BACK | ACTION_LENIENT, TIMEOUT_SETTING, "what is connected must be seen")
                         : NULL;
                if (!a || action_param_add(a, "names", list) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* "card1" of the function; NULL: it has none just now. */
static char *card_of(Host *h, const char *bdf)
{
        _cleanup_free_ char *dir = function_path(bdf, "drm");
        _cleanup_strv_ char **names = NULL;

        if (!dir || host_list(h, dir, &names) < 0)
                return NULL;
        STRV_FOREACH (s, names)
                if (startswith(*s, "card"))
                        return strdup(*s);
        return NULL;
}

/* Does it report a monitor? Where it does not and `detect`, it is asked to look. */
static int look(Host *h, const char *card, const char *name, bool detect, bool *ret, Fault *f)
{
        _cleanup_free_ char *path = NULL, *status = NULL;
        int r;

        if (asprintf(&path, DRM "/%s-%s/status", card, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = host_read(h, path, &status);
        *ret = r >= 0 && streq(status, "connected");
        if (r < 0 || *ret || !detect)
                return r == -ENOENT ? 0 : r;
        r = host_write_hand(h, path, "detect"); /* drm_sysfs.c: status_store */
        return r < 0 ? fault_set(f, r, name, "cannot have %s look for its monitor: %s", path, fault_errno(r)) : 0;
}

static int connectors_converge(Host *h, const Action *a, const char *value _unused_, Fault *f)
{
        _cleanup_free_ char *card = card_of(h, a->target);
        _cleanup_strv_ char **names = NULL;
        uint64_t until;
        int r;

        if (!card)
                return fault_set(f, -ENODEV, a->target, "%s has no screen any more: no driver shows anything on it",
                                 a->target);
        r = param_list(a, "names", &names);
        if (r < 0)
                return r;
        until = step_until(h, SETTLE_USEC);
        for (bool detect = true;; detect = false) {
                const char *missing = NULL;

                STRV_FOREACH (name, names) {
                        bool there = false;

                        r = look(h, card, *name, detect, &there, f);
                        if (r < 0)
                                return r;
                        missing = there ? missing : *name;
                }
                if (!missing)
                        return 0;
                r = detect ? 0 : step_wait(h, WAIT_UEVENT, NULL, 0, until, f);
                if (r < 0)
                        return r;
                if (r > 0)
                        return fault_set(f, -ENODEV, a->target,
                                         "%s of %s had a monitor before, and reports none now: is it switched off, or "
                                         "on another input?",
                                         missing, a->target);
        }
}

const Step step_connectors = {
        .name = "connectors",
        .plan = connectors_plan,
        .converge = connectors_converge,
        .forward = FORWARD_CONNECTORS,
        .back = BACK_CONNECTORS,
};
