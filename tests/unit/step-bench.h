/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One step on a fake host: what the engine does with it, without journal and claims. */

#include "test.h"

#include "fake/fake-host.h"
#include "host/scan.h"
#include "model/guest.h"
#include "step/step.h"
#include "util/fd.h"

#include <fcntl.h>

typedef struct Bench {
        Host *h;
        HostView *view;
        Profile *profile;
        Guest guest;
        GuestDevice devices[8];
        PciAddress functions[8];
        PlanInput in;
        Plan *plan;
        Fault f;
} Bench;

/* The host of a tree's text; name is its path, for what it includes. The card is what its "guest" line names. */
static inline void bench_open_text(Bench *b, const char *text, const char *name)
{
        _cleanup_strv_ char **functions = NULL;

        *b = (Bench){ 0 };
        if (fake_host_parse(text, strlen(text), name, &b->h, &b->f) < 0)
                test_fail("%s", b->f.text);
        b->h->deadline = UINT64_MAX;
        b->profile = profile_new();
        b->plan = plan_new("win10", "73116f6f-f817-425f-bd60-4f93db371c39", "win10.ini");
        assert_ok(fake_host_guest(b->h, &functions));
        b->in = (PlanInput){ .profile = b->profile, .guest = &b->guest, .functions = b->functions };
        b->guest = (Guest){ .name = (char *) "win10", .devices = b->devices };
        STRV_FOREACH (s, functions) {
                if (uuid_valid(*s)) {
                        GuestDevice *d = &b->devices[b->guest.n_devices++];

                        *d = (GuestDevice){ .type = GUEST_DEVICE_MDEV };
                        (void) snprintf(d->uuid, sizeof(d->uuid), "%s", *s);
                        continue;
                }
                assert_ok(pci_parse(*s, &b->functions[b->in.n_functions]));
                b->devices[b->in.n_functions] = (GuestDevice){ .address = b->functions[b->in.n_functions] };
                b->guest.n_devices = ++b->in.n_functions;
        }
}

/* A tree of tests/hosts, or tree text (with a newline in it), with a change: "item: words" adds words to that item's
 * line (they win), anything else is new lines; NULL: none. */
static inline void bench_open_with(Bench *b, const char *tree, const char *change)
{
        _cleanup_free_ char *text = NULL, *old = NULL;
        const char *colon = change ? strstr(change, ": ") : NULL;
        char path[512] = "test";
        size_t at;

        if (strchr(tree, '\n')) {
                old = strdup(tree);
        } else {
                (void) snprintf(path, sizeof(path), "%s/hosts/%s.tree", TESTS_DIR, tree);
                assert_ok(read_file_at(AT_FDCWD, path, 1 << 20, &old, NULL));
        }
        at = strlen(old);
        if (colon) {
                char start[128];
                const char *line;

                (void) snprintf(start, sizeof(start), "\n%.*s ", (int) (colon - change), change);
                line = strstr(old, start);
                if (!line)
                        test_fail("%s has no line %s", tree, start + 1);
                at = (size_t) (line - old) + 1;
                at += strcspn(old + at, "\n");
        }
        assert_true(asprintf(&text, "%.*s%s%s%s", (int) at, old,
                             colon    ? colon + 1
                             : change ? change
                                      : "",
                             colon ? "" : "\n", old + at) >= 0);
        bench_open_text(b, text, path);
}

static inline void bench_open(Bench *b, const char *tree)
{
        bench_open_with(b, tree, NULL);
}

/* The host as it is now, for the plan of a step. */
static inline void bench_scan(Bench *b)
{
        ScanRequest request = { .wanted = b->functions,
                                .n_wanted = b->in.n_functions,
                                .domain = "win10",
                                .mdev_types = true,
                                .bars = b->profile->n_bars > 0 };
        _cleanup_strv_ char **units = strv_copy(b->profile->stop_units);

        for (size_t i = 0; step_known_units[i]; i++)
                assert_ok(strv_append(&units, step_known_units[i]));
        request.units = units;
        b->view = hostview_free(b->view);
        b->h->deadline = UINT64_MAX;
        if (scan(b->h, &request, &b->view, &b->f) < 0)
                test_fail("%s", b->f.text);
        b->in.view = b->view;
}

/* Appends the step's actions for the host as it is now. */
static inline int bench_plan(Bench *b, const Step *step)
{
        bench_scan(b);
        b->f = (Fault){ 0 };
        return step->plan(&b->in, b->plan, &b->f);
}

