/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hookctl enable and disable below a root of their own: what they make, what they leave alone, and that disable leaves
 * the tree as enable found it. */
#include "ctl/program.h"
#include "util/parse.h"
#include "wire/wire.h"

#include <dirent.h>
#include <sys/stat.h>

#define HOOKS   "/etc/libvirt/hooks"
#define MAIN    HOOKS "/qemu"
#define ENTRY   HOOKS "/qemu.d/50-hookd"
#define UNIT    "/usr/lib/systemd/system/hookd.socket"
#define LINK    "/etc/systemd/system/sockets.target.wants/hookd.socket"
#define RECEIPT "/var/lib/hookd/enable"
#define FOREIGN "#!/bin/sh\nexit 0\n"

static char dir[64];

static const char *at(const char *path)
{
        static char full[4][512];
        static unsigned i;

        i = (i + 1) % 4;
        (void) snprintf(full[i], sizeof(full[i]), "%s/root%s", dir, path);
        return full[i];
}

static void make_folder(const char *path)
{
        char full[512];

        (void) snprintf(full, sizeof(full), "%s", at(path));
        for (char *p = full + strlen(dir) + 1; *p; p++)
                if (*p == '/') {
                        *p = '\0';
                        (void) mkdir(full, 0755);
                        *p = '/';
                }
        assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
}

static void write_at(const char *path, const char *text, mode_t mode)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_ok(fd);
        assert_ok(write_all(fd, text, strlen(text)));
        assert_ok(fchmod(fd, mode));
        (void) close(fd);
}

static void make_file(const char *path, const char *text, mode_t mode)
{
        char folder[512];

        (void) snprintf(folder, sizeof(folder), "%s", path);
        *strrchr(folder, '/') = '\0';
        make_folder(folder);
        write_at(at(path), text, mode);
}

static void remove_tree(int above, const char *name)
{
        int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
        struct dirent *e;

        while (d && (e = readdir(d)))
                if (!streq(e->d_name, ".") && !streq(e->d_name, "..") && unlinkat(fd, e->d_name, 0) < 0)
                        remove_tree(fd, e->d_name);
        if (d)
                (void) closedir(d);
        (void) unlinkat(above, name, AT_REMOVEDIR);
}

static void clean_up(void)
{
        if (*dir)
                remove_tree(AT_FDCWD, dir);
        *dir = '\0';
}

static void set_shim(const char *text)
{
        char path[128];

        (void) snprintf(path, sizeof(path), "%s/shim", dir);
        write_at(path, text, 0755);
}

/* A machine with systemd and hookd's unit, without libvirt. */
static void begin(void)
{
        clean_up();
        (void) atexit(clean_up);
        (void) strcpy(dir, P_tmpdir "/hookd-test-XXXXXX");
        assert_not_null(mkdtemp(dir));
        make_folder("/var/lib");
        make_folder("/etc/systemd/system");
        make_file(UNIT, "[Socket]\n", 0644);
        set_shim("shim, version 1");
}

/* Every path with its kind, mode and content. */
static void describe(const char *path, char ***lines)
{
        DIR *d = opendir(path);
        struct dirent *e;

        assert_not_null(d);
        while ((e = readdir(d))) {
                _cleanup_free_ char *full = NULL, *line = NULL, *text = NULL;
                char target[256] = "";
                struct stat st;

                if (streq(e->d_name, ".") || streq(e->d_name, ".."))
                        continue;
                assert_true(asprintf(&full, "%s/%s", path, e->d_name) > 0);
                assert_ok(lstat(full, &st));
                if (S_ISLNK(st.st_mode))
                        assert_true(readlink(full, target, sizeof(target) - 1) > 0);
                if (S_ISREG(st.st_mode))
                        assert_ok(read_file_at(AT_FDCWD, full, 1 << 20, &text, NULL));
                assert_true(asprintf(&line, "%s %o %s%s", full + strlen(dir), st.st_mode, target, text ? text : "") >
                            0);
                assert_ok(strv_append(lines, line));
                if (S_ISDIR(st.st_mode))
                        describe(full, lines);
        }
        (void) closedir(d);
}

