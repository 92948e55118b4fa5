/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/log.h"
#include "util/fd.h"
#include "util/parse.h"
#include "util/spool.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MESSAGE_MAX 4096

static LogTarget log_target = LOG_TO_NULL;
static const char *spool_path;
static int max_priority = LOG_INFO;
static const char *socket_path = "/run/systemd/journal/socket";
static int sock = -1;
static uint64_t lost; /* entries that neither the socket nor the spool took */

/* One entry of the native protocol; static, so that logging never allocates. */
static char entry[SPOOL_RECORD_MAX];
static size_t entry_size;

void log_open(LogTarget target, const char *spool, int priority)
{
        log_target = target;
        spool_path = spool;
        max_priority = priority;
}

void log_open_socket(const char *path)
{
        socket_path = path;
}

/* "NAME=value\n", or for a value with newlines "NAME\n", 64 bits of length, the value, "\n". Cut at the end of entry.
 */
static void put_field(const char *name, const char *value)
{
        size_t name_size = strlen(name), size = strlen(value), overhead = name_size + sizeof(uint64_t) + 2;
        char *p = entry + entry_size;
        uint64_t le;

        if (entry_size + overhead > sizeof(entry))
                return;
        size = MIN(size, sizeof(entry) - entry_size - overhead);
        p = mempcpy(p, name, name_size);
        if (memchr(value, '\n', size)) {
                *p++ = '\n';
                le = htole64(size);
                p = mempcpy(p, &le, sizeof(le));
        } else
                *p++ = '=';
        p = mempcpy(p, value, size);
        *p++ = '\n';
        entry_size = (size_t) (p - entry);
}

static void put_number(const char *name, int value)
{
        char buf[12];

        (void) snprintf(buf, sizeof(buf), "%i", value);
        put_field(name, buf);
}

static void put_entry(int priority, const char *message_id, const LogField *fields, const char *message)
{
        entry_size = 0;
        put_field("MESSAGE", message);
        put_number("PRIORITY", priority);
        put_field("SYSLOG_IDENTIFIER", "hookd");
        put_number("SYSLOG_PID", getpid()); /* another process may be the one that sends it */
        if (message_id)
                put_field("MESSAGE_ID", message_id);
        for (; fields && fields->name; fields++)
                if (fields->value)
                        put_field(fields->name, fields->value);
}

/* 0: the journal has it (or never will). Not connected, so a restarted journald is found again. */
static int send_datagram(const void *data, size_t size)
{
        struct sockaddr_un sa = { .sun_family = AF_UNIX };

        if (sock < 0)
                sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (sock < 0)
                return -errno;
        (void) snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", socket_path);
        if (sendto(sock, data, size, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *) &sa, sizeof(sa)) >= 0)
                return 0;
        if (errno != EMSGSIZE)
                return -errno;
        lost++; /* it would block the spool for ever */
        return 0;
}

static int send_lost(uint64_t n)
{
        char message[128];

        (void) snprintf(message, sizeof(message),
                        "%" PRIu64 " log entries were lost: the journal did not take them and the spool was full", n);
        put_entry(LOG_WARNING, MESSAGE_WARNING, NULL, message);
        return send_datagram(entry, entry_size);
}

/* As spool_drain(), then this process's own count of what was lost. */
static int drain(uint64_t *ret_left)
{
        int r = 0;

        if (ret_left)
                *ret_left = 0;
        if (spool_path && spool_pending(spool_path))
                r = spool_drain(spool_path, send_datagram, send_lost, ret_left);
        if (r != 0 || lost == 0)
                return r;
        if (send_lost(lost) < 0) {
                if (ret_left)
                        *ret_left = 1;
                return 1;
        }
        lost = 0;
        return 0;
}

static void send_entry(void)
{
        bool waiting = spool_path && spool_pending(spool_path); /* what came earlier goes first */

        if (!waiting && send_datagram(entry, entry_size) == 0)
                return;
        if (spool_path && spool_append(spool_path, entry, entry_size) >= 0)
                return;
        if (!waiting || send_datagram(entry, entry_size) < 0) /* out of order rather than not at all */
                lost++;
}

void log_entry(int priority, const char *message_id, const LogField *fields, const char *fmt, ...)
{
        static char message[MESSAGE_MAX];
        int saved = errno;
        va_list ap;

        if (log_target == LOG_TO_NULL || priority > max_priority)
                return;
        va_start(ap, fmt);
        (void) vsnprintf(message, sizeof(message), fmt, ap);
        va_end(ap);
        text_clean(message);
        if (log_target == LOG_TO_STDERR) {
                /* in one go: other processes write there, too */
                char *end = stpcpy(stpcpy(stpcpy(entry, "hookd: "), message), "\n");

                (void) write_all(STDERR_FILENO, entry, (size_t) (end - entry));
        } else {
                (void) drain(NULL);
                put_entry(priority, message_id, fields, message);
                send_entry();
        }
        errno = saved;
}

int log_drain(void)
{
        uint64_t left;
        int r;

        if (log_target != LOG_TO_JOURNAL)
                return 0;
        r = drain(&left);
        return r < 0 ? r : (int) MIN(left, (uint64_t) INT_MAX);
}
