/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What goes over /run/hookd/hookd.sock, a SOCK_SEQPACKET Unix socket: one message a packet, so that half a message
 * cannot exist without being seen as one. libc only: the shim links this and nothing else.
 *
 * A message is a WireHeader followed by `count` NUL-terminated strings that fill `size` exactly. Native byte order:
 * both ends are on one machine. A WIRE_HOOK request carries one descriptor (SCM_RIGHTS): the read end of the pipe from
 * which libvirt feeds the domain XML; the daemon never reads it, the worker does.
 *
 * By a hook:       WIRE_HOOK      argv[1..] of the hook: NAME OP SUBOP EXTRA (at most WIRE_MAX_STRINGS)
 *   answered with  WIRE_ACCEPTED  value = seconds within which the result will have been sent
 *   and later with WIRE_RESULT    value = 0 or the exit status; strings[0] = the sentence of a refusal, else ""
 * By the operator: WIRE_STATUS, WIRE_RECONCILE, WIRE_RELEASE (guest, and "force" where it is sure), WIRE_PLAN (guest,
 *                  and the domain XML as descriptor; or guest and "release": what that would do), WIRE_LOG (guest or
 * "", not older than this CLOCK_REALTIME in microseconds, the last so many transactions or 0 for all) answered with
 * WIRE_TEXT      any number of them, strings[0] = one line for people, or a record (util/record.h) and then with
 * WIRE_RESULT WIRE_RESULT without ACCEPTED before it is allowed (an event nobody owns, a refusal). */

#include <stddef.h>
#include <stdint.h>

#define WIRE_SOCKET      "/run/hookd/hookd.sock"
#define WIRE_MAGIC       UINT32_C(0x31444b48) /* "HKD1" */
#define WIRE_VERSION     1
#define WIRE_MAX         8192 /* bytes of one packet */
#define WIRE_MAX_STRINGS 8
#define WIRE_ACCEPT_SEC  5  /* the shim waits that long for the first answer */
#define WIRE_GRACE_SEC   10 /* and that long beyond the deadline named in ACCEPTED */

enum WireType {
        WIRE_HOOK = 1,
        WIRE_STATUS = 2,
        WIRE_PLAN = 3,
        WIRE_RELEASE = 4,
        WIRE_RECONCILE = 5,
        WIRE_LOG = 6,
        WIRE_ACCEPTED = 16,
        WIRE_RESULT = 17,
        WIRE_TEXT = 18,
};

typedef struct WireHeader {
        uint32_t magic;
        uint16_t version;
        uint16_t type;
        uint32_t value; /* seconds or exit status, by type; 0 otherwise */
        uint16_t count; /* strings */
        uint16_t size;  /* bytes after the header */
} WireHeader;

typedef struct WireMessage {
        WireHeader head;
        const char *strings[WIRE_MAX_STRINGS]; /* into buf after a decode; the caller's own before an encode */
        char buf[WIRE_MAX];
        size_t len; /* bytes of buf in use */
} WireMessage;

/* Puts header and strings into m->buf, m->len. A string that would not fit is -EMSGSIZE, more than WIRE_MAX_STRINGS
 * -E2BIG; 0 otherwise. */
int wire_encode(WireMessage *m, uint16_t type, uint32_t value, const char *const *strings, unsigned count);

/* Checks m->buf[0..m->len) and points m->strings at its strings; unused ones are NULL. -EBADMSG for anything that is
 * not exactly one message (wrong magic, size, count, missing NUL), -EPROTONOSUPPORT for another version. */
int wire_decode(WireMessage *m);

/* Sends an encoded message, with fd (or -1). MSG_NOSIGNAL; does not wait when the socket is full or the descriptor is
 * non-blocking: -EAGAIN. 0 or -errno. */
int wire_send(int sock, const WireMessage *m, int fd);

/* Receives one packet without waiting for it (MSG_DONTWAIT) and decodes it. *ret_fd gets the descriptor that came with
 * it or -1 (close-on-exec, owned by the caller; surplus ones are closed); ret_fd may be NULL: then all are closed. 1: a
 * message; 0: the peer hung up; -EAGAIN: nothing there; -EBADMSG etc. as wire_decode(); -errno. */
int wire_receive(int sock, WireMessage *m, int *ret_fd);
