/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>

/* Faults as data: what goes wrong, where and how often. */

int fake_fault_add(Host *h, const FakeFault *fault)
{
        Fake *k = fake_of(h);

        if (k->n_faults >= MAX_FAULTS)
                return -ENOSPC;
        k->faults[k->n_faults] = *fault;
        k->faults[k->n_faults++].seen = 0;
        return 0;
}

static int errno_of(const char *name)
{
        for (int e = 1; e < 134; e++)
                if (strerrorname_np(e) && streq(strerrorname_np(e), name))
                        return -e;
        return 0;
}

int fake_fault_parse(Host *h, const char *line, Fault *f)
{
        char words[5][192];
        FakeFault x = { 0 };
        uint64_t n;

        if (words_split(line, words, 5) != 4 || parse_uint(words[2], 10000, &n) < 0)
                return fault_set(f, -EINVAL, line, "a fault is OP TARGET NTH WHAT, not \"%s\"", line);
        snprintf(x.op, sizeof(x.op), "%.23s", words[0]);
        text_set(x.target, words[1]);
        x.nth = (unsigned) n;
        if (streq(words[3], "hang")) {
                x.what = FAKE_HANG;
        } else if (streq(words[3], "lie")) {
                x.what = FAKE_LIE;
        } else if (streq(words[3], "crash-before")) {
                x.what = FAKE_CRASH_BEFORE;
        } else if (streq(words[3], "crash-after")) {
                x.what = FAKE_CRASH_AFTER;
        } else if (streq(words[3], "slow")) {
                x.what = FAKE_SLOW;
        } else if (streq(words[3], "cancel")) {
                x.what = FAKE_CANCEL;
        } else if (startswith(words[3], "late:") && parse_uint(words[3] + 5, 10000, &n) == 0) {
                x.what = FAKE_LATE;
                x.late = (unsigned) n;
        } else {
                x.error = errno_of(words[3]);
                if (x.error == 0)
                        return fault_set(f, -EINVAL, words[3], "\"%s\" is no errno and no kind of fault", words[3]);
        }
        return fake_fault_add(h, &x);
}

void fake_faults_clear(Host *h)
{
        fake_of(h)->n_faults = 0;
        fake_of(h)->hits = 0;
}

const char *fake_faults_targets(Host *h)
{
        return fake_of(h)->hit_targets;
}

unsigned fake_faults_hit(Host *h)
{
        return fake_of(h)->hits;
}

static bool matches(FakeFault *x, unsigned n, const char *op, const char *target)
{
        if (x->at)
                return x->at == n;
        if ((x->op[0] && fnmatch(x->op, op, 0) != 0) || (x->target[0] && fnmatch(x->target, target, 0) != 0))
                return false;
        x->seen++;
        return x->nth == 0 || x->nth == x->seen;
}

static void crash(Fake *k)
{
        if (k->on_crash)
                k->on_crash(&k->host, k->on_crash_arg);
        _exit(FAKE_CRASHED);
}

/* What was promised to take effect after some operations. */
static void late(Fake *k, unsigned ops)
{
        FOREACH(Later, x, k->s.later, MAX_LATER)
        if (x->what == LATER_OP && x->at_op && x->at_op <= ops) {
                Later now = *x;

                *x = (Later){ 0 };
                (void) fake_do(k, now.op, now.target, now.value);
        }
}

static void note_hit(Fake *k, const char *target)
{
        size_t used = strlen(k->hit_targets);

        if (used + strlen(target) + 2 < sizeof(k->hit_targets))
                (void) snprintf(k->hit_targets + used, sizeof(k->hit_targets) - used, "%s\n", target);
}

/* A script that takes too long is ended, so what it does is not done; other operations are done when they are slow. */
static void note_script(Fake *k, const char *op, const char *target)
{
        if (streq(op, "script"))
                note_hit(k, target);
}