static char *tree(void)
{
        _cleanup_strv_ char **lines = NULL;

        describe(at(""), &lines);
        strv_sort(lines);
        return strv_join(lines, "\n");
}

/* Runs hookctl VERB; its output is in `said`. Returns its exit status. */
static int hookctl(const char *verb)
{
        char root[128], shim[128];
        char *argv[] = { (char *) HOOKCTL_EXE, (char *) verb, root, streq(verb, "enable") ? shim : NULL, NULL };
        static char *const environment[] = { NULL };

        (void) snprintf(root, sizeof(root), "--root=%s/root", dir);
        (void) snprintf(shim, sizeof(shim), "--shim=%s/shim", dir);
        return program(argv, environment, NULL);
}

static void expect_content(const char *path, const char *text)
{
        _cleanup_free_ char *is = NULL;

        assert_ok(read_file_at(AT_FDCWD, at(path), 1 << 20, &is, NULL));
        assert_str_eq(is, text);
}

static void expect_hook(const char *path, const char *text)
{
        struct stat st;

        assert_ok(lstat(at(path), &st));
        assert_int_eq(st.st_mode, S_IFREG | 0755); /* a real file: AppArmor */
        expect_content(path, text);
}

static bool exists(const char *path)
{
        struct stat st;

        return lstat(at(path), &st) == 0;
}

/* Enable twice, disable twice: the second ones change nothing, and the end is the beginning. */
static void round_trip(const char *place)
{
        _cleanup_free_ char *before = tree(), *between = NULL, *again = NULL, *after = NULL;

        assert_int_eq(hookctl("enable"), 0);
        assert_contains(said, place);
        expect_hook(place, "shim, version 1");
        assert_true(exists(LINK));
        between = tree();
        assert_int_eq(hookctl("enable"), 0);
        assert_contains(said, "is installed already");
        again = tree();
        assert_str_eq(again, between);
        assert_int_eq(hookctl("disable"), 0);
        after = tree();
        assert_str_eq(after, before);
        assert_int_eq(hookctl("disable"), 0);
        assert_contains(said, "has installed nothing here");
}

TEST(without_libvirt)
{
        begin();
        round_trip(MAIN);
}

TEST(an_empty_folder)
{
        begin();
        make_folder(HOOKS);
        round_trip(MAIN);
        make_folder(HOOKS "/qemu.d");
        round_trip(MAIN);
}

TEST(beside_a_foreign_hook)
{
        begin();
        make_file(MAIN, FOREIGN, 0755);
        round_trip(ENTRY);
        expect_content(MAIN, FOREIGN);
        make_file(HOOKS "/qemu.d/10-other", FOREIGN, 0755);
        round_trip(ENTRY);
        expect_content(MAIN, FOREIGN);
}

TEST(what_also_counts_as_foreign)
{
        begin();
        make_file(MAIN, FOREIGN, 0644); /* libvirt warns of it; it is somebody's */
        round_trip(ENTRY);
        assert_ok(unlink(at(MAIN)));
        assert_ok(symlink("/nowhere", at(MAIN)));
        round_trip(ENTRY);
        assert_ok(unlink(at(MAIN)));
        make_folder(MAIN);
        round_trip(ENTRY);
}

TEST(no_place_left)
{
        _cleanup_free_ char *before = NULL, *after = NULL;

        begin();
        make_file(MAIN, FOREIGN, 0755);
        make_file(ENTRY, FOREIGN, 0755);
        before = tree();
        assert_int_eq(hookctl("enable"), 1);
        assert_contains(said, "nothing was changed");
        after = tree();
        assert_str_eq(after, before);
}

TEST(an_upgrade)
{
        _cleanup_free_ char *before = NULL, *after = NULL;

        begin();
        make_folder(HOOKS);
        before = tree();
        assert_int_eq(hookctl("enable"), 0);
        set_shim("shim, version 2");
        assert_int_eq(hookctl("enable"), 0);
        assert_contains(said, "renewed");
        expect_hook(MAIN, "shim, version 2");
        assert_ok(chmod(at(MAIN), 0644)); /* libvirt would ignore it and start guests unprepared */
        assert_int_eq(hookctl("enable"), 0);
        expect_hook(MAIN, "shim, version 2");
        assert_int_eq(hookctl("disable"), 0);
        after = tree();
        assert_str_eq(after, before);
}

