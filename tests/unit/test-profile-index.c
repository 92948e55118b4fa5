/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/folder.h"

#include "model/profile.h"

#include <malloc.h>

#define CARD  "0000:01:00.0"
#define ID    0x10de2484
#define OTHER "0000:02:00.0"

static ProfileIndex *load(const Folder *d, bool check)
{
        ProfileIndex *x = NULL;
        Fault f = { 0 };

        if (profile_index_load(d->path, check, &x, &f) < 0)
                test_fail("%s", f.text);
        return x;
}

/* A guest with a card of ID at CARD, which is its second device. */
static int choose(const ProfileIndex *x, const char *domain, const char **ret, Fault *f)
{
        GuestDevice devices[2] = { { .type = GUEST_DEVICE_MDEV }, { .type = GUEST_DEVICE_PCI } };
        _cleanup_free_ char *name = strdup(domain);
        Guest g = { .name = name, .devices = devices, .n_devices = 2 };
        uint32_t ids[2] = { 0, ID };

        assert_ok(pci_parse(CARD, &devices[1].address));
        *ret = NULL;
        return profile_index_choose(x, &g, ids, ret, f);
}

static void assert_chosen(const ProfileIndex *x, const char *domain, const char *wanted)
{
        const char *name;
        Fault f = { 0 };

        assert_int_eq(choose(x, domain, &name, &f), wanted ? 1 : 0);
        assert_str_eq(name, wanted);
        assert_int_eq(f.code, 0);
        if (wanted)
                assert_true(profile_index_may_own(x, domain));
}

static void assert_refused(const ProfileIndex *x, const char *domain, int code, const char *why)
{
        const char *name;
        Fault f = { 0 };

        assert_int_eq(choose(x, domain, &name, &f), code);
        assert_null(name);
        assert_contains(f.text, why);
        assert_true(profile_index_may_own(x, domain));
}

TEST(no_folder_and_an_empty_one)
{
        _cleanup_(profile_index_freep) ProfileIndex *x = NULL, *y = NULL;
        Folder d = folder_make();
        Fault f = { 0 };

        x = load(&d, false);
        folder_remove(&d);
        y = load(&d, true);
        assert_int_eq(profile_index_size(x), 0);
        assert_int_eq(profile_index_size(y), 0);
        assert_false(profile_index_may_own(x, "vm1"));
        assert_false(profile_index_may_own(y, ""));
        assert_chosen(x, "vm1", NULL);
        assert_int_eq(profile_index_load("/dev/null", false, &x, &f), -ENOTDIR);
        assert_contains(f.text, "cannot open /dev/null: Not a directory");
}

TEST(by_file_name)
{
        static const char *const names[] = { "vm1", "win 10", "..", "-rf", "a\"b'c", "$(x)", "*", "a.ini", "[x]" };
        _cleanup_(profile_index_freep) ProfileIndex *x = NULL;
        char umlauts[201] = "", *p = umlauts, file[256];
        Folder d = folder_make();

        for (int i = 0; i < 100; i++)
                p = stpcpy(p, "\xc3\xa4");
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                (void) snprintf(file, sizeof(file), "%s.ini", names[i]);
                folder_write(&d, file, "", 0644);
        }
        (void) snprintf(file, sizeof(file), "%s.ini", umlauts);
        folder_write(&d, file, "[Power]\nKeepAwake=no\n", 0644);
        folder_write(&d, "vm2.conf", "", 0644);
        folder_write(&d, "vm2.ini~", "", 0644);
        folder_write(&d, ".vm2.ini", "", 0644);
        x = load(&d, false);
        folder_remove(&d);

        assert_int_eq(profile_index_size(x), ARRAY_SIZE(names)); /* "...ini" is a hidden file */
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                (void) snprintf(file, sizeof(file), "%s.ini", names[i]);
                assert_chosen(x, names[i], streq(names[i], "..") ? NULL : file);
        }
        (void) snprintf(file, sizeof(file), "%s.ini", umlauts);
        assert_chosen(x, umlauts, file);
        assert_chosen(x, "vm2", NULL);
        assert_chosen(x, "vm", NULL);
        assert_chosen(x, "vm11", NULL);
        assert_chosen(x, "vm1.ini", NULL);
        assert_chosen(x, "../profiles/vm1", NULL);
        assert_chosen(x, "", NULL);
        assert_false(profile_index_may_own(x, "vm2"));
        assert_false(profile_index_may_own(x, "Vm1"));
}

