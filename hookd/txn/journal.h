/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/plan.h"

/* One open transaction on disk: <root>/<uuid>/{lock,plan,log,owner,guest,xml}. `plan` is written once, atomically, with
 * all before values, before the first effect; `log` is appended a line at a time: "BOOT-USEC WORD [INDEX] [text]". */

typedef enum LogWord {
        LOG_WORD_BEGIN,     /* the plan is being applied */
        LOG_WORD_INTENT,    /* i: about to move action i to after */
        LOG_WORD_DONE,      /* i */
        LOG_WORD_FAIL,      /* i: text */
        LOG_WORD_HELD,      /* everything is where the guest expects it */
        LOG_WORD_STOPPED,   /* libvirt said stopped or release */
        LOG_WORD_REVERT,    /* the way back has begun: text is why */
        LOG_WORD_UNDO,      /* i: about to move action i to before */
        LOG_WORD_UNDONE,    /* i; text "left" when another claimant still needs it */
        LOG_WORD_UNDO_FAIL, /* i: text */
        LOG_WORD_STUCK,     /* i: text: which call, which pid */
        LOG_WORD_UNSTUCK,
        LOG_WORD_RELEASED, /* the host is as it was; the folder may go */
} LogWord;

typedef struct LogLine {
        uint64_t usec; /* CLOCK_BOOTTIME */
        LogWord word;
        int index; /* -1: none */
        char *text;
} LogLine;

typedef struct Journal {
        char *path;                  /* folder */
        int dir_fd, log_fd, lock_fd; /* lock_fd -1: read only */
        Plan *plan;                  /* NULL: none yet */
        LogLine *lines;
        size_t n_lines;
        int owner_pid; /* who called the hook (libvirtd), with its start time; 0: not known */
        uint64_t owner_start;
        int guest_pid; /* its QEMU, where one was seen, with its start time; 0: none yet */
        uint64_t guest_start;
} Journal;

/* Creates <root>/<uuid> (0700, root folder made when missing) and takes its lock; -EBUSY when another keeps it (half a
 * second: txn/journal-lock.h), with a fault. An empty or plan-less leftover is cleared. *ret->plan is NULL. -errno
 * (-ENOSPC, -EROFS) before anything was done to the host. */
int journal_create(const char *root, const char *uuid, Journal **ret, Fault *f);
/* Opens an existing one. lock: 0 read only, no lock; 1 lock, or -EBUSY as above; 2 wait for the lock without bound
 * (recovery of a transaction whose hand is stuck, in a process of its own). -ENOENT: none. -EBADMSG: unreadable plan or
 * log (fault: file, line). */
int journal_open(const char *root, const char *uuid, int lock, Journal **ret, Fault *f);
Journal *journal_close(Journal *j); /* releases the lock, leaves the files */
DEFINE_CLEANUP(Journal, journal_close)

/* Writes `plan` once. Fsyncs file and folder. Takes the plan over (also j->plan). */
int journal_write_plan(Journal *j, Plan *plan, Fault *f);
/* Appends one line and fdatasyncs. text may be NULL. 0 or -errno. */
int journal_log(Journal *j, LogWord word, int index, const char *text);
/* Notes the process whose hook this is. While it lives and no stopped came, a HELD transaction without QEMU is a start
 * in progress. */
int journal_set_owner(Journal *j, int pid, uint64_t start_time);
/* Notes the guest's QEMU: from now on the transaction is held for that process, and for nobody else. */
int journal_set_guest(Journal *j, int pid, uint64_t start_time);
/* The domain's XML, as the guest was started with it, for scripts at its end. -ENOENT: none was kept. */
int journal_set_xml(Journal *j, const char *xml);
int journal_get_xml(const Journal *j, char **ret);
/* Does somebody work on it (its lock is held)? Never waits, never takes it. */
bool journal_locked(const Journal *j);
/* Removes the folder of a finished transaction. */
int journal_remove(Journal *j);
/* Appends STOPPED without the lock (one atomic O_APPEND write): the daemon's note. 0, -ENOENT, -errno. */
int journal_note_stopped(const char *root, const char *uuid);
/* journal_set_owner() and journal_set_guest() without the lock: the daemon's. 0, -ENOENT, -errno. */
int journal_note_owner(const char *root, const char *uuid, int pid, uint64_t start_time);
int journal_note_guest(const char *root, const char *uuid, int pid, uint64_t start_time);
/* Renames a bad journal to <root>/bad-<uuid>-<boottime> so that the rest goes on. */
int journal_set_aside(const char *root, const char *uuid);

/* All transactions below root, read only, plan and log decoded; unreadable ones are reported through `bad` (strv of
 * "uuid: why", may be NULL). A root that does not exist is empty. */
int journal_list(const char *root, Journal ***ret, size_t *ret_n, char ***ret_bad);
Journal **journal_list_free(Journal **list, size_t n);

const char *log_word_name(LogWord w);
/* Pure decode of a log file's text; a last line without newline (a crash in the write) is dropped. -EBADMSG names the
 * line. */
int log_decode(const char *text, size_t size, LogLine **ret, size_t *ret_n, Fault *f);
LogLine *log_lines_free(LogLine *lines, size_t n);
