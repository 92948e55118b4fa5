/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include "model/plan.h"

#define UUID "73116f6f-f817-425f-bd60-4f93db371c39"
#define BOOT "0b0c5a9e-6f55-4f43-8a0e-1d2f3a4b5c6d"

static const char *const nasty[] = {
        "",
        "-",
        " ",
        "none",
        "a b",
        "a\tb",
        "a\nb",
        "\\",
        "\\s",
        "\\\\s \\",
        "before=x",
        "=",
        "key=value other=value",
        "\x01\x7f\r",
        "../../etc/passwd",
        "-rf",
        "\"'`$(x)",
        "g\xc3\xa4ste \xe2\x80\xa8",
        "\xff\xfe",
        "action\tdriver\nhookd-plan 1\n",
};

static Plan *sample(void)
{
        Plan *p = plan_new("vm1", UUID, "vm1.ini");
        Action *a;

        assert_not_null(p);
        (void) snprintf(p->boot_id, sizeof(p->boot_id), "%s", BOOT);
        p->created_usec = 1700000000123456;
        p->rollback_timeout = 120 * USEC_PER_SEC;
        p->stop_timeout = UINT64_MAX;
        assert_ok(strv_append(&p->functions, "0000:01:00.0"));
        assert_ok(strv_append(&p->events, "started/begin"));
        assert_ok(plan_warn(p, "no reset is possible for %s", "0000:01:00.0"));
        a = plan_append(p, "display-manager", "lightdm.service", "inactive", ACTION_SHARED, 100 * USEC_PER_SEC);
        assert_not_null(a);
        assert_ok(action_set(&a->before, "active"));
        assert_ok(action_set(&a->why, "drives %s from this card", "seat0"));
        a = plan_append(p, "holders", "0000:01:00.0", NULL, ACTION_GATE | ACTION_CARD, 10 * USEC_PER_SEC);
        assert_not_null(a);
        assert_ok(action_param_add(a, "policy", "wait"));
        assert_ok(action_param_add(a, "nodes", "/dev/dri/card0 /dev/fb0"));
        return p;
}

static const char sample_text[] =
        "hookd-plan 1\n"
        "domain\tvm1\n"
        "uuid\t" UUID "\n"
        "profile\tvm1.ini\n"
        "boot\t" BOOT "\n"
        "created\t1700000000123456\n"
        "rollback-timeout\t120000000\n"
        "stop-timeout\t18446744073709551615\n"
        "function\t0000:01:00.0\n"
        "event\tstarted/begin\n"
        "warning\tno reset is possible for 0000:01:00.0\n"
        "action\tdisplay-manager\tlightdm.service\tbefore=active\tafter=inactive\twhy=drives seat0 from this card"
        "\tflags=shared\ttimeout=100000\n"
        "action\tholders\t0000:01:00.0\tparam=policy=wait nodes=/dev/dri/card0\\\\s/dev/fb0\tflags=gate,card"
        "\ttimeout=10000\n";

TEST(text_as_written_down_here)
{
        _cleanup_(plan_freep) Plan *p = sample();
        _cleanup_free_ char *text = plan_encode(p);

        assert_str_eq(text, sample_text);
}

TEST(text_both_ways)
{
        _cleanup_(plan_freep) Plan *p = NULL;
        Fault f = { 0 };

        assert_ok(plan_decode(sample_text, strlen(sample_text), &p, &f));
        assert_str_eq(p->domain, "vm1");
        assert_str_eq(p->uuid, UUID);
        assert_str_eq(p->profile, "vm1.ini");
        assert_str_eq(p->boot_id, BOOT);
        assert_int_eq(p->created_usec, 1700000000123456);
        assert_int_eq(p->rollback_timeout, 120 * USEC_PER_SEC);
        assert_true(p->stop_timeout == UINT64_MAX);
        assert_int_eq(strv_length(p->functions), 1);
        assert_str_eq(p->warnings[0], "no reset is possible for 0000:01:00.0");
        assert_int_eq(p->n_actions, 2);
        assert_str_eq(p->actions[0].step, "display-manager");
        assert_str_eq(p->actions[0].before, "active");
        assert_null(p->actions[0].param);
        assert_int_eq(p->actions[0].flags, ACTION_SHARED);
        assert_int_eq(p->actions[0].timeout_ms, 100000);
        assert_null(p->actions[1].after);
        assert_null(p->actions[1].before);
        assert_str_eq(p->actions[1].param, "policy=wait nodes=/dev/dri/card0\\s/dev/fb0");
        assert_int_eq(p->actions[1].flags, ACTION_GATE | ACTION_CARD);
}

