/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a journal that is found open, where the sweep does not look: a reboot, a host that goes down. */
#include "step-bench.h"

#include "txn/txn.h"

#include <sys/wait.h>

#define UUID "73116f6f-f817-425f-bd60-4f93db371c39"

static char root[64];
static Host *host;

static char *boot_id(void)
{
        char *id = NULL;

        assert_ok(host_read(host, "/proc/sys/kernel/random/boot_id", &id));
        return id;
}

/* A guest that had lab.service stopped, and is gone. */
static void held(const char *tree, const char *boot)
{
        Plan *p = plan_new("vm1", UUID, "vm1.ini");
        Journal *j = NULL;
        Fault f = { 0 };
        Action *a;

        (void) snprintf(root, sizeof(root), "/tmp/hookd-recover-XXXXXX");
        assert_not_null(mkdtemp(root));
        if (fake_host_parse(tree, strlen(tree), "test", &host, &f) < 0)
                test_fail("%s", f.text);
        host->deadline = UINT64_MAX;
        a = plan_append(p, "services", "lab.service", "inactive", ACTION_SHARED, 10 * USEC_PER_SEC);
        assert_not_null(a);
        assert_ok(action_set(&a->before, "active"));
        if (boot) {
                (void) snprintf(p->boot_id, sizeof(p->boot_id), "%s", boot);
        } else {
                _cleanup_free_ char *id = boot_id();

                (void) snprintf(p->boot_id, sizeof(p->boot_id), "%s", id);
        }
        assert_ok(journal_create(root, UUID, &j, &f));
        assert_ok(journal_write_plan(j, p, &f));
        assert_ok(journal_log(j, LOG_WORD_BEGIN, -1, NULL));
        assert_ok(journal_log(j, LOG_WORD_INTENT, 0, NULL));
        assert_ok(journal_log(j, LOG_WORD_DONE, 0, NULL));
        assert_ok(journal_log(j, LOG_WORD_HELD, -1, NULL));
        journal_close(j);
}

/* Recovers, and what lab.service is then. */
static const char *recover(void)
{
        static UnitInfo unit;
        Journal *j = NULL;
        Fault f = { 0 };
        bool kept = true;
        char path[128];
        Txn t;

        assert_ok(journal_open(root, UUID, 1, &j, &f));
        t = (Txn){ .host = host,
                   .journal = j,
                   .root = root,
                   .domain = "vm1",
                   .event = "recover",
                   .back_timeout = 60 * USEC_PER_SEC };
        if (txn_recover(&t, &kept, &f) < 0)
                test_fail("%s", f.text);
        assert_false(kept);
        journal_close(j);
        (void) snprintf(path, sizeof(path), "%s/" UUID, root);
        assert_true(access(path, F_OK) < 0);
        assert_null(fake_violations(host));
        host->deadline = UINT64_MAX;
        assert_ok(host_unit(host, UNIT_STATE, "lab.service", &unit));
        (void) snprintf(path, sizeof(path), "%s/claims.lock", root);
        (void) unlink(path);
        (void) rmdir(root);
        host = host_free(host);
        return unit.active;
}

TEST(the_guest_is_gone)
{
        held("unit lab.service active=inactive\n", NULL);
        assert_str_eq(recover(), "active");
}

TEST(a_reboot_drops_it)
{
        held("unit lab.service active=inactive\n", "00000000-0000-4000-8000-000000000000");
        assert_str_eq(recover(), "inactive");
}

TEST(a_host_that_goes_down_starts_nothing)
{
        held("unit lab.service active=inactive\nunit shutdown.target active=inactive job=start\n", NULL);
        assert_str_eq(recover(), "inactive");
}

/* The release found the card without its driver: nvidia_drm was loaded all the same, and serves no card that comes
 * later, and the display manager was started without a screen, and gave up. The next try, with the card, loads the one
 * anew and starts the other again. */