static inline void bench_close(Bench *b)
{
        if (fake_violations(b->h))
                test_fail("%s", fake_violations(b->h));
        host_free(b->h);
        hostview_free(b->view);
        profile_free(b->profile);
        plan_free(b->plan);
}

static inline const Action *bench_find(const Bench *b, const char *step, const char *target)
{
        for (size_t i = 0; i < b->plan->n_actions; i++)
                if (streq(b->plan->actions[i].step, step) && (!target || streq(b->plan->actions[i].target, target)))
                        return &b->plan->actions[i];
        return NULL;
}

static inline const Action *bench_action(const Bench *b, const char *step, const char *target)
{
        const Action *a = bench_find(b, step, target);

        if (!a)
                test_fail("no action %s %s", step, target ? target : "");
        return a;
}

/* "step target after; …" */
static inline char *bench_shape(const Bench *b)
{
        static char text[2048];
        size_t used = 0;

        text[0] = '\0';
        for (size_t i = 0; i < b->plan->n_actions; i++) {
                const Action *a = &b->plan->actions[i];

                used += (size_t) snprintf(text + used, sizeof(text) - used, "%s%s %s %s", i ? "; " : "", a->step,
                                          a->target, a->after);
        }
        return text;
}

static inline void bench_deadline(Bench *b, const Action *a)
{
        b->h->deadline = host_now(b->h) + a->timeout_ms * USEC_PER_MSEC;
        b->f = (Fault){ 0 };
}

/* The value of a target now, in a buffer of its own for the next four. */
static inline const char *bench_value(Bench *b, const Action *a)
{
        static char values[4][128];
        static unsigned next;
        _cleanup_free_ char *value = NULL;
        char *buf = values[next++ % 4];

        bench_deadline(b, a);
        if (step_find(a->step)->observe(b->h, a, &value, &b->f) < 0)
                test_fail("observe: %s", b->f.text);
        (void) snprintf(buf, sizeof(values[0]), "%s", value);
        return buf;
}

static inline bool bench_satisfied(const Action *a, const char *now, const char *wanted)
{
        const Step *step = step_find(a->step);

        return step->satisfied ? step->satisfied(a, now, wanted) : streq(now, wanted);
}

/* As the engine converges: 0, or the fault's code; -EIO: the step said yes, but the target is elsewhere. */
static inline int bench_go(Bench *b, const Action *a, const char *value)
{
        const Step *step = step_find(a->step);
        int r;

        if (step->observe && bench_satisfied(a, bench_value(b, a), value))
                return 0;
        bench_deadline(b, a);
        r = step->converge(b->h, a, value, &b->f);
        if (r < 0) {
                assert_int_eq(b->f.code, r);
                assert_true(b->f.text[0] != '\0');
                return r;
        }
        return !step->observe || bench_satisfied(a, bench_value(b, a), value) ? 0 : -EIO;
}

static inline int bench_gate(Bench *b, const Action *a)
{
        int r;

        assert_true(a->flags & ACTION_GATE);
        bench_deadline(b, a);
        r = step_find(a->step)->gate(b->h, a, &b->f);
        if (r < 0)
                assert_int_eq(b->f.code, r);
        return r;
}

/* Laws 1 and 2: from each of these values to each, and observed there. */
static inline void bench_laws(Bench *b, const Action *a, const char *const *values)
{
        for (const char *const *from = values; *from; from++)
                for (const char *const *to = values; *to; to++) {
                        if (bench_go(b, a, *from) < 0 || bench_go(b, a, *to) < 0)
                                test_fail("%s %s: %s -> %s: %s", a->step, a->target, *from, *to, b->f.text);
                        if (!bench_satisfied(a, bench_value(b, a), *to))
                                test_fail("%s %s: %s -> %s left %s", a->step, a->target, *from, *to, bench_value(b, a));
                }
}
#define BENCH_LAWS(b, a, ...) bench_laws((b), (a), (const char *const[]){ __VA_ARGS__, NULL })

static inline void bench_fault(Bench *b, const char *line)
{
        fake_faults_clear(b->h);
        if (fake_fault_parse(b->h, line, &b->f) < 0)
                test_fail("%s", b->f.text);
}

/* What a shell would do to the host meanwhile. */
static inline void bench_write(Bench *b, const char *path, const char *value)
{
        b->h->deadline = UINT64_MAX;
        assert_ok(host_write_hand(b->h, path, value));
}

static inline const char *bench_link(Bench *b, const char *path)
{
        static char buf[128];
        _cleanup_free_ char *link = NULL;

        (void) snprintf(buf, sizeof(buf), "%s", host_readlink(b->h, path, &link) < 0 ? "none" : link);
        return buf;
}
