/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test.h"

#include "txn/journal.h"
#include "txn/state.h"
#include "util/fd.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define UUID "73116f6f-f817-425f-bd60-4f93db371c39"

static char root[64];

static void fresh_root(void)
{
        (void) snprintf(root, sizeof(root), "/tmp/hookd-journal-XXXXXX");
        assert_not_null(mkdtemp(root));
}

#define OTHER "93116f6f-f817-425f-bd60-4f93db371c39"

static Plan *small_plan(const char *uuid)
{
        Plan *p = plan_new("vm1", uuid, "/etc/hookd/profiles/vm1.ini");

        assert_not_null(p);
        for (int i = 0; i < 3; i++) {
                char target[16];
                Action *a;

                (void) snprintf(target, sizeof(target), "target%d", i);
                a = plan_append(p, "driver", target, "vfio-pci", ACTION_EXCLUSIVE, USEC_PER_SEC);
                assert_not_null(a);
                assert_ok(action_set(&a->before, "nvidia"));
        }
        return p;
}

static Journal *new_journal(void)
{
        Journal *j = NULL;
        Fault f = { 0 };

        assert_ok(journal_create(root, UUID, &j, &f));
        assert_ok(journal_write_plan(j, small_plan(UUID), &f));
        return j;
}

static void spoil(const char *name, const char *text)
{
        char path[160];
        int fd;

        (void) snprintf(path, sizeof(path), "%s/%s/%s", root, UUID, name);
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
        assert_true(fd >= 0);
        assert_ok(write_all(fd, text, strlen(text)));
        (void) close(fd);
}

static void remove_root(void)
{
        char command[160];
        pid_t pid = fork();

        (void) snprintf(command, sizeof(command), "%s", root);
        if (pid == 0) {
                (void) execlp("rm", "rm", "-rf", command, (char *) NULL);
                _exit(1);
        }
        assert_int_eq(waitpid(pid, NULL, 0), pid);
}

TEST(round_trip)
{
        Journal *j, *again = NULL;
        Fault f = { 0 };

        fresh_root();
        j = new_journal();
        assert_ok(journal_log(j, LOG_WORD_BEGIN, -1, NULL));
        assert_ok(journal_log(j, LOG_WORD_INTENT, 0, NULL));
        assert_ok(journal_log(j, LOG_WORD_FAIL, 0, "busy:\nheld by 'x y'"));
        assert_ok(journal_set_owner(j, 4711, 99));
        assert_ok(journal_open(root, UUID, 0, &again, &f));
        assert_int_eq(again->n_lines, 3);
        assert_int_eq(again->lines[2].word, LOG_WORD_FAIL);
        assert_str_eq(again->lines[2].text, "busy:\nheld by 'x y'");
        assert_int_eq(again->plan->n_actions, 3);
        assert_str_eq(again->plan->actions[1].before, "nvidia");
        assert_int_eq(again->owner_pid, 4711);
        assert_int_eq(again->owner_start, 99);
        assert_int_eq(again->guest_pid, 0);
        journal_close(again);
        journal_close(j);
        remove_root();
}

/* The daemon writes beside the worker, and what was killed in a write does not keep the folder. */
TEST(the_guest_and_its_owner)
{
        Journal *j, *again = NULL;
        char path[128];
        Fault f = { 0 };

        fresh_root();
        j = new_journal();
        assert_ok(journal_log(j, LOG_WORD_BEGIN, -1, NULL));
        assert_ok(journal_set_guest(j, 4712, 100));
        assert_int_eq(j->guest_pid, 4712);
        assert_ok(journal_note_guest(root, UUID, 4713, 101));
        assert_ok(journal_note_owner(root, UUID, 1, 2));
        assert_ok(journal_open(root, UUID, 0, &again, &f));
        assert_int_eq(again->guest_pid, 4713);
        assert_int_eq(again->guest_start, 101);
        assert_int_eq(again->owner_pid, 1);
        journal_close(again);
        (void) snprintf(path, sizeof(path), "%s/%s/.guest.7~", root, UUID);
        assert_ok(symlink("x", path));
        assert_ok(journal_remove(j));
        assert_int_eq(journal_note_guest(root, UUID, 1, 1), -ENOENT);
        assert_int_eq(journal_note_guest(root, "../x", 1, 1), -EINVAL);
        journal_close(j);
        remove_root();
}

