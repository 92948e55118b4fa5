/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* What a process that dies leaves to the next one. */
typedef struct Legacy {
        bool crashed;
        char violations[512], wrong[1024], failed[sizeof(((Combo *) NULL)->failed)];
        char state[];
} Legacy;

static void leave(Host *h, Legacy *l)
{
        fake_state_get(h, l->state);
        (void) snprintf(l->violations, sizeof(l->violations), "%s", fake_violations(h) ? fake_violations(h) : "");
        (void) snprintf(l->failed, sizeof(l->failed), "%s", fake_faults_targets(h));
}

static void die(Host *h, void *arg)
{
        Legacy *l = arg;

        l->crashed = true;
        leave(h, l);
        _exit(FAKE_CRASHED);
}

bool life_process(Combo *c, LifePart part, void *arg, char **ret_wrong)
{
        size_t size = sizeof(Legacy) + fake_state_size();
        Legacy *l = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        bool crashed;
        int status;
        pid_t pid;

        if (l == MAP_FAILED)
                abort();
        (void) fflush(NULL);
        pid = fork();
        if (pid < 0)
                abort();
        if (pid == 0) {
                char *w;

                fake_on_crash(c->h, die, l);
                w = part(c, arg);
                (void) snprintf(l->wrong, sizeof(l->wrong), "%s", w ? w : "");
                leave(c->h, l);
                _exit(0);
        }
        if (waitpid(pid, &status, 0) != pid)
                abort();
        crashed = l->crashed;
        if (!WIFEXITED(status) || (WEXITSTATUS(status) != FAKE_CRASHED && WEXITSTATUS(status) != 0))
                *ret_wrong = wrong("the process died by itself (status %#x)", (unsigned) status);
        else if (l->violations[0])
                *ret_wrong = wrong("broke a law: %s", l->violations);
        else if (l->wrong[0])
                *ret_wrong = wrong("%s", l->wrong);
        fake_reset(c->h);
        fake_state_set(c->h, l->state);
        (void) snprintf(c->failed, sizeof(c->failed), "%s", l->failed);
        (void) munmap(l, size);
        return crashed;
}
