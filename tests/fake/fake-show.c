/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-host.h"

/* fake-show TREE: the state of a tree, an item a line. The demo and a developer look through it. */
int main(int argc, char **argv)
{
        int r = 0;

        for (int i = 1; i < argc; i++) {
                _cleanup_(host_freep) Host *h = NULL;
                _cleanup_free_ char *text = NULL;
                Fault f = { 0 };

                if (fake_host_new(argv[i], &h, &f) < 0) {
                        fprintf(stderr, "%s\n", f.text);
                        r = 1;
                        continue;
                }
                text = fake_host_summary(h);
                if (argc > 2)
                        printf("== %s\n", argv[i]);
                fputs(text ? text : "out of memory\n", stdout);
        }
        return r;
}