/* The domain's XML goes with the journal. */
TEST(the_xml)
{
        _cleanup_free_ char *xml = NULL;
        Journal *j, *other = NULL;
        Fault f = { 0 };

        fresh_root();
        j = new_journal();
        assert_int_eq(journal_get_xml(j, &xml), -ENOENT);
        assert_ok(journal_set_xml(j, "<domain>\n</domain>\n"));
        assert_ok(journal_open(root, UUID, 0, &other, &f));
        assert_ok(journal_get_xml(other, &xml));
        assert_str_eq(xml, "<domain>\n</domain>\n");
        journal_close(other);
        assert_ok(journal_remove(j));
        journal_close(j);
        assert_ok(rmdir(root));
}

TEST(one_at_a_time)
{
        Journal *j, *other = NULL;
        Fault f = { 0 };

        fresh_root();
        j = new_journal();
        assert_int_eq(journal_open(root, UUID, 1, &other, &f), -EBUSY);
        assert_contains(f.text, "still holds");
        assert_int_eq(journal_create(root, UUID, &other, &f), -EBUSY);
        assert_ok(journal_open(root, UUID, 0, &other, &f));
        assert_true(journal_locked(other));
        journal_close(j);
        assert_false(journal_locked(other));
        journal_close(other);
        assert_int_eq(journal_create(root, UUID, &other, &f), -EEXIST);
        remove_root();
}

/* The daemon looks at every journal while workers of other guests begin: the look must refuse none of them. */
TEST(a_look_at_the_lock_is_in_nobodys_way)
{
        pid_t test = getpid(), pid;
        Fault f = { 0 };
        char path[128];

        fresh_root();
        journal_close(new_journal());
        pid = fork();
        if (pid == 0) {
                Journal *seen = NULL;

                if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != test ||
                    journal_open(root, UUID, 0, &seen, &f) < 0)
                        _exit(1);
                for (;;)
                        (void) journal_locked(seen);
        }
        (void) snprintf(path, sizeof(path), "%s/" UUID "/lock", root);
        for (int i = 0; i < 20000; i++) { /* not journal_open(), which would wait for it to be over */
                int fd = open(path, O_RDWR | O_CLOEXEC);

                assert_ok(fcntl(fd, F_OFD_SETLK, &(struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET }));
                (void) close(fd);
        }
        assert_int_eq(kill(pid, SIGKILL), 0);
        assert_int_eq(waitpid(pid, NULL, 0), pid);
        remove_root();
}

TEST(a_lock_outlives_its_process_in_a_child)
{
        Journal *j, *other = NULL;
        Fault f = { 0 };
        int pipe_fds[2];
        pid_t pid;

        fresh_root();
        j = new_journal();
        assert_ok(pipe(pipe_fds));
        pid = fork();
        if (pid == 0) {
                char c;

                (void) close(pipe_fds[1]);
                _exit(read(pipe_fds[0], &c, 1) == 0 ? 0 : 1);
        }
        (void) close(pipe_fds[0]);
        journal_close(j);
        assert_int_eq(journal_open(root, UUID, 1, &other, &f), -EBUSY);
        (void) close(pipe_fds[1]);
        assert_int_eq(waitpid(pid, NULL, 0), pid);
        assert_ok(journal_open(root, UUID, 1, &other, &f));
        journal_close(other);
        remove_root();
}

