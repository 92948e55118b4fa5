/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/editor.h"

#include "util/parse.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

/* The words of a command line, path last. */
static int exec_words(const char *command, const char *path)
{
        _cleanup_strv_ char **words = NULL;

        if (strv_split(command, &words) < 0 || strv_append(&words, path) < 0)
                return -ENOMEM;
        if (strv_length(words) > 1)
                (void) execvp(words[0], words);
        return -errno;
}

_Noreturn static void child(const char *path)
{
        const char *visual = getenv("VISUAL"), *editor = getenv("EDITOR"), *chosen;

        chosen = visual && *visual ? visual : editor && *editor ? editor : NULL;
        if (chosen) {
                int r = exec_words(chosen, path);

                (void) fprintf(stderr, "hookctl: cannot run the editor %s: %s\n", chosen, fault_errno(r));
                _exit(127);
        }
        (void) exec_words("editor", path);
        (void) exec_words("vi", path);
        (void) fputs("hookctl: there is no editor: set EDITOR to one\n", stderr);
        _exit(127);
}

int editor_run(const char *path, Fault *f)
{
        const struct sigaction ignore = { .sa_handler = SIG_IGN };
        struct sigaction interrupt, quit;
        int status;
        pid_t pid;

        (void) fflush(NULL);
        pid = fork();
        if (pid < 0)
                return fault_set(f, -errno, path, "cannot fork: %s", fault_errno(-errno));
        if (pid == 0)
                child(path);
        /* the keys are the editor's */
        (void) sigaction(SIGINT, &ignore, &interrupt);
        (void) sigaction(SIGQUIT, &ignore, &quit);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        (void) sigaction(SIGINT, &interrupt, NULL);
        (void) sigaction(SIGQUIT, &quit, NULL);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return 0;
        return fault_set(f, -ECHILD, path, "the editor failed (%s %d), so nothing was saved",
                         WIFEXITED(status) ? "exit status" : "signal",
                         WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}
