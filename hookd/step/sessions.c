/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/card.h"
#include "step/rank.h"
#include "step/unit.h"

#include <stdio.h>

/* What a desktop leaves behind on its seat: sessions, the gettys that would log them in again, and user managers that
 * still hold the card. */

#define MANAGER_USEC (30 * USEC_PER_SEC) /* stopping user@UID.service */

static bool is_graphical(const HostSession *s)
{
        return streq(s->type, "x11") || streq(s->type, "wayland") || streq(s->type, "mir");
}

/* A login of a person on a seat. A greeter goes with its display manager. */
static bool is_login(const HostSession *s)
{
        return *s->seat && startswith(s->class, "user") && !streq(s->state, "closing");
}

static bool scope_holds(const HostSession *s, const HostHolder *holders, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (streq0(holders[i].unit, s->scope))
                        return true;
        return false;
}

/* Must this session end before the card can go? */
static bool in_the_way(const HostSession *s, bool desktop_stops, const HostHolder *holders, size_t n)
{
        if (!is_login(s))
                return false;
        return (desktop_stops && is_graphical(s) && streq(s->seat, "seat0")) || scope_holds(s, holders, n);
}

static bool is_getty_of(const char *unit, const char *tty)
{
        const char *at = strchr(unit, '@');
        size_t n = strlen(tty);

        return n > 0 && at && strncmp(at + 1, tty, n) == 0 && streq(at + 1 + n, ".service");
}

/* getty@ restarts itself and logs the user in again: it has to stop before its session is ended. */
static int plan_gettys(const PlanInput *in, Plan *plan)
{
        STRV_FOREACH (unit, in->view->autologin_gettys) {
                for (size_t i = 0; i < in->view->n_sessions; i++) {
                        const HostSession *s = &in->view->sessions[i];

                        if (!is_getty_of(*unit, s->tty) ||
                            !in_the_way(s, in->stops_desktop, in->view->holders, in->view->n_holders))
                                continue;
                        if (!unit_append(plan, "sessions", *unit, hostview_unit(in->view, *unit),
                                         "it would log the session in again"))
                                return -ENOMEM;
                        break;
                }
        }
        return 0;
}

/* Users with a login on a seat whose manager does not linger: those managers end some time after the last session. */
static int users(const PlanInput *in, char **ret)
{
        _cleanup_strv_ char **list = NULL;

        for (size_t i = 0; i < in->view->n_sessions; i++) {
                const HostSession *s = &in->view->sessions[i];
                char uid[16];

                (void) snprintf(uid, sizeof(uid), "%u", s->uid);
                if (is_login(s) && !s->linger && !strv_contains(list, uid) && strv_append(&list, uid) < 0)
                        return -ENOMEM;
        }
        *ret = list ? strv_join(list, ",") : strdup("");
        return *ret ? 0 : -ENOMEM;
}

static int sessions_plan(const PlanInput *in, Plan *plan, Fault *f _unused_)
{
        Policy policy = in->profile->sessions_policy;
        _cleanup_free_ char *uids = NULL;
        char text[24];
        Action *a;
        int r;

        if (policy == POLICY_KEEP || (!in->stops_desktop && (policy == POLICY_AUTO || in->n_functions == 0)))
                return 0; /* nobody is in the way */
        if (policy != POLICY_WAIT) {
                policy = POLICY_TERMINATE;
                r = plan_gettys(in, plan);
                if (r < 0)
                        return r;
        }
        r = users(in, &uids);
        if (r < 0)
                return r;
        a = step_append(plan, "sessions", "seat0", "ended", ACTION_GATE, in->profile->sessions_timeout + MANAGER_USEC,
                        policy == POLICY_WAIT ? "waits for the desktop's sessions to end"
                                              : "ends what the desktop leaves behind");
        if (!a || card_param_add(in, a) < 0)
                return -ENOMEM;
        (void) snprintf(text, sizeof(text), "%llu", (unsigned long long) in->profile->sessions_timeout);
        if (action_param_add(a, "policy", policy_name(policy)) < 0 || action_param_add(a, "wait", text) < 0 ||
            action_param_add(a, "desktop", in->stops_desktop ? "stops" : "stays") < 0)
                return -ENOMEM;
        return *uids ? action_param_add(a, "users", uids) : 0;
}

typedef struct SessionList {
        HostSession *items;
        size_t n;
} SessionList;

static void session_list_clear(SessionList *l)
{
        sessions_free(l->items, l->n);
        *l = (SessionList){ 0 };
}
#define _cleanup_sessions_ _cleanup_(session_list_clear)

