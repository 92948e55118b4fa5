/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/domain-xml.h"
#include "ctl/json.h"
#include "ctl/look.h"
#include "ctl/profile-folder.h"
#include "ctl/term.h"

#define WHERE_COLUMN 46

/* What is shown: a profile, and why this one. */
typedef struct Choice {
        Profile *profile;
        char *path;
        const char *why;                        /* NULL: asked for */
        char **others;                          /* "x.ini (its Domain= …)": they fit as well, less well */
        char note[sizeof(((Fault *) 0)->text)]; /* why only the guest's name counted; "": all did */
} Choice;

static void choice_clear(Choice *s)
{
        profile_free(s->profile);
        free(s->path);
        strv_free(s->others);
}

/* Of several that fit, the one at path won. */
static int look_at_candidates(ProfileFolder *folder, const Guest *guest, const HostView *view, Choice *s)
{
        _cleanup_free_ uint32_t *ids = guest_device_ids(guest, view);

        for (size_t i = 0; ids && i < profile_index_size(folder->index); i++) {
                const char *name, *why = profile_index_fits(folder->index, i, guest, ids);
                _cleanup_free_ char *text = NULL;

                if (!why)
                        continue;
                (void) profile_index_problem(folder->index, i, &name);
                if (streq(s->path + strlen(folder->path) + 1, name)) {
                        s->why = why;
                        continue;
                }
                if (asprintf(&text, "%s (%s)", name, why) < 0) {
                        text = NULL;
                        return -ENOMEM;
                }
                if (strv_append(&s->others, text) < 0)
                        return -ENOMEM;
        }
        return ids ? 0 : -ENOMEM;
}

static int choose(const Ctl *c, ProfileFolder *folder, Choice *s, Fault *f)
{
        _cleanup_(hostview_freep) HostView *view = NULL;
        _cleanup_(guest_freep) Guest *guest = NULL;
        const Guest by_name = { .name = (char *) c->guest };
        int r;

        r = domain_guest(c->guest, c->domain_xml, &guest, f);
        if (r < 0 && c->domain_xml)
                return r;
        if (r < 0)
                (void) snprintf(s->note, sizeof(s->note), "%s", f->text);
        *f = (Fault){ 0 };
        if (guest) {
                r = look(c->host, guest, &view, f);
                if (r < 0)
                        return r;
        }
        r = profile_folder_choose(folder, guest ? guest : &by_name, view, &s->path, f);
        if (r == 0)
                return fault_set(f, -ENOENT, c->guest,
                                 "no profile in %s is for %s, so hookd leaves it alone; `hookctl edit %s` makes one",
                                 folder->path, guest ? guest->name : c->guest, guest ? guest->name : c->guest);
        if (r >= 0)
                r = look_at_candidates(folder, guest ? guest : &by_name, view, s);
        return r < 0 ? fault_default(f, r, NULL, "out of memory")
                     : profile_folder_load(folder, s->path, &s->profile, f);
}

static const char *file_name(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

static void print_value(const Ctl *c, const Profile *p, const ProfileKey *k)
{
        _cleanup_free_ char *value = profile_value(p, k->section, k->key), *shown = value ? text_escape(value) : NULL;
        _cleanup_free_ char *text = NULL, *where = NULL, *escaped = NULL;
        unsigned line;
        const char *path = profile_origin(p, k->section, k->key, &line);

        if (asprintf(&text, "%s=%s", k->key, shown ? shown : "?") < 0 ||
            (path && asprintf(&where, "%s:%u", file_name(path), line) < 0))
                return;
        escaped = where ? text_escape(where) : NULL;
        (void) fputs("  ", stdout);
        term_column(stdout, c->colour, path ? COLOUR_BOLD : NULL, text, 2, WHERE_COLUMN);
        (void) puts(escaped ? escaped : "default");
}

static void print_text(const Ctl *c, const Choice *s)
{
        const char *section = "";
        char text[2 * sizeof(s->note)];

        (void) snprintf(text, sizeof(text), "%s%s%s%s%s", s->path, s->why ? ", because " : "", s->why ? s->why : "",
                        s->profile->base_path ? "; on top of " : "",
                        s->profile->base_path ? s->profile->base_path : "");
        text_clean(text);
        term_wrap(stdout, text, 0, 0);
        if (s->others) {
                _cleanup_free_ char *list = strv_join(s->others, ", ");

                (void) snprintf(text, sizeof(text), "It fits better than %s.", list ? list : "?");
                text_clean(text);
                term_wrap(stdout, text, 0, 0);
        }
        if (*s->note) {
                (void) snprintf(text, sizeof(text), "Chosen by the guest's name alone, Device= did not count: %s.",
                                s->note);
                term_wrap(stdout, text, 0, 0);
        }
        for (const ProfileKey *k = profile_keys(); k->key; k++) {
                if (!streq(k->section, section))
                        (void) printf("[%s]\n", k->section);
                section = k->section;
                print_value(c, s->profile, k);
        }
}

static void print_json(const Choice *s)
{
        Json j = { .out = stdout };

        json_begin(&j, NULL, '{');
        json_string(&j, "profile", s->path);
        json_string(&j, "why", s->why);
        json_strings(&j, "other_profiles", s->others);
        json_string(&j, "by_name_only", *s->note ? s->note : NULL);
        json_begin(&j, "values", '[');
        for (const ProfileKey *k = profile_keys(); k->key; k++) {
                _cleanup_free_ char *value = profile_value(s->profile, k->section, k->key);
                unsigned line;
                const char *path = profile_origin(s->profile, k->section, k->key, &line);

                json_begin(&j, NULL, '{');
                json_string(&j, "section", k->section);
                json_string(&j, "key", k->key);
                json_string(&j, "value", value);
                json_string(&j, "file", path);
                json_number(&j, "line", path ? (int64_t) line : -1);
                json_end(&j, '}');
        }
        json_end(&j, ']');
        json_end(&j, '}');
}

static int run(const Ctl *c)
{
        _cleanup_profile_folder_ ProfileFolder folder = { 0 };
        _cleanup_(choice_clear) Choice s = { 0 };
        Fault f = { 0 };
        int r;

        if (!c->guest && !c->profile && !c->domain_xml) {
                (void) ctl_fail("show needs the name of a guest, --domain-xml=FILE or --profile=FILE");
                return 2;
        }
        r = profile_folder_open(c->root, &folder, &f);
        if (r >= 0 && c->profile) {
                s.path = strdup(c->profile);
                r = s.path ? profile_folder_load(&folder, s.path, &s.profile, &f)
                           : fault_set(&f, -ENOMEM, NULL, "out of memory");
        } else if (r >= 0)
                r = choose(c, &folder, &s, &f);
        if (r < 0)
                return ctl_fail("%s", f.text);
        if (c->json)
                print_json(&s);
        else
                print_text(c, &s);
        return 0;
}

const Verb verb_show = {
        .name = "show",
        .options = "root domain-xml host profile json",
        .arguments = "[GUEST]",
        .summary = "show the settings that count for a guest, and where each comes from",
        .help = "Shows which profile is the guest's and why, and for every key its value with\n"
                "the file and line that set it. Which profile it is depends on the guest's\n"
                "devices, too, so libvirt is asked for them.\n",
        .run = run,
};
