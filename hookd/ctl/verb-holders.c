/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/look.h"
#include "ctl/term.h"
#include "step/card.h"

#include <pwd.h>

#define USER_COLUMN    8
#define COMMAND_COLUMN 18
#define UNIT_COLUMN    35

static char *remedy(const HostHolder *x)
{
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                return NULL;
        holder_print_remedy(out, x);
        if (fclose(out) == 0)
                return text;
        free(text);
        return NULL;
}

static const char *user_name(uint32_t uid, char buf[16])
{
        const struct passwd *p = getpwuid(uid);

        if (p)
                return p->pw_name;
        (void) snprintf(buf, 16, "%u", uid);
        return buf;
}

/* Of which function is the device file? NULL: of none alone, as /dev/nvidiactl. */
static const HostFunction *function_of(const HostView *v, const char *node)
{
        for (size_t i = 0; i < v->n_functions; i++)
                if (strv_contains(v->functions[i].nodes, node))
                        return &v->functions[i];
        return NULL;
}

/* A vendor's file stands for each of its cards. */
static bool wanted(const HostView *v, const PciAddress *only, const HostHolder *x)
{
        const HostFunction *fn = function_of(v, x->node), *mine = only ? hostview_function(v, only) : NULL;

        return !only || (fn ? pci_same_slot(&fn->address, only) : mine && mine->class >> 16 == 0x03);
}

static void print_json(const HostView *v, const PciAddress *only)
{
        Json j = { .out = stdout };

        json_begin(&j, NULL, '[');
        for (size_t i = 0; i < v->n_holders; i++) {
                const HostHolder *x = &v->holders[i];
                const HostFunction *fn = function_of(v, x->node);
                _cleanup_free_ char *text = remedy(x);
                char bdf[PCI_FORMAT_MAX];

                if (!wanted(v, only, x))
                        continue;
                json_begin(&j, NULL, '{');
                json_number(&j, "pid", x->pid);
                json_number(&j, "uid", x->uid);
                json_string(&j, "command", x->comm);
                json_string(&j, "unit", x->unit);
                json_string(&j, "user_unit", x->user_unit);
                json_string(&j, "device", x->node);
                json_bool(&j, "mapped", x->mapped);
                json_string(&j, "function", fn ? pci_format(&fn->address, bdf) : NULL);
                json_string(&j, "remedy", text);
                json_end(&j, '}');
        }
        json_end(&j, ']');
}

/* All that the process has of what is wanted: "/dev/dri/card0, /dev/nvidia0 (mapped)". Caller frees. */
static char *files_of(const HostView *v, const PciAddress *only, const HostHolder *first)
{
        _cleanup_strv_ char **files = NULL;

        for (const HostHolder *x = first; x < v->holders + v->n_holders && x->pid == first->pid; x++) {
                _cleanup_free_ char *text = NULL;

                if (!wanted(v, only, x))
                        continue;
                if (asprintf(&text, "%s%s", x->node, x->mapped ? " (mapped)" : "") < 0) {
                        text = NULL;
                        return NULL;
                }
                if (strv_append(&files, text) < 0)
                        return NULL;
        }
        return strv_join(files, ", ");
}

/* Frees the text. */
static void print_below(char *text)
{
        (void) printf("%*s", USER_COLUMN, "");
        term_wrap(stdout, text ? text : "?", USER_COLUMN, USER_COLUMN + 2);
        free(text);
}

static size_t print_table(const Ctl *c, const HostView *v, const PciAddress *only)
{
        size_t n = 0;
        int pid = 0;

        for (size_t i = 0; i < v->n_holders; i++) {
                const HostHolder *x = &v->holders[i];
                char buf[16], number[16];

                if (!wanted(v, only, x) || x->pid == pid)
                        continue;
                pid = x->pid;
                if (n++ == 0)
                        (void) printf("%-*s%-*s%-*s%s\n", USER_COLUMN, "PID", COMMAND_COLUMN - USER_COLUMN, "USER",
                                      UNIT_COLUMN - COMMAND_COLUMN, "COMMAND", "UNIT");
                (void) snprintf(number, sizeof(number), "%d", x->pid);
                term_column(stdout, c->colour, COLOUR_BOLD, number, 0, USER_COLUMN);
                term_column(stdout, false, NULL, user_name(x->uid, buf), USER_COLUMN, COMMAND_COLUMN);
                term_column(stdout, false, NULL, x->comm, COMMAND_COLUMN, UNIT_COLUMN);
                term_wrap(stdout, x->user_unit ? x->user_unit : x->unit ? x->unit : "-", UNIT_COLUMN, UNIT_COLUMN);
                print_below(files_of(v, only, x));
                print_below(remedy(x));
        }
        return n;
}

static int run(const Ctl *c)
{
        _cleanup_(hostview_freep) HostView *v = NULL;
        PciAddress only;
        Fault f = { 0 };

        if (c->guest && pci_parse(c->guest, &only) < 0) {
                (void) ctl_fail("'%s' is no PCI address: 0000:01:00.0 is one", c->guest);
                return 2;
        }
        if (look(c->host, NULL, &v, &f) < 0)
                return ctl_fail("%s", f.text);
        if (c->guest && !hostview_function(v, &only))
                return ctl_fail("there is no PCI device %s: `hookctl devices` lists the cards", c->guest);
        if (c->json)
                print_json(v, c->guest ? &only : NULL);
        else if (print_table(c, v, c->guest ? &only : NULL) == 0)
                (void) puts(geteuid() == 0 || c->host ? "Nobody has a card's device files open."
                                                      : "No process that you may look into has a card's device files "
                                                        "open; root sees all.");
        return 0;
}

const Verb verb_holders = {
        .name = "holders",
        .options = "host json",
        .arguments = "[BDF]",
        .summary = "show who has a card's device files open, and what would free it",
        .help = "Shows the processes that have device files of a card open, of all cards or of\n"
                "the one in the slot of BDF. Only root sees the processes of other users.\n",
        .run = run,
};
