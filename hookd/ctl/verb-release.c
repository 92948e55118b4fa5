/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/talk.h"
#include "ctl/term.h"
#include "wire/wire.h"

#include <stdio.h>

/* Each step, as it ends. */
static void print_line(void *userdata, const char *line)
{
        (void) fputs("  ", stdout);
        term_wrap(stdout, line, 2, 6);
}

static int run(const Ctl *c)
{
        Fault f = { 0 };

        if (talk_option(c->socket, WIRE_RELEASE, c->guest, c->force ? "force" : NULL, -1, print_line, NULL, &f) < 0)
                return ctl_fail("%s", f.text);
        (void) printf("%s holds nothing of this host any more\n", c->guest);
        return 0;
}

const Verb verb_release = {
        .name = "release",
        .options = "force socket",
        .arguments = "GUEST",
        .summary = "give back what a guest that is not running holds",
        .help = "Does now what libvirt's release event does: puts the host back as it was before\n"
                "the guest was started. For a guest that libvirt has forgotten, or whose release\n"
                "failed. Refused while its QEMU has the devices, whatever is given: shut the\n"
                "guest down first. Refused while libvirtd may be starting it, but for --force.\n",
        .run = run,
};
