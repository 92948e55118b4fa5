/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* libvirt's qemu hook: hands its arguments and its input to hookd and exits as hookd says, where libvirt can refuse
 * without harm. Decides only where hookd does not answer. No stdout: on migrate and restore that replaces the XML. */
#include "wire/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static WireMessage message;

static int64_t now_ms(void)
{
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static bool wait_for(int fd, short events, int64_t deadline)
{
        struct pollfd p = { .fd = fd, .events = events };
        int64_t left = deadline - now_ms();

        return left > 0 && poll(&p, 1, left < INT_MAX ? (int) left : INT_MAX) != 0;
}

/* One line on stderr, of parts that may hold anything, and no longer than what a pipe takes at once. Returns status. */
static int say(int status, const char *const *parts)
{
        static char line[PIPE_BUF];
        size_t n = 0;

        for (; *parts; parts++)
                for (const char *p = *parts; *p && n < sizeof(line) - 1; p++)
                        line[n++] = (unsigned char) *p < 0x20 || *p == 0x7f ? '?' : *p;
        line[n++] = '\n';
        while (wait_for(STDERR_FILENO, POLLOUT, now_ms() + 1000) && write(STDERR_FILENO, line, n) < 0 && errno == EINTR)
                ;
        return status;
}
#define SAY(status, ...) say((status), (const char *const[]){ "hookd: ", __VA_ARGS__, NULL })

/* A connected socket; -1 and *ret_why. */
static int reach(int64_t deadline, const char **ret_why)
{
        static const struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = WIRE_SOCKET };
        int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        while (sock >= 0 && connect(sock, (const struct sockaddr *) &sa, sizeof(sa)) < 0) {
                *ret_why = errno == EAGAIN ? "its queue is full" : "nobody listens on " WIRE_SOCKET;
                if (errno != EAGAIN || now_ms() >= deadline)
                        return -1;
                (void) poll(NULL, 0, 20); /* a full backlog cannot be polled for */
        }
        return sock;
}

enum Outcome { ANSWERED, UNREACHED, LOST };

/* Sends the request and waits for the result, which is in `message` then. */
static enum Outcome ask(const char *const *args, unsigned count, int fd, const char **ret_why)
{
        int64_t deadline = now_ms() + WIRE_ACCEPT_SEC * 1000;
        bool accepted = false;
        int sock, r;

        *ret_why = "it cannot be asked";
        if (wire_encode(&message, WIRE_HOOK, 0, args, count) < 0 || (sock = reach(deadline, ret_why)) < 0)
                return UNREACHED;
        r = wire_send(sock, &message, fd); /* there is room in a new socket */
        for (*ret_why = "it hung up";;) {
                bool late = now_ms() >= deadline;

                if (late)
                        *ret_why = accepted ? "no result in time" : "no answer within 5 s";
                /* What it sent still arrives, also behind an error, but no more: that settles who reads the XML. */
                if (late || r < 0)
                        (void) shutdown(sock, SHUT_RDWR);
                r = wire_receive(sock, &message, NULL);
                if (r == -EAGAIN)
                        r = wait_for(sock, POLLIN, deadline);
                else if (r == 0 || (r < 0 && late))
                        return accepted ? LOST : UNREACHED;
                else if (r > 0 && message.head.type == WIRE_RESULT)
                        return ANSWERED;
                else if (r > 0 && message.head.type == WIRE_ACCEPTED && !accepted) {
                        accepted = true;
                        deadline = now_ms() + ((int64_t) message.head.value + WIRE_GRACE_SEC) * 1000;
                }
        }
}

/* Reads domain XML a tag at a time, kept as "hostdev mode='subsystem' type='pci' " whatever its blanks and quotes. */
typedef struct Scan {
        char tag[256], quote, last[2];
        size_t len;
        bool inside, begun, ended, found;
} Scan;

