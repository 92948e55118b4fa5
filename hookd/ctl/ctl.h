/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* hookctl: the operator's command. Exit status 0: fine, 1: a problem, 2: wrong usage. */

typedef struct Ctl {
        const char *socket;     /* of the daemon */
        const char *root;       /* enable, disable: "" or the folder all paths are below */
        const char *shim;       /* enable: what is installed */
        const char *domain_xml; /* plan: file, "-" for stdin, NULL: ask libvirt */
        const char *host;       /* a captured host instead of this one; NULL: this one */
        const char *profile;    /* plan: a profile's file; NULL: the guest's */
        const char *guest;      /* NULL: not given */
        bool force, raw, json, tree;
        bool colour; /* of stdout */
} Ctl;

enum { GUEST_NONE, GUEST_OPTIONAL, GUEST_REQUIRED };

typedef struct Verb {
        const char *name;
        const char *options; /* long options it takes beside --help, by blanks */
        int guest;
        const char *argument; /* what it is called where it is no guest; NULL: GUEST */
        const char *summary;  /* half a line */
        const char *help;     /* lines after "usage: hookctl NAME …" */
        int (*run)(const Ctl *c);
} Verb;

extern const Verb verb_enable, verb_disable, verb_status, verb_plan, verb_devices, verb_holders, verb_capture,
        verb_release;

/* "hookctl: text" on stderr, wrapped. Returns 1, the exit status. */
int ctl_fail(const char *fmt, ...) _printf_(1, 2);
