/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "server/process.h"

#include <sys/queue.h>
#include <systemd/sd-event.h>

typedef struct Server Server;

typedef enum JobVerb {
        JOB_PREPARE,
        JOB_RELEASE,
        JOB_RECOVER,
        JOB_EVENT, /* between start and end: scripts */
        JOB_PLAN,  /* this and what follows only looks: beside any other job of the guest */
        JOB_LOG,
} JobVerb;
const char *job_verb_name(JobVerb v);
static inline bool job_only_looks(JobVerb v)
{
        return v >= JOB_PLAN;
}

/* One worker process: waiting for its turn, or running. One a guest, at most 16 in all, first come, first served. The
 * worker sends the result itself; hookd keeps the client's descriptor to answer where the worker cannot. */
typedef struct Job {
        Server *server;
        JobVerb verb;
        char *domain;  /* "": recovery of a journal that has no plan yet */
        char uuid[37]; /* the journal; "": prepare and its plan, and a release that looks it up when its turn comes */
        char *event;
        ProcessId caller;     /* who called the hook; 0: not known */
        uint64_t since, last; /* log: see WIRE_LOG */
        int client_fd, xml_fd;
        uint64_t created, started; /* now_usec() scale; started 0: waits */
        uint64_t patience;         /* it must have started by then, or is answered; UINT64_MAX: however long it takes */
        uint64_t allowed;          /* for the work */
        uint64_t deadline;         /* the answer must have left by then */
        bool unattended;           /* its client has the answer, or has hung up */
        bool late;                 /* over its deadline, was answered for, and no longer counts among the 16 */
        sd_event_source *hangup;
        int caller_pidfd; /* prepare: with its caller gone nobody will start the guest */
        sd_event_source *caller_gone;
        pid_t pid;
        sd_event_source *child;
        TAILQ_ENTRY(Job) link;
} Job;

typedef struct Jobs {
        TAILQ_HEAD(JobList, Job) list; /* in order of arrival */
        unsigned n, running;           /* running: without the late ones */
} Jobs;

/* Queues a job with what `wanted` says in verb, domain, uuid, event, caller, client_fd and xml_fd (strings are copied,
 * descriptors taken over, -1: none), tells the client ACCEPTED and starts it if its turn has come. A failure is
 * answered to the client. */
void jobs_add(Server *s, const Job *wanted);
/* The job of this guest that a worker is at; what only looks does not count. NULL: none. */
const Job *jobs_running_of(const Server *s, const char *domain);
/* The job of this guest that runs, or else the first that waits; what only looks does not count. */
const Job *jobs_find(const Server *s, const char *domain);
/* Is there any job that does more than look for this journal, or for its guest? domain "": the journal has no plan yet.
 */
bool jobs_of_journal(const Server *s, const char *domain, const char *uuid);
bool jobs_prepare_running(const Server *s);

/* Answers for those whose time is up. */
void jobs_expire(Server *s, uint64_t now);
/* Answers those that wait; those that run go on without us. */
void jobs_free(Server *s);
