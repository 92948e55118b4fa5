/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep/story.h"

#include <stdarg.h>
#include <stdio.h>

static uint64_t draw(uint64_t *random)
{
        uint64_t x = *random += 0x9e3779b97f4a7c15; /* splitmix64 */

        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
        x = (x ^ x >> 27) * 0x94d049bb133111eb;
        return x ^ x >> 31;
}

static unsigned below(uint64_t *random, unsigned n)
{
        return (unsigned) (draw(random) % n);
}

uint64_t story_seed(uint64_t seed, uint64_t n)
{
        uint64_t x = seed + n * 0x2545f4914f6cdd1d;

        return draw(&x);
}

static const struct {
        const char *name;
        FakeWhat what;
        int error;
} kinds[] = {
        { "EIO", FAKE_ERRNO, -EIO },
        { "ENODEV", FAKE_ERRNO, -ENODEV },
        { "EBUSY", FAKE_ERRNO, -EBUSY },
        { "EAGAIN", FAKE_ERRNO, -EAGAIN },
        { "lie", FAKE_LIE, 0 },
        { "hang", FAKE_HANG, 0 },
        { "late", FAKE_LATE, 0 },
        { "slow", FAKE_SLOW, 0 },
        { "cancel", FAKE_CANCEL, 0 },
        { "crash-before", FAKE_CRASH_BEFORE, 0 },
        { "crash-after", FAKE_CRASH_AFTER, 0 },
};

/* Half of them at operations that change something, which are few. */
static unsigned place(const Combo *c, uint64_t *random)
{
        unsigned at = 1 + below(random, c->n_total + 8);

        if (below(random, 2))
                for (unsigned i = 0; i < c->n_total; i++) {
                        unsigned n = 1 + (at + i) % c->n_total;

                        if (c->ops[n].effect)
                                return n;
                }
        return at;
}

void story_draw(Story *s, const Combo *c, uint64_t random)
{
        static const unsigned how_many[] = { 0, 1, 1, 1, 1, 2, 2, 3 };
        size_t used = 0;

        *s = (Story){ .n_faults = how_many[below(&random, ARRAY_SIZE(how_many))],
                      .restart = below(&random, 3) == 0 ? RESTART_RUNNING : RESTART_NONE };
        if (below(&random, 6) == 0)
                s->restart = RESTART_STARTING;
        for (unsigned i = 0; i < s->n_faults; i++) {
                unsigned k = below(&random, ARRAY_SIZE(kinds));
                FakeFault *x = &s->faults[i];

                *x = (FakeFault){ .what = kinds[k].what, .error = kinds[k].error, .at = place(c, &random), .late = 2 };
                s->crashes |= x->what == FAKE_CRASH_BEFORE || x->what == FAKE_CRASH_AFTER;
                s->hangs |= x->what == FAKE_HANG;
                used += (size_t) snprintf(s->text + used, sizeof(s->text) - used, "%s %s:%u", i ? "," : "",
                                          kinds[k].name, x->at);
        }
        (void) snprintf(s->text + used, sizeof(s->text) - used, "%s%s", s->n_faults ? "" : " no fault",
                        s->restart == RESTART_RUNNING    ? ", a restart while it runs"
                        : s->restart == RESTART_STARTING ? ", a restart before it runs"
                                                         : "");
}

static bool qemu_runs(Combo *c)
{
        _cleanup_free_ char *now = fake_host_summary(c->h);

        return now && strstr(now, "holder qemu");
}

/* A daemon that comes back looks at the open journal of a guest that runs, or is being started. */
static char *restart(Combo *c, Story *s)
{
        _cleanup_free_ char *a = fake_host_summary(c->h), *b = NULL;
        unsigned hits = fake_faults_hit(c->h);
        Fault f = { 0 };
        bool kept;
        int r;

        r = life_recover(c, s->root, &kept, &f);
        b = fake_host_summary(c->h);
        if (!a || !b || !streq(a, b))
                return wrong("a restart touched the host of a guest that %s: %s",
                             s->restart == RESTART_RUNNING ? "runs" : "is being started", f.text);
        if ((r < 0 || !kept) && fake_faults_hit(c->h) == hits)
                return wrong("a restart did not keep what a guest needs: %s", f.text);
        return NULL;
}

