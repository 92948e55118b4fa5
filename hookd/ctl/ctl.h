/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* hookctl: the operator's command. Exit status 0: fine, 1: a problem, 2: wrong usage. */

#define CTL_ARGUMENTS_MAX 3

typedef struct Ctl {
        const char *socket;                /* of the daemon */
        const char *root;                  /* "" or the folder all paths are below */
        const char *shim;                  /* enable: what is installed */
        const char *worker;                /* recover: what is started where hookd does not answer */
        const char *domain_xml;            /* file, "-" for stdin, NULL: ask libvirt */
        const char *host;                  /* a captured host instead of this one; NULL: this one */
        const char *profile;               /* plan: a profile's file; NULL: the guest's */
        const char *event;                 /* plan: "prepare", "release"; NULL: prepare */
        const char *since, *number, *file; /* log; NULL: not given */
        bool force, raw, print, json, tree, timeline, follow, all;
        bool colour;                              /* of stdout */
        const char *arguments[CTL_ARGUMENTS_MAX]; /* NULL: not given */
        const char *guest;                        /* the first of them */
} Ctl;

typedef struct Verb {
        const char *name;
        const char *options;   /* long options it takes beside --help, by blanks */
        const char *arguments; /* as in the usage line: "", "GUEST", "[GUEST]", "BDF FILE": at most CTL_ARGUMENTS_MAX;
                                  the completions go by these words */
        const char *summary;   /* half a line */
        const char *help;      /* lines after "usage: hookctl NAME …" */
        int (*run)(const Ctl *c);
} Verb;

extern const Verb verb_enable, verb_disable, verb_status, verb_plan, verb_list, verb_show, verb_check, verb_generate,
        verb_edit, verb_devices, verb_holders, verb_capture, verb_release, verb_log, verb_rom, verb_doctor,
        verb_reconcile, verb_recover;

/* "hookctl: text" on stderr, wrapped. Returns 1, the exit status. */
int ctl_fail(const char *fmt, ...) _printf_(1, 2);
