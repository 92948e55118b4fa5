/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/fault.h"

/* A domain's XML as a sealed memory file. */

/* From libvirt (qemu:///system, read only), by name or UUID: the live definition of one that runs, else the stored one.
 * *ret_name is owned by the caller. Returns the descriptor or -errno with a fault. */
int domain_xml_ask(const char *guest, char **ret_name, Fault *f);
/* From a file, or stdin for "-". *ret_name: the name it gives itself. */
int domain_xml_read(const char *path, char **ret_name, Fault *f);
