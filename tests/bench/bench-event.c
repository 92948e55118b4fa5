/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an event that nobody owns costs: the shim against the real daemon, beside a process that only exits and beside
 * the bash hook that hookd replaces. bench-event [--samples=N] [--rounds=N]; exit status 1: a limit is missed. */
#include "bench/bench.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>

#define AT_ONCE 100

static const char *const raw[] = { RAW_EXE, "nobody", "started", "begin", "-", NULL };
static const char *const started[] = { SHIM_EXE, "nobody", "started", "begin", "-", NULL };
static const char *const prepare[] = { SHIM_EXE, "nobody", "prepare", "begin", "-", NULL };
static const char *const baseline[] = { BASELINES "/desktop-hook.sh", "nobody", "started", "begin", "-", NULL };

static double ratio(Samples *a, Samples *b)
{
        return (double) samples_percentile(a, 50) / (double) samples_percentile(b, 50);
}

static double above(Samples *a, Samples *b)
{
        return ((double) samples_percentile(a, 50) - (double) samples_percentile(b, 50)) / 1000;
}

/* A B C D A B C D …: what else happens on the machine meets all of them. Those that are NULL are left out. */
static void interleave(const char *const *const hooks[], Samples *results, size_t n, unsigned samples)
{
        for (size_t i = 0; i < n; i++) {
                samples_init(&results[i], samples);
                for (unsigned k = 0; hooks[i] && k < 5; k++)
                        (void) hook_run(hooks[i]); /* warm-up */
        }
        for (unsigned k = 0; k < samples; k++)
                for (size_t i = 0; i < n; i++)
                        if (hooks[i])
                                samples_add(&results[i], hook_run(hooks[i]));
}

static const char *no_baseline(void)
{
        if (!*BASELINES)
                return "no baselines folder given (meson option baselines)";
        return access(baseline[0], X_OK) < 0 ? "no executable desktop-hook.sh in the baselines folder" : NULL;
}

static void bench_against_others(unsigned samples)
{
        enum { RAW, SHIM, PREPARE, BASH, HOOKS };
        const char *why = no_baseline();
        const char *const *const hooks[HOOKS] = { raw, started, prepare, why ? NULL : baseline };
        Samples s[HOOKS];
        Daemon d;

        daemon_start(&d, 0);
        interleave(hooks, s, HOOKS, samples);
        daemon_stop(&d);
        table_head("an event nobody owns, the whole process");
        table_row("a static binary without libc that only exits", &s[RAW]);
        table_row("shim and daemon, started begin", &s[SHIM]);
        table_row("shim and daemon, prepare begin", &s[PREPARE]);
        if (why)
                table_not_run("bash hook, started begin", why);
        else
                table_row("bash hook, started begin", &s[BASH]);
        limit_at_most("shim / only exits", ratio(&s[SHIM], &s[RAW]), 2.2, "x");
        limit_at_most("shim, prepare / only exits", ratio(&s[PREPARE], &s[RAW]), 2.2, "x");
        if (why)
                table_not_run("bash hook / shim", why);
        else {
                limit_at_least("bash hook / shim", ratio(&s[BASH], &s[SHIM]), 10, "x");
                (void) printf("  %-56s shim %.1f us, bash hook %.1f us\n",
                              "of it above a process that only exits (medians)", above(&s[SHIM], &s[RAW]),
                              above(&s[BASH], &s[RAW]));
        }
        for (size_t i = 0; i < HOOKS; i++)
                samples_done(&s[i]);
}

static void bench_profiles(unsigned samples)
{
        enum { RAW, SHIM, PREPARE, HOOKS };
        const char *const *const hooks[HOOKS] = { raw, started, prepare };
        Samples s[HOOKS];
        Daemon d;

        daemon_start(&d, 1000);
        interleave(hooks, s, HOOKS, samples);
        table_head("the same with 1,000 profiles");
        table_row("a static binary without libc that only exits", &s[RAW]);
        table_row("shim and daemon, started begin", &s[SHIM]);
        table_row("shim and daemon, prepare begin", &s[PREPARE]);
        limit_at_most("shim / only exits", ratio(&s[SHIM], &s[RAW]), 2.2, "x");
        limit_at_most("shim, prepare / only exits", ratio(&s[PREPARE], &s[RAW]), 2.2, "x");
        (void) printf("  %-56s %7lu KiB\n", "daemon's PSS", daemon_memory(&d, "Pss"));
        daemon_stop(&d);
        for (size_t i = 0; i < HOOKS; i++)
                samples_done(&s[i]);
}

