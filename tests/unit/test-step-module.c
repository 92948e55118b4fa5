/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-bench.h"

static void quiet(Bench *b)
{
        b->h->deadline = UINT64_MAX;
        assert_ok(host_unit(b->h, UNIT_STOP, "lightdm.service", NULL));
        assert_ok(host_unit(b->h, UNIT_STOP, "nvidia-persistenced.service", NULL));
        fake_advance(b->h, 5 * USEC_PER_SEC);
}

TEST(the_vendor_s_chain)
{
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_module));
        assert_str_eq(bench_shape(&b),
                      "module vfio loaded; module vfio_iommu_type1 loaded; module vfio_pci loaded; module nvidia_drm "
                      "absent; module nvidia_modeset absent; module nvidia_uvm absent; module nvidia absent");
        a = bench_action(&b, "module", "nvidia");
        assert_int_eq(a->flags, ACTION_TRANSIT | ACTION_CARD);
        assert_contains(a->param, "functions=0000:01:00.0,0000:01:00.1");
        assert_contains(a->param, "shared=10de");
        assert_contains(a->param, "alone=nvidia");
        assert_int_eq(bench_action(&b, "module", "vfio_pci")->flags, ACTION_TRANSIT);
        bench_close(&b);
}

TEST(there_and_back)
{
        Bench b;

        bench_open(&b, "nvidia-desktop");
        quiet(&b);
        assert_ok(bench_plan(&b, &step_module));
        for (size_t i = 0; i < b.plan->n_actions; i++)
                assert_int_eq(bench_go(&b, &b.plan->actions[i], b.plan->actions[i].after), 0);
        for (size_t i = 0; i < b.plan->n_actions; i++)
                assert_str_eq(bench_value(&b, &b.plan->actions[i]), b.plan->actions[i].after);
        for (size_t i = b.plan->n_actions; i-- > 0;) {
                const Action *a = &b.plan->actions[i];

                /* vfio was absent; loaded is as good on the way back */
                assert_int_eq(bench_go(&b, a, i < 3 ? "absent" : "loaded"), 0);
                assert_str_eq(bench_value(&b, a), "loaded");
        }
        bench_close(&b);
}

/* nvidia_drm serves the cards that nvidia has when it is loaded: one that was loaded too early is loaded anew. */
TEST(a_client_that_came_too_early)
{
        Bench b;
        const Action *a;

        bench_open_with(&b, "nvidia-desktop", "module nvidia needs-device=no");
        quiet(&b);
        assert_ok(bench_plan(&b, &step_module));
        a = bench_action(&b, "module", "nvidia_drm");
        assert_contains(a->param, "serves=0000:01:00.0");
        assert_true(!strstr(bench_action(&b, "module", "nvidia_modeset")->param, "serves"));
        for (size_t i = 0; i < b.plan->n_actions; i++)
                assert_int_eq(bench_go(&b, &b.plan->actions[i], b.plan->actions[i].after), 0);
        bench_write(&b, "/sys/bus/pci/devices/0000:01:00.0/driver_override", "vfio-pci");
        bench_write(&b, "/sys/bus/pci/drivers_probe", "0000:01:00.0");
        b.h->deadline = UINT64_MAX;
        assert_ok(host_module(b.h, MODULE_LOAD, "nvidia", NULL)); /* and with it nvidia_drm, for no card */
        assert_str_eq(bench_value(&b, a), "loaded");
        bench_write(&b, "/sys/bus/pci/drivers/vfio-pci/unbind", "0000:01:00.0");
        bench_write(&b, "/sys/bus/pci/devices/0000:01:00.0/driver_override", "\n");
        bench_write(&b, "/sys/bus/pci/drivers_probe", "0000:01:00.0");
        assert_str_eq(bench_link(&b, "/sys/bus/pci/devices/0000:01:00.0/driver"), "nvidia");
        assert_str_eq(bench_value(&b, a), "idle");
        assert_false(bench_satisfied(a, "idle", "loaded"));
        assert_int_eq(bench_go(&b, a, "loaded"), 0);
        assert_str_eq(bench_value(&b, a), "loaded");
        assert_true(host_exists(b.h, "/sys/bus/pci/devices/0000:01:00.0/drm"));
        bench_close(&b);
}

TEST(laws)
{
        Bench b;

        bench_open(&b, "nvidia-desktop");
        quiet(&b);
        assert_ok(bench_plan(&b, &step_module));
        BENCH_LAWS(&b, bench_action(&b, "module", "nvidia_drm"), "loaded", "absent");
        BENCH_LAWS(&b, bench_action(&b, "module", "vfio_pci"), "loaded", "absent");
        bench_close(&b);
}