/* 0: go on; 1: claim success, do nothing; HANGS; -errno. */
int fault_begin(Fake *k, const char *op, const char *target, const char *value, bool hand, bool effect)
{
        k->ops++;
        snprintf(k->last_op, sizeof(k->last_op), "%s %s", op, target);
        if (k->ops > 1000000) {
                fprintf(stderr, "fake: a million operations, the last one %s %s: a loop\n", op, target);
                abort();
        }
        late(k, k->ops);
        if (k->trace)
                k->trace(k->trace_arg, k->ops, op, target, effect, hand);
        for (unsigned i = 0; i < k->n_faults; i++) {
                FakeFault *x = &k->faults[i];
                Later *l;

                if (!matches(x, k->ops, op, target))
                        continue;
                k->hits++;
                switch (x->what) {
                case FAKE_ERRNO:
                        if (startswith(op, "wait") || startswith(op, "exists"))
                                break; /* they have no errors to speak of */
                        fake_spend(k, 100);
                        note_hit(k, target);
                        return x->error;
                case FAKE_HANG:
                        note_script(k, op, target);
                        if (hand || startswith(op, "unit-"))
                                return HANGS;
                        break;
                case FAKE_LIE:
                        if (!effect)
                                break;
                        note_hit(k, target);
                        return 1;
                case FAKE_LATE:
                        if (!effect)
                                break;
                        note_hit(k, target);
                        l = later_add(k, LATER_OP, 0, target, 0);
                        l->at_op = k->ops + x->late;
                        text_set(l->op, op);
                        text_set(l->value, value ? value : "");
                        return 1;
                case FAKE_CRASH_BEFORE:
                        crash(k);
                        break;
                case FAKE_CRASH_AFTER:
                        break; /* in fault_end() */
                case FAKE_SLOW:
                        note_script(k, op, target);
                        fake_spend(k, 600 * USEC_PER_SEC);
                        break;
                case FAKE_CANCEL:
                        closep(&k->client_fd);
                        k->client_fd = -1;
                        break;
                }
        }
        return 0;
}

void fault_end(Fake *k, bool effect)
{
        for (unsigned i = 0; i < k->n_faults; i++) {
                FakeFault *x = &k->faults[i];
                const char *space = strchr(k->last_op, ' ');
                char op[24];

                if (x->what != FAKE_CRASH_AFTER)
                        continue;
                snprintf(op, sizeof(op), "%.*s", (int) (space - k->last_op), k->last_op);
                if (x->at ? x->at == k->ops
                          : fnmatch(x->op, op, 0) == 0 && fnmatch(x->target, space + 1, 0) == 0 &&
                                    (x->nth == 0 || x->nth == x->seen))
                        crash(k);
        }
        if ((effect || startswith(k->last_op, "wait")) && k->on_effect)
                k->on_effect(&k->host, k->on_effect_arg);
}

/* A driver's own probe may fail: no operation of ours, but a fault can name it. */
int fault_probe(Fake *k, const char *bdf, const char *driver)
{
        char target[64];

        snprintf(target, sizeof(target), "%s %s", bdf, driver);
        for (unsigned i = 0; i < k->n_faults; i++)
                if (!k->faults[i].at && streq(k->faults[i].op, "probe") && matches(&k->faults[i], 0, "probe", target)) {
                        k->hits++;
                        return k->faults[i].error;
                }
        return 0;
}

unsigned fake_ops(Host *h)
{
        return fake_of(h)->ops;
}

const char *fake_last_op(Host *h)
{
        return fake_of(h)->last_op;
}

const char *fake_violations(Host *h)
{
        return fake_of(h)->violations;
}

void fake_trace(Host *h, FakeTrace fn, void *arg)
{
        fake_of(h)->trace = fn;
        fake_of(h)->trace_arg = arg;
}

void fake_on_effect(Host *h, void (*fn)(Host *h, void *arg), void *arg)
{
        fake_of(h)->on_effect = fn;
        fake_of(h)->on_effect_arg = arg;
}

void fake_on_crash(Host *h, void (*fn)(Host *h, void *arg), void *arg)
{
        fake_of(h)->on_crash = fn;
        fake_of(h)->on_crash_arg = arg;
}

size_t fake_state_size(void)
{
        return sizeof(State);
}

void fake_state_get(Host *h, void *buf)
{
        memcpy(buf, &fake_of(h)->s, sizeof(State));
}

void fake_state_set(Host *h, const void *buf)
{
        memcpy(&fake_of(h)->s, buf, sizeof(State));
        fake_of(h)->dirty = true;
        late(fake_of(h), UINT_MAX); /* whose operations were counted has ended */
}

static void client_close(Fake *k)
{
        closep(&k->client_fd);
        if (k->own_cancel)
                closep(&k->host.cancel_fd);
        k->host.cancel_fd = k->client_fd = -1;
        k->own_cancel = false;
}

void fake_reset(Host *h)
{
        Fake *k = fake_of(h);

        client_close(k);
        fake_faults_clear(h);
        free(k->violations);
        k->violations = NULL;
        free(TAKE_PTR(k->ran));
        k->ops = 0;
        k->hit_targets[0] = '\0';
        h->deadline = UINT64_MAX;
        h->no_cancel = h->stuck = false;
        h->stuck_what[0] = '\0';
        k->dirty = true;
}

int fake_client(Host *h)
{
        Fake *k = fake_of(h);
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        client_close(k);
        k->own_cancel = true;
        h->cancel_fd = pair[0];
        k->client_fd = pair[1];
        return 0;
}
