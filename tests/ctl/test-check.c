/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profiles against libvirt's guests, without libvirt. */
#include "unit/folder.h"

#include "ctl/check.h"
#include "ctl/owners.h"
#include "model/hostview-text.h"
#include "util/fd.h"

#define DOMAIN(name, devices)                                                                             \
        "<domain><name>" name "</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid><devices>" devices \
        "</devices></domain>"
#define HOSTDEV(bus)                                                                                    \
        "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='" bus \
        "' slot='0x00' function='0x0'/></source></hostdev>"

static Folder d;
static ProfileFolder folder;
static Domains domains;
static Remarks remarks;
static HostView *view;

static void tidy(void)
{
        remarks_clear(&remarks);
        domains_clear(&domains);
        profile_folder_clear(&folder);
        view = hostview_free(view);
        if (d.fd > 0)
                folder_remove(&d);
        d = (Folder){ 0 };
}

static void prepare(char *const *xml)
{
        _cleanup_free_ char *text = NULL;
        size_t size;

        tidy();
        d = folder_make();
        folder = (ProfileFolder){ .path = strdup(d.path), .conf = strdup("/nonexistent/hookd.conf") };
        assert_ok(domains_parse(xml, &domains));
        assert_ok(read_file_at(AT_FDCWD, TESTS_DIR "/captures/nvidia-desktop.tree", HOSTVIEW_TEXT_MAX, &text, &size));
        assert_ok(hostview_decode(text, size, "host", &view, NULL));
}

/* One remark that says this about this file; a second is somewhere else. */
static const Remark *found(const char *file, const char *text)
{
        for (size_t i = 0; i < remarks.n; i++)
                if (endswith(remarks.list[i].path, file) && strstr(remarks.list[i].text, text))
                        return &remarks.list[i];
        test_fail("%s: nothing says '%s'", file, text);
}

static void check(void)
{
        const Check c = { .folder = &folder, .view = view, .domains = &domains };
        Fault f = { 0 };

        if (check_all(&c, &remarks, &f) < 0)
                test_fail("%s", f.text);
}

TEST(domains_that_cannot_be_read_are_passed_over)
{
        char *xml[] = { (char *) DOMAIN("b", ""), (char *) "<domain>", (char *) "",
                        (char *) DOMAIN("a", HOSTDEV("0x01")), NULL };
        PciAddress a = { .bus = 1 };

        prepare(xml);
        assert_int_eq(domains.n, 2);
        assert_str_eq(domains.list[0]->name, "a");
        assert_true(guest_has_function(domains.list[0], &a));
        assert_false(guest_has_function(domains.list[1], &a));
        tidy();
        assert_ok(domains_parse(NULL, &domains));
        assert_int_eq(domains.n, 0);
        tidy();
}

TEST(who_uses_what)
{
        char *xml[] = { (char *) DOMAIN("win10", HOSTDEV("0x01")), (char *) DOMAIN("gpu-1", HOSTDEV("0x01")), NULL };

        prepare(xml);
        folder_write(&d, "win10.ini", "", 0644);
        folder_write(&d, "gpu-any.ini", "[Match]\nDomain=gpu-*\n", 0644);
        check();
        assert_int_eq(remarks.n, 0);
        profile_index_free(TAKE_PTR(folder.index));
        folder_write(&d, "win1O.ini", "", 0644);
        folder_write(&d, "any.ini", "[Match]\nDevice=10de:2484\n", 0644);
        check();
        assert_false(found("/win1O.ini", "none of the guests that libvirt knows")->error);
        assert_false(found("/any.ini", "it is never used")->error);
        assert_int_eq(remarks.n, 2);
        tidy();
}

TEST(ties)
{
        char *xml[] = { (char *) DOMAIN("gpu-1", HOSTDEV("0x01")), NULL };

        prepare(xml);
        folder_write(&d, "a.ini", "[Match]\nDomain=gpu-* other\n", 0644);
        folder_write(&d, "b.ini", "[Match]\nDomain=*pu-1\n", 0644); /* as long a glob */
        folder_write(&d, "c.ini", "[Match]\nDomain=other\n", 0644);
        folder_write(&d, "d.ini", "[Match]\nDomain=x[ab]?y*\n", 0644); /* of nobody's */
        folder_write(&d, "e.ini", "[Match]\nDomain=xa*x*y**\n", 0644);
        check();
        assert_true(found("/a.ini", "fit gpu-1 equally well")->error);
        assert_true(found("/a.ini", "fit other equally well")->error);
        assert_false(found("/d.ini", "fit xaxy equally well")->error);
        tidy();
}