TEST(amd_and_the_function_s_own_modules)
{
        Bench b;

        bench_open(&b, "amd-desktop");
        assert_ok(bench_plan(&b, &step_module));
        assert_str_eq(bench_shape(&b), "module vfio loaded; module vfio_iommu_type1 loaded; module vfio_pci loaded; "
                                       "module amdgpu absent"); /* snd_hda_intel is only unbound */
        bench_close(&b);

        bench_open(&b, "nvidia-usbc");
        for (uint8_t i = 2; i < 4; i++)
                b.functions[b.in.n_functions++] = (PciAddress){ .bus = 1, .function = i };
        assert_ok(bench_plan(&b, &step_module));
        assert_not_null(bench_find(&b, "module", "i2c_nvidia_gpu"));
        assert_null(bench_find(&b, "module", "xhci_pci"));
        bench_close(&b);
}

/* It stays, and the way back finds it loaded, whoever unloads it meanwhile. */
TEST(another_card_uses_it)
{
        Bench b;
        const Action *a;

        bench_open(&b, "server-nvidia");
        assert_ok(bench_plan(&b, &step_module));
        a = bench_action(&b, "module", "nvidia");
        assert_str_eq(a->after, "loaded");
        assert_str_eq(a->why, "another card uses it (0000:81:00.0)");
        assert_int_eq(bench_go(&b, a, "loaded"), 0);
        assert_true(bench_satisfied(a, "loaded", "absent"));
        assert_false(bench_satisfied(a, "absent", "loaded"));

        /* while the other one changes hands, sysfs shows no driver */
        plan_free(b.plan);
        b.plan = plan_new("win10", "73116f6f-f817-425f-bd60-4f93db371c39", "win10.ini");
        for (size_t i = 0; i < b.view->n_functions; i++) {
                HostFunction *fn = &b.view->functions[i];

                if (fn->address.bus == 0x81 && fn->driver && streq(fn->driver, "nvidia")) {
                        free(TAKE_PTR(fn->driver));
                        fn->between = strdup("vm1");
                }
        }
        assert_ok(bench_plan(&b, &step_module));
        assert_str_eq(bench_action(&b, "module", "nvidia")->why, "another card uses it (0000:81:00.0)");

        plan_free(b.plan);
        b.plan = plan_new("win10", "73116f6f-f817-425f-bd60-4f93db371c39", "win10.ini");
        b.profile->module_policy = POLICY_UNLOAD;
        assert_ok(bench_plan(&b, &step_module));
        assert_str_eq(bench_action(&b, "module", "nvidia")->after, "absent");
        bench_close(&b);
}

TEST(a_module_outside_the_chain_uses_it)
{
        Bench b;

        bench_open_with(&b, "nvidia-desktop", "module nvidia_fs deps=nvidia loaded=yes");
        assert_ok(bench_plan(&b, &step_module));
        assert_str_eq(bench_action(&b, "module", "nvidia_drm")->after, "absent");
        assert_str_eq(bench_action(&b, "module", "nvidia")->after, "loaded");
        assert_contains(bench_action(&b, "module", "nvidia")->why, "nvidia_fs");
        bench_close(&b);
}

TEST(sound_pins_intel_s)
{
        Bench b;

        bench_open(&b, "two-cards");
        b.functions[0] = (PciAddress){ .slot = 2 };
        b.in.n_functions = 1;
        assert_ok(bench_plan(&b, &step_module));
        assert_str_eq(bench_action(&b, "module", "i915")->after, "loaded");
        bench_close(&b);
}

TEST(policies_and_names)
{
        Bench b;

        bench_open(&b, "nvidia-desktop");
        b.profile->module_policy = POLICY_KEEP;
        assert_ok(bench_plan(&b, &step_module));
        assert_str_eq(bench_action(&b, "module", "nvidia")->after, "loaded");
        plan_free(b.plan);
        b.plan = plan_new("win10", "73116f6f-f817-425f-bd60-4f93db371c39", "win10.ini");
        b.profile->module_policy = POLICY_AUTO;
        assert_ok(strv_append(&b.profile->module_names, "nvidia_drm"));
        assert_ok(strv_append(&b.profile->module_names, "nosuch"));
        assert_ok(bench_plan(&b, &step_module));
        assert_str_eq(bench_action(&b, "module", "nvidia_drm")->after, "absent");
        assert_null(bench_find(&b, "module", "nvidia"));
        assert_null(bench_find(&b, "module", "nosuch"));
        bench_close(&b);
}

