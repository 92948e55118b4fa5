/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/since.h"
#include "ctl/story.h"
#include "ctl/talk.h"
#include "ctl/timeline.h"
#include "host/journal-read.h"
#include "util/fd.h"
#include "util/parse.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#define LAST_DEFAULT 10
#define ENTRIES_MAX  ((size_t) 200000)
#define EXPORT_MAX   ((size_t) 256 << 20)

typedef struct Wanted {
        const char *domain;
        uint64_t since;
        size_t last; /* transactions; 0: all */
} Wanted;

static uint64_t realtime(void)
{
        struct timespec ts = { 0 };

        (void) clock_gettime(CLOCK_REALTIME, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

static int read_wanted(const Ctl *c, Wanted *w)
{
        uint64_t n = c->since ? 0 : c->follow ? 1 : LAST_DEFAULT;

        *w = (Wanted){ .domain = c->guest };
        if (c->since && since_parse(c->since, realtime(), &w->since) < 0) {
                (void) ctl_fail("--since=%s is no moment: give \"2026-11-21 05:00\", \"05:00\", today or \"2h ago\"",
                                c->since);
                return 2;
        }
        if (c->number && !streq(c->number, "all") && (parse_uint(c->number, SIZE_MAX, &n) < 0 || n == 0)) {
                (void) ctl_fail("--number=%s is neither a number nor all", c->number);
                return 2;
        }
        w->last = c->number && streq(c->number, "all") ? 0 : n;
        return 0;
}

/* A journal file is for libsystemd; anything else must be the export format. 1: *ret_text has it. */
static int read_export(const char *file, char **ret_text, size_t *ret_size, Fault *f)
{
        static const char magic[] = "LPKSHHRH";
        _cleanup_close_ int fd = streq(file, "-") ? -1 : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        char begin[sizeof(magic) - 1] = "";
        int r;

        if (fd < 0 && !streq(file, "-"))
                return fault_set(f, -errno, file, "cannot open %s: %s", file, fault_errno(-errno));
        if (fd >= 0 && pread(fd, begin, sizeof(begin), 0) == sizeof(begin) && memcmp(begin, magic, sizeof(begin)) == 0)
                return 0;
        r = read_fd_deadline(fd >= 0 ? fd : STDIN_FILENO, EXPORT_MAX, UINT64_MAX, ret_text, ret_size);
        return r < 0 ? fault_set(f, r, file, "cannot read %s: %s", file, fault_errno(r)) : 1;
}

static int read_audit(const Ctl *c, const Wanted *w, Audit *a, Fault *f)
{
        _cleanup_(journal_reader_closep) JournalReader *reader = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        int r = 0;

        if (c->file)
                r = read_export(c->file, &text, &size, f);
        if (r > 0)
                return audit_decode(text, size, w->domain, w->since, a, f) < 0 ? fault_prefix(f, "%s", c->file) : 0;
        if (r >= 0)
                r = journal_reader_open(c->file, w->domain, &reader, f);
        if (r >= 0)
                r = journal_reader_collect(reader, w->since, w->last, ENTRIES_MAX, a);
        return r < 0 ? fault_default(f, r, NULL, "cannot read the journal: %s", fault_errno(r)) : 0;
}

/* In a container that has hookd's socket the journal, if there is any, has nothing of hookd's: the daemon is asked
 * then. Where it cannot be, what was found here holds. */
static int ask_daemon(const Ctl *c, const Wanted *w, Audit *a, int found, Fault *f)
{
        Fault asked = { 0 };
        int r;

        r = talk_log(c->socket, w->domain, w->since, w->last, a, &asked);
        if (r >= 0)
                *f = (Fault){ 0 };
        else if (found >= 0 && r != -ENOENT && r != -EACCES) {
                *f = asked;
                return r;
        }
        return r >= 0 ? 0 : found;
}

static void json_entry(Json *j, const AuditEntry *e, size_t transaction)
{
        json_begin(j, NULL, '{');
        json_number(j, "time", (int64_t) e->usec);
        json_string(j, "kind", audit_kind_name(e->kind));
        json_number(j, "priority", e->priority);
        json_number(j, "transaction", (int64_t) transaction);
        json_string(j, "domain", e->domain);
        json_string(j, "uuid", e->uuid);
        json_string(j, "event", e->event);
        json_string(j, "step", e->step);
        json_string(j, "target", e->target);
        json_string(j, "from", e->from);
        json_string(j, "to", e->to);
        json_string(j, "result", e->result);
        json_number(j, "duration_usec", e->duration == UINT64_MAX ? -1 : (int64_t) e->duration);
        json_string(j, "message", e->message);
        json_end(j, '}');
}

static void print(const Ctl *c, const Audit *a, const Transaction *t, size_t n)
{
        Story story = { .out = stdout, .colour = c->colour };
        Json j = { .out = stdout };

        if (c->json)
                json_begin(&j, NULL, '[');
        for (size_t k = 0; k < n; k++) {
                const AuditEntry *list = a->list + t[k].first;

                if (c->timeline && !c->json) {
                        if (k > 0 && list->domain)
                                (void) putchar('\n');
                        timeline_print(list, t[k].n, c->colour, stdout);
                        continue;
                }
                for (size_t i = 0; i < t[k].n; i++)
                        if (c->json)
                                json_entry(&j, &list[i], k);
                        else
                                story_tell(&story, &list[i]);
        }
        if (c->json)
                json_end(&j, ']');
        else if (n == 0)
                (void) printf("hookd has done nothing%s%s%s\n", c->guest ? " for " : "", c->guest ? c->guest : "",
                              c->file    ? " in that file"
                              : c->since ? " since then"
                                         : " yet, as far as the journal goes back");
        story_clear(&story);
}

static int show(const Ctl *c, const Wanted *w)
{
        _cleanup_(audit_clear) Audit a = { 0 };
        _cleanup_free_ Transaction *t = NULL;
        Fault f = { 0 };
        size_t n = 0;
        int r;

        r = read_audit(c, w, &a, &f);
        if (!c->file && a.n == 0)
                r = ask_daemon(c, w, &a, r, &f);
        if (r < 0)
                return ctl_fail("%s", f.text);
        if (story_group(&a, w->last, &t, &n) < 0)
                return ctl_fail("out of memory");
        print(c, &a, t, n);
        return 0;
}

static volatile sig_atomic_t ended;

static void on_signal(int signo)
{
        ended = 1;
}

/* Until there is something new. 1: nobody wants it any more. */
static int wait_for_more(JournalReader *reader, const sigset_t *unblocked)
{
        struct pollfd p[2] = { { .events = POLLIN }, { .fd = STDOUT_FILENO } };
        uint64_t deadline, now = now_usec(), left;
        struct timespec ts;
        int r;

        p[0].fd = journal_reader_fd(reader, &deadline);
        if (p[0].fd < 0)
                return p[0].fd;
        left = deadline > now ? deadline - now : 0;
        ts = (struct timespec){ (time_t) (left / USEC_PER_SEC), (long) (left % USEC_PER_SEC * 1000) };
        r = ppoll(p, 2, deadline == UINT64_MAX ? NULL : &ts, unblocked);
        if (ended || p[1].revents & (POLLERR | POLLHUP | POLLNVAL))
                return 1;
        return r < 0 && errno != EINTR ? -errno : journal_reader_changed(reader);
}

static int follow_from(const Ctl *c, JournalReader *reader, const sigset_t *unblocked)
{
        Story story = { .out = stdout, .colour = c->colour };
        AuditEntry e = AUDIT_ENTRY_NONE;
        int r;

        do {
                while ((r = journal_reader_next(reader, &e)) > 0) {
                        Json j = { .out = stdout };

                        if (c->json)
                                json_entry(&j, &e, 0);
                        else
                                story_tell(&story, &e);
                        audit_entry_clear(&e);
                }
                if (fflush(stdout) != 0)
                        r = 1;
                if (r == 0)
                        r = wait_for_more(reader, unblocked);
        } while (r == 0);
        story_clear(&story);
        return MIN(r, 0);
}

/* Where hookd knows of something that the journal here does not have, nothing new would ever come. */
static int check_place(const Ctl *c, Fault *f)
{
        _cleanup_(audit_clear) Audit a = { 0 };
        Fault ignored = { 0 };

        if (talk_log(c->socket, c->guest, 0, 1, &a, &ignored) < 0 || a.n == 0)
                return 0;
        return fault_set(
                f, -EXDEV, NULL,
                "the journal here has nothing of hookd's: `hookctl log --follow` goes on the host where hookd runs; "
                "without --follow hookd is asked");
}

static int follow(const Ctl *c, const Wanted *w)
{
        _cleanup_(journal_reader_closep) JournalReader *reader = NULL;
        const struct sigaction action = { .sa_handler = on_signal };
        _cleanup_(audit_clear) Audit a = { 0 };
        sigset_t blocked, before;
        uint64_t ignored;
        Fault f = { 0 };
        int r;

        (void) sigemptyset(&blocked);
        (void) sigaddset(&blocked, SIGINT);
        (void) sigaddset(&blocked, SIGTERM);
        (void) sigprocmask(SIG_BLOCK, &blocked, &before);
        (void) sigaction(SIGINT, &action, NULL);
        (void) sigaction(SIGTERM, &action, NULL);
        r = journal_reader_open(NULL, w->domain, &reader, &f);
        if (r >= 0)
                r = journal_reader_fd(reader, &ignored); /* from now on nothing new is missed */
        if (r >= 0)
                r = journal_reader_collect(reader, w->since, w->last, ENTRIES_MAX, &a);
        if (r >= 0 && a.n == 0)
                r = check_place(c, &f);
        if (r >= 0)
                r = journal_reader_seek(reader, a.n > 0 ? a.list[0].usec : realtime());
        if (r >= 0)
                r = follow_from(c, reader, &before);
        if (r < 0)
                (void) fault_default(&f, r, NULL, "cannot read the journal: %s", fault_errno(r));
        return r < 0 ? ctl_fail("%s", f.text) : 0;
}

static int run(const Ctl *c)
{
        Wanted w;
        int r;

        r = read_wanted(c, &w);
        if (r > 0)
                return r;
        if (c->follow && (c->timeline || c->file)) {
                (void) ctl_fail("--follow goes with neither --timeline nor --file");
                return 2;
        }
        return c->follow ? follow(c, &w) : show(c, &w);
}

const Verb verb_log = {
        .name = "log",
        .options = "timeline follow since number file json socket",
        .arguments = "[GUEST]",
        .summary = "tell what hookd did and why, step by step, and what took the time",
        .help = "Reads hookd's audit from the system's journal and groups it by guest and start:\n"
                "the event, the plan, every step, the outcome; failures with their remedy. Shows\n"
                "the last 10 starts; with --since all since then. In a container that has hookd's\n"
                "socket, but not the journal, hookd is asked.\n",
        .run = run,
};
