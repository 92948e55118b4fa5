/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test.h"

#include "host/host.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* Who may be trusted with being run by root, on real files. Needs root for their owners. */

static char root[64];
static Host *h;

static void put(const char *path, mode_t mode)
{
        char full[256];
        int fd;

        (void) snprintf(full, sizeof(full), "%s%s", root, path);
        if (mode & S_IFDIR) {
                assert_ok(mkdir(full, 0700));
                assert_ok(chmod(full, mode & 07777));
                return;
        }
        fd = open(full, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_ok(fd);
        assert_int_eq(write(fd, "#!/bin/sh\n", 10), 10);
        assert_ok(fchmod(fd, mode));
        (void) close(fd);
}

static void begin(void)
{
        Fault f = { 0 };

        if (geteuid() != 0)
                test_skip("only root can make files of root's");
        (void) snprintf(root, sizeof(root), "/var/tmp/hookd-look-XXXXXX");
        assert_not_null(mkdtemp(root));
        assert_ok(host_new(root, &h, &f));
        put("/etc", S_IFDIR | 0755);
        put("/etc/hooks", S_IFDIR | 0755);
        put("/etc/hooks/a", 0755);
}

static void finish(void)
{
        static const char *const paths[] = { "/etc/hooks/a", "/etc/hooks/link", "/etc/hooks", "/etc/b", "/etc", "" };
        char full[256];

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                (void) snprintf(full, sizeof(full), "%s%s", root, paths[i]);
                (void) remove(full);
        }
        h = host_free(h);
}

static const char *distrust(const char *path, bool executable)
{
        static FileLook look;

        assert_ok(host_look(h, path, &look));
        assert_int_eq(look.executable, executable);
        return look.distrust;
}

static void change(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
        char full[256];

        (void) snprintf(full, sizeof(full), "%s%s", root, path);
        assert_ok(chown(full, uid, gid));
        assert_ok(chmod(full, mode));
}

TEST(trusted)
{
        FileLook look;

        begin();
        assert_str_eq(distrust("/etc/hooks/a", true), "");
        change("/etc/hooks/a", 0644, 0, 0);
        assert_str_eq(distrust("/etc/hooks/a", false), "");
        change("/etc/hooks/a", 0775, 0, 0); /* root's own group */
        assert_str_eq(distrust("/etc/hooks/a", true), "");
        assert_ok(host_look(h, "/etc/hooks", &look));
        assert_true(look.folder && !look.executable);
        assert_int_eq(host_look(h, "/etc/hooks/none", &look), -ENOENT);
        finish();
}

TEST(the_file)
{
        begin();
        change("/etc/hooks/a", 0757, 0, 0);
        assert_str_eq(distrust("/etc/hooks/a", true), "/etc/hooks/a may be written by everybody");
        change("/etc/hooks/a", 0775, 0, 100);
        assert_str_eq(distrust("/etc/hooks/a", true), "/etc/hooks/a may be written by group 100");
        change("/etc/hooks/a", 0755, 1000, 0);
        assert_str_eq(distrust("/etc/hooks/a", true), "/etc/hooks/a belongs to user 1000, not to root");
        finish();
}

TEST(the_folders)
{
        begin();
        change("/etc", 0777, 0, 0);
        assert_str_eq(distrust("/etc/hooks/a", true), "/etc may be written by everybody");
        change("/etc", 0755, 0, 0);
        change("/etc/hooks", 0755, 1000, 0);
        assert_str_eq(distrust("/etc/hooks/a", true), "/etc/hooks belongs to user 1000, not to root");
        finish();
}

/* Where a link leads is what counts. */
TEST(a_link)
{
        char link[256];

        begin();
        put("/etc/b", 0757);
        (void) snprintf(link, sizeof(link), "%s/etc/hooks/link", root);
        assert_ok(symlink("/etc/b", link));
        assert_str_eq(distrust("/etc/hooks/link", true), "/etc/hooks/link may be written by everybody");
        change("/etc/b", 0755, 0, 0);
        assert_str_eq(distrust("/etc/hooks/link", true), "");
        change("/etc", 0777, 0, 0);
        assert_str_eq(distrust("/etc/hooks/link", true), "/etc may be written by everybody");
        finish();
}

TEST_MAIN
