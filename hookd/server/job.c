/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/job.h"

#include "server/reply.h"
#include "server/server.h"
#include "server/worker.h"
#include "txn/worker-main.h"
#include "util/fd.h"
#include "util/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define WORKERS_MAX 16
#define LOOK_USEC   (60 * USEC_PER_SEC)
#define QUEUE_USEC  (60 * USEC_PER_SEC) /* waiting for a turn */
#define LAST_USEC   (10 * USEC_PER_SEC) /* the same, behind one of the same guest that was answered and yet goes on */
#define GRACE_USEC  (5 * USEC_PER_SEC)  /* less than the client's own, WIRE_GRACE_SEC */

const char *job_verb_name(JobVerb v)
{
        static const char *const names[] = { "prepare", "release", "recover", "event", "plan", "log" };

        return names[v];
}

static Job *job_free(Job *j)
{
        sd_event_source_disable_unref(j->child);
        sd_event_source_disable_unref(j->hangup);
        sd_event_source_disable_unref(j->caller_gone);
        closep(&j->caller_pidfd);
        closep(&j->client_fd);
        closep(&j->xml_fd);
        free(j->domain);
        free(j->event);
        free(j);
        return NULL;
}

DEFINE_CLEANUP(Job, job_free)

static void job_detach(Job *j)
{
        Jobs *jobs = &j->server->jobs;

        TAILQ_REMOVE(&jobs->list, j, link);
        jobs->n--;
        if (j->started > 0 && !j->late)
                jobs->running--;
}

static void job_end(Job *j)
{
        job_detach(j);
        job_free(j);
}

static void client_close(Job *j)
{
        j->hangup = sd_event_source_disable_unref(j->hangup);
        j->caller_gone = sd_event_source_disable_unref(j->caller_gone);
        closep(&j->client_fd);
        j->client_fd = -1;
        j->unattended = true;
}

/* Nobody is told twice. */
static void job_answer(Job *j, uint32_t value, const char *text)
{
        if (j->client_fd < 0)
                return;
        (void) reply_result(j->client_fd, value, text);
        client_close(j);
}

/* Answers a job that will not be done, or not in time, and says so in the audit. */
static void job_refuse(Job *j, const char *fmt, ...) _printf_(2, 3);

static void job_refuse(Job *j, const char *fmt, ...)
{
        const LogField fields[] = { { FIELD_DOMAIN, j->domain },
                                    { FIELD_UUID, *j->uuid ? j->uuid : NULL },
                                    { FIELD_EVENT, j->event },
                                    { NULL, NULL } };
        char text[1024];
        va_list ap;

        va_start(ap, fmt);
        (void) vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        log_entry(LOG_ERR, MESSAGE_WARNING, fields, "%s", text);
        job_answer(j, 1, text);
}

/* The job of the same guest that must end first. */
static const Job *blocker(const Server *s, const Job *j)
{
        return job_only_looks(j->verb) || !*j->domain ? NULL : jobs_running_of(s, j->domain);
}

/* One at a time, however many ask: the disk may be slow, and guests shall not wait for a worker because of it. */
static bool log_is_read(const Server *s)
{
        const Job *j;

        TAILQ_FOREACH (j, &s->jobs.list, link)
                if (j->verb == JOB_LOG && j->started > 0 && !j->late)
                        return true;
        return false;
}

static bool may_start(const Server *s, const Job *j)
{
        return s->jobs.running < WORKERS_MAX && !blocker(s, j) && (j->verb != JOB_LOG || !log_is_read(s));
}

static void jobs_run(Server *s);

/* ---- the worker's end ---- */

static bool client_gone(const Job *j)
{
        struct pollfd p = { .fd = j->client_fd };

        return j->unattended || (j->client_fd >= 0 && poll(&p, 1, 0) > 0 && (p.revents & POLLHUP));
}

