/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeps files in use until it is killed: holder [--mmap] [--hidden] [--term] PATH...  Says "ready" when it has them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Open, but in nobody's table of descriptors: in a message that is never received. */
static int hide(int fd)
{
	static int pair[2] = { -1, -1 };
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(fd))];
	} control = { .head = { CMSG_LEN(sizeof(fd)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec iov = { "", 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	if ((pair[0] < 0 && socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0) || sendmsg(pair[0], &m, 0) < 0)
		return -1;
	return close(fd);
}

int main(int argc, char **argv)
{
	int map = 0, term = 0, hidden = 0, i;

	for (i = 1; i < argc && !strncmp(argv[i], "--", 2); i++) {
		map |= !strcmp(argv[i], "--mmap");	/* mapped, with no descriptor left */
		hidden |= !strcmp(argv[i], "--hidden");	/* open, and no search of /proc shows it */
		term |= !strcmp(argv[i], "--term");	/* SIGTERM ends it */
	}
	if (i == argc) {
		fprintf(stderr, "usage: holder [--mmap] [--hidden] [--term] PATH...\n");
		return 2;
	}
	if (!term)
		signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);

	for (; i < argc; i++) {
		int fd = open(argv[i], O_RDWR);

		if (fd < 0)
			fd = open(argv[i], O_RDONLY);
		if (fd < 0 || (map && mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED) || (hidden && hide(fd) < 0)) {
			fprintf(stderr, "holder: %s: %s\n", argv[i], strerror(errno));
			return 1;
		}
		if (map)
			close(fd);
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
