/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-bench.h"

static void stop(Bench *b, const char *unit)
{
        b->h->deadline = UINT64_MAX;
        assert_ok(host_unit(b->h, UNIT_STOP, unit, NULL));
}

static size_t logins(Bench *b)
{
        HostSession *list = NULL;
        size_t n = 0, logins = 0;

        b->h->deadline = UINT64_MAX;
        assert_ok(host_sessions(b->h, &list, &n));
        for (size_t i = 0; i < n; i++)
                logins += startswith(list[i].class, "user");
        sessions_free(list, n);
        return logins;
}

static size_t holders_of(Bench *b, const char *node)
{
        char *nodes[] = { (char *) node, NULL };
        HostHolder *list = NULL;
        size_t n = 0;

        assert_ok(host_holders(b->h, nodes, &list, &n));
        holders_free(list, n);
        return n;
}

TEST(policies)
{
        Bench b;

        bench_open(&b, "amd-desktop");
        assert_ok(bench_plan(&b, &step_sessions)); /* auto, and the desktop stays */
        b.profile->sessions_policy = POLICY_TERMINATE;
        b.in.n_functions = 0; /* a mediated device, scripts: no card that a session could have */
        assert_ok(bench_plan(&b, &step_sessions));
        b.profile->sessions_policy = POLICY_KEEP;
        b.in.stops_desktop = true;
        assert_ok(bench_plan(&b, &step_sessions));
        assert_int_eq(b.plan->n_actions, 0);
        b.profile->sessions_policy = POLICY_AUTO;
        assert_ok(bench_plan(&b, &step_sessions));
        assert_str_eq(bench_shape(&b), "sessions seat0 ended");
        assert_int_eq(b.plan->actions[0].flags, ACTION_GATE);
        assert_contains(b.plan->actions[0].param, "policy=terminate wait=15000000 desktop=stops users=1000");
        bench_close(&b);
}

/* GNOME on Wayland: the shell lives in the user's manager, and logind has the card for it. */
TEST(the_desktop_is_ended)
{
        Bench b;

        bench_open(&b, "amd-desktop");
        b.in.stops_desktop = true;
        assert_ok(bench_plan(&b, &step_sessions));
        stop(&b, "gdm3.service");
        assert_int_eq(logins(&b), 1);
        assert_int_eq(bench_gate(&b, bench_action(&b, "sessions", "seat0")), 0);
        assert_int_eq(logins(&b), 0);
        assert_int_eq(holders_of(&b, "/dev/dri/card0"), 0);
        assert_int_eq(holders_of(&b, "/dev/snd/controlC0"), 0);
        bench_close(&b);
}

static void manager_stays(const char *change)
{
        Bench b;

        bench_open_with(&b, "amd-desktop", change);
        b.in.stops_desktop = true;
        assert_ok(bench_plan(&b, &step_sessions));
        stop(&b, "gdm3.service");
        assert_int_eq(bench_gate(&b, bench_action(&b, "sessions", "seat0")), 0);
        assert_int_eq(holders_of(&b, "/dev/snd/controlC0"), 1); /* the next gate's business */
        bench_close(&b);
}

TEST(a_manager_that_others_need_stays)
{
        manager_stays("session 9 user=joe seat=\"\" type=tty class=user service=sshd remote=yes");
        manager_stays("session 2: linger=yes");
}

TEST(a_session_that_does_not_end)
{
        Bench b;

        bench_open(&b, "amd-desktop");
        b.in.stops_desktop = true;
        assert_ok(bench_plan(&b, &step_sessions));
        stop(&b, "gdm3.service");
        bench_fault(&b, "session-terminate 2 0 lie");
        assert_int_eq(bench_gate(&b, bench_action(&b, "sessions", "seat0")), -EBUSY);
        assert_contains(b.f.text, "2 of joe on tty2");
        bench_fault(&b, "session-terminate 2 0 EACCES");
        assert_int_eq(bench_gate(&b, bench_action(&b, "sessions", "seat0")), -EACCES);
        bench_fault(&b, "session-list * 1 ECONNRESET");
        assert_int_eq(bench_gate(&b, bench_action(&b, "sessions", "seat0")), -ECONNRESET);
        assert_contains(b.f.text, "logind");
        bench_fault(&b, "session-terminate 2 1 ENXIO"); /* it went by itself, says logind */
        assert_int_eq(bench_gate(&b, bench_action(&b, "sessions", "seat0")), -EBUSY);
        bench_close(&b);
}

