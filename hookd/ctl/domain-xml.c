/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/domain-xml.h"

#include "model/guest.h"
#include "util/fd.h"

#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <sys/mman.h>

static int memory_file(const char *text, size_t size, Fault *f)
{
        _cleanup_close_ int fd = memfd_create("domain-xml", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        int r = fd < 0 ? -errno : write_all(fd, text, size);

        if (r >= 0 && (lseek(fd, 0, SEEK_SET) < 0 ||
                       fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0))
                r = -errno;
        return r < 0 ? fault_set(f, r, NULL, "cannot keep the domain XML in memory: %s", fault_errno(r)) : TAKE_FD(fd);
}

static void connection_closep(virConnectPtr *c)
{
        if (*c)
                (void) virConnectClose(*c);
}

static void domain_freep(virDomainPtr *d)
{
        if (*d)
                (void) virDomainFree(*d);
}

static void no_output(void *userdata, virErrorPtr error)
{
}

int domain_xml_ask(const char *guest, char **ret_name, Fault *f)
{
        _cleanup_(connection_closep) virConnectPtr connection = NULL;
        _cleanup_(domain_freep) virDomainPtr domain = NULL;
        _cleanup_free_ char *xml = NULL, *name = NULL;
        int fd;

        virSetErrorFunc(NULL, no_output);
        connection = virConnectOpenReadOnly("qemu:///system");
        if (!connection)
                return fault_set(f, -ENOTCONN, guest,
                                 "cannot ask libvirt for the XML of %s: %s; `--domain-xml FILE` takes it from a file",
                                 guest, virGetLastErrorMessage());
        domain = virDomainLookupByName(connection, guest);
        if (!domain && uuid_valid(guest))
                domain = virDomainLookupByUUIDString(connection, guest);
        if (!domain)
                return fault_set(f, -ENOENT, guest, "libvirt knows no guest '%s': `virsh list --all` lists them",
                                 guest);
        xml = virDomainGetXMLDesc(domain, 0);
        if (!xml)
                return fault_set(f, -EIO, guest, "libvirt does not give the XML of %s: %s", guest,
                                 virGetLastErrorMessage());
        name = strdup(virDomainGetName(domain));
        if (!name)
                return fault_set(f, -ENOMEM, guest, "out of memory");
        fd = memory_file(xml, strlen(xml), f);
        if (fd >= 0)
                *ret_name = TAKE_PTR(name);
        return fd;
}

int domain_xml_read(const char *path, char **ret_name, Fault *f)
{
        _cleanup_(guest_freep) Guest *guest = NULL;
        _cleanup_close_ int opened = -1;
        _cleanup_free_ char *xml = NULL;
        size_t size = 0;
        int fd, r;

        if (!streq(path, "-")) {
                opened = open(path, O_RDONLY | O_CLOEXEC);
                if (opened < 0)
                        return fault_set(f, -errno, path, "cannot open %s: %s", path, fault_errno(-errno));
        }
        r = read_fd_deadline(opened >= 0 ? opened : STDIN_FILENO, GUEST_XML_MAX, UINT64_MAX, &xml, &size);
        if (r < 0)
                return fault_set(f, r, path, "cannot read %s: %s", path, fault_errno(r));
        r = guest_parse(xml, size, &guest, f);
        if (r < 0) {
                fault_prefix(f, "%s", path);
                return r;
        }
        fd = memory_file(xml, size, f);
        if (fd >= 0)
                *ret_name = TAKE_PTR(guest->name);
        return fd;
}
