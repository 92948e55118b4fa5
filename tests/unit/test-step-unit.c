/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-bench.h"

/* display-manager and services. */

static void laws(const char *tree, const char *more)
{
        Bench b;
        const Action *a;

        bench_open_with(&b, tree, more);
        assert_ok(bench_plan(&b, &step_display_manager));
        a = bench_action(&b, "display-manager", "lightdm.service");
        BENCH_LAWS(&b, a, "active", "inactive");
        bench_close(&b);
}

TEST(units_obey_the_laws)
{
        laws("nvidia-desktop", "");
}

TEST(the_only_card_stops_the_desktop)
{
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_display_manager));
        assert_str_eq(bench_shape(&b), "display-manager lightdm.service inactive");
        a = bench_action(&b, "display-manager", NULL);
        assert_int_eq(a->flags, ACTION_SHARED | ACTION_CARD); /* no screen without it */
        assert_int_eq(a->timeout_ms, 100000);                 /* its own 90 s and 10 */
        assert_str_eq(a->why, "the desktop runs on this card");
        assert_str_eq(bench_value(&b, a), "active");
        assert_int_eq(bench_go(&b, a, "inactive"), 0);
        assert_str_eq(bench_value(&b, a), "inactive");
        assert_int_eq(bench_go(&b, a, "active"), 0);
        bench_close(&b);
}

TEST(a_desktop_on_the_other_card_stays)
{
        Bench b;

        bench_open(&b, "two-cards");
        assert_ok(bench_plan(&b, &step_display_manager));
        assert_str_eq(bench_shape(&b), "");
        b.profile->dm_policy = POLICY_STOP;
        assert_ok(bench_plan(&b, &step_display_manager));
        assert_str_eq(bench_shape(&b), "display-manager lightdm.service inactive");
        bench_close(&b);
}

/* The compositor has every card of the seat open, through PID 1 and logind. */
TEST(a_compositor_on_both_cards_goes)
{
        Bench b;

        bench_open(&b, "two-cards-wayland");
        assert_ok(bench_plan(&b, &step_display_manager));
        assert_str_eq(bench_shape(&b), "display-manager gdm.service inactive");
        bench_close(&b);
}

/* logind keeps the card open for a session whose shell is not to be seen. */
TEST(pid_1_and_logind_count_as_the_desktop)
{
        Bench b;

        bench_open(&b, "two-cards-wayland");
        bench_scan(&b);
        for (size_t i = 0; i < b.view->n_holders; i++)
                if (b.view->holders[i].pid != 1)
                        b.view->holders[i].node[0] = '\0';
        assert_ok(step_display_manager.plan(&b.in, b.plan, &b.f));
        assert_int_eq(b.plan->n_actions, 1);
        bench_scan(&b);
        for (size_t i = 0; i < b.view->n_holders; i++)
                if (!streq0(b.view->holders[i].unit, "systemd-logind.service"))
                        b.view->holders[i].node[0] = '\0';
        assert_ok(step_display_manager.plan(&b.in, b.plan, &b.f));
        assert_int_eq(b.plan->n_actions, 2);
        bench_scan(&b);
        for (size_t i = 0; i < b.view->n_holders; i++)
                b.view->holders[i].node[0] = '\0';
        assert_ok(step_display_manager.plan(&b.in, b.plan, &b.f));
        assert_int_eq(b.plan->n_actions, 2); /* the other card has a display */
        bench_close(&b);
}

TEST(policy_keep)
{
        Bench b;

        bench_open(&b, "nvidia-desktop");
        b.profile->dm_policy = POLICY_KEEP;
        assert_ok(bench_plan(&b, &step_display_manager));
        assert_int_eq(b.plan->n_actions, 0);
        bench_close(&b);
}

TEST(a_queued_start_counts_as_active)
{
        Bench b;
        const Action *a;
        _cleanup_free_ char *text = NULL;

        bench_open(&b, "nvidia-desktop");
        assert_ok(host_unit(b.h, UNIT_STOP, "lightdm.service", NULL));
        text = fake_host_text(b.h);
        bench_close(&b);
        bench_open_with(&b, text, "unit lightdm.service: job=start");
        assert_ok(bench_plan(&b, &step_display_manager));
        a = bench_action(&b, "display-manager", "lightdm.service");
        assert_str_eq(a->why, "this card is the host's only display");
        assert_str_eq(bench_value(&b, a), "active");
        assert_int_eq(bench_go(&b, a, "inactive"), 0);
        assert_str_eq(bench_value(&b, a), "inactive");
        bench_close(&b);
}

TEST(one_that_does_not_run_is_left)
{
        Bench b;

        bench_open_with(&b, "nvidia-desktop", "unit lightdm.service: active=failed");
        assert_ok(bench_plan(&b, &step_display_manager));
        assert_int_eq(b.plan->n_actions, 0);
        bench_close(&b);
}

TEST(a_unit_the_profile_names_must_exist)
{
        Bench b;

        bench_open(&b, "server-vfio");
        b.profile->dm_policy = POLICY_STOP;
        b.profile->dm_unit = strdup("nodm.service");
        bench_scan(&b);
        hostview_free(b.view);
        b.view = hostview_new();
        b.in.view = b.view;
        assert_int_eq(step_display_manager.plan(&b.in, b.plan, &b.f), -ENOENT);
        assert_contains(b.f.text, "nodm.service");
        bench_close(&b);
}

static void stop_with(const char *fault, const char *more, int result, const char *text)
{
        Bench b;
        const Action *a;

        bench_open_with(&b, "nvidia-desktop", more);
        assert_ok(bench_plan(&b, &step_display_manager));
        a = bench_action(&b, "display-manager", NULL);
        if (*fault)
                bench_fault(&b, fault);
        assert_int_eq(bench_go(&b, a, "inactive"), result);
        if (result < 0)
                assert_contains(b.f.text, text);
        bench_close(&b);
}

