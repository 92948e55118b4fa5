/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/status.h"

#include "server/record.h"
#include "server/reply.h"
#include "server/server.h"
#include "util/fd.h"

#include <fcntl.h>
#include <stdio.h>

#define JOBS_SHOWN  64
#define FAILURE_MAX ((size_t) 64 << 10)

static void send_daemon(Server *s, int fd)
{
        RecordLine r;

        record_begin(&r, "daemon");
        record_text(&r, "version", HOOKD_VERSION);
        record_number(&r, "pid", (uint64_t) getpid());
        record_number(&r, "since", s->since_realtime);
        record_number(&r, "profiles", s->profiles.index ? profile_index_size(s->profiles.index) : 0);
        record_text(&r, "problem", s->profiles.problem);
        record_send(&r, fd);
}

/* When hookd will put it back by itself; 0: not while the guest, or a call to the kernel, lasts. */
static uint64_t due_at(const Holding *h)
{
        uint64_t now = now_usec(), due = h->state == TXN_STUCK ? UINT64_MAX : holding_due(h, now);

        return due == UINT64_MAX ? 0 : record_realtime(CLOCK_MONOTONIC, now) + (due - now);
}

static void send_guest(const Holding *h, int fd)
{
        RecordLine r;

        record_begin(&r, "guest");
        record_text(&r, "domain", h->domain);
        record_text(&r, "uuid", h->uuid);
        record_text(&r, "state", txn_state_name(h->state));
        record_number(&r, "since", h->since > 0 ? record_realtime(CLOCK_BOOTTIME, h->since) : 0);
        record_text(&r, "profile", h->profile);
        record_text(&r, "card", h->card);
        record_text(&r, "text", h->text);
        record_number(&r, "due", due_at(h));
        record_number(&r, "caller", (uint64_t) h->caller.id.pid);
        record_number(&r, "guest", h->guest.gone ? 0 : (uint64_t) h->guest.id.pid);
        record_send(&r, fd);
}

static void send_job(const Job *j, int fd)
{
        RecordLine r;

        record_begin(&r, "job");
        record_text(&r, "verb", job_verb_name(j->verb));
        record_text(&r, "domain", j->domain);
        record_text(&r, "state", j->late ? "late" : j->started > 0 ? "running" : "waiting");
        record_number(&r, "since", record_realtime(CLOCK_MONOTONIC, j->started > 0 ? j->started : j->created));
        record_number(&r, "pid", (uint64_t) j->pid);
        record_send(&r, fd);
}

static void send_jobs(Server *s, int fd)
{
        unsigned shown = 0;
        const Job *j;

        TAILQ_FOREACH (j, &s->jobs.list, link)
                if (++shown <= JOBS_SHOWN)
                        send_job(j, fd);
        if (shown > JOBS_SHOWN) {
                RecordLine r;

                record_begin(&r, "jobs");
                record_number(&r, "more", shown - JOBS_SHOWN);
                record_send(&r, fd);
        }
}

/* A line of last-failure, written by the worker: domain, CLOCK_BOOTTIME usec, event, text; by tabs, escaped. */
static void send_failure(char *line, int fd)
{
        char *fields[4], *rest = line;
        uint64_t when;
        RecordLine r;

        for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
                _cleanup_free_ char *value = NULL;
                char *field = strsep(&rest, "\t");

                if (!field)
                        return;
                fields[i] = field;
        }
        if (parse_uint(fields[1], UINT64_MAX, &when) < 0)
                return;
        record_begin(&r, "failure");
        record_number(&r, "since", record_realtime(CLOCK_BOOTTIME, when));
        for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
                static const char *const keys[] = { "domain", NULL, "event", "text" };
                _cleanup_free_ char *value = NULL;

                if (keys[i] && text_unescape(fields[i], &value) >= 0)
                        record_text(&r, keys[i], value);
        }
        record_send(&r, fd);
}

static void send_failures(Server *s, int fd)
{
        _cleanup_free_ char *path = NULL, *text = NULL;
        char *rest, *line;

        if (asprintf(&path, "%s/last-failure", s->options->journals) < 0) {
                path = NULL;
                return;
        }
        if (read_file_at(AT_FDCWD, path, FAILURE_MAX, &text, NULL) < 0)
                return;
        for (rest = text; (line = strsep(&rest, "\n"));)
                send_failure(line, fd);
}

void status_send(Server *s, int fd)
{
        send_daemon(s, fd);
        for (size_t i = 0; i < s->ledger.n; i++)
                send_guest(s->ledger.list[i], fd);
        send_jobs(s, fd);
        STRV_FOREACH (b, s->ledger.bad) {
                RecordLine r;

                record_begin(&r, "bad");
                record_text(&r, "text", *b);
                record_send(&r, fd);
        }
        send_failures(s, fd);
}
