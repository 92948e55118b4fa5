/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/host.h"

/* Small text files of the host, as the doctor's checks take them. */
typedef struct TextFile {
        char *path, *text;
} TextFile;

typedef struct TextFiles {
        TextFile *list;
        size_t n;
        char *denied; /* the first file or folder that may not be read; NULL: none */
} TextFiles;

/* What is not there is not an error. 0 or -ENOMEM. */
int text_files_add(TextFiles *t, Host *h, const char *path);
/* All with that ending (no folders), by name. Of a name that several folders have only that in the first counts, as
 * for modprobe and systemd. */
int text_files_add_folders(TextFiles *t, Host *h, const char *const *folders, size_t n, const char *ending);
/* What modprobe reads, as modprobe.d(5) has it. */
int text_files_add_modprobe(TextFiles *t, Host *h);
void text_files_clear(TextFiles *t);

/* The next line: without what comes behind '#' at its begin, blanks at its ends gone, a line that ends in '\' goes on;
 * empty ones are passed over. *rest is moved and written to. NULL at the end. */
char *text_line(char **rest);