/* Whoever looks at the descriptors of a worker that just ends has its lock for a moment. */
TEST(a_lock_that_lingers_is_waited_for)
{
        uint64_t begin = now_usec();
        Journal *j, *other = NULL;
        Fault f = { 0 };
        pid_t pid;

        fresh_root();
        j = new_journal();
        pid = fork();
        if (pid == 0) {
                (void) poll(NULL, 0, 100);
                _exit(0);
        }
        journal_close(j);
        assert_ok(journal_open(root, UUID, 1, &other, &f));
        assert_true(now_usec() - begin >= 50 * USEC_PER_MSEC);
        journal_close(other);
        assert_int_eq(waitpid(pid, NULL, 0), pid);
        remove_root();
}

TEST(a_torn_line_never_counted)
{
        Journal *j;
        Fault f = { 0 };

        fresh_root();
        j = new_journal();
        assert_ok(journal_log(j, LOG_WORD_BEGIN, -1, NULL));
        journal_close(j);
        spoil("log", "123456 inte");
        j = NULL;
        assert_ok(journal_open(root, UUID, 1, &j, &f));
        assert_int_eq(j->n_lines, 1);
        assert_ok(journal_log(j, LOG_WORD_INTENT, 1, NULL));
        journal_close(j);
        assert_ok(journal_open(root, UUID, 0, &j, &f));
        assert_int_eq(j->n_lines, 2);
        assert_int_eq(j->lines[1].word, LOG_WORD_INTENT);
        journal_close(j);
        remove_root();
}

/* The daemon notes the end of a guest whose worker was killed in the middle of a line. */
TEST(a_torn_line_does_not_swallow_the_next)
{
        Journal *j;
        Fault f = { 0 };

        fresh_root();
        j = new_journal();
        assert_ok(journal_log(j, LOG_WORD_BEGIN, -1, NULL));
        spoil("log", "123456 int");
        assert_ok(journal_note_stopped(root, UUID));
        assert_ok(journal_log(j, LOG_WORD_REVERT, -1, "recovery"));
        journal_close(j);
        j = NULL;
        assert_ok(journal_open(root, UUID, 0, &j, &f));
        assert_int_eq(j->n_lines, 3);
        assert_true(txn_was_stopped(j));
        assert_int_eq(txn_state(j), TXN_REVERTING);
        journal_close(j);
        remove_root();
}

static void entry_path(char path[160], const char *name)
{
        (void) snprintf(path, 160, "%s/%s%s%s", root, UUID, *name ? "/" : "", name);
}

/* A folder, a link, a pipe where a file should be, or the other way round: a bad journal, which is set aside. Nothing
 * waits for the pipe's other end. */
TEST(what_is_no_file_is_a_bad_journal)
{
        static const char *const names[] = { "", "plan", "log", "lock" };
        enum { FOLDER, LINK, PIPE, KINDS };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                for (int kind = 0; kind < KINDS; kind++) {
                        char path[160];
                        Journal *j;
                        Fault f = { 0 };

                        if ((!*names[i] && kind == FOLDER) || (streq(names[i], "lock") && kind == PIPE))
                                continue;
                        fresh_root();
                        j = new_journal();
                        assert_ok(journal_log(j, LOG_WORD_BEGIN, -1, NULL));
                        journal_close(j);
                        if (*names[i]) {
                                entry_path(path, names[i]);
                                assert_ok(unlink(path));
                        } else {
                                char away[80];

                                entry_path(path, "");
                                (void) snprintf(away, sizeof(away), "%s/away", root);
                                assert_ok(rename(path, away));
                        }
                        assert_ok(kind == FOLDER ? mkdir(path, 0700)
                                  : kind == LINK ? symlink("/etc/passwd", path)
                                                 : mkfifo(path, 0600));
                        j = NULL;
                        if (journal_open(root, UUID, 1, &j, &f) != -EBADMSG)
                                test_fail("%s, kind %d: accepted", names[i], kind);
                        assert_null(j);
                        assert_contains(f.text, UUID);
                        assert_ok(journal_set_aside(root, UUID));
                        assert_ok(journal_create(root, UUID, &j, &f));
                        journal_close(j);
                        remove_root();
                }
}