TEST(the_place_stays)
{
        begin();
        make_file(MAIN, FOREIGN, 0755);
        assert_int_eq(hookctl("enable"), 0);
        assert_ok(unlink(at(MAIN)));
        set_shim("shim, version 2");
        assert_int_eq(hookctl("enable"), 0);
        expect_hook(ENTRY, "shim, version 2");
        assert_false(exists(MAIN)); /* both would run */
}

TEST(somebody_changed_our_hook)
{
        _cleanup_free_ char *before = NULL, *after = NULL;

        begin();
        before = tree();
        assert_int_eq(hookctl("enable"), 0);
        write_at(at(MAIN), "shim, version 1, and more", 0755);
        assert_int_eq(hookctl("disable"), 1);
        assert_contains(said, "left alone");
        expect_content(MAIN, "shim, version 1, and more");
        assert_false(exists(LINK));
        assert_int_eq(hookctl("disable"), 1);
        assert_ok(unlink(at(MAIN)));
        assert_int_eq(hookctl("disable"), 0);
        after = tree();
        assert_str_eq(after, before);
}

TEST(somebody_replaced_our_hook)
{
        begin();
        assert_int_eq(hookctl("enable"), 0);
        write_at(at(MAIN), FOREIGN, 0755);
        assert_int_eq(hookctl("enable"), 0);
        expect_content(MAIN, FOREIGN);
        expect_hook(ENTRY, "shim, version 1");
        (void) hookctl("disable");
        expect_content(MAIN, FOREIGN);
        assert_false(exists(ENTRY));
}

TEST(the_receipt_is_lost)
{
        begin();
        make_folder(HOOKS);
        assert_int_eq(hookctl("enable"), 0);
        assert_ok(unlink(at(RECEIPT)));
        assert_int_eq(hookctl("enable"), 0); /* the same file: it can only be ours */
        assert_int_eq(hookctl("disable"), 0);
        assert_false(exists(MAIN));
}

/* An ELF program that talks to hookd's socket, of a version nobody knows: a second one beside it would prepare twice.
 */
TEST(a_stray_shim)
{
        _cleanup_free_ char *before = NULL, *after = NULL;

        begin();
        make_file(MAIN, "\177ELF of long ago, for " WIRE_SOCKET, 0755);
        before = tree();
        assert_int_eq(hookctl("enable"), 1);
        assert_contains(said, "did not install");
        after = tree();
        assert_str_eq(after, before);
}

TEST(a_crash_before_the_deed)
{
        begin();
        make_folder(HOOKS);
        make_file(RECEIPT, "hookd-enable 1\nfile\t" MAIN "\t15-0123456789abcdef\nfolder\t" HOOKS "/qemu.d\t\n", 0644);
        assert_int_eq(hookctl("disable"), 0);
        assert_false(exists(RECEIPT));
        assert_true(exists(HOOKS));
}

TEST(a_damaged_receipt)
{
        begin();
        make_file(RECEIPT, "something else\n", 0644);
        assert_int_eq(hookctl("enable"), 1);
        assert_contains(said, "is damaged");
        assert_false(exists(HOOKS));
        assert_int_eq(hookctl("disable"), 1);
        make_file(RECEIPT, "hookd-enable 1\nfile\n", 0644);
        assert_int_eq(hookctl("disable"), 1);
}

TEST(installed_incompletely)
{
        _cleanup_free_ char *before = NULL, *after = NULL;
        char shim[128];

        begin();
        assert_ok(unlink(at(UNIT)));
        before = tree();
        assert_int_eq(hookctl("enable"), 1);
        assert_contains(said, "hookd.socket");
        (void) snprintf(shim, sizeof(shim), "%s/shim", dir);
        assert_ok(unlink(shim));
        assert_int_eq(hookctl("enable"), 1);
        assert_contains(said, "shim");
        after = tree();
        assert_str_eq(after, before);
}

TEST(enabled_by_somebody_else)
{
        begin();
        make_folder("/etc/systemd/system/sockets.target.wants");
        assert_ok(symlink(UNIT, at(LINK)));
        round_trip(MAIN);
        assert_true(exists(LINK));
}

TEST_MAIN
