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

static int wrong(const char *text)
{
        (void) ctl_fail("%s", text);
        return 2;
}

/* By the journal of the guest, of which neither libvirt nor a file knows. */
static int plan_release(const Ctl *c)
{
        Fault f = { 0 };

        if (c->host || c->profile || c->domain_xml)
                return wrong("plan --event=release goes by what hookd has noted on this host when the guest was "
                             "started: it takes no --host, --profile or --domain-xml");
        if (!c->guest)
                return wrong("plan --event=release needs the name of a guest: `hookctl status` lists those that hold "
                             "something");
        if (talk_option(c->socket, WIRE_PLAN, c->guest, "release", -1, print_line, (void *) c, &f) < 0)
                return ctl_fail("%s", f.text);
        return 0;
}

static int plan_prepare(const Ctl *c)
{
        _cleanup_free_ char *name = NULL;
        _cleanup_close_ int fd = -1;
        Fault f = { 0 };

        if (!c->guest && !c->domain_xml)
                return wrong("plan needs the name of a guest, or --domain-xml=FILE");
        fd = c->domain_xml ? domain_xml_read(c->domain_xml, &name, &f) : domain_xml_ask(c->guest, &name, &f);
        if (fd >= 0 && c->guest && c->domain_xml && !streq(c->guest, name))
                return ctl_fail("the XML in %s is that of %s, not of %s", c->domain_xml, name, c->guest);
        if (fd >= 0 && (c->host || c->profile)
                    ? offline_plan(c->host, c->profile, fd, print_line, (void *) c, &f) < 0
                    : fd < 0 || talk(c->socket, WIRE_PLAN, name, fd, print_line, (void *) c, &f) < 0)
                return ctl_fail("%s", f.text);
        return 0;
}

static int run(const Ctl *c)
{
        if (!c->event || streq(c->event, "prepare"))
                return plan_prepare(c);
        return streq(c->event, "release") ? plan_release(c) : wrong("plan's --event= is prepare or release");
}

const Verb verb_plan = {
        .name = "plan",
        .options = "event domain-xml host profile socket",
        .arguments = "[GUEST]",
        .summary = "show what a start or a release of the guest would do to this host",
        .help = "Shows, target by target, what hookd would do if the guest was started now, or\n"
                "why it would refuse; with --event=release what would be put back if it had ended\n"
                "now. Changes nothing. The domain's XML is asked of libvirt.\n"
                "With --host or --profile hookd is not asked: the plan is made from these files.\n",
        .run = run,
};
