/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/look.h"

#include "host/describe.h"
#include "host/scan.h"
#include "step/step.h"
#include "util/fd.h"

#include <fcntl.h>

#define LOOK_USEC (30 * USEC_PER_SEC)

static int read_file(const char *file, HostView **ret, Fault *f)
{
        _cleanup_close_ int fd = -1;
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        int r = 0;

        if (!streq(file, "-")) {
                fd = open(file, O_RDONLY | O_CLOEXEC);
                if (fd < 0)
                        return fault_set(f, -errno, file, "cannot open %s: %s", file, fault_errno(-errno));
        }
        r = read_fd_deadline(fd >= 0 ? fd : STDIN_FILENO, HOSTVIEW_TEXT_MAX, UINT64_MAX, &text, &size);
        if (r < 0)
                return fault_set(f, r, file, "cannot read %s: %s", file, fault_errno(r));
        return hostview_decode(text, size, file, ret, f);
}

/* Every function in a slot that has a display, and the guest's devices. */
static int cards(const HostView *v, const Guest *guest, PciAddress **ret, size_t *ret_n)
{
        size_t n_devices = guest ? guest->n_devices : 0;

        *ret = calloc(v->n_functions + n_devices + 1, sizeof(**ret));
        if (!*ret)
                return -ENOMEM;
        for (size_t i = 0; i < n_devices; i++)
                if (guest->devices[i].type == GUEST_DEVICE_PCI)
                        (*ret)[(*ret_n)++] = guest->devices[i].address;
        for (size_t i = 0; i < v->n_functions; i++)
                for (size_t k = 0; k < v->n_functions; k++)
                        if (function_is_display(&v->functions[k]) &&
                            pci_same_slot(&v->functions[i].address, &v->functions[k].address)) {
                                (*ret)[(*ret_n)++] = v->functions[i].address;
                                break;
                        }
        return 0;
}

int look_at(Host *h, const Guest *guest, HostView **ret, Fault *f)
{
        ScanRequest request = { .no_services = true, .units = (char *const *) step_known_units };
        _cleanup_(hostview_freep) HostView *first = NULL, *v = NULL;
        _cleanup_free_ PciAddress *wanted = NULL;
        int r;

        h->deadline = host_now(h) + LOOK_USEC;
        r = scan(h, &request, &first, f);
        if (r >= 0)
                r = cards(first, guest, &wanted, &request.n_wanted);
        request.wanted = wanted;
        request.no_services = false;
        request.mdev_types = true;
        if (r >= 0)
                r = scan(h, &request, &v, f);
        if (r >= 0)
                r = describe(v);
        if (r >= 0)
                *ret = TAKE_PTR(v);
        return r < 0 ? fault_default(f, r, NULL, "cannot look at the host: %s", fault_errno(r)) : 0;
}

int look(const char *file, const Guest *guest, HostView **ret, Fault *f)
{
        _cleanup_(host_freep) Host *h = NULL;
        int r;

        if (file)
                return read_file(file, ret, f);
        r = host_new("/", &h, f);
        return r < 0 ? r : look_at(h, guest, ret, f);
}
