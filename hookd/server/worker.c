/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/worker.h"

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

/* No option is given twice or empty: what a job does not have is left out. */
static void fill(Arguments *a, const ServerOptions *o, const char *spool, const Job *j)
{
        add(a, "%s", o->worker);
        add(a, "%s", job_verb_name(j->verb));
        if (j->client_fd >= 0)
                add(a, "--client-fd=%i", j->client_fd);
        if (j->xml_fd >= 0)
                add(a, "--xml-fd=%i", j->xml_fd);
        if (*j->domain)
                add(a, "--domain=%s", j->domain);
        if (*j->uuid)
                add(a, "--uuid=%s", j->uuid);
        add(a, "--event=%s", j->event);
        if (j->caller.pid > 0)
                add(a, "--hook-parent=%i:%llu", (int) j->caller.pid, (unsigned long long) j->caller.start);
        add(a, "--root=%s", o->root);
        add(a, "--journals=%s", o->journals);
        add(a, "--profiles=%s", o->profiles);
        add(a, "--conf=%s", o->conf);
        add(a, "--spool=%s", spool);
        add(a, "--audit=%s", o->audit);
        if (!o->check_owner)
                add(a, "--no-owner-check");
}

/* Keeps fd open across the exec, under its own number. */
static int keep(posix_spawn_file_actions_t *actions, int fd)
{
        return fd >= 0 ? posix_spawn_file_actions_adddup2(actions, fd, fd) : 0;
}

static int spawn(Arguments *a, const Job *j, pid_t *ret)
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
        (void) posix_spawnattr_setpgroup(&attributes, 0); /* ^C in a terminal is for the daemon */
        (void) posix_spawnattr_setflags(&attributes,
                                        POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
        r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (r == 0)
                r = keep(&actions, j->client_fd);
        if (r == 0)
                r = keep(&actions, j->xml_fd);
        if (r == 0)
                r = posix_spawn(ret, a->list[0], &actions, &attributes, a->list, environment);
        (void) posix_spawnattr_destroy(&attributes);
        (void) posix_spawn_file_actions_destroy(&actions);
        return -r;
}

int worker_spawn(const ServerOptions *options, const char *spool, const Job *j, pid_t *ret, Fault *f)
{
        _cleanup_(arguments_free) Arguments a = { 0 };
        int r;

        fill(&a, options, spool, j);
        r = a.failed ? -ENOMEM : spawn(&a, j, ret);
        if (r < 0)
                return fault_set(f, r, options->worker,
                                 "cannot start the worker %s for guest %s: %s; is hookd installed completely?",
                                 options->worker, j->domain, fault_errno(r));
        return 0;
}
