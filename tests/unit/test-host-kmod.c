/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/host.h"

#include "test.h"

#include <sys/utsname.h>

/* Read only: no module of this machine is touched. */

static Host *host(void)
{
        Host *h = NULL;
        Fault f = {};

        assert_ok(host_new("/", &h, &f));
        h->deadline = host_now(h) + 10 * USEC_PER_SEC;
        return h;
}

TEST(absent)
{
        Host *h = host();
        ModuleInfo info = { .refcnt = 7 };

        assert_int_eq(host_module(h, MODULE_STATE, "no_such_module_at_all", &info), -ENOENT);
        assert_int_eq(host_module(h, MODULE_UNLOAD, "no_such_module_at_all", NULL), -ENOENT);
        assert_int_eq(host_module(h, MODULE_LOAD, "no_such_module_at_all", NULL), -ENOENT);
        assert_false(h->stuck);
        (void) host_free(h);
}

TEST(loaded)
{
        _cleanup_free_ char *text = NULL;
        Host *h = host();
        ModuleInfo info;
        char name[64];
        int refcnt, r;

        r = host_read(h, "/proc/modules", &text);
        if (r >= 0 && sscanf(text, "%63s %*s %i", name, &refcnt) == 2) {
                assert_ok(host_module(h, MODULE_STATE, name, &info));
                assert_str_eq(info.state, "live");
                assert_int_eq(info.refcnt, refcnt);
                assert_false(info.builtin);
                (void) host_free(h);
                return;
        }
        (void) host_free(h);
        test_skip("this machine has no loadable modules");
}

TEST(built_in)
{
        _cleanup_free_ char *text = NULL;
        Host *h = host();
        char path[320], name[64] = "", *start, *end;
        struct utsname u;
        ModuleInfo info;

        assert_ok(uname(&u));
        (void) snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin", u.release);
        if (host_read(h, path, &text) >= 0 && (end = strstr(text, ".ko"))) { /* kernel/…/NAME.ko */
                *end = '\0';
                start = strrchr(text, '/');
                (void) snprintf(name, sizeof(name), "%s", start ? start + 1 : text);
                assert_ok(host_module(h, MODULE_STATE, name, &info));
                assert_true(info.builtin);
                assert_str_eq(info.state, "builtin");
                assert_int_eq(host_module(h, MODULE_UNLOAD, name, NULL), -EOPNOTSUPP);
        }
        (void) host_free(h);
        if (name[0] == '\0')
                test_skip("this machine has no list of built-in modules");
}

TEST_MAIN
