/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/journal.h"

#include "model/guest.h"
#include "txn/journal-lock.h"
#include "txn/log-text.h"
#include "util/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define JOURNAL_MAX ((size_t) 4 << 20)

static int open_root(const char *root, bool create, Fault *f)
{
        int fd;

        if (create && mkdir(root, 0700) < 0 && errno != EEXIST)
                return fault_set(f, -errno, root, "cannot make the folder for journals %s: %s", root,
                                 fault_errno(-errno));
        fd = open(root, O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW | O_RDONLY);
        if (fd < 0)
                return fault_set(f, -errno, root, "cannot open the folder for journals %s: %s", root,
                                 fault_errno(-errno));
        return fd;
}

/* A folder, a link or a device where a file should be, and the other way round, is a bad journal, not a bad system. */
static int unusable(int e)
{
        return e == EISDIR || e == ENOTDIR || e == ELOOP || e == ENXIO ? -EBADMSG : -e;
}

static Journal *journal_new(const char *root, const char *uuid)
{
        Journal *j = calloc(1, sizeof(*j));

        if (!j)
                return NULL;
        j->dir_fd = j->log_fd = j->lock_fd = -1;
        if (asprintf(&j->path, "%s/%s", root, uuid) < 0) {
                j->path = NULL;
                return journal_close(j);
        }
        return j;
}

Journal *journal_close(Journal *j)
{
        if (!j)
                return NULL;
        closep(&j->log_fd);
        closep(&j->lock_fd);
        closep(&j->dir_fd);
        plan_free(j->plan);
        log_lines_free(j->lines, j->n_lines);
        free(j->path);
        free(j);
        return NULL;
}

/* Opens <root>/<uuid> and takes its lock (mode 1: now or never, 2: wait). The holder of the lock may remove the folder
 * before it lets go, so what was locked is compared with what is there now. */
