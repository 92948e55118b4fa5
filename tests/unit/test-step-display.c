/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-bench.h"

/* The panel's brightness and the connectors: backlight, connectors. */

#define CARD "0000:03:00.0"

static void stop_desktop(Bench *b)
{
        assert_ok(host_unit(b->h, UNIT_STOP, "gdm.service", NULL));
        assert_ok(host_session_terminate(b->h, "2"));
        fake_advance(b->h, 60 * USEC_PER_SEC);
}

static void round_trip(Bench *b)
{
        stop_desktop(b);
        bench_write(b, "/sys/bus/pci/drivers/amdgpu/unbind", CARD);
        fake_advance(b->h, USEC_PER_SEC);
        bench_write(b, "/sys/bus/pci/drivers/amdgpu/bind", CARD);
        fake_advance(b->h, USEC_PER_SEC);
}

TEST(backlight)
{
        const Action *a;
        Bench b;

        bench_open(&b, "amd-laptop");
        assert_ok(bench_plan(&b, &step_backlight));
        assert_str_eq(bench_shape(&b), "backlight " CARD " none");
        a = bench_action(&b, "backlight", CARD);
        assert_str_eq(a->param, "name=amdgpu_bl0");
        assert_str_eq(bench_value(&b, a), "120/255");
        assert_int_eq(bench_go(&b, a, a->after), 0); /* nothing to do there */
        assert_str_eq(bench_value(&b, a), "120/255");
        round_trip(&b);
        assert_str_eq(bench_value(&b, a), "255/255");
        assert_int_eq(bench_go(&b, a, "120/255"), 0);
        assert_str_eq(bench_value(&b, a), "120/255");
        BENCH_LAWS(&b, a, "120/255", "1/255", "0/255");
        assert_int_eq(bench_go(&b, a, "50/100"), 0); /* counted in other steps now: the same part */
        assert_str_eq(bench_value(&b, a), "128/255");
        bench_close(&b);
}

TEST(backlight_gone)
{
        const Action *a;
        Bench b;

        bench_open(&b, "amd-laptop");
        assert_ok(bench_plan(&b, &step_backlight));
        a = bench_action(&b, "backlight", CARD);
        stop_desktop(&b);
        bench_write(&b, "/sys/bus/pci/drivers/amdgpu/unbind", CARD);
        assert_str_eq(bench_value(&b, a), "none");
        assert_int_eq(bench_go(&b, a, "120/255"), -ENODEV);
        assert_contains(b.f.text, "has not come back");
        bench_close(&b);
}

TEST(backlight_faults)
{
        char *value = NULL;
        const Action *a;
        Fault f = { 0 };
        Bench b;

        bench_open(&b, "amd-laptop");
        assert_ok(bench_plan(&b, &step_backlight));
        a = bench_action(&b, "backlight", CARD);
        bench_fault(&b, "readlink /sys/class/backlight/* 1 EIO"); /* is no panel that has gone */
        b.h->deadline = UINT64_MAX;
        assert_int_eq(step_backlight.observe(b.h, a, &value, &f), -EIO);
        bench_fault(&b, "write */brightness 1 EIO");
        assert_int_eq(bench_go(&b, a, "7/255"), -EIO);
        bench_fault(&b, "write */brightness 1 lie");
        assert_int_eq(bench_go(&b, a, "7/255"), -EIO);
        assert_str_eq(bench_value(&b, a), "120/255");
        bench_close(&b);
}

TEST(none)
{
        Bench b;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_backlight));
        assert_int_eq(b.plan->n_actions, 0);
        bench_close(&b);

        bench_open(&b, "server-vfio");
        assert_ok(bench_plan(&b, &step_connectors));
        assert_int_eq(b.plan->n_actions, 0);
        bench_close(&b);
}

TEST(connectors)
{
        _cleanup_free_ char *before = NULL, *after = NULL;
        const Action *a;
        Bench b;

        bench_open(&b, "amd-laptop");
        assert_ok(bench_plan(&b, &step_connectors));
        a = bench_action(&b, "connectors", CARD);
        assert_int_eq(a->flags, ACTION_BACK | ACTION_LENIENT);
        assert_contains(a->param, "HDMI-A-1");
        assert_contains(a->param, "eDP-1");
        round_trip(&b);
        assert_ok(host_read(b.h, "/sys/class/drm/card0-HDMI-A-1/status", &before));
        assert_str_eq(before, "disconnected");
        assert_int_eq(bench_go(&b, a, a->after), 0);
        assert_ok(host_read(b.h, "/sys/class/drm/card0-HDMI-A-1/status", &after));
        assert_str_eq(after, "connected");
        bench_close(&b);
}

/* Nobody is asked who reports by himself; who stays silent is named. */
TEST(connectors_faults)
{
        const Action *a;
        Bench b;

        bench_open(&b, "amd-laptop");
        assert_ok(bench_plan(&b, &step_connectors));
        a = bench_action(&b, "connectors", CARD);
        bench_fault(&b, "write */status 0 EIO");
        assert_int_eq(bench_go(&b, a, a->after), 0);
        assert_int_eq(fake_faults_hit(b.h), 0);
        round_trip(&b);
        assert_int_eq(bench_go(&b, a, a->after), -EIO);
        bench_fault(&b, "write */status 0 lie");
        assert_int_eq(bench_go(&b, a, a->after), -ENODEV);
        assert_contains(b.f.text, "HDMI-A-1 of " CARD);
        bench_write(&b, "/sys/bus/pci/drivers/amdgpu/unbind", CARD);
        assert_int_eq(bench_go(&b, a, a->after), -ENODEV);
        assert_contains(b.f.text, "no screen any more");
        bench_close(&b);
}

TEST_MAIN
