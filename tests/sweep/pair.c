/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep.h"

#include "txn/worker.h"
#include "util/log.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* Two guests on one host, each with a card of its own, the desktop on both: it comes back when the last one that needed
 * it gone has left, in any order, with a crash at any operation. And two guests that want the same card. */

#define TREE SWEEP_HOSTS "/two-cards-wayland.tree"

typedef struct Guests {
        Host *h;
        char *plan[2];
        char uuid[2][37];
        void *before; /* state: nobody has anything */
        char *summary;
        char root[64];
        unsigned cases, failed;
} Guests;

static char *const cards[2][3] = {
        { (char *) "0000:08:00.0", (char *) "0000:08:00.1", NULL },
        { (char *) "0000:03:00.0", (char *) "0000:03:00.1", NULL },
};

static bool check(Guests *g, bool ok, const char *story, unsigned at, const char *what)
{
        if (!ok) {
                g->failed++;
                printf("FAILED %s, operation %u: %s\n", story, at, what);
        }
        return ok;
}

static Txn txn(Guests *g, Journal *j)
{
        return (Txn){ .host = g->h,
                      .journal = j,
                      .root = g->root,
                      .domain = j->plan ? j->plan->domain : "pair",
                      .event = "pair",
                      .forward_timeout = 180 * USEC_PER_SEC,
                      .back_timeout = 180 * USEC_PER_SEC };
}

static int prepare(Guests *g, int i, Fault *f)
{
        _cleanup_(journal_closep) Journal *j = NULL;
        Plan *plan = NULL;
        Txn t;
        int r;

        r = plan_decode(g->plan[i], strlen(g->plan[i]), &plan, f);
        if (r < 0)
                return r;
        (void) snprintf(plan->uuid, sizeof(plan->uuid), "%s", g->uuid[i]);
        g->h->no_cancel = false;
        r = journal_create(g->root, g->uuid[i], &j, f);
        if (r < 0) {
                plan_free(plan);
                return r;
        }
        t = txn(g, j);
        return txn_prepare(&t, plan, f);
}

static int release(Guests *g, int i, Fault *f)
{
        _cleanup_(journal_closep) Journal *j = NULL;
        Txn t;
        int r;

        r = journal_open(g->root, g->uuid[i], 1, &j, f);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (!j->plan)
                return journal_remove(j);
        t = txn(g, j);
        return txn_revert(&t, "release", f);
}

static const char *desktop(Guests *g)
{
        static char active[16];
        UnitInfo info = { 0 };

        (void) host_unit(g->h, UNIT_STATE, "gdm.service", &info);
        (void) snprintf(active, sizeof(active), "%s", info.active);
        return active;
}

static bool as_before(Guests *g)
{
        _cleanup_free_ char *now = NULL;
        Combo c = { .summary = g->summary };
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_free_ char *diff = NULL;
        Fault f = { 0 };

        fake_advance(g->h, 30 * USEC_PER_SEC);
        if (plan_decode(g->plan[0], strlen(g->plan[0]), &plan, &f) < 0)
                return false;
        c.plan = plan;
        diff = host_differences(&c, g->h);
        if (diff)
                printf("%s", diff);
        return !diff && !fake_violations(g->h);
}

/* B's plan anew, on the host as it is now, with what the journals say: as a worker of its own would make it. */
static int plan_b_now(Guests *g, Fault *f)
{
        _cleanup_(guest_freep) Guest *guest = NULL;
        _cleanup_(profile_freep) Profile *p = NULL;
        _cleanup_(plan_freep) Plan *plan = NULL;
        Worker w = { .verb = "prepare",
                     .domain = "empty",
                     .event = "prepare/begin",
                     .root = "/",
                     .journals = g->root,
                     .profiles = SWEEP_PROFILES,
                     .conf = "/nonexistent/hookd.conf",
                     .client_fd = -1,
                     .xml_fd = memfd_create("xml", MFD_CLOEXEC),
                     .host = g->h };
        int r;

        if (w.xml_fd < 0 ||
            dprintf(w.xml_fd, "<domain type='kvm'><name>empty</name><uuid>%s</uuid><devices>", g->uuid[1]) < 0)
                return -errno;
        STRV_FOREACH (bdf, cards[1]) {
                PciAddress a;

                if (pci_parse(*bdf, &a) < 0 ||
                    dprintf(w.xml_fd,
                            "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x%04x' "
                            "bus='0x%02x' slot='0x%02x' function='0x%x'/></source></hostdev>",
                            a.domain, a.bus, a.slot, a.function) < 0)
                        return -EIO;
        }
        if (dprintf(w.xml_fd, "</devices></domain>") < 0 || lseek(w.xml_fd, 0, SEEK_SET) < 0)
                return -errno;
        r = worker_plan(&w, &guest, &p, &plan, f);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        free(g->plan[1]);
        g->plan[1] = plan_encode(plan);
        return g->plan[1] ? 0 : -ENOMEM;
}

