/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a release would do, as hookctl plan --event=release shows it: the worker's own code, on a fake host. */
#include "test.h"

#include "fake/fake-host.h"
#include "txn/txn.h"
#include "txn/worker-main.h"
#include "wire/wire.h"

#include <sys/socket.h>

#define UUID  "73116f6f-f817-425f-bd60-4f93db371c39"
#define OTHER "73116f6f-f817-425f-bd60-4f93db371c40"
#define CARD  "0000:01:00.0"

/* The guest win10 has the card; its QEMU is another item. */
static const char tree[] = "module vfio\n"
                           "module vfio_iommu_type1 deps=vfio\n"
                           "module vfio_pci deps=vfio driver=vfio-pci vfio=yes autoload=no\n"
                           "module nouveau driver=nouveau match=10de:*:03* gives=drm,fb fbname=nouveaudrmfb\n"
                           "load vfio vfio_iommu_type1 vfio_pci\n"
                           "pci " CARD " vendor=10de device=2484 class=030000 driver=vfio-pci group=5\n"
                           "unit lightdm.service active=inactive\n"
                           "unit lab.service active=active\n"
                           "unit gone.service load=masked active=inactive\n";

static char root[64], said[8192];
static const char *extra;

static int open_fake(const char *path, Host **ret, Fault *f)
{
        _cleanup_free_ char *text = NULL;

        assert_ok(asprintf(&text, "%s%s", tree, extra));
        return fake_host_parse(text, strlen(text), "test", ret, f);
}

static void add(Plan *p, const char *step, const char *target, const char *before, const char *after, unsigned flags)
{
        Action *a = plan_append(p, step, target, after, flags, 10 * USEC_PER_SEC);

        assert_not_null(a);
        if (before)
                assert_ok(action_set(&a->before, "%s", before));
}

/* A journal with all of it done, and HELD. */
static Journal *held(const char *domain, const char *uuid)
{
        Plan *p = plan_new(domain, uuid, "x.ini");
        Journal *j = NULL;
        Fault f = { 0 };

        assert_ok(strv_append(&p->functions, CARD));
        add(p, "display-manager", "lightdm.service", "active", "inactive", ACTION_SHARED | ACTION_CARD);
        add(p, "services", "lab.service", "active", "inactive", ACTION_SHARED);
        add(p, "services", "gone.service", "active", "inactive", ACTION_SHARED);
        add(p, "holders", CARD, NULL, "free", ACTION_GATE);
        add(p, "driver", CARD, "nouveau", "vfio-pci", ACTION_EXCLUSIVE | ACTION_CARD);
        add(p, "driver", "0000:01:00.1", "snd_hda_intel", "vfio-pci", ACTION_EXCLUSIVE | ACTION_CARD);
        add(p, "reset", CARD, NULL, "bus", ACTION_BACK | ACTION_AFTER_HELD | ACTION_CARD);
        if (!*root) {
                (void) snprintf(root, sizeof(root), "/tmp/hookd-back-XXXXXX");
                assert_not_null(mkdtemp(root));
        }
        assert_ok(journal_create(root, uuid, &j, &f));
        assert_ok(journal_write_plan(j, p, &f));
        assert_ok(journal_log(j, LOG_WORD_BEGIN, -1, NULL));
        for (int i = 0; i < 6; i++) {
                assert_ok(journal_log(j, LOG_WORD_INTENT, i, NULL));
                assert_ok(journal_log(j, LOG_WORD_DONE, i, NULL));
        }
        assert_ok(journal_log(j, LOG_WORD_HELD, -1, NULL));
        return j;
}

/* The lines go to `said`, and the result is returned; the sentence of a refusal is the last line. */
static uint32_t plan(const char *uuid)
{
        char client[32], where[80], which[64];
        char *argv[] = { strdup("hookd-worker"),    (char *) "plan",         client, where, which,
                         (char *) "--domain=win10", (char *) "--audit=none", NULL };
        uint32_t value = UINT32_MAX;
        WireMessage m;
        int fd[2];

        assert_ok(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd));
        (void) snprintf(client, sizeof(client), "--client-fd=%d", fd[1]);
        (void) snprintf(where, sizeof(where), "--journals=%s", root);
        (void) snprintf(which, sizeof(which), "--uuid=%s", uuid);
        optind = 0;
        assert_int_eq(worker_main(7, argv, open_fake), WORKER_REPLIED);
        free(argv[0]);
        *said = '\0';
        while (wire_receive(fd[0], &m, NULL) > 0) {
                (void) strcat(strcat(said, m.strings[0]), "\n");
                if (m.head.type == WIRE_RESULT)
                        value = m.head.value;
        }
        (void) close(fd[0]);
        return value;
}

