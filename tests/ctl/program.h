/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Runs a program for a test and keeps what it said. Part of the test, as test.h is. */

#include "unit/test.h"
#include "util/fd.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

static char said[65536];

/* Its output, stderr with it, is in `said`; input (may be NULL) is its stdin. Returns its exit status. */
static inline int program(char *const *argv, char *const *environment, const char *input)
{
        posix_spawn_file_actions_t actions;
        int in[2], out[2], status;
        size_t size = 0;
        ssize_t n;
        pid_t pid;

        assert_ok(pipe2(in, O_CLOEXEC));
        assert_ok(pipe2(out, O_CLOEXEC));
        (void) posix_spawn_file_actions_init(&actions);
        (void) posix_spawn_file_actions_adddup2(&actions, in[0], 0);
        (void) posix_spawn_file_actions_adddup2(&actions, out[1], 1);
        (void) posix_spawn_file_actions_adddup2(&actions, out[1], 2);
        assert_int_eq(posix_spawn(&pid, argv[0], &actions, NULL, argv, environment), 0);
        (void) posix_spawn_file_actions_destroy(&actions);
        (void) close(in[0]);
        (void) close(out[1]);
        if (input)
                assert_ok(write_all(in[1], input, strlen(input)));
        (void) close(in[1]);
        while ((n = read(out[0], said + size, sizeof(said) - 1 - size)) > 0)
                size += (size_t) n;
        said[size] = '\0';
        (void) close(out[0]);
        assert_ok(waitpid(pid, &status, 0));
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}