static int on_worker_exit(sd_event_source *source, const siginfo_t *si, void *userdata)
{
        _cleanup_(job_freep) Job *j = userdata;
        Server *s = j->server;
        bool died = si->si_code != CLD_EXITED, fine = !died && si->si_status == WORKER_REPLIED;

        job_detach(j);
        /* A recovery that failed has said so itself; so has a worker whose client has gone, as it could not answer. */
        if (died || (!fine && j->verb != JOB_RECOVER && !client_gone(j)))
                job_refuse(
                        j,
                        "the worker for %s of guest %s ended without an answer (%s %i); what it had begun is being put "
                        "back: see `hookctl status` and `journalctl -t hookd`, then try again",
                        job_verb_name(j->verb), j->domain, died ? "signal" : "exit status", si->si_status);
        if (!job_only_looks(j->verb))
                ledger_job_ended(s, j, fine);
        jobs_run(s);
        server_drain(s);
        server_notify(s);
        return 0;
}

/* ---- the client's end ---- */

/* It has its answer, or it died. The worker sees that too; here it matters to those who wait behind. */
static int on_hangup(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Job *j = userdata;

        client_close(j);
        if (j->started == 0 && j->verb != JOB_RELEASE)
                job_end(j); /* nobody wants it any more */
        return 0;
}

