/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-bench.h"

#define CARD  "0000:01:00.0"
#define SOUND "0000:01:00.1"

static void override(Bench *b, const char *value)
{
        bench_write(b, "/sys/bus/pci/devices/" CARD "/driver_override", value);
        bench_write(b, "/sys/bus/pci/devices/" SOUND "/driver_override", value);
}

/* The card as the steps before this one leave it. */
static void open_ready(Bench *b, const char *tree)
{
        bench_open(b, tree);
        assert_ok(bench_plan(b, &step_driver));
        b->h->deadline = UINT64_MAX;
        assert_ok(host_unit(b->h, UNIT_STOP, "lightdm.service", NULL));
        assert_ok(host_unit(b->h, UNIT_STOP, "nvidia-persistenced.service", NULL));
        assert_ok(host_module(b->h, MODULE_LOAD, "vfio_pci", NULL));
        fake_advance(b->h, 5 * USEC_PER_SEC);
        override(b, "vfio-pci");
        assert_ok(host_module(b->h, MODULE_UNLOAD, "nvidia_drm", NULL));
        assert_ok(host_module(b->h, MODULE_UNLOAD, "nvidia_modeset", NULL));
        assert_ok(host_module(b->h, MODULE_UNLOAD, "nvidia_uvm", NULL));
}

TEST(consumers_first)
{
        Bench b;

        bench_open(&b, "nvidia-usbc");
        for (uint8_t i = 2; i < 4; i++)
                b.functions[b.in.n_functions++] = (PciAddress){ .bus = 1, .function = i };
        assert_ok(bench_plan(&b, &step_driver));
        assert_str_eq(bench_shape(&b),
                      "driver 0000:01:00.3 vfio-pci; driver 0000:01:00.2 vfio-pci; driver 0000:01:00.1 "
                      "vfio-pci; driver 0000:01:00.0 vfio-pci");
        assert_int_eq(b.plan->actions[0].flags, ACTION_EXCLUSIVE | ACTION_CARD);
        bench_close(&b);
}

TEST(there_and_back)
{
        Bench b;
        const Action *card, *sound;

        open_ready(&b, "nvidia-desktop");
        card = bench_action(&b, "driver", CARD);
        sound = bench_action(&b, "driver", SOUND);
        assert_str_eq(bench_value(&b, card), "nvidia");
        assert_int_eq(bench_go(&b, sound, "vfio-pci"), 0);
        assert_int_eq(bench_go(&b, card, "vfio-pci"), 0);
        assert_str_eq(bench_value(&b, card), "vfio-pci");
        override(&b, "\n");
        assert_int_eq(bench_go(&b, card, "nvidia"), 0);
        assert_int_eq(bench_go(&b, sound, "snd_hda_intel"), 0);
        assert_str_eq(bench_value(&b, card), "nvidia");
        bench_close(&b);
}

TEST(laws)
{
        Bench b;

        open_ready(&b, "nvidia-desktop");
        bench_write(&b, "/sys/bus/pci/drivers/nvidia/unbind", CARD);
        BENCH_LAWS(&b, bench_action(&b, "driver", CARD), "none", "vfio-pci");
        override(&b, "\n");
        BENCH_LAWS(&b, bench_action(&b, "driver", SOUND), "none", "snd_hda_intel");
        bench_close(&b);
}

/* The kernel's own binding, with a driver that was unloaded meanwhile, and one that comes first in its list. */
TEST(the_driver_is_loaded_when_it_must)
{
        Bench b;
        const Action *a;

        open_ready(&b, "nvidia-desktop");
        a = bench_action(&b, "driver", CARD);
        assert_int_eq(bench_go(&b, a, "vfio-pci"), 0);
        b.h->deadline = UINT64_MAX;
        assert_ok(host_module(b.h, MODULE_UNLOAD, "nvidia", NULL));
        override(&b, "\n");
        assert_int_eq(bench_go(&b, a, "nvidia"), 0);
        assert_str_eq(bench_value(&b, a), "nvidia");
        bench_close(&b);
}