/* Every nasty string in every field, beside every other one. */
TEST(nasty_strings_come_back)
{
        for (size_t i = 0; i < ARRAY_SIZE(nasty); i++)
                for (size_t j = 0; j < ARRAY_SIZE(nasty); j++) {
                        _cleanup_(plan_freep) Plan *p = plan_new(nasty[i], UUID, nasty[j]), *q = NULL;
                        _cleanup_free_ char *text = NULL, *value = NULL;
                        Action *a = plan_append(p, nasty[i], nasty[j], nasty[i], 0x1ff, UINT64_MAX);
                        Fault f = { 0 };

                        assert_ok(action_set(&a->before, "%s", nasty[j]));
                        assert_ok(action_set(&a->why, "%s", nasty[i]));
                        assert_ok(action_param_add(a, "one", nasty[i]));
                        assert_ok(action_param_add(a, "two", nasty[j]));
                        assert_ok(plan_warn(p, "%s", nasty[j]));
                        assert_ok(strv_append(&p->functions, nasty[i]));
                        assert_not_null(plan_append(p, "x", "y", NULL, 0, 0));

                        text = plan_encode(p);
                        assert_not_null(text);
                        assert_ok(plan_decode(text, strlen(text), &q, &f));
                        assert_str_eq(q->domain, nasty[i]);
                        assert_str_eq(q->profile, nasty[j]);
                        assert_str_eq(q->functions[0], nasty[i]);
                        assert_str_eq(q->warnings[0], nasty[j]);
                        assert_str_eq(q->actions[0].step, nasty[i]);
                        assert_str_eq(q->actions[0].target, nasty[j]);
                        assert_str_eq(q->actions[0].before, nasty[j]);
                        assert_str_eq(q->actions[0].after, nasty[i]);
                        assert_str_eq(q->actions[0].why, nasty[i]);
                        assert_int_eq(q->actions[0].flags, 0x1ff);
                        assert_int_eq(q->actions[0].timeout_ms, UINT32_MAX);
                        assert_null(q->actions[1].after);
                        assert_ok(action_param(&q->actions[0], "two", &value));
                        assert_str_eq(value, nasty[j]);
                        free(TAKE_PTR(value));
                        assert_ok(action_param(&q->actions[0], "one", &value));
                        assert_str_eq(value, nasty[i]);
                }
}

static void refuse(const char *text, const char *why)
{
        _cleanup_(plan_freep) Plan *p = NULL;
        Fault f = { 0 };

        assert_int_eq(plan_decode(text, strlen(text), &p, &f), -EINVAL);
        assert_contains(f.text, why);
}

#define HEAD                                     \
        "hookd-plan 1\ndomain\tvm1\nuuid\t" UUID \
        "\nprofile\tx\nboot\t\ncreated\t0\nrollback-timeout\t0\nstop-timeout\t0\n"

TEST(decode_is_strict)
{
        _cleanup_(plan_freep) Plan *p = NULL;
        Fault f = { 0 };

        assert_ok(plan_decode(HEAD, strlen(HEAD), &p, &f));
        refuse("", "not a plan");
        refuse("\n", "line 1");
        refuse("hookd-plan 2\n", "line 1");
        refuse("hookd-plan 1\n", "names no domain");
        refuse("hookd-plan 1\nuuid\t" UUID "\nprofile\tx\nboot\t\ncreated\t0\nrollback-timeout\t0\nstop-timeout\t0\n",
               "names no domain");
        refuse("hookd-plan 1\ndomain\tvm1\nprofile\tx\nboot\t\ncreated\t0\nrollback-timeout\t0\nstop-timeout\t0\n",
               "no UUID");
        refuse("hookd-plan "
               "1\ndomain\tvm1\nuuid\tx\nprofile\tx\nboot\t\ncreated\t0\nrollback-timeout\t0\nstop-timeout\t0\n",
               "line 3");
        refuse("hookd-plan 1\nuuid\t" UUID
               "\ndomain\tvm1\nprofile\tx\nboot\t\ncreated\t0\nrollback-timeout\t0\nstop-timeout\t0\n",
               "line 2");
        refuse(HEAD "domain\tvm2\n", "line 9");
        refuse(HEAD "created\t1\n", "line 6");
        refuse(HEAD "stop-timeout\t01\n", "line 8");
        refuse(HEAD "rollback-timeout\tx\n", "line 9");
        refuse(HEAD "\n", "line 9");
        refuse(HEAD "other\tx\n", "line 9");
        refuse(HEAD "function\tx\ty\n", "line 9");
        refuse(HEAD "function\t\\q\n", "line 9");
        refuse(HEAD "warning\ta\nfunction\tx\n", "line 9");
        refuse(HEAD "function\tx", "not a plan");
        refuse(HEAD "action\tdriver\n", "line 9");
        refuse(HEAD "action\tdriver\tx\n", "line 9");
        refuse(HEAD "action\tdriver\tx\ttimeout=1\n" HEAD, "line 10");
        refuse(HEAD "action\tdriver\tx\ttimeout=01\n", "line 9");
        refuse(HEAD "action\tdriver\tx\ttimeout=-1\n", "line 9");
        refuse(HEAD "action\tdriver\tx\ttimeout=4294967296\n", "line 9");
        refuse(HEAD "action\tdriver\tx\ttimeout=1\ttimeout=1\n", "line 9");
        refuse(HEAD "action\tdriver\tx\tflags=\ttimeout=1\n", "line 9");
        refuse(HEAD "action\tdriver\tx\tflags=card,gate\ttimeout=1\n", "line 9");
        refuse(HEAD "action\tdriver\tx\tflags=what\ttimeout=1\n", "line 9");
        refuse(HEAD "action\tdriver\tx\tafter=a\tbefore=b\ttimeout=1\n", "line 9");
        refuse(HEAD "action\tdriver\tx\tafter=a\tafter=a\ttimeout=1\n", "line 9");
        refuse(HEAD "action\tdriver\tx\tafter\ttimeout=1\n", "line 9");
        refuse(HEAD "action\tdriver\tx\tcolour=red\ttimeout=1\n", "line 9");
        p = plan_free(p);
        assert_int_eq(plan_decode("hookd-plan 1\n\0\n", 15, &p, &f), -EINVAL);
        assert_int_eq(plan_decode(NULL, 0, &p, &f), -EINVAL);
}

