/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep.h"

#include "util/log.h"

#include <getopt.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>

/* Every host x every profile x every operation of a guest's life x everything that may go wrong there. */

enum { JOBS = 2 };

static unsigned shown = 20, every = 1;
static bool full, verbose;

typedef struct Tally {
        unsigned cases, failed, shown, refused;
        unsigned combos;
} Tally;

static void report(Tally *t, const Combo *c, const Case *x, char *w)
{
        if (__atomic_add_fetch(&t->failed, 1, __ATOMIC_RELAXED) > shown)
                return;
        flockfile(stdout);
        printf("FAILED --case %s:%s:%u", c->name, x->kind, x->at);
        if (x->at && c->ops && x->at <= c->n_total && !streq(x->kind, "plan"))
                printf("  (%s: %s %s)", x->at <= c->n_prepare ? "prepare" : "release", c->ops[x->at].op,
                       c->ops[x->at].target);
        printf("\n      %s\n", w);
        fflush(stdout);
        funlockfile(stdout);
}

/* only: one case; "" or NULL: all. */
static void sweep_combo(Tally *t, const char *tree, const char *profile, const char *root, const char *only)
{
        _cleanup_(combo_freep) Combo *c = NULL;
        char path[512];
        Fault f = { 0 };
        Case x = { .kind = "clean" };
        char *w;

        (void) snprintf(path, sizeof(path), SWEEP_HOSTS "/%s.tree", tree);
        if (combo_new(path, SWEEP_PROFILES, profile, &c, &f) < 0) {
                printf("FAILED %s.%s: %s\n", tree, profile, f.text);
                (void) __atomic_add_fetch(&t->failed, 1, __ATOMIC_RELAXED);
                return;
        }
        (void) __atomic_add_fetch(&t->combos, 1, __ATOMIC_RELAXED);
        if (!c->refusal) {
                w = case_trace(c, root);
                if (w) {
                        report(t, c, &x, w);
                        free(w);
                        (void) __atomic_add_fetch(&t->cases, 1, __ATOMIC_RELAXED);
                        return;
                }
        }
        for (unsigned i = 0; case_next(c, full || only, &i, &x);) {
                if (!only && x.at > 0 && i % every != 0)
                        continue;
                if (only) {
                        char id[64];

                        (void) snprintf(id, sizeof(id), "%s:%u", x.kind, x.at);
                        if (!streq(id, only))
                                continue;
                }
                log_open(verbose ? LOG_TO_STDERR : LOG_TO_NULL, NULL, LOG_DEBUG);
                w = case_run(c, &x, root);
                log_open(LOG_TO_NULL, NULL, LOG_DEBUG);
                (void) __atomic_add_fetch(&t->cases, 1, __ATOMIC_RELAXED);
                if (w)
                        report(t, c, &x, w);
                free(w);
        }
        if (c->refusal || c->gated)
                (void) __atomic_add_fetch(&t->refused, 1, __ATOMIC_RELAXED);
}

static bool wanted(const char *only, const char *tree, const char *profile, const char **ret_case)
{
        char name[128];
        size_t n;

        *ret_case = NULL;
        if (!only)
                return sweep_fits(tree, profile);
        (void) snprintf(name, sizeof(name), "%s.%s", tree, profile);
        n = strlen(name);
        if (strncmp(only, name, n) != 0 || (only[n] != ':' && only[n] != '\0'))
                return false;
        *ret_case = only[n] == ':' ? only + n + 1 : NULL;
        return true;
}

static void sweep_all(Tally *t, int job, int jobs, const char *only, char *const *trees, char *const *profiles)
{
        char root[] = "/dev/shm/hookd-sweep-XXXXXX";
        char command[64];
        int n = 0;

        if (!mkdtemp(root)) {
                perror("sweep: mkdtemp");
                _exit(2);
        }
        STRV_FOREACH (tree, trees)
                STRV_FOREACH (profile, profiles) {
                        const char *id;

                        if (!wanted(only, *tree, *profile, &id) || n++ % jobs != job)
                                continue;
                        sweep_combo(t, *tree, *profile, root, id);
                }
        (void) snprintf(command, sizeof(command), "%s/claims.lock", root);
        (void) unlink(command);
        if (rmdir(root) < 0 && t->failed == 0) {
                printf("FAILED: something is left in %s\n", root);
                (void) __atomic_add_fetch(&t->failed, 1, __ATOMIC_RELAXED);
        }
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                { "case", required_argument, NULL, 'c' }, { "show", required_argument, NULL, 's' },
                { "full", no_argument, NULL, 'f' },       { "every", required_argument, NULL, 'e' },
                { "verbose", no_argument, NULL, 'v' },    { NULL, 0, NULL, 0 },
        };
        _cleanup_strv_ char **trees = NULL, **profiles = NULL;
        Tally *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        const char *only = NULL;
        struct timespec a, b;
        int c, bad = 0, jobs;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 'c':
                        only = optarg;
                        break;
                case 's':
                        shown = (unsigned) atoi(optarg);
                        break;
                case 'f':
                        full = true;
                        break;
                case 'e':
                        every = (unsigned) MAX(atoi(optarg), 1);
                        break;
                case 'v':
                        verbose = true;
                        break;
                default:
                        fprintf(stderr, "usage: sweep [--full | --every N] [--show FAILURES] [--verbose] [--case "
                                        "TREE.PROFILE[:KIND:OPERATION]]\n");
                        return 2;
                }
        if (t == MAP_FAILED || sweep_names(SWEEP_HOSTS, ".tree", &trees) < 0 ||
            sweep_names(SWEEP_PROFILES, ".ini", &profiles) < 0) {
                fprintf(stderr, "sweep: no trees in %s or no profiles in %s\n", SWEEP_HOSTS, SWEEP_PROFILES);
                return 2;
        }
        log_open(LOG_TO_NULL, NULL, LOG_DEBUG);
        (void) clock_gettime(CLOCK_MONOTONIC, &a);
        jobs = only ? 1 : JOBS;
        for (int job = 0; job < jobs && jobs > 1; job++) {
                pid_t pid = fork();

                if (pid < 0)
                        abort();
                if (pid == 0) {
                        (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
                        sweep_all(t, job, jobs, only, trees, profiles);
                        (void) fflush(stdout);
                        strv_free(trees);
                        strv_free(profiles);
                        _exit(0);
                }
        }
        if (jobs == 1)
                sweep_all(t, 0, 1, only, trees, profiles);
        for (int status; jobs > 1 && wait(&status) > 0;)
                if (status != 0) {
                        printf("FAILED: a process died by itself (status %#x)\n", (unsigned) status);
                        bad = 1;
                }
        (void) clock_gettime(CLOCK_MONOTONIC, &b);
        printf("sweep: %u hosts with profiles (%u of them refuse), %u cases, %u failed, %.1f s\n", t->combos,
               t->refused, t->cases, t->failed,
               (double) (b.tv_sec - a.tv_sec) + (double) (b.tv_nsec - a.tv_nsec) / 1e9);
        if (t->cases == 0)
                printf("sweep: nothing was run\n");
        return bad || t->failed > 0 || t->cases == 0;
}
