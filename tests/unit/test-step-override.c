/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-bench.h"

#define CARD "0000:01:00.0"

TEST(laws)
{
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_override));
        assert_str_eq(bench_shape(&b), "override 0000:01:00.0 vfio-pci; override 0000:01:00.1 vfio-pci");
        a = bench_action(&b, "override", CARD);
        assert_int_eq(a->flags, ACTION_EXCLUSIVE | ACTION_CARD);
        assert_str_eq(bench_value(&b, a), "none");
        BENCH_LAWS(&b, a, "none", "vfio-pci", "nvidia");
        bench_close(&b);
}

/* Profile, domain XML, the kernel's variant, vfio-pci: in that order. */
TEST(which_driver)
{
        Bench b;

        bench_open(&b, "nvidia-desktop");
        bench_scan(&b);
        assert_ok(strv_append(&b.view->variant_drivers, CARD " nvgrace_gpu_vfio_pci"));
        assert_ok(step_override.plan(&b.in, b.plan, &b.f));
        assert_str_eq(bench_shape(&b), "override 0000:01:00.0 nvgrace_gpu_vfio_pci; override 0000:01:00.1 vfio-pci");
        plan_free(b.plan);
        b.plan = plan_new("win10", "73116f6f-f817-425f-bd60-4f93db371c39", "win10.ini");
        b.devices[0].driver = (char *) "vfio-pci";
        assert_ok(step_override.plan(&b.in, b.plan, &b.f));
        assert_str_eq(bench_shape(&b), "override 0000:01:00.0 vfio-pci; override 0000:01:00.1 vfio-pci");
        plan_free(b.plan);
        b.plan = plan_new("win10", "73116f6f-f817-425f-bd60-4f93db371c39", "win10.ini");
        b.profile->driver_guest = strdup("my_vfio_pci");
        assert_ok(step_override.plan(&b.in, b.plan, &b.f));
        assert_str_eq(bench_shape(&b), "override 0000:01:00.0 my_vfio_pci; override 0000:01:00.1 my_vfio_pci");
        bench_close(&b);
}

TEST(a_function_that_is_gone)
{
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_override));
        a = bench_action(&b, "override", "0000:01:00.1");
        bench_write(&b, "/sys/bus/pci/devices/0000:01:00.1/remove", "1");
        assert_str_eq(bench_value(&b, a), "none");
        assert_int_eq(bench_go(&b, a, "none"), 0);
        assert_int_eq(bench_go(&b, a, "vfio-pci"), -ENOENT);
        assert_contains(b.f.text, "driver_override");
        bench_close(&b);
}

/* Its module came back while the override still stood: the function was passed over, and is offered again. */
TEST(a_driver_that_was_kept_away)
{
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_override));
        a = bench_action(&b, "override", "0000:01:00.1");
        assert_str_eq(a->param, "driver=snd_hda_intel");
        assert_int_eq(bench_go(&b, a, "vfio-pci"), 0);
        bench_write(&b, "/sys/bus/pci/drivers/snd_hda_intel/unbind", "0000:01:00.1");
        assert_int_eq(bench_go(&b, a, "none"), 0);
        assert_str_eq(bench_link(&b, "/sys/bus/pci/devices/0000:01:00.1/driver"), "snd_hda_intel");

        assert_int_eq(bench_go(&b, a, "vfio-pci"), 0);
        bench_write(&b, "/sys/bus/pci/drivers/snd_hda_intel/unbind", "0000:01:00.1");
        bench_fault(&b, "probe * 1 EIO");
        assert_int_eq(bench_go(&b, a, "none"), -EIO);
        assert_contains(b.f.text, "snd_hda_intel/bind");
        bench_close(&b);
}

/* The guest's driver was loaded and took an unbound function, before the driver step came to it. */
TEST(a_driver_that_it_brought)
{
        Bench b;
        const Action *a;

        bench_open(&b, "simpledrm");
        assert_ok(bench_plan(&b, &step_override));
        a = bench_action(&b, "override", CARD);
        assert_str_eq(a->param, "driver=none");
        assert_int_eq(bench_go(&b, a, "vfio-pci"), 0);
        b.h->deadline = UINT64_MAX;
        assert_ok(host_module(b.h, MODULE_LOAD, "vfio_pci", NULL));
        assert_str_eq(bench_link(&b, "/sys/bus/pci/devices/" CARD "/driver"), "vfio-pci");
        bench_fault(&b, "write */unbind 1 EIO");
        assert_int_eq(bench_go(&b, a, "none"), -EIO);
        assert_str_eq(bench_value(&b, a), "vfio-pci"); /* so that it is tried again */
        assert_int_eq(bench_go(&b, a, "none"), 0);
        assert_str_eq(bench_link(&b, "/sys/bus/pci/devices/" CARD "/driver"), "none");
        bench_close(&b);
}

TEST(faults)
{
        _cleanup_free_ char *value = NULL;
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_override));
        a = bench_action(&b, "override", CARD);
        bench_fault(&b, "write */driver_override 1 EIO");
        assert_int_eq(bench_go(&b, a, "vfio-pci"), -EIO);
        bench_fault(&b, "write */driver_override 1 lie");
        assert_int_eq(bench_go(&b, a, "vfio-pci"), -EIO);
        bench_fault(&b, "read */driver_override 1 hang");
        bench_deadline(&b, a);
        assert_int_eq(step_override.observe(b.h, a, &value, &b.f), -ETIMEDOUT);
        assert_true(b.h->stuck);
        bench_close(&b);
}

TEST_MAIN
