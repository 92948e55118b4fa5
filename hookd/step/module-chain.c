/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/module-chain.h"

static const struct {
        const char *driver;
        const char *modules[8];
} chains[] = {
        { "nvidia",
          { "nvidia_drm", "nvidia_modeset", "nvidia_uvm", "nvidia_peermem", "nvidia_wmi_ec_backlight", "nvidia" } },
        { "nvidia-gpu", { "i2c_nvidia_gpu" } },
        { "amdgpu", { "amdgpu" } },
        { "radeon", { "radeon" } },
        { "nouveau", { "nouveau" } },
        { "i915", { "i915" } },
        { "xe", { "xe" } },
};

/* Has another guest's transaction begun to take it from this driver? sysfs shows no link any more while remove() still
 * runs (__device_release_driver()), and unloading the module would wait for that. */
static bool is_leaving(const HostFunction *fn, const HostFunction *same)
{
        return fn->between && !fn->driver && fn->vendor == same->vendor && fn->class >> 16 == same->class >> 16;
}

/* A function beside the card that the driver of `mine` runs as well: unloading the module would take that one down,
 * too. */
static const HostFunction *other_user(const PlanInput *in, const HostFunction *mine)
{
        for (size_t i = 0; i < in->view->n_functions; i++) {
                const HostFunction *fn = &in->view->functions[i];

                if ((streq0(fn->driver, mine->driver) || is_leaving(fn, mine)) && !card_has(in, &fn->address))
                        return fn;
        }
        return NULL;
}

/* Intel's sound driver takes a reference on the graphics driver's module (hdac_component.c: the ops have an owner), and
 * the audio function is unbound only later. */
static bool pinned_by_sound(const PlanInput *in, const char *driver)
{
        if (!streq(driver, "i915") && !streq(driver, "xe"))
                return false;
        for (size_t i = 0; i < in->view->n_functions; i++) {
                const HostFunction *fn = &in->view->functions[i];

                if (fn->vendor == 0x8086 && fn->class >> 8 == 0x0403 && fn->driver)
                        return true;
        }
        return false;
}

static bool goes(const ChainModule *chain, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (!chain[i].stays && streq(chain[i].name, name))
                        return true;
        return false;
}

static void add(const PlanInput *in, ChainModule *chain, size_t *n, const char *name, const HostFunction *fn)
{
        const HostModule *m = hostview_module(in->view, name);
        ChainModule *c = &chain[*n];
        const HostFunction *other;
        bool forced = in->profile->module_policy == POLICY_UNLOAD;

        if (!m || *n == CHAIN_MAX)
                return;
        for (size_t i = 0; i < *n; i++)
                if (streq(chain[i].name, name))
                        return;
        *c = (ChainModule){ .name = name, .driver = fn->driver, .vendor = fn->vendor };
        other = other_user(in, fn);
        if (in->profile->module_policy == POLICY_KEEP) {
                c->stays = "the profile keeps it";
        } else if (other && !forced) {
                c->stays = "another card uses it";
                c->because = pci_format(&other->address, c->because_buf);
        } else if (pinned_by_sound(in, fn->driver) && !forced) {
                c->stays = "the sound driver pins it";
        }
        STRV_FOREACH (user, m->holders) {
                if (c->stays || goes(chain, *n, *user))
                        continue;
                c->stays = "another module uses it";
                c->because = *user;
        }
        ++*n;
}

size_t module_chain(const PlanInput *in, ChainModule chain[CHAIN_MAX])
{
        size_t n = 0;

        for (size_t i = 0; i < in->n_functions; i++) {
                const HostFunction *fn = hostview_function(in->view, &in->functions[i]);

                if (!fn || !fn->driver || driver_is_for_guests(fn->driver))
                        continue;
                if (in->profile->module_names) {
                        /* the profile's own list belongs to the display functions */
                        if (function_is_display(fn))
                                STRV_FOREACH (name, in->profile->module_names)
                                        add(in, chain, &n, *name, fn);
                        continue;
                }
                for (size_t k = 0; k < ARRAY_SIZE(chains); k++)
                        for (size_t m = 0; streq(chains[k].driver, fn->driver) && chains[k].modules[m]; m++)
                                add(in, chain, &n, chains[k].modules[m], fn);
        }
        return n;
}
