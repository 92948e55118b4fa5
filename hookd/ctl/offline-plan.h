/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/record.h"
#include "util/fault.h"

/* The plan without the daemon: from a captured host (NULL: this one as far as one sees it), a profile's file (NULL: the
 * one in /etc/hookd/profiles that is the guest's) and the domain's XML in xml_fd. *ret gets the records that the daemon
 * would send, for records_clear() also after a failure. 0, or -errno with a fault: the refusal. */
int offline_plan(const char *host, const char *profile, int xml_fd, Records *ret, Fault *f);
