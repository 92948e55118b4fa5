/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/look.h"

#include <stdio.h>

static int run(const Ctl *c)
{
        _cleanup_(hostview_freep) HostView *v = NULL;
        _cleanup_free_ char *text = NULL;
        Fault f = { 0 };

        if (look(NULL, NULL, &v, &f) < 0)
                return ctl_fail("%s", f.text);
        if (hostview_anonymise(v) < 0 || !(text = hostview_encode(v)))
                return ctl_fail("out of memory");
        (void) printf("# hookctl " HOOKD_VERSION ", capture%s\n%s",
                      geteuid() == 0 ? "" : ", not as root: other users' processes are left out", text);
        return fflush(stdout) == 0 ? 0 : ctl_fail("cannot write: %s", fault_errno(-errno));
}

const Verb verb_capture = {
        .name = "capture",
        .options = "",
        .arguments = "",
        .summary = "print what hookd sees of this host, to attach to a report",
        .help = "Prints the PCI devices, drivers, modules, consoles, units, sessions and holders\n"
                "that hookd looks at, as text, and changes nothing. People's names, their numbers\n"
                "and mount points are left out; programs' and guests' names are not.\n"
                "`hookctl plan --host=FILE` shows what hookd would do on that host.\n",
        .run = run,
};