/* One file after the other is added, each one a better fit than those before. */
TEST(the_order_of_precedence)
{
        static const struct {
                const char *file, *text;
        } ladder[] = {
                { "a.ini", "[Match]\nDevice=10de:2484\n" },
                { "b.ini", "[Match]\nDevice=8086:1234 " CARD "\n" },
                { "c.ini", "[Match]\nDomain=w*\n" },
                { "d.ini", "[Match]\nDomain=w*\nDevice=10de:2484\n" },
                { "e.ini", "[Match]\nDomain=x w*\nDevice=01:00.0\n" },
                { "f.ini", "[Match]\nDomain=x* wi*\n" },
                { "g.ini", "[Match]\nDomain=w* win[0-9]\n" },
                { "h.ini", "[Match]\nDomain=win1\n" },
                { "i.ini", "[Match]\nDomain=w* win1\nDevice=10de:2484\n" },
                { "j.ini", "[Match]\nDomain=win1\nDevice=" CARD "\n" },
                { "win1.ini", "" },
        };

        for (int backwards = 0; backwards < 2; backwards++) {
                Folder d = folder_make();

                for (size_t i = 0; i < ARRAY_SIZE(ladder); i++) {
                        _cleanup_(profile_index_freep) ProfileIndex *x = NULL;
                        char file[16];

                        /* the order of the names must not matter */
                        (void) snprintf(file, sizeof(file), "%s", ladder[i].file);
                        if (backwards && file[1] == '.')
                                file[0] = (char) ('z' - file[0] + 'a');
                        folder_write(&d, file, ladder[i].text, 0644);
                        x = load(&d, false);
                        assert_chosen(x, "win1", file);
                }
                folder_remove(&d);
        }
}

TEST(domain_and_device_must_both_hold)
{
        _cleanup_(profile_index_freep) ProfileIndex *x = NULL;
        Folder d = folder_make();

        folder_write(&d, "a.ini", "[Match]\nDomain=win*\nDevice=" OTHER "\n", 0644);
        folder_write(&d, "b.ini", "[Match]\nDomain=win*\nDevice=10de:2485\n", 0644);
        folder_write(&d, "c.ini", "[Match]\nDomain=linux\nDevice=" CARD "\n", 0644);
        x = load(&d, false);
        assert_chosen(x, "win1", NULL);
        assert_chosen(x, "linux", "c.ini");
        assert_true(profile_index_may_own(x, "win1"));
        assert_false(profile_index_may_own(x, "vm1"));
        folder_remove(&d);
}

TEST(domain_replaces_the_files_name)
{
        _cleanup_(profile_index_freep) ProfileIndex *x = NULL;
        Folder d = folder_make();

        folder_write(&d, "vm1.ini", "[Match]\nDomain=vm2 vm3\n", 0644);
        folder_write(&d, "vm3.ini", "[Match]\nDomain=vm*\n", 0644);
        folder_write(&d, "empty.ini", "[Match]\nDomain=\n", 0644);
        x = load(&d, false);
        assert_chosen(x, "vm1", "vm3.ini");
        assert_chosen(x, "vm2", "vm1.ini");
        assert_chosen(x, "vm3", "vm3.ini");
        assert_chosen(x, "empty", "empty.ini");
        assert_false(profile_index_may_own(x, "other"));
        folder_remove(&d);
}

TEST(device_only)
{
        _cleanup_(profile_index_freep) ProfileIndex *x = NULL;
        Folder d = folder_make();

        folder_write(&d, "vm9.ini", "[Match]\nDevice=10de:2484\n", 0644);
        folder_write(&d, "other.ini", "[Match]\nDevice=0000:00:00.0 0000:0000\n", 0644);
        x = load(&d, false);
        assert_true(profile_index_may_own(x, "anybody"));
        assert_chosen(x, "anybody", "vm9.ini");
        assert_chosen(x, "vm9", "vm9.ini");
        assert_chosen(x, "other", "vm9.ini"); /* neither the mediated device nor an unknown id is a device */
        folder_remove(&d);
}

TEST(ids_may_be_unknown)
{
        GuestDevice device = { .type = GUEST_DEVICE_PCI };
        char name[] = "vm1";
        Guest g = { .name = name, .devices = &device, .n_devices = 1 };
        _cleanup_(profile_index_freep) ProfileIndex *x = NULL;
        Folder d = folder_make();
        const char *file = NULL;
        uint32_t unknown = 0;
        Fault f = { 0 };

        folder_write(&d, "a.ini", "[Match]\nDevice=10de:2484 0000:0000\n", 0644);
        x = load(&d, false);
        assert_int_eq(profile_index_choose(x, &g, NULL, &file, &f), 0);
        assert_int_eq(profile_index_choose(x, &g, &unknown, &file, &f), 0);
        folder_remove(&d);
}