TEST(not_the_first_that_matches)
{
        Bench b;
        const Action *a;

        open_ready(&b, "nvidia-desktop");
        a = bench_action(&b, "driver", CARD);
        assert_int_eq(bench_go(&b, a, "vfio-pci"), 0);
        b.h->deadline = UINT64_MAX;
        assert_ok(host_module(b.h, MODULE_LOAD, "nouveau", NULL));
        override(&b, "\n");
        assert_int_eq(bench_go(&b, a, "nouveau"), 0); /* nvidia is before it */
        assert_str_eq(bench_value(&b, a), "nouveau");
        bench_close(&b);
}

TEST(already_on_vfio)
{
        Bench b;
        const Action *a;

        bench_open(&b, "server-vfio");
        assert_ok(bench_plan(&b, &step_driver));
        a = bench_action(&b, "driver", "0000:41:00.0");
        assert_contains(a->why, "already there");
        assert_int_eq(bench_go(&b, a, a->after), 0);
        assert_int_eq(bench_go(&b, a, "vfio-pci"), 0);
        bench_close(&b);
}

/* Host= of the profile is what the way back goes to. */
TEST(the_host_s_driver_of_the_profile)
{
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-desktop");
        b.profile->driver_host = strdup("nouveau");
        assert_ok(bench_plan(&b, &step_driver));
        a = bench_action(&b, "driver", CARD);
        assert_true(bench_satisfied(a, "nouveau", "nvidia"));
        assert_false(bench_satisfied(a, "nvidia", "nvidia"));
        assert_true(bench_satisfied(a, "vfio-pci", "vfio-pci"));
        for (size_t i = 0; i < b.plan->n_actions; i++) /* it is no driver for the sound function */
                if (!streq(b.plan->actions[i].target, CARD))
                        assert_false(bench_satisfied(&b.plan->actions[i], "nouveau", "snd_hda_intel"));
        bench_close(&b);

        bench_open(&b, "server-vfio");
        b.profile->driver_host = strdup("nouveau");
        assert_ok(bench_plan(&b, &step_driver));
        assert_null(strstr(bench_action(&b, "driver", NULL)->param, "host="));
        bench_close(&b);
}

/* What drivers_probe says is not what it did. */
TEST(a_probe_that_fails)
{
        Bench b;
        const Action *a;

        open_ready(&b, "nvidia-desktop");
        a = bench_action(&b, "driver", CARD);
        bench_write(&b, "/sys/bus/pci/drivers/nvidia/unbind", CARD);
        bench_fault(&b, "probe * 0 EIO");
        assert_int_eq(bench_go(&b, a, "vfio-pci"), -EIO);
        assert_contains(b.f.text, "does not bind to vfio-pci");
        bench_fault(&b, "probe * 1 EIO"); /* the second try has it */
        assert_int_eq(bench_go(&b, a, "vfio-pci"), 0);
        bench_fault(&b, "probe * 0 EBUSY");
        override(&b, "\n");
        assert_int_eq(bench_go(&b, a, "nvidia"), -EBUSY);
        assert_contains(b.f.text, "IOMMU group");
        fake_faults_clear(b.h);
        assert_int_eq(bench_go(&b, a, "nvidia"), 0);
        bench_close(&b);
}

TEST(lies)
{
        Bench b;
        const Action *a;

        open_ready(&b, "nvidia-desktop");
        a = bench_action(&b, "driver", SOUND);
        bench_fault(&b, "write */drivers_probe 0 lie");
        assert_int_eq(bench_go(&b, a, "vfio-pci"), 0); /* bind is asked as well */
        override(&b, "\n");
        bench_fault(&b, "write */unbind 0 lie");
        assert_int_eq(bench_go(&b, a, "snd_hda_intel"), -EIO);
        bench_fault(&b, "write */bind 0 lie");
        assert_int_eq(bench_go(&b, a, "snd_hda_intel"), 0);
        bench_close(&b);
}

/* Its remove() would wait for this process, unkillable. */
TEST(nothing_is_unbound_while_a_node_is_open)
{
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_driver));
        a = bench_action(&b, "driver", CARD);
        assert_int_eq(bench_go(&b, a, "vfio-pci"), -EBUSY);
        assert_contains(b.f.text, "Xorg");
        assert_contains(b.f.text, "its driver is not touched");
        assert_false(b.h->stuck);
        assert_str_eq(bench_value(&b, a), "nvidia");
        bench_close(&b);
}

