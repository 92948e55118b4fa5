/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-host.h"

#include <stdlib.h>

/* What happens to a tree from outside, for the demo and for a developer's look:
 *   fake-host show TREE…                the state, an item a line
 *   fake-host guest-start TREE PID      QEMU opens the functions of the tree's `guest` line
 *   fake-host guest-stop TREE PID
 *   fake-host wait TREE SECONDS         lets time pass */

static int open_tree(const char *path, Host **ret)
{
        Fault f = { 0 };
        int r = fake_host_new(path, ret, &f);

        if (r < 0)
                fprintf(stderr, "fake-host: %s\n", f.text);
        return r;
}

static int show(const char *path, bool title)
{
        _cleanup_(host_freep) Host *h = NULL;
        _cleanup_free_ char *text = NULL;

        if (open_tree(path, &h) < 0 || !(text = fake_host_summary(h)))
                return 1;
        if (title)
                printf("== %s\n", path);
        fputs(text, stdout);
        return 0;
}

static int act(const char *verb, const char *path, int number)
{
        _cleanup_(host_freep) Host *h = NULL;
        _cleanup_strv_ char **functions = NULL;
        int r = 0;

        if (open_tree(path, &h) < 0)
                return 1;
        if (streq(verb, "guest-start"))
                r = fake_host_guest(h, &functions) < 0 ? -ENOMEM : fake_guest_start(h, functions, number);
        else if (streq(verb, "guest-stop"))
                fake_guest_stop(h, number);
        else
                fake_advance(h, (uint64_t) number * USEC_PER_SEC);
        if (r >= 0)
                r = fake_host_save(h, path);
        if (r < 0)
                fprintf(stderr, "fake-host: %s: %s\n", verb, strerror(-r));
        return r < 0;
}

int main(int argc, char **argv)
{
        int r = 0;

        if (argc > 2 && streq(argv[1], "show")) {
                for (int i = 2; i < argc; i++)
                        r |= show(argv[i], argc > 3);
                return r;
        }
        if (argc == 4 && (streq(argv[1], "guest-start") || streq(argv[1], "guest-stop") || streq(argv[1], "wait")))
                return act(argv[1], argv[2], atoi(argv[3]));
        fprintf(stderr, "usage: fake-host show TREE... | guest-start TREE PID | guest-stop TREE PID | wait TREE SEC\n");
        return 2;
}