TEST(ties)
{
        static const char *const same[] = {
                "[Match]\nDomain=win1\n",
                "[Match]\nDomain=win*\n",
                "[Match]\nDevice=10de:2484\n",
                "[Match]\nDevice=" CARD "\n",
        };

        for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
                _cleanup_(profile_index_freep) ProfileIndex *x = NULL, *y = NULL, *z = NULL;
                Folder d = folder_make();

                folder_write(&d, "b.ini", same[i], 0644);
                folder_write(&d, "a.ini", same[i], 0644);
                x = load(&d, false);
                assert_refused(
                        x, "win1", -EEXIST,
                        "the profiles a.ini and b.ini fit win1 equally well: give one of them the more exact Domain= "
                        "or Device=, or name it win1.ini");
                folder_write(&d, "win1.ini", "", 0644);
                y = load(&d, false);
                assert_chosen(y, "win1", "win1.ini");
                folder_remove(&d);
        }
}

TEST(equally_long_globs_tie)
{
        _cleanup_(profile_index_freep) ProfileIndex *x = NULL;
        Folder d = folder_make();

        folder_write(&d, "a.ini", "[Match]\nDomain=*n1\n", 0644);
        folder_write(&d, "b.ini", "[Match]\nDomain=wi*\n", 0644);
        x = load(&d, false);
        assert_refused(x, "win1", -EEXIST, "a.ini and b.ini");
        assert_chosen(x, "win2", "b.ini");
        folder_remove(&d);
}

TEST(broken_files)
{
        _cleanup_(profile_index_freep) ProfileIndex *x = NULL;
        const char *name, *problem;
        Folder d = folder_make();

        folder_write(&d, "vm1.ini", "[Powr]\n", 0644);
        folder_write(&d, "vm2.ini", "[Match]\nDomain=vm3 test*\n[Power]\nKeepAwake=maybe\n", 0644);
        folder_write(&d, "vm4.ini", "", 0644);
        folder_write(&d, "vm5.ini", "[Match]\nDomain=\"vm 5\"\n", 0644);
        folder_write(&d, "vm6.ini", "[Match]\nDomain=vm7\nDevice=" OTHER "\nx\n", 0644);
        assert_ok(symlinkat("vm4.ini", d.fd, "vm8.ini"));
        x = load(&d, false);

        assert_int_eq(profile_index_size(x), 6);
        assert_refused(x, "vm1", -EINVAL, "vm1.ini:1: unknown section [Powr]; did you mean [Power]?");
        assert_refused(x, "vm2", -EINVAL, "vm2.ini:4: \"maybe\" is not a value for KeepAwake=");
        assert_refused(x, "vm3", -EINVAL, "vm2.ini:4: ");
        assert_refused(x, "test-1", -EINVAL, "vm2.ini:4: ");
        assert_chosen(x, "vm4", "vm4.ini");
        assert_refused(x, "vm5", -EINVAL, "vm5.ini:2: ");
        assert_refused(x, "vm6", -EINVAL, "vm6.ini:4: ");
        assert_chosen(x, "vm7", NULL);
        assert_refused(x, "vm8", -EINVAL, "is a symbolic link");
        assert_chosen(x, "vm9", NULL);
        assert_false(profile_index_may_own(x, "vm9"));
        assert_false(profile_index_may_own(x, "vm 5"));

        problem = profile_index_problem(x, 0, &name);
        assert_str_eq(name, "vm1.ini");
        assert_contains(problem, "unknown section");
        assert_null(profile_index_problem(x, 2, &name));
        assert_str_eq(name, "vm4.ini");
        folder_remove(&d);
}

/* A broken file that asks for a device only still owns whoever has it: its guests must not start unprepared. */
TEST(broken_device_only)
{
        _cleanup_(profile_index_freep) ProfileIndex *x = NULL;
        Folder d = folder_make();

        folder_write(&d, "gpu.ini", "[Match]\nDevice=" CARD "\n[Power]\nKeepAwake=maybe\n", 0644);
        x = load(&d, false);
        assert_refused(x, "vm1", -EINVAL, "gpu.ini:4: ");
        assert_refused(x, "gpu", -EINVAL, "gpu.ini:4: ");
        folder_remove(&d);
}

