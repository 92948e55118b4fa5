/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/record.h"
#include "model/audit.h"
#include "util/fault.h"

/* One request to the daemon. Every line it sends is given to fn; then 0, or -EREMOTEIO with the daemon's sentence when
 * the result is not 0. -ENOENT: nobody listens; -EACCES; -ETIMEDOUT; -errno. guest may be NULL, fd -1. */
typedef void (*TalkLine)(void *userdata, const char *line);
int talk(const char *socket, uint16_t type, const char *guest, int fd, TalkLine fn, void *userdata, Fault *f);
/* With a word after the guest's name, which is not NULL then: how it is meant. */
int talk_option(const char *socket, uint16_t type, const char *guest, const char *option, int fd, TalkLine fn,
                void *userdata, Fault *f);
/* The answers to a request that was made already: by the daemon, or by a worker. usec: for all of them, unless one says
 * how long it takes. The descriptor stays the caller's. -ECONNRESET: it ended without a result. */
int talk_answer(int fd, uint64_t usec, TalkLine fn, void *userdata, Fault *f);
/* All records of an answer to WIRE_STATUS or WIRE_RECONCILE, or (option may be NULL) to WIRE_PLAN; cleared with
 * records_clear() also after a failure. */
int talk_records(const char *socket, uint16_t type, Records *ret, Fault *f);
int talk_plan(const char *socket, const char *guest, const char *option, int fd, Records *ret, Fault *f);
/* The audit as the daemon reads it: of this guest (NULL: of all), not older than `since` (CLOCK_REALTIME), the last
 * transactions (0: all); the daemon sends 20,000 entries at most. *ret is cleared with audit_clear() also after a
 * failure. */
int talk_log(const char *socket, const char *domain, uint64_t since, uint64_t last, Audit *ret, Fault *f);
