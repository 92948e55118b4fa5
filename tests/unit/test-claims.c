/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test.h"

#include "txn/txn.h"
#include "util/fd.h"

#include <sys/wait.h>

#define A_UUID "11111111-f817-425f-bd60-4f93db371c39"
#define B_UUID "22222222-f817-425f-bd60-4f93db371c39"
#define ME     "33333333-f817-425f-bd60-4f93db371c39"

static char root[64];

/* A journal with one driver action (0, exclusive) and one unit (1, shared). */
static Journal *make(const char *uuid, const char *name, int64_t created, const char *unit_before)
{
        Plan *p = plan_new(name, uuid, "");
        Journal *j = NULL;
        Fault f = { 0 };
        Action *a;

        assert_not_null(p);
        p->created_usec = created;
        assert_ok(strv_append(&p->functions, "0000:01:00.0"));
        a = plan_append(p, "driver", "0000:01:00.0", "vfio-pci", ACTION_EXCLUSIVE, USEC_PER_SEC);
        assert_ok(action_set(&a->before, "nvidia"));
        a = plan_append(p, "display-manager", "lightdm.service", "inactive", ACTION_SHARED, USEC_PER_SEC);
        assert_ok(action_set(&a->before, "%s", unit_before));
        assert_ok(journal_create(root, uuid, &j, &f));
        assert_ok(journal_write_plan(j, p, &f));
        return j;
}

static const Action driver = { .step = (char *) "driver",
                               .target = (char *) "0000:01:00.0",
                               .flags = ACTION_EXCLUSIVE };
static const Action unit = { .step = (char *) "display-manager",
                             .target = (char *) "lightdm.service",
                             .flags = ACTION_SHARED };
static const Action module = { .step = (char *) "module", .target = (char *) "nvidia", .flags = ACTION_TRANSIT };

static const Journal *owner;
static const char *before;
static char before_copy[32];

static ClaimVerdict verdict(const Action *a)
{
        Claims *c = NULL;
        Fault f = { 0 };
        ClaimVerdict v;

        owner = NULL;
        before = NULL;
        assert_ok(claims_lock(root, ME, now_usec() + USEC_PER_SEC, &c, &f));
        v = claims_check(c, a, &owner, &before);
        (void) snprintf(before_copy, sizeof(before_copy), "%s", before ? before : "");
        claims_unlock(c);
        return v;
}

static bool needed(const char *me)
{
        const Journal *other = NULL;
        Claims *c = NULL;
        Fault f = { 0 };
        bool r;

        assert_ok(claims_lock(root, me, now_usec() + USEC_PER_SEC, &c, &f));
        r = claims_needed_by_other(c, &unit, &other);
        claims_unlock(c);
        return r;
}

static void begin(void)
{
        (void) snprintf(root, sizeof(root), "/tmp/hookd-claims-XXXXXX");
        assert_not_null(mkdtemp(root));
}

static void end(void)
{
        pid_t pid = fork();

        if (pid == 0) {
                (void) execlp("rm", "rm", "-rf", root, (char *) NULL);
                _exit(1);
        }
        assert_int_eq(waitpid(pid, NULL, 0), pid);
}

TEST(nobody_there)
{
        begin();
        assert_int_eq(verdict(&driver), CLAIM_FREE);
        assert_int_eq(verdict(&unit), CLAIM_FREE);
        end();
}

TEST(a_card_has_one_owner)
{
        Journal *a;

        begin();
        a = make(A_UUID, "vm1", 1, "active");
        /* Planned counts: its before values are taken. */
        assert_int_eq(verdict(&driver), CLAIM_HELD);
        assert_ok(journal_log(a, LOG_WORD_BEGIN, -1, NULL));
        assert_ok(journal_log(a, LOG_WORD_INTENT, 0, NULL));
        assert_ok(journal_log(a, LOG_WORD_DONE, 0, NULL));
        assert_ok(journal_log(a, LOG_WORD_HELD, -1, NULL));
        assert_int_eq(verdict(&driver), CLAIM_HELD);
        assert_int_eq(verdict(&module), CLAIM_FREE);
        assert_ok(journal_log(a, LOG_WORD_REVERT, -1, NULL));
        assert_int_eq(verdict(&driver), CLAIM_WAIT); /* its worker is at it: a holds the lock */
        journal_close(a);
        assert_int_eq(verdict(&driver), CLAIM_HELD); /* nobody is at it: waiting is of no use */
        end();
}

