/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/job.h"
#include "server/server.h"

/* Questions to the queue. */

const Job *jobs_running_of(const Server *s, const char *domain)
{
        const Job *j;

        TAILQ_FOREACH (j, &s->jobs.list, link)
                if (j->started > 0 && !job_only_looks(j->verb) && streq(j->domain, domain))
                        return j;
        return NULL;
}

const Job *jobs_find(const Server *s, const char *domain)
{
        const Job *j = jobs_running_of(s, domain);

        if (j)
                return j;
        TAILQ_FOREACH (j, &s->jobs.list, link)
                if (!job_only_looks(j->verb) && streq(j->domain, domain))
                        return j;
        return NULL;
}

bool jobs_of_journal(const Server *s, const char *domain, const char *uuid)
{
        const Job *j;

        if (*domain && jobs_find(s, domain))
                return true;
        TAILQ_FOREACH (j, &s->jobs.list, link)
                if (!job_only_looks(j->verb) && streq(j->uuid, uuid))
                        return true;
        return false;
}

bool jobs_prepare_running(const Server *s)
{
        const Job *j;

        TAILQ_FOREACH (j, &s->jobs.list, link)
                if (j->verb == JOB_PREPARE && j->started > 0)
                        return true;
        return false;
}
