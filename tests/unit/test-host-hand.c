/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/hand.h"
#include "host/host-real.h"
#include "util/fd.h"

#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

static void assert_no_child(void)
{
        assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_eq(errno, ECHILD);
}

static uint64_t soon(void)
{
        return now_usec() + 20 * USEC_PER_SEC;
}

static int return_arg(void *arg, char *output, size_t output_max)
{
        return *(int *) arg;
}

TEST(returns_what_fn_returned)
{
        const int codes[] = { 0, -EBUSY, -EIO, -ETIMEDOUT, 7 };

        for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
                pid_t pid = 42;

                assert_int_eq(hand_run(return_arg, (void *) (codes + i), soon(), NULL, 0, &pid), codes[i]);
                assert_int_eq(pid, 0);
        }
        assert_no_child();
}

static int fill(void *arg, char *output, size_t output_max)
{
        memset(output, 'x', output_max - 1);
        return 0;
}

static int say(void *arg, char *output, size_t output_max)
{
        (void) snprintf(output, output_max, "%s", (char *) arg);
        return 0;
}

TEST(output)
{
        char small[16] = "dirty";
        size_t size = 300 * 1024; /* more than a pipe holds */
        _cleanup_free_ char *large = malloc(size);
        pid_t pid;

        assert_ok(hand_run(say, (char *) "nvidia", soon(), small, sizeof(small), &pid));
        assert_str_eq(small, "nvidia");
        assert_ok(hand_run(say, (char *) "", soon(), small, sizeof(small), &pid));
        assert_str_eq(small, "");
        assert_ok(hand_run(fill, NULL, soon(), large, size, &pid));
        assert_int_eq(strlen(large), size - 1);
        assert_no_child();
}

static int block(void *arg, char *output, size_t output_max)
{
        int p[2];
        char c;

        (void) signal(SIGTERM, SIG_IGN);
        if (pipe(p) < 0)
                return -errno;
        return (int) read(p[0], &c, 1);
}

TEST(one_that_never_returns)
{
        uint64_t start = now_usec();
        pid_t pid = 42;

        assert_int_eq(hand_run(block, NULL, start + 200 * USEC_PER_MSEC, NULL, 0, &pid), -ETIMEDOUT);
        assert_true(now_usec() - start >= 200 * USEC_PER_MSEC);
        assert_true(now_usec() - start < 5 * USEC_PER_SEC);
        assert_int_eq(pid, 0); /* killed and gone: nothing is in flight */
        assert_no_child();
}

TEST(deadline_in_the_past)
{
        pid_t pid;

        assert_int_eq(hand_run(block, NULL, 1, NULL, 0, &pid), -ETIMEDOUT);
        assert_no_child();
}

static int die(void *arg, char *output, size_t output_max)
{
        if (arg)
                (void) raise(SIGKILL);
        _exit(0);
}

static int look_at_name(void *arg, char *output, size_t output_max)
{
        _cleanup_free_ char *cmdline = NULL, *comm = NULL;

        if (read_file_at(AT_FDCWD, "/proc/self/cmdline", 1 << 20, &cmdline, NULL) < 0 ||
            read_file_at(AT_FDCWD, "/proc/self/comm", 64, &comm, NULL) < 0)
                return -EIO;
        (void) snprintf(output, output_max, "%c %s", *cmdline, comm);
        return 0;
}

/* What systemd-shutdown looks at: the first byte of the command line. */
TEST(is_marked)
{
        char *argv0 = program_invocation_name, first = *argv0, seen[64];
        pid_t pid;

        hand_mark(argv0);
        assert_ok(hand_run(look_at_name, NULL, soon(), seen, sizeof(seen), &pid));
        hand_mark(NULL);
        assert_true(startswith(seen, "@ hookd-hand"));
        assert_int_eq(*argv0, first); /* the child's alone */
        assert_ok(hand_run(look_at_name, NULL, soon(), seen, sizeof(seen), &pid));
        assert_int_eq(*seen, first);
}

TEST(where_it_waits)
{
        char text[384] = "dirty", small[12];
        pid_t pid = fork();

        if (pid == 0) {
                (void) pause();
                _exit(0);
        }
        (void) poll(NULL, 0, 50);
        /* it takes CAP_SYS_ADMIN, and a kernel that can */
        if (hand_stack(pid, text, sizeof(text))) {
                assert_true(*text && !strchr(text, '+') && !strstr(text, "[<") && !strchr(text, '\n'));
                assert_false(hand_stack(pid, small, sizeof(small)) && strlen(small) >= sizeof(small));
        } else
                assert_str_eq(text, "");
        assert_ok(kill(pid, SIGKILL));
        assert_int_eq(waitpid(pid, NULL, 0), pid);
        assert_false(hand_stack(pid, text, sizeof(text)));
        assert_str_eq(text, "");
}

TEST(one_that_dies)
{
        pid_t pid;

        assert_int_eq(hand_run(die, NULL, soon(), NULL, 0, &pid), -ECHILD);
        assert_int_eq(hand_run(die, (char *) "", soon(), NULL, 0, &pid), -ECHILD);
        assert_int_eq(pid, 0);
        assert_no_child();
}

