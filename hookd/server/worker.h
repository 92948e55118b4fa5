/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "server/server.h"

/* Starts a worker for a job: see txn/worker-main.h for its arguments. It gets the client's socket and the XML, an empty
 * environment but for PATH, no blocked signals and a process group of its own. 0 or -errno with a fault. */
int worker_spawn(const ServerOptions *options, const char *spool, const Job *j, pid_t *ret, Fault *f);