TEST(a_unit_is_shared_and_the_oldest_knows_what_it_was)
{
        Journal *a, *b;

        begin();
        b = make(B_UUID, "vm2", 20, "inactive");
        a = make(A_UUID, "vm1", 10, "active");
        assert_int_eq(verdict(&unit), CLAIM_INHERIT);
        assert_str_eq(before_copy, "active");
        assert_ok(journal_log(a, LOG_WORD_INTENT, 1, NULL));
        assert_ok(journal_log(a, LOG_WORD_DONE, 1, NULL));
        assert_ok(journal_log(a, LOG_WORD_HELD, -1, NULL));
        assert_true(needed(B_UUID));
        /* a leaves it to b, then b is the only one */
        assert_ok(journal_log(a, LOG_WORD_REVERT, -1, NULL));
        assert_ok(journal_log(a, LOG_WORD_UNDONE, 1, "left"));
        assert_true(needed(A_UUID));
        assert_false(needed(B_UUID));
        assert_int_eq(verdict(&unit), CLAIM_INHERIT);
        journal_close(a);
        journal_close(b);
        end();
}

TEST(a_unit_in_transit_is_waited_for)
{
        Journal *a;

        begin();
        a = make(A_UUID, "vm1", 1, "active");
        assert_ok(journal_log(a, LOG_WORD_INTENT, 1, NULL));
        assert_ok(journal_log(a, LOG_WORD_DONE, 1, NULL));
        assert_ok(journal_log(a, LOG_WORD_HELD, -1, NULL));
        assert_ok(journal_log(a, LOG_WORD_REVERT, -1, NULL));
        assert_ok(journal_log(a, LOG_WORD_UNDO, 1, NULL));
        assert_int_eq(verdict(&unit), CLAIM_WAIT);
        assert_ok(journal_log(a, LOG_WORD_UNDONE, 1, NULL));
        assert_int_eq(verdict(&unit), CLAIM_FREE);
        journal_close(a);
        end();
}

TEST(a_unit_begun_by_one_who_died_is_inherited_from_him)
{
        Journal *a;

        begin();
        a = make(A_UUID, "vm1", 1, "active");
        assert_ok(journal_log(a, LOG_WORD_INTENT, 1, NULL));
        assert_ok(journal_log(a, LOG_WORD_HELD, -1, NULL));
        assert_ok(journal_log(a, LOG_WORD_REVERT, -1, NULL));
        assert_ok(journal_log(a, LOG_WORD_UNDO, 1, NULL));
        journal_close(a); /* with its lock */
        assert_int_eq(verdict(&unit), CLAIM_INHERIT);
        assert_str_eq(before_copy, "active");
        end();
}

TEST(a_unit_is_the_same_whichever_step_stops_it)
{
        Action service = unit;
        Journal *a;

        begin();
        a = make(A_UUID, "vm1", 1, "active");
        service.step = (char *) "services";
        assert_int_eq(verdict(&service), CLAIM_INHERIT);
        journal_close(a);
        end();
}

TEST(a_card_that_is_stuck)
{
        const PciAddress sound = { .bus = 1, .function = 1 }, other = { .bus = 2 };
        Journal *a;
        Fault f = { 0 };

        begin();
        assert_int_eq(claims_stuck(root, ME, &sound, 1, &f), 0);
        a = make(A_UUID, "vm1", 1, "active");
        assert_ok(journal_log(a, LOG_WORD_INTENT, 1, NULL));
        assert_int_eq(claims_stuck(root, ME, &sound, 1, &f), 0);
        assert_ok(journal_log(a, LOG_WORD_STUCK, 1, "step driver, process 7 waits in nv_remove"));
        assert_int_eq(claims_stuck(root, ME, &other, 1, &f), 0);
        assert_int_eq(claims_stuck(root, A_UUID, &sound, 1, &f), 0);
        assert_int_eq(claims_stuck(root, ME, &sound, 1, &f), -EBUSY); /* the same slot */
        assert_contains(f.text, "by the guest vm1: step driver, process 7 waits in nv_remove");
        assert_ok(journal_log(a, LOG_WORD_UNSTUCK, 1, NULL));
        assert_int_eq(claims_stuck(root, ME, &sound, 1, &f), 0);
        journal_close(a);
        end();
}

