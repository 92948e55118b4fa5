/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/generate.h"
#include "ctl/path.h"
#include "ctl/profile-folder.h"
#include "util/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* A file that is there stays as it is. */
static int write_new(const Ctl *c, const char *path, const char *guest, const char *text, Fault *f)
{
        _cleanup_close_ int fd = -1;
        int r;

        r = path_make(c->root, "/etc/hookd/profiles");
        if (r < 0)
                return fault_set(f, r, path, "cannot make the folder of %s: %s", path, fault_errno(r));
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 && errno == EEXIST)
                return fault_set(f, -EEXIST, path,
                                 "%s is there already: `hookctl edit %s` changes it, `hookctl generate --print %s` "
                                 "shows what would be in a new one",
                                 path, guest, guest);
        if (fd < 0)
                return fault_set(f, -errno, path, "cannot write %s: %s", path, fault_errno(-errno));
        r = write_all(fd, text, strlen(text));
        if (r >= 0 && (fchmod(fd, 0644) < 0 || fsync(fd) < 0))
                r = -errno;
        if (r < 0)
                (void) unlink(path);
        return r < 0 ? fault_set(f, r, path, "cannot write %s: %s", path, fault_errno(r)) : 0;
}

static int run(const Ctl *c)
{
        _cleanup_free_ char *name = NULL, *text = NULL, *refusal = NULL, *path = NULL, *shown = NULL;
        _cleanup_profile_folder_ ProfileFolder folder = { 0 };
        Fault f = { 0 };
        int r;

        if (!c->guest && !c->domain_xml) {
                (void) ctl_fail("generate needs the name of a guest, or --domain-xml=FILE");
                return 2;
        }
        r = profile_folder_open(c->root, &folder, &f);
        if (r >= 0)
                r = generate_for(c->guest, c->domain_xml, c->host, &folder, &name, &text, &refusal, &f);
        if (r >= 0 && !c->print)
                r = profile_folder_file(&folder, name, &path, &f);
        if (r >= 0 && !c->print)
                r = write_new(c, path, name, text, &f);
        if (r < 0)
                return ctl_fail("%s", f.text);
        if (c->print) {
                (void) fputs(text, stdout);
                return fflush(stdout) == 0 ? 0 : ctl_fail("cannot write: %s", fault_errno(-errno));
        }
        shown = text_escape(path);
        (void) printf("wrote %s\n", shown ? shown : "?");
        return refusal ? ctl_fail("the guest could not be started now: %s", refusal) : 0;
}

const Verb verb_generate = {
        .name = "generate",
        .options = "root domain-xml host print",
        .arguments = "[GUEST]",
        .summary = "write a profile for a guest, with comments on what was found",
        .help = "Writes /etc/hookd/profiles/GUEST.ini. All of it is commented out: it does what\n"
                "an empty file does, and shows each key with the value that counts on this host\n"
                "now and why. A file that is there already is never touched.\n",
        .run = run,
};