static int open_locked(int root_fd, const char *uuid, int mode, bool create, Journal *j, Fault *f)
{
        for (unsigned tries = 0; tries < 100; tries++) {
                struct stat there, mine;
                int r;

                closep(&j->dir_fd);
                closep(&j->lock_fd);
                j->dir_fd = j->lock_fd = -1;
                if (create && mkdirat(root_fd, uuid, 0700) < 0 && errno != EEXIST)
                        return fault_set(f, -errno, j->path, "cannot make the journal %s: %s; nothing was changed",
                                         j->path, fault_errno(-errno));
                j->dir_fd = openat(root_fd, uuid, O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW | O_RDONLY);
                if (j->dir_fd < 0) {
                        if (create && errno == ENOENT)
                                continue;
                        return fault_set(f, unusable(errno), j->path, "cannot open the journal %s: %s", j->path,
                                         fault_errno(-errno));
                }
                j->lock_fd = openat(j->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
                if (j->lock_fd < 0 && errno != ENOENT)
                        return fault_set(f, unusable(errno), j->path, "cannot open the lock of %s: %s", j->path,
                                         fault_errno(-errno));
                if (j->lock_fd < 0)
                        continue;
                r = journal_lock_take(j->lock_fd, j->path, mode == 2, f);
                if (r < 0)
                        return r;
                if (fstat(j->dir_fd, &mine) == 0 && fstatat(root_fd, uuid, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
                    mine.st_ino == there.st_ino && mine.st_dev == there.st_dev)
                        return 0;
                if (!create)
                        return fault_set(f, -ENOENT, j->path, "the journal %s is gone", j->path);
        }
        return fault_set(f, -EBUSY, j->path, "the journal %s comes and goes", j->path);
}

static int open_log(Journal *j, Fault *f)
{
        j->log_fd = openat(j->dir_fd, "log", O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
        if (j->log_fd < 0)
                return fault_set(f, unusable(errno), j->path, "cannot open the log of %s: %s", j->path,
                                 fault_errno(-errno));
        return 0;
}

int journal_create(const char *root, const char *uuid, Journal **ret, Fault *f)
{
        _cleanup_(journal_closep) Journal *j = NULL;
        _cleanup_close_ int root_fd = -1;
        int r;

        if (!uuid_valid(uuid))
                return fault_set(f, -EINVAL, uuid, "'%s' is no UUID", uuid);
        root_fd = open_root(root, true, f);
        if (root_fd < 0)
                return root_fd;
        j = journal_new(root, uuid);
        if (!j)
                return fault_set(f, -ENOMEM, uuid, "out of memory");
        r = open_locked(root_fd, uuid, 1, true, j, f);
        if (r < 0)
                return r;
        if (faccessat(j->dir_fd, "plan", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                return fault_set(f, -EEXIST, j->path, "there is a journal of an earlier start in %s", j->path);
        if ((unlinkat(j->dir_fd, "log", 0) < 0 && errno != ENOENT) ||
            (unlinkat(j->dir_fd, "owner", 0) < 0 && errno != ENOENT) ||
            (unlinkat(j->dir_fd, "guest", 0) < 0 && errno != ENOENT) ||
            (unlinkat(j->dir_fd, "xml", 0) < 0 && errno != ENOENT))
                return fault_set(f, -errno, j->path, "cannot clear what is left in %s: %s", j->path,
                                 fault_errno(-errno));
        r = open_log(j, f);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(j);
        return 0;
}

/* "PID START": a process; nothing there or nothing readable is nobody. */
static void load_process(const Journal *j, const char *name, int *ret_pid, uint64_t *ret_start)
{
        _cleanup_free_ char *text = NULL;
        unsigned long long start;
        int pid;

        if (read_file_at(j->dir_fd, name, 64, &text, NULL) >= 0 && sscanf(text, "%d %llu", &pid, &start) == 2 &&
            pid > 0) {
                *ret_pid = pid;
                *ret_start = start;
        }
}

static int save_process(int dir_fd, const char *name, int pid, uint64_t start)
{
        char text[64];
        int n;

        n = snprintf(text, sizeof(text), "%d %llu\n", pid, (unsigned long long) start);
        return write_file_atomic_at(dir_fd, name, 0600, text, (size_t) n);
}

/* What the engine relies on; a plan that decodes may still be another program's. */
static int check_plan(const Journal *j, Fault *f)
{
        const char *slash = strrchr(j->path, '/');

        if (!slash || !streq(j->plan->uuid, slash + 1))
                return fault_set(f, -EBADMSG, j->path, "%s/plan is of another transaction, %s", j->path, j->plan->uuid);
        for (size_t i = 0; i < j->plan->n_actions; i++) {
                const Action *a = &j->plan->actions[i];
                bool value = !(a->flags & (ACTION_GATE | ACTION_BACK));

                if ((value && !a->before) || (!(a->flags & ACTION_GATE) && !a->after))
                        return fault_set(f, -EBADMSG, j->path, "%s/plan: action %zu (%s %s) has no values", j->path, i,
                                         a->step, a->target);
        }
        return 0;
}

static int load(Journal *j, Fault *f)
{
        _cleanup_free_ char *plan = NULL, *log = NULL;
        size_t n = 0;
        int r;

        r = read_file_at(j->dir_fd, "plan", JOURNAL_MAX, &plan, &n);
        if (r == -ENOENT)
                return 0; /* died before the plan was journaled, so before any effect */
        if (r < 0)
                return fault_set(f, -EBADMSG, j->path, "cannot read %s/plan: %s", j->path, fault_errno(r));
        r = plan_decode(plan, n, &j->plan, f);
        if (r < 0) {
                fault_prefix(f, "%s/plan", j->path);
                return r == -ENOMEM ? r : -EBADMSG;
        }
        r = check_plan(j, f);
        if (r < 0)
                return r;
        r = read_file_at(j->dir_fd, "log", JOURNAL_MAX, &log, &n);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return fault_set(f, -EBADMSG, j->path, "cannot read %s/log: %s", j->path, fault_errno(r));
        r = log_decode(log, n, &j->lines, &j->n_lines, f);
        if (r < 0) {
                fault_prefix(f, "%s/log", j->path);
                return r;
        }
        for (size_t i = 0; i < j->n_lines; i++)
                if (j->lines[i].index >= (int) j->plan->n_actions)
                        return fault_set(f, -EBADMSG, j->path, "%s/log:%zu: the plan has no action %d", j->path, i + 1,
                                         j->lines[i].index);
        load_process(j, "owner", &j->owner_pid, &j->owner_start);
        load_process(j, "guest", &j->guest_pid, &j->guest_start);
        return 0;
}

int journal_open(const char *root, const char *uuid, int lock, Journal **ret, Fault *f)
{
        _cleanup_(journal_closep) Journal *j = NULL;
        _cleanup_close_ int root_fd = -1;
        int r;

        if (!uuid_valid(uuid))
                return fault_set(f, -EINVAL, uuid, "'%s' is no UUID", uuid);
        root_fd = open_root(root, false, f);
        if (root_fd < 0)
                return root_fd;
        j = journal_new(root, uuid);
        if (!j)
                return fault_set(f, -ENOMEM, uuid, "out of memory");
        if (lock > 0) {
                r = open_locked(root_fd, uuid, lock, false, j, f);
                if (r < 0)
                        return r;
        } else {
                j->dir_fd = openat(root_fd, uuid, O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW | O_RDONLY);
                if (j->dir_fd < 0) {
                        r = errno == ENOENT ? -ENOENT : -EBADMSG;
                        return fault_set(f, r, j->path, "cannot open the journal %s: %s", j->path, fault_errno(-errno));
                }
        }
        r = load(j, f);
        if (r < 0)
                return r;
        if (lock > 0) {
                r = open_log(j, f);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(j);
        return 0;
}

int journal_write_plan(Journal *j, Plan *plan, Fault *f)
{
        _cleanup_free_ char *text = NULL;
        int r;

        text = plan_encode(plan);
        r = text ? write_file_atomic_at(j->dir_fd, "plan", 0600, text, strlen(text)) : -ENOMEM;
        if (r < 0)
                return fault_set(f, r, j->path, "cannot write the journal %s: %s; nothing was changed", j->path,
                                 fault_errno(r));
        plan_free(j->plan);
        j->plan = plan;
        return 0;
}

int journal_log(Journal *j, LogWord word, int index, const char *text)
{
        _cleanup_free_ char *line = NULL;
        LogLine entry = { .usec = log_now(), .word = word, .index = index };
        LogLine *lines;
        int r;

        line = log_line_encode(&entry, text);
        lines = line ? reallocarray(j->lines, j->n_lines + 1, sizeof(*lines)) : NULL;
        if (!lines)
                return -ENOMEM;
        j->lines = lines;
        if (text && !(entry.text = strdup(text)))
                return -ENOMEM;
        r = log_append(j->log_fd, line);
        if (r < 0 || fdatasync(j->log_fd) < 0) {
                r = r < 0 ? r : -errno;
                free(entry.text);
                return r;
        }
        j->lines[j->n_lines++] = entry;
        return 0;
}

int journal_set_owner(Journal *j, int pid, uint64_t start_time)
{
        j->owner_pid = pid;
        j->owner_start = start_time;
        return save_process(j->dir_fd, "owner", pid, start_time);
}

int journal_set_guest(Journal *j, int pid, uint64_t start_time)
{
        j->guest_pid = pid;
        j->guest_start = start_time;
        return save_process(j->dir_fd, "guest", pid, start_time);
}

int journal_set_xml(Journal *j, const char *xml)
{
        return write_file_atomic_at(j->dir_fd, "xml", 0600, xml, strlen(xml));
}

int journal_get_xml(const Journal *j, char **ret)
{
        return read_file_at(j->dir_fd, "xml", GUEST_XML_MAX, ret, NULL);
}

static int note_process(const char *root, const char *uuid, const char *name, int pid, uint64_t start)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -1;

        if (!uuid_valid(uuid))
                return -EINVAL;
        if (asprintf(&path, "%s/%s", root, uuid) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        fd = open(path, O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW | O_RDONLY);
        return fd < 0 ? -errno : save_process(fd, name, pid, start);
}

int journal_note_owner(const char *root, const char *uuid, int pid, uint64_t start_time)
{
        return note_process(root, uuid, "owner", pid, start_time);
}

int journal_note_guest(const char *root, const char *uuid, int pid, uint64_t start_time)
{
        return note_process(root, uuid, "guest", pid, start_time);
}

/* What a process that was killed in the middle of a write has left. */
static void remove_temporary(int dir_fd)
{
        int fd = openat(dir_fd, ".", O_DIRECTORY | O_CLOEXEC | O_RDONLY);
        DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
        struct dirent *e;

        if (!dir) {
                closep(&fd);
                return;
        }
        while ((e = readdir(dir)))
                if (e->d_name[strlen(e->d_name) - 1] == '~')
                        (void) unlinkat(dir_fd, e->d_name, 0);
        (void) closedir(dir);
}

int journal_remove(Journal *j)
{
        static const char *const names[] = { "log", "owner", "guest", "xml", "plan", "lock" };

        /* The plan goes before the lock, so that a crash in between leaves a folder without effects. */
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (unlinkat(j->dir_fd, names[i], 0) < 0 && errno != ENOENT)
                        return -errno;
        remove_temporary(j->dir_fd);
        return rmdir(j->path) < 0 && errno != ENOENT ? -errno : 0;
}
