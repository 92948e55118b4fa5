/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-bench.h"

#define HOOKS    "/etc/hookd/hooks.d/win10/"
#define QEMU     "/etc/libvirt/hooks/qemu.d/win10/"
#define GOVERNOR "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"

static const char base[] = "pci 0000:01:00.0 vendor=10de device=2484 class=030000 group=1\n"
                           "guest 0000:01:00.0\n"
                           "file " GOVERNOR " powersave\n"
                           "script " HOOKS "prepare/10-governor sets=" GOVERNOR " to=performance\n"
                           "script " HOOKS "release/10-governor sets=" GOVERNOR " to=powersave\n"
                           "script " QEMU "prepare/begin/start.sh\n"
                           "script " QEMU "release/end/stop.sh\n"
                           "script " QEMU "started/begin/pin.sh\n"
                           "script /etc/libvirt/hooks/qemu.d/other/prepare/begin/not-ours.sh\n";

static Action *only(Bench *b)
{
        assert_int_eq(b->plan->n_actions, 1);
        return &b->plan->actions[0];
}

/* Its own first, then hookd's folder, then libvirt's; by name. */
TEST(order)
{
        Bench b;
        Action *a;

        bench_open_with(&b, base,
                        "script " HOOKS "prepare/05-first\nscript " HOOKS "prepare/.hidden\nscript " HOOKS
                        "prepare/10-governor~\n");
        assert_ok(strv_split("/usr/local/bin/lights off", &b.profile->exec[HOOK_PREPARE]));
        assert_ok(bench_plan(&b, &step_scripts));
        a = only(&b);
        assert_str_eq(a->target, "win10");
        assert_str_eq(a->before, "release/end");
        assert_str_eq(a->after, "prepare/begin");
        assert_int_eq(a->flags, ACTION_ONE_WAY);
        assert_true(a->timeout_ms >= 4 * 60 * 1000);
        assert_str_eq(a->param, "timeout=60000000 prepare/begin.0=exec\\s/usr/local/bin/lights\\soff "
                                "prepare/begin.1=file\\s" HOOKS "prepare/05-first "
                                "prepare/begin.2=file\\s" HOOKS "prepare/10-governor "
                                "prepare/begin.3=file\\s" QEMU "prepare/begin/start.sh "
                                "release/end.0=file\\s" HOOKS "release/10-governor "
                                "release/end.1=file\\s" QEMU "release/end/stop.sh");
        assert_int_eq(strv_length(b.plan->events), 1);
        assert_str_eq(b.plan->events[0], "started/begin");
        bench_close(&b);
}

TEST(there_and_back)
{
        _cleanup_free_ char *value = NULL, *again = NULL;
        Bench b;
        Action *a;

        bench_open(&b, base);
        assert_ok(bench_plan(&b, &step_scripts));
        a = only(&b);
        b.h->xml = "<domain/>";
        assert_int_eq(bench_go(&b, a, a->after), 0);
        assert_str_eq(fake_scripts_ran(b.h),
                      HOOKS "prepare/10-governor for win10 prepare begin -, 9 bytes of XML\n" QEMU
                            "prepare/begin/start.sh for win10 prepare begin -, 9 bytes of XML\n");
        assert_ok(host_read(b.h, GOVERNOR, &value));
        assert_str_eq(value, "performance");
        fake_reset(b.h);
        assert_int_eq(bench_go(&b, a, a->before), 0);
        assert_str_eq(fake_scripts_ran(b.h), HOOKS "release/10-governor for win10 release end -, 9 bytes of XML\n" QEMU
                                                   "release/end/stop.sh for win10 release end -, 9 bytes of XML\n");
        assert_ok(host_read(b.h, GOVERNOR, &again));
        assert_str_eq(again, "powersave");
        bench_close(&b);
}

TEST(event)
{
        Bench b;

        bench_open(&b, base);
        assert_ok(strv_split("/usr/local/bin/notify started", &b.profile->exec[HOOK_STARTED]));
        bench_scan(&b);
        assert_ok(step_scripts.event(&b.in, HOOK_STOPPED, b.plan, &b.f));
        assert_int_eq(b.plan->n_actions, 0);
        assert_ok(step_scripts.event(&b.in, HOOK_STARTED, b.plan, &b.f));
        assert_str_eq(only(&b)->after, "started/begin");
        assert_contains(only(&b)->param, "started/begin.0=exec\\s/usr/local/bin/notify");
        assert_contains(only(&b)->param, "started/begin.1=file\\s" QEMU "started/begin/pin.sh");
        bench_close(&b);
}

TEST(nothing_and_switched_off)
{
        Bench b;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_scripts));
        assert_int_eq(b.plan->n_actions, 0);
        bench_close(&b);

        bench_open(&b, base);
        b.profile->script_folders = false;
        assert_ok(bench_plan(&b, &step_scripts));
        assert_int_eq(b.plan->n_actions, 0);
        bench_close(&b);
}

