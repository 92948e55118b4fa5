/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeps files in use until it is killed: holder [--mmap] [--term] PATH...  Says "ready" when it has them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int map = 0, term = 0, i;

	for (i = 1; i < argc && !strncmp(argv[i], "--", 2); i++) {
		map |= !strcmp(argv[i], "--mmap");	/* mapped, with no descriptor left */
		term |= !strcmp(argv[i], "--term");	/* SIGTERM ends it */
	}
	if (i == argc) {
		fprintf(stderr, "usage: holder [--mmap] [--term] PATH...\n");
		return 2;
	}
	if (!term)
		signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);

	for (; i < argc; i++) {
		int fd = open(argv[i], O_RDWR);

		if (fd < 0)
			fd = open(argv[i], O_RDONLY);
		if (fd < 0 || (map && mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)) {
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