TEST(another_version_is_a_bad_journal)
{
        Journal *j;
        char path[160];
        Fault f = { 0 };

        fresh_root();
        j = new_journal();
        journal_close(j);
        entry_path(path, "plan");
        assert_ok(unlink(path));
        spoil("plan", "hookd-plan 2\ndomain\tvm1\n");
        assert_int_eq(journal_open(root, UUID, 1, &j, &f), -EBADMSG);
        assert_contains(f.text, "/plan");
        remove_root();
}

TEST(the_journal_of_another_transaction_is_a_bad_one)
{
        Journal *j;
        Fault f = { 0 };

        fresh_root();
        assert_ok(journal_create(root, OTHER, &j, &f));
        assert_ok(journal_write_plan(j, small_plan(UUID), &f));
        journal_close(j);
        assert_int_eq(journal_open(root, OTHER, 1, &j, &f), -EBADMSG);
        assert_contains(f.text, UUID);
        remove_root();
}

TEST(a_cut_plan_is_a_bad_journal)
{
        _cleanup_free_ char *text = NULL;
        char path[160];
        size_t size;
        Journal *j;
        Fault f = { 0 };

        fresh_root();
        j = new_journal();
        journal_close(j);
        entry_path(path, "plan");
        assert_ok(read_file_at(AT_FDCWD, path, 1 << 20, &text, &size));
        /* cut between two lines it has fewer actions: none that the log knows may be missing (see the next test) */
        for (size_t n = 1; n < size; n += 7) {
                char kept = text[n];

                if (text[n - 1] == '\n')
                        continue;
                assert_ok(unlink(path));
                text[n] = '\0';
                spoil("plan", text);
                text[n] = kept;
                if (journal_open(root, UUID, 1, &j, &f) != -EBADMSG)
                        test_fail("cut after %zu of %zu bytes: accepted", n, size);
        }
        remove_root();
}

TEST(a_log_of_actions_that_the_plan_has_not_is_a_bad_journal)
{
        Journal *j;
        Fault f = { 0 };

        fresh_root();
        j = new_journal();
        journal_close(j);
        spoil("log", "1 begin - \n2 intent 2 \n3 intent 3 \n");
        assert_int_eq(journal_open(root, UUID, 1, &j, &f), -EBADMSG);
        assert_contains(f.text, "log:3");
        remove_root();
}

TEST(garbage_is_refused_with_file_and_line)
{
        static const char *const bad[] = {
                "x begin - \n",    "1 begin\n", "1 nonsense - \n", "1 intent - \n", "1 intent 3 \n",
                "1 begin - \\q\n", "\n"
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                Journal *j, *other = NULL;
                Fault f = { 0 };

                fresh_root();
                j = new_journal();
                assert_ok(journal_log(j, LOG_WORD_BEGIN, -1, NULL));
                journal_close(j);
                spoil("log", bad[i]);
                if (journal_open(root, UUID, 0, &other, &f) != -EBADMSG)
                        test_fail("accepted: %s", bad[i]);
                assert_contains(f.text, "/log");
                assert_contains(f.text, "2");
                remove_root();
        }
}

TEST(a_bad_journal_does_not_hide_the_others)
{
        Journal *j, **list = NULL;
        char **bad = NULL, path[160];
        Fault f = { 0 };
        size_t n = 0;

        fresh_root();
        j = new_journal();
        journal_close(j);
        spoil("plan", "garbage\n");
        (void) snprintf(path, sizeof(path), "%s/83116f6f-f817-425f-bd60-4f93db371c39", root);
        assert_ok(close(open(path, O_CREAT | O_WRONLY, 0600))); /* a file where a folder should be */
        assert_ok(journal_create(root, OTHER, &j, &f));
        assert_ok(journal_write_plan(j, small_plan(OTHER), &f));
        journal_close(j);
        assert_ok(journal_list(root, &list, &n, &bad));
        assert_int_eq(n, 1);
        assert_int_eq(strv_length(bad), 2);
        journal_list_free(list, n);
        strv_free(bad);
        assert_ok(journal_set_aside(root, UUID));
        assert_int_eq(journal_open(root, UUID, 0, &j, &f), -ENOENT);
        remove_root();
}

