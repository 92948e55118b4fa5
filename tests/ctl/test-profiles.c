/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hookctl's verbs about profiles, below a root, on a captured host. */
#include "ctl/program.h"

#include <dirent.h>
#include <sys/stat.h>

#define HOST "--host=" TESTS_DIR "/captures/nvidia-desktop.tree"
#define XML  "--domain-xml=" TESTS_DIR "/ctl/golden/desktop.xml"

static char root[64];

static void write_text(const char *path, const char *text)
{
        int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);

        assert_ok(fd);
        assert_ok(write_all(fd, text, strlen(text)));
        (void) close(fd);
}
#define profile(name, text) write_text("etc/hookd/profiles/" name, text)

/* Everything in the folder of the last test goes, it becomes the working directory: "--root=." makes paths that golden
 * texts can have. */
static void prepare(void)
{
        static const char *const folders[] = { "etc", "etc/hookd", "etc/hookd/profiles" };
        const struct dirent *e;
        DIR *dir;

        if (*root == '\0') {
                (void) snprintf(root, sizeof(root), "%s", P_tmpdir "/hookd-profiles-XXXXXX");
                assert_not_null(mkdtemp(root));
                assert_ok(chdir(root));
                for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
                        assert_ok(mkdir(folders[i], 0755));
        }
        dir = opendir("etc/hookd/profiles");
        assert_not_null(dir);
        while ((e = readdir(dir)))
                if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
                        assert_ok(unlinkat(dirfd(dir), e->d_name, 0));
        (void) closedir(dir);
        (void) unlink("etc/hookd/hookd.conf");
}

static __attribute__((destructor)) void remove_root(void)
{
        static const char *const folders[] = { "etc/hookd/profiles", "etc/hookd", "etc" };

        if (*root == '\0')
                return;
        prepare();
        for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
                (void) rmdir(folders[i]);
        (void) rmdir(root);
}

static int run(const char *const *arguments)
{
        static char *const environment[] = { NULL };
        char *argv[12] = { (char *) HOOKCTL_EXE, (char *) "--root=." };

        for (size_t i = 0; arguments[i]; i++)
                argv[2 + i] = (char *) arguments[i];
        return program(argv, environment, NULL);
}
#define hookctl(...) run((const char *const[]){ __VA_ARGS__, NULL })

static void expect_golden(const char *name)
{
        _cleanup_free_ char *golden = NULL;
        char path[256];

        (void) snprintf(path, sizeof(path), TESTS_DIR "/ctl/golden/%s.out", name);
        assert_ok(read_file_at(AT_FDCWD, path, 1 << 16, &golden, NULL));
        assert_str_eq(said, golden);
}

TEST(list)
{
        prepare();
        assert_int_eq(hookctl("list"), 0);
        assert_contains(said, "There is no profile in ./etc/hookd/profiles");
        assert_int_eq(hookctl("list", "--json"), 0);
        assert_str_eq(said, "[]\n");

        profile("win10.ini", "");
        profile("my guest.ini", "");
        profile("any.ini", "[Match]\nDomain=win* b\nDevice=10de:2484 01:00.0\n");
        assert_int_eq(hookctl("list"), 0);
        profile("\033[31mred.ini", "");
        profile(".hidden.ini", "x");
        profile("broken.ini", "[Match]\nDomain=c\n[Modul]\n");
        assert_int_eq(hookctl("list"), 1);
        expect_golden("list");
        assert_int_eq(hookctl("list", "--json"), 1);
        expect_golden("list-json");
        assert_int_eq(hookctl("list", "x"), 2);
}

TEST(show)
{
        prepare();
        write_text("etc/hookd/hookd.conf", "[Holders]\nTimeoutSec=20\n\n[Module]\nPolicy=keep\n");
        profile("win10.ini", "# as the installer left it\n[Module]\nPolicy=auto\n"
                             "Names=nvidia_drm nvidia_modeset nvidia_uvm nvidia\n");
        profile("any.ini", "[Match]\nDomain=win*\n");
        profile("other.ini", "");
        assert_int_eq(hookctl("show", "win10", XML, HOST), 0);
        expect_golden("show");
        assert_int_eq(hookctl("show", XML, HOST, "--json"), 0);
        expect_golden("show-json");
        assert_int_eq(hookctl("show", "--profile=etc/hookd/profiles/other.ini"), 0);
        assert_contains(said, "etc/hookd/profiles/other.ini; on top of ./etc/hookd/hookd.conf\n[Match]\n");

        profile("win10.ini", "[Module]\nPolicy=x\n");
        assert_int_eq(hookctl("show", "win10", XML, HOST), 1);
        assert_contains(said, "win10.ini:2: \"x\" is not a value for");
        assert_int_eq(hookctl("show", "other", XML, HOST), 1);
        assert_contains(said, "not of other");
        assert_int_eq(hookctl("show"), 2);
}

