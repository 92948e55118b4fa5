/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an event costs that nobody owns, and what the daemon costs that waits for one: `meson test --benchmark`. */
#include "bench/bench.h"

#include "round/eight.h"
#include "util/fd.h"

#include <inttypes.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* `started` rather than `prepare`: the same for the shim, and the one event with which a foreign hook, which takes
 * every guest for its own, does nothing to the machine. */
#define EVENT "nobody", "started", "begin", "-", NULL

#define RAW_TIMES      2.2
#define BASELINE_TIMES 10.0
#define IDLE_PSS       (5U << 19) /* 2.5 MiB */
#define IDLE_MSEC      10000
#define EIGHT_TIMES    1.5
#define BURST_MORE     (64U << 10)

static const char *const shim[] = { SHIM, EVENT }, *const raw[] = { RAW, EVENT };
static const char *const no_env[] = { NULL };
static char *xml;

static uint64_t one(const char *const *argv)
{
        uint64_t ns;

        run_many(argv, xml, 1, &ns, NULL);
        return ns;
}

enum { ROUNDS = 2000, EVERY = 10 };

typedef struct Series {
        const char *name;
        const char *const *argv;
        size_t n;
        uint64_t whole[ROUNDS], from_exec[ROUNDS];
        Times t, t_exec;
} Series;

static void measure(Series *s)
{
        run_many(s->argv, xml, 1, s->whole + s->n, s->from_exec + s->n);
        s->n++;
}

static void print_series(Series *s)
{
        s->t = times_of(s->whole, s->n);
        s->t_exec = times_of(s->from_exec, s->n);
        print_times(s->name, s->n, s->t);
        print_times("  of which from exec on", s->n, s->t_exec);
}

/* In turns, so that whatever else the machine does hits all of them. */
static void compare(const char *shim_name, const char *const *baseline)
{
        static Series r, s, b;

        r = (Series){ .name = "a static program that only ends", .argv = raw };
        s = (Series){ .name = shim_name, .argv = shim };
        b = (Series){ .name = "the baseline hook", .argv = baseline };
        for (int i = 0; i < 50; i++)
                (void) (one(shim) + one(raw));
        for (int i = 0; i < ROUNDS; i++) {
                measure(&r);
                measure(&s);
                if (baseline && i % EVERY == 0)
                        measure(&b);
        }
        print_series(&r);
        print_series(&s);
        if (SHIM_IS_MUSL)
                limit(s.t.median <= RAW_TIMES * r.t.median,
                      "%.2f x the program that only ends (at most %.1f); from exec on %.2f x", s.t.median / r.t.median,
                      RAW_TIMES, s.t_exec.median / r.t_exec.median);
        else
                (void) printf("  NOT RUN: the limit for the shim holds for the musl build; here it takes %.2f x\n",
                              s.t.median / r.t.median);
        if (!baseline)
                return;
        print_series(&b);
        limit(b.t.median >= BASELINE_TIMES * s.t.median,
              "the baseline hook takes %.1f x as long (at least %.0f); from exec on %.1f x", b.t.median / s.t.median,
              BASELINE_TIMES, b.t_exec.median / s.t_exec.median);
}

static int events(const char *baselines)
{
        char path[4096];
        const char *const baseline[] = { path, EVENT };
        pid_t pid = daemon_start(no_env);

        (void) snprintf(path, sizeof(path), "%s/desktop-hook.sh", baselines);
        compare("the shim", *baselines ? baseline : NULL);
        if (!*baselines)
                (void) puts("  NOT RUN: the baseline hook: -Dbaselines= names no folder");
        daemon_stop(pid);
        return bench_result();
}

/* Half of them by their file's name, half with globs, and hookd.conf. */
static int profiles(void)
{
        char path[64], text[64];
        pid_t pid;

        for (int i = 0; i < 1000; i++) {
                (void) snprintf(path, sizeof(path), "/run/profiles/guest-%i.ini", i);
                (void) snprintf(text, sizeof(text), i % 2 ? "[Match]\nDomain=gpu-%i-* *-box-%i\n" : "", i, i);
                bench_write(path, text);
        }
        bench_write("/run/hookd.conf", "[Holders]\nTimeoutSec=5\n");
        pid = daemon_start(no_env);
        compare("the shim, 1000 profiles", NULL);
        (void) printf("  the daemon with them: PSS %" PRIu64 " KiB\n", usage_of(pid).pss / 1024);
        daemon_stop(pid);
        return bench_result();
}

