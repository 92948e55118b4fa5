/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/generate.h"

#include "ctl/domain-xml.h"
#include "ctl/domains.h"
#include "ctl/look.h"
#include "txn/txn.h"

#include <stdarg.h>
#include <stdio.h>

#define COMMENT_COLUMNS 78

typedef struct Facts {
        const Guest *guest;
        const HostView *view;
        const Plan *plan; /* of the defaults; NULL: refused */
} Facts;

/* ---- what auto chooses ---- */

/* The first action of a step, NULL: none. after: NULL: any. */
static const Action *find(const Facts *x, const char *step, const char *after)
{
        for (size_t i = 0; i < x->plan->n_actions; i++)
                if (streq(x->plan->actions[i].step, step) && (!after || streq0(x->plan->actions[i].after, after)))
                        return &x->plan->actions[i];
        return NULL;
}

/* A value and why it is that one. -ENOENT: nothing is to be said, the key's own value counts. */
typedef int (*Chooser)(const Facts *x, FILE *value, FILE *why);

static int choose_policy(const Facts *x, FILE *value, FILE *why, const char *step, const char *after, const char *word,
                         const char *otherwise)
{
        const Action *a = find(x, step, after);

        (void) fputs(a ? word : "keep", value);
        (void) fputs(a ? a->why ? a->why : "" : otherwise, why);
        return 0;
}

static int choose_dm(const Facts *x, FILE *value, FILE *why)
{
        return choose_policy(x, value, why, "display-manager", NULL, "stop", "it does not use this card");
}

static int choose_dm_unit(const Facts *x, FILE *value, FILE *why)
{
        if (!x->view->display_manager)
                return -ENOENT;
        (void) fputs(x->view->display_manager->id, value);
        (void) fputs("it is this host's display manager", why);
        return 0;
}

static int choose_sessions(const Facts *x, FILE *value, FILE *why)
{
        return choose_policy(x, value, why, "sessions", "ended", "terminate", "the display manager goes on");
}

static int choose_vtconsole(const Facts *x, FILE *value, FILE *why)
{
        return choose_policy(x, value, why, "vtconsole", NULL, "unbind", "no text console is on this card alone");
}

static int choose_module(const Facts *x, FILE *value, FILE *why)
{
        return choose_policy(x, value, why, "module", "absent", "unload", "no module of this card is to be unloaded");
}

static int choose_names(const Facts *x, FILE *value, FILE *why)
{
        bool any = false;

        for (size_t i = 0; i < x->plan->n_actions; i++) {
                const Action *a = &x->plan->actions[i];

                if (!streq(a->step, "module") || !streq0(a->after, "absent"))
                        continue;
                (void) fprintf(value, "%s%s", any ? " " : "", a->target);
                any = true;
        }
        (void) fputs("they are the modules of this card's driver that are loaded", why);
        return any ? 0 : -ENOENT;
}

static int choose_framebuffer(const Facts *x, FILE *value, FILE *why)
{
        return choose_policy(x, value, why, "framebuffer", VALUE_NONE, "unbind",
                             "no firmware framebuffer lies in this card's memory");
}

static int choose_guest_driver(const Facts *x, FILE *value, FILE *why)
{
        const Action *first = find(x, "driver", NULL);

        if (!first)
                return -ENOENT;
        for (size_t i = 0; i < x->plan->n_actions; i++)
                if (streq(x->plan->actions[i].step, "driver") && !streq(x->plan->actions[i].after, first->after))
                        return -ENOENT; /* not one for all */
        (void) fputs(first->after, value);
        (void) fputs("it is what the devices need on the guest's side", why);
        return 0;
}

static int choose_reset(const Facts *x, FILE *value, FILE *why)
{
        const Action *a = find(x, "reset", NULL);

        (void) fputs(a ? a->after : "none", value);
        (void) fputs(a ? "the card cannot be reset by itself" : "either vfio resets the card by itself, or nothing can",
                     why);
        return 0;
}

static int choose_functions(const Facts *x, FILE *value, FILE *why)
{
        STRV_FOREACH (bdf, x->plan->functions)
                (void) fprintf(value, "%s%s", bdf == x->plan->functions ? "" : " ", *bdf);
        (void) fputs("they are the domain's, with the others of the slot", why);
        return x->plan->functions ? 0 : -ENOENT;
}

/* ---- what the file's name says otherwise ---- */

