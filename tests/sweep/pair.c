/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep/pair.h"

#include "util/log.h"

#include <stdio.h>

/* Two guests on one host, each with a card of its own, the desktop on both: it comes back when the last one that needed
 * it gone has left, in any order, with a crash at any operation. So do virtual functions of one card go. And two guests
 * that want the same card. */

static const PairHost hosts[] = {
        { "two-cards-wayland",
          "unit gdm.service inactive\n",
          "empty",
          { { (char *) "0000:08:00.0", (char *) "0000:08:00.1", NULL },
            { (char *) "0000:03:00.0", (char *) "0000:03:00.1", NULL } } },
        { "server-nvidia",
          "unit nvidia-persistenced.service inactive\n",
          "empty",
          { { (char *) "0000:41:00.0", NULL }, { (char *) "0000:81:00.0", NULL } } },
        { "sriov-nic",
          "vfs 0000:03:00.0 4\n",
          "virtual",
          { { (char *) "0000:03:10.0", NULL }, { (char *) "0000:03:10.2", NULL } } },
};

/* B is planned when A has its card: with the desktop down already, and nothing to be seen of what it had open. */
static void planned_late(Guests *g, int first)
{
        const char *story = first ? "B, planned late, leaves first" : "A leaves first, B was planned late";
        _cleanup_free_ char *plan = strdup(g->plan[1]);
        Fault f = { 0 };

        begin(g);
        if (check(g, prepare(g, 0, &f) >= 0 && plan_b_now(g, &f) >= 0 && prepare(g, 1, &f) >= 0, story, 0, f.text)) {
                check(g, release(g, first, &f) >= 0, story, 0, f.text);
                check(g, is_down(g), story, 0, "the desktop is back though a guest still needs it gone");
                check(g, release(g, !first, &f) >= 0, story, 0, f.text);
                check(g, as_before(g), story, 0, "the host is not as before");
        }
        free(g->plan[1]);
        g->plan[1] = TAKE_PTR(plan);
}

/* Both get their cards; then they leave, `first` first. */
static void orderly(Guests *g, int first)
{
        const char *story = first ? "B leaves first" : "A leaves first";
        Fault f = { 0 };

        begin(g);
        if (!check(g, prepare(g, 0, &f) >= 0 && prepare(g, 1, &f) >= 0, story, 0, f.text))
                return;
        check(g, release(g, first, &f) >= 0, story, 0, f.text);
        check(g, is_down(g), story, 0, "what both need gone is back though a guest still needs it gone");
        check(g, release(g, !first, &f) >= 0, story, 0, f.text);
        check(g, as_before(g), story, 0, "the host is not as before");
}

/* B is planned while it would be alone on the driver; before it gets to the module A has given its card back. */
static void module_of_two(Guests *g)
{
        const char *story = "A's card comes back before B unloads the module of both";
        _cleanup_free_ char *plan = strdup(g->plan[1]);
        Fault f = { 0 };
        int r;

        begin(g);
        if (check(g, prepare(g, 0, &f) >= 0 && plan_b_now(g, &f) >= 0 && release(g, 0, &f) >= 0, story, 0, f.text)) {
                check(g, strstr(g->plan[1], "module\tamdgpu\tafter=absent"), story, 0, "it is not in the plan");
                r = prepare(g, 1, &f);
                check(g, r == -EBUSY && strstr(f.text, "another guest"), story, 0, f.text);
                check(g, release(g, 1, &f) >= 0 && as_before(g), story, 0, "the host is not as before");
        }
        free(g->plan[1]);
        g->plan[1] = TAKE_PTR(plan);
}

static void same_card(Guests *g)
{
        _cleanup_free_ char *held = NULL, *now = NULL, *plan = g->plan[1];
        Fault f = { 0 };
        int r;

        begin(g);
        g->plan[1] = strdup(g->plan[0]);
        check(g, prepare(g, 0, &f) >= 0, "one card", 0, f.text);
        held = fake_host_summary(g->h);
        r = prepare(g, 1, &f);
        now = fake_host_summary(g->h);
        check(g, r == -EBUSY && startswith(f.text, g->on->cards[0][0]) && strstr(f.text, "is in use by the guest"),
              "one card", 0, f.text);
        check(g, held && now && streq(held, now), "one card", 0, "the first guest's card was touched");
        f = (Fault){ 0 };
        check(g, release(g, 1, &f) >= 0 && release(g, 0, &f) >= 0, "one card", 0, f.text);
        check(g, as_before(g), "one card", 0, "the host is not as before");
        free(g->plan[1]);
        g->plan[1] = TAKE_PTR(plan);
}

