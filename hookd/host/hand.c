/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/hand.h"
#include "util/fd.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* How long a hand that was killed may take to die before it counts as in flight. */
#define HAND_KILL_USEC (500 * USEC_PER_MSEC)
#define HAND_MAX_KEEP  4
#define STACK_FRAMES   6

static int kept_fds[HAND_MAX_KEEP + 1] = { -1 };

void hand_keep_fds(const int *fds)
{
        size_t n = 0;

        for (; fds && fds[n] >= 0 && n < HAND_MAX_KEEP; n++)
                kept_fds[n] = fds[n];
        kept_fds[n] = -1;
}

static char *marked;

void hand_mark(char *argv0)
{
        marked = argv0;
}

static bool fd_is_kept(int fd, int wr)
{
        if (fd == wr)
                return true;
        for (const int *k = kept_fds; *k >= 0; k++)
                if (*k == fd)
                        return true;
        return false;
}

/* 0 to 2 become /dev/null: a library that writes to stderr must not write into whatever was opened there since. */
static void close_others(int wr)
{
        unsigned from = 0;
        int null;

        for (;;) {
                int next = wr >= (int) from ? wr : INT_MAX;

                for (const int *k = kept_fds; *k >= 0; k++)
                        if (*k >= (int) from)
                                next = MIN(next, *k);
                if ((unsigned) next > from)
                        (void) syscall(SYS_close_range, from, next == INT_MAX ? UINT_MAX : (unsigned) next - 1, 0);
                if (next == INT_MAX)
                        break;
                from = (unsigned) next + 1;
        }

        null = open("/dev/null", O_RDWR);
        for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
                if (fd != null && !fd_is_kept(fd, wr))
                        (void) dup2(null, fd);
        if (null > STDERR_FILENO)
                (void) close(null);
}

static void reset_signals(void)
{
        struct sigaction action = { .sa_handler = SIG_DFL };
        sigset_t none;

        for (int s = 1; s < _NSIG; s++)
                (void) sigaction(s, &action, NULL); /* fails for SIGKILL and SIGSTOP */
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
}

/* No PR_SET_PDEATHSIG: while the call is in flight it must keep the transaction's lock, whoever died meanwhile. */
static _Noreturn void hand_child(HandFunction fn, void *arg, int wr, char *output, size_t output_max)
{
        int code;

        reset_signals();
        close_others(wr);
        if (marked && *marked)
                *marked = '@';
        (void) prctl(PR_SET_NAME, "hookd-hand"); /* for ps */
        code = fn(arg, output, output_max);
        if (write_all(wr, &code, sizeof(code)) >= 0 && output_max > 0)
                (void) write_all(wr, output, output_max);
        _exit(EXIT_SUCCESS);
}

/* 0: all of it; -ECHILD: it ended before; -ETIMEDOUT. */
static int read_result(int fd, uint64_t deadline, void *to, size_t size)
{
        while (size > 0) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                ssize_t n;

                n = poll(&p, 1, usec_to_poll(deadline));
                if (n < 0) {
                        if (errno != EINTR)
                                return -errno;
                        if (now_usec() < deadline)
                                continue;
                        return -ETIMEDOUT;
                }
                if (n == 0) {
                        if (now_usec() < deadline)
                                continue;
                        return -ETIMEDOUT;
                }
                n = read(fd, to, size);
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n == 0)
                        return -ECHILD;
                if (n > 0) {
                        to = (char *) to + n;
                        size -= (size_t) n;
                }
        }
        return 0;
}

/* Waits until the child has ended and reaps it. False: it still runs. */
static bool hand_reap(pid_t pid, uint64_t deadline)
{
        _cleanup_close_ int fd = (int) syscall(SYS_pidfd_open, pid, 0);

        for (;;) {
                struct pollfd p = { .fd = fd, .events = POLLIN };

                if (!hand_in_flight(pid))
                        return true;
                if (fd < 0 || now_usec() >= deadline)
                        return false;
                (void) poll(&p, 1, usec_to_poll(deadline));
        }
}

int hand_run(HandFunction fn, void *arg, uint64_t deadline, char *output, size_t output_max, pid_t *ret_pid)
{
        _cleanup_close_ int rd = -1, wr = -1;
        int p[2], code = 0, r;
        uint64_t now;
        pid_t pid;

        *ret_pid = 0;
        if (output_max > 0)
                memset(output, 0, output_max);

        if (pipe2(p, O_CLOEXEC) < 0)
                return -errno;
        rd = p[0];
        wr = p[1];

        (void) fflush(NULL);
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                hand_child(fn, arg, wr, output, output_max);

        (void) close(TAKE_FD(wr));
        r = read_result(rd, deadline, &code, sizeof(code));
        if (r >= 0 && output_max > 0)
                r = read_result(rd, deadline, output, output_max);

        /* A hand that has answered is about to exit, but only one that has exited is no longer in flight. */
        now = now_usec();
        if ((r >= 0 || r == -ECHILD) && hand_reap(pid, MAX(deadline, now + HAND_KILL_USEC)))
                return r < 0 ? r : code;

        (void) kill(pid, SIGKILL);
        if (!hand_reap(pid, now_usec() + HAND_KILL_USEC))
                *ret_pid = pid;
        return r < 0 && r != -ECHILD ? r : -ETIMEDOUT;
}

bool hand_in_flight(pid_t pid)
{
        pid_t r;

        do
                r = waitpid(pid, NULL, WNOHANG);
        while (r < 0 && errno == EINTR);
        return r == 0;
}

/* "[<0>] nv_remove+0x1c/0x90 [nvidia]" -> "nv_remove [nvidia]", appended to buf. */
static size_t put_frame(char *line, char *buf, size_t size)
{
        char *name = startswith(line, "[<") ? strchr(line, ' ') : NULL, *plus, *module;

        if (!name || !(plus = strchr(++name, '+')))
                return 0;
        module = strstr(plus, " [");
        *plus = '\0';
        return (size_t) snprintf(buf, size, "%s%s", name, module ? module : "");
}

/* The kernel unwinds a task that is asleep without waiting for it (fs/proc/base.c: proc_pid_stack). */
bool hand_stack(pid_t pid, char *buf, size_t size)
{
        _cleanup_free_ char *text = NULL;
        char path[32], *rest, *line;
        size_t used = 0;

        *buf = '\0';
        (void) snprintf(path, sizeof(path), "/proc/%i/stack", (int) pid);
        if (read_file_at(AT_FDCWD, path, 16 << 10, &text, NULL) < 0)
                return false;
        rest = text;
        for (int frames = 0; frames < STACK_FRAMES && (line = strsep(&rest, "\n"));) {
                char frame[160];

                if (put_frame(line, frame, sizeof(frame)) == 0)
                        continue;
                if (used + strlen(frame) + 5 > size)
                        break;
                used += (size_t) snprintf(buf + used, size - used, "%s%s", frames++ > 0 ? " <- " : "", frame);
        }
        return used > 0;
}
