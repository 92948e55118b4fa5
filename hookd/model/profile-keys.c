/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/profile-keys.h"

#include <assert.h>

static const char *const policy_names[] = {
        [POLICY_AUTO] = "auto",     [POLICY_KEEP] = "keep",           [POLICY_STOP] = "stop",
        [POLICY_UNBIND] = "unbind", [POLICY_UNLOAD] = "unload",       [POLICY_WAIT] = "wait",
        [POLICY_REFUSE] = "refuse", [POLICY_TERMINATE] = "terminate", [POLICY_KILL] = "kill",
};
static const char *const reset_method_names[] = { "auto", "none", "flr", "bus", "remove-rescan" };
static const char *const reset_when_names[] = { "release", "prepare", "both" };
static const char *const widen_names[] = { "slot", "none" };

const char *policy_name(Policy p)
{
        return policy_names[p];
}

const char *reset_method_name(ResetMethod m)
{
        return reset_method_names[m];
}

const char *reset_when_name(ResetWhen w)
{
        return reset_when_names[w];
}

const char *widen_name(Widen w)
{
        return widen_names[w];
}

#define CHOICE(names, allowed)                        \
        &kind_choice, &(const ChoiceLimits)           \
        {                                             \
                (names), ARRAY_SIZE(names), (allowed) \
        }
#define ALL(names)     CHOICE((names), (1U << ARRAY_SIZE(names)) - 1)
#define POLICIES(bits) CHOICE(policy_names, 1U << POLICY_AUTO | 1U << POLICY_KEEP | (bits))
#define SPAN(from, to)                  \
        &kind_span, &(const SpanLimits) \
        {                               \
                (from), (to)            \
        }
#define COUNT(from, to)                   \
        &kind_count, &(const CountLimits) \
        {                                 \
                (from), (to)              \
        }
#define WORD(unset, valid, what)         \
        &kind_name, &(const WordLimits)  \
        {                                \
                (unset), (valid), (what) \
        }
#define WORDS(unset, valid, what)        \
        &kind_words, &(const WordLimits) \
        {                                \
                (unset), (valid), (what) \
        }

#define FIELD(name) offsetof(Profile, name)
#define EXEC(event) offsetof(Profile, exec[event]), &kind_command

