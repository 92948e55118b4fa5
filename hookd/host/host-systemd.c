/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/host-systemd-bus.h"
#include "util/fd.h"

#include <stdio.h>

/* While a job runs we look at the unit by ourselves that often: the signal may have been lost with the connection. */
#define JOB_LOOK_USEC (2 * USEC_PER_SEC)
/* And that often once the job has gone and the unit is still on its way. */
#define UNIT_LOOK_USEC (200 * USEC_PER_MSEC)
#define STOP_TIMEOUT   (90 * USEC_PER_SEC) /* of units that have none of their own: systemd's default */

static bool is_no_such_unit(const sd_bus_error *e)
{
        return sd_bus_error_has_name(e, SYSTEMD ".NoSuchUnit");
}

static int unit_state(RealHost *h, const char *name, UnitInfo *ret, bool *ret_oneshot)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        char type[16] = "", path[512];
        uint64_t timeout = STOP_TIMEOUT;
        Pair job = {};
        const char *text;
        int r;

        *ret = (UnitInfo){};
        r = bus_call(h, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "LoadUnit", &m, &error, "s", name);
        if (r < 0)
                return is_no_such_unit(&error) ? -ENOENT : r;
        r = sd_bus_message_read(m, "o", &text);
        if (r < 0)
                return r;
        (void) snprintf(path, sizeof(path), "%s", text);

        r = bus_properties(h, SYSTEMD, path,
                           (const Property[]){ { "Id", "s", ret->id, sizeof(ret->id) },
                                               { "LoadState", "s", ret->load, sizeof(ret->load) },
                                               { "ActiveState", "s", ret->active, sizeof(ret->active) },
                                               { "ControlGroup", "s", ret->cgroup, sizeof(ret->cgroup) },
                                               { "Type", "s", type, sizeof(type) },
                                               { "TimeoutStopUSec", "t", &timeout },
                                               { "Job", "(uo)", &job },
                                               {} },
                           &error);
        if (r < 0)
                return bus_object_gone(&error) ? -ENOENT : r;
        ret->stop_timeout = timeout;
        if (ret_oneshot)
                *ret_oneshot = streq(type, "oneshot");
        if (streq(ret->load, "not-found") && streq(ret->active, "inactive"))
                return -ENOENT;

        if (job.id != 0) {
                sd_bus_error_free(&error);
                r = bus_properties(h, SYSTEMD, job.path,
                                   (const Property[]){ { "JobType", "s", ret->job, sizeof(ret->job) }, {} }, &error);
                if (r < 0 && !bus_object_gone(&error))
                        return r;
        }
        return 0;
}

/* Waits for our job to leave, then looks at the unit, whatever the job's result was. */
static int job_wait(RealHost *h, Job *job, bool start, const char *name, UnitInfo *ret)
{
        uint64_t slice = JOB_LOOK_USEC;
        const bool *done = &job->done;

        for (;;) {
                bool oneshot = false, known;
                int r;

                r = bus_pump(h, done, now_usec() + slice);
                if (r < 0 && r != -ECONNRESET)
                        return r;
                known = job->done;
                r = unit_state(h, name, ret, &oneshot);
                if (job->done != known) /* it left while that was asked: part of the answer is of before */
                        continue;
                if (r == -ENOENT)
                        return start ? -EIO : 0;
                if (r < 0 && r != -ECONNRESET && r != -ECONNREFUSED)
                        return r;
                if (r >= 0 && !job->done && ret->job[0] != '\0')
                        continue;

                /* From here on only time and the bus's return bring something new. */
                slice = UNIT_LOOK_USEC;
                if (job->done)
                        done = NULL;
                if (r < 0)
                        continue;
                if (streq(ret->active, "inactive"))
                        return !start || (oneshot && streq(job->result, "done")) ? 0 : -EIO;
                if (streq(ret->active, "failed"))
                        return start ? -EIO : 0;
                if (streq(ret->active, "active"))
                        return start ? 0 : -EIO;
        }
}

static int job_run(RealHost *h, const char *method, const char *name, UnitInfo *ret)
{
        bool start = !streq(method, "StopUnit");
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        Job job = {};
        const char *path;
        int r;

        *ret = (UnitInfo){};
        r = bus_connect(h);
        if (r < 0)
                return r;

        bus_watch_job(h, &job);
        r = bus_call(h, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, method, &m, &error, "ss", name, "replace");
        if (r < 0) {
                if (is_no_such_unit(&error))
                        r = start ? -ENOENT : 0;
                goto finish;
        }
        r = sd_bus_message_read(m, "o", &path);
        if (r < 0)
                goto finish;
        job.path = strdup(path);
        if (!job.path) {
                r = -ENOMEM;
                goto finish;
        }
        for (char **e = job.early; e && e[0] && e[1]; e += 2)
                if (streq(e[0], path)) {
                        (void) snprintf(job.result, sizeof(job.result), "%s", e[1]);
                        job.done = true;
                }

        r = job_wait(h, &job, start, name, ret);
        (void) snprintf(ret->result, sizeof(ret->result), "%s", job.result);
finish:
        bus_watch_job(h, NULL);
        free(job.path);
        (void) strv_free(job.early);
        return r;
}

int real_unit(Host *host, UnitOp op, const char *name, UnitInfo *ret)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        RealHost *h = real_of(host);
        UnitInfo unused;
        int r;

        if (!h->whole)
                return -ENOTSUP;
        if (!ret)
                ret = &unused;

        switch (op) {
        case UNIT_STATE:
                return unit_state(h, name, ret, NULL);
        case UNIT_START:
                return job_run(h, "StartUnit", name, ret);
        case UNIT_STOP:
                return job_run(h, "StopUnit", name, ret);
        case UNIT_RELOAD:
                r = job_run(h, "ReloadUnit", name, ret);
                return r >= 0 && !streq(ret->result, "done") ? -EIO : r;
        case UNIT_RESET_FAILED:
                r = bus_call(h, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "ResetFailedUnit", NULL, &error, "s", name);
                return r < 0 && is_no_such_unit(&error) ? 0 : r;
        }
        return -EINVAL;
}
