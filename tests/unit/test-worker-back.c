/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a release would do, and a start, as the worker tells hookctl plan: its own code, on a fake host. */
#include "unit/worker-ask.h"

#include "fake/fake-host.h"
#include "txn/txn.h"
#include "txn/worker.h"
#include "util/fd.h"

#include <fcntl.h>

#define UUID  "73116f6f-f817-425f-bd60-4f93db371c39"
#define OTHER "73116f6f-f817-425f-bd60-4f93db371c40"
#define CARD  "0000:01:00.0"

#define PLAN(event, profile, text) "plan\tdomain=win10\tevent=" event "\tprofile=" profile "\ttext=" text "\n"
#define ACTION(step, target, state, now, after, why)                                                        \
        "action\tstep=" step "\ttarget=" target "\tstate=" state "\tnow=" now "\tafter=" after "\twhy=" why \
        "\tone_way=no\n"
#define WARNING "warning\ttext="

/* The guest win10 has the card; its QEMU is another item. */
static const char tree[] =
        "module vfio\n"
        "module vfio_iommu_type1 deps=vfio\n"
        "module vfio_pci deps=vfio driver=vfio-pci vfio=yes autoload=no\n"
        "module nouveau driver=nouveau match=10de:*:03* gives=drm,fb fbname=nouveaudrmfb\n"
        "load vfio vfio_iommu_type1 vfio_pci\n"
        "pci " CARD " vendor=10de device=2484 class=030000 driver=vfio-pci group=5 reset_method=bus\n"
        "unit lightdm.service active=inactive\n"
        "unit lab.service active=active\n"
        "unit gone.service load=masked active=inactive\n";

static char root[64], said[16384];
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
        add(p, "scripts", domain, "release/end", "prepare/begin", ACTION_ONE_WAY);
        add(p, "reset", CARD, NULL, "bus", ACTION_BACK | ACTION_AFTER_HELD | ACTION_CARD);
        if (!*root) {
                (void) snprintf(root, sizeof(root), "/tmp/hookd-back-XXXXXX");
                assert_not_null(mkdtemp(root));
        }
        assert_ok(journal_create(root, uuid, &j, &f));
        assert_ok(journal_write_plan(j, p, &f));
        assert_ok(journal_log(j, LOG_WORD_BEGIN, -1, NULL));
        for (int i = 0; i < 7; i++) {
                assert_ok(journal_log(j, LOG_WORD_INTENT, i, NULL));
                assert_ok(journal_log(j, LOG_WORD_DONE, i, NULL));
        }
        assert_ok(journal_log(j, LOG_WORD_HELD, -1, NULL));
        return j;
}

/* The lines go to `said`, and the result is returned; the sentence of a refusal is the last line. option: which
 * journal, or where the XML is. */
static uint32_t ask(char *option)
{
        char where[80], profiles[80];
        char *argv[] = { (char *) "hookd-worker",
                         (char *) "plan",
                         (char *) CLIENT_FD,
                         where,
                         profiles,
                         option,
                         (char *) "--conf=/nonexistent",
                         (char *) "--no-owner-check",
                         (char *) "--domain=win10",
                         (char *) "--audit=none",
                         NULL };

        (void) snprintf(where, sizeof(where), "--journals=%s", root);
        (void) snprintf(profiles, sizeof(profiles), "--profiles=%s", root);
        return worker_ask(argv, open_fake, said);
}

static uint32_t plan(const char *uuid)
{
        char option[64];

        (void) snprintf(option, sizeof(option), "--uuid=%s", uuid);
        return ask(option);
}

/* The read end of a pipe that has the guest's XML. */
static int guest_xml(const char *uuid)
{
        char xml[512];
        int n, fd[2];

        n = snprintf(xml, sizeof(xml),
                     "<domain type='kvm'><name>win10</name><uuid>%s</uuid><devices><hostdev mode='subsystem' type='pci'"
                     " managed='yes'><source><address domain='0' bus='1' slot='0' function='0'/></source></hostdev>"
                     "</devices></domain>",
                     uuid);
        assert_ok(pipe(fd));
        assert_int_eq(write(fd[1], xml, (size_t) n), n);
        (void) close(fd[1]);
        return fd[0];
}

static uint32_t plan_start(const char *uuid)
{
        char option[32];

        (void) snprintf(option, sizeof(option), "--xml-fd=%d", guest_xml(uuid));
        return ask(option);
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
                      PLAN("release", "x.ini", "a release would do this, by its journal") ACTION("reset", CARD, "deed",
                                                                                                 "", "bus", "")
                              ACTION("driver", "0000:01:00.1", "change", "none", "snd_hda_intel",
                                     "it has fallen off the bus: looked for once more, else only a reboot helps")
                                      ACTION("driver", CARD, "change", "vfio-pci", "nouveau",
                                             "") ACTION("services", "gone.service", "change", "inactive", "active",
                                                        "it is masked: `systemctl unmask gone.service`")
                                              ACTION("services", "lab.service", "already", "active", "active", "")
                                                      ACTION("display-manager", "lightdm.service", "change", "inactive",
                                                             "active",
                                                             "") "action\tstep=scripts\ttarget=win10\tstate=deed\tnow="
                                                                 "\tafter=release/end\twhy=\tone_way=yes\n" WARNING
                                                                 "a worker is at it just now, and this is what it has "
                                                                 "left so far; `hookctl log -f` "
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
        assert_contains(said,
                        ACTION("display-manager", "lightdm.service", "left", "", "active", "the guest work needs it"));
        assert_contains(said, ACTION("driver", CARD, "change", "vfio-pci", "nouveau", ""));
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
        assert_contains(said, WARNING "libvirtd (process 77) may just be starting it");
        extra = "holder 78 comm=qemu-system-x86 start=78 node=/dev/vfio/5\n";
        assert_int_eq(plan(UUID), 0);
        assert_contains(said, WARNING "its QEMU (process 78) has the card");
        assert_contains(said, ACTION("driver", CARD, "change", "vfio-pci", "nouveau", ""));
        extra = "unit shutdown.target active=inactive job=start\n";
        assert_int_eq(plan(UUID), 0);
        assert_str_eq(said, PLAN("release", "", "the host is shutting down: a release would put nothing back") "\n");
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
        assert_contains(said, ACTION("driver", CARD, "stuck", "", "nouveau", ""));
        assert_contains(said, ACTION("services", "lab.service", "done", "", "active", ""));
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
        assert_str_eq(said,
                      PLAN("release", "", "nothing of this host was changed for it; a release would do nothing") "\n");
        assert_ok(journal_open(root, UUID, 1, &j, &f));
        assert_ok(journal_log(j, LOG_WORD_RELEASED, -1, NULL));
        drop(j);
        clean();
}

