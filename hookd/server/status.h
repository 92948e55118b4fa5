/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

typedef struct Server Server;

/* What goes on, as WIRE_TEXT messages of one line each: a record's word and key=value fields, separated by tabs, values
 * escaped with text_escape(). New keys may come; hookctl(1) documents these:
 *
 *   daemon   version pid since profiles problem     problem: why profiles or hookd.conf cannot be used, or empty
 *   guest    domain uuid state since profile card text due caller guest     an open journal; text: of its last
 *            line; caller: libvirtd's pid; guest: QEMU's pid while it runs, 0: not known; due: when it is put back by
 *            itself, 0: not yet
 *   job      verb domain state since pid            state: running, waiting, late
 *   bad      text                                   an unreadable journal
 *   failure  domain since event text                the last ones, newest last
 *
 * `since` is in microseconds of CLOCK_REALTIME. At most JOBS_SHOWN jobs; "jobs more=N" for the rest. */
void status_send(Server *s, int fd);
