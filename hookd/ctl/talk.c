/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/talk.h"

#include "util/fd.h"
#include "wire/wire.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

static int connect_to(const char *path, Fault *f)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = -1;

        if (strlen(path) >= sizeof(address.sun_path))
                return fault_set(f, -ENAMETOOLONG, path, "the path of the socket is too long: %s", path);
        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return fault_set(f, -errno, path, "cannot make a socket: %s", fault_errno(-errno));
        if (connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0)
                return TAKE_FD(fd);
        switch (errno) {
        case ENOENT:
        case ECONNREFUSED:
                return fault_set(
                        f, -ENOENT, path,
                        "hookd is not running: nothing listens on %s; `systemctl start hookd.socket` starts it", path);
        case EACCES:
        case EPERM:
                return fault_set(f, -EACCES, path, "hookd answers root only: try again with sudo");
        default:
                return fault_set(f, -errno, path, "cannot reach hookd on %s: %s", path, fault_errno(-errno));
        }
}

/* The next message. */
static int receive(int fd, WireMessage *m, uint64_t deadline, Fault *f)
{
        for (;;) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                int r = wire_receive(fd, m, NULL);

                if (r > 0)
                        return 0;
                if (r == 0)
                        return fault_set(
                                f, -ECONNRESET, NULL,
                                "hookd ended the connection without an answer: `journalctl -t hookd` may tell why");
                if (r != -EAGAIN)
                        return fault_set(f, r, NULL, "cannot read hookd's answer: %s", fault_errno(r));
                if (now_usec() >= deadline)
                        return fault_set(f, -ETIMEDOUT, NULL,
                                         "hookd did not answer in time: `hookctl status` shows what it is doing");
                if (poll(&p, 1, usec_to_poll(deadline)) < 0 && errno != EINTR)
                        return fault_set(f, -errno, NULL, "cannot wait for hookd: %s", fault_errno(-errno));
        }
}

static int not_understood(Fault *f)
{
        return fault_set(f, -EPROTO, NULL,
                         "hookd's answer is not understood: hookctl and hookd are of different versions; "
                         "`systemctl restart hookd.service`");
}

int talk_answer(int fd, uint64_t usec, TalkLine fn, void *userdata, Fault *f)
{
        uint64_t deadline = now_usec() + usec;
        WireMessage m;
        int r;

        for (;;) {
                r = receive(fd, &m, deadline, f);
                if (r < 0)
                        return r;
                if (m.head.type == WIRE_ACCEPTED)
                        deadline = now_usec() + ((uint64_t) m.head.value + WIRE_GRACE_SEC) * USEC_PER_SEC;
                else if (m.head.type == WIRE_TEXT && m.head.count == 1)
                        fn(userdata, m.strings[0]);
                else if (m.head.type == WIRE_RESULT && m.head.count == 1)
                        return m.head.value == 0 ? 0 : fault_set(f, -EREMOTEIO, NULL, "%s", m.strings[0]);
                else
                        return not_understood(f);
        }
}

int talk(const char *path, uint16_t type, const char *guest, int xml_fd, TalkLine fn, void *userdata, Fault *f)
{
        return talk_option(path, type, guest, NULL, xml_fd, fn, userdata, f);
}

static int request(const char *path, uint16_t type, const char *const *strings, unsigned n, int xml_fd, TalkLine fn,
                   void *userdata, Fault *f)
{
        _cleanup_close_ int fd = -1;
        WireMessage m;
        int r;

        fd = connect_to(path, f);
        if (fd < 0)
                return fd;
        r = wire_encode(&m, type, 0, strings, n);
        if (r >= 0)
                r = wire_send(fd, &m, xml_fd);
        /* A refused peer may have been answered before it could ask. */
        if (r < 0 && r != -EPIPE)
                return fault_set(f, r, path, "cannot send the request to hookd: %s", fault_errno(r));
        return talk_answer(fd, WIRE_ACCEPT_SEC * USEC_PER_SEC, fn, userdata, f);
}

int talk_option(const char *path, uint16_t type, const char *guest, const char *option, int xml_fd, TalkLine fn,
                void *userdata, Fault *f)
{
        return request(path, type, (const char *const[]){ guest, option },
                       !guest   ? 0
                       : option ? 2
                                : 1,
                       xml_fd, fn, userdata, f);
}

typedef struct Collector {
        Records *records;
        bool failed; /* out of memory */
} Collector;

static void add_record(void *userdata, const char *line)
{
        Collector *c = userdata;

        c->failed = c->failed || records_add(c->records, line) < 0;
}

static int collect(const char *path, uint16_t type, const char *guest, const char *option, int xml_fd, Records *ret,
                   Fault *f)
{
        Collector c = { .records = ret };
        int r;

        r = talk_option(path, type, guest, option, xml_fd, add_record, &c, f);
        return r >= 0 && c.failed ? fault_set(f, -ENOMEM, NULL, "out of memory") : r;
}

int talk_records(const char *path, uint16_t type, Records *ret, Fault *f)
{
        return collect(path, type, NULL, NULL, -1, ret, f);
}

int talk_plan(const char *path, const char *guest, const char *option, int xml_fd, Records *ret, Fault *f)
{
        int r = collect(path, WIRE_PLAN, guest, option, xml_fd, ret, f);

        return r >= 0 && (ret->n == 0 || !streq(ret->list[0].fields[0], "plan")) ? not_understood(f) : r;
}

typedef struct Entries {
        Audit *audit;
        int failed; /* -errno of the first that did */
} Entries;

static void add_entry(void *userdata, const char *line)
{
        Entries *x = userdata;
        AuditEntry e = AUDIT_ENTRY_NONE;
        int r = audit_entry_read(line, &e);

        if (r >= 0)
                r = audit_add(x->audit, &e);
        audit_entry_clear(&e);
        if (r < 0 && x->failed == 0)
                x->failed = r;
}

int talk_log(const char *path, const char *domain, uint64_t since, uint64_t last, Audit *ret, Fault *f)
{
        Entries x = { .audit = ret };
        char numbers[2][24];
        int r;

        (void) snprintf(numbers[0], sizeof(numbers[0]), "%llu", (unsigned long long) since);
        (void) snprintf(numbers[1], sizeof(numbers[1]), "%llu", (unsigned long long) last);
        r = request(path, WIRE_LOG, (const char *const[]){ domain ? domain : "", numbers[0], numbers[1] }, 3, -1,
                    add_entry, &x, f);
        if (r >= 0 && x.failed < 0)
                r = x.failed == -ENOMEM ? fault_set(f, -ENOMEM, NULL, "out of memory") : not_understood(f);
        return r;
}
