/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/look.h"
#include "ctl/term.h"
#include "step/card.h"

#include <pwd.h>

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

/* Columns stay apart also where a text is too long for its own. */
static void cell(bool colour, const char *code, const char *text, size_t width)
{
        term_cell(stdout, colour, code, text, width);
        if (term_columns(text) >= width)
                (void) putchar(' ');
}

static size_t print_table(const Ctl *c, const HostView *v, const PciAddress *only)
{
        size_t n = 0;
        int pid = 0;

        for (size_t i = 0; i < v->n_holders; i++) {
                const HostHolder *x = &v->holders[i];
                char buf[16], number[16];

                if (!wanted(v, only, x))
                        continue;
                if (n++ == 0)
                        (void) printf("%-8s%-10s%-17s%-27s%s\n", "PID", "USER", "COMMAND", "UNIT", "DEVICE");
                (void) snprintf(number, sizeof(number), "%d", x->pid);
                cell(c->colour, COLOUR_BOLD, x->pid == pid ? "" : number, 8);
                cell(false, NULL, x->pid == pid ? "" : user_name(x->uid, buf), 10);
                cell(false, NULL, x->pid == pid ? "" : x->comm, 17);
                cell(false, NULL, x->pid == pid ? "" : x->user_unit ? x->user_unit : x->unit ? x->unit : "-", 27);
                (void) printf("%s%s\n", x->node, x->mapped ? " (mapped)" : "");
                pid = x->pid;
                if (i + 1 == v->n_holders || v->holders[i + 1].pid != pid) {
                        _cleanup_free_ char *text = remedy(x);

                        (void) printf("        ");
                        term_wrap(stdout, text ? text : "", 8, 10);
                }
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
        .help = "Of all cards, or of the one in the slot of BDF. Only root sees the processes of\n"
                "other users.\n",
        .run = run,
};