static void at_once(const char *what, const char *const *hook, unsigned times)
{
        Samples each, wall;
        char text[64];

        samples_init(&each, (size_t) times * AT_ONCE);
        samples_init(&wall, times);
        for (unsigned i = 0; i < times; i++)
                samples_add(&wall, hooks_run_at_once(hook, AT_ONCE, &each));
        (void) snprintf(text, sizeof(text), "%s, each", what);
        table_row(text, &each);
        (void) snprintf(text, sizeof(text), "%s, until the last is through", what);
        table_row(text, &wall);
        samples_done(&each);
        samples_done(&wall);
}

static void bench_at_once(unsigned times)
{
        Daemon d;

        daemon_start(&d, 0);
        table_head("100 at once");
        at_once("only exits", raw, times);
        at_once("shim and daemon", started, times);
        daemon_stop(&d);
}

/* The same daemon, when the last deadline of a client (10 s) has passed. It has no watchdog here: sd-event tells that
 * at any wake-up, and so its messages would excuse wake-ups that are not its own. */
static void bench_idle(const Daemon *d)
{
        unsigned long sleeps;

        bench_let_pass(11000);
        sleeps = daemon_sleeps(d);
        bench_let_pass(10000);
        sleeps = daemon_sleeps(d) - sleeps;
        (void) printf("\nidle for 10 s, without a watchdog\n");
        limit_at_most("wake-ups", (double) sleeps, 0, "");
        limit_at_most("PSS", (double) daemon_memory(d, "Pss") / 1024, 2.5, "MiB");
}

/* PSS counts what is shared by how many share it, and other processes come and go: what must not grow at all is what
 * the daemon has for itself. */
static void bench_in_a_row(unsigned rounds)
{
        unsigned long own, pss;
        unsigned fds;
        Samples s;
        Daemon d;

        daemon_start(&d, 0);
        for (unsigned i = 0; i < 1000; i++)
                (void) hook_run(i % 2 ? started : prepare);
        fds = daemon_descriptors(&d);
        own = daemon_memory(&d, "Anonymous");
        pss = daemon_memory(&d, "Pss");
        samples_init(&s, rounds);
        for (unsigned i = 0; i < rounds; i++)
                samples_add(&s, hook_run(i % 2 ? started : prepare));
        table_head("in a row, after a warm-up of 1,000");
        table_row("shim and daemon, started and prepare begin", &s);
        (void) printf("  %-56s %7lu KiB before, %lu KiB after\n", "daemon's PSS", pss, daemon_memory(&d, "Pss"));
        limit_at_most("own memory, growth", (double) daemon_memory(&d, "Anonymous") - (double) own, 0, "KiB");
        limit_at_most("PSS, growth", (double) daemon_memory(&d, "Pss") - (double) pss, 64, "KiB");
        limit_at_most("descriptors, growth", (double) daemon_descriptors(&d) - fds, 0, "");
        samples_done(&s);
        bench_idle(&d);
        daemon_stop(&d);
}

int main(int argc, char **argv)
{
        static const struct option options[] = { { "samples", required_argument, NULL, 's' },
                                                 { "rounds", required_argument, NULL, 'r' },
                                                 { NULL, 0, NULL, 0 } };
        unsigned samples = 500, rounds = 100000;
        int c, r;

        while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
                unsigned n = optarg ? (unsigned) strtoul(optarg, NULL, 10) : 0;

                if (c == '?' || n == 0)
                        bench_fail("usage: bench-event [--samples=N] [--rounds=N]");
                *(c == 's' ? &samples : &rounds) = n;
        }
        if (SANITIZED) {
                table_not_run("everything", "the daemon is built with sanitizers");
                return 77;
        }
        r = bench_enter_namespace();
        if (r < 0) {
                (void) printf("NOT RUN: no mount namespace of our own (%s): only root may\n", strerror(-r));
                return 77;
        }
        (void) signal(SIGPIPE, SIG_IGN);
        (void) printf("shim: " SHIM_KIND "; build: " BUILDTYPE "\n");
        bench_against_others(samples);
        bench_profiles(samples);
        bench_at_once(10);
        bench_in_a_row(rounds);
        (void) printf("\n%u limits missed\n", limits_missed());
        return limits_missed() > 0;
}
