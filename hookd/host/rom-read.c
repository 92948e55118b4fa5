/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/rom-read.h"

#include "host/hand.h"
#include "model/rom.h"
#include "util/fd.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

#define SHADOW   0xC0000
#define ROM_LINE 6 /* PCI_ROM_RESOURCE */

/* What a hand hands over: the size first. */
typedef struct RomOutput {
        size_t size;
        char data[ROM_MAX];
} RomOutput;

static int open_in(const char *folder, const char *name, int flags)
{
        char path[600];
        int fd;

        (void) snprintf(path, sizeof(path), "%s/%s", folder, name);
        fd = open(path, flags | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static int write_in(const char *folder, const char *name, const char *value)
{
        _cleanup_close_ int fd = open_in(folder, name, O_WRONLY);

        return fd < 0 ? fd : write_all(fd, value, strlen(value));
}

/* Without its newline; "" where there is none. */
static void read_in(const char *folder, const char *name, char *buf, size_t size)
{
        _cleanup_close_ int fd = open_in(folder, name, O_RDONLY);
        ssize_t n = fd >= 0 ? read(fd, buf, size - 1) : 0;

        buf[MAX(n, (ssize_t) 0)] = '\0';
        buf[strcspn(buf, "\n")] = '\0';
}

/* A card in D3 does not answer; "on" returns when it is awake (pm_runtime_forbid()). Returns whether power/control must
 * be set back. */
static bool wake(const char *folder)
{
        char control[16];

        read_in(folder, "power/control", control, sizeof(control));
        return streq(control, "auto") && write_in(folder, "power/control", "on") >= 0;
}

static int read_all(int fd, RomOutput *out)
{
        while (out->size < sizeof(out->data)) {
                ssize_t n = read(fd, out->data + out->size, sizeof(out->data) - out->size);

                if (n == 0)
                        return 0;
                if (n > 0)
                        out->size += (size_t) n;
                else if (errno != EINTR)
                        return -errno;
        }
        return -EFBIG;
}

static int read_in_hand(void *arg, char *output, size_t output_max _unused_)
{
        RomOutput *out = (RomOutput *) (void *) output;
        const char *folder = arg;
        _cleanup_close_ int fd = -1;
        sigset_t all;
        bool woken;
        int r;

        (void) sigfillset(&all);
        (void) sigprocmask(SIG_SETMASK, &all, NULL); /* ^C must not leave it enabled */
        fd = open_in(folder, "rom", O_RDONLY);
        if (fd < 0)
                return fd;
        woken = wake(folder);
        r = write_in(folder, "rom", "1");
        if (r >= 0) {
                r = read_all(fd, out);
                (void) write_in(folder, "rom", "0");
        }
        if (woken)
                (void) write_in(folder, "power/control", "auto");
        return r;
}

int rom_read(const char *folder, uint64_t deadline, char **ret, size_t *ret_size, Fault *f)
{
        _cleanup_free_ RomOutput *out = malloc(sizeof(*out));
        const char *bdf = strrchr(folder, '/') + 1;
        char where[384];
        pid_t pid;
        int r;

        if (!out)
                return fault_set(f, -ENOMEM, NULL, "out of memory");
        r = hand_run(read_in_hand, (void *) folder, deadline, (char *) out, sizeof(*out), &pid);
        if (pid > 0)
                return fault_set(f, -ETIMEDOUT, bdf,
                                 "reading the ROM of %s has not returned from the kernel (process %i%s%s): leave the "
                                 "card alone; if it does not end, only a reboot helps",
                                 bdf, (int) pid, hand_stack(pid, where, sizeof(where)) ? ", in " : "", where);
        if (r == -ENOENT)
                return fault_set(f, r, bdf,
                                 "%s has no ROM of its own: that of a laptop's or an integrated card is part of the "
                                 "machine's firmware",
                                 bdf);
        if (r == -EIO)
                return fault_set(f, r, bdf,
                                 "the kernel finds no valid ROM in %s (EIO): the card sleeps, its driver has hidden "
                                 "it, or the firmware has. `dmesg` may say more; try again before any driver had the "
                                 "card",
                                 bdf);
        if (r < 0)
                return fault_set(f, r, bdf, "cannot read the ROM of %s: %s", bdf, fault_errno(r));
        *ret = malloc(out->size + 1);
        if (!*ret)
                return fault_set(f, -ENOMEM, NULL, "out of memory");
        memcpy(*ret, out->data, out->size);
        (*ret)[out->size] = '\0';
        *ret_size = out->size;
        return 0;
}

bool rom_is_shadow(const char *folder)
{
        _cleanup_close_ int fd = open_in(folder, "resource", O_RDONLY);
        char text[4096], *rest = text;
        ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

        text[MAX(n, (ssize_t) 0)] = '\0';
        for (int i = 0; i < ROM_LINE; i++)
                (void) strsep(&rest, "\n");
        return rest && strtoull(rest, NULL, 16) == SHADOW;
}
