/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep.h"

#include <stdarg.h>
#include <stdio.h>

char *wrong(const char *fmt, ...)
{
        char *s;
        va_list ap;

        va_start(ap, fmt);
        if (vasprintf(&s, fmt, ap) < 0)
                abort();
        va_end(ap);
        return s;
}

/* The end of every story: the host as it was, no journal, nothing done that must not be. */
char *life_judge(Combo *c, const char *root)
{
        _cleanup_free_ char *diff = NULL;

        fake_advance(c->h, 30 * USEC_PER_SEC); /* udev, lingering users */
        if (fake_violations(c->h))
                return wrong("broke a law: %s", fake_violations(c->h));
        diff = host_differences(c, c->h);
        if (diff)
                return wrong("the host is not as before:\n%s", diff);
        if (life_journal_left(c, root))
                return wrong("the journal is left");
        return NULL;
}

int life_guest_start(Combo *c)
{
        _cleanup_strv_ char **devices = NULL;

        STRV_FOREACH (bdf, c->plan->functions)
                if (strv_append(&devices, *bdf) < 0)
                        return -ENOMEM;
        for (size_t i = 0; i < c->plan->n_actions; i++) { /* one that nobody makes is libvirt's to refuse */
                const Action *a = &c->plan->actions[i];

                if (strv_contains(c->plan->mediated, a->target) && strv_append(&devices, a->target) < 0)
                        return -ENOMEM;
        }
        return fake_guest_start(c->h, devices, GUEST_PID);
}

static int guest_round(Combo *c)
{
        int r = life_guest_start(c);

        if (r >= 0)
                fake_guest_stop(c->h, GUEST_PID);
        return r;
}

/* The kernel lets go of what hung, and what is left goes back, as the worker does it. */
char *life_unstick(Combo *c, const char *root)
{
        Fault f = { 0 };
        int r;

        (void) fake_release_hangs(c->h);
        c->h->stuck = false;
        fake_advance(c->h, USEC_PER_SEC);
        r = life_release(c, root, true, &f);
        if (r < 0 && r != -ENOENT)
                return wrong("the kernel let go, but not all could be put back: %s", f.text);
        return NULL;
}

/* Whoever wants the stuck card is refused at once. Where not even a look at it returned there is no journal to say so.
 */
static char *others_refused(Combo *c, const char *root)
{
        Fault f = { 0 };
        int r;

        if (!life_journal_left(c, root))
                return NULL;
        r = life_other_prepare(c, root, &f);
        if (r >= 0)
                return wrong("another guest got the stuck card");
        if (!strstr(f.text, "is stuck since ") || !strstr(f.text, ": step "))
                return wrong("another guest was refused the stuck card with: %s", f.text);
        return NULL;
}

/* A whole life with whatever faults are set; hangs: one of them is that. */
static char *live(Combo *c, const char *root, bool hangs, bool must_refuse)
{
        Fault f = { 0 };
        char *w;
        int r;

        r = life_prepare(c, root, false, &f);
        if (c->h->stuck && !hangs)
                return wrong("hung the card by itself: %s", c->h->stuck_what);
        if (c->h->stuck) {
                if (r >= 0)
                        return wrong("prepare succeeded though the card is stuck");
                w = others_refused(c, root);
                if (!w)
                        w = life_unstick(c, root);
                return w ? w : life_judge(c, root);
        }
        if (r < 0) {
                if (!*f.text)
                        return wrong("refused without a word (%s)", strerror(-r));
                if (life_journal_left(c, root)) { /* the rollback met the second fault */
                        bool kept;

                        if (!strstr(f.text, "NOT everything"))
                                return wrong("a journal is left, and the refusal does not say so: %s", f.text);
                        fake_faults_clear(c->h);
                        r = life_recover(c, root, &kept, &f);
                        if (r < 0 || kept)
                                return wrong("recovery after the refusal: %s", kept ? "kept" : f.text);
                }
                w = life_judge(c, root);
                if (w) {
                        char *all = wrong("refused: %s\n      %s", f.text, w);

                        free(w);
                        return all;
                }
                return NULL;
        }
        if (must_refuse)
                return wrong("nobody waits for the answer any more, and prepare succeeded");
        r = guest_round(c);
        if (r < 0)
                return wrong("prepare succeeded, but the guest cannot start: %s", strerror(-r));
        c->h->deadline = UINT64_MAX;
        c->h->no_cancel = false;
        r = life_release(c, root, false, &f);
        if (c->h->stuck && !hangs)
                return wrong("hung the card by itself: %s", c->h->stuck_what);
        if (c->h->stuck) {
                w = others_refused(c, root);
                if (!w)
                        w = life_unstick(c, root);
                return w ? w : life_judge(c, root);
        }
        if (r < 0) {
                if (!life_journal_left(c, root))
                        return wrong("release failed and left no journal: %s", f.text);
                if (!*f.text)
                        return wrong("release failed without a word");
                fake_faults_clear(c->h);
                r = life_release(c, root, false, &f);
                if (r < 0)
                        return wrong("a second release, without the fault, failed: %s", f.text);
        }
        return life_judge(c, root);
}

