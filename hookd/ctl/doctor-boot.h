/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/host.h"

/* The kernel command line: of the running kernel, of the next boot, and of the file a person edits. */
typedef struct Boot {
        char *release;      /* of the running kernel; NULL: not known */
        char **running;     /* /proc/cmdline; NULL: not known */
        char **next;        /* of the menu entry for the running release, else of the first; NULL: not known */
        char *next_path;    /* where next is from: grub.cfg, or an entry */
        char **edit;        /* what the file that is edited says, all variables; NULL: there is none */
        char *edit_path;    /* /etc/default/grub, /etc/kernel/cmdline or the entry itself */
        char **line;        /* the words in it to which one would add */
        const char *before; /* what stands in the file before these words: "options " */
        const char *after;  /* and behind them */
        const char *apply;  /* the command after the edit; NULL: the edit is enough */
        const char *tool;   /* instead of an edit: a command with %s for the words to add; NULL: there is none */
        const char *untool; /* the same for words to remove */
        char *denied;       /* a file or folder that may not be read; NULL: none */
} Boot;

/* Looks for them below the host's root. 0 or -ENOMEM. */
int boot_find(Host *h, Boot *ret);
void boot_clear(Boot *b);

/* Words of a command line: blanks within double quotes do not part them (kernel: next_arg()). 0 or -ENOMEM. */
int boot_words(const char *text, char ***ret);
/* Adds what a file as /etc/default/grub assigns to GRUB_CMDLINE_LINUX and GRUB_CMDLINE_LINUX_DEFAULT, as a shell would
 * that reads one file after the other; *other is the first, *line the second. 0 or -ENOMEM. */
int boot_grub_default(const char *text, char ***other, char ***line);
/* The words after the kernel's path in the `linux` command (GRUB) or the `options` (entries of the Boot Loader
 * Specification) of the menu entry whose kernel has `release` in its name, else of the first; *ret NULL: there is none.
 * *ret_matched says which it was. */
int boot_menu(const char *text, const char *release, char ***ret, bool *ret_matched);

/* What to do so that `add` (may be NULL) stands there instead of `remove` (may be NULL): the line and the command.
 * Caller frees; NULL: out of memory. */
char *boot_fix(const Boot *b, const char *remove, const char *add);
