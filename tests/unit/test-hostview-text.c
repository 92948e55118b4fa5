/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-bench.h"

#include "model/hostview-text.h"

#include <dirent.h>

/* What was written is read, to the last byte. */
static void round_trip(HostView *v, const char *what)
{
        _cleanup_free_ char *text = hostview_encode(v), *again = NULL;
        _cleanup_(hostview_freep) HostView *other = NULL;
        Fault f = { 0 };

        assert_not_null(text);
        if (hostview_decode(text, strlen(text), what, &other, &f) < 0)
                test_fail("%s\n%s", f.text, text);
        again = hostview_encode(other);
        assert_str_eq(again, text);
}

TEST(every_host)
{
        DIR *dir = opendir(TESTS_DIR "/hosts");
        struct dirent *d;
        unsigned n = 0;

        assert_not_null(dir);
        while ((d = readdir(dir))) {
                char name[256];
                Bench b;

                if (!endswith(d->d_name, ".tree"))
                        continue;
                (void) snprintf(name, sizeof(name), "%.*s", (int) (strlen(d->d_name) - strlen(".tree")), d->d_name);
                bench_open(&b, name);
                bench_scan(&b);
                assert_true(b.view->n_functions > 0);
                round_trip(b.view, name);
                assert_ok(hostview_anonymise(b.view));
                round_trip(b.view, name);
                bench_close(&b);
                n++;
        }
        (void) closedir(dir);
        assert_true(n > 15);
}

static void expect_bad(const char *text, const char *why)
{
        _cleanup_(hostview_freep) HostView *v = NULL;
        Fault f = { 0 };

        assert_int_eq(hostview_decode(text, strlen(text), "x.tree", &v, &f), -EINVAL);
        assert_null(v);
        assert_contains(f.text, why);
}

TEST(bad_text)
{
        expect_bad("", "it is empty");
        expect_bad("# only a comment\n", "it is empty");
        expect_bad("hookd-host 2\n", "x.tree:1: no captured host");
        expect_bad("hookd-host 1\nhost\tiommu=yes\nwhatever\tx=1\n", "x.tree:3:");
        expect_bad("hookd-host 1\nhost\tiommu=perhaps\n", "x.tree:2:");
        expect_bad("hookd-host 1\npci\taddress=zz\n", "x.tree:2:");
        expect_bad("hookd-host 1\npci\tvendor=12345\n", "x.tree:2:");
        expect_bad("hookd-host 1\nmodule\tname=a\tname=b\tstate=live\n", "x.tree:2:");
        expect_bad("hookd-host 1\nmodule\tname=a\n", "lacks a field");
}

TEST(comments_and_blank_lines)
{
        const char *text = "# a laptop\n\nhookd-host 1\nhost\tiommu=yes\tshutting_down=no\n# that was all\n";
        _cleanup_(hostview_freep) HostView *v = NULL;
        Fault f = { 0 };

        assert_ok(hostview_decode(text, strlen(text), "x", &v, &f));
        assert_true(v->have_iommu);
        assert_int_eq(v->n_functions, 0);
}

TEST(nobody_is_named)
{
        _cleanup_(hostview_freep) HostView *v = hostview_new();
        _cleanup_free_ char *text = NULL;

        v->sessions = calloc(2, sizeof(HostSession));
        v->n_sessions = 2;
        for (size_t i = 0; i < 2; i++)
                v->sessions[i] = (HostSession){ .id = strdup("3"),
                                                .user = strdup(i ? "gdm" : "erika"),
                                                .uid = i ? 120 : 4711,
                                                .seat = strdup("seat0"),
                                                .tty = strdup(""),
                                                .type = strdup("x11"),
                                                .class = strdup("user"),
                                                .service = strdup("gdm"),
                                                .scope = strdup("session-3.scope"),
                                                .state = strdup("active") };
        v->holders = calloc(1, sizeof(HostHolder));
        v->n_holders = 1;
        v->holders[0] =
                (HostHolder){ .pid = 9,
                              .uid = 4711,
                              .comm = strdup("gnome-shell"),
                              .cgroup = strdup("/user.slice/user-4711.slice/user@4711.service/app.slice/x.service"),
                              .unit = strdup("user@4711.service"),
                              .node = strdup("/dev/dri/card0") };
        assert_ok(strv_append(&v->busy_disks, "nvme0n1 mounted on /home/erika (nvme0n1p2)"));
        assert_ok(hostview_anonymise(v));
        text = hostview_encode(v);
        assert_true(!strstr(text, "erika") && !strstr(text, "4711"));
        assert_contains(text, "user=user1\tuid=1000\t");
        assert_contains(text, "user=gdm\tuid=120\t");
        assert_contains(text, "cgroup=/user.slice/user-1000.slice/user@1000.service/app.slice/x.service");
        assert_contains(text, "busy_disk=nvme0n1 mounted on /…");
}

TEST_MAIN
