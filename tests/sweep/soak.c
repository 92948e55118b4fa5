/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep/story.h"

#include "util/log.h"

#include <dirent.h>
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

/* A hundred thousand lives with random faults, one after the other in one process, some of them on the host as the last
 * one left it. Afterwards: no host that differs, and memory, descriptors, processes and journals as at the start. */

enum { BLOCK = 10 }; /* lives on one host; the last of them without a fault */

static unsigned shown = 20;
static bool verbose;

typedef struct Tally {
        uint64_t rounds, wrong, held, refused, stuck, crashed, recovered;
} Tally;

typedef struct Pair {
        const char *tree, *profile;
} Pair;

typedef struct Usage {
        size_t memory;
        unsigned fds, journals;
        bool children;
} Usage;

/* The sanitizer's own count where it is the allocator. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static unsigned entries(const char *path)
{
        DIR *d = opendir(path);
        unsigned n = 0;

        while (d && readdir(d))
                n++;
        if (d)
                (void) closedir(d);
        return n;
}

static Usage usage(const char *root)
{
        struct mallinfo2 m = mallinfo2();

        return (Usage){
                .memory = __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes()
                                                                  : m.uordblks + m.hblkhd,
                .fds = entries("/proc/self/fd"),
                .journals = entries(root),
                .children = waitpid(-1, NULL, WNOHANG) >= 0,
        };
}

static void tell(Tally *t, Combo *c, const char *root, uint64_t seed, uint64_t round)
{
        Story s = { 0 };
        char *w;

        if (round % BLOCK != BLOCK - 1)
                story_draw(&s, c, story_seed(seed, round));
        else
                (void) snprintf(s.text, sizeof(s.text), " no fault");
        w = story_tell(&s, c, root);
        if (!w && s.n_faults == 0 && !s.held && !c->gated)
                w = wrong("refused, though there is no reason for it any more");
        t->rounds++;
        t->held += s.held;
        t->refused += s.refused;
        t->stuck += s.stuck;
        t->crashed += s.crashed;
        t->recovered += s.recovered;
        if (verbose)
                printf("%" PRIu64 " %s:%s: %s\n", round, c->name, s.text, w ? "WRONG" : s.held ? "held" : "-");
        if (w && t->wrong++ < shown)
                printf("FAILED --seed %" PRIu64 " --round %" PRIu64 "  (%s:%s)\n      %s\n", seed, round, c->name,
                       s.text, w);
        (void) fflush(stdout);
        free(w);
        /* the scripts of a guest set what they set, whatever was there: what a failed one left is no host to begin with
         */
        if (host_script_failed(c, c->h))
                fake_state_set(c->h, c->before);
}

/* The lives on one host, up to a round. */
static void block(Tally *t, const Pair *p, const char *root, uint64_t seed, uint64_t first, uint64_t last)
{
        _cleanup_(combo_freep) Combo *c = NULL;
        _cleanup_free_ char *w = NULL;
        uint64_t wrong_before = t->wrong;
        Fault f = { 0 };
        char path[512];

        (void) snprintf(path, sizeof(path), SWEEP_HOSTS "/%s.tree", p->tree);
        if (combo_new(path, SWEEP_PROFILES, p->profile, &c, &f) < 0 || c->refusal)
                abort(); /* it was there a moment ago */
        w = case_trace(c, root);
        fake_reset(c->h);
        fake_state_set(c->h, c->before);
        for (uint64_t round = first; round <= last && t->wrong == wrong_before; round++)
                tell(t, c, root, seed, round);
        if (t->wrong != wrong_before)
                life_journal_clear(c, root);
}

static size_t pairs_of(char *const *trees, char *const *profiles, Pair **ret)
{
        size_t n = 0;

        *ret = calloc(strv_length(trees) * strv_length(profiles), sizeof(**ret));
        if (!*ret)
                abort();
        STRV_FOREACH (tree, trees)
                STRV_FOREACH (profile, profiles) {
                        _cleanup_(combo_freep) Combo *c = NULL;
                        char path[512];
                        Fault f = { 0 };

                        (void) snprintf(path, sizeof(path), SWEEP_HOSTS "/%s.tree", *tree);
                        if (!sweep_fits(*tree, *profile) || combo_new(path, SWEEP_PROFILES, *profile, &c, &f) < 0 ||
                            c->refusal || c->plan->n_actions == 0)
                                continue; /* what is wrong with it, the sweep says; of nothing there is no transaction
                                           */
                        (*ret)[n++] = (Pair){ *tree, *profile };
                }
        return n;
}

