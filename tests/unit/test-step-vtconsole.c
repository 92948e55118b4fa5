/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-bench.h"

#define NAME "frame buffer device"

TEST(laws)
{
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_vtconsole));
        assert_str_eq(bench_shape(&b), "vtconsole " NAME " 0");
        a = bench_action(&b, "vtconsole", NAME);
        assert_int_eq(a->flags, ACTION_SHARED | ACTION_CARD);
        assert_str_eq(bench_value(&b, a), "1");
        BENCH_LAWS(&b, a, "1", "0");
        bench_close(&b);
}

/* It went with the last framebuffer: nothing to unbind, and nothing to bind again. */
TEST(a_vanished_console_is_no_error)
{
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_vtconsole));
        a = bench_action(&b, "vtconsole", NAME);
        b.h->deadline = UINT64_MAX;
        fake_faults_clear(b.h);
        assert_ok(host_unit(b.h, UNIT_STOP, "lightdm.service", NULL));
        assert_ok(host_module(b.h, MODULE_UNLOAD, "nvidia_drm", NULL));
        assert_str_eq(bench_value(&b, a), "none");
        BENCH_LAWS(&b, a, "1", "0", "none");
        bench_deadline(&b, a);
        assert_ok(step_vtconsole.converge(b.h, a, "1", &b.f));
        assert_ok(step_vtconsole.converge(b.h, a, "0", &b.f));

        /* the kernel makes a new one, bound, under whatever number */
        b.h->deadline = UINT64_MAX;
        assert_ok(host_module(b.h, MODULE_LOAD, "nvidia_drm", NULL));
        assert_str_eq(bench_value(&b, a), "1");
        assert_int_eq(bench_go(&b, a, "none"), 0);
        assert_int_eq(bench_go(&b, a, "0"), 0);
        assert_str_eq(bench_value(&b, a), "0");
        bench_close(&b);
}

/* Where another framebuffer would lose its console, it is not touched. */
TEST(another_framebuffer_keeps_its_console)
{
        Bench b;

        bench_open(&b, "two-cards-wayland");
        assert_ok(bench_plan(&b, &step_vtconsole));
        assert_int_eq(b.plan->n_actions, 0);
        b.profile->vtconsole_policy = POLICY_UNBIND;
        assert_ok(bench_plan(&b, &step_vtconsole));
        assert_str_eq(bench_shape(&b), "vtconsole " NAME " 0");
        bench_close(&b);
}

TEST(a_card_without_framebuffer)
{
        Bench b;

        bench_open(&b, "two-cards");
        assert_ok(bench_plan(&b, &step_vtconsole));
        assert_int_eq(b.plan->n_actions, 0);
        bench_close(&b);
}

TEST(the_firmware_framebuffer_counts)
{
        Bench b;

        bench_open(&b, "nvidia-efifb");
        assert_ok(bench_plan(&b, &step_vtconsole));
        assert_str_eq(bench_shape(&b), "vtconsole " NAME " 0");
        bench_close(&b);
}

TEST(policy_keep_and_a_console_that_is_unbound)
{
        Bench b;

        bench_open(&b, "nvidia-desktop");
        b.profile->vtconsole_policy = POLICY_KEEP;
        assert_ok(bench_plan(&b, &step_vtconsole));
        b.profile->vtconsole_policy = POLICY_UNBIND;
        bench_write(&b, "/sys/class/vtconsole/vtcon1/bind", "0");
        assert_ok(bench_plan(&b, &step_vtconsole));
        assert_int_eq(b.plan->n_actions, 0);
        bench_close(&b);
}

TEST(faults)
{
        _cleanup_free_ char *value = NULL;
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_vtconsole));
        a = bench_action(&b, "vtconsole", NAME);
        bench_fault(&b, "write /sys/class/vtconsole/vtcon1/bind 1 EIO");
        assert_int_eq(bench_go(&b, a, "0"), -EIO);
        assert_contains(b.f.text, "cannot write 0 to /sys/class/vtconsole/vtcon1/bind");
        bench_fault(&b, "write /sys/class/vtconsole/vtcon1/bind 1 lie");
        assert_int_eq(bench_go(&b, a, "0"), -EIO);
        bench_fault(&b, "list /sys/class/vtconsole 1 EACCES");
        assert_int_eq(step_vtconsole.observe(b.h, a, &value, &b.f), -EACCES);
        bench_fault(&b, "write /sys/class/vtconsole/vtcon1/bind 1 hang");
        assert_int_eq(bench_go(&b, a, "0"), -ETIMEDOUT);
        bench_close(&b);
}

TEST_MAIN
