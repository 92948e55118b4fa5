/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/guest.h"
#include "model/profile.h"
#include "txn/txn.h"
#include "util/log.h"

/* What the worker's verbs share. */
typedef struct Worker {
        const char *verb, *domain, *uuid, *event;
        const char *root, *journals, *profiles, *conf, *spool;
        bool check_owner;
        int client_fd, xml_fd;
        int hook_pid;
        uint64_t hook_start;
        uint64_t since, last;
        Host *host;
        char *xml; /* of the domain, as it came or as the journal has it; NULL: none yet */
} Worker;

/* worker-args.c: fills w, whose strings stay argv's, and *audit. -EINVAL: these are not hookd's arguments. */
int worker_parse_args(Worker *w, int argc, char **argv, LogTarget *audit);

/* worker-plan.c: XML + profile + host -> plan. 1: *ret_plan and *ret_profile; 0: no profile wants this guest. */
int worker_plan(Worker *w, Guest **ret_guest, Profile **ret_profile, Plan **ret_plan, Fault *f);
/* The plan verb: sends what prepare would do, as records (txn/plan-record.h). */
int worker_show_plan(Worker *w, Fault *f);
/* worker-back.c: with a journal's UUID: what a release would do now, as such records. Reads the journal without its
 * lock. */
int worker_show_release(Worker *w, Fault *f);
/* worker-log.c: sends the audit of the system's journal, of the guest or of all, not older than `since`, the last
 * `last` transactions (0: all), as records (model/audit.h). Reads until a deadline of its own; for a client that reads
 * slowly it waits until then. */
int worker_show_log(Worker *w, Fault *f);
/* What an event between start and end brings. 0: *ret_plan, which may be empty. */
int worker_plan_event(Worker *w, Plan **ret_plan, Fault *f);
/* worker-event.c: does it and answers. */
int worker_event(Worker *w, Fault *f);

/* worker-main.c, for the verbs. Sends the result and hangs up. */
int worker_reply(Worker *w, int status, const char *text);
/* Keeps the failure for `hookctl status`. */
void worker_note_failure(Worker *w, const Fault *f);
/* One WIRE_TEXT line to the client, if there is one. */
void worker_say(Worker *w, const char *line);
