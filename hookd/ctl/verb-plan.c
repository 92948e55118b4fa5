/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/domain-xml.h"
#include "ctl/offline-plan.h"
#include "ctl/talk.h"
#include "ctl/term.h"
#include "wire/wire.h"

/* Where a line's second column begins, which its continuation is aligned with. */
static size_t second_column(const char *line)
{
        size_t indent = strspn(line, " ");
        const char *gap = strstr(line + indent, "  ");

        return gap && gap - line < TERM_WIDTH / 2 ? (size_t) (gap - line) + strspn(gap, " ") : indent + 4;
}

/* Lines come ready from the worker. */
static void print_line(void *userdata, const char *line)
{
        const Ctl *c = userdata;
        size_t used = 0;

        if (startswith(line, "warning: ")) {
                used = strlen("warning:");
                term_cell(stdout, c->colour, COLOUR_YELLOW, "warning:", used);
        }
        term_wrap(stdout, line + used, used, used > 0 ? used + 1 : second_column(line));
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
        if (fd >= 0 && (c->host || c->profile)
                    ? offline_plan(c->host, c->profile, fd, print_line, (void *) c, &f) < 0
                    : fd < 0 || talk(c->socket, WIRE_PLAN, name, fd, print_line, (void *) c, &f) < 0)
                return ctl_fail("%s", f.text);
        return 0;
}

const Verb verb_plan = {
        .name = "plan",
        .options = "domain-xml host profile socket",
        .arguments = "[GUEST]",
        .summary = "show what a start of the guest would do to this host now",
        .help = "Shows, target by target, what hookd would do if the guest was started now, or\n"
                "why it would refuse. Changes nothing. The domain's XML is asked of libvirt.\n"
                "With --host or --profile hookd is not asked: the plan is made from these files.\n",
        .run = run,
};
