/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/recover.h"
#include "ctl/talk.h"
#include "util/fd.h"
#include "wire/wire.h"

#include <poll.h>
#include <time.h>

#define WAIT_USEC      (300 * USEC_PER_SEC) /* for what hookd does by itself: a release may take StopTimeoutSec= */
#define SAY_USEC       (10 * USEC_PER_SEC)
#define TEAR_DOWN_USEC (30 * USEC_PER_SEC) /* more than libvirtd gets; what is due later has failed before */
#define LOOK_MSEC      500

typedef struct Found {
        Records records;
        bool failed;
} Found;

static void on_line(void *userdata, const char *line)
{
        Found *found = userdata;

        found->failed = records_add(&found->records, line) < 0 || found->failed;
}

static const Record *find_guest(const Records *all, const char *uuid)
{
        for (size_t i = 0; i < all->n; i++)
                if (streq(all->list[i].fields[0], "guest") && streq(record_value(&all->list[i], "uuid"), uuid))
                        return &all->list[i];
        return NULL;
}

static bool has_job(const Records *all, const char *domain)
{
        for (size_t i = 0; i < all->n; i++)
                if (streq(all->list[i].fields[0], "job") && streq(record_value(&all->list[i], "domain"), domain) &&
                    !streq(record_value(&all->list[i], "verb"), "plan"))
                        return true;
        return false;
}

/* Will hookd put it back when libvirt has had its time to tear the guest down? */
static bool is_due(const Record *guest)
{
        struct timespec ts = { 0 };
        uint64_t due, now;

        (void) clock_gettime(CLOCK_REALTIME, &ts);
        now = (uint64_t) ts.tv_sec * USEC_PER_SEC;
        return streq(record_value(guest, "state"), "held") &&
               parse_uint(record_value(guest, "due"), UINT64_MAX, &due) >= 0 && due > now && due - now < TEAR_DOWN_USEC;
}

/* 1: all is put back; 2: hookd is at it, or will be soon; 0: neither. */
static int look(const Recover *r, const Records *all, const Record *found)
{
        const Record *guest = find_guest(all, record_value(found, "uuid"));

        if (!guest)
                return 1;
        if (streq(record_value(guest, "state"), "stuck"))
                return 0; /* whoever waits for the kernel may do so for ever */
        return has_job(all, record_value(found, "domain")) || (!r->ctl->force && is_due(guest)) ? 2 : 0;
}

/* Waits for what hookd has under way by itself. 1: all is put back; 0: nobody works on it (any more); -ETIMEDOUT,
 * -errno. */
static int wait_for(Recover *r, const Record *found, Fault *f)
{
        uint64_t begun = now_usec(), said = begun;

        for (;;) {
                Records all = { 0 };
                int k;

                k = talk_records(r->ctl->socket, WIRE_STATUS, &all, f);
                if (k >= 0)
                        k = look(r, &all, found);
                records_clear(&all);
                if (k != 2)
                        return k;
                if (now_usec() - begun > WAIT_USEC)
                        return fault_set(f, -ETIMEDOUT, NULL, "hookd is still at it after %d s",
                                         (int) (WAIT_USEC / USEC_PER_SEC));
                if (now_usec() - said > SAY_USEC) {
                        said = now_usec();
                        recover_say(r, 2, "not yet, after %d s", (int) ((said - begun) / USEC_PER_SEC));
                }
                (void) poll(NULL, 0, LOOK_MSEC);
        }
}

static void release(Recover *r, const char *domain)
{
        Fault f = { 0 };

        if (talk_option(r->ctl->socket, WIRE_RELEASE, domain, r->ctl->force ? "force" : NULL, -1, recover_step, r,
                        &f) >= 0) {
                recover_say(r, 0, "%s: put back.", domain);
                return;
        }
        recover_say(r, 0, "%s: NOT put back.", domain);
        recover_left(r, "%s: %s", domain, f.text);
        recover_command(r, "hookctl log %s", recover_quote(domain));
}