typedef struct Part {
        const char *root;
        bool recovering;
} Part;

static char *part(Combo *c, void *arg)
{
        const Part *p = arg;
        Fault f = { 0 };
        bool kept;

        if (!p->recovering)
                return live(c, p->root, false, false);
        (void) life_recover(c, p->root, &kept, &f); /* what comes of it is seen by the next one */
        return NULL;
}

static char *crash_case(Combo *c, const Case *x, const char *root)
{
        FakeFault first = { .what = streq(x->kind, "crash-after") ? FAKE_CRASH_AFTER : FAKE_CRASH_BEFORE, .at = x->at };
        char *w = NULL;
        Fault f = { 0 };
        bool kept;
        int r;

        (void) fake_fault_add(c->h, &first);
        if (!life_process(c, part, &(Part){ root, false }, &w))
                return w ? w : wrong("operation %u was not reached", x->at);
        if (w)
                return w;
        fake_advance(c->h, USEC_PER_SEC);
        if (streq(x->kind, "recrash")) {
                FakeFault second = { .what = FAKE_CRASH_BEFORE, .at = 1 + x->at * 7 % c->n_prepare };

                (void) fake_fault_add(c->h, &second);
                (void) life_process(c, part, &(Part){ root, true }, &w);
                if (w)
                        return w;
                fake_advance(c->h, USEC_PER_SEC);
        }
        r = life_recover(c, root, &kept, &f);
        if (r < 0)
                return wrong("recovery failed: %s", f.text);
        if (kept)
                return wrong("recovery kept what nobody needs");
        return life_judge(c, root);
}

static char *kept_case(Combo *c, const Case *x, const char *root)
{
        bool guest = streq(x->kind, "kept-guest"), dying = streq(x->kind, "kept-dying"), kept;
        _cleanup_free_ char *a = NULL, *b = NULL;
        unsigned at = 0;
        Fault f = { 0 };
        int r;

        r = life_prepare(c, root, !guest, &f);
        if (r < 0)
                return c->gated ? NULL : wrong("prepare: %s", f.text);
        if (guest && (r = life_guest_start(c)) < 0)
                return wrong("the guest cannot start: %s", strerror(-r));
        if (!guest) {
                r = fake_process(c->h, OWNER_PID, "libvirtd");
                if (r < 0)
                        return wrong("no owner");
        }
        /* A QEMU in the middle of its end has no file open any more; libvirtd may not have noticed even when it is
         * over. */
        if (dying && (fake_process(c->h, GUEST_PID, "qemu-system-x86") < 0 ||
                      journal_note_guest(root, c->plan->uuid, GUEST_PID, GUEST_PID) < 0))
                return wrong("no guest");
        a = fake_host_summary(c->h);
        /* what cannot be seen is not gone */
        for (unsigned hits = 1; hits > 0;) {
                FakeFault unseen = { .what = FAKE_ERRNO, .error = -EIO, .at = fake_ops(c->h) + ++at };
                _cleanup_free_ char *now = NULL;

                (void) fake_fault_add(c->h, &unseen);
                (void) life_recover(c, root, &kept, &f);
                hits = fake_faults_hit(c->h);
                fake_faults_clear(c->h);
                now = fake_host_summary(c->h);
                if (!now || !streq(now, a))
                        return wrong("%s could not be seen, and the host of a guest that %s was touched",
                                     fake_last_op(c->h), guest ? "runs" : "is being started");
        }
        f = (Fault){ 0 };
        r = life_recover(c, root, &kept, &f);
        b = fake_host_summary(c->h);
        if (r < 0 || !kept)
                return wrong("a guest that %s was not left alone: %s", guest || dying ? "runs" : "is being started",
                             f.text);
        if (!streq(a, b))
                return wrong("the host of a guest that runs was touched");
        if (guest || dying)
                fake_guest_stop(c->h, GUEST_PID);
        else
                (void) journal_note_stopped(root, c->plan->uuid);
        r = life_recover(c, root, &kept, &f);
        if (r < 0 || kept)
                return wrong("the guest is gone, and recovery did not put the host back: %s", f.text);
        return life_judge(c, root);
}

