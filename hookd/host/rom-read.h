/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/fault.h"

/* Reads a function's ROM through its sysfs attribute: enabled, read, disabled again, also on failure; a card that
 * sleeps is woken for it. In a hand, which no signal but SIGKILL ends: a card may not answer. folder: the function's in
 * sysfs. The caller frees *ret. -ENOENT: it has none; -ETIMEDOUT; -EIO and others with a fault. */
int rom_read(const char *folder, uint64_t deadline, char **ret, size_t *ret_size, Fault *f);

/* Would it come from the firmware's copy at 0xC0000? The kernel gives that address to the ROM of the boot VGA
 * (pci_fixup_video()), and `resource` shows it. */
bool rom_is_shadow(const char *folder);