/* In the order of hookd.profile(5). */
static const ProfileKey keys[] = {
        { "Match", "Domain", "", "globs of the domains this profile is for; unset: the file's name without .ini",
          FIELD(match_domain), WORDS(NULL, word_is_glob, "globs of domain names (? for a blank, no quotation marks)") },
        { "Match", "Device", "", "host devices, one of which the domain must have: vendor:device or PCI address",
          FIELD(match_device), &kind_devices },
        { "Devices", "Functions", "auto", "PCI functions to hand over; auto: the domain's PCI host devices",
          FIELD(functions), &kind_functions },
        { "Devices", "Widen", "slot",
          "slot: take the other functions of the same slot and IOMMU group along; none: do not", FIELD(widen),
          ALL(widen_names) },
        { "Devices", "AllowDrivers", "",
          "drivers that may be unbound besides those of graphics, its audio, USB and I2C", FIELD(allow_drivers),
          WORDS(NULL, word_is_driver, "names of drivers such as nvme") },
        { "Devices", "BarSize", "", "sizes of resizable BARs in the guest's time, as BAR:SIZE", FIELD(bars),
          &kind_bars },
        { "Transaction", "StartTimeoutSec", "180", "how long preparing the host for a start may take",
          FIELD(start_timeout), SPAN(1, 3600) },
        { "Transaction", "RollbackTimeoutSec", "120", "how long putting the host back may take after a failed start",
          FIELD(rollback_timeout), SPAN(1, 3600) },
        { "Transaction", "StopTimeoutSec", "180", "how long putting the host back may take after the guest's end",
          FIELD(stop_timeout), SPAN(1, 3600) },
        { "DisplayManager", "Policy", "auto",
          "auto: stop it if it uses the card or no other display remains; stop: always; keep: never", FIELD(dm_policy),
          POLICIES(1U << POLICY_STOP) },
        { "DisplayManager", "Unit", "auto", "its unit; auto: display-manager.service or a known name", FIELD(dm_unit),
          WORD("auto", word_is_service, "a unit such as lightdm.service") },
        { "Services", "StopUnits", "", "further units to stop while the guest has the card", FIELD(stop_units),
          WORDS(NULL, word_is_unit, "units such as folding.service") },
        { "Services", "KnownHolders", "yes",
          "whether to stop services known to hold a vendor's devices, such as nvidia-persistenced",
          FIELD(known_holders), &kind_bool },
        { "Sessions", "Policy", "auto",
          "sessions on the card; auto: end them if the display manager is stopped for it; wait, terminate, keep",
          FIELD(sessions_policy), POLICIES(1U << POLICY_WAIT | 1U << POLICY_TERMINATE) },
        { "Sessions", "TimeoutSec", "15", "how long to wait for them to end", FIELD(sessions_timeout), SPAN(1, 600) },
        { "Holders", "Policy", "wait",
          "processes that have the card open; wait: then refuse; refuse: at once; terminate; kill",
          FIELD(holders_policy),
          CHOICE(policy_names, 1U << POLICY_WAIT | 1U << POLICY_REFUSE | 1U << POLICY_TERMINATE | 1U << POLICY_KILL) },
        { "Holders", "TimeoutSec", "10", "how long to wait for them to let go", FIELD(holders_timeout), SPAN(1, 600) },
        { "Power", "KeepAwake", "yes", "whether to keep the card out of power saving while it is handed over",
          FIELD(keep_awake), &kind_bool },
        { "VTConsole", "Policy", "auto",
          "auto: unbind the framebuffer consoles if no other framebuffer would lose its own; unbind; keep",
          FIELD(vtconsole_policy), POLICIES(1U << POLICY_UNBIND) },
        { "Module", "Policy", "auto", "auto: unload the driver's modules if no other card uses them; unload; keep",
          FIELD(module_policy), POLICIES(1U << POLICY_UNLOAD) },
        { "Module", "Names", "auto", "modules to unload, in this order; auto: those of the card's driver",
          FIELD(module_names), WORDS("auto", word_is_driver, "names of modules such as nvidia_drm") },
        { "Framebuffer", "Policy", "auto",
          "auto: unbind a firmware framebuffer that lies in the card's memory; unbind; keep", FIELD(framebuffer_policy),
          POLICIES(1U << POLICY_UNBIND) },
        { "VirtualFunctions", "Parent", "auto",
          "physical function; auto: that of the domain's virtual functions (SR-IOV)", FIELD(vf_parent),
          WORD("auto", word_is_address, "a PCI address such as 0000:03:00.0") },
        { "VirtualFunctions", "Count", "0", "how many of them there must be; 0: those that there are", FIELD(vf_count),
          COUNT(0, 65535) },
        { "MediatedDevice", "Parent", "auto", "whose mediated device it is; auto: the first that can make one",
          FIELD(mdev_parent), WORD("auto", word_is_parent, "a PCI address, or a name in /sys/class/mdev_bus") },
        { "MediatedDevice", "Type", "none",
          "type to make where the device is not there yet, such as i915-GVTg_V5_4; none: do not", FIELD(mdev_type),
          WORD("none", word_is_mdev_type, "a type such as nvidia-63 (`hookctl devices` lists them)") },
        { "MediatedDevice", "Uuid", "auto", "UUIDs of the devices; auto: those of the domain", FIELD(mdev_uuids),
          WORDS("auto", uuid_valid, "UUIDs such as c2177883-f1bb-47f0-914d-32a22e3a8804") },
        { "Driver", "Guest", "auto", "driver for the guest's time; auto: vfio-pci or the kernel's variant of it",
          FIELD(driver_guest), WORD("auto", word_is_driver, "the name of a driver such as vfio-pci") },
        { "Driver", "Host", "recorded", "driver after the guest's time; recorded: the one before", FIELD(driver_host),
          WORD("recorded", word_is_driver, "the name of a driver such as amdgpu") },
        { "Scripts", "ExecPrepare", "", "command to run before the host is prepared; its failure refuses the start",
          EXEC(HOOK_PREPARE) },
        { "Scripts", "ExecStart", "", "command to run before QEMU is started; its failure refuses the start",
          EXEC(HOOK_START) },
        { "Scripts", "ExecStarted", "", "command to run when the guest runs", EXEC(HOOK_STARTED) },
        { "Scripts", "ExecReconnect", "", "command to run when libvirt was restarted and found the guest running",
          EXEC(HOOK_RECONNECT) },
        { "Scripts", "ExecStopped", "", "command to run when the guest has ended, before the host is put back",
          EXEC(HOOK_STOPPED) },
        { "Scripts", "ExecRelease", "", "command to run when the host was put back", EXEC(HOOK_RELEASE) },
        { "Scripts", "Folders", "yes",
          "whether executables in /etc/hookd/hooks.d/GUEST and /etc/libvirt/hooks/qemu.d/GUEST are run",
          FIELD(script_folders), &kind_bool },
        { "Scripts", "TimeoutSec", "60", "how long each of them may take", FIELD(scripts_timeout), SPAN(1, 3600) },
        { "Reset", "Method", "auto", "how to reset the card: auto, none, flr, bus, remove-rescan", FIELD(reset_method),
          ALL(reset_method_names) },
        { "Reset", "When", "release", "when to reset it: release, prepare, both", FIELD(reset_when),
          ALL(reset_when_names) },
        { "Reset", "TimeoutSec", "30", "how long a reset may take", FIELD(reset_timeout), SPAN(1, 600) },
        { 0 },
};

static_assert(ARRAY_SIZE(keys) <= PROFILE_KEYS_MAX, "profile.c counts them in an array");

const ProfileKey *profile_keys(void)
{
        return keys;
}

const ProfileKey *profile_section_find(const char *section)
{
        for (const ProfileKey *k = keys; k->key; k++)
                if (streq(k->section, section))
                        return k;
        return NULL;
}

const ProfileKey *profile_key_find(const char *section, const char *key)
{
        for (const ProfileKey *k = keys; k->key; k++)
                if (streq(k->section, section) && streq(k->key, key))
                        return k;
        return NULL;
}

char *profile_value(const Profile *p, const char *section, const char *key)
{
        const ProfileKey *k = profile_key_find(section, key);
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *out;

        out = k ? open_memstream(&text, &size) : NULL;
        if (!out)
                return NULL;
        k->kind->print(k, p, out);
        if (fclose(out) != 0)
                return NULL;
        return TAKE_PTR(text);
}

const char *profile_origin(const Profile *p, const char *section, const char *key, unsigned *ret_line)
{
        const ProfileKey *k = profile_key_find(section, key);
        unsigned here = k ? p->key_line[k - keys] : 0, below = k ? p->base_line[k - keys] : 0;

        *ret_line = here > 0 ? here : below;
        if (here > 0)
                return p->path;
        return below > 0 ? p->base_path : NULL;
}