static int refuse(const Action *a, const SessionList *l, const HolderList *holders, bool desktop_stops, bool asked,
                  Fault *f)
{
        char list[512] = "";
        size_t used = 0;

        for (size_t i = 0; i < l->n && used < sizeof(list) - 1; i++) {
                const HostSession *s = &l->items[i];

                if (in_the_way(s, desktop_stops, holders->items, holders->n))
                        used += (size_t) snprintf(list + used, sizeof(list) - used, "%s%s of %s on %s",
                                                  used ? ", " : "", s->id, s->user, *s->tty ? s->tty : s->seat);
        }
        return fault_set(f, -EBUSY, a->target,
                         asked ? "these sessions did not end in time: %s. End them with `loginctl kill-session`, or "
                                 "set a longer TimeoutSec= in [Sessions]"
                               : "these sessions use the card and have not ended: %s. Log out, or set Policy=terminate "
                                 "in [Sessions]",
                         list);
}

/* Ends a session, once. */
static int end_session(Host *h, const HostSession *s, char ***asked, Fault *f)
{
        int r;

        if (strv_contains(*asked, s->id))
                return 0;
        r = host_session_terminate(h, s->id);
        if (r < 0 && r != -ENXIO && r != -ENOENT) /* gone by itself */
                return fault_set(f, r, s->id, "logind does not end the session %s of %s: %s", s->id, s->user,
                                 fault_errno(r));
        return strv_append(asked, s->id);
}

static bool has_sessions(const SessionList *l, uint32_t uid)
{
        for (size_t i = 0; i < l->n; i++)
                if (l->items[i].uid == uid && !startswith(l->items[i].class, "manager") &&
                    !streq(l->items[i].state, "closing"))
                        return true;
        return false;
}

/* Stops the managers of users who have left and do not linger, where they still hold the card. How many there were. */
static int end_managers(Host *h, char *const *uids, const SessionList *l, const HolderList *holders, char ***asked,
                        Fault *f)
{
        int n = 0, r;

        for (size_t i = 0; i < holders->n; i++) {
                const HostHolder *x = &holders->items[i];
                char uid[16];

                if (!x->unit || sscanf(x->unit, "user@%15[0-9].service", uid) != 1 || !strv_contains(uids, uid) ||
                    has_sessions(l, (uint32_t) strtoul(uid, NULL, 10)))
                        continue;
                n++;
                if (strv_contains(*asked, x->unit))
                        continue;
                r = host_unit(h, UNIT_STOP, x->unit, NULL);
                if (r < 0 && r != -EIO && r != -ENOENT)
                        return fault_set(f, r, x->unit, "%s still uses the card and could not be stopped: %s", x->unit,
                                         fault_errno(r));
                r = strv_append(asked, x->unit);
                if (r < 0)
                        return r;
        }
        return n;
}

static int sessions_gate(Host *h, const Action *a, Fault *f)
{
        bool terminate = param_is(a, "policy", policy_name(POLICY_TERMINATE)), stops = param_is(a, "desktop", "stops");
        uint64_t until = step_until(h, param_uint(a, "wait", 15 * USEC_PER_SEC));
        _cleanup_strv_ char **uids = NULL, **asked = NULL;
        int r;

        r = param_list(a, "users", &uids);
        if (r < 0 && r != -ENOENT)
                return r;
        for (;;) {
                _cleanup_sessions_ SessionList list = { 0 };
                _cleanup_holders_ HolderList holders = { 0 };
                int left = 0;

                r = host_sessions(h, &list.items, &list.n);
                if (r < 0)
                        return fault_set(f, r, a->target, "logind does not say who is logged in: %s", fault_errno(r));
                r = action_holders(h, a, &holders, f);
                if (r < 0)
                        return r;
                for (size_t i = 0; i < list.n; i++) {
                        if (!in_the_way(&list.items[i], stops, holders.items, holders.n))
                                continue;
                        left++;
                        r = terminate ? end_session(h, &list.items[i], &asked, f) : 0;
                        if (r < 0)
                                return r;
                }
                r = terminate ? end_managers(h, uids, &list, &holders, &asked, f) : 0;
                if (r < 0)
                        return r;
                if (left + r == 0)
                        return 0;
                r = step_wait(h, 0, holders.items, holders.n, until, f);
                if (r < 0)
                        return r;
                if (r > 0) /* a manager that holds on is the next gate's: that one names the process */
                        return left > 0 ? refuse(a, &list, &holders, stops, terminate, f) : 0;
        }
}

const Step step_sessions = {
        .name = "sessions",
        .plan = sessions_plan,
        .gate = sessions_gate,
        .observe = unit_observe,
        .converge = unit_converge,
        .satisfied = unit_satisfied,
        .forward = FORWARD_SESSIONS,
        .back = BACK_SESSIONS,
};
