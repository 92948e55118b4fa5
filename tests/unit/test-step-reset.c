/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-bench.h"

#include "step/reset-bars.h"

#define CARD   "0000:01:00.0"
#define SOUND  "0000:01:00.1"
#define BRIDGE "0000:00:03.0"

static char *guest_s[] = { (char *) CARD, NULL };

static void bind_vfio(Bench *b, const char *bdf)
{
        char path[128], from[192];
        const char *driver;

        (void) snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", bdf);
        bench_write(b, path, "vfio-pci");
        (void) snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", bdf);
        driver = bench_link(b, path);
        if (!streq(driver, "none")) {
                (void) snprintf(from, sizeof(from), "/sys/bus/pci/drivers/%s/unbind", driver);
                bench_write(b, from, bdf);
        }
        bench_write(b, "/sys/bus/pci/drivers_probe", bdf);
}

/* The vendor's modules gone, a guest on the card. Its sound is in another group here and still the host's: else vfio
 * would reset the bus itself at the guest's end. */
static void run_guest(Bench *b)
{
        static const char *const modules[] = { "nvidia_drm", "nvidia_modeset", "nvidia_uvm", "nvidia" };

        b->h->deadline = UINT64_MAX;
        assert_ok(host_unit(b->h, UNIT_STOP, "lightdm.service", NULL));
        assert_ok(host_unit(b->h, UNIT_STOP, "nvidia-persistenced.service", NULL));
        fake_advance(b->h, 5 * USEC_PER_SEC);
        for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
                assert_ok(host_module(b->h, MODULE_UNLOAD, modules[i], NULL));
        assert_ok(host_module(b->h, MODULE_LOAD, "vfio_pci", NULL));
        bind_vfio(b, CARD);
        assert_ok(fake_guest_start(b->h, guest_s, 4711));
}

static const Action *with_guest(Bench *b, const char *more)
{
        _cleanup_free_ char *change = NULL;

        assert_true(asprintf(&change, "pci " SOUND ": group=6 %s", more) >= 0);
        bench_open_with(b, "nvidia-desktop", change);
        assert_ok(bench_plan(b, &step_reset));
        run_guest(b);
        return bench_action(b, "reset", CARD);
}

static void end_guest(Bench *b)
{
        fake_guest_stop(b->h, 4711);
        bind_vfio(b, SOUND);
        assert_true(fake_is_dirty(b->h, CARD));
}

TEST(auto_removes_and_rescans)
{
        Bench b;
        const Action *a = with_guest(&b, "");

        assert_str_eq(bench_shape(&b), "reset " CARD " remove-rescan");
        assert_int_eq(a->flags, ACTION_BACK | ACTION_AFTER_HELD | ACTION_ONE_WAY | ACTION_CARD);
        assert_str_eq(a->param, "functions=0000:01:00.1,0000:01:00.0 bridge=0000:00:03.0 hot=yes");
        assert_int_eq(a->timeout_ms, 30000);
        end_guest(&b);
        assert_int_eq(bench_go(&b, a, a->after), 0);
        assert_false(fake_is_dirty(b.h, CARD));
        assert_true(host_exists(b.h, "/sys/bus/pci/devices/" CARD));
        assert_true(host_exists(b.h, "/sys/bus/pci/devices/" SOUND));
        bench_close(&b);
}

static void plans(const char *tree, ResetMethod method, ResetWhen when, const char *shape, const char *warning)
{
        Bench b;

        bench_open(&b, tree);
        b.profile->reset_method = method;
        b.profile->reset_when = when;
        assert_ok(bench_plan(&b, &step_reset));
        assert_str_eq(bench_shape(&b), shape);
        if (warning)
                assert_contains(b.plan->warnings ? b.plan->warnings[0] : NULL, warning);
        else
                assert_null(b.plan->warnings);
        bench_close(&b);
}

static void refuses(const char *tree, ResetMethod method, ResetWhen when, const char *text)
{
        Bench b;

        bench_open(&b, tree);
        b.profile->reset_method = method;
        b.profile->reset_when = when;
        assert_int_eq(bench_plan(&b, &step_reset), -EOPNOTSUPP);
        assert_contains(b.f.text, text);
        bench_close(&b);
}

