/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/fault.h"

/* The operator's editor: VISUAL, else EDITOR (environ(7)), with arguments by blanks; else editor, else vi. Waits for
 * its end, however long somebody edits. 0; -errno with a fault: there is none, or it ended otherwise than with 0. */
int editor_run(const char *path, Fault *f);
