/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/profile-folder.h"
#include "ctl/talk.h"
#include "ctl/term.h"
#include "wire/wire.h"

/* behind a profile's name, and behind that for whom it is */
#define FOR_COLUMN 26
#define NOW_COLUMN 58

/* The guests that hold something by the i-th profile; names as in the records, escaped. Caller frees. */
static char **held_by(const ProfileFolder *folder, size_t i, const Records *records)
{
        _cleanup_free_ char *path = NULL, *escaped = NULL;
        _cleanup_strv_ char **guests = NULL;
        const char *name;

        (void) profile_index_problem(folder->index, i, &name);
        if (asprintf(&path, "%s/%s", folder->path, name) < 0) {
                path = NULL;
                return NULL;
        }
        escaped = text_escape(path);
        for (size_t k = 0; escaped && k < records->n; k++) {
                const Record *r = &records->list[k];

                if (streq(r->fields[0], "guest") && streq(record_value(r, "profile"), escaped) &&
                    strv_append(&guests, record_value(r, "domain")) < 0)
                        return NULL;
        }
        return TAKE_PTR(guests);
}

static char **devices(const ProfileFolder *folder, size_t i)
{
        _cleanup_strv_ char **list = NULL;
        const MatchDevice *d;
        size_t n;

        d = profile_index_devices(folder->index, i, &n);
        for (size_t k = 0; k < n; k++) {
                char text[PCI_FORMAT_MAX];

                if (d[k].is_address)
                        pci_format(&d[k].address, text);
                else
                        (void) snprintf(text, sizeof(text), "%04x:%04x", d[k].vendor, d[k].device);
                if (strv_append(&list, text) < 0)
                        return NULL;
        }
        return TAKE_PTR(list);
}

static void print_json(const ProfileFolder *folder, const Records *records)
{
        Json j = { .out = stdout };

        json_begin(&j, NULL, '[');
        for (size_t i = 0; i < profile_index_size(folder->index); i++) {
                _cleanup_strv_ char **guests = records ? held_by(folder, i, records) : NULL,
                                    **list = devices(folder, i);
                const char *name, *problem = profile_index_problem(folder->index, i, &name);
                _cleanup_free_ char *path = NULL;

                if (asprintf(&path, "%s/%s", folder->path, name) < 0)
                        path = NULL;
                json_begin(&j, NULL, '{');
                json_string(&j, "file", path);
                json_strings(&j, "domains", profile_index_domains(folder->index, i));
                json_strings(&j, "devices", list);
                json_string(&j, "problem", problem);
                if (records) {
                        json_begin(&j, "held_by", '[');
                        STRV_FOREACH (guest, guests) {
                                _cleanup_free_ char *plain = NULL;

                                json_string(&j, NULL, text_unescape(*guest, &plain) < 0 ? *guest : plain);
                        }
                        json_end(&j, ']');
                } else
                        json_null(&j, "held_by");
                json_end(&j, '}');
        }
        json_end(&j, ']');
}

/* "gpu-* with 10de:2484" */
static char *matches(const ProfileFolder *folder, size_t i, const char *name)
{
        char *const *domains = profile_index_domains(folder->index, i);
        _cleanup_strv_ char **list = devices(folder, i);
        _cleanup_free_ char *guests = domains ? strv_join(domains, " ") : NULL;
        _cleanup_free_ char *cards = list ? strv_join(list, " or ") : NULL;
        char *text;
        int n;

        if (domains || list)
                n = asprintf(&text, "%s%s%s", domains ? guests : "any guest", list ? " with " : "", list ? cards : "");
        else
                n = asprintf(&text, "%.*s", (int) (strlen(name) - strlen(".ini")), name);
        return n < 0 ? NULL : text;
}

static void print_table(const Ctl *c, const ProfileFolder *folder, const Records *records)
{
        size_t n = profile_index_size(folder->index);

        if (n > 0)
                (void) printf("%-*s%-*s%s\n", FOR_COLUMN, "PROFILE", NOW_COLUMN - FOR_COLUMN, "FOR", "NOW");
        for (size_t i = 0; i < n; i++) {
                const char *name, *problem = profile_index_problem(folder->index, i, &name);
                _cleanup_strv_ char **guests = records ? held_by(folder, i, records) : NULL;
                _cleanup_free_ char *text = matches(folder, i, name), *shown = text_escape(name);
                _cleanup_free_ char *escaped = text ? text_escape(text) : NULL, *held = strv_join(guests, ", ");
                _cleanup_free_ char *now = NULL;

                if (asprintf(&now, "held by %s", held ? held : "?") < 0)
                        now = NULL;

                term_column(stdout, c->colour, COLOUR_BOLD, shown ? shown : "?", 0, FOR_COLUMN);
                term_column(stdout, false, NULL, escaped ? escaped : "?", FOR_COLUMN, NOW_COLUMN);
                if (problem)
                        term_wrap_cell(stdout, c->colour, COLOUR_RED, "broken", NOW_COLUMN, NOW_COLUMN);
                else
                        term_wrap(stdout, guests && now ? now : records ? "free" : "-", NOW_COLUMN, NOW_COLUMN);
                if (problem) {
                        (void) fputs("    ", stdout);
                        term_wrap(stdout, problem, 4, 4);
                }
        }
        if (n == 0)
                (void) printf("There is no profile in %s: `hookctl edit GUEST` makes one.\n", folder->path);
}

static int run(const Ctl *c)
{
        _cleanup_profile_folder_ ProfileFolder folder = { 0 };
        _cleanup_(records_clear) Records records = { 0 };
        bool asked = false, broken = false;
        Fault f = { 0 }, silent = { 0 };

        if (profile_folder_open(c->root, &folder, &f) < 0 || profile_folder_index(&folder, &f) < 0)
                return ctl_fail("%s", f.text);
        if (*c->root == '\0')
                asked = talk_records(c->socket, WIRE_STATUS, &records, &silent) >= 0;
        if (c->json)
                print_json(&folder, asked ? &records : NULL);
        else {
                print_table(c, &folder, asked ? &records : NULL);
                if (silent.code != 0 && profile_index_size(folder.index) > 0) {
                        (void) fputs("Who holds what is not known: ", stdout);
                        term_wrap(stdout, silent.text, 29, 0);
                }
        }
        for (size_t i = 0; i < profile_index_size(folder.index); i++)
                broken |= profile_index_problem(folder.index, i, NULL) != NULL;
        return broken ? 1 : 0;
}

const Verb verb_list = {
        .name = "list",
        .options = "root json socket",
        .arguments = "",
        .summary = "show the profiles, what each is for, and who holds devices by it",
        .help = "Shows the files in /etc/hookd/profiles. The exit status is 1 if one is broken;\n"
                "`hookctl check` says all that is wrong with them.\n",
        .run = run,
};