TEST(choices)
{
        plans("fedora-gdm", RESET_AUTO, RESET_ON_BOTH, "", NULL);        /* flr */
        plans("sddm-autologin", RESET_AUTO, RESET_ON_RELEASE, "", NULL); /* device_specific */
        plans("nvme", RESET_AUTO, RESET_ON_RELEASE, "", NULL);           /* no display */
        plans("amd-desktop", RESET_AUTO, RESET_ON_RELEASE, "reset 0000:03:00.0 remove-rescan", NULL);
        plans("shared-group", RESET_AUTO, RESET_ON_RELEASE, "", "0000:04:00.0 behind the same bridge");
        plans("nvidia-desktop", RESET_NONE, RESET_ON_BOTH, "", NULL);
        plans("nvidia-desktop", RESET_AUTO, RESET_ON_PREPARE, "reset " CARD " bus", NULL);
        plans("nvidia-desktop", RESET_AUTO, RESET_ON_BOTH, "reset " CARD " bus; reset " CARD " remove-rescan", NULL);
        plans("nvidia-desktop", RESET_BUS, RESET_ON_RELEASE, "reset " CARD " bus", NULL);
        plans("fedora-gdm", RESET_FLR, RESET_ON_BOTH, "reset 0000:03:00.0 flr; reset 0000:03:00.0 flr", NULL);
        plans("fedora-gdm", RESET_REMOVE_RESCAN, RESET_ON_RELEASE, "reset 0000:03:00.0 remove-rescan", NULL);
        refuses("nvidia-desktop", RESET_FLR, RESET_ON_RELEASE, "no function level reset");
        refuses("shared-group", RESET_BUS, RESET_ON_RELEASE, "another device is behind the same bridge");
        refuses("nvidia-desktop", RESET_REMOVE_RESCAN, RESET_ON_PREPARE, "When=release");
        plans("server-vfio", RESET_REMOVE_RESCAN, RESET_ON_RELEASE, "reset 0000:41:00.0 remove-rescan", NULL);
}

/* A card that stays on vfio-pci is reset in place: after a rescan the host's driver would have it. */
TEST(kept_for_guests)
{
        Bench b;

        bench_open(&b, "server-vfio");
        bench_scan(&b);
        for (size_t i = 0; i < b.view->n_functions; i++) {
                strv_free(b.view->functions[i].reset_method);
                b.view->functions[i].reset_method = NULL;
        }
        assert_ok(step_reset.plan(&b.in, b.plan, &b.f));
        assert_str_eq(bench_shape(&b), "reset 0000:41:00.0 bus");
        bench_close(&b);
}

/* A kernel that cannot reset the bus with everything in place; after the rescan another driver is there first. */
static void kept_after_a_rescan(bool by_ids)
{
        static char *const all[] = { (char *) "0000:41:00.0", (char *) "0000:41:00.1", (char *) "0000:81:00.0",
                                     (char *) "0000:81:00.1", NULL };
        static const char *const functions[] = { "0000:41:00.0", "0000:41:00.1" };
        const Action *a;
        char path[128];
        Bench b;

        bench_open(&b, "compute-node");
        if (by_ids) { /* and the sound driver was there before vfio-pci */
                STRV_FOREACH (bdf, all)
                        bench_write(&b, "/sys/bus/pci/drivers/vfio-pci/unbind", *bdf);
                assert_ok(host_module(b.h, MODULE_UNLOAD, "vfio_pci", NULL));
                assert_ok(host_module(b.h, MODULE_LOAD, "vfio_pci", NULL));
                for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
                        (void) snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", functions[i]);
                        bench_write(&b, path, "\n");
                }
                bench_write(&b, "/sys/bus/pci/drivers/vfio-pci/new_id", "10de 28e0");
                bench_write(&b, "/sys/bus/pci/drivers/vfio-pci/new_id", "10de 22be");
        }
        assert_ok(bench_plan(&b, &step_override));
        assert_ok(bench_plan(&b, &step_driver));
        assert_ok(bench_plan(&b, &step_reset));
        a = bench_action(&b, "reset", functions[0]);
        assert_str_eq(a->after, "remove-rescan");
        assert_str_eq(a->param,
                      "functions=0000:41:00.1,0000:41:00.0 keep=vfio-pci,vfio-pci bridge=0000:40:01.1 hot=yes");
        for (size_t i = 0; i < b.plan->n_actions; i++) {
                Action *x = &b.plan->actions[i];

                if (step_find(x->step)->observe)
                        assert_ok(step_find(x->step)->observe(b.h, x, &x->before, &b.f));
        }
        assert_int_eq(bench_go(&b, a, a->after), 0);
        assert_str_eq(bench_link(&b, "/sys/bus/pci/devices/0000:41:00.1/driver"), "snd_hda_intel");
        for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
                a = bench_action(&b, "override", functions[i]);
                assert_int_eq(bench_go(&b, a, a->before), 0);
                a = bench_action(&b, "driver", functions[i]);
                assert_int_eq(bench_go(&b, a, a->before), 0);
                (void) snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", functions[i]);
                assert_str_eq(bench_link(&b, path), "vfio-pci");
        }
        bench_close(&b);
}

