/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-bench.h"

#define CARD "0000:03:00.0"
#define BAR  CARD "/resource2"

static void set_bars(Bench *b, unsigned bar, uint64_t size)
{
        free(b->profile->bars);
        b->profile->bars = calloc(1, sizeof(BarSize));
        assert_not_null(b->profile->bars);
        b->profile->bars[0] = (BarSize){ .bar = bar, .size = size };
        b->profile->n_bars = 1;
}

/* The card on the guest's driver, its override set, as the steps before leave it. */
static void open_bound(Bench *b, const char *change)
{
        bench_open_with(b, "amd-laptop", change);
        set_bars(b, 2, UINT64_C(4) << 30);
        assert_ok(bench_plan(b, &step_bar));
        assert_ok(host_unit(b->h, UNIT_STOP, "gdm.service", NULL));
        assert_ok(host_session_terminate(b->h, "2"));
        fake_advance(b->h, 60 * USEC_PER_SEC);
        assert_ok(host_module(b->h, MODULE_LOAD, "vfio_pci", NULL));
        bench_write(b, "/sys/bus/pci/devices/" CARD "/driver_override", "vfio-pci");
        bench_write(b, "/sys/bus/pci/drivers/amdgpu/unbind", CARD);
        bench_write(b, "/sys/bus/pci/drivers_probe", CARD);
        assert_str_eq(bench_link(b, "/sys/bus/pci/devices/" CARD "/driver"), "vfio-pci");
}

TEST(laws)
{
        Bench b;
        const Action *a;

        open_bound(&b, NULL);
        a = bench_action(&b, "bar", BAR);
        assert_str_eq(a->after, "4G");
        assert_int_eq(a->flags, ACTION_EXCLUSIVE | ACTION_LENIENT | ACTION_CARD);
        assert_str_eq(bench_value(&b, a), "256M");
        BENCH_LAWS(&b, a, "256M", "4G", "8G");
        assert_str_eq(bench_link(&b, "/sys/bus/pci/devices/" CARD "/driver"), "vfio-pci");
        bench_close(&b);
}

TEST(plan)
{
        Bench b;

        bench_open(&b, "amd-laptop");
        assert_ok(bench_plan(&b, &step_bar));
        assert_int_eq(b.plan->n_actions, 0);
        set_bars(&b, 2, UINT64_C(64) << 30);
        assert_ok(bench_plan(&b, &step_bar));
        assert_int_eq(b.plan->n_actions, 0);
        assert_str_eq(b.plan->warnings[0],
                      "BAR 2 of " CARD " cannot be 64G, only 256M, 512M, 1G, 2G, 4G, 8G: its size stays");
        set_bars(&b, 0, UINT64_C(1) << 30);
        assert_ok(bench_plan(&b, &step_bar));
        assert_contains(b.plan->warnings[1], "no BAR 0 whose size");
        bench_close(&b);
}

/* No room, a refusal, an error: the size it had, and the guest's driver on it again. */
TEST(refused_by_the_kernel)
{
        static const char *const faults[] = { "write */resource2_resize 1 EIO", "write */resource2_resize 1 EINVAL" };
        const Action *a;
        Bench b;

        open_bound(&b, "pci " CARD " rebar-room=1024\n");
        a = bench_action(&b, "bar", BAR);
        assert_int_eq(bench_go(&b, a, "4G"), -ENOSPC);
        assert_contains(b.f.text, "Above 4G decoding");
        assert_str_eq(bench_value(&b, a), "256M");
        assert_str_eq(bench_link(&b, "/sys/bus/pci/devices/" CARD "/driver"), "vfio-pci");
        for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
                bench_fault(&b, faults[i]);
                assert_true(bench_go(&b, a, "512M") < 0);
                assert_str_eq(bench_value(&b, a), "256M");
                assert_str_eq(bench_link(&b, "/sys/bus/pci/devices/" CARD "/driver"), "vfio-pci");
        }
        bench_fault(&b, "write */resource2_resize 1 lie");
        assert_int_eq(bench_go(&b, a, "512M"), -EIO);
        bench_close(&b);
}

/* A driver of the host's is not thrown out for it. */
TEST(not_under_a_driver)
{
        const Action *a;
        Bench b;

        bench_open(&b, "amd-laptop");
        set_bars(&b, 2, UINT64_C(4) << 30);
        assert_ok(bench_plan(&b, &step_bar));
        a = bench_action(&b, "bar", BAR);
        assert_int_eq(bench_go(&b, a, "4G"), -EBUSY);
        assert_contains(b.f.text, "amdgpu drives it already");
        assert_str_eq(bench_link(&b, "/sys/bus/pci/devices/" CARD "/driver"), "amdgpu");
        bench_close(&b);
}

/* Nor is a guest's, while its QEMU has it. */
TEST(not_under_a_guest)
{
        char *const card[] = { (char *) CARD, NULL };
        const Action *a;
        Bench b;

        open_bound(&b, NULL);
        a = bench_action(&b, "bar", BAR);
        assert_ok(fake_guest_start(b.h, card, 4711));
        assert_int_eq(bench_go(&b, a, "4G"), -EBUSY);
        assert_contains(b.f.text, "in use");
        fake_guest_stop(b.h, 4711);
        bench_close(&b);
}

/* After a reset it may be without a driver: nothing is bound then. */
TEST(unbound)
{
        const Action *a;
        Bench b;

        open_bound(&b, NULL);
        a = bench_action(&b, "bar", BAR);
        bench_write(&b, "/sys/bus/pci/drivers/vfio-pci/unbind", CARD);
        assert_int_eq(bench_go(&b, a, "4G"), 0);
        assert_str_eq(bench_link(&b, "/sys/bus/pci/devices/" CARD "/driver"), "none");
        bench_close(&b);
}

TEST(hangs)
{
        const Action *a;
        Bench b;

        open_bound(&b, NULL);
        a = bench_action(&b, "bar", BAR);
        bench_fault(&b, "write */resource2_resize 1 hang");
        assert_int_eq(bench_go(&b, a, "4G"), -ETIMEDOUT);
        assert_true(b.h->stuck);
        bench_close(&b);
}

TEST_MAIN
