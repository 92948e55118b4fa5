/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/worker.h"

#include "step/step.h"
#include "txn/plan-record.h"

#include <stdarg.h>
#include <stdio.h>

#define LOOK_USEC (5 * USEC_PER_SEC)

/* What a release would do now. Only looks: the journal's lock stays free for the worker that needs it, and nothing is
 * written, so a guest that runs is not disturbed. */

typedef struct Back {
        Worker *w;
        const Journal *j;
        const Claims *claims;
        bool stuck; /* what is seen of the card does not count */
} Back;

static void say(const Back *b, const Action *a, const char *state, const char *now, const char *after, const char *why)
{
        RecordLine line;

        plan_record_action(&line, a, state, now, after, why);
        worker_say(b->w, line.text);
}

static void warn(const Back *b, const char *fmt, ...) _printf_(2, 3);

static void warn(const Back *b, const char *fmt, ...)
{
        RecordLine line;
        char text[1024];
        va_list ap;

        va_start(ap, fmt);
        (void) vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        plan_record_warning(&line, text);
        worker_say(b->w, line.text);
}

static bool was_undone(const Journal *j, int i)
{
        for (size_t n = 0; n < j->n_lines; n++)
                if (j->lines[n].index == i && j->lines[n].word == LOG_WORD_UNDONE)
                        return true;
        return false;
}

/* Why it will not work, as far as that can be seen without trying; NULL where nothing speaks against it. */
static const char *obstacle(const Back *b, const Action *a, const char *value, char buf[256])
{
        UnitInfo unit = { 0 };
        char path[96];
        PciAddress address;

        (void) snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.64s", a->target);
        if (pci_parse(a->target, &address) >= 0 && !host_exists(b->w->host, path))
                return "it has fallen off the bus: looked for once more, else only a reboot helps";
        if (a->flags & ACTION_SHARED && endswith(a->target, ".service") && streq(value, "active")) {
                int r = host_unit(b->w->host, UNIT_STATE, a->target, &unit);

                if (r == -ENOENT || streq(unit.load, "not-found"))
                        return "it does not exist any more";
                if (streq(unit.load, "masked")) {
                        (void) snprintf(buf, 256, "it is masked: `systemctl unmask %.200s`", a->target);
                        return buf;
                }
        }
        return NULL;
}

/* Another driver than the recorded one, where the profile names it (Host=). */
static const char *wanted_value(const Action *a, char **buf)
{
        return action_param(a, "host", buf) >= 0 ? *buf : a->before;
}

static void say_value(const Back *b, const Action *a, const char *value)
{
        const char *change = a->flags & (ACTION_ONE_WAY | ACTION_LENIENT) ? "try" : "change";
        _cleanup_free_ char *now = NULL;
        const Journal *other = NULL;
        Fault f = { 0 };
        char why[256];

        if (a->flags & ACTION_SHARED && claims_needed_by_other(b->claims, a, &other)) {
                (void) snprintf(why, sizeof(why), "the guest %s needs it", other->plan->domain);
                say(b, a, "left", NULL, value, why);
                return;
        }
        engine_deadline(b->w->host, LOOK_USEC, UINT64_MAX);
        if (step_find(a->step)->observe(b->w->host, a, &now, &f) < 0)
                say(b, a, "unknown", NULL, value, f.text);
        else if (engine_satisfied(a, now, a->before))
                say(b, a, "already", now, value, NULL);
        else
                say(b, a, change, now, value, obstacle(b, a, value, why));
}

static void say_action(const Back *b, int i, bool anything_open, bool before_open)
{
        const Action *a = &b->j->plan->actions[i];
        _cleanup_free_ char *host = NULL;
        const char *value = a->flags & ACTION_BACK ? a->after : wanted_value(a, &host);

        if (a->flags & ACTION_GATE)
                return;
        if (txn_back_need(b->j, i, anything_open, before_open) == BACK_NOTHING) {
                if (!(a->flags & ACTION_BACK))
                        say(b, a, was_undone(b->j, i) ? "done" : "unchanged", NULL, value, NULL);
        } else if ((b->stuck || b->w->host->stuck) && a->flags & (ACTION_CARD | ACTION_BACK))
                say(b, a, "stuck", NULL, value, NULL);
        else if (a->flags & ACTION_BACK || !step_find(a->step)->observe)
                say(b, a, "deed", NULL, value, NULL);
        else
                say_value(b, a, value);
}

