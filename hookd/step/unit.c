/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/unit.h"

#define STOP_DEFAULT (90 * USEC_PER_SEC)
#define STOP_MAX     (150 * USEC_PER_SEC) /* for TimeoutStopSec=infinity and what is as good as that */
#define STOP_MARGIN  (10 * USEC_PER_SEC)

Action *unit_append(Plan *plan, const char *step, const char *id, const HostUnit *u, const char *why)
{
        uint64_t timeout = u && u->stop_timeout ? u->stop_timeout : STOP_DEFAULT;

        return step_append(plan, step, id, "inactive", ACTION_SHARED, MIN(timeout, STOP_MAX) + STOP_MARGIN, why);
}

static bool is_up(const char *active, const char *job)
{
        if (job && (streq(job, "start") || streq(job, "restart")))
                return true;
        return streq(active, "active") || streq(active, "activating") || streq(active, "reloading");
}

bool unit_is_up(const HostUnit *u)
{
        return u && (is_up(u->active, u->job) || u->stopped_for);
}

static const char *value_of(const UnitInfo *info)
{
        if (streq(info->load, "not-found"))
                return VALUE_NONE;
        if (is_up(info->active, info->job))
                return "active";
        return streq(info->active, "deactivating") ? "deactivating" : "inactive";
}

int unit_observe(Host *h, const Action *a, char **ret_value, Fault *f)
{
        UnitInfo info = { 0 };
        int r;

        r = host_unit(h, UNIT_STATE, a->target, &info);
        if (r < 0 && r != -ENOENT)
                return fault_set(f, r, a->target, "systemd does not say in what state %s is: %s", a->target,
                                 fault_errno(r));
        *ret_value = strdup(r < 0 ? VALUE_NONE : value_of(&info));
        return *ret_value ? 0 : -ENOMEM;
}

/* A unit that was just going down when we came was on its way to inactive. */
bool unit_satisfied(const Action *a _unused_, const char *now, const char *wanted)
{
        if (streq(wanted, "active"))
                return streq(now, "active");
        if (streq(now, "deactivating"))
                return streq(wanted, "deactivating");
        return !streq(now, "active");
}

static int stop(Host *h, const char *id, Fault *f)
{
        UnitInfo info = { 0 };
        int r, k;

        r = host_unit(h, UNIT_STOP, id, &info);
        if (r == -ENOENT)
                return 0;
        if (r == -EIO) { /* the job's result is one thing, what became of the unit another */
                UnitInfo now = { 0 };

                k = host_unit(h, UNIT_STATE, id, &now);
                if (k >= 0 && !is_up(now.active, now.job) && !streq(now.active, "deactivating"))
                        return 0;
        }
        if (r == -ETIMEDOUT)
                return fault_set(f, r, id,
                                 "%s did not stop in time: `systemctl status %s` shows what it waits for; its "
                                 "TimeoutStopSec= bounds how long systemd lets it",
                                 id, id);
        if (r < 0)
                return fault_set(f, r, id, "%s could not be stopped: %s%s; see `systemctl status %s`", id,
                                 r == -EIO ? "its job ended with " : fault_errno(r), r == -EIO ? info.result : "", id);
        return 0;
}

static int start(Host *h, const char *id, Fault *f)
{
        UnitInfo info = { 0 };
        int r;

        /* Only for the start limit's sake; what is really wrong the start says. */
        (void) host_unit(h, UNIT_RESET_FAILED, id, NULL);
        r = host_unit(h, UNIT_START, id, &info);
        if (r == -ENOENT)
                return fault_set(f, r, id, "%s was running before and does not exist any more or is masked now", id);
        if (r == -ETIMEDOUT)
                return fault_set(f, r, id, "%s did not start in time: see `systemctl status %s`", id, id);
        if (r < 0)
                return fault_set(f, r, id, "%s could not be started again: %s%s; see `systemctl status %s`", id,
                                 r == -EIO ? "its job ended with " : fault_errno(r), r == -EIO ? info.result : "", id);
        return 0;
}

int unit_converge(Host *h, const Action *a, const char *value, Fault *f)
{
        return streq(value, "active") ? start(h, a->target, f) : stop(h, a->target, f);
}
