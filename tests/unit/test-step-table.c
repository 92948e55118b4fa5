/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test.h"

#include "step/step.h"

TEST(forward_order)
{
        static const char *const names[] = { "scripts",     "display-manager", "services",
                                             "sessions",    "holders",         "power",
                                             "backlight",   "vtconsole",       "virtual-functions",
                                             "override",    "module",          "mediated-device",
                                             "framebuffer", "driver",          "bar",
                                             "reset",       "settle",          "connectors" };
        const Step *const *steps = step_table();
        int rank = 0;
        size_t n;

        for (n = 0; steps[n]; n++) {
                assert_true(n < ARRAY_SIZE(names));
                assert_str_eq(steps[n]->name, names[n]);
                if (steps[n]->forward == 0) {
                        assert_true(streq(steps[n]->name, "settle") || streq(steps[n]->name, "connectors"));
                        continue;
                }
                assert_true(steps[n]->forward > rank);
                rank = steps[n]->forward;
        }
        assert_int_eq(n, ARRAY_SIZE(names));
}

TEST(back_order)
{
        static const char *const names[] = {
                "mediated-device", "reset",       "bar",       "override", "driver",          "virtual-functions",
                "module",          "framebuffer", "vtconsole", "power",    "holders",         "settle",
                "connectors",      "backlight",   "services",  "sessions", "display-manager", "scripts"
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                assert_not_null(step_find(names[i]));
                assert_true(i == 0 || step_find(names[i - 1])->back < step_find(names[i])->back);
        }
}

TEST(find)
{
        assert_true(step_find("driver") == &step_driver);
        assert_null(step_find("drive"));
        assert_null(step_find(""));
}

/* What the engine relies on without asking. */
TEST(every_step_is_whole)
{
        for (const Step *const *s = step_table(); *s; s++) {
                assert_not_null((*s)->plan);
                assert_not_null((*s)->converge);
                assert_true((*s)->observe || streq((*s)->name, "reset") || streq((*s)->name, "settle") ||
                            streq((*s)->name, "connectors") || streq((*s)->name, "scripts"));
                assert_true((*s)->back > 0);
        }
}

TEST_MAIN