/* What a release has to wait for, or would be refused for. */
static void say_waits(const Back *b)
{
        const char *domain = b->j->plan->domain, *text = NULL;
        Txn t = { .host = b->w->host, .journal = (Journal *) b->j, .root = b->w->journals, .domain = domain };
        HostHolder *holders = NULL;
        size_t n = 0;
        int r;

        (void) txn_since(b->j, &text);
        if (b->stuck)
                warn(b,
                     "the kernel keeps the card, and what waits for it goes back by itself when "
                     "that call returns: %s",
                     text ? text : "");
        else if (journal_locked(b->j))
                warn(b, "a worker is at it just now, and this is what it has left so far; "
                        "`hookctl log -f` shows what it does");
        engine_deadline(b->w->host, LOOK_USEC, UINT64_MAX);
        r = txn_guest_alive(&t, &holders, &n);
        if (r > 0)
                warn(b,
                     "its QEMU (process %d) has the card: until that has ended `hookctl release` is "
                     "refused; `virsh shutdown %s`",
                     holders[0].pid, domain);
        else if (r < 0)
                warn(b, "whether its QEMU still runs cannot be told: %s", fault_errno(r));
        else if (txn_state(b->j) == TXN_HELD && b->j->guest_pid == 0 && !txn_was_stopped(b->j) && b->j->owner_pid > 0 &&
                 txn_owner_alive(&t))
                warn(b,
                     "libvirtd (process %d) may just be starting it: `hookctl release` is refused then, "
                     "but for --force",
                     b->j->owner_pid);
        holders_free(holders, n);
}

/* Does it have a step that this hookd does not know? Then nothing is put back. */
static bool all_known(const Plan *p)
{
        for (size_t i = 0; i < p->n_actions; i++)
                if (!step_find(p->actions[i].step))
                        return false;
        return true;
}

int worker_show_release(Worker *w, Fault *f)
{
        _cleanup_(journal_closep) Journal *j = NULL;
        _cleanup_(claims_unlockp) Claims *claims = NULL;
        _cleanup_free_ int *order = NULL;
        Back b = { .w = w };
        bool anything_open, before_open = false;
        RecordLine line;
        int r;

        r = journal_open(w->journals, w->uuid, 0, &j, f);
        if (r == -ENOENT || (r >= 0 && !j->plan)) {
                *f = (Fault){ 0 };
                plan_record(&line, w->domain, "release", NULL,
                            "nothing of this host was changed for it; a release would do nothing");
                worker_say(w, line.text);
                return 0;
        }
        if (r >= 0)
                r = claims_look(w->journals, w->uuid, &claims, f);
        if (r < 0)
                return r;
        order = calloc(j->plan->n_actions + 1, sizeof(*order));
        if (!order)
                return fault_set(f, -ENOMEM, w->domain, "out of memory");
        if (!all_known(j->plan))
                return fault_set(f, -EBADMSG, j->path,
                                 "the journal %s has steps that this hookd does not know: nothing of it can be put "
                                 "back; the version that has written it can",
                                 j->path);
        if (txn_shutting_down(w->host)) {
                plan_record(&line, w->domain, "release", NULL,
                            "the host is shutting down: a release would put nothing back");
                worker_say(w, line.text);
                return 0;
        }
        b = (Back){ .w = w, .j = j, .claims = claims, .stuck = txn_state(j) == TXN_STUCK };
        anything_open = txn_anything_open(j);
        txn_back_order(j->plan, order);
        plan_record(&line, j->plan->domain, "release", j->plan->profile, "a release would do this, by its journal");
        worker_say(w, line.text);
        for (size_t i = 0; i < j->plan->n_actions; i++) {
                say_action(&b, order[i], anything_open, before_open);
                before_open = before_open || txn_action_open(j, order[i]);
        }
        say_waits(&b);
        return 0;
}
