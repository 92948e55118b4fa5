/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/json.h"
#include "ctl/path.h"
#include "ctl/recover-cards.h"
#include "ctl/term.h"
#include "wire/wire.h"

#include <signal.h>

static void print_left(const Recover *r)
{
        (void) putchar('\n');
        if (r->n_left == 0) {
                term_cell(stdout, r->ctl->colour, COLOUR_GREEN, "Nothing is left to put back.", 0);
                (void) putchar('\n');
                return;
        }
        term_cell(stdout, r->ctl->colour, COLOUR_RED, "Still to do:", 0);
        (void) putchar('\n');
        for (size_t i = 0; i < r->n_left; i++) {
                (void) fputs("\n  ", stdout);
                term_wrap(stdout, r->left[i].text, 2, 2);
                STRV_FOREACH (command, r->left[i].commands)
                        (void) printf("    %s\n", *command); /* whole, to be copied */
        }
}

static void print_json(const Recover *r)
{
        Json j = { .out = stdout };

        json_begin(&j, NULL, '{');
        json_strings(&j, "said", r->said);
        json_begin(&j, "left", '[');
        for (size_t i = 0; i < r->n_left; i++) {
                json_begin(&j, NULL, '{');
                json_string(&j, "text", r->left[i].text);
                json_strings(&j, "commands", r->left[i].commands);
                json_end(&j, '}');
        }
        json_end(&j, ']');
        json_end(&j, '}');
}

/* Another system's folder: this one's hookd has nothing to do with it. */
static bool is_elsewhere(const Ctl *c)
{
        return *c->root && streq(c->socket, WIRE_SOCKET);
}

/* -EACCES: not for us. */
static int recover(Recover *r, Fault *f)
{
        int k = is_elsewhere(r->ctl) ? 0 : recover_by_daemon(r, f);

        if (k == -EACCES)
                return k;
        if (is_elsewhere(r->ctl))
                recover_alone(r);
        else if (k < 0) {
                recover_say(r, 0, "hookd does not answer: going on without it.");
                if (k == -ENOENT)
                        recover_left(r, "hookd does not run. To start it:");
                else
                        recover_left(r, "hookd did not answer: %s", f->text);
                recover_command(r, k == -ENOENT ? "systemctl start hookd" : "systemctl restart hookd");
                recover_alone(r);
        }
        recover_bad(r);
        recover_host(r);
        return 0;
}

static int run(const Ctl *c)
{
        Recover r = { .ctl = c };
        Fault f = { 0 };
        int k;

        if (geteuid() != 0 && !*c->root)
                return ctl_fail("recover needs root: `sudo hookctl recover`");
        /* Its ssh may go while it is at work, and a dark machine is no place to stop half-way. */
        (void) signal(SIGHUP, SIG_IGN);
        (void) signal(SIGPIPE, SIG_IGN);
        r.journals = path_below(c->root, "/run/hookd-txn");
        k = r.journals ? host_new(*c->root ? c->root : "/", &r.host, &f)
                       : fault_set(&f, -ENOMEM, NULL, "out of memory");
        if (k >= 0)
                k = recover(&r, &f);
        if (k >= 0 && c->json)
                print_json(&r);
        else if (k >= 0)
                print_left(&r);
        k = k < 0 ? ctl_fail("%s", f.text) : r.failed ? ctl_fail("out of memory") : r.n_left > 0;
        recover_clear(&r);
        return k;
}

const Verb verb_recover = {
        .name = "recover",
        .options = "root worker force json socket",
        .arguments = "",
        .summary = "put back all that hookd ever took: for a dark machine, by ssh",
        .help = "Puts the host back for every guest that is gone, also where hookd is dead, tells\n"
                "each step, and at the end what is still wrong and which command helps. Exit\n"
                "status 0: nothing is left. A guest that runs keeps its card, whatever is given.\n"
                "With --force also for guests that may just be starting, and cards on vfio-pci\n"
                "that no guest has; and the display manager is started.\n",
        .run = run,
};
