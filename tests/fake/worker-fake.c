/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-host.h"
#include "txn/worker-main.h"

/* hookd-worker on a host that is a file: --root=FILE names the tree, which is saved after every effect, so that the
 * next worker, or one that recovers, finds what this one left. For the demo and for tests of the daemon; never
 * installed. */

static void save(Host *h, void *path)
{
        if (fake_host_save(h, path) < 0)
                fprintf(stderr, "hookd-worker-fake: cannot save %s\n", (char *) path);
}

static int open_tree(const char *path, Host **ret, Fault *f)
{
        int r = fake_host_new(path, ret, f);

        if (r >= 0)
                fake_on_effect(*ret, save, (void *) path);
        return r;
}

int main(int argc, char **argv)
{
        return worker_main(argc, argv, open_tree);
}
