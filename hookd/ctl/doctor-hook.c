/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-checks.h"

static bool is_ours(const HookEntry *x)
{
        return x->state == HOOK_CURRENT || x->state == HOOK_OLD || x->state == HOOK_STRAY;
}

/* Since 6.5.0 libvirt runs what lies in qemu.d. */
static bool is_run(const HookInput *in, const HookEntry *x)
{
        return !x->folder && x->executable && (streq(x->path, HOOK_MAIN) || in->version == 0 || in->version >= 6005000);
}

const HookEntry *hook_ours(const HookInput *in)
{
        for (size_t i = 0; i < in->n; i++)
                if (is_ours(&in->entries[i]) && is_run(in, &in->entries[i]))
                        return &in->entries[i];
        return NULL;
}

static void check_ours(const HookInput *in, const HookEntry *x, Findings *fs)
{
        if (!x->executable) {
                finding_add(fs, AREA_HOOK, FINDING_PROBLEM,
                            "%s is not executable: libvirt passes over it, and guests start without hookd", x->path);
                finding_fix(fs, "chmod 755 %s", x->path);
        } else if (!is_run(in, x)) {
                finding_add(fs, AREA_HOOK, FINDING_PROBLEM,
                            "libvirt %u.%u.%u does not run what lies in qemu.d: that came with 6.5.0",
                            in->version / 1000000, in->version / 1000 % 1000, in->version % 1000);
                finding_fix(fs, "upgrade libvirt, or let %s call %s with its arguments and input", HOOK_MAIN, x->path);
        } else if (x->state == HOOK_OLD) {
                finding_add(fs, AREA_HOOK, FINDING_WARNING, "%s is of another version of hookd", x->path);
                finding_fix(fs, "hookctl enable");
        } else if (x->state == HOOK_STRAY) {
                finding_add(fs, AREA_HOOK, FINDING_WARNING,
                            "%s is a hook of hookd's that this hookctl did not install: nobody renews it", x->path);
                finding_fix(fs, "rm %s && hookctl enable", x->path);
        } else
                finding_add(fs, AREA_HOOK, FINDING_FINE, "installed as %s", x->path);
        if (x->link) {
                finding_add(fs, AREA_HOOK, FINDING_WARNING,
                            "%s is a symbolic link: AppArmor lets libvirt run real files from there only", x->path);
                finding_fix(fs, "rm %s && hookctl enable", x->path);
        }
}

static const char *first_of(const char *text, const char *const *words, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (strstr(text, words[i]))
                        return words[i];
        return NULL;
}

static char *without_comments(const char *text)
{
        _cleanup_free_ char *copy = strdup(text);
        char *plain = copy ? calloc(1, strlen(text) + 2) : NULL, *end = plain, *rest = copy, *line;

        while (end && (line = text_line(&rest)))
                end = stpcpy(stpcpy(end, line), "\n");
        return plain;
}

/* The number of the first line that has the word outside of comments. */
static unsigned line_of(const char *whole, const char *word)
{
        unsigned number = 1;

        for (const char *p = whole; *p; number++) {
                size_t n = strcspn(p, "\n");
                _cleanup_free_ char *one = strndup(p, n);
                char *rest = one, *line = one ? text_line(&rest) : NULL;

                if (line && strstr(line, word))
                        return number;
                p += n + (p[n] == '\n');
        }
        return 1;
}

void check_script_deeds(const char *path, const char *whole, Findings *fs)
{
        static const char *const back[] = { "virsh", "virt-install", "import libvirt" };
        static const char *const same[] = { "modprobe -r", "rmmod",          "driver_override", "/unbind", "new_id",
                                            "vtcon",       "nodedev-detach", "display-manager", "gdm",     "lightdm",
                                            "sddm" };
        _cleanup_free_ char *text = without_comments(whole);
        const char *word;

        if (!text)
                return;
        word = first_of(text, back, ARRAY_SIZE(back));
        if (word) {
                finding_add(
                        fs, AREA_HOOK, FINDING_WARNING,
                        "%s:%u calls libvirt back (%s), which can hang both: libvirt waits for its hook with the guest "
                        "locked",
                        path, line_of(whole, word), word);
                finding_fix(fs, "take the XML from the hook's standard input, or do it after the hook");
        }
        word = first_of(text, same, ARRAY_SIZE(same));
        if (word) {
                finding_add(fs, AREA_HOOK, FINDING_WARNING,
                            "%s:%u seems to do what hookd does (%s): two hands on one card", path, line_of(whole, word),
                            word);
                finding_fix(fs, "chmod -x %s, or leave the guests out for which hookd has a profile", path);
        }
}

