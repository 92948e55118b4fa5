/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-bench.h"

#include "step/mdev-choice.h"

#define UUID  "c2177883-f1bb-47f0-914d-32a22e3a8804"
#define OTHER "aaaaaaaa-f1bb-47f0-914d-32a22e3a8804"
#define TYPE  "i915-GVTg_V5_4"
#define IGD   "0000:00:02.0"

/* kvmgt is loaded: parent and types are to be seen. */
static void open_loaded(Bench *b, const char *change)
{
        _cleanup_free_ char *text = NULL;

        assert_true(asprintf(&text, "module kvmgt loaded=yes\n%s", change ? change : "") >= 0);
        bench_open_with(b, "gvt", text);
        b->profile->mdev_type = strdup(TYPE);
}

TEST(laws)
{
        Bench b;
        const Action *a;

        open_loaded(&b, NULL);
        assert_ok(bench_plan(&b, &step_mediated_device));
        assert_str_eq(bench_shape(&b), "mediated-device " UUID " " TYPE);
        a = bench_action(&b, "mediated-device", UUID);
        assert_int_eq(a->flags, ACTION_EXCLUSIVE | ACTION_CARD);
        assert_str_eq(a->param, "parent=" IGD);
        assert_str_eq(b.plan->mediated[0], UUID);
        assert_str_eq(bench_value(&b, a), "none");
        BENCH_LAWS(&b, a, "none", TYPE);
        bench_close(&b);
}

/* Nothing is known of a parent yet: its module goes first, and the free instance is looked for when it is there. */
TEST(module_first)
{
        const Action *load, *a;
        Bench b;

        bench_open(&b, "gvt");
        b.profile->mdev_type = strdup(TYPE);
        assert_ok(bench_plan(&b, &step_module));
        assert_ok(bench_plan(&b, &step_mediated_device));
        assert_str_eq(bench_shape(&b), "module kvmgt loaded; mediated-device " UUID " " TYPE);
        load = bench_action(&b, "module", "kvmgt");
        a = bench_action(&b, "mediated-device", UUID);
        assert_null(a->param);
        assert_int_eq(bench_go(&b, a, TYPE), -ENODEV);
        assert_contains(b.f.text, "this host offers no mediated devices of type " TYPE);
        assert_int_eq(bench_go(&b, load, "loaded"), 0);
        assert_int_eq(bench_go(&b, a, TYPE), 0);
        assert_str_eq(bench_value(&b, a), TYPE);
        assert_str_eq(bench_link(&b, "/sys/bus/mdev/devices/" UUID "/mdev_type"), TYPE);
        bench_close(&b);
}

TEST(modules_of_types)
{
        static const char *const types[][2] = { { "i915-GVTg_V5_4", "kvmgt" },
                                                { "nvidia-63", "nvidia_vgpu_vfio" },
                                                { "mtty-1", "mtty" },
                                                { "vfio_ap-passthrough", "vfio_ap" } };

        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
                char buf[64];

                assert_str_eq(mdev_module(types[i][0], buf), types[i][1]);
        }
}

/* One that is there stays, whatever its type, and nobody needs Type= for it. */
TEST(adopted)
{
        Bench b;
        const Action *a;

        open_loaded(&b, "mdev " UUID " parent=" IGD " type=i915-GVTg_V5_8 group=200");
        assert_ok(bench_plan(&b, &step_mediated_device));
        assert_int_eq(strv_length(b.plan->warnings), 1);
        assert_contains(b.plan->warnings[0], "is there already, as i915-GVTg_V5_8 of " IGD);
        a = bench_action(&b, "mediated-device", UUID);
        assert_str_eq(a->after, "i915-GVTg_V5_8");
        assert_str_eq(a->why, "there already, and stays");
        assert_true(bench_satisfied(a, bench_value(&b, a), a->after));
        assert_true(bench_satisfied(a, "i915-GVTg_V5_8", TYPE)); /* never made anew under somebody */
        assert_false(bench_satisfied(a, "none", TYPE));
        bench_close(&b);

        bench_open_with(&b, "gvt", "mdev " UUID " parent=" IGD " type=" TYPE " group=200");
        assert_ok(bench_plan(&b, &step_mediated_device));
        assert_ok(bench_plan(&b, &step_module)); /* nothing has to be loaded for it */
        assert_str_eq(bench_shape(&b), "mediated-device " UUID " " TYPE);
        assert_null(b.plan->warnings);
        bench_close(&b);
}

TEST(no_type)
{
        Bench b;

        bench_open(&b, "gvt");
        assert_ok(bench_plan(&b, &step_mediated_device));
        assert_int_eq(b.plan->n_actions, 0);
        assert_int_eq(strv_length(b.plan->warnings), 1);
        assert_contains(b.plan->warnings[0], "no Type= in [MediatedDevice]");
        bench_close(&b);
}

TEST(profile_names_them)
{
        Bench b;

        open_loaded(&b, NULL);
        b.profile->mdev_parent = strdup("00:02.0");
        free(b.profile->mdev_type);
        b.profile->mdev_type = strdup("i915-GVTg_V5_8");
        assert_ok(strv_append(&b.profile->mdev_uuids, "AAAAAAAA-f1bb-47f0-914d-32a22e3a8804"));
        assert_ok(strv_append(&b.profile->mdev_uuids, "bbbbbbbb-f1bb-47f0-914d-32a22e3a8804"));
        assert_ok(bench_plan(&b, &step_mediated_device));
        assert_str_eq(bench_shape(&b), "mediated-device " OTHER " i915-GVTg_V5_8; "
                                       "mediated-device bbbbbbbb-f1bb-47f0-914d-32a22e3a8804 i915-GVTg_V5_8");
        assert_str_eq(b.plan->actions[1].param, "parent=" IGD);
        bench_close(&b);
}