/* B is planned when A has its card: with the desktop down already, and nothing to be seen of what it had open. */
static void planned_late(Guests *g, int first)
{
        const char *story = first ? "B, planned late, leaves first" : "A leaves first, B was planned late";
        _cleanup_free_ char *plan = strdup(g->plan[1]);
        Fault f = { 0 };

        g->cases++;
        fake_reset(g->h);
        fake_state_set(g->h, g->before);
        if (check(g, prepare(g, 0, &f) >= 0 && plan_b_now(g, &f) >= 0 && prepare(g, 1, &f) >= 0, story, 0, f.text)) {
                check(g, release(g, first, &f) >= 0, story, 0, f.text);
                check(g, streq(desktop(g), "inactive"), story, 0,
                      "the desktop is back though a guest still needs it gone");
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

        g->cases++;
        fake_reset(g->h);
        fake_state_set(g->h, g->before);
        if (!check(g, prepare(g, 0, &f) >= 0 && prepare(g, 1, &f) >= 0, story, 0, f.text))
                return;
        check(g, release(g, first, &f) >= 0, story, 0, f.text);
        check(g, streq(desktop(g), "inactive"), story, 0, "the desktop is back though a guest still needs it gone");
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

        g->cases++;
        fake_reset(g->h);
        fake_state_set(g->h, g->before);
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

        g->cases++;
        fake_reset(g->h);
        fake_state_set(g->h, g->before);
        g->plan[1] = strdup(g->plan[0]);
        check(g, prepare(g, 0, &f) >= 0, "one card", 0, f.text);
        held = fake_host_summary(g->h);
        r = prepare(g, 1, &f);
        now = fake_host_summary(g->h);
        check(g, r == -EBUSY && strstr(f.text, "in use by the guest"), "one card", 0, f.text);
        check(g, held && now && streq(held, now), "one card", 0, "the first guest's card was touched");
        f = (Fault){ 0 };
        check(g, release(g, 1, &f) >= 0 && release(g, 0, &f) >= 0, "one card", 0, f.text);
        check(g, as_before(g), "one card", 0, "the host is not as before");
        free(g->plan[1]);
        g->plan[1] = TAKE_PTR(plan);
}

static void die(Host *h, void *arg)
{
        fake_state_get(h, arg);
        _exit(FAKE_CRASHED);
}

typedef int (*Act)(Guests *g, int i, Fault *f);

/* The process that acts for guest i dies at an operation. True: it did. */
static bool dies_in(Guests *g, Act act, int i, unsigned at)
{
        FakeFault crash = { .what = FAKE_CRASH_BEFORE, .at = fake_ops(g->h) + at };
        void *left = mmap(NULL, fake_state_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        int status;
        pid_t pid;

        if (left == MAP_FAILED)
                abort();
        (void) fake_fault_add(g->h, &crash);
        (void) fflush(NULL);
        pid = fork();
        if (pid == 0) {
                Fault f = { 0 };

                fake_on_crash(g->h, die, left);
                (void) act(g, i, &f);
                fake_state_get(g->h, left);
                _exit(0);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid)
                abort();
        fake_reset(g->h);
        fake_state_set(g->h, left);
        (void) munmap(left, fake_state_size());
        return WEXITSTATUS(status) == FAKE_CRASHED;
}

/* It dies; recovery of its journal, then the other guest leaves. */
static bool crash_in(Guests *g, Act act, int i, unsigned at, const char *story)
{
        bool died = dies_in(g, act, i, at);
        Fault f = { 0 };

        check(g, release(g, i, &f) >= 0, story, at, f.text); /* as recovery does */
        check(g, streq(desktop(g), "inactive"), story, at, "the desktop is back though the other needs it gone");
        check(g, release(g, !i, &f) >= 0, story, at, f.text);
        check(g, as_before(g), story, at, "the host is not as before");
        return died;
}

/* A's release dies at every operation, and before anybody recovers it B is planned and prepared. */
static void late_after_crash(Guests *g)
{
        const char *story = "crash in A's release, B starts before its recovery";
        _cleanup_free_ char *plan = strdup(g->plan[1]);
        bool died = true;

        for (unsigned at = 1; died && g->failed <= 20; at++) {
                Fault f = { 0 };

                g->cases++;
                fake_reset(g->h);
                fake_state_set(g->h, g->before);
                if (!check(g, prepare(g, 0, &f) >= 0, story, at, f.text))
                        break;
                died = dies_in(g, release, 0, at);
                if (check(g, plan_b_now(g, &f) >= 0 && prepare(g, 1, &f) >= 0, story, at, f.text)) {
                        check(g, release(g, 0, &f) >= 0, story, at, f.text); /* as recovery does */
                        /* where A brought it back before it died it has nothing of B's open yet, and may stay */
                        check(g, streq(desktop(g), "inactive") || !strstr(g->plan[1], "display-manager"), story, at,
                              "the desktop is back though a guest still needs it gone");
                        check(g, release(g, 1, &f) >= 0, story, at, f.text);
                } else
                        (void) release(g, 0, &f);
                check(g, as_before(g), story, at, "the host is not as before");
        }
        free(g->plan[1]);
        g->plan[1] = TAKE_PTR(plan);
}

/* At every operation of B's prepare while A has its card; of A's release while B has its. */
static void crashes(Guests *g, bool preparing)
{
        const char *story = preparing ? "crash in B's prepare, A has its card" : "crash in A's release, B has its card";

        for (unsigned at = 1;; at++) {
                Fault f = { 0 };

                g->cases++;
                fake_reset(g->h);
                fake_state_set(g->h, g->before);
                if (!check(g, prepare(g, 0, &f) >= 0 && (preparing || prepare(g, 1, &f) >= 0), story, at, f.text) ||
                    !crash_in(g, preparing ? prepare : release, preparing, at, story) || g->failed > 20)
                        return;
        }
}

static int make_plan(Guests *g, int i, Fault *f)
{
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_(profile_freep) Profile *p = NULL;
        int r = combo_plan(g->h, cards[i], SWEEP_PROFILES, "empty", &plan, &p, f);

        if (r < 0)
                return r;
        plan->created_usec = i + 1;
        g->plan[i] = plan_encode(plan);
        (void) snprintf(g->uuid[i], sizeof(g->uuid[i]), "73116f6f-f817-425f-bd60-4f93db371c3%d", i);
        return 0;
}

int main(void)
{
        Guests g = { .root = "/dev/shm/hookd-pair-XXXXXX" };
        Fault f = { 0 };
        char lock[96];

        log_open(LOG_TO_NULL, NULL, LOG_DEBUG);
        if (!mkdtemp(g.root) || fake_host_new(TREE, &g.h, &f) < 0 || make_plan(&g, 0, &f) < 0 ||
            make_plan(&g, 1, &f) < 0) {
                fprintf(stderr, "pair: %s\n", f.text);
                return 2;
        }
        g.before = malloc(fake_state_size());
        g.summary = fake_host_summary(g.h);
        if (!g.before || !g.summary)
                return 2;
        fake_state_get(g.h, g.before);
        orderly(&g, 0);
        orderly(&g, 1);
        planned_late(&g, 0);
        planned_late(&g, 1);
        module_of_two(&g);
        same_card(&g);
        crashes(&g, true);
        crashes(&g, false);
        late_after_crash(&g);
        (void) snprintf(lock, sizeof(lock), "%s/claims.lock", g.root);
        (void) unlink(lock);
        check(&g, rmdir(g.root) == 0, "all", 0, "a journal is left");
        printf("pair: %u cases, %u failed\n", g.cases, g.failed);
        host_free(g.h);
        free(g.before);
        free(g.summary);
        free(g.plan[0]);
        free(g.plan[1]);
        return g.failed > 0;
}