TEST(no_plan_is_no_effect)
{
        Journal *j = NULL;
        Fault f = { 0 };

        fresh_root();
        assert_ok(journal_create(root, UUID, &j, &f));
        journal_close(j);
        assert_ok(journal_open(root, UUID, 1, &j, &f));
        assert_null(j->plan);
        journal_close(j);
        assert_ok(journal_create(root, UUID, &j, &f));
        assert_ok(journal_remove(j));
        journal_close(j);
        assert_int_eq(journal_open(root, UUID, 0, &j, &f), -ENOENT);
        remove_root();
}

TEST(names_cannot_leave_the_folder)
{
        Journal *j = NULL;
        Fault f = { 0 };

        fresh_root();
        assert_int_eq(journal_create(root, "../../etc/x", &j, &f), -EINVAL);
        assert_int_eq(journal_open(root, "..", 0, &j, &f), -EINVAL);
        assert_int_eq(journal_note_stopped(root, "/etc"), -EINVAL);
        remove_root();
}

TEST(a_link_is_not_followed)
{
        char path[160];
        Journal *j = NULL;
        Fault f = { 0 };

        fresh_root();
        (void) snprintf(path, sizeof(path), "%s/%s", root, UUID);
        assert_ok(symlink("/tmp", path));
        assert_true(journal_create(root, UUID, &j, &f) < 0);
        remove_root();
}

static TxnState state_after(const LogWord *words, const int *indexes, size_t n, Journal *ret)
{
        static LogLine lines[32];

        for (size_t i = 0; i < n; i++)
                lines[i] = (LogLine){ .usec = i + 1, .word = words[i], .index = indexes[i] };
        *ret = (Journal){ .lines = lines, .n_lines = n };
        return txn_state(ret);
}

TEST(state_is_the_log)
{
        static const LogWord words[] = { LOG_WORD_BEGIN,  LOG_WORD_INTENT,  LOG_WORD_DONE,      LOG_WORD_INTENT,
                                         LOG_WORD_DONE,   LOG_WORD_HELD,    LOG_WORD_STOPPED,   LOG_WORD_REVERT,
                                         LOG_WORD_UNDO,   LOG_WORD_UNDONE,  LOG_WORD_UNDO_FAIL, LOG_WORD_STUCK,
                                         LOG_WORD_REVERT, LOG_WORD_UNSTUCK, LOG_WORD_RELEASED };
        static const int indexes[] = { -1, 0, 0, 1, 1, -1, -1, -1, 1, 1, 0, 0, -1, -1, -1 };
        static const TxnState states[] = { TXN_APPLYING,  TXN_APPLYING, TXN_APPLYING,  TXN_APPLYING,  TXN_APPLYING,
                                           TXN_HELD,      TXN_HELD,     TXN_REVERTING, TXN_REVERTING, TXN_REVERTING,
                                           TXN_REVERTING, TXN_STUCK,    TXN_STUCK,     TXN_REVERTING, TXN_RELEASED };
        Journal j;

        assert_int_eq(state_after(words, indexes, 0, &j), TXN_PLANNED);
        for (size_t n = 1; n <= ARRAY_SIZE(words); n++)
                assert_int_eq(state_after(words, indexes, n, &j), states[n - 1]);

        (void) state_after(words, indexes, 2, &j);
        assert_true(txn_action_open(&j, 0));
        assert_true(txn_action_in_transit(&j, 0));
        assert_false(txn_action_open(&j, 1));
        (void) state_after(words, indexes, 7, &j);
        assert_true(txn_was_held(&j));
        assert_true(txn_was_stopped(&j));
        assert_false(txn_action_in_transit(&j, 0));
        (void) state_after(words, indexes, 9, &j);
        assert_true(txn_action_in_transit(&j, 1));
        (void) state_after(words, indexes, 10, &j);
        assert_false(txn_action_open(&j, 1));
        assert_true(txn_action_open(&j, 0));
        assert_int_eq(txn_since(&j, NULL), 8);
}

TEST_MAIN
