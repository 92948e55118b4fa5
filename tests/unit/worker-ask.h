/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "test.h"

#include "txn/worker-main.h"
#include "wire/wire.h"

#include <sys/socket.h>

#define CLIENT_FD "--client-fd=" /* stands in argv for what worker_ask() puts there */

/* The worker's own code with these arguments, its first and CLIENT_FD among them, on the host that open_fake gives. The
 * lines go to `said`, and the result is returned; the sentence of a refusal is the last line. */
static uint32_t worker_ask(char **argv, HostOpen open_fake, char *said)
{
        char client[32];
        uint32_t value = UINT32_MAX;
        WireMessage m;
        int fd[2], argc = 0;

        assert_ok(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd));
        (void) snprintf(client, sizeof(client), CLIENT_FD "%d", fd[1]);
        for (; argv[argc]; argc++)
                if (strcmp(argv[argc], CLIENT_FD) == 0)
                        argv[argc] = client;
        optind = 0;
        assert_int_eq(worker_main(argc, argv, open_fake), WORKER_REPLIED);
        *said = '\0';
        while (wire_receive(fd[0], &m, NULL) > 0) {
                (void) strcat(strcat(said, m.strings[0]), "\n");
                if (m.head.type == WIRE_RESULT)
                        value = m.head.value;
        }
        (void) close(fd[0]);
        return value;
}
