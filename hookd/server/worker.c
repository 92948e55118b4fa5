/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/worker.h"

#include "txn/worker-start.h"

int worker_spawn(const ServerOptions *options, const char *spool, const Job *j, pid_t *ret, Fault *f)
{
        const WorkerCall c = {
                .executable = options->worker,
                .verb = job_verb_name(j->verb),
                .domain = j->domain,
                .uuid = j->uuid,
                .event = j->event,
                .client_fd = j->client_fd,
                .xml_fd = j->xml_fd,
                .hook_pid = (int) j->caller.pid,
                .hook_start = j->caller.start,
                .since = j->since,
                .last = j->last,
                .root = options->root,
                .journals = options->journals,
                .profiles = options->profiles,
                .conf = options->conf,
                .spool = spool,
                .audit = options->audit,
                .check_owner = options->check_owner,
        };

        return worker_start(&c, ret, f);
}
