/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/host.h"
#include "util/fd.h"

#include "test.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

static char folder[64];

static void put(const char *name, const char *text)
{
        char path[320];
        int fd;

        (void) snprintf(path, sizeof(path), "%s/%s", folder, name);
        for (char *p = path + strlen(folder) + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                (void) mkdir(path, 0700);
                *p = '/';
        }
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_ok(fd);
        assert_ok(write_all(fd, text, strlen(text)));
        closep(&fd);
}

static void put_link(const char *name, const char *target)
{
        char path[320];

        (void) snprintf(path, sizeof(path), "%s/%s", folder, name);
        assert_ok(symlink(target, path));
}

static Host *tree(void)
{
        Host *h = NULL;
        Fault f = {};

        (void) snprintf(folder, sizeof(folder), "/var/tmp/hookd-test-XXXXXX");
        assert_not_null(mkdtemp(folder));
        put("sys/a/value", "one\n");
        put("sys/a/two", "two\n\n");
        put("sys/a/empty", "");
        put("sys/b/driver/x", "");
        put("outside", "no");
        put_link("sys/a/relative", "../b/driver");
        put_link("sys/a/absolute", "/sys/b/driver");
        put_link("sys/a/escape", "../../../../../../../../../../etc/passwd");
        put_link("sys/a/dead", "nowhere");
        assert_ok(host_new(folder, &h, &f));
        return h;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        return remove(path);
}

static void done(Host *h)
{
        (void) host_free(h);
        assert_ok(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS));
}

static void assert_read(Host *h, const char *path, const char *expected)
{
        _cleanup_free_ char *text = NULL;

        assert_ok(host_read(h, path, &text));
        assert_str_eq(text, expected);
}

TEST(read)
{
        Host *h = tree();
        char *text = NULL;

        assert_read(h, "/sys/a/value", "one");
        assert_read(h, "/sys/a/two", "two\n"); /* one newline only */
        assert_read(h, "/sys/a/empty", "");
        assert_int_eq(host_read(h, "/sys/a/none", &text), -ENOENT);
        assert_int_eq(host_read(h, "/sys/a", &text), -EISDIR);
        done(h);
}

TEST(the_root_is_a_wall)
{
        Host *h = tree();
        char *text = NULL;

        assert_int_eq(host_read(h, "/sys/a/escape", &text), -ENOENT);
        assert_int_eq(host_read(h, "/../../../../../etc/passwd", &text), -ENOENT);
        assert_read(h, "/../../outside", "no");
        assert_true(host_exists(h, "/sys/a/absolute/x"));
        assert_true(host_exists(h, "/sys/a/relative/x"));
        done(h);
}

TEST(large)
{
        Host *h = tree();
        size_t size = (2 << 20) + 17;
        char *large = malloc(size + 1), *text = NULL;

        memset(large, 'y', size);
        large[size] = '\0';
        put("sys/large", large);
        assert_ok(host_read(h, "/sys/large", &text));
        assert_str_eq(text, large);
        free(text);
        free(large);
        assert_read(h, "/sys/a/value", "one");
        done(h);
}

TEST(write)
{
        Host *h = tree();

        assert_ok(host_write(h, "/sys/a/value", "vfio-pci"));
        assert_read(h, "/sys/a/value", "vfio-pci");
        assert_ok(host_write_hand(h, "/sys/a/value", "x"));
        assert_read(h, "/sys/a/value", "x");
        assert_int_eq(host_write(h, "/sys/a/new", "x"), -ENOENT); /* nothing is ever created */
        assert_false(host_exists(h, "/sys/a/new"));
        done(h);
}

TEST(links)
{
        Host *h = tree();
        _cleanup_free_ char *full = NULL, *last = NULL;
        char *text = NULL;

        assert_ok(host_readlink_full(h, "/sys/a/relative", &full));
        assert_str_eq(full, "../b/driver");
        assert_ok(host_readlink(h, "/sys/a/relative", &last));
        assert_str_eq(last, "driver");
        assert_int_eq(host_readlink(h, "/sys/a/value", &text), -EINVAL);
        assert_int_eq(host_readlink(h, "/sys/a/none", &text), -ENOENT);
        assert_false(host_exists(h, "/sys/a/dead"));
        assert_false(host_exists(h, "/sys/a/value/below"));
        done(h);
}

