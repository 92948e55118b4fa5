/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/record-json.h"
#include "ctl/talk.h"
#include "wire/wire.h"

#include <stdio.h>
#include <time.h>

typedef struct Status {
        Records records;
        bool raw, failed; /* failed: out of memory */
} Status;

static void on_line(void *userdata, const char *line)
{
        Status *s = userdata;

        if (s->raw)
                (void) puts(line);
        else if (records_add(&s->records, line) < 0)
                s->failed = true;
}

static int run(const Ctl *c)
{
        Status s = { .raw = c->raw };
        struct timespec ts = { 0 };
        Fault f = { 0 };
        int r;

        r = talk(c->socket, WIRE_STATUS, NULL, -1, on_line, &s, &f);
        (void) clock_gettime(CLOCK_REALTIME, &ts);
        if (r >= 0 && c->json)
                records_json_status(&s.records, stdout);
        else if (r >= 0 && !c->raw)
                records_print(&s.records, c->colour, (uint64_t) ts.tv_sec * USEC_PER_SEC, stdout);
        records_clear(&s.records);
        if (r < 0)
                return ctl_fail("%s", f.text);
        return s.failed ? ctl_fail("out of memory") : 0;
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
