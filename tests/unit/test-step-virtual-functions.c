/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-bench.h"

#define PF  "0000:03:00.0"
#define VF0 "0000:03:10.0"
#define VF1 "0000:03:10.2"
#define VF2 "0000:03:10.4"

static void set_count(Bench *b, unsigned count)
{
        b->profile->vf_count = count;
}

TEST(laws)
{
        Bench b;
        const Action *a;

        bench_open(&b, "sriov-nic");
        set_count(&b, 4);
        assert_ok(bench_plan(&b, &step_virtual_functions));
        assert_str_eq(bench_shape(&b), "virtual-functions " PF " 4");
        a = bench_action(&b, "virtual-functions", PF);
        assert_int_eq(a->flags, ACTION_SHARED | ACTION_CARD);
        assert_str_eq(a->param, "functions=" VF0 "," VF1);
        assert_str_eq(bench_value(&b, a), "0");
        BENCH_LAWS(&b, a, "0", "4");
        assert_int_eq(bench_go(&b, a, "4"), 0);
        assert_str_eq(bench_link(&b, "/sys/bus/pci/devices/" VF1 "/driver"), "igbvf"); /* autoprobe is the host's */
        assert_int_eq(bench_go(&b, a, "0"), 0);
        assert_false(host_exists(b.h, "/sys/bus/pci/devices/" VF1));
        bench_close(&b);
}

TEST(autoprobe_off)
{
        Bench b;
        const Action *a;

        bench_open_with(&b, "sriov-nic", "pci 0000:03:00.0: autoprobe=no");
        set_count(&b, 2);
        assert_ok(bench_plan(&b, &step_virtual_functions));
        a = bench_action(&b, "virtual-functions", PF);
        assert_int_eq(bench_go(&b, a, "2"), 0);
        assert_str_eq(bench_link(&b, "/sys/bus/pci/devices/" VF0 "/driver"), "none");
        bench_close(&b);
}

/* Found there, by whoever made them: they are enough, or a refusal; never made more or fewer. */
TEST(there_already)
{
        Bench b;
        const Action *a;

        bench_open(&b, "sriov-nic");
        bench_write(&b, "/sys/bus/pci/devices/" PF "/sriov_numvfs", "3");
        assert_ok(bench_plan(&b, &step_virtual_functions)); /* without a word in the profile: kept for the guest */
        a = bench_action(&b, "virtual-functions", PF);
        assert_str_eq(a->after, "2");
        assert_contains(a->why, "there already");
        assert_true(bench_satisfied(a, bench_value(&b, a), a->after));
        assert_true(bench_satisfied(a, "3", "3"));
        assert_true(bench_satisfied(a, "4", "3"));
        assert_false(bench_satisfied(a, "2", "3"));
        assert_false(bench_satisfied(a, "3", "0"));
        assert_int_eq(bench_go(&b, a, "4"), -EBUSY);
        assert_contains(b.f.text, "has 3 virtual functions, and the kernel makes no more");
        assert_str_eq(bench_value(&b, a), "3");
        set_count(&b, 4);
        assert_int_eq(bench_plan(&b, &step_virtual_functions), -EBUSY);
        assert_contains(b.f.text, "0000:03:00.0 has 3 virtual functions already");
        bench_close(&b);
}

TEST(parents)
{
        Bench b;

        bench_open(&b, "sriov-nic");
        set_count(&b, 3);
        b.profile->vf_parent = strdup("03:00.0");
        b.in.n_functions = 0; /* no virtual function in the domain: a network's pool, for instance */
        assert_ok(bench_plan(&b, &step_virtual_functions));
        assert_str_eq(bench_shape(&b), "virtual-functions " PF " 3");
        assert_null(b.plan->actions[0].param);
        bench_close(&b);

        bench_open(&b, "sriov-nic");
        set_count(&b, 3);
        b.in.n_functions = 0;
        assert_ok(bench_plan(&b, &step_virtual_functions));
        assert_int_eq(b.plan->n_actions, 0);
        assert_contains(b.plan->warnings[0], "the guest has no virtual function");
        b.profile->vf_parent = strdup("0000:09:00.0");
        assert_int_eq(bench_plan(&b, &step_virtual_functions), -ENODEV);
        assert_contains(b.f.text, "there is no PCI device 0000:09:00.0");
        bench_close(&b);

        bench_open(&b, "sriov-nic");
        set_count(&b, 3);
        b.profile->vf_parent = strdup("0000:c6:00.0");
        assert_int_eq(bench_plan(&b, &step_virtual_functions), -EOPNOTSUPP);
        assert_contains(b.f.text, "0000:c6:00.0 has no virtual functions to make");
        free(b.profile->vf_parent);
        b.profile->vf_parent = strdup(PF);
        set_count(&b, 8);
        assert_int_eq(bench_plan(&b, &step_virtual_functions), -ERANGE);
        assert_contains(b.f.text, "can have 7 virtual functions (sriov_totalvfs), not 8");
        b.functions[0] = (PciAddress){ .bus = 3 };
        set_count(&b, 2);
        assert_int_eq(bench_plan(&b, &step_virtual_functions), -EINVAL);
        assert_contains(b.f.text, "the guest is given 0000:03:00.0 itself");
        bench_close(&b);
}

