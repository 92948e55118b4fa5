/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/check.h"
#include "ctl/ctl.h"
#include "ctl/domain-xml.h"
#include "ctl/look.h"
#include "ctl/term.h"

/* What there is to check against. */
typedef struct World {
        ProfileFolder folder;
        HostView *view;
        Host *host;
        Domains domains;
        bool all_domains; /* they are all that libvirt knows */
        Guest *guest;     /* whom it is about; NULL: all, or only its name is known */
        Fault silent;     /* why libvirt's guests are not looked at; empty: they are, or it was not asked */
} World;

static void world_clear(World *w)
{
        profile_folder_clear(&w->folder);
        hostview_free(w->view);
        host_free(w->host);
        domains_clear(&w->domains);
        guest_free(w->guest);
}

/* The devices of all guests at once, for look(). Nothing is owned. */
static int all_devices(const World *w, Guest *ret)
{
        size_t n = w->guest ? w->guest->n_devices : 0;

        for (size_t i = 0; i < w->domains.n; i++)
                n += w->domains.list[i]->n_devices;
        *ret = (Guest){ .name = (char *) "all", .devices = calloc(n + 1, sizeof(GuestDevice)) };
        if (!ret->devices)
                return -ENOMEM;
        for (size_t i = 0; w->guest && i < w->guest->n_devices; i++)
                ret->devices[ret->n_devices++] = w->guest->devices[i];
        for (size_t i = 0; i < w->domains.n; i++)
                for (size_t k = 0; k < w->domains.list[i]->n_devices; k++)
                        ret->devices[ret->n_devices++] = w->domains.list[i]->devices[k];
        return 0;
}

static int world_open(const Ctl *c, const char *name, World *w, Fault *f)
{
        bool here = !c->host && *c->root == '\0';
        Guest all = { 0 };
        int r;

        r = profile_folder_open(c->root, &w->folder, f);
        if (r >= 0 && c->domain_xml)
                r = domain_guest(name, c->domain_xml, &w->guest, f);
        if (r < 0)
                return r;
        if (here && !c->domain_xml)
                w->all_domains = domains_ask(&w->domains, &w->silent) >= 0;
        for (size_t i = 0; name && i < w->domains.n; i++)
                if (streq(w->domains.list[i]->name, name) || streq(w->domains.list[i]->uuid, name)) {
                        w->guest = w->domains.list[i];
                        w->domains.list[i] = w->domains.list[--w->domains.n];
                }
        if (!here && !c->host)
                return 0; /* below a root there is no host to look at */
        r = all_devices(w, &all);
        if (r >= 0)
                r = look(c->host, &all, &w->view, f);
        free(all.devices);
        if (r >= 0 && here)
                r = host_new("/", &w->host, f);
        return r < 0 ? fault_default(f, r, NULL, "out of memory") : 0;
}

/* The profile of a guest of which only the name is known. */
static int check_by_name(const Check *check, const char *name, Remarks *remarks, Fault *f)
{
        const Guest guest = { .name = (char *) name };
        Check alone = *check;

        alone.domains = NULL;
        return check_guest(&alone, &guest, remarks, f);
}

static void print_text(const Ctl *c, const World *w, const Remarks *l)
{
        size_t errors = remarks_errors(l), warnings = l->n - errors;

        remarks_print(l, c->colour, stdout);
        if (w->silent.code != 0) {
                (void) fputs("Not checked against libvirt's guests: ", stdout);
                term_wrap(stdout, w->silent.text, 38, 0);
        }
        if (l->n == 0)
                (void) puts("no problem found");
        else
                (void) printf("%zu error%s, %zu warning%s\n", errors, errors == 1 ? "" : "s", warnings,
                              warnings == 1 ? "" : "s");
}

static int run(const Ctl *c)
{
        const char *what = c->guest;
        bool is_file = what && (strchr(what, '/') || endswith(what, ".ini"));
        _cleanup_remarks_ Remarks remarks = { 0 };
        _cleanup_(world_clear) World w = { 0 };
        Json j = { .out = stdout };
        Fault f = { 0 };
        Check check;
        int r;

        r = world_open(c, is_file ? NULL : what, &w, &f);
        if (r < 0)
                return ctl_fail("%s", f.text);
        check = (Check){
                .folder = &w.folder, .view = w.view, .host = w.host, .domains = w.all_domains ? &w.domains : NULL
        };
        if (is_file)
                r = check_file(&check, what, NULL, w.guest, &remarks, &f);
        else if (w.guest)
                r = check_guest(&check, w.guest, &remarks, &f);
        else if (what)
                r = check_by_name(&check, what, &remarks, &f);
        else
                r = check_all(&check, &remarks, &f);
        if (r < 0)
                return ctl_fail("%s", f.text);
        if (c->json) {
                json_begin(&j, NULL, '{');
                json_string(&j, "libvirt", w.silent.code != 0 ? w.silent.text : NULL);
                remarks_json(&remarks, &j, "problems");
                json_end(&j, '}');
        } else
                print_text(c, &w, &remarks);
        return remarks_errors(&remarks) > 0 ? 1 : 0;
}

const Verb verb_check = {
        .name = "check",
        .options = "root domain-xml host json",
        .arguments = "[GUEST|FILE]",
        .summary = "look for mistakes in profiles, against the host and the guests",
        .help = "Checks all profiles and hookd.conf, or the profile of GUEST, or FILE: what is\n"
                "written wrongly, what this host does not have, what would refuse a start, which\n"
                "profiles nobody uses. All problems at once; the exit status is 1 if one is an\n"
                "error. An argument that has a slash or ends in .ini is a file.\n",
        .run = run,
};
