/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/hostview.h"
#include "util/fault.h"

/* A host view as text: what `hookctl capture` writes and `--host FILE` reads. One item a line: its kind and key=value
 * fields by tabs, values escaped (text_escape()), lists as repeated fields, what is unknown left out. */

#define HOSTVIEW_TEXT_MAX ((size_t) 16 << 20)

/* Caller frees; NULL: out of memory. */
char *hostview_encode(const HostView *v);
/* Only what hostview_encode() writes, and lines that begin with # or are empty. -EINVAL with the line's number; path is
 * for the message. */
int hostview_decode(const char *text, size_t size, const char *path, HostView **ret, Fault *f);
/* Before a view leaves the machine: names and numbers of people become user1 … (root and system users below 1000 stay),
 * their sessions' scopes and cgroups with them, and mount points "…". 0 or -ENOMEM. */
int hostview_anonymise(HostView *v);