/* What did not work on its way back is told to whoever wants it next. */
TEST(a_card_that_did_not_come_back)
{
        const PciAddress sound = { .bus = 1, .function = 1 };
        Journal *a;
        Fault f = { 0 };

        begin();
        a = make(A_UUID, "vm1", 1, "active");
        assert_ok(journal_log(a, LOG_WORD_HELD, -1, NULL));
        assert_ok(journal_log(a, LOG_WORD_REVERT, -1, "release/end"));
        assert_ok(journal_log(a, LOG_WORD_UNDO, 1, NULL));
        assert_ok(journal_log(a, LOG_WORD_UNDO_FAIL, 1, "0000:01:00.0 has not come back"));
        assert_int_eq(claims_stuck(root, ME, &sound, 1, &f), 0); /* somebody is at it still */
        journal_close(a);
        assert_int_eq(claims_stuck(root, ME, &sound, 1, &f), -EBUSY);
        assert_contains(f.text,
                        "not given back completely by the guest vm1: 0000:01:00.0 has not come back. hookd tries");
        assert_int_eq(claims_stuck(root, A_UUID, &sound, 1, &f), 0);
        assert_ok(journal_open(root, A_UUID, 1, &a, &f));
        assert_ok(journal_log(a, LOG_WORD_REVERT, -1, "retry"));
        journal_close(a);
        assert_int_eq(claims_stuck(root, ME, &sound, 1, &f), 0);
        end();
}

TEST(a_card_that_is_just_given_back)
{
        const PciAddress sound = { .bus = 1, .function = 1 }, other = { .bus = 2 };
        Journal *a;

        begin();
        assert_int_eq(claims_given_back(root, ME, &sound, 1), 0);
        a = make(A_UUID, "vm1", 1, "active");
        assert_ok(journal_log(a, LOG_WORD_HELD, -1, NULL));
        assert_int_eq(claims_given_back(root, ME, &sound, 1), 0);
        assert_ok(journal_log(a, LOG_WORD_REVERT, -1, NULL));
        assert_int_eq(claims_given_back(root, ME, &sound, 1), 1); /* the same slot */
        assert_int_eq(claims_given_back(root, ME, &other, 1), 0);
        assert_int_eq(claims_given_back(root, A_UUID, &sound, 1), 0);
        journal_close(a);
        assert_int_eq(claims_given_back(root, ME, &sound, 1), 0); /* nobody is at it */
        end();
}

/* The numbers of virtual functions mean nothing: neighbours are no card. */
TEST(a_virtual_function_that_is_stuck)
{
        const PciAddress it = { .bus = 3, .slot = 0x10 }, next = { .bus = 3, .slot = 0x10, .function = 2 };
        Plan *p = plan_new("vm2", B_UUID, "");
        Journal *b = NULL;
        Fault f = { 0 };

        begin();
        assert_ok(strv_append(&p->functions, "0000:03:10.0"));
        assert_not_null(plan_append(p, "virtual-functions", "0000:03:00.0", "1", ACTION_SHARED, 0));
        assert_ok(action_param_add(p->actions, "functions", "0000:03:10.0"));
        assert_ok(action_set(&p->actions[0].before, "0"));
        assert_not_null(plan_append(p, "driver", "0000:03:10.0", "vfio-pci", ACTION_EXCLUSIVE, 0));
        assert_ok(action_set(&p->actions[1].before, "igbvf"));
        assert_ok(journal_create(root, B_UUID, &b, &f));
        assert_ok(journal_write_plan(b, p, &f));
        assert_ok(journal_log(b, LOG_WORD_INTENT, 1, NULL));
        assert_ok(journal_log(b, LOG_WORD_STUCK, 1, "step driver"));
        assert_int_eq(claims_stuck(root, ME, &next, 1, &f), 0);
        assert_int_eq(claims_stuck(root, ME, &it, 1, &f), -EBUSY);
        journal_close(b);
        end();
}

static const char *stopped_for(const char *me)
{
        static char name[32];
        HostView *view = hostview_new();

        assert_not_null(view);
        view->display_manager = calloc(1, sizeof(*view->display_manager));
        assert_not_null(view->display_manager);
        view->display_manager->id = strdup("lightdm.service");
        view->display_manager->active = strdup("inactive");
        assert_ok(claims_mark(root, me, view));
        (void) snprintf(name, sizeof(name), "%s",
                        view->display_manager->stopped_for ? view->display_manager->stopped_for : "");
        hostview_free(view);
        return name;
}