/* What is left after a refusal, or where a process died: without faults all of it must go back. */
static char *recover(Combo *c, Story *s)
{
        Fault f = { 0 };
        bool kept;
        int r;

        s->recovered++;
        fake_faults_clear(c->h);
        r = life_recover(c, s->root, &kept, &f);
        if (r >= 0 && kept) {
                if (!qemu_runs(c) && s->restart != RESTART_STARTING)
                        return wrong("recovery kept what nobody needs");
                fake_guest_stop(c->h, GUEST_PID);
                fake_guest_stop(c->h, OWNER_PID);
                (void) journal_note_stopped(s->root, c->plan->uuid);
                r = life_recover(c, s->root, &kept, &f);
                if (r >= 0 && kept)
                        return wrong("recovery kept what nobody needs any more");
        }
        return r < 0 ? wrong("recovery: %s", f.text) : NULL;
}

static char *unstick(Combo *c, Story *s)
{
        s->stuck++;
        if (!s->hangs)
                return wrong("hung the card by itself: %s", c->h->stuck_what);
        fake_faults_clear(c->h);
        return life_unstick(c, s->root);
}

static char *prepare(Combo *c, Story *s)
{
        Fault f = { 0 };
        int r = life_prepare(c, s->root, s->restart == RESTART_STARTING, &f);

        if (c->h->stuck)
                return r >= 0 ? wrong("prepare succeeded though the card is stuck") : unstick(c, s);
        if (r >= 0) {
                s->held = true;
                return NULL;
        }
        s->refused++;
        if (!*f.text)
                return wrong("refused without a word (%s)", strerror(-r));
        if (!life_journal_left(c, s->root))
                return NULL;
        if (!strstr(f.text, "NOT everything"))
                return wrong("a journal is left, and the refusal does not say so: %s", f.text);
        return recover(c, s);
}

static char *run_guest(Combo *c, Story *s)
{
        char *w = NULL;
        int r;

        if (s->restart == RESTART_STARTING)
                w = restart(c, s);
        if (w)
                return w;
        r = life_guest_start(c);
        if (r < 0)
                return wrong("prepare succeeded, but the guest cannot start: %s", strerror(-r));
        if (s->restart == RESTART_RUNNING)
                w = restart(c, s);
        fake_guest_stop(c->h, GUEST_PID);
        return w;
}

static char *release(Combo *c, Story *s)
{
        Fault f = { 0 };
        int r;

        c->h->deadline = UINT64_MAX;
        c->h->no_cancel = false;
        r = life_release(c, s->root, false, &f);
        if (c->h->stuck)
                return unstick(c, s);
        if (r >= 0)
                return NULL;
        if (!life_journal_left(c, s->root))
                return wrong("release failed and left no journal: %s", f.text);
        if (!*f.text)
                return wrong("release failed without a word");
        s->recovered++;
        fake_faults_clear(c->h);
        r = life_release(c, s->root, false, &f);
        return r < 0 ? wrong("a second release, without the fault, failed: %s", f.text) : NULL;
}

static char *live(Combo *c, void *arg)
{
        Story *s = arg;
        char *w;

        w = prepare(c, s);
        if (!w && s->held)
                w = run_guest(c, s);
        if (!w && s->held)
                w = release(c, s);
        return w;
}

char *story_tell(Story *s, Combo *c, const char *root)
{
        Fault f = { 0 };
        char *w = NULL;

        s->root = root;
        if (combo_again(c, &f) < 0)
                return wrong("the host is such that it is refused now: %s", f.text);
        for (unsigned i = 0; i < s->n_faults; i++)
                (void) fake_fault_add(c->h, &s->faults[i]);
        (void) fake_client(c->h);
        if (s->restart == RESTART_STARTING)
                (void) fake_process(c->h, OWNER_PID, "libvirtd");
        if (!s->crashes)
                w = live(c, s);
        else if (life_process(c, live, s, &w) && !w) {
                s->crashed++;
                (void) fake_release_hangs(c->h); /* the journal's lock is the hung hand's: nobody comes before */
                fake_advance(c->h, USEC_PER_SEC);
                w = recover(c, s);
        }
        fake_guest_stop(c->h, OWNER_PID);
        return w ? w : life_judge(c, root);
}