/* Its shim outlives libvirtd. To the worker, and to us, the connection has ended. */
static int on_caller_gone(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Job *j = userdata;

        (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
        (void) shutdown(j->client_fd, SHUT_RDWR);
        return 0;
}

/* What cannot be watched is seen when the worker has ended. */
static void watch_caller(Job *j)
{
        if (j->verb != JOB_PREPARE || j->caller.pid <= 0 || j->client_fd < 0)
                return;
        j->caller_pidfd = process_open(&j->caller);
        if (j->caller_pidfd >= 0)
                (void) sd_event_add_io(j->server->event, &j->caller_gone, j->caller_pidfd, EPOLLIN, on_caller_gone, j);
        else if (j->caller_pidfd == -ESRCH)
                (void) shutdown(j->client_fd, SHUT_RDWR);
}

/* ---- the queue ---- */

/* Where it cannot be started it is answered and gone. */
static void job_start(Job *j)
{
        Server *s = j->server;
        Fault f = { 0 };
        int r;

        if (j->verb == JOB_RELEASE && !*j->uuid) {
                const Holding *h = ledger_find(s, j->domain);

                if (!h) {
                        job_answer(j, 0, NULL);
                        job_end(j);
                        return;
                }
                memcpy(j->uuid, h->uuid, sizeof(j->uuid));
        }
        r = worker_spawn(s->options, s->spool, j, &j->pid, &f);
        if (r < 0) {
                job_refuse(j, "%s", f.text);
                job_end(j);
                return;
        }
        j->started = now_usec();
        if (j->unattended) {
                j->deadline = j->started + j->allowed + GRACE_USEC;
                server_wake_at(s, j->deadline);
        }
        s->jobs.running++;
        closep(&j->xml_fd);
        j->xml_fd = -1;
        r = sd_event_add_child(s->event, &j->child, j->pid, WEXITED, on_worker_exit, j);
        if (r < 0) { /* it works and answers all the same; only its end will not be seen */
                job_refuse(j, "cannot watch the worker %i for guest %s: %s", (int) j->pid, j->domain, fault_errno(r));
                job_end(j);
        }
}

static void jobs_run(Server *s)
{
        Job *j;

        do {
                TAILQ_FOREACH (j, &s->jobs.list, link)
                        if (j->started == 0 && may_start(s, j))
                                break;
                if (j)
                        job_start(j); /* the list may be another now */
        } while (j);
}

static Job *job_new(const Job *wanted)
{
        _cleanup_(job_freep) Job *j = calloc(1, sizeof(*j));
        Job fallback = *wanted;

        if (j) {
                *j = *wanted;
                j->caller_pidfd = -1;
                j->domain = strdup(wanted->domain);
                j->event = strdup(wanted->event);
                if (j->domain && j->event)
                        return TAKE_PTR(j);
                (void) reply_result(wanted->client_fd, 1, "hookd is out of memory");
                return NULL;
        }
        job_answer(&fallback, 1, "hookd is out of memory");
        closep(&fallback.xml_fd);
        return NULL;
}

/* What is promised to the client: the time of the work itself, and of the waiting where it must wait. */
static int job_promise(Job *j)
{
        const Job *other = blocker(j->server, j);
        int r = 0;

        j->allowed = job_only_looks(j->verb) ? LOOK_USEC : profiles_time_allowed(j->server, j->domain, j->verb);
        j->patience = j->created;
        if (!may_start(j->server, j))
                j->patience += other && (other->late || other->unattended) ? LAST_USEC : QUEUE_USEC;
        j->deadline = j->patience + j->allowed;
        if (j->client_fd >= 0) {
                r = reply_accepted(j->client_fd, j->deadline - j->created);
                if (r >= 0)
                        r = sd_event_add_io(j->server->event, &j->hangup, j->client_fd, 0, on_hangup, j);
                if (r < 0)
                        client_close(j);
        }
        j->deadline += GRACE_USEC;
        if (j->verb == JOB_RECOVER)
                j->patience = UINT64_MAX;
        return r;
}

void jobs_add(Server *s, const Job *wanted)
{
        Job *j = job_new(wanted);

        if (!j)
                return;
        j->server = s;
        j->created = now_usec();
        TAILQ_INSERT_TAIL(&s->jobs.list, j, link);
        s->jobs.n++;
        watch_caller(j);
        if (job_promise(j) < 0 && j->verb != JOB_RELEASE)
                job_end(j); /* nobody waits for it any more */
        else
                server_wake_at(s, MIN(j->patience, j->deadline));
        jobs_run(s);
        server_notify(s);
}

static void expire_waiting(Job *j)
{
        const Job *other = blocker(j->server, j);

        if (other)
                job_refuse(j,
                           "the %s of guest %s before this %s has not ended (worker %i, for %llu s): `hookctl status` "
                           "says "
                           "what it waits for",
                           job_verb_name(other->verb), j->domain, job_verb_name(j->verb), (int) other->pid,
                           (unsigned long long) ((now_usec() - other->started) / USEC_PER_SEC));
        else
                job_refuse(j,
                           "the %s of guest %s had to wait too long for its turn: `hookctl status` shows what is under "
                           "way",
                           job_verb_name(j->verb), j->domain);
        if (j->verb == JOB_RELEASE)
                j->patience = UINT64_MAX; /* it must be done, whether or not anybody waits for the answer */
        else
                job_end(j);
}

/* It may be waiting for a call that the kernel does not end, and nobody could end it either. */
static void expire_running(Job *j)
{
        j->late = true;
        j->server->jobs.running--;
        if (j->verb != JOB_RECOVER) /* which may wait for another worker, as long as it takes */
                job_refuse(j,
                           "the %s of guest %s did not end in time; its worker (%i) goes on by itself: `hookctl "
                           "status` says "
                           "what it waits for",
                           job_verb_name(j->verb), j->domain, (int) j->pid);
}

void jobs_expire(Server *s, uint64_t now)
{
        uint64_t next = UINT64_MAX;
        Job *j, *following;
        bool any = false;

        for (j = TAILQ_FIRST(&s->jobs.list); j; j = following) {
                uint64_t limit = j->started == 0 ? j->patience : j->late ? UINT64_MAX : j->deadline;

                following = TAILQ_NEXT(j, link);
                if (limit > now) {
                        next = MIN(next, limit);
                        continue;
                }
                any = true;
                if (j->started == 0)
                        expire_waiting(j);
                else
                        expire_running(j);
        }
        server_wake_at(s, next);
        if (any) {
                jobs_run(s);
                server_notify(s);
        }
}

void jobs_free(Server *s)
{
        Job *j;

        while ((j = TAILQ_FIRST(&s->jobs.list))) {
                /* a release is in the journal as stopped: the next hookd goes on with it */
                if (j->started == 0)
                        job_answer(j, j->verb == JOB_RELEASE ? 0 : 1, "hookd is stopping: try again");
                job_end(j);
        }
}
