/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preloaded into hookd-worker by guest/crash.sh: counts the boundaries of a transaction and kills at one of them.
 *
 * A boundary is a moment between two things that a crash may separate: after a line of the journal is there (after an
 * intent, after a completion), before one that says that something was done (after its effect), before and after a file of
 * the journal gets its name or goes, after the answer. In a hand: before its call and after it, before it says so.
 *
 * /run/lab/crash/VERB says what the next worker of that verb does, and is used up by it:
 *     count                        every boundary is written to VERB.points
 *     journal N worker|daemon|both kills at the Nth of the journal
 *     hand N                       the hand, at its Nth
 * What was killed is written to VERB.hit. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FOLDER "/run/lab/crash"

static char verb[32], mode[16], victim[16], last[64] = "the start";
static int target, points, hands, client_fd = -1, in_hand;

static void record(const char *what, const char *text)
{
	char path[96], line[160];
	int fd, n;

	snprintf(path, sizeof(path), FOLDER "/%s.%s", verb, what);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	n = snprintf(line, sizeof(line), "%s\n", text);
	if (fd < 0 || syscall(SYS_write, fd, line, n) != n)
		abort();
	close(fd);
}

/* A boundary of the journal. */
static void point(const char *when, const char *what)
{
	char text[96];

	if (in_hand || !*mode)
		return;
	points++;
	snprintf(text, sizeof(text), "journal %d %s %s", points, when, what);
	if (!strcmp(mode, "count"))
		record("points", text);
	if (strcmp(mode, "journal") || points != target)
		return;
	record("hit", text);
	if (strcmp(victim, "worker"))
		kill(getppid(), SIGKILL);
	if (strcmp(victim, "daemon"))
		kill(getpid(), SIGKILL);
}

static void hand_point(const char *when)
{
	char text[128];

	snprintf(text, sizeof(text), "hand %d %s its call, after %.60s", ++hands, when, last);
	if (!strcmp(mode, "count"))
		record("points", text);
	if (strcmp(mode, "hand") || hands != target)
		return;
	record("hit", text);
	kill(getpid(), SIGKILL);
}

static int is_log(int fd)
{
	char path[32], link[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	return n > 4 && strstr(link, "/hookd-txn/") && !strcmp(link + n - 4, "/log");
}

ssize_t write(int fd, const void *data, size_t size)
{
	char word[16] = "", index[16] = "", line[64];
	struct stat st;
	ssize_t n;
	int e;

	if (*mode && in_hand == 1 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)) {
		in_hand = 2;
		hand_point("after");
	}
	if (!*mode || in_hand || !is_log(fd))
		return syscall(SYS_write, fd, data, size);
	snprintf(line, sizeof(line), "%.*s", (int)size, (const char *)data);
	sscanf(line, "%*s %15s %15s", word, index);
	snprintf(line, sizeof(line), "%s %s", word, index);
	if (!strcmp(word, "done") || !strcmp(word, "undone") || strstr(word, "fail"))
		point("before", line);
	n = syscall(SYS_write, fd, data, size);
	e = errno;
	if (n == (ssize_t)size) {
		snprintf(last, sizeof(last), "%s", line);
		point("after", line);
	}
	errno = e;
	return n;
}

static int is_journal_file(const char *name)
{
	return !strcmp(name, "log") || !strcmp(name, "owner") || !strcmp(name, "plan") || !strcmp(name, "lock");
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	int r, e;

	if (is_journal_file(to))
		point("before", to);
	r = (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
	e = errno;
	if (r == 0 && is_journal_file(to))
		point("after", to);
	errno = e;
	return r;
}

int mkdirat(int fd, const char *path, mode_t m)
{
	int r = (int)syscall(SYS_mkdirat, fd, path, m), e = errno;

	if (r == 0)
		point("after", "mkdir");
	errno = e;
	return r;
}

int unlinkat(int fd, const char *path, int flags)
{
	int r = (int)syscall(SYS_unlinkat, fd, path, flags), e = errno;

	if (r == 0 && is_journal_file(path))
		point("after removal of", path);
	errno = e;
	return r;
}

int rmdir(const char *path)
{
	int r = (int)syscall(SYS_rmdir, path), e = errno;

	if (r == 0)
		point("after removal of", "the folder");
	errno = e;
	return r;
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	ssize_t n = syscall(SYS_sendmsg, fd, m, flags);
	int e = errno;

	if (n >= 0 && fd == client_fd) {
		client_fd = -1;	/* its number may be another's soon */
		point("after", "the answer");
	}
	errno = e;
	return n;
}

pid_t fork(void)
{
	pid_t (*next)(void) = (pid_t(*)(void))dlsym(RTLD_NEXT, "fork");
	pid_t pid = next();

	if (!*mode || in_hand)
		return pid;
	if (pid != 0) {
		if (pid > 0)
			hands += 2;	/* the child counts its own */
		return pid;
	}
	in_hand = 1;
	hand_point("before");
	return 0;
}

__attribute__((constructor)) static void start(int argc, char **argv)
{
	char path[96], text[64] = "";
	int fd, i;
	ssize_t n;

	if (argc < 2)
		return;
	snprintf(verb, sizeof(verb), "%s", argv[1]);
	snprintf(path, sizeof(path), FOLDER "/%s", verb);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	unlink(path);
	if (n > 0 && sscanf(text, "%15s %d %15s", mode, &target, victim) < 1)
		*mode = '\0';
	for (i = 2; i < argc; i++)
		sscanf(argv[i], "--client-fd=%d", &client_fd);
}