/* What the daemon has once the last client's connection is closed on its side, too. */
static Usage settled(pid_t pid)
{
        (void) one(shim);
        (void) poll(NULL, 0, 200);
        return usage_of(pid);
}

static int burst(void)
{
        enum { AT_ONCE = 200, BURSTS = 10 };
        static uint64_t ns[AT_ONCE * BURSTS];
        pid_t pid = daemon_start(no_env);
        Usage before, after;

        run_many(shim, xml, AT_ONCE, ns, NULL); /* room for so many clients is made once */
        before = settled(pid);
        for (int i = 0; i < BURSTS; i++)
                run_many(shim, xml, AT_ONCE, ns + i * AT_ONCE, NULL);
        print_times("the shim, 200 at once", AT_ONCE * BURSTS, times_of(ns, AT_ONCE * BURSTS));
        after = settled(pid);
        /* How many of them it has at the same time differs; losing 2000 clients would take more. */
        limit(after.anonymous <= before.anonymous + BURST_MORE,
              "%" PRIu64 " KiB of its own before, %" PRIu64 " KiB after", before.anonymous / 1024,
              after.anonymous / 1024);
        limit(after.fds == before.fds, "%u descriptors before, %u after", before.fds, after.fds);
        daemon_stop(pid);
        return bench_result();
}

/* ---- guests with nothing in common ---- */

enum { EIGHT = 8 };

typedef struct EightGuest {
        char name[8], xml[1024];
        const char *argv[2][7]; /* there, back */
} EightGuest;

static void eight_make(EightGuest *g, unsigned i)
{
        static const char *const ops[2][2] = { { "prepare", "begin" }, { "release", "end" } };
        char path[128], text[2048];

        (void) snprintf(g->name, sizeof(g->name), "g%u", i);
        for (unsigned k = 0; k < 2; k++) {
                const char *const argv[] = { SHIM, g->name, ops[k][0], ops[k][1], "-", NULL };

                memcpy(g->argv[k], argv, sizeof(argv));
        }
        eight_xml(i, g->xml, sizeof(g->xml));
        (void) snprintf(path, sizeof(path), "/run/hosts/g%u.tree", i);
        eight_tree(i, text, sizeof(text));
        bench_write(path, text);
        (void) snprintf(path, sizeof(path), "/run/profiles/g%u.ini", i);
        eight_profile(i, text, sizeof(text));
        bench_write(path, text);
}

/* One after the other, then all at once: the wall time is near the slowest one's, not the sum. The time is the hosts'
 * slow steps, which really take it. */
static int eight(void)
{
        static EightGuest guests[EIGHT];
        const char *const *argvs[EIGHT], *xmls[EIGHT];
        _cleanup_free_ char *modules = bench_read(TESTS_DIR "/hosts/modules.inc");
        uint64_t ns[EIGHT], start;
        pid_t pid;

        if (mkdir("/run/hosts", 0755) < 0)
                die(1, "/run/hosts: %m");
        bench_write("/run/hosts/modules.inc", modules);
        bench_write("/run/hosts/pace", "");
        bench_root = "/run/hosts";
        bench_worker = WORKER;
        for (unsigned i = 0; i < EIGHT; i++)
                eight_make(guests + i, i);
        pid = daemon_start(no_env);
        for (unsigned k = 0; k < 2; k++) {
                double slowest = 0, sum = 0, wall;

                for (unsigned i = 0; i < EIGHT; i++) {
                        run_many(guests[i].argv[k], guests[i].xml, 1, ns, NULL);
                        sum += (double) ns[0] / 1e9;
                        slowest = MAX(slowest, (double) ns[0] / 1e9);
                }
                for (unsigned i = 0; k == 0 && i < EIGHT; i++)
                        run_many(guests[i].argv[1], guests[i].xml, 1, ns, NULL);
                for (unsigned i = 0; k == 1 && i < EIGHT; i++)
                        run_many(guests[i].argv[0], guests[i].xml, 1, ns, NULL);
                for (unsigned i = 0; i < EIGHT; i++) {
                        argvs[i] = guests[i].argv[k];
                        xmls[i] = guests[i].xml;
                }
                start = now_usec();
                run_each(argvs, xmls, EIGHT, ns, NULL);
                wall = (double) (now_usec() - start) / 1e6;
                (void) printf(
                        "  eight guests with nothing in common, %s: the slowest alone %.2f s, one after the other "
                        "%.2f s, all at once %.2f s\n",
                        k ? "release" : "prepare", slowest, sum, wall);
                limit(wall <= EIGHT_TIMES * slowest, "%.2f x the slowest one (at most %.1f; one after the other: %.1f)",
                      wall / slowest, EIGHT_TIMES, sum / slowest);
        }
        daemon_stop(pid);
        return bench_result();
}