/* A dispatcher in libvirt's own place hands its folders on already; hookd's own hook is a program. */
TEST(dispatcher)
{
        Bench b;

        bench_open_with(&b, base, "script /etc/libvirt/hooks/qemu\n");
        bench_scan(&b);
        assert_int_eq(b.view->n_scripts, 5);
        bench_close(&b);

        bench_open_with(&b, base,
                        "script /etc/libvirt/hooks/qemu text=\"#!/bin/bash\\n/etc/libvirt/hooks/qemu.d/$1/$2/$3/*\"\n");
        bench_scan(&b);
        assert_int_eq(b.view->n_scripts, 2);
        assert_str_eq(b.view->scripts[0].path, HOOKS "prepare/10-governor");
        bench_close(&b);
}

/* A script in the place of the folder, as the usual dispatcher takes it as well. */
TEST(file_instead_of_folder)
{
        Bench b;

        bench_open_with(&b, "pci 0000:01:00.0 vendor=10de device=2484 class=030000 group=1\nguest 0000:01:00.0\n",
                        "script " QEMU "prepare/begin\n");
        assert_ok(bench_plan(&b, &step_scripts));
        assert_contains(only(&b)->param, "prepare/begin.0=file\\s" QEMU "prepare/begin");
        bench_close(&b);
}

TEST(distrusted)
{
        Bench b;

        bench_open_with(&b, base,
                        "script " HOOKS "release/20-bad distrust=\"/etc/hookd/hooks.d may be written by everybody\"\n");
        assert_int_eq(bench_plan(&b, &step_scripts), -EPERM);
        assert_contains(b.f.text, HOOKS "release/20-bad");
        assert_contains(b.f.text, "/etc/hookd/hooks.d may be written by everybody");
        bench_close(&b);
}

/* The first failure refuses, and the rest is not run. */
TEST(failure_at_prepare)
{
        Bench b;
        Action *a;

        bench_open_with(&b, base, "script " HOOKS "prepare/07-fails status=3\n");
        assert_ok(bench_plan(&b, &step_scripts));
        a = only(&b);
        assert_int_eq(bench_go(&b, a, a->after), -EREMOTEIO);
        assert_contains(b.f.text, "exit status 3");
        assert_str_eq(fake_scripts_ran(b.h), HOOKS "prepare/07-fails for win10 prepare begin -, 0 bytes of XML\n");
        bench_close(&b);
}

/* At the end nothing is left out because one failed. */
TEST(failure_at_release)
{
        Bench b;
        Action *a;

        bench_open_with(&b, base, "script " HOOKS "release/07-fails status=1\n");
        assert_ok(bench_plan(&b, &step_scripts));
        a = only(&b);
        assert_int_eq(bench_go(&b, a, a->before), -EREMOTEIO);
        assert_contains(b.f.text, "07-fails");
        assert_contains(fake_scripts_ran(b.h), "release/end/stop.sh");
        bench_close(&b);
}

TEST(deadline)
{
        Bench b;
        Action *a;

        bench_open_with(&b, base, "script " HOOKS "prepare/01-endless takes=10min\n");
        b.profile->scripts_timeout = 5 * USEC_PER_SEC;
        assert_ok(bench_plan(&b, &step_scripts));
        a = only(&b);
        assert_int_eq(bench_go(&b, a, a->after), -ETIMEDOUT);
        assert_contains(b.f.text, "did not end within 5 s");
        assert_contains(b.f.text, "virsh");
        bench_close(&b);
}

/* Exchanged between plan and run. */
/* Others took the time that there was for the way back. */
TEST(release_has_its_time)
{
        Fault f = { 0 };
        Bench b;
        Action *a;

        bench_open(&b, base);
        assert_ok(bench_plan(&b, &step_scripts));
        a = only(&b);
        b.h->deadline = host_now(b.h);
        assert_int_eq(step_scripts.converge(b.h, a, a->after, &f), -ETIMEDOUT);
        b.h->deadline = host_now(b.h);
        assert_int_eq(step_scripts.converge(b.h, a, a->before, &f), 0);
        bench_close(&b);
}

TEST(trust_is_checked_again)
{
        Bench b;
        Action *a;

        bench_open(&b, base);
        assert_ok(bench_plan(&b, &step_scripts));
        a = only(&b);
        bench_fault(&b, "look " HOOKS "prepare/10-governor 1 EACCES");
        assert_int_eq(bench_go(&b, a, a->after), -EACCES);
        assert_str_eq(fake_scripts_ran(b.h), "");
        bench_close(&b);
}

TEST_MAIN
