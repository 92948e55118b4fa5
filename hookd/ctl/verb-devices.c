/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/look.h"
#include "ctl/owners.h"
#include "ctl/shared.h"
#include "ctl/term.h"
#include "txn/txn.h"

#define TREE_DEPTH_MAX 8

/* What a person calls it (pci.ids, classes). */
static const char *class_name(const HostFunction *fn)
{
        static const struct {
                uint32_t class, mask;
                const char *name;
        } names[] = {
                { 0x030000, 0xffff00, "VGA controller" },  { 0x030200, 0xffff00, "3D controller" },
                { 0x030000, 0xff0000, "display" },         { 0x040300, 0xffff00, "audio" },
                { 0x0c0330, 0xffffff, "USB controller" },  { 0x0c8000, 0xffff00, "serial bus" },
                { 0x0c0000, 0xff0000, "serial bus" },      { 0x010802, 0xffffff, "NVMe controller" },
                { 0x010000, 0xff0000, "disk controller" }, { 0x020000, 0xff0000, "network controller" },
                { 0x060400, 0xffff00, "PCI bridge" },      { 0x060000, 0xff0000, "bridge" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if ((fn->class & names[i].mask) == names[i].class)
                        return names[i].name;
        return "device";
}

static bool in_card_slot(const HostView *v, const HostFunction *fn)
{
        for (size_t i = 0; i < v->n_functions; i++)
                if (function_is_display(&v->functions[i]) && pci_same_slot(&v->functions[i].address, &fn->address))
                        return true;
        return false;
}

/* A card's function, what shares an IOMMU group with one, or a parent of mediated devices. */
static bool shown(const HostView *v, const HostFunction *fn)
{
        char bdf[PCI_FORMAT_MAX];

        if (in_card_slot(v, fn) || shared_is_parent(v, pci_format(&fn->address, bdf)))
                return true;
        for (size_t i = 0; i < v->n_functions && fn->iommu_group >= 0; i++)
                if (v->functions[i].iommu_group == fn->iommu_group && in_card_slot(v, &v->functions[i]))
                        return true;
        return false;
}

static bool any_shown(const HostView *v)
{
        for (size_t i = 0; i < v->n_functions; i++)
                if (shown(v, &v->functions[i]))
                        return true;
        return false;
}

/* Would hookd take it? Asked of the planner itself, for a guest that names this function and an empty profile. 0: yes,
 * *ret is what goes along; else the refusal is in f. */
static int passable(const HostView *v, const HostFunction *fn, Plan **ret, Fault *f)
{
        GuestDevice device = { .type = GUEST_DEVICE_PCI, .address = fn->address, .managed = true };
        const Guest guest = { .name = (char *) "a guest",
                              .uuid = "00000000-0000-0000-0000-000000000000",
                              .devices = &device,
                              .n_devices = 1 };
        _cleanup_(profile_freep) Profile *p = profile_new();

        return p ? planner_plan(p, &guest, v, ret, f) : fault_set(f, -ENOMEM, NULL, "out of memory");
}

static void field(const char *name, const char *text)
{
        (void) printf("    %-10s ", name);
        term_wrap(stdout, text, 15, 15);
}

static void print_where(const HostFunction *fn)
{
        char text[128], group[32] = "no IOMMU group", node[24] = "";

        if (fn->iommu_group >= 0)
                (void) snprintf(group, sizeof(group), "IOMMU group %d", fn->iommu_group);
        if (fn->numa_node >= 0)
                (void) snprintf(node, sizeof(node), ", NUMA node %d", fn->numa_node);
        (void) snprintf(text, sizeof(text), "%s%s, %s%s%s%s", class_name(fn), fn->boot_vga == 1 ? ", boot VGA" : "",
                        group, node, fn->power_state ? ", " : "", fn->power_state ? fn->power_state : "");
        field("what", text);
}

static void print_driver(const HostFunction *fn)
{
        _cleanup_free_ char *others = strv_join(fn->candidates, " "), *text = NULL;

        if (asprintf(&text, "%s%s%s", fn->driver ? fn->driver : "none", fn->candidates ? "; modules for it: " : "",
                     fn->candidates && others ? others : "") < 0) {
                text = NULL;
                return;
        }
        field("driver", text);
}

static void print_holders(const HostView *v, const HostFunction *fn)
{
        int pid = 0;

        for (size_t i = 0; i < v->n_holders; i++) {
                const HostHolder *x = &v->holders[i];
                char text[256];

                if (x->pid == pid || !strv_contains(fn->nodes, x->node))
                        continue;
                pid = x->pid;
                (void) snprintf(text, sizeof(text), "%s (pid %d%s%s): %s", x->comm, x->pid, x->unit ? ", " : "",
                                x->unit ? x->unit : "", x->node);
                field("held by", text);
        }
}

/* What a guest with this function takes along. */
static void print_companions(const Plan *plan, const char *bdf)
{
        _cleanup_free_ char *text = strdup("yes");

        STRV_FOREACH (other, plan->functions) {
                char *longer;

                if (streq(*other, bdf) || !text ||
                    asprintf(&longer, "%s%s%s", text, streq(text, "yes") ? ", together with " : " ", *other) < 0)
                        continue;
                free(text);
                text = longer;
        }
        field("to a guest", text ? text : "yes");
}

static void print_owners(const Owners *o, const HostFunction *fn)
{
        const Record *holder = owners_holder(o, &fn->address);
        _cleanup_free_ char *list = NULL, *text = NULL;
        _cleanup_strv_ char **guests = NULL;

        if (owners_guests(o, &fn->address, &guests) < 0)
                return;
        list = strv_join(guests, ", ");
        if (list)
                text_clean(list);
        if (o->domains_known)
                field("guests", list && *list ? list : "none has it in its definition");
        if (holder && asprintf(&text, "%s (%s)", record_value(holder, "domain"), record_value(holder, "state")) >= 0)
                field("now with", text);
}

static void print_device(const Ctl *c, const HostView *v, const Owners *o, const HostFunction *fn)
{
        _cleanup_free_ char *reset = strv_join(fn->reset_method, " ");
        _cleanup_(plan_freep) Plan *plan = NULL;
        char bdf[PCI_FORMAT_MAX], ids[16];
        Fault f = { 0 };

        (void) snprintf(ids, sizeof(ids), "%04x:%04x", fn->vendor, fn->device);
        term_cell(stdout, c->colour, COLOUR_BOLD, pci_format(&fn->address, bdf), 14);
        term_wrap(stdout, fn->name ? fn->name : ids, 14, 14);
        if (fn->name)
                field("id", ids);
        print_where(fn);
        if (fn->is_bridge)
                return;
        print_driver(fn);
        field("reset", fn->reset_method ? reset ? reset : "" : "none of its own");
        shared_print_virtual(fn, field);
        shared_print_mediated(v, bdf, field);
        print_holders(v, fn);
        print_owners(o, fn);
        if (passable(v, fn, &plan, &f) < 0) {
                field("to a guest", f.text);
                return;
        }
        print_companions(plan, bdf);
}

/* Bridges above it. */
static size_t depth_of(const HostView *v, const HostFunction *fn)
{
        PciAddress a;
        size_t n = 0;

        while (n < TREE_DEPTH_MAX && fn && fn->parent && pci_parse(fn->parent, &a) >= 0) {
                fn = hostview_function(v, &a);
                n++;
        }
        return n;
}

/* Also a bridge with something of that below it, however far. */
static bool shown_in_tree(const HostView *v, const HostFunction *fn, size_t levels)
{
        char bdf[PCI_FORMAT_MAX];

        if (!fn->is_bridge)
                return shown(v, fn);
        pci_format(&fn->address, bdf);
        for (size_t i = 0; i < v->n_functions && levels > 0; i++)
                if (v->functions[i].parent && streq(v->functions[i].parent, bdf) &&
                    shown_in_tree(v, &v->functions[i], levels - 1))
                        return true;
        return false;
}

static void print_tree(const Ctl *c, const HostView *v)
{
        size_t group = 0, driver, name;

        for (size_t i = 0; i < v->n_functions; i++)
                if (shown_in_tree(v, &v->functions[i], TREE_DEPTH_MAX))
                        group = MAX(group, 2 * depth_of(v, &v->functions[i]) + strlen("0000:00:00.0  "));
        driver = group + strlen("group 1234  ");
        name = driver + strlen("snd_hda_intel  ");
        for (size_t i = 0; i < v->n_functions; i++) {
                const HostFunction *fn = &v->functions[i];
                size_t indent = 2 * depth_of(v, fn);
                char bdf[PCI_FORMAT_MAX], text[32] = "no group";

                if (!shown_in_tree(v, fn, TREE_DEPTH_MAX))
                        continue;
                if (fn->iommu_group >= 0)
                        (void) snprintf(text, sizeof(text), "group %d", fn->iommu_group);
                (void) printf("%*s", (int) indent, "");
                term_column(stdout, c->colour, COLOUR_BOLD, pci_format(&fn->address, bdf), indent, group);
                term_column(stdout, false, NULL, text, group, driver);
                term_column(stdout, false, NULL, fn->driver ? fn->driver : "-", driver, name);
                term_wrap(stdout, fn->name ? fn->name : class_name(fn), name, name);
        }
}

/* A parent of mediated devices that is no PCI function: nothing else is known of it. */
static void json_other_parent(Json *j, const HostView *v, const char *parent)
{
        json_begin(j, NULL, '{');
        json_string(j, "address", parent);
        shared_json(j, v, NULL, parent);
        json_end(j, '}');
}

static void print_json(const HostView *v, const Owners *o)
{
        _cleanup_strv_ char **others = NULL;
        Json j = { .out = stdout };

        json_begin(&j, NULL, '[');
        for (size_t i = 0; i < v->n_functions; i++) {
                const HostFunction *fn = &v->functions[i];
                const Record *holder = owners_holder(o, &fn->address);
                _cleanup_free_ char *held_for = NULL;
                _cleanup_(plan_freep) Plan *plan = NULL;
                _cleanup_strv_ char **guests = NULL;
                char bdf[PCI_FORMAT_MAX], ids[16];
                Fault f = { 0 };
                int r;

                if (!shown(v, fn))
                        continue;
                r = fn->is_bridge ? -EINVAL : passable(v, fn, &plan, &f);
                (void) snprintf(ids, sizeof(ids), "%04x:%04x", fn->vendor, fn->device);
                json_begin(&j, NULL, '{');
                json_string(&j, "address", pci_format(&fn->address, bdf));
                json_string(&j, "id", ids);
                json_string(&j, "name", fn->name);
                json_string(&j, "class", class_name(fn));
                json_bool(&j, "boot_vga", fn->boot_vga == 1);
                json_number(&j, "iommu_group", fn->iommu_group);
                json_number(&j, "numa_node", fn->numa_node);
                json_string(&j, "power_state", fn->power_state);
                json_string(&j, "driver", fn->driver);
                json_strings(&j, "modules", fn->candidates);
                json_strings(&j, "reset_methods", fn->reset_method);
                json_strings(&j, "device_files", fn->nodes);
                shared_json(&j, v, fn, pci_format(&fn->address, bdf));
                json_bool(&j, "passable", r >= 0);
                json_string(&j, "why_not", r < 0 && *f.text ? f.text : NULL);
                json_strings(&j, "goes_with", plan ? plan->functions : NULL);
                if (o->domains_known && owners_guests(o, &fn->address, &guests) >= 0)
                        json_strings(&j, "guests", guests);
                else
                        json_null(&j, "guests");
                (void) (holder && text_unescape(record_value(holder, "domain"), &held_for));
                json_string(&j, "held_for", held_for);
                json_end(&j, '}');
        }
        (void) shared_other_parents(v, &others);
        STRV_FOREACH (parent, others)
                json_other_parent(&j, v, *parent);
        json_end(&j, ']');
}

static void print_note(const char *what, const Fault *why)
{
        if (why->code == 0)
                return;
        (void) printf("\n%s: ", what);
        term_wrap(stdout, why->text, strlen(what) + 2, 0);
}

static void print_all(const Ctl *c, const HostView *v, const Owners *o, char *const *others)
{
        bool any = false;

        for (size_t i = 0; i < v->n_functions; i++)
                if (shown(v, &v->functions[i])) {
                        if (any)
                                (void) putchar('\n');
                        any = true;
                        print_device(c, v, o, &v->functions[i]);
                }
        STRV_FOREACH (parent, others) {
                text_clean(*parent);
                (void) printf("%s", any ? "\n" : "");
                any = true;
                term_cell(stdout, c->colour, COLOUR_BOLD, *parent, 14);
                (void) puts("parent of mediated devices");
                shared_print_mediated(v, *parent, field);
        }
        print_note("Which guests have them in their definitions is not known", &o->no_domains);
        print_note("Which guest has them now is not known", &o->no_records);
}

static int run(const Ctl *c)
{
        _cleanup_(hostview_freep) HostView *v = NULL;
        _cleanup_owners_ Owners owners = { 0 };
        _cleanup_strv_ char **others = NULL;
        Fault f = { 0 };

        if (look(c->host, NULL, &v, &f) < 0)
                return ctl_fail("%s", f.text);
        if (!c->host && !c->tree) /* of a captured host nobody here knows */
                owners_ask(c->socket, &owners);
        if (c->json) {
                print_json(v, &owners);
                return 0;
        }
        (void) shared_other_parents(v, &others);
        if (!any_shown(v) && (c->tree || !others))
                (void) puts("This host has no graphics card.");
        else if (c->tree)
                print_tree(c, v);
        else
                print_all(c, v, &owners, others);
        return 0;
}

const Verb verb_devices = {
        .name = "devices",
        .options = "host json tree socket",
        .arguments = "",
        .summary = "show the cards, and whether each can be given to a guest",
        .help = "Shows every function of every graphics card and what shares its IOMMU group:\n"
                "its driver, how it can be reset, who uses it, which guests have it in libvirt,\n"
                "which has it now, and what goes along to a guest, or why none can have it;\n"
                "its virtual functions, and the mediated devices that can be made, and that are.\n",
        .run = run,
};