/* They go only when nobody has any of them, whoever that is. */
TEST(in_use)
{
        char *const devices[] = { (char *) VF2, NULL };
        Bench b;
        const Action *a;

        bench_open(&b, "sriov-nic");
        set_count(&b, 4);
        assert_ok(bench_plan(&b, &step_virtual_functions));
        a = bench_action(&b, "virtual-functions", PF);
        assert_int_eq(bench_go(&b, a, "4"), 0);
        bench_write(&b, "/sys/bus/pci/drivers/igbvf/unbind", VF2);
        bench_write(&b, "/sys/bus/pci/devices/" VF2 "/driver_override", "vfio-pci");
        bench_write(&b, "/sys/bus/pci/drivers_probe", VF2);
        assert_ok(fake_guest_start(b.h, devices, 4711));
        assert_int_eq(bench_go(&b, a, "0"), -EBUSY);
        assert_contains(b.f.text, "the virtual functions stay: " VF2 " is in use");
        assert_str_eq(bench_value(&b, a), "4");
        fake_guest_stop(b.h, 4711);
        assert_int_eq(bench_go(&b, a, "0"), 0);
        bench_close(&b);
}

TEST(the_host_uses_one)
{
        static const char *const uses[][2] = {
                { "dir /sys/devices/pci0000:00/0000:00:1c.0/" VF1 "/net/enp3s0f0v1/upper_br0",
                  "br0 is on its interface enp3s0f0v1" },
                { "file /proc/net/route \"Iface\\tDestination\\nenp3s0f0v1\\t00000000\\t0101A8C0\\t0003\\t0\\t0\\t0\\t"
                  "00000000\\t0\\t0\\t0\\n\"",
                  "its interface enp3s0f0v1 carries the host's default route" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
                Bench b;
                const Action *a;

                bench_open_with(&b, "sriov-nic", uses[i][0]);
                set_count(&b, 4);
                bench_scan(&b);
                assert_ok(step_virtual_functions.plan(&b.in, b.plan, &b.f));
                a = bench_action(&b, "virtual-functions", PF);
                assert_int_eq(bench_go(&b, a, "4"), 0);
                assert_int_eq(bench_go(&b, a, "0"), -EBUSY);
                assert_contains(b.f.text, uses[i][1]);
                assert_str_eq(bench_value(&b, a), "4");
                bench_close(&b);
        }
}

/* Another guest's start was faster, with more of them, or with fewer. */
TEST(two_at_once)
{
        Bench b;
        const Action *a;

        bench_open(&b, "sriov-nic");
        set_count(&b, 3);
        assert_ok(bench_plan(&b, &step_virtual_functions));
        a = bench_action(&b, "virtual-functions", PF);
        bench_fault(&b, "write */sriov_numvfs 1 EBUSY");
        assert_int_eq(bench_go(&b, a, "3"), -ENODEV); /* nothing is there after all */
        fake_faults_clear(b.h);
        bench_write(&b, "/sys/bus/pci/devices/" PF "/sriov_numvfs", "4");
        assert_int_eq(bench_go(&b, a, "3"), 0);
        bench_close(&b);
}

TEST(not_where_they_were_expected)
{
        Bench b;
        const Action *a;

        bench_open_with(&b, "sriov-nic", "pci 0000:03:10.2: physfn=0000:c6:00.0");
        set_count(&b, 2);
        assert_ok(bench_plan(&b, &step_virtual_functions));
        a = bench_action(&b, "virtual-functions", PF);
        assert_int_eq(bench_go(&b, a, "2"), -ENODEV);
        assert_contains(b.f.text, VF1 " is none of them");
        bench_close(&b);
}

TEST(faults)
{
        Bench b;
        const Action *a;

        bench_open(&b, "sriov-nic");
        set_count(&b, 2);
        assert_ok(bench_plan(&b, &step_virtual_functions));
        a = bench_action(&b, "virtual-functions", PF);
        bench_fault(&b, "write */sriov_numvfs 1 ENOMEM");
        assert_int_eq(bench_go(&b, a, "2"), -ENOMEM);
        assert_contains(b.f.text, "pci=realloc");
        bench_fault(&b, "write */sriov_numvfs 1 ENOENT");
        assert_int_eq(bench_go(&b, a, "2"), -EOPNOTSUPP);
        assert_contains(b.f.text, "the driver of " PF " makes no virtual functions");
        bench_fault(&b, "write */sriov_numvfs 1 lie");
        assert_int_eq(bench_go(&b, a, "2"), -ENODEV);
        bench_fault(&b, "write */sriov_numvfs 1 hang");
        assert_int_eq(bench_go(&b, a, "2"), -ETIMEDOUT);
        assert_contains(b.f.text, "has not returned from the kernel");
        assert_true(b.h->stuck);
        bench_close(&b);
}

TEST_MAIN