TEST(owners)
{
        _cleanup_(profile_index_freep) ProfileIndex *x = NULL, *y = NULL;
        Folder d;
        Fault f = { 0 };

        if (geteuid() != 0)
                test_skip("only root can own a profile");
        d = folder_make();
        folder_write(&d, "vm1.ini", "", 0644);
        folder_write(&d, "vm2.ini", "[Match]\nDomain=vm3\n", 0664);
        x = load(&d, true);
        assert_chosen(x, "vm1", "vm1.ini");
        assert_refused(x, "vm2", -EINVAL, "vm2.ini can be written by others than root: chmod go-w ");
        assert_chosen(x, "vm3", NULL); /* what others wrote is not even read */
        assert_ok(fchmod(d.fd, 0777));
        assert_int_eq(profile_index_load(d.path, true, &y, &f), -EPERM);
        assert_contains(f.text, "the folder " P_tmpdir "/hookd-test-");
        assert_contains(f.text, " can be written by others than root: chmod go-w ");
        assert_null(y);
        folder_remove(&d);
}

static void assert_timeouts(const ProfileIndex *x, const char *domain, unsigned a, unsigned b, unsigned c)
{
        uint64_t start = 100 * USEC_PER_SEC, rollback = start, stop = start;

        profile_index_timeouts(x, domain, &start, &rollback, &stop);
        assert_int_eq(start / USEC_PER_SEC, a);
        assert_int_eq(rollback / USEC_PER_SEC, b);
        assert_int_eq(stop / USEC_PER_SEC, c);
}

TEST(the_longest_time_out)
{
        _cleanup_(profile_index_freep) ProfileIndex *x = NULL, *y = NULL;
        Folder d = folder_make();

        folder_write(&d, "vm1.ini", "[Transaction]\nStartTimeoutSec=90\nStopTimeoutSec=500\n", 0644);
        folder_write(&d, "vm2.ini", "[Match]\nDomain=w* vm3\n[Transaction]\nRollbackTimeoutSec=600\n", 0644);
        folder_write(&d, "vm4.ini", "[Match]\nDomain=win1\n[Transaction]\nStopTimeoutSec=700\nRollbackTimeoutSec=1\n",
                     0644);
        x = load(&d, false);
        assert_timeouts(x, "vm1", 100, 120, 500);
        assert_timeouts(x, "vm2", 100, 100, 100);
        assert_timeouts(x, "vm3", 180, 600, 180);
        assert_timeouts(x, "win1", 180, 600, 700);
        folder_write(&d, "gpu.ini", "[Match]\nDevice=10de:2484\n[Transaction]\nStartTimeoutSec=800\n", 0644);
        y = load(&d, false);
        assert_timeouts(y, "vm1", 800, 120, 500);
        assert_timeouts(y, "other", 800, 120, 180);
        folder_remove(&d);
}

TEST(a_thousand)
{
        _cleanup_(profile_index_freep) ProfileIndex *x = NULL;
        size_t before, after;
        Folder d = folder_make();
        char file[64], text[160];

        for (int i = 0; i < 1000; i++) {
                (void) snprintf(file, sizeof(file), "guest-%03i.ini", i);
                (void) snprintf(text, sizeof(text), "[Match]\nDomain=vm-%i other-%i-*\nDevice=10de:2484 " CARD "\n%s",
                                i, i, i % 100 == 0 ? "[Power]\nKeepAwake=maybe\n" : "");
                folder_write(&d, file, text, 0644);
        }
        before = mallinfo2().uordblks;
        x = load(&d, false);
        after = mallinfo2().uordblks;
        assert_int_eq(profile_index_size(x), 1000);
        if (after > before) /* a sanitizer's allocator does not say */
                assert_true(after - before < 1 << 20);
        for (int i = 0; i < 1000; i++) {
                (void) snprintf(file, sizeof(file), "guest-%03i.ini", i);
                (void) snprintf(text, sizeof(text), i % 2 ? "vm-%i" : "other-%i-x", i);
                if (i % 100 == 0)
                        assert_refused(x, text, -EINVAL, file);
                else
                        assert_chosen(x, text, file);
        }
        assert_false(profile_index_may_own(x, "vm-1000"));
        assert_false(profile_index_may_own(x, "guest-001"));
        assert_true(profile_index_may_own(x, "guest-100")); /* broken */
        folder_remove(&d);
}

TEST_MAIN
