/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/card.h"
#include "step/module-chain.h"
#include "step/rank.h"
#include "step/sound.h"

#include <signal.h>
#include <stdio.h>

/* A gate for the whole card. How long policy kill waits after SIGKILL: the kernel closes the files on exit. */
#define KILL_USEC (5 * USEC_PER_SEC)

static int shared_vendors(const PlanInput *in, char **ret)
{
        ChainModule chain[CHAIN_MAX];
        _cleanup_strv_ char **vendors = NULL;
        size_t n = module_chain(in, chain);

        for (size_t i = 0; i < n; i++) {
                char id[8];

                /* A module that stays may be used, by whom ever: only the card's own files count. */
                (void) snprintf(id, sizeof(id), "%04x", chain[i].vendor);
                if (!chain[i].stays && !strv_contains(vendors, id) && strv_append(&vendors, id) < 0)
                        return -ENOMEM;
        }
        *ret = vendors ? strv_join(vendors, ",") : strdup("");
        return *ret ? 0 : -ENOMEM;
}

static int holders_plan(const PlanInput *in, Plan *plan, Fault *f _unused_)
{
        uint64_t wait = in->profile->holders_timeout, limit = wait + KILL_USEC;
        _cleanup_free_ char *vendors = NULL;
        char bdf[PCI_FORMAT_MAX], text[24];
        Action *a;
        int r;

        if (in->n_functions == 0)
                return 0;
        r = sound_plan(in, plan);
        if (r < 0)
                return r;
        r = shared_vendors(in, &vendors);
        if (r < 0)
                return r;
        a = step_append(plan, "holders", pci_format(&in->functions[0], bdf), "free", ACTION_GATE,
                        limit + TIMEOUT_SETTING, "nobody may have the card's device files open");
        if (!a || card_param_add(in, a) < 0)
                return -ENOMEM;
        (void) snprintf(text, sizeof(text), "%llu", (unsigned long long) wait);
        if (action_param_add(a, "policy", policy_name(in->profile->holders_policy)) < 0 ||
            action_param_add(a, "wait", text) < 0)
                return -ENOMEM;
        return *vendors ? action_param_add(a, "shared", vendors) : 0;
}

static const HostHolder *find_vfio(const HolderList *l)
{
        for (size_t i = 0; i < l->n; i++)
                if (holder_is_vfio(&l->items[i]))
                        return &l->items[i];
        return NULL;
}

static int refuse(const Action *a, const HolderList *l, const char *how, Fault *f)
{
        _cleanup_free_ char *text = holders_describe(l);

        return fault_set(f, -EBUSY, a->target, "%s is %s: %s", a->target, how, text ? text : "out of memory");
}

/* Every process once, and no process twice with the same signal. */
static int signal_all(Host *h, const HolderList *l, int signo, char ***done)
{
        for (size_t i = 0; i < l->n; i++) {
                const HostHolder *x = &l->items[i];
                char name[64];

                if (holder_is_manager(x))
                        continue;
                (void) snprintf(name, sizeof(name), "%d %d %llu", signo, x->pid, (unsigned long long) x->start_time);
                if (strv_contains(*done, name))
                        continue;
                /* One that cannot be signalled is in the list when time is up. */
                (void) host_signal(h, x, signo);
                if (strv_append(done, name) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int holders_gate(Host *h, const Action *a, Fault *f)
{
        bool kill = param_is(a, "policy", policy_name(POLICY_KILL));
        bool terminate = kill || param_is(a, "policy", policy_name(POLICY_TERMINATE));
        bool at_once = param_is(a, "policy", policy_name(POLICY_REFUSE)), killing = false;
        uint64_t until = step_until(h, at_once ? 0 : param_uint(a, "wait", 10 * USEC_PER_SEC));
        _cleanup_strv_ char **signalled = NULL;

        for (;;) {
                _cleanup_holders_ HolderList holders = { 0 };
                int r;

                r = action_holders(h, a, &holders, f);
                if (r < 0 || holders.n == 0)
                        return r;
                if (find_vfio(&holders))
                        return refuse(a, &holders, "used by another guest", f);
                if (terminate && signal_all(h, &holders, killing ? SIGKILL : SIGTERM, &signalled) < 0)
                        return -ENOMEM;
                r = step_wait(h, 0, holders.items, holders.n, until, f);
                if (r < 0)
                        return r;
                if (r == 0)
                        continue;
                if (!kill || killing)
                        return refuse(a, &holders, "in use", f);
                killing = true;
                until = step_until(h, KILL_USEC);
        }
}

const Step step_holders = {
        .name = "holders",
        .plan = holders_plan,
        .gate = holders_gate,
        .observe = sound_observe,
        .converge = sound_converge,
        .forward = FORWARD_HOLDERS,
        .back = BACK_HOLDERS,
};