static void scan_tag(Scan *s)
{
        bool cut = s->len >= sizeof(s->tag) - 2; /* what is missing may say it */

        s->begun = s->begun || strncmp(s->tag, "domain ", 7) == 0;
        s->ended = strncmp(s->tag, "/domain ", 8) == 0; /* the last tag decides */
        if (strncmp(s->tag, "hostdev ", 8) == 0)
                s->found = s->found || cut || strstr(s->tag, " type='pci'") || strstr(s->tag, " type='mdev'");
        else if (strncmp(s->tag, "interface ", 10) == 0)
                s->found = s->found || cut || strstr(s->tag, " type='hostdev'");
}

static void scan(Scan *s, char c)
{
        char before = s->len > 0 ? s->tag[s->len - 1] : 0;
        bool blank = !s->quote && (c == ' ' || c == '\t' || c == '\n' || c == '\r');

        if (!s->inside) {
                if (c == '<')
                        *s = (Scan){ .inside = true, .begun = s->begun, .ended = s->ended, .found = s->found };
                return;
        }
        if (s->tag[0] == '!' || s->tag[0] == '?') { /* <!-- … -->, <![CDATA[ … ]]>: whatever they hold */
                char end = s->tag[1] == '-' ? '-' : s->tag[1] == '[' ? ']' : 0;

                s->inside = c != '>' || (end && (s->last[0] != end || s->last[1] != end));
                s->last[0] = s->last[1];
                s->last[1] = c;
        } else if (c == '>' && !s->quote) {
                s->tag[s->len] = ' ';
                scan_tag(s);
                s->inside = false;
        } else if (c == s->quote || (!s->quote && (c == '\'' || c == '"'))) {
                s->quote = s->quote ? 0 : c;
                c = '\'';
        } else if (c == '\'')
                c = '"';
        if (!s->quote && c == '=' && before == ' ')
                s->len--;
        if (s->len < sizeof(s->tag) - 2 && !(blank && (before == ' ' || before == '=')))
                s->tag[s->len++] = blank ? ' ' : c;
}

/* Whether the domain is given a host device; also when its XML cannot be read to the end in time. */
static bool may_pass_through(void)
{
        /* a description of our own where possible: non-blocking, should anybody else read the same pipe */
        int own = open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY), fd = own < 0 ? 0 : own;
        int64_t deadline = now_ms() + 5000;
        Scan s = { .inside = false };
        ssize_t n = 1, total = 0;
        char buf[4096];

        while (n != 0 && total < 64 << 20 && wait_for(fd, POLLIN, deadline)) {
                n = read(fd, buf, sizeof(buf));
                if (n < 0 && errno != EAGAIN && errno != EINTR)
                        break;
                total += n;
                for (ssize_t i = 0; i < n; i++)
                        scan(&s, buf[i]);
        }
        return s.found || !s.begun || !s.ended;
}

int main(int argc, char **argv)
{
        const char *name = argv[1], *op = argc == 5 ? argv[2] : "", *why;
        bool prepare = strcmp(op, "prepare") == 0;
        enum Outcome outcome;

        if (argc < 2 || argc > 1 + WIRE_MAX_STRINGS)
                return 0;
        (void) signal(SIGPIPE, SIG_IGN);
        outcome = ask((const char *const *) argv + 1, (unsigned) argc - 1, fcntl(0, F_GETFD) < 0 ? -1 : 0, &why);
        if (outcome == ANSWERED) {
                const char *text = message.strings[0] ? message.strings[0] : "";
                int status = message.head.value != 0 && *op && strstr(" prepare start migrate restore ", op);

                return *text ? SAY(status, text) : status ? SAY(status, "refused ", name) : 0;
        }
        if (!prepare)
                return SAY(0, op, " of ", name, " was not dealt with: the daemon does not answer (", why, ")");
        if (outcome == LOST)
                return SAY(1, "refused ", name, ": the daemon accepted it and was lost (", why,
                           "); `journalctl -t hookd` may say why, `hookctl status` what is held");
        if (!may_pass_through())
                return SAY(0, name, " starts without hookd, whose daemon does not answer (", why, ")");
        return SAY(1, "refused ", name, ": the hookd daemon does not answer (", why,
                   "); start it with: systemctl start hookd.socket; `hookctl disable` removes the hook");
}
