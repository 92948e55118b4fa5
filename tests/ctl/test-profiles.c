/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hookctl's verbs about profiles, below a root, on a captured host. */
#include "ctl/golden.h"
#include "ctl/program.h"
#include "util/parse.h"

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
        static const char *const others[] = { "etc/hookd/hookd.conf", "editor", "runs", "edit-1", "edit-2", "x.xml" };
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
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                (void) unlink(others[i]);
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

static int run(const char *const *arguments, char *const *environment, const char *input)
{
        char *argv[12] = { (char *) HOOKCTL_EXE, (char *) "--root=." };

        for (size_t i = 0; arguments[i]; i++)
                argv[2 + i] = (char *) arguments[i];
        return program(argv, environment, input);
}
#define NO_ENVIRONMENT  \
        (char *const[]) \
        {               \
                NULL    \
        }
#define hookctl(...) run((const char *const[]){ __VA_ARGS__, NULL }, NO_ENVIRONMENT, NULL)

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
        expect_golden(said, "list");
        assert_int_eq(hookctl("list", "--json"), 1);
        expect_golden(said, "list-json");
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
        expect_golden(said, "show");
        assert_int_eq(hookctl("show", XML, HOST, "--json"), 0);
        expect_golden(said, "show-json");
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
        expect_golden(said, "check");
        assert_int_eq(hookctl("check", HOST, "--json"), 1);
        expect_golden(said, "check-json");
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

/* The lines of a plan with what is done, without the reasons: those name the profile. */
static char *plan_by(const char *profile_option, const char *host)
{
        char *argv[] = { (char *) HOOKCTL_EXE, (char *) "plan", (char *) profile_option,
                         (char *) host,        (char *) XML,    NULL };
        _cleanup_strv_ char **lines = NULL;
        char *rest = said, *line;

        assert_int_eq(program(argv, NO_ENVIRONMENT, NULL), 0);
        while ((line = strsep(&rest, "\n"))) {
                if (!startswith(line, "  ") || line[2] == ' ')
                        continue;
                line[strcspn(line, ":")] = '\0';
                assert_ok(strv_append(&lines, line));
        }
        assert_true(strv_length(lines) > 10);
        return strv_join(lines, "\n");
}

/* What is generated is what an empty profile does, also when every value in it is fixed. */
TEST(generate)
{
        _cleanup_free_ char *text = NULL, *empty = NULL, *as_it_is = NULL, *fixed = NULL;
        struct stat st;

        prepare();
        assert_int_eq(hookctl("generate", HOST, XML, "win10"), 0);
        assert_str_eq(said, "wrote ./etc/hookd/profiles/win10.ini\n");
        assert_ok(stat("etc/hookd/profiles/win10.ini", &st));
        assert_int_eq(st.st_mode & 07777, 0644);
        assert_ok(read_file_at(AT_FDCWD, "etc/hookd/profiles/win10.ini", 1 << 16, &text, NULL));
        assert_int_eq(hookctl("check", HOST, XML), 0);
        assert_str_eq(said, "no problem found\n");

        assert_int_eq(hookctl("generate", HOST, XML), 1);
        assert_contains(said, "win10.ini is there already");
        assert_int_eq(hookctl("generate", HOST, XML, "--print"), 0);
        expect_golden(said, "generate");
        assert_str_eq(said, text);

        profile("empty.ini", "");
        empty = plan_by("--profile=etc/hookd/profiles/empty.ini", HOST);
        as_it_is = plan_by("--profile=etc/hookd/profiles/win10.ini", HOST);
        assert_str_eq(as_it_is, empty);
        for (char *s = text; (s = strstr(s, "\n#")); s++)
                if (s[2] >= 'A' && s[2] <= 'Z')
                        s[1] = '\n';
        write_text("etc/hookd/profiles/win10.ini", text);
        fixed = plan_by("--profile=etc/hookd/profiles/win10.ini", HOST);
        assert_str_eq(fixed, empty);
        assert_int_eq(hookctl("check", HOST, XML, "win10"), 0);
        assert_str_eq(said, "no problem found\n");
        assert_int_eq(hookctl("show", HOST, XML), 0);
        assert_null(strstr(said, "  default")); /* it fixed each of them */
}

