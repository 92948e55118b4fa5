/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-bench.h"

#define CARD "0000:01:00.0"

static void plan_with(Bench *b, const char *tree, Policy policy, const char *change)
{
        if (change)
                bench_open_with(b, tree, change);
        else
                bench_open(b, tree);
        b->profile->holders_policy = policy;
        assert_ok(bench_plan(b, &step_holders));
}

static void stop_units(Bench *b)
{
        assert_ok(host_unit(b->h, UNIT_STOP, "lightdm.service", NULL));
        assert_ok(host_unit(b->h, UNIT_STOP, "nvidia-persistenced.service", NULL));
}

TEST(a_free_card)
{
        Bench b;
        const Action *a;

        plan_with(&b, "nvidia-desktop", POLICY_WAIT, NULL);
        assert_str_eq(bench_shape(&b), "holders " CARD " free");
        a = bench_action(&b, "holders", CARD);
        assert_int_eq(a->flags, ACTION_GATE);
        assert_contains(a->param, "functions=0000:01:00.0,0000:01:00.1 policy=wait wait=10000000 shared=10de");
        stop_units(&b);
        assert_int_eq(bench_gate(&b, a), 0);
        bench_close(&b);
}

TEST(wait_then_refuse)
{
        Bench b;
        uint64_t start;

        plan_with(&b, "nvidia-desktop", POLICY_WAIT, NULL);
        start = host_now(b.h);
        assert_int_eq(bench_gate(&b, bench_action(&b, "holders", CARD)), -EBUSY);
        assert_true(host_now(b.h) - start >= 10 * USEC_PER_SEC);
        assert_true(host_now(b.h) - start < 12 * USEC_PER_SEC);
        assert_str_eq(b.f.culprit, CARD);
        assert_contains(b.f.text,
                        "nvidia-persiste (pid 640, nvidia-persistenced.service) has /dev/nvidia0 open and 1 "
                        "more: `systemctl stop nvidia-persistenced.service`, or StopUnits=nvidia-persistenced."
                        "service in [Services]");
        assert_contains(b.f.text, "Xorg (pid 812, lightdm.service) has /dev/dri/card0 open and 5 more");
        bench_close(&b);
}

TEST(one_that_goes_in_time)
{
        Bench b;

        plan_with(&b, "nvidia-desktop", POLICY_WAIT, "holder 900 comm=mpv node=/dev/nvidia0 leaves=3s");
        stop_units(&b);
        assert_int_eq(bench_gate(&b, bench_action(&b, "holders", CARD)), 0);
        bench_close(&b);
}

TEST(refuse_at_once)
{
        Bench b;
        uint64_t start;

        plan_with(&b, "nvidia-desktop", POLICY_REFUSE, NULL);
        start = host_now(b.h);
        assert_int_eq(bench_gate(&b, bench_action(&b, "holders", CARD)), -EBUSY);
        assert_true(host_now(b.h) - start < USEC_PER_SEC);
        bench_close(&b);
}

TEST(terminate)
{
        Bench b;

        plan_with(&b, "nvidia-desktop", POLICY_TERMINATE, NULL);
        assert_int_eq(bench_gate(&b, bench_action(&b, "holders", CARD)), 0);
        bench_close(&b);

        plan_with(&b, "nvidia-desktop", POLICY_TERMINATE, "holder 900 comm=stubborn node=/dev/nvidia0 leaves=kill");
        assert_int_eq(bench_gate(&b, bench_action(&b, "holders", CARD)), -EBUSY);
        assert_contains(b.f.text, "stubborn (pid 900) has /dev/nvidia0 open: close it");
        assert_null(strstr(b.f.text, "Xorg"));
        bench_close(&b);
}

TEST(kill)
{
        Bench b;

        plan_with(&b, "nvidia-desktop", POLICY_KILL, "holder 900 comm=stubborn node=/dev/nvidia0 leaves=kill");
        assert_int_eq(bench_gate(&b, bench_action(&b, "holders", CARD)), 0);
        bench_close(&b);

        plan_with(&b, "nvidia-desktop", POLICY_KILL, "holder 900 comm=zombie node=/dev/nvidia0 leaves=never");
        assert_int_eq(bench_gate(&b, bench_action(&b, "holders", CARD)), -EBUSY);
        assert_contains(b.f.text, "zombie");
        bench_close(&b);
}

/* They keep the files of a session for it: never signalled (the fake would say), named last. */
TEST(pid_1_and_logind)
{
        Bench b;
        const char *shell, *init, *logind;

        plan_with(&b, "amd-desktop", POLICY_KILL, "holder 900 comm=zombie node=/dev/dri/card0 leaves=never");
        assert_int_eq(bench_gate(&b, bench_action(&b, "holders", "0000:03:00.0")), -EBUSY);
        shell = strstr(b.f.text, "zombie");
        init = strstr(b.f.text, "systemd (pid 1)");
        logind = strstr(b.f.text, "systemd-logind");
        assert_true(shell && init && logind && shell < init && shell < logind);
        bench_close(&b);
}

/* Another card's users of the vendor's shared files do not count where the module stays. */
TEST(shared_files)
{
        Bench b;

        plan_with(&b, "server-nvidia", POLICY_REFUSE,
                  "holder 900 comm=cuda node=/dev/nvidiactl,/dev/nvidia1,/dev/nvidia-uvm");
        assert_ok(host_unit(b.h, UNIT_STOP, "nvidia-persistenced.service", NULL));
        assert_null(strstr(bench_action(&b, "holders", NULL)->param, "shared="));
        assert_int_eq(bench_gate(&b, bench_action(&b, "holders", NULL)), 0);
        bench_close(&b);

        plan_with(&b, "nvidia-desktop", POLICY_REFUSE, "holder 900 comm=cuda node=/dev/nvidiactl");
        stop_units(&b);
        assert_int_eq(bench_gate(&b, bench_action(&b, "holders", NULL)), -EBUSY);
        assert_contains(b.f.text, "cuda");
        bench_close(&b);
}

