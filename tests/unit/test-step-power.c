/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-bench.h"

#define CARD "0000:01:00.0"

TEST(laws)
{
        Bench b;
        const Action *a;

        bench_open(&b, "laptop-hybrid");
        assert_ok(bench_plan(&b, &step_power));
        a = bench_action(&b, "power", CARD);
        assert_str_eq(a->after, "control=on d3cold=0");
        assert_int_eq(a->flags, ACTION_EXCLUSIVE | ACTION_LENIENT | ACTION_CARD);
        assert_str_eq(bench_value(&b, a), "control=auto d3cold=1");
        BENCH_LAWS(&b, a, "control=auto d3cold=1", "control=on d3cold=0", "control=on d3cold=1",
                   "control=auto d3cold=0");
        bench_close(&b);
}

/* The bridge too, while it is the card's alone and its bus is reset later. */
TEST(functions_and_bridge)
{
        Bench b;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_power));
        assert_str_eq(bench_shape(&b),
                      "power 0000:00:03.0 control=on d3cold=0; power 0000:01:00.0 control=on d3cold=0; "
                      "power 0000:01:00.1 control=on d3cold=0");
        bench_close(&b);

        bench_open(&b, "fedora-gdm"); /* has a function level reset */
        assert_ok(bench_plan(&b, &step_power));
        assert_null(bench_find(&b, "power", "0000:00:01.1"));
        assert_not_null(bench_find(&b, "power", "0000:03:00.0"));
        bench_close(&b);

        bench_open(&b, "nvidia-desktop");
        b.profile->keep_awake = false;
        assert_ok(bench_plan(&b, &step_power));
        assert_str_eq(bench_shape(&b), "power 0000:00:03.0 control=on d3cold=0");
        bench_close(&b);
}

/* vfio-pci leaves a function awake: what used to sleep is put back even where nobody asked to keep it awake. */
TEST(recorded_unasked)
{
        Bench b;
        const Action *a;

        bench_open(&b, "laptop-hybrid");
        b.profile->keep_awake = false;
        b.profile->reset_method = RESET_NONE;
        assert_ok(bench_plan(&b, &step_power));
        assert_str_eq(bench_shape(&b),
                      "power 0000:01:00.0 control=auto d3cold=1; power 0000:01:00.1 control=auto d3cold=1");
        a = bench_action(&b, "power", CARD);
        assert_int_eq(bench_go(&b, a, a->after), 0);
        bench_close(&b);
}

TEST(only_what_exists)
{
        Bench b;

        bench_open(&b, "nvidia-desktop");
        bench_scan(&b);
        for (size_t i = 0; i < b.view->n_functions; i++)
                b.view->functions[i].d3cold_allowed = -1;
        assert_ok(step_power.plan(&b.in, b.plan, &b.f));
        assert_str_eq(bench_action(&b, "power", CARD)->after, "control=on");
        bench_close(&b);
}

/* A rescan makes a new device with the settings of the boot. */
TEST(lost_in_a_rescan)
{
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-desktop");
        assert_ok(host_unit(b.h, UNIT_STOP, "lightdm.service", NULL));
        assert_ok(bench_plan(&b, &step_power));
        a = bench_action(&b, "power", "0000:01:00.1");
        bench_write(&b, "/sys/bus/pci/devices/0000:01:00.1/remove", "1");
        assert_str_eq(bench_value(&b, a), "none");
        assert_int_eq(bench_go(&b, a, "control=auto d3cold=0"), -ENOENT);
        assert_contains(b.f.text, "power/control");
        assert_int_eq(bench_go(&b, a, "none"), 0);
        bench_write(&b, "/sys/bus/pci/rescan", "1");
        assert_str_eq(bench_value(&b, a), "control=on d3cold=1");
        assert_int_eq(bench_go(&b, a, "control=auto d3cold=0"), 0);
        assert_str_eq(bench_value(&b, a), "control=auto d3cold=0");
        assert_int_eq(bench_go(&b, a, "none"), 0); /* it was not there before: nothing to give back */
        assert_str_eq(bench_value(&b, a), "control=auto d3cold=0");
        bench_close(&b);
}

TEST(faults)
{
        Bench b;
        const Action *a;

        bench_open(&b, "laptop-hybrid");
        assert_ok(bench_plan(&b, &step_power));
        a = bench_action(&b, "power", CARD);
        bench_fault(&b, "write */power/control 1 EIO");
        assert_int_eq(bench_go(&b, a, a->after), -EIO);
        assert_contains(b.f.text, "power/control");
        bench_fault(&b, "write */d3cold_allowed 1 EINVAL");
        assert_int_eq(bench_go(&b, a, a->after), -EINVAL);
        bench_fault(&b, "write */d3cold_allowed 1 lie");
        assert_int_eq(bench_go(&b, a, a->after), -EIO);
        bench_close(&b);
}

TEST_MAIN
