/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

typedef struct Server Server;

/* Looks at every open journal now, whatever was to be waited for: finds QEMUs, and starts a recovery of what is due or
 * was put off. Only what libvirtd gets to tear a guest down itself stays. A line an open journal, as for status:
 *
 *   found    domain uuid state card finding text
 *
 *   finding: runs, starting, ending (libvirtd's part of it), working (a worker is at it), stuck; text: a sentence. */
void reconcile(Server *s, int fd);