TEST(usb_files_are_not_the_card_s)
{
        Bench b;

        bench_open_with(&b, "nvidia-usbc", "holder 900 comm=pcscd node=/dev/bus/usb/001/001,/dev/bus/usb/002/001");
        for (uint8_t i = 2; i < 4; i++)
                b.functions[b.in.n_functions++] = (PciAddress){ .bus = 1, .function = i };
        b.profile->holders_policy = POLICY_REFUSE;
        assert_ok(bench_plan(&b, &step_holders));
        stop_units(&b);
        assert_int_eq(bench_gate(&b, bench_action(&b, "holders", CARD)), 0);
        bench_close(&b);
}

/* A running guest of nobody's: named, not waited for, never signalled. */
TEST(another_guest)
{
        char *functions[] = { (char *) "0000:41:00.0", NULL };
        Bench b;
        uint64_t start;

        plan_with(&b, "server-vfio", POLICY_KILL, NULL);
        assert_ok(fake_guest_start(b.h, functions, 4711));
        start = host_now(b.h);
        assert_int_eq(bench_gate(&b, bench_action(&b, "holders", NULL)), -EBUSY);
        assert_contains(b.f.text, "used by another guest");
        assert_contains(b.f.text, "(pid 4711");
        assert_contains(b.f.text, "shut that guest down");
        assert_true(host_now(b.h) - start < USEC_PER_SEC);
        bench_close(&b);
}

TEST(many_holders_are_not_all_told)
{
        Bench b;

        plan_with(&b, "nvidia-desktop", POLICY_REFUSE,
                  "holder 901 comm=a node=/dev/nvidia0\nholder 902 comm=b node=/dev/nvidia0\nholder 903 comm=c "
                  "node=/dev/nvidia0\nholder 904 comm=d node=/dev/nvidia0\nholder 905 comm=e node=/dev/nvidia0");
        assert_int_eq(bench_gate(&b, bench_action(&b, "holders", NULL)), -EBUSY);
        assert_contains(b.f.text, "; and 1 more processes");
        bench_close(&b);
}

TEST(faults)
{
        Bench b;
        const Action *a;

        plan_with(&b, "nvidia-desktop", POLICY_WAIT, NULL);
        a = bench_action(&b, "holders", CARD);
        bench_fault(&b, "holders * 1 EACCES");
        assert_int_eq(bench_gate(&b, a), -EACCES);
        assert_contains(b.f.text, "who has the device files");
        fake_faults_clear(b.h);
        assert_ok(fake_client(b.h));
        bench_fault(&b, "wait * 2 cancel");
        assert_int_eq(bench_gate(&b, a), -ECANCELED);
        assert_contains(b.f.text, "has gone");
        bench_close(&b);
}

/* The sound server is asked to let go, and told again where the start is given up. */
TEST(sound)
{
        Bench b;
        const Action *a;

        plan_with(&b, "two-cards", POLICY_WAIT, NULL);
        assert_str_eq(bench_shape(&b),
                      "holders /sys/bus/pci/devices/0000:01:00.1/sound/card1 withdrawn; holders " CARD " free");
        a = bench_action(&b, "holders", "/sys/bus/pci/devices/0000:01:00.1/sound/card1");
        assert_int_eq(a->flags, ACTION_LENIENT | ACTION_CARD);
        assert_str_eq(bench_value(&b, a), "announced");
        assert_int_eq(bench_go(&b, a, "withdrawn"), 0);
        assert_ok(host_unit(b.h, UNIT_STOP, "nvidia-persistenced.service", NULL));
        assert_int_eq(bench_gate(&b, bench_action(&b, "holders", CARD)), 0);
        assert_int_eq(bench_go(&b, a, "announced"), 0);
        assert_str_eq(bench_value(&b, a), "announced");
        BENCH_LAWS(&b, a, "announced", "withdrawn");
        bench_write(&b, "/sys/bus/pci/drivers/snd_hda_intel/unbind", "0000:01:00.1");
        assert_str_eq(bench_value(&b, a), "none");
        bench_deadline(&b, a);
        assert_ok(step_holders.converge(b.h, a, "withdrawn", &b.f));
        bench_close(&b);
}

TEST(sound_that_does_not_listen)
{
        Bench b;
        const Action *a;

        plan_with(&b, "two-cards", POLICY_WAIT, "holder 1501 comm=jackd node=/dev/snd/controlC1");
        a = bench_action(&b, "holders", "/sys/bus/pci/devices/0000:01:00.1/sound/card1");
        assert_int_eq(bench_go(&b, a, "withdrawn"), 0);
        assert_ok(host_unit(b.h, UNIT_STOP, "nvidia-persistenced.service", NULL));
        assert_int_eq(bench_gate(&b, bench_action(&b, "holders", CARD)), -EBUSY);
        assert_contains(b.f.text, "jackd");
        assert_null(strstr(b.f.text, "pipewire"));
        bench_fault(&b, "write */uevent 1 EIO");
        assert_int_eq(bench_go(&b, a, "announced"), -EIO);
        bench_close(&b);
}

TEST_MAIN
