/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/check-parts.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

void subject_add(const Subject *s, bool error, const char *section, const char *key, const char *fmt, ...)
{
        _cleanup_free_ char *text = NULL;
        unsigned line = 0;
        const char *path = key ? profile_origin(s->profile, section, key, &line) : NULL;
        va_list ap;

        va_start(ap, fmt);
        if (vasprintf(&text, fmt, ap) < 0)
                text = NULL;
        va_end(ap);
        remarks_add(s->remarks, error, path ? path : s->profile->path, line, "%s", text ? text : "out of memory");
}

bool subject_lists(const Subject *s, const PciAddress *a)
{
        for (size_t i = 0; i < s->profile->n_functions; i++)
                if (pci_compare(&s->profile->functions[i], a) == 0)
                        return true;
        return false;
}

/* "path:12: text" */
static void add_problem(Remarks *l, const char *path, const char *problem)
{
        size_t n = strlen(path);
        char *end;
        unsigned long line;

        if (startswith(problem, path) && problem[n] == ':') {
                line = strtoul(problem + n + 1, &end, 10);
                if (startswith(end, ": ")) {
                        remarks_add(l, true, path, (unsigned) line, "%s", end + 2);
                        return;
                }
        }
        remarks_add(l, true, path, 0, "%s", problem);
}

/* The profile as far as it can be read; NULL: not at all. Every problem is a remark. */
static Profile *load(const char *file, const char *path, const Profile *base, bool check_owner, Remarks *l)
{
        _cleanup_strv_ char **problems = NULL;
        Profile *p = NULL;
        Fault f = { 0 };
        int r;

        r = profile_load_what_can(AT_FDCWD, file, path, base, check_owner, &p, &problems, &f);
        if (r < 0 && !problems)
                add_problem(l, path, f.text);
        STRV_FOREACH (problem, problems)
                add_problem(l, path, *problem);
        return p;
}

/* NULL: it is not there, or cannot be read. */
static Profile *load_conf(const Check *c, Remarks *l)
{
        return access(c->folder->conf, F_OK) < 0 && errno == ENOENT
                       ? NULL
                       : load(c->folder->conf, c->folder->conf, NULL, c->folder->check_owner, l);
}

static bool is_of_folder(const ProfileFolder *folder, const char *path)
{
        size_t n = strlen(folder->path);

        return startswith(path, folder->path) && path[n] == '/' && !strchr(path + n + 1, '/');
}

static bool is_guests(const Check *c, const Guest *guest, const char *path)
{
        _cleanup_free_ char *chosen = NULL;
        Fault ignored = { 0 };

        return profile_folder_choose(c->folder, guest, c->view, &chosen, &ignored) > 0 && streq(chosen, path);
}

static void check_profile(const Check *c, const char *file, const char *path, const Guest *guest, const Profile *conf,
                          Remarks *l)
{
        _cleanup_(profile_freep) Profile *p =
                load(file, path, conf, c->folder->check_owner && is_of_folder(c->folder, path), l);
        const Subject s = { .check = c, .profile = p, .remarks = l };

        if (!p)
                return;
        check_sense(&s);
        if (c->view) {
                check_against_host(&s);
                check_moved(&s, file);
        }
        if (guest)
                check_against_guest(&s, guest);
        for (size_t i = 0; !guest && c->domains && i < c->domains->n; i++)
                if (is_guests(c, c->domains->list[i], path))
                        check_against_guest(&s, c->domains->list[i]);
}

static int finish(Remarks *l, Fault *f)
{
        remarks_sort(l);
        return l->out_of_memory ? fault_set(f, -ENOMEM, NULL, "out of memory") : 0;
}

int check_file(const Check *c, const char *file, const char *shown, const Guest *guest, Remarks *ret, Fault *f)
{
        _cleanup_(profile_freep) Profile *conf = load_conf(c, ret);
        const char *path = shown ? shown : file;

        if (!streq(path, c->folder->conf))
                check_profile(c, file, path, guest, conf, ret);
        return finish(ret, f);
}

int check_guest(const Check *c, const Guest *guest, Remarks *ret, Fault *f)
{
        _cleanup_free_ char *path = NULL;
        int r;

        r = profile_folder_choose(c->folder, guest, c->view, &path, f);
        if (r == 0)
                return fault_set(f, -ENOENT, guest->name,
                                 "no profile in %s is for %s, so hookd leaves it alone; `hookctl edit` makes one",
                                 c->folder->path, guest->name);
        if (r == -EINVAL &&
            asprintf(&path, "%s/%s", c->folder->path, f->culprit) < 0) /* broken: that is for us to say */
                return fault_set(f, -ENOMEM, NULL, "out of memory");
        if (r < 0 && r != -EINVAL)
                return r;
        *f = (Fault){ 0 };
        return check_file(c, path, NULL, guest, ret, f);
}

int check_all(const Check *c, Remarks *ret, Fault *f)
{
        _cleanup_(profile_freep) Profile *conf = NULL;
        int r;

        r = profile_folder_index(c->folder, f);
        if (r < 0)
                return r;
        conf = load_conf(c, ret);
        for (size_t i = 0; i < profile_index_size(c->folder->index); i++) {
                _cleanup_free_ char *path = NULL;
                const char *name;

                (void) profile_index_problem(c->folder->index, i, &name);
                if (asprintf(&path, "%s/%s", c->folder->path, name) < 0)
                        return fault_set(f, -ENOMEM, NULL, "out of memory");
                check_profile(c, path, path, NULL, conf, ret);
        }
        r = check_matches(c, ret);
        return r < 0 ? fault_set(f, r, NULL, "out of memory") : finish(ret, f);
}