TEST(kept_for_guests_after_a_rescan)
{
        kept_after_a_rescan(false);
        kept_after_a_rescan(true);
}

/* What the fake shows of its BARs is one of 16 MiB with the flags 40200, for function 0 alone. */
TEST(bars)
{
        static char *const functions[] = { (char *) "0000:41:00.1", (char *) "0000:41:00.0", NULL };
        static const struct {
                const char *note;
                int r;
        } cases[] = {
                { "-;0:1000000:40200", 0 },
                { "-;-", 0 },
                { "-", 0 },
                { "nonsense;9:1:1", 0 },
                { "0:1000:40200;-", -ENODEV },
                { "-;0:2000000:40200", -ENODEV },
                { "-;0:1000000:42200", -ENODEV },
                { "-;0:1000000:40200,1:1000:40200", -ENODEV },
        };
        _cleanup_free_ char *note = NULL, *param = NULL;
        const Action *a;
        Bench b;

        bench_open(&b, "compute-node");
        assert_ok(bars_note(b.h, functions, &note));
        assert_str_eq(note, "-;0:1000000:40200");
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_int_eq(bars_compare(b.h, functions, cases[i].note, &b.f), cases[i].r);
                if (cases[i].r < 0)
                        assert_contains(b.f.text, "has come back from its reset with another BAR");
        }
        assert_ok(bench_plan(&b, &step_reset));
        a = bench_action(&b, "reset", "0000:41:00.0");
        for (unsigned i = 0; i < 2; i++)
                assert_ok(step_reset.note(b.h, (Action *) a));
        assert_ok(action_param(a, "bars", &param));
        assert_str_eq(param, note);
        assert_int_eq(bench_go(&b, a, a->after), 0);
        bench_close(&b);
}

TEST(bars_that_are_gone)
{
        const Action *a;
        Bench b;

        bench_open(&b, "compute-node");
        assert_ok(bench_plan(&b, &step_reset));
        a = bench_action(&b, "reset", "0000:41:00.0");
        assert_ok(action_param_add((Action *) a, "bars", "-;0:1000000:40200,2:1000:40200"));
        assert_int_eq(bench_go(&b, a, a->after), -ENODEV);
        assert_contains(b.f.text,
                        "0000:41:00.0 has come back from its reset with another BAR 2: it had 4 KiB, and has 0");
        bench_close(&b);
}

TEST(a_root_bus)
{
        Bench b;

        bench_open(&b, "nvidia-desktop");
        bench_scan(&b);
        for (size_t i = 0; i < b.view->n_functions; i++) {
                free(b.view->functions[i].parent);
                b.view->functions[i].parent = NULL;
        }
        assert_ok(step_reset.plan(&b.in, b.plan, &b.f));
        assert_int_eq(b.plan->n_actions, 0);
        assert_contains(b.plan->warnings[0], "root bus");
        bench_close(&b);
}

/* Never while somebody has a function open. */
TEST(not_while_a_guest_has_it)
{
        Bench b;
        const Action *a = with_guest(&b, "");

        bind_vfio(&b, SOUND);
        assert_int_eq(bench_go(&b, a, a->after), -EBUSY);
        assert_contains(b.f.text, "no reset: ");
        assert_contains(b.f.text, "4711");
        assert_str_eq(bench_link(&b, "/sys/bus/pci/devices/" CARD "/driver"), "vfio-pci");
        bench_close(&b);
}

TEST(not_on_a_driver_of_the_host)
{
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_reset));
        a = bench_action(&b, "reset", CARD);
        assert_int_eq(bench_go(&b, a, a->after), -EBUSY);
        assert_contains(b.f.text, "has been bound to");
        assert_true(host_exists(b.h, "/sys/bus/pci/devices/" SOUND));
        bench_close(&b);
}