/* A's release dies at every operation, and before anybody recovers it B is planned and prepared. */
static void late_after_crash(Guests *g, unsigned every)
{
        const char *story = "crash in A's release, B starts before its recovery";
        _cleanup_free_ char *plan = strdup(g->plan[1]);
        bool died = true;

        for (unsigned at = 1; died && g->failed <= 20; at += every) {
                Fault f = { 0 };

                begin(g);
                if (!check(g, prepare(g, 0, &f) >= 0, story, at, f.text))
                        break;
                died = crash_in(g, release, 0, FAKE_CRASH_BEFORE, at);
                if (check(g, plan_b_now(g, &f) >= 0 && prepare(g, 1, &f) >= 0, story, at, f.text)) {
                        check(g, release(g, 0, &f) >= 0, story, at, f.text); /* as recovery does */
                        /* where A brought it back before it died it has nothing of B's open yet, and may stay */
                        check(g, is_down(g) || !strstr(g->plan[1], "display-manager"), story, at,
                              "the desktop is back though a guest still needs it gone");
                        check(g, release(g, 1, &f) >= 0, story, at, f.text);
                } else
                        (void) release(g, 0, &f);
                check(g, as_before(g), story, at, "the host is not as before");
        }
        free(g->plan[1]);
        g->plan[1] = TAKE_PTR(plan);
}

/* Who dies, and what the other one has by then. */
typedef enum When { IN_SECOND_PREPARE, IN_FIRST_RELEASE, IN_LAST_RELEASE, WHEN_N } When;

/* x has its card first, and leaves first. late: recovery comes only when the other one has left, too. */
static bool crash_story(Guests *g, When when, int x, bool late, FakeWhat what, unsigned at)
{
        static const char *const names[] = { "crash in the second prepare", "crash in the first release",
                                             "crash in the last release" };
        int dying = when == IN_FIRST_RELEASE ? x : !x;
        char story[128];
        Fault f = { 0 };
        bool died;

        (void) snprintf(story, sizeof(story), "%s%s, %s first%s", names[when],
                        what == FAKE_CRASH_AFTER ? " (after)" : "", x ? "B" : "A", late ? ", recovery last" : "");
        begin(g);
        if (!check(g,
                   prepare(g, x, &f) >= 0 && (when == IN_SECOND_PREPARE || prepare(g, !x, &f) >= 0) &&
                           (when != IN_LAST_RELEASE || release(g, x, &f) >= 0),
                   story, at, f.text))
                return false;
        died = crash_in(g, when == IN_SECOND_PREPARE ? prepare : release, dying, what, at);
        if (when == IN_LAST_RELEASE)
                check(g, release(g, dying, &f) >= 0, story, at, f.text); /* as recovery does */
        else {
                check(g, release(g, late ? !dying : dying, &f) >= 0, story, at, f.text);
                check(g, late || is_down(g), story, at, "what both need gone is back though the other needs it gone");
                check(g, release(g, late ? dying : !dying, &f) >= 0, story, at, f.text);
        }
        check(g, as_before(g), story, at, "the host is not as before");
        return died && g->failed <= 20;
}

static void crashes(Guests *g, unsigned every)
{
        unsigned from = 0;

        for (unsigned k = 0; k < WHEN_N * 8; k++) {
                When when = (When) (k / 8);
                bool late = k & 2;

                if (when == IN_LAST_RELEASE && late)
                        continue;
                for (unsigned at = 1 + from++ % every;
                     crash_story(g, when, k & 1, late, k & 4 ? FAKE_CRASH_AFTER : FAKE_CRASH_BEFORE, at); at += every)
                        ;
        }
}

static int pair_on(const PairHost *on, unsigned every, unsigned *cases)
{
        Guests g = { .on = on, .root = "/dev/shm/hookd-pair-XXXXXX" };
        Fault f = { 0 };
        char path[512];

        (void) snprintf(path, sizeof(path), SWEEP_HOSTS "/%s.tree", on->tree);
        if (!mkdtemp(g.root) || fake_host_new(path, &g.h, &f) < 0 || make_plan(&g, 0, &f) < 0 ||
            make_plan(&g, 1, &f) < 0) {
                printf("FAILED %s: %s\n", on->tree, f.text);
                return 1;
        }
        g.before = malloc(fake_state_size());
        g.summary = fake_host_summary(g.h);
        if (!g.before || !g.summary)
                abort();
        fake_state_get(g.h, g.before);
        fake_trace(g.h, watch_modules, &g);
        orderly(&g, 0);
        orderly(&g, 1);
        same_card(&g);
        crashes(&g, every);
        if (on != hosts + 1) {
                planned_late(&g, 0);
                planned_late(&g, 1);
                late_after_crash(&g, every);
        }
        if (on == hosts)
                module_of_two(&g);
        check(&g, g.unloaded == 0, "all", 0, "a module was unloaded under the other's card");
        (void) snprintf(path, sizeof(path), "%s/claims.lock", g.root);
        (void) unlink(path);
        check(&g, rmdir(g.root) == 0, "all", 0, "a journal is left");
        host_free(g.h);
        free(g.before);
        free(g.summary);
        free(g.plan[0]);
        free(g.plan[1]);
        *cases += g.cases;
        return (int) g.failed;
}

int main(int argc, char **argv)
{
        unsigned every = argc > 2 && streq(argv[1], "--every") ? (unsigned) MAX(atoi(argv[2]), 1) : 1, cases = 0,
                 failed = 0;

        log_open(LOG_TO_NULL, NULL, LOG_DEBUG);
        for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
                failed += (unsigned) pair_on(hosts + i, every, &cases);
        printf("pair: %u cases, %u failed\n", cases, failed);
        return failed > 0;
}