TEST(list)
{
        Host *h = tree();
        _cleanup_strv_ char **names = NULL;
        _cleanup_free_ char *joined = NULL;
        char **more = NULL;

        assert_ok(host_list(h, "/sys/a", &names));
        joined = strv_join(names, " ");
        assert_str_eq(joined, "absolute dead empty escape relative two value");
        assert_int_eq(host_list(h, "/sys/none", &more), -ENOENT);
        assert_int_eq(host_list(h, "/sys/a/value", &more), -ENOTDIR);
        done(h);
}

TEST(numbers)
{
        Host *h = tree();
        uint64_t n;

        put("sys/n", "0x10de\n");
        put("sys/d", "17\n");
        assert_ok(host_read_uint(h, "/sys/n", 16, &n));
        assert_int_eq(n, 0x10de);
        assert_ok(host_read_uint(h, "/sys/d", 10, &n));
        assert_int_eq(n, 17);
        assert_int_eq(host_read_uint(h, "/sys/a/value", 10, &n), -EINVAL);
        done(h);
}

TEST(a_folder_has_no_services)
{
        Host *h = tree();
        ModuleInfo module;
        UnitInfo unit;
        HostSession *sessions;
        HostHolder *holders, self = { .pid = getpid() };
        size_t n;

        assert_int_eq(host_module(h, MODULE_STATE, "vfio", &module), -ENOTSUP);
        assert_int_eq(host_unit(h, UNIT_STOP, "x.service", &unit), -ENOTSUP);
        assert_int_eq(host_sessions(h, &sessions, &n), -ENOTSUP);
        assert_int_eq(host_holders(h, (char *[]){ folder, NULL }, &holders, &n), -ENOTSUP);
        assert_int_eq(host_signal(h, &self, 0), -ENOTSUP);
        done(h);
}

TEST(hands_of_the_real_root)
{
        Host *folder_host = tree(), *h = NULL;
        _cleanup_free_ char *text = NULL;
        char path[128], *none = NULL;
        Fault f = {};

        assert_ok(host_new("/", &h, &f));
        h->deadline = host_now(h) + 10 * USEC_PER_SEC;
        (void) snprintf(path, sizeof(path), "%s/sys/a/value", folder);
        assert_ok(host_write_hand(h, path, "hand\n"));
        assert_ok(host_read_hand(h, path, &text));
        assert_str_eq(text, "hand");
        (void) snprintf(path, sizeof(path), "%s/sys/a/none", folder);
        assert_int_eq(host_write_hand(h, path, "1"), -ENOENT);
        assert_int_eq(host_read_hand(h, path, &none), -ENOENT);
        assert_false(h->stuck);

        h->deadline = 1; /* killed before it could answer, and gone: a time-out, but nothing is stuck */
        assert_int_eq(host_read_hand(h, "/proc/self/stat", &none), -ETIMEDOUT);
        assert_false(h->stuck);
        (void) host_free(h);
        done(folder_host);
}

TEST(no_such_root)
{
        Host *h = NULL;
        Fault f = {};

        assert_int_eq(host_new("/nowhere/at/all", &h, &f), -ENOENT);
        assert_contains(f.text, "/nowhere/at/all");
        assert_null(host_free(NULL));
}

TEST(units_of_a_cgroup)
{
        static const struct {
                const char *path, *unit, *user;
        } cases[] = {
                { "/system.slice/lightdm.service", "lightdm.service", NULL },
                { "/init.scope", "init.scope", NULL },
                { "/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", NULL },
                { "/user.slice/user-1000.slice/session-3.scope", "session-3.scope", NULL },
                { "/user.slice/user-1000.slice/user@1000.service/session.slice/pipewire.service", "user@1000.service",
                  "pipewire.service" },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/app-a\\x2db.scope/deeper",
                  "user@1000.service", "app-a\\x2db.scope" },
                { "/user.slice/user-1000.slice/user@1000.service/init.scope", "user@1000.service", "init.scope" },
                { "/user.slice/user-1000.slice/user@1000.service", "user@1000.service", NULL },
                { "/machine.slice/machine-qemu\\x2d1\\x2dwin.scope/libvirt/emulator",
                  "machine-qemu\\x2d1\\x2dwin.scope", NULL },
                { "/system.slice/_cpu.service", "cpu.service", NULL },
                { "/docker/0123abcd", NULL, NULL },
                { "/user.slice", NULL, NULL },
                { "/", NULL, NULL },
                { "", NULL, NULL },
                { NULL, NULL, NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *unit = NULL, *user = NULL;

                assert_ok(cgroup_units(cases[i].path, &unit, &user));
                assert_str_eq(unit, cases[i].unit);
                assert_str_eq(user, cases[i].user);
        }
}

TEST_MAIN