TEST(a_unit_that_is_down_for_another_guest_is_marked)
{
        Journal *a, *b;

        begin();
        assert_str_eq(stopped_for(ME), "");
        a = make(A_UUID, "vm1", 1, "active");
        b = make(B_UUID, "vm2", 2, "inactive");
        assert_str_eq(stopped_for(ME), "vm1");
        assert_str_eq(stopped_for(A_UUID), ""); /* one that was down before is nobody's */
        assert_ok(journal_log(a, LOG_WORD_INTENT, 1, NULL));
        assert_ok(journal_log(a, LOG_WORD_HELD, -1, NULL));
        assert_ok(journal_log(a, LOG_WORD_REVERT, -1, NULL));
        assert_str_eq(stopped_for(ME), "vm1");
        assert_ok(journal_log(a, LOG_WORD_UNDO, 1, NULL));
        assert_str_eq(stopped_for(ME), "vm1"); /* not up yet */
        assert_ok(journal_log(a, LOG_WORD_UNDONE, 1, NULL));
        assert_str_eq(stopped_for(ME), "");
        journal_close(a);
        journal_close(b);
        end();
}

static const char *between(const char *me)
{
        static char name[32];
        HostView *view = hostview_new();

        assert_not_null(view);
        view->functions = calloc(1, sizeof(*view->functions));
        assert_not_null(view->functions);
        view->n_functions = 1;
        assert_ok(pci_parse("0000:01:00.0", &view->functions[0].address));
        assert_ok(claims_mark(root, me, view));
        (void) snprintf(name, sizeof(name), "%s", view->functions[0].between ? view->functions[0].between : "");
        hostview_free(view);
        return name;
}

TEST(a_function_that_changes_hands_is_marked)
{
        Journal *a;

        begin();
        assert_str_eq(between(ME), "");
        a = make(A_UUID, "vm1", 1, "active");
        assert_str_eq(between(ME), ""); /* nothing was done yet */
        assert_ok(journal_log(a, LOG_WORD_BEGIN, -1, NULL));
        assert_str_eq(between(ME), "vm1");
        assert_str_eq(between(A_UUID), "");
        assert_ok(journal_log(a, LOG_WORD_HELD, -1, NULL));
        assert_str_eq(between(ME), "");
        assert_ok(journal_log(a, LOG_WORD_REVERT, -1, NULL));
        assert_str_eq(between(ME), "vm1");
        assert_ok(journal_log(a, LOG_WORD_STUCK, 0, NULL));
        assert_str_eq(between(ME), "vm1");
        assert_ok(journal_log(a, LOG_WORD_RELEASED, -1, NULL));
        assert_str_eq(between(ME), "");
        journal_close(a);
        end();
}

TEST(the_lock_has_a_deadline)
{
        Claims *c = NULL, *d = NULL;
        Fault f = { 0 };

        begin();
        assert_ok(claims_lock(root, ME, now_usec() + USEC_PER_SEC, &c, &f));
        assert_int_eq(claims_lock(root, A_UUID, now_usec() + 50 * USEC_PER_MSEC, &d, &f), -ETIMEDOUT);
        claims_unlock(c);
        assert_ok(claims_lock(root, A_UUID, now_usec() + USEC_PER_SEC, &d, &f));
        claims_unlock(d);
        end();
}

/* A mediated device stands on its parent, virtual functions on the physical one: neither goes to another meanwhile, and
 * others of the same kind are welcome. */
TEST(what_stands_on_a_card)
{
        const Action mine = { .step = (char *) "mediated-device",
                              .target = (char *) "c2177883-f1bb-47f0-914d-32a22e3a8804",
                              .param = (char *) "parent=0000:01:00.0",
                              .flags = ACTION_EXCLUSIVE },
                     free_one = { .step = (char *) "mediated-device",
                                  .target = (char *) "d2177883-f1bb-47f0-914d-32a22e3a8804",
                                  .param = (char *) "parent=0000:02:00.0",
                                  .flags = ACTION_EXCLUSIVE },
                     functions = { .step = (char *) "virtual-functions",
                                   .target = (char *) "0000:01:00.0",
                                   .flags = ACTION_SHARED };
        Plan *p = plan_new("vm2", B_UUID, "");
        Journal *a, *b = NULL;
        Fault f = { 0 };

        begin();
        a = make(A_UUID, "vm1", 1, "active"); /* has 0000:01:00.0 itself */
        assert_int_eq(verdict(&mine), CLAIM_HELD);
        assert_int_eq(verdict(&free_one), CLAIM_FREE);
        assert_int_eq(verdict(&functions), CLAIM_HELD);
        assert_ok(journal_remove(a));
        journal_close(a);

        assert_not_null(plan_append(p, mine.step, mine.target, "t-1", mine.flags, 0));
        assert_ok(action_param_add(p->actions, "parent", "0000:01:00.0"));
        assert_not_null(plan_append(p, functions.step, functions.target, "4", functions.flags, 0));
        assert_ok(action_set(&p->actions[0].before, VALUE_NONE));
        assert_ok(action_set(&p->actions[1].before, "0"));
        assert_ok(journal_create(root, B_UUID, &b, &f));
        assert_ok(journal_write_plan(b, p, &f));
        assert_int_eq(verdict(&driver), CLAIM_HELD);
        assert_int_eq(verdict(&functions), CLAIM_INHERIT);
        assert_int_eq(verdict(&mine), CLAIM_HELD); /* the same device */
        assert_ok(journal_log(b, LOG_WORD_BEGIN, -1, NULL));
        assert_ok(journal_log(b, LOG_WORD_INTENT, 1, NULL));
        assert_ok(journal_log(b, LOG_WORD_STUCK, 1, "write sriov_numvfs"));
        assert_int_eq(verdict(&functions), CLAIM_HELD); /* a look at it would hang as well */
        journal_close(b);
        end();
}

