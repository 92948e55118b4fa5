/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/record-json.h"
#include "ctl/talk.h"
#include "ctl/term.h"
#include "wire/wire.h"

static void print(const Ctl *c, const Records *r)
{
        Json j = { .out = stdout };

        if (c->json) {
                records_json_list(&j, NULL, r, "found");
                return;
        }
        if (r->n == 0)
                (void) puts("No guest holds a device of this host; there is nothing to put back.");
        for (size_t i = 0; i < r->n; i++) {
                const char *domain = record_value(&r->list[i], "domain");
                _cleanup_free_ char *text = NULL;

                if (!*domain)
                        domain = record_value(&r->list[i], "uuid");
                if (asprintf(&text, "%s: %s", record_value(&r->list[i], "card"), record_value(&r->list[i], "text")) < 0)
                        text = NULL;
                term_cell(stdout, c->colour, COLOUR_BOLD, domain, 0);
                (void) fputs("\n    ", stdout);
                term_wrap(stdout, text ? text : "", 4, 4);
        }
}

static int run(const Ctl *c)
{
        _cleanup_(records_clear) Records found = { 0 };
        Fault f = { 0 };

        if (talk_records(c->socket, WIRE_RECONCILE, &found, &f) < 0)
                return ctl_fail("%s", f.text);
        print(c, &found);
        return 0;
}

const Verb verb_reconcile = {
        .name = "reconcile",
        .options = "json socket",
        .arguments = "",
        .summary = "look now whose guest is gone, and give back what it held",
        .help = "hookd sees the end of a guest by itself, and tries again what could not be put\n"
                "back, at longer and longer intervals. This makes it look and try now, and says\n"
                "for every guest that holds something what was found.\n",
        .run = run,
};
