/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-bench.h"

#define CARD  "0000:01:00.0"
#define SOUND "0000:01:00.1"

TEST(plan)
{
        Bench b;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_settle));
        assert_str_eq(bench_shape(&b), "settle " CARD " settled; settle " SOUND " settled");
        assert_int_eq(b.plan->actions[0].flags, ACTION_BACK | ACTION_LENIENT);
        assert_str_eq(b.plan->actions[0].param, "nodes=drm driver=nvidia");
        assert_str_eq(b.plan->actions[1].param, "nodes=sound driver=snd_hda_intel");
        bench_close(&b);

        bench_open(&b, "server-vfio");
        assert_ok(bench_plan(&b, &step_settle));
        assert_int_eq(b.plan->n_actions, 0);
        bench_close(&b);
}

TEST(already_there)
{
        Bench b;
        uint64_t start;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_settle));
        start = host_now(b.h);
        assert_int_eq(bench_go(&b, bench_action(&b, "settle", CARD), "settled"), 0);
        assert_int_eq(bench_go(&b, bench_action(&b, "settle", SOUND), "settled"), 0);
        assert_true(host_now(b.h) - start < USEC_PER_SEC);
        bench_close(&b);
}

/* The sound's nodes are new and udev's queue is not empty. */
TEST(waits_for_udev)
{
        Bench b;

        bench_open(&b, "nvidia-desktop");
        assert_ok(host_unit(b.h, UNIT_STOP, "lightdm.service", NULL));
        assert_ok(bench_plan(&b, &step_settle));
        bench_write(&b, "/sys/bus/pci/drivers/snd_hda_intel/unbind", SOUND);
        bench_write(&b, "/sys/bus/pci/drivers/snd_hda_intel/bind", SOUND);
        assert_ok(host_write(b.h, "/sys/class/vtconsole/vtcon1/bind", "1"));
        bench_write(&b, "/sys/bus/pci/devices/" SOUND "/sound/card0/uevent", "change");
        assert_true(host_exists(b.h, "/run/udev/queue"));
        assert_int_eq(bench_go(&b, bench_action(&b, "settle", SOUND), "settled"), 0);
        assert_false(host_exists(b.h, "/run/udev/queue"));
        bench_close(&b);
}

/* udev loads the display module a while after the driver. */
TEST(waits_for_nodes)
{
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-desktop");
        assert_ok(host_unit(b.h, UNIT_STOP, "lightdm.service", NULL));
        fake_advance(b.h, 5 * USEC_PER_SEC);
        assert_ok(bench_plan(&b, &step_settle));
        a = bench_action(&b, "settle", CARD);
        assert_ok(host_module(b.h, MODULE_UNLOAD, "nvidia_drm", NULL));
        bench_fault(&b, "module-load nvidia_drm 1 late:20");
        assert_ok(host_module(b.h, MODULE_LOAD, "nvidia_drm", NULL));
        assert_false(host_exists(b.h, "/dev/dri/card0"));
        assert_int_eq(bench_go(&b, a, "settled"), 0);
        assert_true(host_exists(b.h, "/dev/dri/card0"));

        assert_ok(host_module(b.h, MODULE_STATE, "nvidia_drm", NULL));
        fake_advance(b.h, 5 * USEC_PER_SEC);
        assert_ok(host_module(b.h, MODULE_UNLOAD, "nvidia_drm", NULL));
        assert_int_eq(bench_go(&b, a, "settled"), -ETIMEDOUT);
        assert_contains(b.f.text, "the drm device files of " CARD);
        bench_close(&b);
}

/* Nothing to wait for: said at once. */
TEST(not_on_its_driver)
{
        Bench b;
        uint64_t start;

        bench_open(&b, "nvidia-desktop");
        assert_ok(host_unit(b.h, UNIT_STOP, "lightdm.service", NULL));
        assert_ok(bench_plan(&b, &step_settle));
        bench_write(&b, "/sys/bus/pci/drivers/snd_hda_intel/unbind", SOUND);
        start = host_now(b.h);
        assert_int_eq(bench_go(&b, bench_action(&b, "settle", SOUND), "settled"), -ENODEV);
        assert_true(host_now(b.h) - start < USEC_PER_SEC);
        bench_close(&b);
}

TEST_MAIN
