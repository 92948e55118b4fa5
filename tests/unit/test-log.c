/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include "util/fd.h"
#include "util/log.h"
#include "util/spool.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static char dir[] = "/tmp/hookd-test-log-XXXXXX", sock_path[64], spool[64];
static char got[64 << 10];
static size_t got_size;

static void setup(void)
{
        static bool done;

        if (!done)
                assert_not_null(mkdtemp(dir));
        done = true;
        (void) snprintf(sock_path, sizeof(sock_path), "%s/socket", dir);
        (void) snprintf(spool, sizeof(spool), "%s/spool", dir);
        (void) unlink(sock_path);
        (void) unlink(spool);
        log_open_socket(sock_path);
        log_open(LOG_TO_JOURNAL, spool, LOG_INFO);
}

/* A journald that may be slow: its queue is small. */
static int journal_listen(void)
{
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        (void) snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", sock_path);
        (void) unlink(sock_path);
        assert_ok(bind(fd, (struct sockaddr *) &sa, sizeof(sa)));
        return fd;
}

static bool receive(int fd)
{
        ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);

        got_size = n < 0 ? 0 : (size_t) n;
        got[got_size] = '\0';
        return n >= 0;
}

/* Value of a one-line field of the entry in got, or NULL. Static buffer. */
static const char *field(const char *name)
{
        static char value[8192];

        for (char *line = got; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
                if (startswith(line, name) && line[strlen(name)] == '=') {
                        (void) snprintf(value, sizeof(value), "%s", line + strlen(name) + 1);
                        value[strcspn(value, "\n")] = '\0';
                        return value;
                }
        return NULL;
}

TEST(native_protocol)
{
        int fd;

        setup();
        fd = journal_listen();
        log_entry(LOG_NOTICE, MESSAGE_EVENT,
                  (const LogField[]){
                          { FIELD_DOMAIN, "win10" }, { FIELD_STEP, NULL }, { FIELD_EVENT, "prepare" }, { NULL, NULL } },
                  "%s: %i", "win10", 7);
        assert_true(receive(fd));
        assert_str_eq(field("MESSAGE"), "win10: 7");
        assert_str_eq(field("PRIORITY"), "5");
        assert_str_eq(field("SYSLOG_IDENTIFIER"), "hookd");
        assert_str_eq(field("MESSAGE_ID"), MESSAGE_EVENT);
        assert_str_eq(field(FIELD_DOMAIN), "win10");
        assert_str_eq(field(FIELD_EVENT), "prepare");
        assert_null(field(FIELD_STEP));
        assert_true(got[got_size - 1] == '\n');
        assert_true(access(spool, F_OK) < 0);
        log_simple(LOG_DEBUG, NULL, "not wanted");
        assert_false(receive(fd));
        (void) close(fd);
}

TEST(newlines_cannot_forge)
{
        static const char value[] = "a\nPRIORITY=0\nMESSAGE=forged";
        uint64_t size;
        char *p;
        int fd;

        setup();
        fd = journal_listen();
        log_entry(LOG_INFO, NULL, (const LogField[]){ { FIELD_TARGET, value }, { NULL, NULL } }, "%s",
                  "guest\nPRIORITY=0\x1b[2J\x7f");
        assert_true(receive(fd));
        assert_str_eq(field("MESSAGE"), "guest?PRIORITY=0?[2J?");
        assert_str_eq(field("PRIORITY"), "6");
        p = memmem(got, got_size, "\n" FIELD_TARGET "\n", strlen(FIELD_TARGET) + 2);
        assert_not_null(p);
        p += strlen(FIELD_TARGET) + 2;
        memcpy(&size, p, sizeof(size));
        assert_int_eq(le64toh(size), strlen(value));
        assert_true(memcmp(p + 8, value, strlen(value)) == 0);
        assert_true(p + 8 + strlen(value) + 1 == got + got_size); /* the last field, and its newline */
        (void) close(fd);
}

TEST(too_long_is_cut)
{
        static char big[64 << 10];
        int fd;

        setup();
        fd = journal_listen();
        memset(big, 'x', sizeof(big) - 1);
        log_entry(LOG_INFO, NULL, (const LogField[]){ { FIELD_TARGET, big }, { FIELD_TO, "y" }, { NULL, NULL } }, "%s",
                  big);
        assert_true(receive(fd));
        assert_true(strlen(field("MESSAGE")) > 4000);
        assert_true(got_size <= SPOOL_RECORD_MAX && got_size > SPOOL_RECORD_MAX - 64);
        assert_true(got[got_size - 1] == '\n');
        (void) close(fd);
}

/* Without a journal, then with one that is full, then read: everything arrives once and in order. */
TEST(spooled_and_drained_in_order)
{
        char want[32];
        int fd, n = 0;

        setup();
        for (int i = 0; i < 100; i++)
                log_simple(LOG_INFO, NULL, "entry %i", i);
        assert_int_eq(log_drain(), 100);
        fd = journal_listen();
        for (int i = 100; i < 2000; i++) /* fills the queue, the rest waits */
                log_simple(LOG_INFO, NULL, "entry %i", i);
        assert_true(log_drain() > 0);
        while (n < 2000) {
                if (!receive(fd)) {
                        assert_true(log_drain() >= 0);
                        assert_true(receive(fd));
                }
                (void) snprintf(want, sizeof(want), "entry %i", n++);
                assert_str_eq(field("MESSAGE"), want);
        }
        assert_int_eq(log_drain(), 0);
        assert_false(receive(fd));
        assert_false(spool_pending(spool));
        log_simple(LOG_INFO, NULL, "after");
        assert_true(receive(fd));
        assert_str_eq(field("MESSAGE"), "after");
        assert_false(spool_pending(spool));
        (void) close(fd);
}

TEST(a_later_entry_drains)
{
        int fd;

        setup();
        log_simple(LOG_INFO, NULL, "first");
        fd = journal_listen();
        log_simple(LOG_INFO, NULL, "second");
        assert_true(receive(fd));
        assert_str_eq(field("MESSAGE"), "first");
        assert_true(receive(fd));
        assert_str_eq(field("MESSAGE"), "second");
        assert_false(receive(fd));
        (void) close(fd);
}

TEST(restarted_journal)
{
        int fd;

        setup();
        fd = journal_listen();
        log_simple(LOG_INFO, NULL, "one");
        (void) close(fd); /* the file stays: ECONNREFUSED */
        log_simple(LOG_INFO, NULL, "two");
        assert_true(spool_pending(spool));
        fd = journal_listen();
        assert_int_eq(log_drain(), 0);
        assert_true(receive(fd));
        assert_str_eq(field("MESSAGE"), "two");
        (void) close(fd);
}

TEST(full_spool_counts)
{
        static char big[15 << 10];
        struct stat st;
        int fd, entries = 0, n;

        setup();
        memset(big, 'x', sizeof(big) - 1);
        for (int i = 0; i < 1000; i++)
                log_entry(LOG_INFO, NULL, (const LogField[]){ { FIELD_TARGET, big }, { NULL, NULL } }, "entry %i", i);
        assert_ok(stat(spool, &st));
        assert_true(st.st_size <= (off_t) SPOOL_MAX && st.st_size > (off_t) SPOOL_MAX - (16 << 10));
        fd = journal_listen();
        while ((n = log_drain()) > 0)
                while (receive(fd)) {
                        char want[32];

                        (void) snprintf(want, sizeof(want), "entry %i", entries);
                        assert_str_eq(field("MESSAGE"), want);
                        entries++;
                }
        assert_int_eq(n, 0);
        while (receive(fd) && startswith(field("MESSAGE"), "entry "))
                entries++;
        n = atoi(field("MESSAGE"));
        assert_contains(field("MESSAGE"), "log entries were lost");
        assert_int_eq(entries + n, 1000);
        assert_true(n > 100);
        (void) close(fd);
}

TEST(lost_without_a_spool)
{
        int fd;

        setup();
        log_open(LOG_TO_JOURNAL, NULL, LOG_INFO);
        log_simple(LOG_INFO, NULL, "one");
        log_simple(LOG_INFO, NULL, "two");
        assert_int_eq(log_drain(), 1);
        fd = journal_listen();
        log_simple(LOG_INFO, NULL, "three");
        assert_true(receive(fd));
        assert_contains(field("MESSAGE"), "2 log entries were lost");
        assert_true(receive(fd));
        assert_str_eq(field("MESSAGE"), "three");
        (void) close(fd);
}

/* A killed writer leaves the beginning of a record anywhere; garbage may also be the file's head. */
TEST(torn_records_are_passed_over)
{
        static char whole[4096];
        int fd, file;
        ssize_t size;

        setup();
        log_simple(LOG_INFO, NULL, "first");
        file = open(spool, O_RDONLY | O_CLOEXEC);
        size = read(file, whole, sizeof(whole));
        assert_true(size > 64);
        (void) close(file);
        for (ssize_t cut = 1; cut < size; cut += 7) {
                setup();
                file = open(spool, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
                assert_ok(write_all(file, whole, (size_t) cut));
                (void) close(file);
                log_simple(LOG_INFO, NULL, "second");
                fd = journal_listen();
                assert_int_eq(log_drain(), 0);
                assert_true(receive(fd));
                assert_str_eq(field("MESSAGE"), "second");
                assert_false(receive(fd));
                (void) close(fd);
        }
        setup();
        log_simple(LOG_INFO, NULL, "first");
        log_simple(LOG_INFO, NULL, "second");
        file = open(spool, O_WRONLY | O_CLOEXEC);
        assert_int_eq(pwrite(file, "#", 1, 60), 1); /* inside the first record */
        (void) close(file);
        fd = journal_listen();
        assert_int_eq(log_drain(), 0);
        assert_true(receive(fd));
        assert_str_eq(field("MESSAGE"), "second");
        (void) close(fd);
}

/* Eight writers while one reader empties the spool again and again: nothing lost, nothing twice, each one's in order.
 */
TEST(several_processes)
{
        enum { WRITERS = 8, EACH = 200 };
        int next[WRITERS] = { 0 }, total = 0, fd;
        uint64_t deadline = now_usec() + 60 * USEC_PER_SEC;
        pid_t pids[WRITERS];

        setup();
        fd = journal_listen();
        log_simple(LOG_INFO, NULL, "hello");
        assert_true(receive(fd));
        for (int w = 0; w < WRITERS; w++) {
                pids[w] = fork();
                assert_true(pids[w] >= 0);
                if (pids[w] == 0) {
                        for (int i = 0; i < EACH; i++)
                                log_simple(LOG_INFO, NULL, "%i %i", w, i);
                        _exit(0);
                }
        }
        while (total < WRITERS * EACH && now_usec() < deadline) {
                int w, i;

                (void) log_drain();
                while (receive(fd)) {
                        assert_int_eq(sscanf(field("MESSAGE"), "%i %i", &w, &i), 2);
                        assert_true(w >= 0 && w < WRITERS);
                        assert_int_eq(i, next[w]);
                        next[w]++;
                        total++;
                }
        }
        for (int w = 0; w < WRITERS; w++) {
                int status;

                assert_true(waitpid(pids[w], &status, 0) == pids[w]);
                assert_int_eq(status, 0);
                assert_int_eq(next[w], EACH);
        }
        assert_int_eq(log_drain(), 0);
        assert_false(receive(fd));
        (void) close(fd);
}

TEST(stderr_line)
{
        char buf[256] = "";
        int p[2], saved = dup(STDERR_FILENO);

        setup();
        assert_ok(pipe(p));
        (void) dup2(p[1], STDERR_FILENO);
        log_open(LOG_TO_STDERR, NULL, LOG_INFO);
        log_entry(LOG_INFO, MESSAGE_EVENT, (const LogField[]){ { FIELD_DOMAIN, "x" }, { NULL, NULL } }, "%s", "a\nb");
        (void) dup2(saved, STDERR_FILENO);
        assert_true(read(p[0], buf, sizeof(buf) - 1) > 0);
        assert_str_eq(buf, "hookd: a?b\n");
        (void) close(saved);
        (void) close(p[0]);
        (void) close(p[1]);
}

TEST(a_planted_spool_is_not_followed)
{
        char target[80];

        setup();
        (void) snprintf(target, sizeof(target), "%s/target", dir);
        (void) unlink(target);
        assert_ok(symlink(target, spool));
        log_simple(LOG_INFO, NULL, "one");
        assert_true(access(target, F_OK) < 0);
        (void) unlink(spool);
        assert_ok(mkfifo(spool, 0600));
        log_simple(LOG_INFO, NULL, "two"); /* and does not wait for its reader */
        (void) unlink(spool);
}

/* Nor does it silence the audit, whatever is behind it. */
TEST(a_planted_spool_silences_nobody)
{
        int fd;

        setup();
        fd = journal_listen();
        assert_ok(symlink("/etc/passwd", spool));
        log_simple(LOG_INFO, NULL, "one");
        assert_true(receive(fd));
        assert_str_eq(field("MESSAGE"), "one");
        (void) unlink(spool);
        (void) close(fd);
}

TEST(cleanup)
{
        (void) unlink(sock_path);
        (void) unlink(spool);
        (void) rmdir(dir);
}

TEST_MAIN