/* A run before this one died between remove and rescan. */
TEST(half_done_before)
{
        Bench b;
        const Action *a = with_guest(&b, "");

        end_guest(&b);
        bench_write(&b, "/sys/bus/pci/devices/" SOUND "/remove", "1");
        assert_int_eq(bench_go(&b, a, a->after), 0);
        assert_true(host_exists(b.h, "/sys/bus/pci/devices/" SOUND));
        bench_close(&b);
}

TEST(in_place)
{
        Bench b;
        const Action *a = with_guest(&b, "");

        end_guest(&b);
        assert_int_eq(bench_go(&b, a, "bus"), 0);
        assert_false(fake_is_dirty(b.h, CARD));
        assert_str_eq(bench_link(&b, "/sys/bus/pci/devices/" CARD "/driver"), "vfio-pci");
        bench_fault(&b, "write */" BRIDGE "/reset_subordinate 1 EAGAIN"); /* a device lock was taken */
        assert_int_eq(bench_go(&b, a, "bus"), 0);
        bench_fault(&b, "write */" BRIDGE "/reset_subordinate 0 ENOTTY");
        assert_int_eq(bench_go(&b, a, "bus"), -ENOTTY);
        assert_contains(b.f.text, BRIDGE);
        bench_close(&b);
}

TEST(before_a_guest)
{
        Bench b;
        const Action *a;

        bench_open_with(&b, "nvidia-desktop", "pci " SOUND ": group=6");
        b.profile->reset_when = RESET_ON_PREPARE;
        assert_ok(bench_plan(&b, &step_reset));
        a = bench_action(&b, "reset", CARD);
        assert_int_eq(a->flags, ACTION_GATE | ACTION_ONE_WAY | ACTION_CARD);
        run_guest(&b);
        end_guest(&b);
        assert_int_eq(bench_gate(&b, a), 0);
        assert_false(fake_is_dirty(b.h, CARD));
        bench_fault(&b, "write */reset_subordinate 0 ENOTTY");
        assert_int_eq(bench_gate(&b, a), -ENOTTY);
        bench_close(&b);
}

TEST(by_function)
{
        Bench b;
        const Action *a = with_guest(&b, "");

        end_guest(&b);
        assert_int_eq(bench_go(&b, a, "flr"), -ENOTTY); /* listed does not mean that it works: siblings */
        assert_contains(b.f.text, "cannot be reset by itself");
        bench_close(&b);
}

/* Whatever fails: what was removed comes back. */
TEST(a_failed_bus_reset_still_rescans)
{
        Bench b;
        const Action *a = with_guest(&b, "");

        end_guest(&b);
        bench_fault(&b, "write */reset_subordinate 0 ENOTTY");
        assert_int_eq(bench_go(&b, a, a->after), -ENOTTY);
        assert_true(host_exists(b.h, "/sys/bus/pci/devices/" CARD));
        assert_true(host_exists(b.h, "/sys/bus/pci/devices/" SOUND));
        bench_close(&b);

        a = with_guest(&b, "");
        end_guest(&b);
        bench_fault(&b, "write */" CARD "/remove 1 EIO");
        assert_int_eq(bench_go(&b, a, a->after), -EIO);
        assert_true(host_exists(b.h, "/sys/bus/pci/devices/" SOUND));
        bench_close(&b);
}

TEST(a_late_function_is_rescanned_for)
{
        Bench b;
        const Action *a = with_guest(&b, "");

        end_guest(&b);
        bench_fault(&b, "write */rescan 1 lie");
        assert_int_eq(bench_go(&b, a, a->after), 0);
        assert_true(host_exists(b.h, "/sys/bus/pci/devices/" CARD));
        bench_close(&b);
}

TEST(a_lost_function)
{
        Bench b;
        const Action *a = with_guest(&b, "lost=yes");
        uint64_t start;

        end_guest(&b);
        start = host_now(b.h);
        assert_int_eq(bench_go(&b, a, a->after), -ENODEV);
        assert_contains(b.f.text, SOUND " has not come back");
        assert_true(host_now(b.h) - start < 31 * USEC_PER_SEC);
        assert_true(host_exists(b.h, "/sys/bus/pci/devices/" CARD));
        bench_close(&b);
}

TEST(a_hanging_remove)
{
        Bench b;
        const Action *a = with_guest(&b, "");

        end_guest(&b);
        bench_fault(&b, "write */" CARD "/remove 1 hang");
        assert_int_eq(bench_go(&b, a, a->after), -ETIMEDOUT);
        assert_true(b.h->stuck);
        bench_close(&b);
}

TEST_MAIN