static void guest(Recover *r, const Record *found)
{
        const char *finding = record_value(found, "finding"), *had = record_value(found, "card"), *name,
                   *card = *had ? had : "its devices"; /* nothing was taken for it: it has only scripts */
        _cleanup_free_ char *domain = NULL;
        Fault f = { 0 };
        int k;

        if (text_unescape(record_value(found, "domain"), &domain) < 0) {
                r->failed = true;
                return;
        }
        if (streq(finding, "runs")) {
                recover_say(r, 0, "%s: runs, and keeps %s.", domain, card);
                recover_left(r, "%s runs, and has %s. To get it back, shut the guest down:", domain, card);
                recover_command(r, "virsh shutdown %s", recover_quote(domain));
                return;
        }
        if (streq(finding, "stuck")) {
                recover_say(r, 0, "%s: the kernel keeps %s.", domain, card);
                recover_left(r, "%s: %s %s", domain, card, record_value(found, "text"));
                recover_command(r, "hookctl status");
                return;
        }
        if (streq(finding, "starting") && !r->ctl->force) {
                recover_say(r, 0, "%s: may just be starting, and keeps %s.", domain, card);
                recover_left(r, "%s has %s, and may just be starting. If it does not run and will not:", domain, card);
                recover_command(r, "hookctl recover --force");
                return;
        }
        name = *domain ? domain : record_value(found, "uuid");
        recover_say(r, 0, "%s: is gone, %s is put back ...", name, *had ? had : "what it had");
        k = wait_for(r, found, &f);
        if (k > 0)
                recover_say(r, 0, "%s: put back.", name);
        else if (k == 0 && *domain)
                release(r, domain);
        else {
                recover_say(r, 0, "%s: NOT put back.", name);
                recover_left(r, "%s: %s", name, k < 0 ? f.text : "hookd does not put it back");
                recover_command(r, "hookctl status");
        }
}

/* What is still held, and what cannot be read. */
static void look_again(Recover *r)
{
        Records all = { 0 };
        Fault f = { 0 };

        if (talk_records(r->ctl->socket, WIRE_STATUS, &all, &f) < 0) {
                recover_left(r, "%s", f.text);
                recover_command(r, "systemctl restart hookd");
        }
        for (size_t i = 0; i < all.n; i++) {
                const Record *one = &all.list[i];
                _cleanup_strv_ char **card = NULL;

                if (streq(one->fields[0], "bad"))
                        recover_left(r, "A journal cannot be read: %s", record_value(one, "text"));
                if (!streq(one->fields[0], "guest"))
                        continue;
                r->open = true;
                r->failed = strv_split(record_value(one, "card"), &card) < 0 || r->failed;
                STRV_FOREACH (bdf, card)
                        r->failed = strv_append(&r->held, *bdf) < 0 || r->failed;
        }
        records_clear(&all);
}

static int find(Recover *r, Found *found, Fault *f)
{
        int k;

        records_clear(&found->records);
        k = talk(r->ctl->socket, WIRE_RECONCILE, NULL, -1, on_line, found, f);
        r->failed = r->failed || found->failed;
        return k;
}

/* A start may be what a worker is at: what it comes to is known when that has ended. True: look again. */
static bool wait_for_workers(Recover *r, const Records *found)
{
        bool waited = false;

        for (size_t i = 0; i < found->n; i++) {
                const Record *one = &found->list[i];
                Fault ignored = { 0 };

                if (!streq(record_value(one, "finding"), "working"))
                        continue;
                waited = true;
                recover_say(r, 0, "%s: hookd is at it: waiting for the end", record_value(one, "domain"));
                if (wait_for(r, one, &ignored) > 0)
                        recover_say(r, 0, "%s: put back.", record_value(one, "domain"));
        }
        return waited;
}

int recover_by_daemon(Recover *r, Fault *f)
{
        Found found = { 0 };
        int k;

        k = find(r, &found, f);
        if (k >= 0) {
                recover_say(r, 0, "hookd answers, and holds %s",
                            found.records.n == 0 ? "nothing." : "devices for these guests:");
                if (wait_for_workers(r, &found.records))
                        k = find(r, &found, f);
        }
        if (k >= 0) {
                for (size_t i = 0; i < found.records.n; i++)
                        guest(r, &found.records.list[i]);
                look_again(r);
        }
        records_clear(&found.records);
        return k;
}