TEST(generate_on_defaults_and_where_it_cannot_start)
{
        prepare();
        write_text("etc/hookd/hookd.conf", "[Module]\nPolicy=keep\n[Holders]\nTimeoutSec=33\n");
        assert_int_eq(hookctl("generate", HOST, XML, "--print"), 0);
        assert_contains(said, "# Set in hookd.conf.\n#Policy=keep\n");
        assert_contains(said, "# Set in hookd.conf.\n#TimeoutSec=33\n");
        assert_int_eq(hookctl("generate", "--host=" TESTS_DIR "/captures/server-vfio.tree", XML), 1);
        assert_contains(said, "the guest could not be started now: there is no PCI device");
        assert_int_eq(hookctl("check"), 0);
        write_text("etc/hookd/hookd.conf", "[Modul]\n");
        assert_int_eq(hookctl("generate", HOST, XML, "--print"), 1);
        assert_contains(said, "unknown section [Modul]");
        assert_int_eq(hookctl("generate"), 2);
}

/* Whatever a guest is called: its profile is its own, and nothing in the name gets out of a comment. */
TEST(generate_for_strange_names)
{
        static const char *const names[] = { "my guest",  "-dash",          "--force", "it's \"quoted\"",
                                             "a;b # c",   "back\\slash%20", "[x]*?",   "\u00fc\u00fc\u4e2d\u6587",
                                             "$(touch x)" };
        char name[224] = "", xml[1024];

        for (size_t i = 0; i <= ARRAY_SIZE(names); i++) {
                _cleanup_free_ char *path = NULL;

                prepare();
                if (i < ARRAY_SIZE(names))
                        (void) snprintf(name, sizeof(name), "%s", names[i]);
                else
                        for (size_t k = 0; k < 200; k += 2)
                                memcpy(name + k, "\u00e9", 3);
                (void) snprintf(xml, sizeof(xml),
                                "<domain><name><![CDATA[%s]]></name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>"
                                "<devices/></domain>",
                                name);
                write_text("x.xml", xml);
                assert_int_eq(hookctl("generate", HOST, "--domain-xml=x.xml", "--", name), 0);
                assert_true(asprintf(&path, "etc/hookd/profiles/%s.ini", name) > 0);
                assert_ok(access(path, F_OK));
                assert_int_eq(hookctl("check", HOST), 0);
                assert_str_eq(said, "no problem found\n");
                assert_int_eq(hookctl("show", HOST, "--domain-xml=x.xml", "--", name), 0);
                assert_contains(said, "because its name is");
        }
        write_text("x.xml", "<domain><name>.hidden</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid></domain>");
        assert_int_eq(hookctl("generate", HOST, "--domain-xml=x.xml"), 1);
        assert_contains(said, "can be named as the guest '.hidden' is");
        assert_int_eq(hookctl("edit", "../../passwd"), 1);
        assert_contains(said, "can be named as the guest");
}

/* An editor that writes edit-1 at its first run, edit-2 at its second … and says what it was given. */
static void make_editor(const char *first, const char *second)
{
        write_text("editor", "#!/bin/sh\n"
                             "[ \"$1\" = --wait ] || exit 9\n"
                             "echo \"run $(wc -l <\"$2\") lines\"\n"
                             "echo x >>runs\n"
                             "new=edit-$(wc -l <runs | tr -d ' ')\n"
                             "[ ! -e \"$new\" ] || cat \"$new\" >\"$2\"\n");
        assert_ok(chmod("editor", 0755));
        (void) unlink("runs");
        (void) unlink("edit-2");
        write_text("edit-1", first);
        if (second)
                write_text("edit-2", second);
}

static int edit(const char *guest, const char *input)
{
        char *const environment[] = { (char *) "PATH=/usr/bin:/bin", (char *) "EDITOR=./editor --wait", NULL };

        return run((const char *const[]){ "edit", HOST, XML, guest, NULL }, environment, input);
}