static void run(Tally *t, const Pair *pairs, size_t n_pairs, const char *root, uint64_t seed, uint64_t from,
                uint64_t to)
{
        for (uint64_t first = from / BLOCK * BLOCK; first < to; first += BLOCK)
                block(t, pairs + story_seed(seed, ~(first / BLOCK)) % n_pairs, root, seed, first,
                      MIN(first + BLOCK, to) - 1);
}

static bool same(const Usage *a, const Usage *b)
{
        return a->memory == b->memory && a->fds == b->fds && a->journals == b->journals && !a->children && !b->children;
}

static double seconds(void)
{
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

static int soak(const Pair *pairs, size_t n_pairs, uint64_t seed, uint64_t rounds, uint64_t only)
{
        char root[] = "/dev/shm/hookd-soak-XXXXXX", lock[64];
        Tally t = { 0 }, warm = { 0 };
        double start = seconds();
        Usage before = { 0 }, after = { 0 };
        bool ok;

        if (!mkdtemp(root)) {
                perror("soak: mkdtemp");
                return 2;
        }
        if (only != UINT64_MAX)
                run(&t, pairs, n_pairs, root, seed, only, only + 1);
        else {
                /* libraries allocate once for good */
                for (size_t i = 0; i < n_pairs; i++)
                        block(&warm, pairs + i, root, 0, 0, 1);
                t.wrong = warm.wrong;
                before = usage(root);
                run(&t, pairs, n_pairs, root, seed, 0, rounds);
                after = usage(root);
        }
        (void) snprintf(lock, sizeof(lock), "%s/claims.lock", root);
        (void) unlink(lock);
        ok = rmdir(root) == 0;
        printf("soak: seed %" PRIu64 ", %" PRIu64 " lives on %zu hosts with profiles: %" PRIu64 " held, %" PRIu64
               " refused, %" PRIu64 " stuck, %" PRIu64 " crashed, %" PRIu64 " recovered; %" PRIu64 " wrong, %.1f s\n",
               seed, t.rounds, n_pairs, t.held, t.refused, t.stuck, t.crashed, t.recovered, t.wrong, seconds() - start);
        if (only != UINT64_MAX)
                return t.wrong > 0;
        ok = ok && same(&before, &after);
        printf("soak: at the start %zu bytes, %u descriptors, %u entries beside journals, at the end %zu, %u, %u%s\n",
               before.memory, before.fds, before.journals, after.memory, after.fds, after.journals,
               ok ? "" : ": FAILED, not the same");
        return t.wrong > 0 || t.rounds == 0 || !ok;
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                { "rounds", required_argument, NULL, 'r' },
                { "seed", required_argument, NULL, 's' },
                { "round", required_argument, NULL, 'o' },
                { "verbose", no_argument, NULL, 'v' },
                { NULL, 0, NULL, 0 },
        };
        _cleanup_strv_ char **trees = NULL, **profiles = NULL;
        uint64_t rounds = 2000, seed = 1, only = UINT64_MAX;
        Pair *pairs = NULL;
        size_t n;
        int c, r;

        /* What a thread's cache keeps would count as used: begin again without one. */
        if (!__sanitizer_get_current_allocated_bytes && !getenv("GLIBC_TUNABLES")) {
                (void) setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
                (void) execv("/proc/self/exe", argv);
                perror("soak: cannot begin again");
                return 2;
        }
        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                if (c == 'v')
                        verbose = true;
                else if (c == '?' || parse_uint(optarg, UINT64_MAX - 1,
                                                c == 'r'   ? &rounds
                                                : c == 's' ? &seed
                                                           : &only) < 0) {
                        fprintf(stderr, "usage: soak [--rounds N] [--seed N] [--round K] [--verbose]\n");
                        return 2;
                }
        if (sweep_names(SWEEP_HOSTS, ".tree", &trees) < 0 || sweep_names(SWEEP_PROFILES, ".ini", &profiles) < 0) {
                fprintf(stderr, "soak: no trees in %s or no profiles in %s\n", SWEEP_HOSTS, SWEEP_PROFILES);
                return 2;
        }
        log_open(verbose && only != UINT64_MAX ? LOG_TO_STDERR : LOG_TO_NULL, NULL, LOG_DEBUG);
        n = pairs_of(trees, profiles, &pairs);
        r = n > 0 ? soak(pairs, n, seed, rounds, only) : 2;
        free(pairs);
        return r;
}