TEST(owners)
{
        char *xml[] = { (char *) DOMAIN("win10", HOSTDEV("0x01")), (char *) DOMAIN("gpu-1", HOSTDEV("0x01")),
                        (char *) DOMAIN("plain", ""), NULL };
        const PciAddress sound = { .bus = 1, .function = 1 }, other = { .bus = 2 };
        _cleanup_strv_ char **guests = NULL, **none = NULL;
        _cleanup_owners_ Owners o = { 0 };

        assert_ok(domains_parse(xml, &o.domains));
        assert_ok(owners_guests(&o, &sound, &guests)); /* it goes along */
        assert_int_eq(strv_length(guests), 2);
        assert_str_eq(guests[0], "gpu-1");
        assert_ok(owners_guests(&o, &other, &none));
        assert_null(none);
        assert_null(owners_holder(&o, &sound));
        assert_ok(records_add(&o.records, "daemon\tcard=0000:01:00.1"));
        assert_ok(records_add(&o.records, "guest\tdomain=old\tstate=released\tcard=0000:01:00.0 0000:01:00.1"));
        assert_ok(records_add(&o.records, "guest\tdomain=win10\tstate=held\tcard=0000:01:00.0 0000:01:00.1"));
        assert_not_null(owners_holder(&o, &sound));
        assert_str_eq(record_value(owners_holder(&o, &sound), "domain"), "win10");
        assert_null(owners_holder(&o, &other));
}

/* What the guests would meet. */
TEST(guests)
{
        char *xml[] = { (char *) DOMAIN("win10", HOSTDEV("0x07")), (char *) DOMAIN("plain", ""),
                        (char *) DOMAIN("good", HOSTDEV("0x01")), (char *) DOMAIN("more", HOSTDEV("0x01")), NULL };
        const Remark *x;

        prepare(xml);
        folder_write(&d, "win10.ini", "", 0644);
        folder_write(&d, "plain.ini", "", 0644);
        folder_write(&d, "more.ini", "[Devices]\nFunctions=01:00.0 00:1f.2\n", 0644);
        folder_write(&d, "good.ini",
                     "[Transaction]\nStartTimeoutSec=20\n[Sessions]\nTimeoutSec=1\n[Devices]\n"
                     "Functions=01:00.0 01:00.1\n",
                     0644);
        check();
        x = found("/win10.ini", "win10 could not be started: there is no PCI device 0000:07:00.0");
        assert_true(x->error);
        assert_int_eq(x->line, 0);
        assert_false(found("/plain.ini", "plain has no <hostdev>")->error);
        x = found("/good.ini", "lightdm.service has longer to stop");
        assert_int_eq(x->line, 2);
        x = found("/more.ini", "0000:00:1f.2 is no <hostdev> of more");
        assert_int_eq(x->line, 2);
        x = found("/more.ini", "more could not be started: 0000:00:1f.2 is on the driver ahci");
        assert_true(x->error);
        assert_int_eq(x->line, 2);
        assert_int_eq(remarks.n, 6);
        tidy();
}

/* Two cards of one kind, and only one of them has moved. */
TEST(moved)
{
        prepare(NULL);
        folder_write(&d, "a.ini", "# 0000:01:00.0 10de:2484\n# 0000:02:00.0 10de:2484 second\n", 0644);
        folder_write(&d, "b.ini", "# 0000:02:00.0 10de:2484\n", 0644);
        folder_write(&d, "c.ini", "# 0000:02:00.0 10de:24841\n# 0000:02:00 10de:2484\n#0000:02:00.0 10de:2484x\n",
                     0644);
        check();
        assert_int_eq(found("/a.ini", "is not in this host any more")->line, 2);
        assert_int_eq(found("/b.ini", "is at 0000:01:00.0 now")->line, 1);
        assert_int_eq(remarks.n, 2 + 3); /* and that libvirt has no guest for them */
        tidy();
}

TEST_MAIN