static const char *content(const char *path)
{
        static char *text;

        free(TAKE_PTR(text));
        return read_file_at(AT_FDCWD, path, 1 << 16, &text, NULL) < 0 ? "(nothing)" : text;
}

static unsigned files(void)
{
        DIR *dir = opendir("etc/hookd/profiles");
        unsigned n = 0;

        while (readdir(dir))
                n++;
        (void) closedir(dir);
        return n - 2;
}

#define WIN10 "etc/hookd/profiles/win10.ini"

TEST(edit)
{
        struct stat st;

        prepare();
        make_editor("[Holders]\nPolicy=kill\n", NULL);
        assert_int_eq(edit("win10", NULL), 0); /* a new one begins as generate has it */
        assert_null(strstr(said, "run 0 lines"));
        assert_contains(said, "saved ./etc/hookd/profiles/win10.ini\n");
        assert_str_eq(content(WIN10), "[Holders]\nPolicy=kill\n");
        assert_ok(stat(WIN10, &st));
        assert_int_eq(st.st_mode & 07777, 0644);
        assert_int_eq(files(), 1);

        /* a mistake: the old one stays until the new one is good */
        make_editor("[Holders]\nPolicy=bill\n", "[Holders]\nPolicy=wait\n");
        assert_int_eq(edit("win10", "what\ne\n"), 0);
        assert_contains(said, "run 2 lines");
        assert_contains(said, "win10.ini:2: error: \"bill\" is not a value for");
        assert_str_eq(content(WIN10), "[Holders]\nPolicy=wait\n");
        assert_int_eq(files(), 1);

        make_editor("[Holders]\nPolicy=bill\n", NULL);
        assert_int_eq(edit("win10", "d\n"), 1);
        assert_contains(said, "win10.ini is left as it was");
        assert_str_eq(content(WIN10), "[Holders]\nPolicy=wait\n");
        assert_int_eq(edit("win10", NULL), 0); /* runs: 2, and there is no edit-2 */
        assert_contains(said, "nothing was written");
        make_editor("[Holders]\nPolicy=bill\n", NULL);
        assert_int_eq(edit("win10", NULL), 1); /* nobody answers */
        assert_str_eq(content(WIN10), "[Holders]\nPolicy=wait\n");
        assert_int_eq(files(), 1);

        /* a warning, and what the host has not got today, is shown and saved */
        make_editor("[Devices]\nFunctions=09:00.0\n", NULL);
        assert_int_eq(edit("win10", NULL), 0);
        assert_contains(said, "there is no PCI device 0000:09:00.0");
        assert_str_eq(content(WIN10), "[Devices]\nFunctions=09:00.0\n");
}

TEST(edit_when_somebody_else_does_or_the_editor_fails)
{
        prepare();
        profile("win10.ini", "");
        make_editor("[Holders]\nPolicy=kill\n", NULL);
        write_text("editor", "#!/bin/sh\necho '[Power]' >" WIN10 "\ncat edit-1 >\"$2\"\n");
        assert_int_eq(edit("win10", "d\n"), 1);
        assert_contains(said, "was changed by somebody else");
        assert_str_eq(content(WIN10), "[Power]\n");
        write_text("editor", "#!/bin/sh\necho '# other' >" WIN10 "\ncat edit-1 >\"$2\"\n");
        assert_int_eq(edit("win10", "s\n"), 0);
        assert_str_eq(content(WIN10), "[Holders]\nPolicy=kill\n");

        write_text("editor", "#!/bin/sh\necho x >\"$2\"; exit 3\n");
        assert_int_eq(edit("win10", NULL), 1);
        assert_contains(said, "the editor failed (exit status 3)");
        write_text("editor", "#!/bin/sh\nrm \"$2\"; ln -s /etc/hostname \"$2\"\n");
        assert_int_eq(edit("win10", NULL), 1);
        assert_contains(said, "what the editor left cannot be read");
        (void) unlink("editor");
        assert_int_eq(edit("win10", NULL), 1);
        assert_contains(said, "cannot run the editor ./editor --wait");
        assert_str_eq(content(WIN10), "[Holders]\nPolicy=kill\n");
        assert_int_eq(files(), 1);
}

TEST_MAIN