/* The name as Domain= takes it: blanks and quotation marks cannot stand there. */
static int choose_domain(const Facts *x, FILE *value, FILE *why)
{
        for (const char *s = x->guest->name; *s; s++) {
                if (strchr("*?[\\", *s))
                        (void) fputc('\\', value);
                (void) fputc((unsigned char) *s <= ' ' || *s == 0x7f || strchr("\"'#;", *s) ? '?' : *s, value);
        }
        (void) fputs("that is this guest; the file's name says so already", why);
        return 0;
}

static int choose_device(const Facts *x, FILE *value, FILE *why)
{
        for (size_t i = 0; i < x->guest->n_devices; i++) {
                const GuestDevice *d = &x->guest->devices[i];
                const HostFunction *fn = d->type == GUEST_DEVICE_PCI ? hostview_function(x->view, &d->address) : NULL;

                if (!fn)
                        continue;
                (void) fprintf(value, "%04x:%04x", fn->vendor, fn->device);
                (void) fputs("that is the first of this guest's", why);
                return 0;
        }
        return -ENOENT;
}

static const struct {
        const char *section, *key;
        bool needs_plan;
        Chooser choose;
} choosers[] = {
        { "Match", "Domain", false, choose_domain },         { "Match", "Device", false, choose_device },
        { "Devices", "Functions", true, choose_functions },  { "DisplayManager", "Policy", true, choose_dm },
        { "DisplayManager", "Unit", false, choose_dm_unit }, { "Sessions", "Policy", true, choose_sessions },
        { "VTConsole", "Policy", true, choose_vtconsole },   { "Module", "Policy", true, choose_module },
        { "Module", "Names", true, choose_names },           { "Framebuffer", "Policy", true, choose_framebuffer },
        { "Driver", "Guest", true, choose_guest_driver },    { "Reset", "Method", true, choose_reset },
};

/* ---- writing ---- */

static void comment(FILE *out, const char *fmt, ...) _printf_(2, 3);
static void comment(FILE *out, const char *fmt, ...)
{
        _cleanup_free_ char *text = NULL;
        size_t used = 0;
        va_list ap;
        char *rest, *word;

        va_start(ap, fmt);
        if (vasprintf(&text, fmt, ap) < 0)
                text = NULL;
        va_end(ap);
        if (!text)
                return;
        text_clean(text);
        for (rest = text; (word = strsep(&rest, " "));) {
                if (used > 0 && used + 1 + strlen(word) > COMMENT_COLUMNS) {
                        (void) fputc('\n', out);
                        used = 0;
                }
                used += (size_t) fprintf(out, used > 0 ? " %s" : "# %s", word);
        }
        (void) fputc('\n', out);
}

/* 0: *ret and *ret_why, caller frees; -ENOENT: the key's own value counts. */
static int chosen(const Facts *x, const ProfileKey *k, char **ret, char **ret_why)
{
        for (size_t i = 0; i < ARRAY_SIZE(choosers); i++) {
                _cleanup_free_ char *value = NULL, *why = NULL;
                size_t size, why_size;
                FILE *out, *why_out;
                int r;

                if (!streq(choosers[i].section, k->section) || !streq(choosers[i].key, k->key) ||
                    (choosers[i].needs_plan && !x->plan))
                        continue;
                out = open_memstream(&value, &size);
                why_out = open_memstream(&why, &why_size);
                r = out && why_out ? choosers[i].choose(x, out, why_out) : -ENOMEM;
                if ((out && fclose(out) != 0) | (why_out && fclose(why_out) != 0))
                        r = -ENOMEM;
                if (r < 0)
                        return r;
                *ret = TAKE_PTR(value);
                *ret_why = TAKE_PTR(why);
                return 0;
        }
        return -ENOENT;
}

static int write_key(FILE *out, const Facts *x, const Profile *defaults, const ProfileKey *k)
{
        _cleanup_free_ char *value = NULL, *why = NULL, *own = profile_value(defaults, k->section, k->key);
        unsigned line;
        int r;

        /* what hookd.conf says is what counts, also where it is another policy than auto */
        r = own && (streq(own, k->default_text)) ? chosen(x, k, &value, &why) : -ENOENT;
        if (!own || r == -ENOMEM)
                return -ENOMEM;
        (void) fputc('\n', out);
        comment(out, "%s", k->help);
        if (r >= 0 && strlen(k->key) + 1 + strlen(value) <= PROFILE_LINE_MAX) {
                comment(out, "Here: %s.", why);
                (void) fprintf(out, "#%s=%s\n", k->key, value);
                return 0;
        }
        if (profile_origin(defaults, k->section, k->key, &line))
                comment(out, "Set in hookd.conf.");
        (void) fprintf(out, "#%s=%s\n", k->key, own);
        return 0;
}