TEST(what_was_back_before_its_card)
{
        const char *card = "/sys/bus/pci/devices/0000:01:00.0";
        _cleanup_free_ char *id = NULL;
        Journal *j = NULL;
        bool kept = true;
        char path[128];
        UnitInfo lightdm = { 0 };
        size_t driver = 0;
        Bench b;
        Txn t;

        bench_open_with(&b, "nvidia-desktop", "module nvidia needs-device=no");
        assert_ok(bench_plan(&b, &step_display_manager));
        assert_ok(host_unit(b.h, UNIT_STOP, "nvidia-persistenced.service", NULL));
        fake_advance(b.h, 5 * USEC_PER_SEC);
        assert_ok(bench_plan(&b, &step_override));
        assert_ok(bench_plan(&b, &step_module));
        assert_ok(bench_plan(&b, &step_driver));
        (void) snprintf(root, sizeof(root), "/tmp/hookd-recover-XXXXXX");
        assert_not_null(mkdtemp(root));
        host = b.h;
        id = boot_id();
        (void) snprintf(b.plan->boot_id, sizeof(b.plan->boot_id), "%s", id);
        for (size_t i = 0; i < b.plan->n_actions; i++)
                assert_ok(action_set(&b.plan->actions[i].before, "%s", bench_value(&b, &b.plan->actions[i])));
        assert_ok(journal_create(root, UUID, &j, &b.f));
        assert_ok(journal_write_plan(j, b.plan, &b.f));
        assert_ok(journal_log(j, LOG_WORD_BEGIN, -1, NULL));
        for (size_t i = 0; i < b.plan->n_actions; i++) {
                const Action *a = &b.plan->actions[i];

                assert_ok(journal_log(j, LOG_WORD_INTENT, (int) i, NULL));
                assert_int_eq(bench_go(&b, a, a->after), 0);
                assert_ok(journal_log(j, LOG_WORD_DONE, (int) i, NULL));
        }
        assert_ok(journal_log(j, LOG_WORD_HELD, -1, NULL));
        assert_ok(journal_log(j, LOG_WORD_REVERT, -1, NULL));
        b.h->deadline = UINT64_MAX;
        assert_ok(host_module(b.h, MODULE_LOAD, "nvidia", NULL));
        for (size_t i = 0; i < b.plan->n_actions; i++) {
                const Action *a = &b.plan->actions[i];
                bool failed = streq(a->step, "driver") && streq(a->target, "0000:01:00.0");

                if (failed)
                        driver = i;
                else if (streq(a->step, "override") || streq(a->step, "driver"))
                        assert_int_eq(bench_go(&b, a, a->before), 0);
                assert_ok(journal_log(j, LOG_WORD_UNDO, (int) i, NULL));
                assert_ok(journal_log(j, failed ? LOG_WORD_UNDO_FAIL : LOG_WORD_UNDONE, (int) i, NULL));
        }
        assert_true(driver > 0);
        journal_close(j); /* with the plan */
        b.plan = NULL;
        (void) snprintf(path, sizeof(path), "%s/drm", card);
        assert_false(host_exists(host, path));

        assert_ok(journal_open(root, UUID, 1, &j, &b.f));
        t = (Txn){ .host = host,
                   .journal = j,
                   .root = root,
                   .domain = "vm1",
                   .event = "recover",
                   .back_timeout = 60 * USEC_PER_SEC };
        if (txn_recover(&t, &kept, &b.f) < 0)
                test_fail("%s", b.f.text);
        assert_false(kept);
        journal_close(j);
        host->deadline = UINT64_MAX;
        assert_str_eq(bench_link(&b, "/sys/bus/pci/devices/0000:01:00.0/driver"), "nvidia");
        assert_true(host_exists(host, path));
        assert_ok(host_unit(host, UNIT_STATE, "lightdm.service", &lightdm));
        assert_str_eq(lightdm.active, "active");
        (void) snprintf(path, sizeof(path), "%s/claims.lock", root);
        (void) unlink(path);
        (void) rmdir(root);
        bench_close(&b);
}

/* One that is on vfio-pci since boot. Its reset leaves it dead: nobody else is given it, and the next try resets it
 * again. */
TEST(a_card_that_is_dead_after_its_reset)
{
        const PciAddress card = { .bus = 0x41 };
        _cleanup_free_ char *id = NULL;
        Journal *j = NULL;
        bool kept = true;
        char path[128];
        Bench b;
        Txn t;

        bench_open_with(&b, "server-vfio", "pci 0000:41:00.0: dead=2");
        b.profile->reset_method = RESET_BUS;
        assert_ok(bench_plan(&b, &step_driver));
        assert_ok(bench_plan(&b, &step_reset));
        (void) snprintf(root, sizeof(root), "/tmp/hookd-recover-XXXXXX");
        assert_not_null(mkdtemp(root));
        host = b.h;
        id = boot_id();
        (void) snprintf(b.plan->boot_id, sizeof(b.plan->boot_id), "%s", id);
        assert_ok(strv_append(&b.plan->functions, "0000:41:00.0"));
        for (size_t i = 0; i < b.plan->n_actions; i++)
                assert_ok(action_set(&b.plan->actions[i].before, "%s",
                                     streq(b.plan->actions[i].step, "driver") ? "vfio-pci" : "none"));
        assert_ok(journal_create(root, UUID, &j, &b.f));
        assert_ok(journal_write_plan(j, b.plan, &b.f));
        b.plan = NULL;
        assert_ok(journal_log(j, LOG_WORD_BEGIN, -1, NULL));
        assert_ok(journal_log(j, LOG_WORD_INTENT, 0, NULL));
        assert_ok(journal_log(j, LOG_WORD_DONE, 0, NULL));
        assert_ok(journal_log(j, LOG_WORD_HELD, -1, NULL));
        assert_ok(journal_log(j, LOG_WORD_STOPPED, -1, NULL));
        for (unsigned try = 0; try < 2; try++) {
                t = (Txn){ .host = host,
                           .journal = j,
                           .root = root,
                           .domain = "instance-0000001a",
                           .event = "release/end",
                           .back_timeout = 60 * USEC_PER_SEC };
                if (try == 1) {
                        assert_ok(txn_recover(&t, &kept, &b.f));
                        journal_close(j);
                        break;
                }
                assert_int_eq(txn_recover(&t, &kept, &b.f), -ENODEV);
                assert_contains(b.f.text, "0000:41:00.0 does not answer after its reset");
                journal_close(j);
                assert_int_eq(claims_stuck(root, "00000000-0000-4000-8000-000000000000", &card, 1, &b.f), -EBUSY);
                assert_contains(b.f.text, "0000:41:00.0 is stuck, it was not given back completely by the guest");
                assert_ok(journal_open(root, UUID, 1, &j, &b.f));
        }
        assert_int_eq(claims_stuck(root, "00000000-0000-4000-8000-000000000000", &card, 1, &b.f), 0);
        (void) snprintf(path, sizeof(path), "%s/" UUID, root);
        assert_true(access(path, F_OK) < 0);
        (void) snprintf(path, sizeof(path), "%s/claims.lock", root);
        (void) unlink(path);
        (void) rmdir(root);
        bench_close(&b);
}

TEST_MAIN