/* What a script does that goes wrong in a hook, told by its words: a hint where to look, no proof. */
static void check_script(const HookEntry *x, Findings *fs)
{
        _cleanup_free_ char *text = x->text ? without_comments(x->text) : NULL;

        static const char *const fails[] = { "set -e",     "errexit",    "exit 1",    "exit 2",
                                             "sys.exit(1", "check=True", "check_call" };
        static const char *const late[] = { "started", "reconnect" };
        const char *word, *why;

        if (!text)
                return;
        why = first_of(text, fails, ARRAY_SIZE(fails));
        word = first_of(text, late, ARRAY_SIZE(late));
        if (why && (word || !strstr(text, "prepare"))) {
                finding_add(fs, AREA_HOOK, FINDING_WARNING,
                            "%s may kill running guests: it has '%s'%s%s, and a hook that fails for started or "
                            "reconnect ends its guest, also when libvirtd is restarted",
                            x->path, why, word ? " and handles " : " and does not ask which event it is",
                            word ? word : "");
                finding_fix(fs, "let %s end with exit 0 for every event but prepare", x->path);
        }
        check_script_deeds(x->path, x->text, fs);
}

/* What an editor or a package manager left: libvirt runs it all the same. */
static bool is_leftover(const char *path)
{
        static const char *const ends[] = { "~",         ".bak",       ".old",      ".orig",    ".save",   ".swp",
                                            ".dpkg-old", ".dpkg-dist", ".dpkg-new", ".rpmsave", ".rpmnew", ".pacnew" };

        for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
                if (endswith(path, ends[i]))
                        return true;
        return strrchr(path, '/')[1] == '.';
}

static void check_foreign(const HookInput *in, const HookEntry *x, Findings *fs)
{
        if (!x->executable)
                finding_add(fs, AREA_HOOK, FINDING_HINT, "%s is not executable: libvirt warns of it and passes over it",
                            x->path);
        else if (is_run(in, x) && !streq(x->path, HOOK_MAIN) && is_leftover(x->path)) {
                finding_add(fs, AREA_HOOK, FINDING_WARNING, "libvirt runs %s too, which looks like a copy", x->path);
                finding_fix(fs, "rm %s", x->path);
        } else if (is_run(in, x))
                finding_add(fs, AREA_HOOK, FINDING_HINT, "%s is run as well, and is not hookd's", x->path);
        if (x->executable)
                check_script(x, fs);
}

static void check_folder(const HookInput *in, const HookEntry *x, Findings *fs)
{
        bool dispatcher = false;

        for (size_t i = 0; i < in->n; i++) {
                const HookEntry *y = &in->entries[i];

                dispatcher = dispatcher ||
                             (streq(y->path, HOOK_MAIN) && y->executable && y->text && strstr(y->text, "qemu.d"));
        }
        if (dispatcher && x->kills) {
                finding_add(fs, AREA_HOOK, FINDING_WARNING,
                            "%s has scripts for started or reconnect: one that fails ends the running guest", x->path);
                finding_fix(fs, "let them end with exit 0");
        }
        if (!dispatcher && !hook_ours(in))
                finding_add(fs, AREA_HOOK, FINDING_HINT,
                            "nobody runs the scripts in the folder %s: libvirt does not look into folders, and %s does "
                            "not hand them on",
                            x->path, HOOK_MAIN);
}

void check_hook(const HookInput *in, Findings *fs)
{
        unsigned ours = 0;

        if (in->denied) {
                finding_add(fs, AREA_HOOK, FINDING_UNKNOWN, "%s may not be read", HOOKS_FOLDER);
                finding_fix(fs, "run as root to see it");
                return;
        }
        for (size_t i = 0; i < in->n; i++) {
                const HookEntry *x = &in->entries[i];

                ours += is_ours(x);
                if (is_ours(x))
                        check_ours(in, x, fs);
                else if (x->folder)
                        check_folder(in, x, fs);
                else
                        check_foreign(in, x, fs);
                if (x->open && !x->folder) {
                        finding_add(fs, AREA_HOOK, FINDING_PROBLEM, "everybody may write %s, which root runs", x->path);
                        finding_fix(fs, "chmod o-w %s", x->path);
                }
        }
        if (ours == 0 && !in->contained) {
                finding_add(fs, AREA_HOOK, FINDING_PROBLEM,
                            "hookd's hook is not installed: libvirt starts guests without hookd");
                finding_fix(fs, "hookctl enable");
        }
        if (ours > 1) {
                finding_add(fs, AREA_HOOK, FINDING_WARNING, "hookd's hook is installed twice, and called twice");
                finding_fix(fs, "rm %s", HOOK_ENTRY);
        }
}

void check_hook_seen(const HookEntry *ours, const LibvirtDaemon *daemons, size_t n, Findings *fs)
{
        for (size_t i = 0; ours && i < n; i++) {
                const LibvirtDaemon *d = &daemons[i];

                if (!d->running)
                        continue;
                if (d->proven || (d->looked > 0 && d->looked >= ours->changed))
                        finding_add(fs, AREA_HOOK, FINDING_FINE, "%s knows it", d->unit);
                else {
                        finding_add(
                                fs, AREA_HOOK, d->looked > 0 ? FINDING_WARNING : FINDING_UNKNOWN,
                                "%s may not know the hook: it looks for hooks when it starts and is reloaded, and %s",
                                d->unit,
                                d->looked > 0 ? "the hook is newer than that" : "when that was last cannot be seen");
                        finding_fix(fs, "systemctl reload %s", d->unit);
                }
        }
}
