/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-bench.h"

TEST(laws)
{
        Bench b;
        const Action *a;

        bench_open(&b, "server-console");
        assert_ok(bench_plan(&b, &step_framebuffer));
        assert_str_eq(bench_shape(&b), "framebuffer efi-framebuffer.0 none");
        a = bench_action(&b, "framebuffer", NULL);
        assert_int_eq(a->flags, ACTION_ONE_WAY | ACTION_CARD);
        assert_str_eq(bench_value(&b, a), "efi-framebuffer");
        BENCH_LAWS(&b, a, "efi-framebuffer", "none");
        assert_int_eq(strv_length(b.plan->warnings), 1); /* no driver of the host's would show a picture */
        assert_contains(b.plan->warnings[0], "until a reboot");
        bench_close(&b);
}

/* Found by what it is and whose memory it shows, not by a list of names. */
TEST(simpledrm)
{
        Bench b;
        const Action *a;

        bench_open(&b, "simpledrm");
        assert_ok(bench_plan(&b, &step_framebuffer));
        a = bench_action(&b, "framebuffer", "simple-framebuffer.0");
        assert_str_eq(bench_value(&b, a), "simple-framebuffer");
        BENCH_LAWS(&b, a, "simple-framebuffer", "none");
        bench_close(&b);
}

TEST(the_driver_of_the_host_has_it)
{
        Bench b;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_framebuffer));
        assert_int_eq(b.plan->n_actions, 0);
        bench_close(&b);

        bench_open(&b, "nvidia-efifb");
        assert_ok(bench_plan(&b, &step_framebuffer));
        assert_int_eq(b.plan->n_actions, 1);
        assert_null(b.plan->warnings); /* nvidia comes back */
        bench_close(&b);
}

TEST(policies)
{
        Bench b;

        bench_open(&b, "nvidia-efifb");
        b.profile->framebuffer_policy = POLICY_KEEP;
        assert_ok(bench_plan(&b, &step_framebuffer));
        /* not unbound, but named: the guest's driver ends it */
        assert_str_eq(bench_shape(&b), "framebuffer efi-framebuffer.0 efi-framebuffer");
        assert_int_eq(b.plan->actions[0].flags, ACTION_ONE_WAY | ACTION_CARD);
        assert_int_eq(bench_go(&b, &b.plan->actions[0], "efi-framebuffer"), 0);
        assert_str_eq(bench_value(&b, &b.plan->actions[0]), "efi-framebuffer");
        /* somebody else's is nobody's business, unless nobody owns it and the profile insists */
        b.profile->framebuffer_policy = POLICY_AUTO;
        bench_scan(&b);
        b.view->framebuffers[0].owner.bus = 9;
        assert_ok(step_framebuffer.plan(&b.in, b.plan, &b.f));
        b.view->framebuffers[0].has_owner = false;
        assert_ok(step_framebuffer.plan(&b.in, b.plan, &b.f));
        assert_int_eq(b.plan->n_actions, 1);
        b.profile->framebuffer_policy = POLICY_UNBIND;
        assert_ok(step_framebuffer.plan(&b.in, b.plan, &b.f));
        assert_int_eq(b.plan->n_actions, 2);
        assert_str_eq(b.plan->actions[1].after, "none");
        bench_close(&b);
}

/* vfio-pci's probe threw the platform device out: said, and by its flag no error. */
TEST(one_way)
{
        Bench b;
        const Action *a;

        bench_open(&b, "server-console");
        assert_ok(bench_plan(&b, &step_framebuffer));
        a = bench_action(&b, "framebuffer", NULL);
        assert_int_eq(bench_go(&b, a, "none"), 0);
        b.h->deadline = UINT64_MAX;
        assert_ok(host_module(b.h, MODULE_LOAD, "vfio_pci", NULL));
        bench_write(&b, "/sys/bus/pci/devices/0000:01:00.0/driver_override", "vfio-pci");
        bench_write(&b, "/sys/bus/pci/drivers_probe", "0000:01:00.0");
        assert_str_eq(bench_value(&b, a), "none");
        assert_int_eq(bench_go(&b, a, "none"), 0);
        assert_int_eq(bench_go(&b, a, "efi-framebuffer"), -ENODEV);
        assert_contains(b.f.text, "before a reboot");
        bench_close(&b);
}

/* Its device is still there, but a driver runs the card: binding it would draw into memory of that driver's. */
TEST(not_into_a_driver_s_memory)
{
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-efifb"); /* an nvidia_drm that evicts nothing */
        assert_ok(bench_plan(&b, &step_framebuffer));
        a = bench_action(&b, "framebuffer", NULL);
        assert_int_eq(bench_go(&b, a, "none"), 0);
        assert_int_eq(bench_go(&b, a, "efi-framebuffer"), -EBUSY);
        assert_contains(b.f.text, "nvidia");
        bench_close(&b);
}

TEST(faults)
{
        Bench b;
        const Action *a;

        bench_open(&b, "server-console");
        assert_ok(bench_plan(&b, &step_framebuffer));
        a = bench_action(&b, "framebuffer", NULL);
        bench_fault(&b, "write */efi-framebuffer/unbind 1 EIO");
        assert_int_eq(bench_go(&b, a, "none"), -EIO);
        assert_contains(b.f.text, "efi-framebuffer.0");
        bench_fault(&b, "write */efi-framebuffer/unbind 1 lie");
        assert_int_eq(bench_go(&b, a, "none"), -EIO);
        bench_fault(&b, "write */efi-framebuffer/unbind 1 hang");
        assert_int_eq(bench_go(&b, a, "none"), -ETIMEDOUT);
        assert_true(b.h->stuck);
        bench_close(&b);
}

TEST_MAIN
