/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

/* The administrator's scripts: found as files, run by a systemd that is not there. */

static const Script *find(Fake *k, const char *path)
{
        FOREACH(Script, x, k->s.scripts, k->s.n_scripts)
        if (streq(x->path, path))
                return x;
        return NULL;
}

int op_look(Host *h, const char *path, FileLook *ret)
{
        Fake *k = fake_of(h);
        const Script *x = find(k, path);
        const Node *n;
        int r;

        r = fault_begin(k, "look", path, NULL, false, false);
        if (r < 0)
                return r;
        fake_spend(k, COST_READ);
        n = files_find(k, path, true);
        fault_end(k, false);
        if (!n)
                return -ENOENT;
        ret->folder = n->kind == 'd';
        ret->executable = x != NULL;
        if (x)
                text_set(ret->distrust, x->distrust);
        return 0;
}

void script_act(Fake *k, const char *path)
{
        const Script *x = find(k, path);

        if (!x)
                return;
        FOREACH(Raw, raw, k->s.raw, k->s.n_raw)
        if (*x->sets && streq(raw->path, x->sets) && !streq(k->s.pool + raw->value, x->to))
                (void) pool_add(k, x->to, &raw->value);
        k->dirty = true;
}

static void note(Fake *k, const ScriptCall *call)
{
        _cleanup_free_ char *words = strv_join(call->argv + 1, " ");
        char *all;

        if (!words || asprintf(&all, "%s%s for %s, %zu bytes of XML\n", k->ran ? k->ran : "", call->argv[0], words,
                               k->host.xml ? strlen(k->host.xml) : 0) < 0)
                abort();
        free(k->ran);
        k->ran = all;
}

int op_script(Host *h, const ScriptCall *call, ScriptResult *ret)
{
        Fake *k = fake_of(h);
        const Script *x = find(k, call->argv[0]);
        int r;

        r = fault_begin(k, "script", call->argv[0], NULL, false, true);
        if (r == HANGS)
                r = -ETIMEDOUT;
        if (r != 0)
                return MIN(r, 0);
        fake_spend(k, COST_BUS);
        if (!x)
                r = -ENOENT;
        else if (x->takes > call->timeout) {
                fake_spend(k, call->timeout);
                text_set(ret->how, "timeout");
                r = -EREMOTEIO;
        } else if (h->deadline != UINT64_MAX && k->s.clock + x->takes > h->deadline) {
                fake_spend(k, h->deadline - MIN(h->deadline, k->s.clock));
                r = -ETIMEDOUT;
        } else {
                fake_spend(k, x->takes);
                note(k, call);
                script_act(k, x->path);
                ret->status = x->status;
                if (x->status != 0) {
                        text_set(ret->how, "exit-code");
                        r = -EREMOTEIO;
                }
        }
        fault_end(k, true);
        return r;
}

const char *fake_scripts_ran(Host *h)
{
        return fake_of(h)->ran ? fake_of(h)->ran : "";
}