/* Both of the guest's count, and those that others have. */
TEST(free_instances_first)
{
        Bench b;

        open_loaded(&b, "mdev " OTHER " parent=" IGD " type=" TYPE " group=200");
        assert_int_eq(bench_plan(&b, &step_mediated_device), -EBUSY);
        assert_contains(b.f.text, "no instance of the mediated device type " TYPE " is free");
        bench_close(&b);

        open_loaded(&b, NULL);
        assert_ok(strv_append(&b.profile->mdev_uuids, UUID));
        assert_ok(strv_append(&b.profile->mdev_uuids, OTHER));
        assert_int_eq(bench_plan(&b, &step_mediated_device), -EBUSY);
        bench_close(&b);
}

TEST(unknown_type)
{
        Bench b;

        open_loaded(&b, NULL);
        free(b.profile->mdev_type);
        b.profile->mdev_type = strdup("i915-GVTg_V9");
        assert_int_eq(bench_plan(&b, &step_mediated_device), -ENODEV);
        assert_contains(b.f.text, "offered are: " TYPE ", i915-GVTg_V5_8");
        b.profile->mdev_parent = strdup("0000:03:00.0");
        assert_int_eq(bench_plan(&b, &step_mediated_device), -ENODEV);
        assert_contains(b.f.text,
                        "0000:03:00.0: no mediated device of type i915-GVTg_V9 can be made, offered are: none");
        bench_close(&b);
}

/* The last instance went between plan and act. */
TEST(taken_meanwhile)
{
        Bench b;
        const Action *a;

        open_loaded(&b, NULL);
        assert_ok(bench_plan(&b, &step_mediated_device));
        a = bench_action(&b, "mediated-device", UUID);
        bench_write(&b, "/sys/class/mdev_bus/" IGD "/mdev_supported_types/" TYPE "/create", OTHER);
        assert_int_eq(bench_go(&b, a, TYPE), -EBUSY);
        assert_contains(b.f.text, "no instance");
        bench_write(&b, "/sys/bus/mdev/devices/" OTHER "/remove", "1");
        /* … or in the very moment */
        bench_fault(&b, "write */create 1 EUSERS");
        assert_int_eq(bench_go(&b, a, TYPE), -EUSERS);
        assert_contains(b.f.text, IGD " does not make a mediated device of type " TYPE);
        bench_fault(&b, "write */create 1 EEXIST");
        assert_int_eq(bench_go(&b, a, TYPE), -EIO); /* it says so, and the engine looks */
        bench_close(&b);
}

/* A QEMU that still has it would make the kernel wait for ever. */
TEST(in_use)
{
        char *const devices[] = { (char *) UUID, NULL };
        Bench b;
        const Action *a;

        open_loaded(&b, NULL);
        assert_ok(bench_plan(&b, &step_mediated_device));
        a = bench_action(&b, "mediated-device", UUID);
        assert_int_eq(bench_go(&b, a, TYPE), 0);
        assert_ok(fake_guest_start(b.h, devices, 4711));
        assert_int_eq(bench_go(&b, a, "none"), -EBUSY);
        assert_contains(b.f.text, UUID " is in use, so it is not removed: qemu-system-x86 (pid 4711");
        assert_false(b.h->stuck);
        fake_guest_stop(b.h, 4711);
        assert_int_eq(bench_go(&b, a, "none"), 0);
        assert_int_eq(bench_go(&b, a, "none"), 0);
        bench_close(&b);
}

TEST(faults)
{
        Bench b;
        const Action *a;

        open_loaded(&b, NULL);
        assert_ok(bench_plan(&b, &step_mediated_device));
        a = bench_action(&b, "mediated-device", UUID);
        bench_fault(&b, "write */create 1 lie");
        assert_int_eq(bench_go(&b, a, TYPE), -EIO);
        bench_fault(&b, "read */available_instances 1 EIO");
        assert_int_eq(bench_go(&b, a, TYPE), -EIO);
        assert_contains(b.f.text, "does not say how many");
        bench_fault(&b, "write */create 1 hang");
        assert_int_eq(bench_go(&b, a, TYPE), -ETIMEDOUT);
        assert_contains(b.f.text, "has not returned from the kernel");
        assert_true(b.h->stuck);
        bench_close(&b);

        open_loaded(&b, NULL);
        assert_ok(bench_plan(&b, &step_mediated_device));
        a = bench_action(&b, "mediated-device", UUID);
        assert_int_eq(bench_go(&b, a, TYPE), 0);
        bench_fault(&b, "write */remove 1 EIO");
        assert_int_eq(bench_go(&b, a, "none"), -EIO);
        assert_contains(b.f.text, "cannot be removed");
        bench_fault(&b, "write */remove 1 hang");
        assert_int_eq(bench_go(&b, a, "none"), -ETIMEDOUT);
        assert_true(b.h->stuck);
        bench_close(&b);
}

TEST_MAIN
