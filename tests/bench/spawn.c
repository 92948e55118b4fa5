/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/bench.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { IN, OUT, ERR, STREAMS };

/* About as long as what libvirt sends for a desktop guest. */
static const char *domain_xml(size_t *ret_size)
{
        static char text[8192];
        static size_t n;

        if (n == 0) {
                n = (size_t) snprintf(text, sizeof(text), "<domain type='kvm'>\n  <name>nobody</name>\n  <devices>\n");
                for (unsigned i = 0; i < 40; i++)
                        n += (size_t) snprintf(text + n, sizeof(text) - n,
                                               "    <disk type='file' device='disk'><source file='/srv/%u.qcow2'/>"
                                               "<target dev='vd%u' bus='virtio'/><address type='pci'/></disk>\n",
                                               i, i);
                n += (size_t) snprintf(text + n, sizeof(text) - n, "  </devices>\n</domain>\n");
        }
        *ret_size = n;
        return text;
}

static pid_t start(const char *const *argv, int streams[STREAMS])
{
        static const char *const environment[] = { "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
        int pipes[STREAMS][2], theirs[STREAMS];
        pid_t pid;

        for (unsigned i = 0; i < STREAMS; i++) {
                if (pipe2(pipes[i], O_CLOEXEC) < 0)
                        bench_fail("no pipe: %m");
                theirs[i] = pipes[i][i == IN ? 0 : 1];
                streams[i] = pipes[i][i == IN ? 1 : 0];
                (void) fcntl(streams[i], F_SETFL, O_NONBLOCK);
        }
        pid = fork();
        if (pid < 0)
                bench_fail("cannot fork: %m");
        if (pid == 0) {
                (void) signal(SIGPIPE, SIG_DFL);
                for (int i = 0; i < STREAMS; i++)
                        if (dup2(theirs[i], i) < 0)
                                _exit(126);
                (void) execve(argv[0], (char *const *) argv, (char *const *) environment);
                _exit(127);
        }
        for (unsigned i = 0; i < STREAMS; i++)
                (void) close(theirs[i]);
        return pid;
}

static void end_stream(struct pollfd *p)
{
        (void) close(p->fd);
        p->fd = -1;
}

static void feed(struct pollfd *p, size_t *done)
{
        size_t size;
        const char *xml = domain_xml(&size);
        ssize_t n = write(p->fd, xml + *done, size - *done);

        if (n > 0)
                *done += (size_t) n;
        if (*done == size || (n < 0 && errno != EAGAIN && errno != EINTR)) /* EPIPE: it does not want to know */
                end_stream(p);
}

/* Feeds and listens until both outputs are at their end. */
static bool talk(int streams[STREAMS], char *said, size_t room)
{
        struct pollfd p[STREAMS];
        size_t fed = 0, heard = 0;

        for (unsigned i = 0; i < STREAMS; i++)
                p[i] = (struct pollfd){ .fd = streams[i], .events = i == IN ? POLLOUT : POLLIN };
        while (p[OUT].fd >= 0 || p[ERR].fd >= 0) {
                int n = poll(p, STREAMS, PATIENCE_MSEC);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        break;
                if (p[IN].fd >= 0 && p[IN].revents)
                        feed(&p[IN], &fed);
                for (unsigned i = OUT; i < STREAMS; i++) {
                        char buf[1024];
                        ssize_t got;

                        if (p[i].fd < 0 || !p[i].revents)
                                continue;
                        got = read(p[i].fd, buf, sizeof(buf));
                        if (got == 0)
                                end_stream(&p[i]);
                        for (ssize_t k = 0; k < got && heard < room - 1; k++)
                                said[heard++] = buf[k];
                }
        }
        said[heard] = '\0';
        if (p[IN].fd >= 0)
                end_stream(&p[IN]);
        return p[OUT].fd < 0 && p[ERR].fd < 0;
}

uint64_t hook_run(const char *const *argv)
{
        uint64_t begun = now_nsec(), took;
        int streams[STREAMS], status = 0;
        pid_t pid = start(argv, streams);
        char said[512];

        if (!talk(streams, said, sizeof(said))) {
                (void) kill(pid, SIGKILL);
                (void) waitpid(pid, &status, 0);
                bench_fail("%s did not end within %i s", argv[0], PATIENCE_MSEC / 1000);
        }
        (void) waitpid(pid, &status, 0);
        took = now_nsec() - begun;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || *said)
                bench_fail("%s ended with wait status %#x and said: %s", argv[0], (unsigned) status, said);
        return took;
}

uint64_t hooks_run_at_once(const char *const *argv, unsigned count, Samples *each)
{
        uint64_t *took = mmap(NULL, count * sizeof(*took), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        uint64_t begun;
        int ready[2], gate[2], status;
        char c;

        if (took == MAP_FAILED || pipe2(ready, O_CLOEXEC) < 0 || pipe2(gate, O_CLOEXEC) < 0)
                bench_fail("cannot prepare %u hooks: %m", count);
        (void) fflush(NULL);
        for (unsigned i = 0; i < count; i++) {
                pid_t pid = fork();

                if (pid < 0)
                        bench_fail("cannot fork: %m");
                if (pid > 0)
                        continue;
                (void) close(gate[1]);
                (void) close(ready[0]);
                took[i] = 0;
                (void) close(ready[1]); /* all closed: all stand at the gate */
                (void) read(gate[0], &c, 1);
                took[i] = hook_run(argv);
                _exit(0);
        }
        (void) close(ready[1]);
        (void) read(ready[0], &c, 1);
        begun = now_nsec();
        (void) close(gate[1]);
        for (unsigned i = 0; i < count; i++)
                if (wait(&status) < 0 || status != 0)
                        bench_fail("one of %u hooks at once failed", count);
        begun = now_nsec() - begun;
        for (unsigned i = 0; i < count; i++)
                samples_add(each, took[i]);
        (void) close(ready[0]);
        (void) close(gate[0]);
        (void) munmap(took, count * sizeof(*took));
        return begun;
}