static char *plan_case(Combo *c, const Case *x)
{
        FakeFault one = { .what = FAKE_ERRNO, .error = -EIO, .at = x->at };
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_(profile_freep) Profile *p = NULL;
        _cleanup_free_ char *now = NULL;
        Fault f = { 0 };
        char *dot = strchr(c->name, '.');

        (void) fake_fault_add(c->h, &one);
        if (combo_plan(c->h, NULL, SWEEP_PROFILES, dot + 1, &plan, &p, &f) < 0 && !*f.text)
                return wrong("refused without a word");
        now = fake_host_summary(c->h);
        if (!streq(now, c->summary))
                return wrong("looking changed the host");
        return fake_violations(c->h) ? wrong("broke a law: %s", fake_violations(c->h)) : NULL;
}

/* The last operation of prepare at which it sees that the client has gone. */
static unsigned last_look(const Combo *c)
{
        unsigned at = c->n_prepare;

        while (at > 0 && !streq(c->ops[at].op, "wait"))
                at--;
        return at;
}

char *case_run(Combo *c, const Case *x, const char *root)
{
        FakeFault one = { .what = FAKE_ERRNO, .at = x->at };

        fake_reset(c->h);
        fake_state_set(c->h, c->before);
        c->failed[0] = '\0';
        c->clean = streq(x->kind, "clean") || startswith(x->kind, "kept");
        if (streq(x->kind, "plan"))
                return plan_case(c, x);
        life_journal_clear(c, root);
        if (startswith(x->kind, "crash") || streq(x->kind, "recrash"))
                return crash_case(c, x, root);
        if (startswith(x->kind, "kept"))
                return kept_case(c, x, root);
        if (streq(x->kind, "lie"))
                one.what = FAKE_LIE;
        else if (streq(x->kind, "hang"))
                one.what = FAKE_HANG;
        else if (streq(x->kind, "slow"))
                one.what = FAKE_SLOW;
        else if (streq(x->kind, "late"))
                one.what = FAKE_LATE, one.late = 2;
        else if (streq(x->kind, "cancel"))
                one.what = FAKE_CANCEL, (void) fake_client(c->h);
        else if (streq(x->kind, "double"))
                one.error = -EIO;
        else
                for (int e = 1; e < 134 && one.error == 0; e++)
                        if (strerrorname_np(e) && streq(strerrorname_np(e), x->kind))
                                one.error = -e;
        if (!streq(x->kind, "clean"))
                (void) fake_fault_add(c->h, &one);
        if (streq(x->kind, "double")) {
                one.at = x->at + 1 + x->at * 13 % 60;
                (void) fake_fault_add(c->h, &one);
        }
        return live(c, root, streq(x->kind, "hang"), streq(x->kind, "cancel") && x->at <= last_look(c));
}

static void note(void *arg, unsigned n, const char *op, const char *target, bool effect, bool hand)
{
        Combo *c = arg;

        if (n > c->n_total) {
                OpInfo *grown = reallocarray(c->ops, n + 1, sizeof(*grown));

                if (!grown)
                        abort();
                c->ops = grown;
                c->n_total = n;
        }
        (void) snprintf(c->ops[n].op, sizeof(c->ops[n].op), "%s", op);
        (void) snprintf(c->ops[n].target, sizeof(c->ops[n].target), "%s", target);
        c->ops[n].effect = effect;
        c->ops[n].hand = hand;
}

char *case_trace(Combo *c, const char *root)
{
        char *w;
        Fault f = { 0 };

        fake_reset(c->h);
        fake_state_set(c->h, c->before);
        life_journal_clear(c, root);
        c->gated = life_prepare(c, root, false, &f) < 0;
        if (c->gated && !*f.text)
                return wrong("refused without a word");
        c->n_prepare = fake_ops(c->h);
        fake_reset(c->h);
        fake_state_set(c->h, c->before);
        life_journal_clear(c, root);
        fake_trace(c->h, note, c);
        w = live(c, root, false, false);
        fake_trace(c->h, NULL, NULL);
        return w;
}