/* Every way to be chosen is named; a device counts only where it is known. */
TEST(show_says_why)
{
        prepare();
        profile("a.ini", "[Match]\nDevice=10de:2484\n");
        assert_int_eq(hookctl("show", XML, HOST), 0);
        assert_contains(said, "because its Device= has vendor and device of one of");
        profile("b.ini", "[Match]\nDevice=01:00.0\n");
        assert_int_eq(hookctl("show", XML, HOST), 0);
        assert_contains(said, "because its Device= has the address of one of");
        profile("c.ini", "[Match]\nDomain=w*\n");
        assert_int_eq(hookctl("show", XML, HOST), 0);
        assert_contains(said, "because a glob in its Domain= fits the");
        profile("d.ini", "[Match]\nDomain=win10\n");
        assert_int_eq(hookctl("show", XML, HOST), 0);
        assert_contains(said, "because its Domain= has the guest's name");
        profile("win10.ini", "");
        assert_int_eq(hookctl("show", XML, HOST), 0);
        assert_contains(said, "because its name is the guest's");
        assert_contains(said, "It fits better than a.ini");
        profile("e.ini", "[Match]\nDomain=win10\n");
        profile("win10.ini", "[Match]\nDomain=other\n");
        assert_int_eq(hookctl("show", XML, HOST), 1);
        assert_contains(said, "d.ini and e.ini fit win10 equally well");
}

/* Everything that is wrong at once, with its line. */
TEST(check)
{
        prepare();
        write_text("etc/hookd/hookd.conf", "[Holders]\nTimeoutSec=200\n[Modul]\n");
        profile("win10.ini", "# 0000:01:00.0 10de:2484 NVIDIA\n# 0000:05:00.0 10de:228b sound\n"
                             "[Match]\nDevice=10de:2484 02:00.0\n"
                             "[Devices]\nFunctions=0000:03:00.0\nAllowDrivers=nvme\n"
                             "[DisplayManager]\nUnit=gdm.service\n"
                             "[Module]\nNames=nvidia nvidia_drm nvidia_foo\nPolizy=keep\n"
                             "[Driver]\nGuest=mlx5_vfio_pci\nHost=amdgpux\n"
                             "[Reset]\nMethod=none\nWhen=prepare\n");
        profile("a.ini", "[Match]\nDevice=10de:2484\n");
        profile("b.ini", "[Match]\nDevice=10de:2485\n");
        assert_int_eq(hookctl("check", HOST), 1);
        expect_golden("check");
        assert_int_eq(hookctl("check", HOST, "--json"), 1);
        expect_golden("check-json");
        /* one guest, one file */
        assert_int_eq(hookctl("check", HOST, XML, "win10"), 1);
        assert_contains(said, "0000:03:00.0 is no <hostdev> of");
        assert_null(strstr(said, "b.ini"));
        assert_int_eq(hookctl("check", HOST, "etc/hookd/profiles/b.ini"), 1); /* hookd.conf is checked with it */
        assert_null(strstr(said, "win10.ini"));
        assert_int_eq(hookctl("check", "etc/hookd/profiles/b.ini"), 1);
        assert_null(strstr(said, "10de:2485")); /* no host, nothing about it */
        assert_int_eq(hookctl("check", "./etc/hookd/hookd.conf"), 1);
        assert_contains(said, "\n1 error, 0 warnings\n");
        assert_int_eq(hookctl("check", "none.ini"), 1);
        assert_contains(said, "none.ini: error: cannot read none.ini");
        assert_int_eq(hookctl("check", "nobody"), 1);
        assert_contains(said, "is for nobody, so hookd leaves it");

        write_text("etc/hookd/hookd.conf", "");
        profile("win10.ini", "");
        assert_int_eq(hookctl("check", HOST, XML, "win10"), 0);
        assert_str_eq(said, "no problem found\n");
        profile("win10.ini", "[Module]\nPolicy=keep\nNames=nvidia\n"); /* a warning is no failure */
        assert_int_eq(hookctl("check", HOST, XML, "win10"), 0);
        assert_contains(said, "./etc/hookd/profiles/win10.ini:3: warning: Names= in [Module] means");
}

TEST_MAIN
