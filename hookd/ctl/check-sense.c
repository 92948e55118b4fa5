/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/check-parts.h"

#include <inttypes.h>

/* A value that another one makes pointless. */
static void pointless(const Subject *s, bool is, const char *section, const char *key, const char *because)
{
        unsigned line;

        if (is && profile_origin(s->profile, section, key, &line))
                subject_add(s, false, section, key, "%s= in [%s] means nothing with %s", key, section, because);
}

/* A part that may take longer than the whole. The longest that the file can say, an hour, both the shim and libvirt
 * wait for: the daemon tells the shim how long, libvirt's virCommandRun() has no time limit. */
static void too_long(const Subject *s, uint64_t part, const char *section, const char *what, const char *whole_key,
                     uint64_t whole)
{
        unsigned line;
        bool own = profile_origin(s->profile, section, "TimeoutSec", &line);

        if (part > whole)
                subject_add(s, false, own ? section : "Transaction", own ? "TimeoutSec" : whole_key,
                            "%s may take %" PRIu64
                            " s, longer than %s= in [Transaction] allows for everything (%" PRIu64 " s)",
                            what, part / USEC_PER_SEC, whole_key, whole / USEC_PER_SEC);
}

void check_sense(const Subject *s)
{
        const Profile *p = s->profile;
        bool prepare = p->reset_when != RESET_ON_RELEASE, release = p->reset_when != RESET_ON_PREPARE;

        pointless(s, p->module_policy == POLICY_KEEP, "Module", "Names", "Policy=keep");
        pointless(s, p->dm_policy == POLICY_KEEP, "DisplayManager", "Unit", "Policy=keep");
        pointless(s, p->sessions_policy == POLICY_KEEP, "Sessions", "TimeoutSec", "Policy=keep");
        pointless(s, p->holders_policy == POLICY_REFUSE, "Holders", "TimeoutSec", "Policy=refuse");
        pointless(s, p->reset_method == RESET_NONE, "Reset", "When", "Method=none");
        pointless(s, p->reset_method == RESET_NONE, "Reset", "TimeoutSec", "Method=none");
        if (p->holders_policy == POLICY_REFUSE)
                too_long(s, p->sessions_timeout, "Sessions", "waiting for the sessions", "StartTimeoutSec",
                         p->start_timeout);
        else
                too_long(s, p->sessions_timeout + p->holders_timeout, "Holders",
                         "waiting for the sessions and then for the holders", "StartTimeoutSec", p->start_timeout);
        if (p->reset_method != RESET_NONE && prepare)
                too_long(s, p->reset_timeout, "Reset", "a reset", "StartTimeoutSec", p->start_timeout);
        if (p->reset_method != RESET_NONE && release)
                too_long(s, p->reset_timeout, "Reset", "a reset", "StopTimeoutSec", p->stop_timeout);
}