static void drop(Journal *j)
{
        assert_ok(journal_remove(j));
        journal_close(j);
}

static void clean(void)
{
        char path[128];

        (void) snprintf(path, sizeof(path), "%s/claims.lock", root);
        assert_true(access(path, F_OK) < 0); /* looking takes no lock */
        assert_ok(rmdir(root));
        *root = '\0';
}

TEST(what_goes_back_and_what_not)
{
        Journal *j = held("win10", UUID);

        extra = "";
        assert_int_eq(plan(UUID), 0);
        assert_str_eq(said,
                      "win10: a release would do this, by its journal\n"
                      "  reset            0000:01:00.0               bus\n"
                      "  driver           0000:01:00.1               none -> snd_hda_intel, but it has fallen off the "
                      "bus: looked for once more, else only a reboot helps\n"
                      "  driver           0000:01:00.0               vfio-pci -> nouveau\n"
                      "  services         gone.service               inactive -> active, but it is masked: `systemctl "
                      "unmask gone.service`\n"
                      "  services         lab.service                is active already\n"
                      "  display-manager  lightdm.service            inactive -> active\n"
                      "warning: a worker is at it just now, and this is what it has left so far; `hookctl log -f` "
                      "shows what it does\n"
                      "\n"); /* this process has the lock */
        drop(j);
        clean();
}

TEST(what_another_guest_needs)
{
        Journal *j = journal_close(held("win10", UUID)), *other = held("work", OTHER);
        Fault f = { 0 };

        extra = "";
        assert_int_eq(plan(UUID), 0);
        assert_contains(said, "  display-manager  lightdm.service            left as it is: the guest work needs it\n");
        assert_contains(said, "vfio-pci -> nouveau\n");
        assert_null(strstr(said, "a worker is at it"));
        drop(other);
        assert_ok(journal_open(root, UUID, 1, &j, &f));
        drop(j);
        clean();
}

TEST(what_it_waits_for)
{
        Journal *j = held("win10", UUID);
        Fault f = { 0 };

        assert_ok(journal_set_owner(j, 77, 77));
        journal_close(j);
        extra = "holder 77 comm=libvirtd start=77\n";
        assert_int_eq(plan(UUID), 0);
        assert_contains(said, "warning: libvirtd (process 77) may just be starting it");
        extra = "holder 78 comm=qemu-system-x86 start=78 node=/dev/vfio/5\n";
        assert_int_eq(plan(UUID), 0);
        assert_contains(said, "warning: its QEMU (process 78) has the card");
        assert_contains(said, "vfio-pci -> nouveau\n");
        extra = "unit shutdown.target active=inactive job=start\n";
        assert_int_eq(plan(UUID), 0);
        assert_str_eq(said, "win10: the host is shutting down: a release would put nothing back\n\n");
        assert_ok(journal_open(root, UUID, 1, &j, &f));
        drop(j);
        clean();
}

TEST(a_stuck_card_is_not_looked_at)
{
        Journal *j = held("win10", UUID);

        extra = "fault * *01:00.0* 0 hang\n";
        assert_ok(journal_log(j, LOG_WORD_STOPPED, -1, NULL));
        assert_ok(journal_log(j, LOG_WORD_REVERT, -1, "release/end"));
        assert_ok(journal_log(j, LOG_WORD_UNDO, 1, NULL));
        assert_ok(journal_log(j, LOG_WORD_UNDONE, 1, NULL));
        assert_ok(journal_log(j, LOG_WORD_UNDO, 4, NULL));
        assert_ok(journal_log(j, LOG_WORD_STUCK, 4, "step driver, 0000:01:00.0: it hangs"));
        assert_int_eq(plan(UUID), 0);
        assert_contains(said, "  driver           0000:01:00.0               waits: the kernel keeps the card\n");
        assert_contains(said, "  services         lab.service                was put back already\n");
        assert_contains(said, "goes back by itself when that call returns: step driver, 0000:01:00.0: it hangs\n");
        drop(j);
        clean();
}

TEST(nothing_was_done)
{
        Journal *j = NULL;
        Fault f = { 0 };

        extra = "";
        assert_int_eq((journal_close(held("win10", UUID)), plan(OTHER)), 0);
        assert_str_eq(said, "win10: nothing of this host was changed for it; a release would do nothing\n\n");
        assert_ok(journal_open(root, UUID, 1, &j, &f));
        assert_ok(journal_log(j, LOG_WORD_RELEASED, -1, NULL));
        drop(j);
        clean();
}

TEST_MAIN
