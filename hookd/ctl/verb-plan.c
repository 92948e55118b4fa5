/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/domain-xml.h"
#include "ctl/offline-plan.h"
#include "ctl/record-json.h"
#include "ctl/record-plan.h"
#include "ctl/talk.h"

static int wrong(const char *text)
{
        (void) ctl_fail("%s", text);
        return 2;
}

/* r: what became of it. What has come before a failure is shown, but half a JSON helps nobody. */
static int show(const Ctl *c, const Records *plan, int r, const Fault *f)
{
        if (!c->json)
                records_print_plan(plan, c->colour, stdout);
        else if (r >= 0)
                records_json_plan(plan, stdout);
        return r < 0 ? ctl_fail("%s", f->text) : 0;
}

/* By the journal of the guest, of which neither libvirt nor a file knows. */
static int plan_release(const Ctl *c)
{
        _cleanup_(records_clear) Records plan = { 0 };
        Fault f = { 0 };
        int r;

        if (c->host || c->profile || c->domain_xml)
                return wrong("plan --event=release goes by what hookd has noted on this host when the guest was "
                             "started: it takes no --host, --profile or --domain-xml");
        if (!c->guest)
                return wrong("plan --event=release needs the name of a guest: `hookctl status` lists those that hold "
                             "something");
        r = talk_plan(c->socket, c->guest, "release", -1, &plan, &f);
        return show(c, &plan, r, &f);
}

static int plan_prepare(const Ctl *c)
{
        _cleanup_(records_clear) Records plan = { 0 };
        _cleanup_free_ char *name = NULL;
        _cleanup_close_ int fd = -1;
        Fault f = { 0 };
        int r;

        if (!c->guest && !c->domain_xml)
                return wrong("plan needs the name of a guest, or --domain-xml=FILE");
        fd = c->domain_xml ? domain_xml_read(c->domain_xml, &name, &f) : domain_xml_ask(c->guest, &name, &f);
        if (fd >= 0 && c->guest && c->domain_xml && !streq(c->guest, name))
                return ctl_fail("the XML in %s is that of %s, not of %s", c->domain_xml, name, c->guest);
        r = fd < 0                  ? fd
            : c->host || c->profile ? offline_plan(c->host, c->profile, fd, &plan, &f)
                                    : talk_plan(c->socket, name, NULL, fd, &plan, &f);
        return show(c, &plan, r, &f);
}

static int run(const Ctl *c)
{
        if (!c->event || streq(c->event, "prepare"))
                return plan_prepare(c);
        return streq(c->event, "release") ? plan_release(c) : wrong("plan's --event= is prepare or release");
}

const Verb verb_plan = {
        .name = "plan",
        .options = "json event domain-xml host profile socket",
        .arguments = "[GUEST]",
        .summary = "show what a start or a release of the guest would do to this host",
        .help = "Shows, target by target, what hookd would do if the guest was started now, or\n"
                "why it would refuse; with --event=release what would be put back if it had ended\n"
                "now. Changes nothing. The domain's XML is asked of libvirt.\n"
                "With --host or --profile hookd is not asked: the plan is made from these files.\n",
        .run = run,
};
