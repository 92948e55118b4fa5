/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/profiles.h"

#include "server/server.h"
#include "util/fd.h"
#include "util/log.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/inotify.h>

/* A copy of many files is one reload. A prepare does not wait for it. */
#define RELOAD_DELAY (100 * USEC_PER_MSEC)

#define WATCH_MASK                                                                                           \
        (IN_CREATE | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | \
         IN_MOVE_SELF | IN_ONLYDIR)

/* The first is kept for `hookctl status`. */
static void problem(Profiles *p, const char *path, const char *text)
{
        const LogField fields[] = { { FIELD_TARGET, path }, { NULL, NULL } };

        if (!p->problem)
                p->problem = strdup(text);
        log_entry(LOG_WARNING, MESSAGE_PROFILE_BAD, fields, "%s", text);
}

/* hookd.conf's values; the compiled-in ones where it cannot be used: the worker refuses by itself then. */
static Profile *load_conf(Server *s)
{
        const char *path = s->options->conf;
        Profile *conf = NULL;
        Fault f = { 0 };
        int r;

        r = profile_load(AT_FDCWD, path, path, NULL, s->options->check_owner, &conf, NULL, &f);
        if (r < 0 && r != -ENOENT)
                problem(&s->profiles, path, f.text);
        return r < 0 ? profile_new() : conf;
}

static void load_index(Server *s)
{
        Profiles *p = &s->profiles;
        ProfileIndex *fresh = NULL;
        Fault f = { 0 };

        if (profile_index_load(s->options->profiles, s->options->check_owner, &fresh, &f) < 0) {
                problem(p, s->options->profiles, f.text);
                p->index = profile_index_free(p->index); /* whose guest it is, the worker must say */
                return;
        }
        profile_index_free(p->index);
        p->index = fresh;
        for (size_t i = 0; i < profile_index_size(fresh); i++) {
                const char *name, *text = profile_index_problem(fresh, i, &name);

                if (text)
                        problem(p, name, text);
        }
}

static int on_change(sd_event_source *source, const struct inotify_event *e, void *userdata)
{
        Server *s = userdata;

        if (!s->profiles.stale) {
                s->profiles.stale = true;
                server_wake_at(s, now_usec() + RELOAD_DELAY);
        }
        return 0;
}

/* Watches a folder, or what there is of the way to it. */
static int watch_folder(Server *s, const char *folder, sd_event_source **source)
{
        _cleanup_free_ char *path = strdup(folder);
        sd_event_source *fresh = NULL;
        int r;

        if (!path)
                return -ENOMEM;
        for (;;) {
                char *slash;

                r = sd_event_add_inotify(s->event, &fresh, *path ? path : "/", WATCH_MASK, on_change, s);
                if ((r != -ENOENT && r != -ENOTDIR) || !*path)
                        break;
                slash = strrchr(path, '/');
                if (!slash)
                        break;
                *slash = '\0';
        }
        if (r < 0)
                return r;
        /* A change that was there before a request is seen before that request. */
        (void) sd_event_source_set_priority(fresh, SD_EVENT_PRIORITY_IMPORTANT);
        sd_event_source_disable_unref(*source); /* the new one first: an unchanged folder keeps its watch */
        *source = fresh;
        return 0;
}

static int watch(Server *s)
{
        _cleanup_free_ char *folder = strdup(s->options->conf);
        char *slash = folder ? strrchr(folder, '/') : NULL;
        int r;

        if (!folder)
                return -ENOMEM;
        if (slash)
                *slash = '\0';
        r = watch_folder(s, s->options->profiles, &s->profiles.watch[0]);
        return r < 0 ? r : watch_folder(s, slash ? folder : ".", &s->profiles.watch[1]);
}

static void load(Server *s)
{
        Profiles *p = &s->profiles;
        Profile *conf;

        p->stale = false;
        free(TAKE_PTR(p->problem));
        conf = load_conf(s);
        load_index(s);
        if (conf) {
                profile_free(p->conf);
                p->conf = conf;
        }
        (void) malloc_trim(0); /* a thousand files leave more behind than the index keeps */
}

int profiles_open(Server *s, Fault *f)
{
        int r;

        r = watch(s); /* before the files are read, or a change in between would be missed */
        if (r < 0)
                return fault_set(f, r, s->options->profiles, "cannot watch the profiles in %s: %s",
                                 s->options->profiles, fault_errno(r));
        load(s);
        return s->profiles.conf ? 0 : fault_set(f, -ENOMEM, NULL, "out of memory");
}

void profiles_refresh(Server *s)
{
        int r;

        if (!s->profiles.stale)
                return;
        r = watch(s);
        load(s);
        if (r < 0) {
                s->profiles.stale = true; /* unwatched: every prepare reads them */
                log_simple(LOG_ERR, MESSAGE_PROFILE_BAD, "cannot watch the profiles in %s: %s", s->options->profiles,
                           fault_errno(r));
        }
        server_notify(s);
}

bool profiles_may_own(Server *s, const char *domain)
{
        profiles_refresh(s);
        return !s->profiles.index || profile_index_may_own(s->profiles.index, domain);
}

uint64_t profiles_time_allowed(Server *s, const char *domain, JobVerb verb)
{
        uint64_t start, rollback, stop;

        profiles_refresh(s);
        start = s->profiles.conf->start_timeout;
        rollback = s->profiles.conf->rollback_timeout;
        stop = s->profiles.conf->stop_timeout;
        if (s->profiles.index)
                profile_index_timeouts(s->profiles.index, domain, &start, &rollback, &stop);
        return verb == JOB_PREPARE ? start + rollback : verb == JOB_EVENT ? start : stop;
}

void profiles_free(Server *s)
{
        for (size_t i = 0; i < ARRAY_SIZE(s->profiles.watch); i++)
                sd_event_source_disable_unref(s->profiles.watch[i]);
        profile_index_free(s->profiles.index);
        profile_free(s->profiles.conf);
        free(s->profiles.problem);
}