TEST(builtin_and_variants)
{
        Bench b;

        bench_open(&b, "server-vfio");
        assert_ok(bench_plan(&b, &step_module));
        assert_int_eq(b.plan->n_actions, 0); /* vfio is built in, and no driver of the host's has the card */
        b.profile->driver_guest = strdup("mlx5-vfio-pci");
        assert_ok(bench_plan(&b, &step_module));
        assert_str_eq(bench_shape(&b), "module mlx5_vfio_pci loaded");
        assert_int_eq(bench_go(&b, &b.plan->actions[0], "loaded"), -ENOENT);
        assert_contains(b.f.text, "there is no module mlx5_vfio_pci");
        bench_close(&b);

        bench_open(&b, "server-vfio");
        assert_ok(bench_plan(&b, &step_module));
        assert_not_null(plan_append(b.plan, "module", "vfio", "loaded", ACTION_TRANSIT, USEC_PER_SEC));
        assert_str_eq(bench_value(&b, &b.plan->actions[0]), "loaded");
        bench_close(&b);
}

/* udev and logind look at a new device for a moment. */
TEST(a_transient_use_is_waited_out)
{
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-desktop");
        quiet(&b);
        assert_ok(bench_plan(&b, &step_module));
        a = bench_action(&b, "module", "nvidia_drm");
        assert_int_eq(bench_go(&b, a, "absent"), 0);
        assert_int_eq(bench_go(&b, a, "loaded"), 0); /* transient-busy=800ms from here */
        assert_int_eq(bench_go(&b, a, "absent"), 0);
        bench_close(&b);
}

TEST(a_busy_module_is_reported)
{
        Bench b;
        uint64_t start;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_module));
        start = host_now(b.h);
        assert_int_eq(bench_go(&b, bench_action(&b, "module", "nvidia_drm"), "absent"), -EBUSY);
        assert_true(host_now(b.h) - start < 5 * USEC_PER_SEC);
        assert_contains(b.f.text, "the module nvidia_drm is in use (reference count 1, modules that use it: none)");
        assert_contains(b.f.text, "Xorg (pid 812, lightdm.service) has /dev/dri/card0");
        assert_contains(b.f.text, "systemctl stop lightdm.service");
        assert_int_eq(bench_go(&b, bench_action(&b, "module", "nvidia"), "absent"), -EBUSY);
        assert_contains(b.f.text, "nvidia_modeset");
        bench_close(&b);

        bench_open_with(&b, "nvidia-desktop", "module nvidia_uvm refs=1");
        quiet(&b);
        assert_ok(bench_plan(&b, &step_module));
        assert_int_eq(bench_go(&b, bench_action(&b, "module", "nvidia_uvm"), "absent"), -EBUSY);
        assert_contains(b.f.text, "No process has the card's device files open");
        bench_close(&b);
}

TEST(faults)
{
        Bench b;
        const Action *a, *vfio;

        bench_open(&b, "nvidia-desktop");
        quiet(&b);
        assert_ok(bench_plan(&b, &step_module));
        a = bench_action(&b, "module", "nvidia_drm");
        vfio = bench_action(&b, "module", "vfio_pci");
        bench_fault(&b, "module-unload nvidia_drm 1 EPERM");
        assert_int_eq(bench_go(&b, a, "absent"), -EPERM);
        bench_fault(&b, "module-unload nvidia_drm 1 lie");
        assert_int_eq(bench_go(&b, a, "absent"), -EIO);
        bench_fault(&b, "module-unload nvidia_drm 1 EAGAIN");
        assert_int_eq(bench_go(&b, a, "absent"), 0);
        bench_fault(&b, "module-load vfio_pci 1 ENOENT");
        assert_int_eq(bench_go(&b, vfio, "loaded"), -ENOENT);
        assert_contains(b.f.text, "for the running kernel");
        bench_fault(&b, "module-load vfio_pci 1 ENOEXEC");
        assert_int_eq(bench_go(&b, vfio, "loaded"), -ENOEXEC);
        bench_fault(&b, "module-load vfio_pci 1 lie");
        assert_int_eq(bench_go(&b, vfio, "loaded"), -EIO);
        bench_fault(&b, "module-unload nvidia_uvm 1 hang");
        assert_int_eq(bench_go(&b, bench_action(&b, "module", "nvidia_uvm"), "absent"), -ETIMEDOUT);
        assert_true(b.h->stuck);
        assert_str_eq(bench_value(&b, bench_action(&b, "module", "nvidia_uvm")), "going");
        bench_close(&b);
}

TEST_MAIN