static int look_at_fds(void *arg, char *output, size_t output_max)
{
        size_t n = 0;

        for (int fd = 0; fd < 1024 && n + 1 < output_max; fd++)
                if (fcntl(fd, F_GETFD) >= 0) {
                        char path[32], target[64];
                        ssize_t len;

                        (void) snprintf(path, sizeof(path), "/proc/self/fd/%i", fd);
                        len = readlink(path, target, sizeof(target) - 1);
                        target[len < 0 ? 0 : len] = '\0';
                        n += (size_t) snprintf(output + n, output_max - n, "%i=%s ", fd,
                                               startswith(target, "pipe:") ? "pipe" : target);
                }
        return 0;
}

TEST(descriptors)
{
        char seen[512], expected[512];
        int a = open("/dev/zero", O_RDONLY), b = open("/dev/zero", O_RDONLY), c = open("/dev/full", O_RDONLY);
        int p[2];
        pid_t pid;

        assert_ok(c);
        assert_ok(pipe(p)); /* the hand's own pipe comes at p[1] + 1 and + 2 */
        hand_keep_fds((int[]){ c, -1 });
        assert_ok(hand_run(look_at_fds, NULL, soon(), seen, sizeof(seen), &pid));
        (void) snprintf(expected, sizeof(expected), "0=/dev/null 1=/dev/null 2=/dev/null %i=/dev/full %i=pipe ", c,
                        p[1] + 2);
        assert_str_eq(seen, expected);

        hand_keep_fds((int[]){ b, a, -1 });
        assert_ok(hand_run(look_at_fds, NULL, soon(), seen, sizeof(seen), &pid));
        (void) snprintf(expected, sizeof(expected),
                        "0=/dev/null 1=/dev/null 2=/dev/null %i=/dev/zero %i=/dev/zero %i=pipe ", a, b, p[1] + 2);
        assert_str_eq(seen, expected);

        hand_keep_fds(NULL);
        assert_ok(hand_run(look_at_fds, NULL, soon(), seen, sizeof(seen), &pid));
        (void) snprintf(expected, sizeof(expected), "0=/dev/null 1=/dev/null 2=/dev/null %i=pipe ", p[1] + 2);
        assert_str_eq(seen, expected);
        closep(&a);
        closep(&b);
        closep(&c);
        closep(&p[0]);
        closep(&p[1]);
}

static int look_at_signals(void *arg, char *output, size_t output_max)
{
        struct sigaction action;
        sigset_t mask;

        (void) sigaction(SIGTERM, NULL, &action);
        (void) sigprocmask(SIG_SETMASK, NULL, &mask);
        (void) snprintf(output, output_max, "%s %s", action.sa_handler == SIG_DFL ? "default" : "handled",
                        sigismember(&mask, SIGUSR1) ? "blocked" : "open");
        return 0;
}

static void nothing(int s)
{
}

TEST(signals)
{
        char seen[32];
        sigset_t mask, old;
        pid_t pid;

        (void) signal(SIGTERM, nothing);
        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGUSR1);
        (void) sigprocmask(SIG_BLOCK, &mask, &old);
        assert_ok(hand_run(look_at_signals, NULL, soon(), seen, sizeof(seen), &pid));
        (void) sigprocmask(SIG_SETMASK, &old, NULL);
        (void) signal(SIGTERM, SIG_DFL);
        assert_str_eq(seen, "default open");
}

TEST(in_flight)
{
        pid_t pid = fork();
        siginfo_t info;

        if (pid == 0) {
                (void) pause();
                _exit(0);
        }
        assert_true(hand_in_flight(pid));
        assert_ok(kill(pid, SIGKILL));
        assert_ok(waitid(P_PID, (id_t) pid, &info, WEXITED | WNOWAIT));
        assert_false(hand_in_flight(pid)); /* and reaped */
        assert_no_child();
        assert_false(hand_in_flight(pid)); /* nobody's child any more */
}

static int die_once(void *arg, char *output, size_t output_max)
{
        char c;

        /* one byte for every life but the last */
        if (read(*(int *) arg, &c, 1) == 1)
                (void) raise(SIGKILL);
        return -EBUSY;
}

TEST(one_that_was_killed_is_sent_again_once)
{
        Host *h = NULL;
        Fault f = { 0 };
        int p[2];

        assert_ok(host_new("/", &h, &f));
        h->deadline = soon();
        assert_ok(pipe2(p, O_CLOEXEC | O_NONBLOCK));
        hand_keep_fds((const int[]){ p[0], -1 });
        assert_int_eq(write(p[1], "1", 1), 1);
        assert_int_eq(real_hand(h, die_once, &p[0], NULL, 0, "test of", "nothing"), -EBUSY);
        assert_int_eq(write(p[1], "12", 2), 2);
        assert_int_eq(real_hand(h, die_once, &p[0], NULL, 0, "test of", "nothing"), -ECHILD);
        assert_false(h->stuck);
        hand_keep_fds(NULL);
        (void) close(p[0]);
        (void) close(p[1]);
        host_free(h);
        assert_no_child();
}

TEST_MAIN