TEST(waiting)
{
        Bench b;

        bench_open(&b, "amd-desktop");
        b.in.stops_desktop = true;
        b.profile->sessions_policy = POLICY_WAIT;
        assert_ok(bench_plan(&b, &step_sessions));
        assert_int_eq(bench_gate(&b, bench_action(&b, "sessions", "seat0")), -EBUSY);
        assert_contains(b.f.text, "Policy=terminate");
        assert_int_eq(logins(&b), 1);
        assert_ok(host_session_terminate(b.h, "2"));
        assert_int_eq(bench_gate(&b, bench_action(&b, "sessions", "seat0")), 0);
        bench_close(&b);
}

/* sway on a console: getty would log in again at once. */
TEST(autologin)
{
        Bench b;
        const Action *getty;

        bench_open(&b, "tty-autologin");
        assert_ok(bench_plan(&b, &step_sessions));
        assert_int_eq(b.plan->n_actions, 0); /* there is no display manager to stop */
        b.profile->sessions_policy = POLICY_TERMINATE;
        assert_ok(bench_plan(&b, &step_sessions));
        assert_str_eq(bench_shape(&b), "sessions getty@tty1.service inactive; sessions seat0 ended");
        getty = bench_action(&b, "sessions", "getty@tty1.service");
        assert_int_eq(getty->flags, ACTION_SHARED);
        BENCH_LAWS(&b, getty, "active", "inactive");
        assert_int_eq(bench_go(&b, getty, "inactive"), 0);
        assert_int_eq(bench_gate(&b, bench_action(&b, "sessions", "seat0")), 0);
        fake_advance(b.h, 2 * USEC_PER_SEC);
        assert_int_eq(logins(&b), 0);
        assert_int_eq(holders_of(&b, "/dev/dri/card0"), 0);
        assert_int_eq(bench_go(&b, getty, "active"), 0);
        bench_close(&b);
}

/* Where the other card has the desktop, only what holds this one ends. */
TEST(sessions_beside_the_card)
{
        Bench b;

        bench_open_with(&b, "two-cards",
                        "session 5 user=ann uid=1001 tty=tty3 type=tty class=user service=login\n"
                        "holder 1700 comm=vkcube uid=1001 node=/dev/nvidia0 "
                        "cgroup=/user.slice/user-1001.slice/session-5.scope");
        b.profile->sessions_policy = POLICY_TERMINATE;
        assert_ok(bench_plan(&b, &step_sessions));
        assert_int_eq(logins(&b), 2);
        assert_int_eq(bench_gate(&b, bench_action(&b, "sessions", "seat0")), 0);
        assert_int_eq(logins(&b), 1);
        assert_int_eq(holders_of(&b, "/dev/nvidia0"), 1); /* nvidia-persistenced */
        assert_int_eq(holders_of(&b, "/dev/snd/controlC1"), 1);
        bench_close(&b);
}

/* A text login on another console does not stand in the way. */
TEST(text_logins_stay)
{
        Bench b;

        bench_open_with(&b, "amd-desktop", "session 5 user=ann uid=1001 tty=tty3 type=tty class=user service=login");
        b.in.stops_desktop = true;
        assert_ok(bench_plan(&b, &step_sessions));
        stop(&b, "gdm3.service");
        assert_int_eq(bench_gate(&b, bench_action(&b, "sessions", "seat0")), 0);
        assert_int_eq(logins(&b), 1);
        bench_close(&b);
}

TEST_MAIN
