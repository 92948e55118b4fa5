/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-host.h"
#include "txn/worker-main.h"
#include "util/fd.h"

#include <fcntl.h>
#include <poll.h>

/* hookd-worker on a host that is a file: --root=FILE names the tree, which is saved after every effect, so that the
 * next worker, or one that recovers, finds what this one left. For the demo and for tests of the daemon; never
 * installed.
 *
 * --root=FOLDER: the tree is DOMAIN.tree in it, so that guests have nothing in common, and files in it ask for more:
 *   gate    before its first effect the worker says "at-DOMAIN" (its pid) and waits until `gate` is gone
 *   pace    the host's time passes indeed
 *   leak    some memory is lost, which a sanitizer must tell */

#define GATE_MSEC 60000

typedef struct Place {
        const char *folder, *domain; /* folder NULL: there is only a file */
        char tree[512];
        bool passed;   /* the gate */
        uint64_t seen; /* the host's time */
} Place;

static Place place;

/* Where the sanitizers write: the daemon gives a worker no environment. The folder is the daemon's. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
        return "log_path=sanitizer";
}

static bool asked(const char *name)
{
        char path[600];

        (void) snprintf(path, sizeof(path), "%s/%s", place.folder, name);
        return place.folder && access(path, F_OK) == 0;
}

static void wait_at_gate(void)
{
        char path[600], pid[16];

        (void) snprintf(path, sizeof(path), "%s/at-%s", place.folder, place.domain);
        (void) snprintf(pid, sizeof(pid), "%d\n", (int) getpid());
        (void) write_file_atomic_at(AT_FDCWD, path, 0600, pid, strlen(pid));
        for (unsigned i = 0; i < GATE_MSEC / 20 && asked("gate"); i++)
                (void) poll(NULL, 0, 20);
}

static void effect(Host *h, void *unused)
{
        uint64_t now = host_now(h);

        if (!place.passed && asked("gate"))
                wait_at_gate();
        place.passed = true;
        if (asked("pace") && now > place.seen)
                (void) poll(NULL, 0, (int) ((now - place.seen) / USEC_PER_MSEC));
        place.seen = now;
        if (fake_host_save(h, place.tree) < 0)
                fprintf(stderr, "hookd-worker-fake: cannot save %s\n", place.tree);
}

static void *volatile lost;

static int open_tree(const char *path, Host **ret, Fault *f)
{
        int r, fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        (void) snprintf(place.tree, sizeof(place.tree), "%s", path);
        if (fd >= 0) {
                (void) close(fd);
                place.folder = path;
                (void) snprintf(place.tree, sizeof(place.tree), "%s/%s.tree", path, place.domain);
        }
        if (asked("leak"))
                lost = malloc(1000);
        lost = NULL;
        r = fake_host_new(place.tree, ret, f);
        if (r < 0)
                return r;
        place.seen = host_now(*ret);
        fake_on_effect(*ret, effect, NULL);
        return 0;
}

int main(int argc, char **argv)
{
        place.domain = "";
        for (int i = 1; i < argc; i++)
                if (startswith(argv[i], "--domain="))
                        place.domain = argv[i] + strlen("--domain=");
        return worker_main(argc, argv, open_tree);
}
