/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/domain-xml.h"

#include "util/fd.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define READ_USEC (10 * USEC_PER_SEC)

static int memory_file(const char *text, size_t size, Fault *f)
{
        _cleanup_close_ int fd = memfd_create("domain-xml", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        int r = fd < 0 ? -errno : write_all(fd, text, size);

        if (r >= 0 && (lseek(fd, 0, SEEK_SET) < 0 ||
                       fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0))
                r = -errno;
        return r < 0 ? fault_set(f, r, NULL, "cannot keep the domain XML in memory: %s", fault_errno(r)) : TAKE_FD(fd);
}

/* ---- in the child ---- */

/* libvirt brings fifty libraries along, most of the time of a verb that does not ask it: only who asks loads it. */
#define FUNCTIONS(X)                   \
        X(virConnectClose)             \
        X(virConnectListAllDomains)    \
        X(virConnectOpenReadOnly)      \
        X(virDomainFree)               \
        X(virDomainGetName)            \
        X(virDomainGetXMLDesc)         \
        X(virDomainLookupByName)       \
        X(virDomainLookupByUUIDString) \
        X(virGetLastErrorMessage)      \
        X(virSetErrorFunc)

static struct {
#define POINTER(name) __typeof__(name) *name;
        FUNCTIONS(POINTER)
} libvirt;

static int load(Fault *f)
{
        static const struct {
                const char *name;
                void *pointer;
        } functions[] = {
#define ENTRY(name) { #name, &libvirt.name },
                FUNCTIONS(ENTRY)
        };
        void *library = dlopen("libvirt.so.0", RTLD_NOW | RTLD_LOCAL);

        for (size_t i = 0; library && i < ARRAY_SIZE(functions); i++) {
                void *function = dlsym(library, functions[i].name);

                if (!function)
                        library = NULL;
                memcpy(functions[i].pointer, &function, sizeof(function));
        }
        return library ? 0 : fault_set(f, -ENOTCONN, NULL, "libvirt cannot be asked: %s", dlerror());
}

static void domain_freep(virDomainPtr *d)
{
        if (*d)
                (void) libvirt.virDomainFree(*d);
}

static void no_output(void *userdata, virErrorPtr error)
{
}

/* Writes its answer, texts with a NUL behind each, to out_fd. */
typedef int (*Question)(virConnectPtr connection, const char *guest, int out_fd, Fault *f);

static int ask_one(virConnectPtr connection, const char *guest, int out_fd, Fault *f)
{
        _cleanup_(domain_freep) virDomainPtr domain = libvirt.virDomainLookupByName(connection, guest);
        _cleanup_free_ char *xml = NULL;
        const char *name;
        int r;

        if (!domain && uuid_valid(guest))
                domain = libvirt.virDomainLookupByUUIDString(connection, guest);
        if (!domain)
                return fault_set(f, -ENOENT, guest, "libvirt knows no guest '%s': `virsh list --all` lists them",
                                 guest);
        xml = libvirt.virDomainGetXMLDesc(domain, 0);
        if (!xml)
                return fault_set(f, -EIO, guest, "libvirt does not give the XML of %s: %s", guest,
                                 libvirt.virGetLastErrorMessage());
        name = libvirt.virDomainGetName(domain);
        r = write_all(out_fd, name, strlen(name) + 1);
        return r < 0 ? r : write_all(out_fd, xml, strlen(xml) + 1);
}

static int ask_all(virConnectPtr connection, const char *guest, int out_fd, Fault *f)
{
        virDomainPtr *domains;
        int n = libvirt.virConnectListAllDomains(connection, &domains, 0), r = 0;

        if (n < 0)
                return fault_set(f, -EIO, NULL, "libvirt does not list its guests: %s",
                                 libvirt.virGetLastErrorMessage());
        for (int i = 0; i < n && r >= 0; i++) {
                _cleanup_free_ char *xml = libvirt.virDomainGetXMLDesc(domains[i], 0);

                if (xml) /* else it has just gone */
                        r = write_all(out_fd, xml, strlen(xml) + 1);
        }
        for (int i = 0; i < n; i++)
                (void) libvirt.virDomainFree(domains[i]); /* each keeps the connection; the list goes with the child */
        return r;
}

_Noreturn static void child(Question question, const char *guest, int out_fd, int fault_fd)
{
        virConnectPtr connection = NULL;
        Fault f = { 0 };
        int r;

        r = load(&f);
        if (r >= 0) {
                libvirt.virSetErrorFunc(NULL, no_output);
                connection = libvirt.virConnectOpenReadOnly("qemu:///system");
        }
        if (r >= 0 && !connection)
                r = fault_set(&f, -ENOTCONN, guest, "libvirt cannot be asked: %s", libvirt.virGetLastErrorMessage());
        else if (r >= 0) {
                r = question(connection, guest, out_fd, &f);
                (void) libvirt.virConnectClose(connection); /* else libvirtd logs an error */
        }
        if (r < 0) {
                (void) fault_default(&f, r, guest, "cannot pass on libvirt's answer: %s", fault_errno(r));
                (void) write_all(fault_fd, &f, sizeof(f));
        }
        _exit(r < 0 ? 1 : 0);
}

/* ---- here ---- */

/* Texts out of a buffer that ends with a NUL. */
static int split(const char *data, size_t size, char ***ret)
{
        _cleanup_strv_ char **texts = NULL;

        for (const char *s = data; s < data + size; s += strlen(s) + 1)
                if (strv_append(&texts, s) < 0)
                        return -ENOMEM;
        *ret = TAKE_PTR(texts);
        return 0;
}

static int ask(Question question, const char *guest, uint64_t usec, char ***ret, Fault *f)
{
        _cleanup_close_ int out = -1, out_child = -1, fault = -1, fault_child = -1;
        _cleanup_free_ char *data = NULL;
        size_t size = 0;
        int fds[2], r, status = 0;
        pid_t pid;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return fault_set(f, -errno, guest, "cannot make a pipe: %s", fault_errno(-errno));
        out = fds[0];
        out_child = fds[1];
        if (pipe2(fds, O_CLOEXEC) < 0)
                return fault_set(f, -errno, guest, "cannot make a pipe: %s", fault_errno(-errno));
        fault = fds[0];
        fault_child = fds[1];
        (void) fflush(NULL);
        pid = fork();
        if (pid < 0)
                return fault_set(f, -errno, guest, "cannot fork: %s", fault_errno(-errno));
        if (pid == 0)
                child(question, guest, out_child, fault_child);
        closep(&out_child);
        out_child = -1;
        closep(&fault_child);
        fault_child = -1;
        r = read_fd_deadline(out, GUEST_XML_MAX, now_usec() + usec, &data, &size);
        if (r < 0)
                (void) kill(pid, SIGKILL); /* it waits on a socket: that ends it at once */
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        if (r == -ETIMEDOUT)
                return fault_set(f, r, guest,
                                 "libvirt did not answer within %llu s: it waits for a guest that is just starting or "
                                 "stopping, or hangs",
                                 (unsigned long long) (usec / USEC_PER_SEC));
        if (r < 0)
                return fault_set(f, r, guest, "cannot read libvirt's answer: %s", fault_errno(r));
        if (read(fault, f, sizeof(*f)) == (ssize_t) sizeof(*f))
                return f->code;
        *f = (Fault){ 0 };
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                return fault_set(f, -ECHILD, guest, "the process that asked libvirt died");
        return split(data, size, ret) < 0 ? fault_set(f, -ENOMEM, guest, "out of memory") : 0;
}

int domain_xml_ask(const char *guest, char **ret_name, Fault *f)
{
        _cleanup_strv_ char **answer = NULL;
        int r;

        r = ask(ask_one, guest, DOMAIN_XML_USEC, &answer, f);
        if (r == -ENOTCONN || r == -ETIMEDOUT) {
                const Fault why = *f;

                return fault_set(f, r, guest, "%s; `--domain-xml FILE` takes the XML of %s from a file", why.text,
                                 guest);
        }
        if (r < 0)
                return r;
        r = memory_file(answer[1], strlen(answer[1]), f);
        if (r >= 0 && !(*ret_name = strdup(answer[0]))) {
                (void) close(r);
                r = fault_set(f, -ENOMEM, guest, "out of memory");
        }
        return r;
}

int domain_xml_list(uint64_t usec, char ***ret, Fault *f)
{
        return ask(ask_all, NULL, usec, ret, f);
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

int domain_xml_parse(int fd, Guest **ret, Fault *f)
{
        _cleanup_free_ char *xml = NULL;
        size_t size = 0;
        int r;

        r = read_fd_deadline(fd, GUEST_XML_MAX, now_usec() + READ_USEC, &xml, &size);
        return r < 0 ? fault_set(f, r, NULL, "cannot read the domain XML: %s", fault_errno(r))
                     : guest_parse(xml, size, ret, f);
}

int domain_guest(const char *guest, const char *file, Guest **ret, Fault *f)
{
        _cleanup_free_ char *name = NULL;
        _cleanup_close_ int fd = -1;

        fd = file ? domain_xml_read(file, &name, f) : domain_xml_ask(guest, &name, f);
        if (fd < 0)
                return fd;
        if (file && guest && !streq(guest, name))
                return fault_set(f, -EINVAL, guest, "the XML in %s is that of %s, not of %s", file, name, guest);
        return domain_xml_parse(fd, ret, f);
}
