/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/check.h"
#include "ctl/ctl.h"
#include "ctl/domain-xml.h"
#include "ctl/editor.h"
#include "ctl/generate.h"
#include "ctl/look.h"
#include "ctl/path.h"
#include "util/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

typedef struct Edit {
        ProfileFolder folder;
        char *path;   /* of the profile */
        char *before; /* what it has; NULL: it is not there yet */
        char *copy;   /* what the editor is given, in the same folder; hidden, so hookd does not read it */
        char *text;   /* of the copy */
        Guest *guest; /* NULL: not known */
        HostView *view;
} Edit;

static void edit_clear(Edit *e)
{
        if (e->copy)
                (void) unlink(e->copy);
        profile_folder_clear(&e->folder);
        free(e->path);
        free(e->before);
        free(e->copy);
        free(e->text);
        guest_free(e->guest);
        hostview_free(e->view);
}

/* A new file beside the profile; its name is short, whatever the profile's is. */
static int write_beside(const Edit *e, const char *suffix, const char *text, mode_t mode, char **ret, Fault *f)
{
        _cleanup_close_ int fd = -1;
        char *path;
        int r;

        if (asprintf(&path, "%s/.hookctl-XXXXXX%s", e->folder.path, suffix) < 0)
                return fault_set(f, -ENOMEM, e->path, "out of memory");
        fd = mkostemps(path, (int) strlen(suffix), O_CLOEXEC);
        if (fd < 0) {
                r = -errno;
                free(path);
                return fault_set(f, r, e->path, "cannot write in %s: %s%s", e->folder.path, fault_errno(r),
                                 r == -EACCES ? "; try again with sudo" : "");
        }
        r = write_all(fd, text, strlen(text));
        if (r >= 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
                r = -errno;
        if (r < 0) {
                (void) unlink(path);
                free(path);
                return fault_set(f, r, e->path, "cannot write in %s: %s", e->folder.path, fault_errno(r));
        }
        *ret = path;
        return 0;
}

/* What is in the file now: *ret NULL: it is not there. */
static int read_profile(const char *path, char **ret, Fault *f)
{
        int r = read_file_at(AT_FDCWD, path, PROFILE_SIZE_MAX, ret, NULL);

        if (r == -ENOENT) {
                *ret = NULL;
                return 0;
        }
        return r < 0 ? fault_set(f, r, path, "cannot read %s: %s", path, fault_errno(r)) : 0;
}

/* A new file begins as generate would have it, or empty where nothing is known of the guest. */
static int begin(const Ctl *c, Edit *e, Fault *f)
{
        _cleanup_free_ char *name = NULL, *refusal = NULL, *generated = NULL;
        int r;

        r = profile_folder_open(c->root, &e->folder, f);
        if (r >= 0)
                r = profile_folder_file(&e->folder, c->guest, &e->path, f);
        if (r >= 0)
                r = read_profile(e->path, &e->before, f);
        if (r < 0)
                return r;
        if (!e->before) {
                r = generate_for(c->guest, c->domain_xml, c->host, &e->folder, &name, &generated, &refusal, f);
                if (r < 0 && c->domain_xml)
                        return r;
                if (r >= 0 && !streq(name, c->guest))
                        return fault_set(f, -EINVAL, c->guest, "%s is the UUID of %s: `hookctl edit %s`", c->guest,
                                         name, name);
                if (r < 0)
                        (void) printf("The profile begins empty: %s\n", f->text);
                *f = (Fault){ 0 };
        }
        r = path_make(c->root, "/etc/hookd/profiles");
        if (r < 0)
                return fault_set(f, r, e->path, "cannot make %s: %s", e->folder.path, fault_errno(r));
        return write_beside(e, ".ini", e->before ? e->before : generated ? generated : "", 0600, &e->copy, f);
}

/* What there is to check against; nothing of it has to be there. */
static void look_around(const Ctl *c, Edit *e)
{
        Fault ignored = { 0 };

        if (c->domain_xml || *c->root == '\0')
                (void) domain_guest(c->guest, c->domain_xml, &e->guest, &ignored);
        if (c->host || *c->root == '\0')
                (void) look(c->host, e->guest, &e->view, &ignored);
}

/* Says all that is to be said; true: hookd could use it. What the host lacks today is no reason not to save. */
static bool is_good(const Ctl *c, Edit *e)
{
        const Check check = { .folder = &e->folder, .view = e->view };
        _cleanup_(profile_freep) Profile *p = NULL;
        _cleanup_remarks_ Remarks remarks = { 0 };
        Fault f = { 0 };

        if (check_file(&check, e->copy, e->path, e->guest, &remarks, &f) < 0)
                (void) ctl_fail("%s", f.text);
        remarks_print(&remarks, c->colour, stdout);
        return profile_load(AT_FDCWD, e->copy, e->path, NULL, e->folder.check_owner, &p, NULL, &f) >= 0;
}

/* One of the letters; the first one at the end of the input. */
static char ask(const char *question, const char *letters)
{
        char line[64];

        for (;;) {
                (void) printf("%s ", question);
                (void) fflush(stdout);
                if (!fgets(line, sizeof(line), stdin)) {
                        (void) putchar('\n');
                        return letters[0];
                }
                if (line[0] != '\0' && line[1] == '\n' && strchr(letters, line[0]))
                        return line[0];
        }
}

static int save(Edit *e, Fault *f)
{
        _cleanup_free_ char *path = NULL;
        int r;

        r = write_beside(e, "", e->text, 0644, &path, f);
        if (r < 0)
                return r;
        if (rename(path, e->path) < 0) {
                r = -errno;
                (void) unlink(path);
                return fault_set(f, r, e->path, "cannot write %s: %s", e->path, fault_errno(r));
        }
        return 0;
}

static bool was_written(const struct stat *before, const struct stat *after)
{
        return before->st_ino != after->st_ino || before->st_mtim.tv_sec != after->st_mtim.tv_sec ||
               before->st_mtim.tv_nsec != after->st_mtim.tv_nsec || before->st_size != after->st_size;
}

/* 1: saved; 0: left as it was. */
static int edit(const Ctl *c, Edit *e, Fault *f)
{
        struct stat before, after;
        char choice;
        int r;

        if (stat(e->copy, &before) < 0)
                return fault_set(f, -errno, e->copy, "cannot look at %s: %s", e->copy, fault_errno(-errno));
        do {
                _cleanup_free_ char *now = NULL;

                r = editor_run(e->copy, f);
                if (r < 0)
                        return r;
                free(TAKE_PTR(e->text));
                if (lstat(e->copy, &after) < 0 ||
                    (r = read_file_at(AT_FDCWD, e->copy, PROFILE_SIZE_MAX, &e->text, NULL)) < 0)
                        return fault_set(f, r < 0 ? r : -errno, e->path,
                                         "what the editor left cannot be read, so nothing was saved: %s",
                                         fault_errno(r < 0 ? r : -errno));
                if (!was_written(&before, &after))
                        return 0;
                if (!is_good(c, e)) {
                        choice = ask("hookd could not use this. (e)dit again or (d)iscard?", "de");
                        continue;
                }
                r = read_profile(e->path, &now, f);
                if (r < 0)
                        return r;
                choice = 's';
                if ((now != NULL) != (e->before != NULL) || !streq0(now, e->before))
                        choice = ask("The profile was changed by somebody else meanwhile. (e)dit again, (s)ave over it "
                                     "or (d)iscard?",
                                     "des");
        } while (choice == 'e');
        if (choice == 'd')
                return fault_set(f, -ECANCELED, e->path, "%s is left as it was", e->path);
        r = save(e, f);
        return r < 0 ? r : 1;
}

static int run(const Ctl *c)
{
        _cleanup_(edit_clear) Edit e = { 0 };
        _cleanup_free_ char *shown = NULL;
        Fault f = { 0 };
        int r;

        r = begin(c, &e, &f);
        if (r >= 0) {
                look_around(c, &e);
                r = edit(c, &e, &f);
        }
        if (r < 0)
                return ctl_fail("%s", f.text);
        shown = text_escape(e.path);
        (void) printf("%s %s\n", r > 0 ? "saved" : "nothing was written, so nothing is saved:", shown ? shown : "?");
        return 0;
}

const Verb verb_edit = {
        .name = "edit",
        .options = "root domain-xml host",
        .arguments = "GUEST",
        .summary = "edit a guest's profile, checked before it is saved",
        .help = "Runs $VISUAL, $EDITOR, editor or vi on a copy of /etc/hookd/profiles/GUEST.ini,\n"
                "or on what `hookctl generate` would write where there is none. The profile\n"
                "changes only once the copy is one that hookd can use.\n",
        .run = run,
};
