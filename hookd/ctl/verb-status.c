/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/record-json.h"
#include "ctl/talk.h"
#include "wire/wire.h"

#include <stdio.h>
#include <time.h>

static int run(const Ctl *c)
{
        _cleanup_(records_clear) Records records = { 0 };
        struct timespec ts = { 0 };
        Fault f = { 0 };

        if (talk_records(c->socket, WIRE_STATUS, &records, &f) < 0)
                return ctl_fail("%s", f.text);
        (void) clock_gettime(CLOCK_REALTIME, &ts);
        if (c->json)
                records_json_status(&records, stdout);
        else if (c->raw)
                records_print_raw(&records, stdout);
        else
                records_print(&records, c->colour, (uint64_t) ts.tv_sec * USEC_PER_SEC, stdout);
        return 0;
}

const Verb verb_status = {
        .name = "status",
        .options = "json raw socket",
        .arguments = "",
        .summary = "show which guests hold what, what is under way, the last failures",
        .help = "The exit status is 1 when hookd does not run. With --raw, for scripts: a record\n"
                "a line, key=value fields separated by tabs; see hookctl(1).\n",
        .run = run,
};