/* "# 0000:01:00.0 10de:2484 NVIDIA …, on nvidia": the note that check compares. */
static void write_device(FILE *out, const Facts *x, const PciAddress *a, bool named)
{
        const HostFunction *fn = hostview_function(x->view, a);
        _cleanup_free_ char *name = strdup(fn && fn->name ? fn->name : "");
        char bdf[PCI_FORMAT_MAX];

        pci_format(a, bdf);
        if (!fn) {
                comment(out, "%s is not on this host", bdf);
                return;
        }
        if (name)
                text_clean(name);
        (void) fprintf(out, "# %s %04x:%04x%s%s%s%s%s\n", bdf, fn->vendor, fn->device, name && *name ? " " : "",
                       name ? name : "", fn->driver ? " on the driver " : " on no driver", fn->driver ? fn->driver : "",
                       named ? "" : ", goes along");
}

static void write_head(FILE *out, const Facts *x, const char *refusal)
{
        PciAddress a;

        comment(out,
                "hookd's profile for the guest %s, see hookd.profile(5). As it stands, all of it commented out, it "
                "does what an empty file does. Behind each # is the value that counts now: the default, or what "
                "auto chooses on this host. Delete a # to fix the value, whatever auto would choose later.",
                x->guest->name);
        (void) fputs("#\n", out);
        for (size_t i = 0; i < x->guest->n_devices; i++)
                if (x->guest->devices[i].type == GUEST_DEVICE_PCI)
                        write_device(out, x, &x->guest->devices[i].address, true);
        STRV_FOREACH (bdf, x->plan ? x->plan->functions : NULL)
                if (pci_parse(*bdf, &a) >= 0 && !guest_has_function(x->guest, &a))
                        write_device(out, x, &a, false);
        if (x->guest->n_devices == 0)
                comment(out, "The guest has no <hostdev>, so there is nothing to do for it.");
        if (refusal)
                comment(out, "It could not be started now: %s.", refusal);
        STRV_FOREACH (warning, x->plan ? x->plan->warnings : NULL)
                comment(out, "Warning: %s.", *warning);
}

int generate_profile(const Profile *defaults, const Guest *guest, const HostView *view, char **ret, char **ret_refusal)
{
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_free_ char *text = NULL, *refusal = NULL;
        const char *section = "";
        Facts x = { .guest = guest, .view = view };
        Fault f = { 0 };
        size_t size;
        FILE *out;
        int r;

        r = planner_plan(defaults, guest, view, &plan, &f);
        if (r < 0 && !(refusal = strdup(f.text)))
                return -ENOMEM;
        x.plan = plan;
        out = open_memstream(&text, &size);
        if (!out)
                return -ENOMEM;
        write_head(out, &x, refusal);
        r = 0;
        for (const ProfileKey *k = profile_keys(); k->key && r >= 0; k++) {
                if (!streq(k->section, section))
                        (void) fprintf(out, "\n[%s]\n", k->section);
                section = k->section;
                r = write_key(out, &x, defaults, k);
        }
        if (fclose(out) != 0 || r < 0)
                return -ENOMEM;
        *ret = TAKE_PTR(text);
        *ret_refusal = TAKE_PTR(refusal);
        return 0;
}

int generate_for(const char *guest_name, const char *domain_xml, const char *host, const ProfileFolder *folder,
                 char **ret_name, char **ret, char **ret_refusal, Fault *f)
{
        _cleanup_(profile_freep) Profile *defaults = NULL;
        _cleanup_(hostview_freep) HostView *view = NULL;
        _cleanup_(guest_freep) Guest *guest = NULL;
        int r;

        r = domain_guest(guest_name, domain_xml, &guest, f);
        if (r >= 0)
                r = profile_folder_defaults(folder, &defaults, f);
        if (r >= 0)
                r = look(host, guest, &view, f);
        if (r >= 0 && !defaults && !(defaults = profile_new()))
                r = -ENOMEM;
        if (r >= 0)
                r = generate_profile(defaults, guest, view, ret, ret_refusal);
        if (r < 0)
                return fault_default(f, r, NULL, "out of memory");
        *ret_name = TAKE_PTR(guest->name);
        return 0;
}