static int soak(size_t rounds)
{
        uint64_t *ns = calloc(rounds, sizeof(*ns));
        pid_t pid = daemon_start(no_env);
        Usage before, after;

        if (!ns || rounds == 0)
                return 1;
        for (size_t i = 0; i < 1000; i++)
                (void) one(shim);
        before = settled(pid);
        for (size_t i = 0; i < rounds; i++)
                ns[i] = one(shim);
        after = settled(pid);
        print_times("the shim, in a row", rounds, times_of(ns, rounds));
        (void) printf("  the daemon: PSS %" PRIu64 " KiB before, %" PRIu64 " KiB after\n", before.pss / 1024,
                      after.pss / 1024);
        /* PSS also moves with what other processes share */
        limit(after.anonymous == before.anonymous, "%" PRIu64 " KiB of its own before, %" PRIu64 " KiB after",
              before.anonymous / 1024, after.anonymous / 1024);
        limit(after.fds == before.fds, "%u descriptors before, %u after", before.fds, after.fds);
        daemon_stop(pid);
        free(ns);
        return bench_result();
}

/* A service manager that asks for a sign of life every 4 s and reads none: systemd asks for one a minute. */
static uint64_t waits_in(pid_t pid, Usage *ret)
{
        Usage before;

        (void) settled(pid); /* what comes after an event is not idle time, but must end */
        (void) poll(NULL, 0, 1000);
        before = usage_of(pid);
        (void) poll(NULL, 0, IDLE_MSEC);
        *ret = usage_of(pid);
        return ret->waits - before.waits;
}

static int idle(void)
{
        static const char *const watched[] = { "WATCHDOG_USEC=4000000", "NOTIFY_SOCKET=/run/notify", NULL };
        struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = "/run/notify" };
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        uint64_t waits;
        Usage u;
        pid_t pid;

        if (bind(fd, (struct sockaddr *) &sa, sizeof(sa)) < 0)
                die(1, "%s: %m", sa.sun_path);
        pid = daemon_start(no_env);
        waits = waits_in(pid, &u);
        limit(u.pss <= IDLE_PSS, "PSS %" PRIu64 " KiB, %" PRIu64 " of it its own (at most %u)", u.pss / 1024,
              u.anonymous / 1024, IDLE_PSS / 1024);
        limit(waits == 0, "%" PRIu64 " wake-ups in 10 s without a watchdog (none allowed)", waits);
        daemon_stop(pid);

        pid = daemon_start(watched);
        waits = waits_in(pid, &u);
        /* sd-event gives its sign after a half to three quarters of the time */
        limit(waits >= 3 && waits <= 5, "%" PRIu64 " wake-ups in 10 s with a watchdog of 4 s (3 to 5)", waits);
        daemon_stop(pid);
        (void) close(fd);
        return bench_result();
}

int main(int argc, char **argv)
{
        const char *what = argc > 1 ? argv[1] : "", *value = argc > 2 ? argv[2] : "";

        if (SANITIZED)
                die(77, "NOT RUN: this is a build with sanitizers; a release build can be measured");
        bench_isolate();
        xml = bench_read(TESTS_DIR "/unit/data/domain-started.xml");
        if (streq(what, "events"))
                return events(value);
        if (streq(what, "profiles"))
                return profiles();
        if (streq(what, "burst"))
                return burst();
        if (streq(what, "eight"))
                return eight();
        if (streq(what, "soak"))
                return soak(strtoul(value, NULL, 10));
        if (streq(what, "idle"))
                return idle();
        die(2, "usage: bench events [BASELINES-FOLDER] | profiles | burst | eight | soak N | idle");
}
