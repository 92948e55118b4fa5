/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/guest.h"

/* Domains' XML, from libvirt (qemu:///system, read only) or a file. libvirt's calls have no time limit and wait for the
 * lock of a guest that is just starting or stopping: they are made in a child, which has DOMAIN_XML_USEC. */
#define DOMAIN_XML_USEC (10 * USEC_PER_SEC)

/* Of one domain, by name or UUID, as a sealed memory file: the live definition of one that runs, else the stored one.
 * *ret_name is owned by the caller. Returns the descriptor or -errno with a fault: -ENOTCONN, -ETIMEDOUT: libvirt does
 * not answer; -ENOENT: it knows no such guest. */
int domain_xml_ask(const char *guest, char **ret_name, Fault *f);
/* From a file, or stdin for "-". *ret_name: the name it gives itself. */
int domain_xml_read(const char *path, char **ret_name, Fault *f);

/* What is in such a memory file. */
int domain_xml_parse(int fd, Guest **ret, Fault *f);
/* The guest that a verb is about: of --domain-xml=FILE, which must be that of `guest` (NULL: any), else of libvirt.
 * -errno as above, -EINVAL: another's XML. */
int domain_guest(const char *guest, const char *file, Guest **ret, Fault *f);

/* All domains that libvirt knows, running or not, within usec; their texts, caller frees. -ENOTCONN, -ETIMEDOUT. */
int domain_xml_list(uint64_t usec, char ***ret, Fault *f);
