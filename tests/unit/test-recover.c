/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a journal that is found open, where the sweep does not look: a reboot, a host that goes down. */
#include "test.h"

#include "fake/fake-host.h"
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

TEST_MAIN
