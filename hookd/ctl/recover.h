/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"
#include "ctl/record.h"
#include "host/host.h"

/* `hookctl recover`: everything that hookd ever took is put back, and told line by line. */

/* What is still wrong. */
typedef struct Loss {
        char *text;
        char **commands; /* what helps; may be NULL */
} Loss;

typedef struct Recover {
        const Ctl *ctl;
        Host *host;     /* below the root */
        char *journals; /* the folder */
        char **said;    /* the whole story, for --json */
        Loss *left;
        size_t n_left;
        char **held; /* functions that guests' journals still have */
        bool open;   /* a journal is open: a display manager may be down for it */
        bool failed; /* out of memory: something is missing */
} Recover;

/* A line of the story, now; what no terminal should get is taken out. */
void recover_say(Recover *r, unsigned indent, const char *fmt, ...) _printf_(3, 4);
/* Something stays wrong: kept for the end. Commands go to the one added last. */
void recover_left(Recover *r, const char *fmt, ...) _printf_(2, 3);
void recover_command(Recover *r, const char *fmt, ...) _printf_(2, 3);
/* A name as a shell takes it: in quotes where it needs them. Static buffer. */
const char *recover_quote(const char *name);
void recover_clear(Recover *r);

/* With hookd: it looks (WIRE_RECONCILE), and releases what nobody has any more. 0; -errno with a fault: hookd does not
 * answer. */
int recover_by_daemon(Recover *r, Fault *f);
/* Without it: the worker itself, journal by journal. */
void recover_alone(Recover *r);
/* Journals that were set aside because they could not be read. */
void recover_bad(Recover *r);
/* A worker's line, as a TalkLine. */
void recover_step(void *userdata, const char *line);
