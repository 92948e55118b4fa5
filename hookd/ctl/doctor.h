/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/parse.h"

#include <stdio.h>

/* What `hookctl doctor` found. */

typedef enum Area { /* in this order where nothing else decides */
                    AREA_IOMMU,
                    AREA_BOOT,
                    AREA_MODULES,
                    AREA_CARDS,
                    AREA_HOOK,
                    AREA_HOOKD,
                    AREA_LIBVIRT,
                    AREA_KERNEL,
                    AREA_SECURITY,
                    AREA_PROFILES,
                    AREA_MAX,
} Area;

typedef enum Severity {                  /* most important first */
                        FINDING_PROBLEM, /* guests do not start, or the host does not come back */
                        FINDING_WARNING, /* they may not, or not after the next reboot */
                        FINDING_HINT,    /* worth knowing */
                        FINDING_UNKNOWN, /* could not be looked at */
                        FINDING_FINE,
                        FINDING_MAX,
} Severity;
const char *severity_name(Severity s);
const char *area_name(Area a); /* a word, as in --json */

typedef struct Finding {
        Area area;
        Severity severity;
        char *text;
        char *fix; /* a command, or the line to write; NULL: none */
} Finding;

typedef struct Findings {
        Finding *list;
        size_t n;
        bool failed; /* out of memory: something is missing */
} Findings;

/* One line each; control characters become '?'. */
void finding_add(Findings *fs, Area area, Severity s, const char *fmt, ...) _printf_(4, 5);
void finding_fix(Findings *fs, const char *fmt, ...) _printf_(2, 3); /* of the one added last */
void findings_clear(Findings *fs);
unsigned findings_count(const Findings *fs, Severity s);
/* By area, that with the gravest first; in an area the gravest first; else as they were added. */
void findings_sort(Findings *fs);
/* Sorted ones, for people. all: also what is fine, one by one; else a line an area. */
void findings_print(const Findings *fs, bool all, bool colour, FILE *out);
void findings_print_json(const Findings *fs, FILE *out);
