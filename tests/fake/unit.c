/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

#include <fnmatch.h>
#include <signal.h>

Unit *unit_find(Fake *k, const char *name)
{
        FOREACH(Unit, u, k->s.units, k->s.n_units)
        if (streq(u->id, name) || word_in(u->names, name))
                return u;
        return NULL;
}

/* Opens what the patterns of a list match among the device files that are there now. */
static void open_matching(Fake *k, Holder *x, const char *patterns)
{
        char buf[192], *at = buf, *glob;
        size_t used = strlen(x->nodes);

        text_set(buf, patterns);
        while ((glob = strsep(&at, ","))) {
                const char *slash = strrchr(glob, '/');
                const Node *dir;
                char dirname[96];

                if (!slash)
                        continue;
                snprintf(dirname, sizeof(dirname), "%.*s", (int) (slash - glob), glob);
                dir = files_find(k, dirname, true);
                for (const Node *n = dir ? dir->child : NULL; n; n = n->next) {
                        char path[128];

                        snprintf(path, sizeof(path), "%s/%s", dirname, n->name);
                        if (fnmatch(slash + 1, n->name, 0) == 0 && !word_in(x->nodes, path))
                                used += (size_t) snprintf(x->nodes + used, sizeof(x->nodes) - used, "%s%s",
                                                          used ? "," : "", path);
                }
        }
        holder_open(k, x);
}

void holder_open(Fake *k, Holder *x)
{
        char buf[192], *at = buf, *path;
        size_t used = 0;

        text_set(buf, x->nodes);
        x->pins[0] = '\0';
        while ((path = strsep(&at, ","))) {
                const Module *m = *path ? node_module(k, path) : NULL;

                if (m && !word_in(x->pins, m->name) && used < sizeof(x->pins))
                        used += (size_t) snprintf(x->pins + used, sizeof(x->pins) - used, "%s%s", used ? "," : "",
                                                  m->name);
        }
}

void holder_remove(Fake *k, int pid)
{
        FOREACH(Holder, x, k->s.holders, k->s.n_holders)
        if (x->pid == pid) {
                unsigned i = (unsigned) (x - k->s.holders);

                memmove(x, x + 1, (k->s.n_holders - i - 1) * sizeof(*x));
                k->s.n_holders--;
                memset(&k->s.holders[k->s.n_holders], 0, sizeof(*x));
                k->woken = true;
                clock_settle(k);
                return;
        }
}

static bool in_cgroup(const char *path, const char *cgroup)
{
        size_t n = strlen(cgroup);

        return n > 0 && startswith(path, cgroup) && (path[n] == '\0' || path[n] == '/');
}

static void kill_cgroup(Fake *k, const char *cgroup)
{
        for (unsigned i = k->s.n_holders; i-- > 0;)
                if (in_cgroup(k->s.holders[i].cgroup, cgroup) && !streq(k->s.holders[i].leaves, "never"))
                        holder_remove(k, k->s.holders[i].pid);
}

void unit_open(Fake *k, Unit *u)
{
        Holder *x;

        if (!u->opens[0] || k->s.n_holders >= MAX_HOLDERS)
                return;
        x = &k->s.holders[k->s.n_holders++];
        memset(x, 0, sizeof(*x));
        x->pid = u->pid ? u->pid : (int) k->s.next_pid++;
        x->start = (uint64_t) x->pid;
        text_set(x->comm, u->comm[0] ? u->comm : u->id);
        text_set(x->cgroup, u->cgroup);
        snprintf(x->leaves, sizeof(x->leaves), "term");
        u->pid = 0; /* the next one is another process */
        open_matching(k, x, u->opens);
}

static bool any_match(Fake *k, const char *glob)
{
        Holder x = { 0 };

        open_matching(k, &x, glob);
        return x.nodes[0] != '\0';
}

static int job(UnitInfo *ret, const char *result)
{
        if (ret)
                text_set(ret->result, result);
        return streq(result, "done") ? 0 : -EIO;
}