TEST(a_start)
{
        char profile[96], header[400];

        extra = "";
        (void) snprintf(root, sizeof(root), "/tmp/hookd-back-XXXXXX");
        assert_not_null(mkdtemp(root));
        assert_int_eq(plan_start(UUID), 0);
        (void) snprintf(header, sizeof(header),
                        PLAN("prepare", "", "no profile in %s is for this guest; hookd leaves it alone") "\n", root);
        assert_str_eq(said, header);
        (void) snprintf(profile, sizeof(profile), "%s/win10.ini", root);
        assert_ok(write_file_atomic_at(AT_FDCWD, profile, 0600, "[Reset]\nMethod=bus\n", 19));
        assert_int_eq(plan_start(UUID), 0);
        (void) snprintf(header, sizeof(header), PLAN("prepare", "%s", "a start would do this, by %s"), profile,
                        profile);
        assert_true(startswith(said, header));
        assert_contains(said, "\ttarget=" CARD "\tstate=gate\tnow=\t");
        assert_contains(said, ACTION("driver", CARD, "already", "vfio-pci", "vfio-pci", "already there, and stays"));
        assert_contains(said, ACTION("override", CARD, "change", "none", "vfio-pci", "no other driver may take it"));
        assert_contains(said, "action\tstep=reset\ttarget=" CARD "\tstate=later\tnow=\tafter=bus\t");
        extra = "fault readlink *01:00.0/driver 0 EIO\n";
        assert_int_eq(plan_start(UUID), 0);
        assert_contains(said, "\ttarget=" CARD "\tstate=unknown\tnow=\tafter=vfio-pci\twhy=");
        assert_ok(unlink(profile));
        clean();
}

/* By what it was no profile can be found any more; the start is refused all the same. */
TEST(a_start_with_a_card_that_is_not_there)
{
        Journal *j = held("work", OTHER);
        Fault f = { 0 };

        assert_ok(journal_log(j, LOG_WORD_REVERT, -1, "release/end"));
        assert_ok(journal_log(j, LOG_WORD_UNDO, 6, NULL));
        assert_ok(journal_log(j, LOG_WORD_UNDO_FAIL, 6, CARD " has not come back"));
        journal_close(j);
        extra = "fault read *01:00.0/vendor 0 ENOENT\n";
        assert_int_eq(plan_start(UUID), 1);
        assert_contains(said, CARD " is stuck, it was not given back completely by the guest work: " CARD
                                   " has not come back. hookd tries again");
        extra = "";
        assert_int_eq(plan_start(UUID), 0); /* it is there, and no profile is for the guest */
        assert_ok(journal_open(root, OTHER, 1, &j, &f));
        drop(j);
        clean();
}

/* On a host that answers slowly StartTimeoutSec= is not passed by the time that the look at it took. */
TEST(the_look_at_the_host_counts)
{
        _cleanup_(profile_freep) Profile *p = NULL;
        _cleanup_(guest_freep) Guest *guest = NULL;
        _cleanup_(plan_freep) Plan *made = NULL;
        _cleanup_(host_freep) Host *h = NULL;
        char profile[96];
        Worker w = { .verb = "prepare", .domain = "win10", .event = "prepare/begin", .root = "/", .client_fd = -1 };
        uint64_t begun, took;
        Fault f = { 0 };

        extra = "";
        (void) snprintf(root, sizeof(root), "/tmp/hookd-back-XXXXXX");
        assert_not_null(mkdtemp(root));
        (void) snprintf(profile, sizeof(profile), "%s/win10.ini", root);
        assert_ok(write_file_atomic_at(AT_FDCWD, profile, 0600, "[Transaction]\nStartTimeoutSec=90\n", 33));
        assert_ok(open_fake(NULL, &h, &f));
        w.host = h;
        w.journals = w.profiles = root;
        w.conf = "/nonexistent";
        w.xml_fd = guest_xml(UUID);
        begun = host_now(h);
        assert_int_eq(worker_plan(&w, &guest, &p, &made, &f), 1);
        took = host_now(h) - begun;
        assert_true(took > 0);
        assert_true(p->start_timeout <= 90 * USEC_PER_SEC - took / 2 && p->start_timeout >= 90 * USEC_PER_SEC - took);
        free(w.xml);
        assert_ok(unlink(profile));
        clean();
}

TEST_MAIN
