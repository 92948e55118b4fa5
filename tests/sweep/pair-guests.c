/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep/pair.h"

#include "txn/worker.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

bool check(Guests *g, bool ok, const char *story, unsigned at, const char *what)
{
        if (!ok) {
                g->failed++;
                printf("FAILED %s: %s, operation %u: %s\n", g->on->tree, story, at, what);
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

int prepare(Guests *g, int i, Fault *f)
{
        _cleanup_(journal_closep) Journal *j = NULL;
        Plan *plan = NULL;
        Txn t;
        int r;

        r = plan_decode(g->plan[i], strlen(g->plan[i]), &plan, f);
        if (r < 0)
                return r;
        (void) snprintf(plan->uuid, sizeof(plan->uuid), "%s", g->uuid[i]);
        g->acting = i;
        g->h->no_cancel = false;
        r = journal_create(g->root, g->uuid[i], &j, f);
        if (r < 0) {
                plan_free(plan);
                return r;
        }
        t = txn(g, j);
        return txn_prepare(&t, plan, f);
}

int release(Guests *g, int i, Fault *f)
{
        _cleanup_(journal_closep) Journal *j = NULL;
        Txn t;
        int r;

        g->acting = i;
        r = journal_open(g->root, g->uuid[i], 1, &j, f);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (!j->plan)
                return journal_remove(j);
        t = txn(g, j);
        return txn_revert(&t, "release", f);
}

bool is_down(Guests *g)
{
        _cleanup_free_ char *now = fake_host_summary(g->h);

        return now && strstr(now, g->on->held);
}

/* A module must not go while a card of another is bound to its driver, which is named as the module is. */
void watch_modules(void *arg, unsigned n, const char *op, const char *target, bool effect, bool hand)
{
        Guests *g = arg;

        if (!streq(op, "module-unload"))
                return;
        STRV_FOREACH (bdf, g->on->cards[!g->acting]) {
                _cleanup_free_ char *now = fake_host_summary(g->h);
                char line[96];

                (void) snprintf(line, sizeof(line), "driver %s %s\n", *bdf, target);
                g->unloaded += now && strstr(now, line);
        }
}

bool as_before(Guests *g)
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
int plan_b_now(Guests *g, Fault *f)
{
        _cleanup_(guest_freep) Guest *guest = NULL;
        _cleanup_(profile_freep) Profile *p = NULL;
        _cleanup_(plan_freep) Plan *plan = NULL;
        Worker w = { .verb = "prepare",
                     .domain = g->on->profile,
                     .event = "prepare/begin",
                     .root = "/",
                     .journals = g->root,
                     .profiles = SWEEP_PROFILES,
                     .conf = "/nonexistent/hookd.conf",
                     .client_fd = -1,
                     .xml_fd = memfd_create("xml", MFD_CLOEXEC),
                     .host = g->h };
        int r;

        if (w.xml_fd < 0 || dprintf(w.xml_fd, "<domain type='kvm'><name>%s</name><uuid>%s</uuid><devices>",
                                    g->on->profile, g->uuid[1]) < 0)
                return -errno;
        STRV_FOREACH (bdf, g->on->cards[1]) {
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
        free(w.xml);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        free(g->plan[1]);
        g->plan[1] = plan_encode(plan);
        return g->plan[1] ? 0 : -ENOMEM;
}

void begin(Guests *g)
{
        g->cases++;
        fake_reset(g->h);
        fake_state_set(g->h, g->before);
}

static void die(Host *h, void *arg)
{
        fake_state_get(h, arg);
        _exit(FAKE_CRASHED);
}

/* The process that acts for guest i dies at an operation. false: it did not come to that. */
bool crash_in(Guests *g, Act act, int i, FakeWhat what, unsigned at)
{
        FakeFault crash = { .what = what, .at = fake_ops(g->h) + at };
        struct {
                unsigned unloaded;
                char state[];
        } *left = mmap(NULL, sizeof(*left) + fake_state_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                       0);
        Fault f = { 0 };
        int status;
        pid_t pid;

        if (left == MAP_FAILED)
                abort();
        (void) fake_fault_add(g->h, &crash);
        (void) fflush(NULL);
        pid = fork();
        if (pid == 0) {
                fake_on_crash(g->h, die, left->state);
                (void) act(g, i, &f);
                left->unloaded = g->unloaded;
                fake_state_get(g->h, left->state);
                _exit(0);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid)
                abort();
        fake_reset(g->h);
        fake_state_set(g->h, left->state);
        g->unloaded = MAX(g->unloaded, left->unloaded);
        (void) munmap(left, sizeof(*left) + fake_state_size());
        return WEXITSTATUS(status) == FAKE_CRASHED;
}

int make_plan(Guests *g, int i, Fault *f)
{
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_(profile_freep) Profile *p = NULL;
        int r = combo_plan(g->h, g->on->cards[i], SWEEP_PROFILES, g->on->profile, &plan, &p, f);

        if (r < 0)
                return r;
        plan->created_usec = i + 1;
        g->plan[i] = plan_encode(plan);
        (void) snprintf(g->uuid[i], sizeof(g->uuid[i]), "73116f6f-f817-425f-bd60-4f93db371c3%d", i);
        return 0;
}