/* nvidia_drm is a client inside the kernel: nvidia's remove() would wait for it. */
TEST(nothing_is_unbound_from_under_modeset)
{
        Bench b;
        const Action *a;

        bench_open_with(&b, "two-cards", "module nvidia_drm holds=yes");
        assert_ok(bench_plan(&b, &step_driver));
        a = bench_action(&b, "driver", CARD);
        b.h->deadline = UINT64_MAX;
        assert_ok(host_unit(b.h, UNIT_STOP, "nvidia-persistenced.service", NULL));
        assert_ok(host_session_terminate(b.h, "3"));
        assert_int_eq(bench_go(&b, a, "vfio-pci"), -EBUSY);
        assert_contains(b.f.text, "modeset=1");
        assert_false(b.h->stuck);
        /* nor where it cannot be told */
        assert_ok(fake_fault_parse(b.h, "read /sys/module/nvidia_drm/parameters/modeset 0 EIO", &b.f));
        assert_int_eq(bench_go(&b, a, "vfio-pci"), -EIO);
        assert_contains(b.f.text, "cannot tell whether nvidia_drm");
        assert_false(b.h->stuck);
        bench_close(&b);
}

TEST(a_guest_still_has_it)
{
        char *functions[] = { (char *) CARD, (char *) SOUND, NULL };
        Bench b;
        const Action *a;

        open_ready(&b, "nvidia-desktop");
        a = bench_action(&b, "driver", CARD);
        assert_int_eq(bench_go(&b, bench_action(&b, "driver", SOUND), "vfio-pci"), 0);
        assert_int_eq(bench_go(&b, a, "vfio-pci"), 0);
        assert_ok(fake_guest_start(b.h, functions, 4711));
        override(&b, "\n");
        assert_int_eq(bench_go(&b, a, "nvidia"), -EBUSY);
        assert_contains(b.f.text, "4711");
        bench_close(&b);
}

TEST(fallen_off_the_bus)
{
        Bench b;
        const Action *a;

        open_ready(&b, "nvidia-desktop");
        a = bench_action(&b, "driver", SOUND);
        bench_write(&b, "/sys/bus/pci/devices/" SOUND "/remove", "1");
        assert_str_eq(bench_value(&b, a), "none");
        assert_int_eq(bench_go(&b, a, "none"), 0);
        assert_int_eq(bench_go(&b, a, "vfio-pci"), -ENODEV);
        assert_contains(b.f.text, "fallen off the bus");
        bench_fault(&b, "write */rescan 1 EIO");
        assert_int_eq(bench_go(&b, a, "snd_hda_intel"), -EIO);
        assert_int_eq(bench_go(&b, a, "snd_hda_intel"), 0); /* on the way back it is looked for */
        bench_close(&b);

        bench_open_with(&b, "nvidia-desktop", "pci " SOUND ": lost=yes");
        assert_ok(bench_plan(&b, &step_driver));
        a = bench_action(&b, "driver", SOUND);
        bench_write(&b, "/sys/bus/pci/devices/" SOUND "/remove", "1");
        assert_int_eq(bench_go(&b, a, "snd_hda_intel"), -ENODEV);
        assert_contains(b.f.text, "only a reboot");
        bench_close(&b);
}

TEST(hangs)
{
        Bench b;

        open_ready(&b, "nvidia-desktop");
        bench_fault(&b, "write */snd_hda_intel/unbind 1 hang");
        assert_int_eq(bench_go(&b, bench_action(&b, "driver", SOUND), "vfio-pci"), -ETIMEDOUT);
        assert_contains(b.f.text, "has not returned");
        assert_true(b.h->stuck);
        assert_contains(b.h->stuck_what, "unbind");
        bench_close(&b);

        open_ready(&b, "nvidia-desktop");
        bench_fault(&b, "write */drivers_probe 1 hang");
        assert_int_eq(bench_go(&b, bench_action(&b, "driver", SOUND), "vfio-pci"), -ETIMEDOUT);
        assert_contains(b.f.text, "the probe of");
        bench_close(&b);
}

TEST_MAIN
