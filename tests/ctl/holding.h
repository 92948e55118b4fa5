/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A daemon that holds something for the guest `held`. Part of the test, as test.h is. */

#include "ctl/program.h"
#include "server/harness.h"

static inline void start_holding(void)
{
        static char *const environment[] = { NULL };
        char socket_option[128],
                *argv[] = { (char *) HOOKCTL_EXE, socket_option, (char *) "status", (char *) "--raw", NULL };

        daemon_prepare();
        daemon_write("profiles/held.ini", "");
        daemon_start();
        assert_int_eq(hook("held", "prepare", "begin", NULL), 0);
        (void) next_call();
        (void) next_call();
        (void) snprintf(socket_option, sizeof(socket_option), "--socket=%s/socket", d.dir);
        /* the answer came from the worker, whose end the daemon sees a moment later */
        for (unsigned tries = 0;; tries++) {
                assert_int_eq(program(argv, environment, NULL), 0);
                if (!strstr(said, "\njob\t"))
                        return;
                assert_true(tries < 500);
                (void) poll(NULL, 0, 10);
        }
}