/* What others have still to make is promised. */
TEST(instances_promised)
{
        HostMdevType types[] = { { .parent = (char *) "mtty", .id = (char *) "mtty-1", .available = 2 },
                                 { .parent = (char *) "mtty", .id = (char *) "mtty-2", .available = 1 } };
        HostMdev made = { .uuid = (char *) "d2177883-f1bb-47f0-914d-32a22e3a8804" };
        HostView view = { .mdev_types = types, .n_mdev_types = 2 };
        Plan *p = plan_new("vm2", B_UUID, "");
        Journal *b = NULL;
        Fault f = { 0 };

        begin();
        assert_not_null(plan_append(p, "mediated-device", made.uuid, "mtty-1", ACTION_EXCLUSIVE, 0));
        assert_ok(action_param_add(p->actions, "parent", "mtty"));
        assert_ok(action_set(&p->actions[0].before, VALUE_NONE));
        assert_ok(strv_append(&p->mediated, made.uuid));
        assert_ok(journal_create(root, B_UUID, &b, &f));
        assert_ok(journal_write_plan(b, p, &f));
        assert_ok(claims_mark(root, ME, &view));
        assert_int_eq(types[0].available, 1);
        assert_int_eq(types[1].available, 1);
        view.mdevs = &made; /* it is counted by the kernel now */
        view.n_mdevs = 1;
        assert_ok(claims_mark(root, ME, &view));
        assert_int_eq(types[0].available, 1);
        assert_ok(claims_mark(root, B_UUID, &view)); /* my own */
        assert_int_eq(types[0].available, 1);
        journal_close(b);
        end();
}

/* Links come one by one: what another guest's start makes counts as made. */
TEST(virtual_functions_on_their_way)
{
        HostFunction functions[] = { { .address = { .bus = 3 }, .sriov_total = 7, .sriov_vfs = 1 },
                                     { .address = { .bus = 4 }, .sriov_total = 7, .sriov_vfs = 1 } };
        HostView view = { .functions = functions, .n_functions = 2 };
        Plan *p = plan_new("vm2", B_UUID, "");
        Journal *b = NULL;
        Fault f = { 0 };

        begin();
        assert_not_null(plan_append(p, "virtual-functions", "0000:03:00.0", "4", ACTION_SHARED, 0));
        assert_ok(action_set(&p->actions[0].before, "0"));
        assert_ok(journal_create(root, B_UUID, &b, &f));
        assert_ok(journal_write_plan(b, p, &f));
        assert_ok(claims_mark(root, ME, &view));
        assert_int_eq(functions[0].sriov_vfs, 4);
        assert_int_eq(functions[1].sriov_vfs, 1);
        functions[0].sriov_vfs = 6; /* there were more */
        assert_ok(claims_mark(root, ME, &view));
        assert_int_eq(functions[0].sriov_vfs, 6);
        functions[0].sriov_vfs = 2;
        assert_ok(journal_log(b, LOG_WORD_REVERT, -1, NULL));
        assert_ok(journal_log(b, LOG_WORD_UNDO, 0, NULL));
        assert_ok(claims_mark(root, ME, &view));
        assert_int_eq(functions[0].sriov_vfs, 0);
        journal_close(b);
        end();
}

TEST_MAIN
