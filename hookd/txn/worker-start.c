/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/worker-start.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>

#define ARGUMENTS_MAX 20

typedef struct Arguments {
        char *list[ARGUMENTS_MAX + 1];
        size_t n;
        bool failed;
} Arguments;

static void arguments_free(Arguments *a)
{
        for (size_t i = 0; i < a->n; i++)
                free(a->list[i]);
}

static void add(Arguments *a, const char *fmt, ...) _printf_(2, 3);

static void add(Arguments *a, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        if (a->n >= ARGUMENTS_MAX || vasprintf(&a->list[a->n], fmt, ap) < 0)
                a->failed = true;
        else
                a->n++;
        va_end(ap);
}

/* No option is given twice or empty: what a call does not have is left out. */
static void fill(Arguments *a, const WorkerCall *c)
{
        add(a, "%s", c->executable);
        add(a, "%s", c->verb);
        if (c->client_fd >= 0)
                add(a, "--client-fd=%i", c->client_fd);
        if (c->xml_fd >= 0)
                add(a, "--xml-fd=%i", c->xml_fd);
        if (*c->domain)
                add(a, "--domain=%s", c->domain);
        if (*c->uuid)
                add(a, "--uuid=%s", c->uuid);
        add(a, "--event=%s", c->event);
        if (c->hook_pid > 0)
                add(a, "--hook-parent=%i:%llu", c->hook_pid, (unsigned long long) c->hook_start);
        if (c->since > 0)
                add(a, "--since=%llu", (unsigned long long) c->since);
        if (c->last > 0)
                add(a, "--last=%llu", (unsigned long long) c->last);
        add(a, "--root=%s", c->root);
        add(a, "--journals=%s", c->journals);
        add(a, "--profiles=%s", c->profiles);
        add(a, "--conf=%s", c->conf);
        add(a, "--spool=%s", c->spool);
        add(a, "--audit=%s", c->audit);
        if (!c->check_owner)
                add(a, "--no-owner-check");
}

/* Keeps fd open across the exec, under its own number. */
static int keep(posix_spawn_file_actions_t *actions, int fd)
{
        return fd >= 0 ? posix_spawn_file_actions_adddup2(actions, fd, fd) : 0;
}

static int spawn(Arguments *a, const WorkerCall *c, pid_t *ret)
{
        static char *const environment[] = {
                (char *) "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", (char *) "LC_ALL=C", NULL
        };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        int r;

        r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;
        r = posix_spawnattr_init(&attributes);
        if (r != 0) {
                (void) posix_spawn_file_actions_destroy(&actions);
                return -r;
        }
        (void) sigemptyset(&none);
        (void) sigfillset(&all);
        (void) posix_spawnattr_setsigmask(&attributes, &none);
        (void) posix_spawnattr_setsigdefault(&attributes, &all);
        (void) posix_spawnattr_setpgroup(&attributes, 0); /* ^C in a terminal is for the one who starts it */
        (void) posix_spawnattr_setflags(&attributes,
                                        POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
        r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (r == 0)
                r = keep(&actions, c->client_fd);
        if (r == 0)
                r = keep(&actions, c->xml_fd);
        if (r == 0)
                r = posix_spawn(ret, a->list[0], &actions, &attributes, a->list, environment);
        (void) posix_spawnattr_destroy(&attributes);
        (void) posix_spawn_file_actions_destroy(&actions);
        return -r;
}

int worker_start(const WorkerCall *c, pid_t *ret, Fault *f)
{
        _cleanup_(arguments_free) Arguments a = { 0 };
        int r;

        fill(&a, c);
        r = a.failed ? -ENOMEM : spawn(&a, c, ret);
        if (r < 0)
                return fault_set(f, r, c->executable,
                                 "cannot start the worker %s for guest %s: %s; is hookd installed completely?",
                                 c->executable, c->domain, fault_errno(r));
        return 0;
}
