/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/domain-xml.h"
#include "ctl/talk.h"
#include "ctl/term.h"
#include "wire/wire.h"

/* Lines come ready from the worker; what is indented stays so when it is wrapped. */
static void print_line(void *userdata, const char *line)
{
        const Ctl *c = userdata;
        size_t indent = strspn(line, " ");
        bool warning = startswith(line, "warning: ");

        (void) printf("%*s", (int) indent, "");
        if (warning) {
                term_cell(stdout, c->colour, COLOUR_YELLOW, "warning:", 9);
                line += 9;
        }
        term_wrap(stdout, line, warning ? 9 : indent, indent + 4);
}

static int run(const Ctl *c)
{
        _cleanup_free_ char *name = NULL;
        _cleanup_close_ int fd = -1;
        Fault f = { 0 };

        if (!c->guest && !c->domain_xml) {
                (void) ctl_fail("plan needs the name of a guest, or --domain-xml=FILE");
                return 2;
        }
        fd = c->domain_xml ? domain_xml_read(c->domain_xml, &name, &f) : domain_xml_ask(c->guest, &name, &f);
        if (fd >= 0 && c->guest && c->domain_xml && !streq(c->guest, name))
                return ctl_fail("the XML in %s is that of %s, not of %s", c->domain_xml, name, c->guest);
        if (fd < 0 || talk(c->socket, WIRE_PLAN, name, fd, print_line, (void *) c, &f) < 0)
                return ctl_fail("%s", f.text);
        return 0;
}

const Verb verb_plan = {
        .name = "plan",
        .options = "domain-xml socket",
        .guest = GUEST_OPTIONAL,
        .summary = "show what a start of the guest would do to this host now",
        .help = "Shows, target by target, what hookd would do if the guest was started now, or\n"
                "why it would refuse. Changes nothing. The domain's XML is asked of libvirt.\n",
        .run = run,
};