int unit_start(Fake *k, Unit *u, UnitInfo *ret)
{
        char buf[96], *at = buf, *id;

        /* it replaces a stop job, but what is going down goes down first */
        while (streq(u->active, "deactivating") && clock_step(k, k->s.clock + u->stop_timeout))
                ;
        u->job[0] = '\0';
        if (streq(u->active, "active"))
                return job(ret, "done");
        if (streq(u->load, "masked") || streq(u->load, "not-found"))
                return -ENOENT;
        text_set(buf, u->conflicts);
        while ((id = strsep(&at, ","))) {
                Unit *other = *id ? unit_find(k, id) : NULL;

                if (other && streq(other->active, "active"))
                        (void) unit_stop(k, other, NULL);
        }
        fake_spend(k, u->start_takes);
        if (streq(u->start_result, "failed") || (u->needs[0] && !any_match(k, u->needs))) {
                snprintf(u->active, sizeof(u->active), "failed");
                return job(ret, "failed");
        }
        snprintf(u->active, sizeof(u->active), "active");
        unit_open(k, u);
        FOREACH(Session, x, k->s.sessions, k->s.n_sessions)
        if (x->gone && streq(x->owner, u->id))
                x->gone = false;
        k->dirty = true;
        return job(ret, "done");
}

int unit_stop(Fake *k, Unit *u, UnitInfo *ret)
{
        u->job[0] = '\0';
        if (streq(u->active, "inactive") || streq(u->active, "failed"))
                return job(ret, "done");
        if (u->stop_takes > u->stop_timeout) {
                fake_spend(k, u->stop_timeout);
                snprintf(u->active, sizeof(u->active), "failed"); /* killed after its time-out; the job is done */
        } else {
                fake_spend(k, u->stop_takes);
                text_set(u->active, streq(u->stop_result, "failed") ? "failed" : "inactive");
        }
        kill_cgroup(k, u->cgroup);
        FOREACH(Session, x, k->s.sessions, k->s.n_sessions)
        if (!x->gone && streq(x->owner, u->id))
                session_end(k, x);
        k->dirty = true;
        return job(ret, "done");
}

Session *session_find(Fake *k, const char *id)
{
        FOREACH(Session, x, k->s.sessions, k->s.n_sessions)
        if (streq(x->id, id) && !x->gone)
                return x;
        return NULL;
}

void session_end(Fake *k, Session *x)
{
        bool others = x->linger;

        x->gone = true;
        for (unsigned i = k->s.n_holders; i-- > 0;) {
                const Holder *h = &k->s.holders[i];
                char scope[48];

                snprintf(scope, sizeof(scope), "/%s", x->scope);
                if (streq(h->session, x->id) ||
                    (x->scope[0] && endswith(h->cgroup, scope) && !streq(h->leaves, "never")))
                        holder_remove(k, h->pid);
        }
        FOREACH(Session, y, k->s.sessions, k->s.n_sessions)
        others |= !y->gone && y->uid == x->uid;
        if (x->manager[0] && !others)
                (void) later_add(k, LATER_UNIT_STOP, x->manager_delay, x->manager, 0);
        if (x->respawn[0])
                (void) later_add(k, LATER_RESPAWN, 200 * USEC_PER_MSEC, x->id, 0);
}

void session_respawn(Fake *k, Session *x)
{
        const Unit *u = unit_find(k, x->respawn);

        if (!x->gone || !u || !streq(u->active, "active"))
                return;
        x->gone = false;
        snprintf(x->id, sizeof(x->id), "%u", k->s.next_session++);
        snprintf(x->scope, sizeof(x->scope), "session-%s.scope", x->id);
        if (k->s.n_holders < MAX_HOLDERS) {
                Holder *h = &k->s.holders[k->s.n_holders++];

                *h = (Holder){ .pid = (int) k->s.next_pid++, .uid = x->uid };
                h->start = (uint64_t) h->pid;
                snprintf(h->comm, sizeof(h->comm), "sh-again");
                snprintf(h->cgroup, sizeof(h->cgroup), "/user.slice/user-%u.slice/%s", x->uid, x->scope);
                open_matching(k, h, "/dev/dri/card*");
        }
}

int session_terminate(Fake *k, const char *id)
{
        Session *x = session_find(k, id);

        if (!x)
                return -ENXIO;
        session_end(k, x);
        k->dirty = true;
        return 0;
}