/* Whatever a cut or a changed byte makes of a plan: either refused, or the very text that it came from. */
TEST(damaged_plans_are_refused_or_exact)
{
        size_t size = strlen(sample_text);

        for (size_t i = 0; i < size; i++)
                for (int how = 0; how < 4; how++) {
                        _cleanup_(plan_freep) Plan *p = NULL;
                        _cleanup_free_ char *text = strdup(sample_text), *again = NULL;
                        size_t n = size;

                        if (how == 0)
                                n = i;
                        else
                                text[i] = how == 1 ? '\n' : how == 2 ? '\t' : '\\';
                        if (plan_decode(text, n, &p, NULL) < 0)
                                continue;
                        again = plan_encode(p);
                        assert_true(again && strlen(again) == n && memcmp(again, text, n) == 0);
                }
}

TEST(parameters)
{
        Action a = { 0 };
        _cleanup_free_ char *value = NULL;

        assert_int_eq(action_param(&a, "x", &value), -ENOENT);
        assert_ok(action_param_add(&a, "long-key", "1"));
        assert_ok(action_param_add(&a, "key", ""));
        assert_int_eq(action_param_add(&a, "key", "again"), -EEXIST);
        assert_int_eq(action_param(&a, "ke", &value), -ENOENT);
        assert_int_eq(action_param(&a, "long", &value), -ENOENT);
        assert_ok(action_param(&a, "key", &value));
        assert_str_eq(value, "");
        assert_str_eq(a.param, "long-key=1 key=");
        free(TAKE_PTR(a.param));
        a.param = strdup("key=\\q");
        free(TAKE_PTR(value));
        assert_int_eq(action_param(&a, "key", &value), -EINVAL);
        free(a.param);
}

TEST(timeouts_round_up)
{
        _cleanup_(plan_freep) Plan *p = plan_new("a", UUID, "");

        assert_int_eq(plan_append(p, "s", "t", NULL, 0, 1)->timeout_ms, 1);
        assert_int_eq(plan_append(p, "s", "t", NULL, 0, 1000)->timeout_ms, 1);
        assert_int_eq(plan_append(p, "s", "t", NULL, 0, 1001)->timeout_ms, 2);
        assert_int_eq(plan_append(p, "s", "t", NULL, 0, 0)->timeout_ms, 0);
        assert_str_eq(p->actions[3].target, "t");
}

TEST(mediated_devices)
{
        Plan *p = plan_new("vm1", "73116f6f-f817-425f-bd60-4f93db371c39", ""), *again = NULL;
        _cleanup_free_ char *none = plan_devices(p), *all = NULL, *text = NULL;
        Fault f = { 0 };

        assert_str_eq(none, "");
        assert_ok(strv_append(&p->functions, "0000:01:00.0"));
        assert_ok(strv_append(&p->mediated, "c2177883-f1bb-47f0-914d-32a22e3a8804"));
        text = plan_encode(p);
        assert_contains(text, "\nmediated\tc2177883-f1bb-47f0-914d-32a22e3a8804\n");
        assert_ok(plan_decode(text, strlen(text), &again, &f));
        all = plan_devices(again);
        assert_str_eq(all, "0000:01:00.0 c2177883-f1bb-47f0-914d-32a22e3a8804");
        plan_free(p);
        plan_free(again);
}

TEST_MAIN