TEST(stopping)
{
        /* killed after its own time-out: failed counts as stopped */
        stop_with("", "unit lightdm.service: stop-takes=95s", 0, NULL);
        stop_with("", "unit lightdm.service: stop-result=failed", 0, NULL);
        stop_with("unit-stop lightdm.service 1 EIO", "", -EIO, "lightdm.service");
        stop_with("unit-stop lightdm.service 1 EACCES", "", -EACCES, "could not be stopped");
        stop_with("unit-stop lightdm.service 1 hang", "", -ETIMEDOUT, "did not stop in time");
}

TEST(systemd_does_not_answer)
{
        _cleanup_free_ char *value = NULL;
        Bench b;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_display_manager));
        bench_fault(&b, "unit-state lightdm.service 0 ECONNRESET");
        assert_int_eq(step_display_manager.observe(b.h, bench_action(&b, "display-manager", NULL), &value, &b.f),
                      -ECONNRESET);
        assert_contains(b.f.text, "lightdm.service");
        bench_close(&b);
}

TEST(a_lie_is_seen)
{
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_display_manager));
        a = bench_action(&b, "display-manager", NULL);
        bench_fault(&b, "unit-stop lightdm.service 1 lie");
        assert_int_eq(bench_go(&b, a, "inactive"), -EIO);
        bench_close(&b);
}

TEST(starting)
{
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_display_manager));
        a = bench_action(&b, "display-manager", NULL);
        assert_int_eq(bench_go(&b, a, "inactive"), 0);
        bench_fault(&b, "unit-start lightdm.service 1 EIO");
        assert_int_eq(bench_go(&b, a, "active"), -EIO);
        assert_contains(b.f.text, "could not be started");
        bench_fault(&b, "unit-start lightdm.service 1 hang");
        assert_int_eq(bench_go(&b, a, "active"), -ETIMEDOUT);
        bench_fault(&b, "unit-reset-failed lightdm.service 1 EIO");
        assert_int_eq(bench_go(&b, a, "active"), 0);
        bench_close(&b);
}

/* What was going down when we came is not brought up, and what is still going down is waited for. */
TEST(deactivating)
{
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_display_manager));
        a = bench_action(&b, "display-manager", NULL);
        assert_false(bench_satisfied(a, "deactivating", "inactive"));
        assert_true(bench_satisfied(a, "inactive", "deactivating"));
        assert_true(bench_satisfied(a, "none", "inactive"));
        assert_false(bench_satisfied(a, "deactivating", "active"));
        assert_false(bench_satisfied(a, "none", "active"));
        bench_close(&b);
}

TEST(known_holders)
{
        Bench b;
        const Action *a;

        bench_open(&b, "nvidia-desktop");
        assert_ok(bench_plan(&b, &step_services));
        assert_str_eq(bench_shape(&b), "services nvidia-persistenced.service inactive");
        a = bench_action(&b, "services", NULL);
        assert_int_eq(a->flags, ACTION_SHARED | ACTION_CARD);
        BENCH_LAWS(&b, a, "active", "inactive");
        bench_close(&b);

        bench_open(&b, "nvidia-desktop");
        b.profile->known_holders = false;
        assert_ok(bench_plan(&b, &step_services));
        assert_int_eq(b.plan->n_actions, 0);
        bench_close(&b);

        bench_open_with(&b, "nvidia-desktop", "unit nvidia-persistenced.service: active=inactive");
        assert_ok(bench_plan(&b, &step_services));
        assert_int_eq(b.plan->n_actions, 0);
        bench_close(&b);

        bench_open_with(&b, "amd-desktop", "unit nvidia-persistenced.service active=active");
        assert_ok(bench_plan(&b, &step_services));
        assert_int_eq(b.plan->n_actions, 0);
        bench_close(&b);
}

TEST(units_of_the_profile)
{
        Bench b;
        const Action *a;

        bench_open_with(&b, "amd-desktop",
                        "unit ollama.service names=llm.service active=active\n"
                        "unit idle.service active=inactive");
        assert_ok(strv_append(&b.profile->stop_units, "ollama.service"));
        assert_ok(strv_append(&b.profile->stop_units, "idle.service"));
        assert_ok(strv_append(&b.profile->stop_units, "llm.service")); /* another name: looked at in its turn */
        assert_ok(strv_append(&b.profile->stop_units, "nosuch.service"));
        assert_ok(bench_plan(&b, &step_services));
        assert_str_eq(bench_shape(&b), "services ollama.service inactive; services llm.service inactive; "
                                       "services nosuch.service inactive");
        a = bench_action(&b, "services", "nosuch.service");
        assert_str_eq(bench_value(&b, a), "none");
        assert_int_eq(bench_go(&b, a, "inactive"), 0);
        assert_int_eq(bench_go(&b, a, "none"), 0);
        a = bench_action(&b, "services", "llm.service");
        assert_str_eq(bench_value(&b, a), "active");
        assert_int_eq(bench_go(&b, a, "inactive"), 0);
        bench_close(&b);
}

/* What the display manager's step stops already is not stopped twice, and not started too early. */
TEST(no_unit_twice)
{
        Bench b;

        bench_open(&b, "nvidia-desktop");
        b.profile->known_holders = false;
        assert_ok(strv_append(&b.profile->stop_units, "lightdm.service"));
        assert_ok(bench_plan(&b, &step_display_manager));
        assert_ok(bench_plan(&b, &step_services));
        assert_int_eq(b.plan->n_actions, 1);
        bench_close(&b);
}

TEST_MAIN
