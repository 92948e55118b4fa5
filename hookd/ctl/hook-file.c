/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/hook-file.h"

#include "ctl/path.h"
#include "util/fd.h"
#include "wire/wire.h"

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#define IMAGE_MAX ((size_t) 16 << 20)

/* FNV-1a, 64 bits, and the size. */
static void fingerprint(HookImage *i)
{
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (size_t n = 0; n < i->size; n++)
                hash = (hash ^ (unsigned char) i->data[n]) * UINT64_C(0x100000001b3);
        (void) snprintf(i->fingerprint, sizeof(i->fingerprint), "%zu-%016" PRIx64, i->size, hash);
}

int hook_image_load(const char *path, HookImage *ret, Fault *f)
{
        int r;

        *ret = (HookImage){ 0 };
        r = read_file_at(AT_FDCWD, path, IMAGE_MAX, &ret->data, &ret->size);
        if (r < 0)
                return fault_set(f, r, path, "cannot read the hook %s: %s; is hookd installed completely?", path,
                                 fault_errno(r));
        fingerprint(ret);
        return 0;
}

void hook_image_clear(HookImage *i)
{
        free(i->data);
        *i = (HookImage){ 0 };
}

int hook_file_state(const char *root, const char *path, const Receipt *r, const HookImage *image, HookState *ret,
                    Fault *f)
{
        _cleanup_free_ char *full = path_below(root, path);
        _cleanup_(hook_image_clear) HookImage there = { 0 };
        struct stat st;
        int k;

        if (!full)
                return fault_set(f, -ENOMEM, path, "out of memory");
        *ret = HOOK_ABSENT;
        if (lstat(full, &st) < 0)
                return errno == ENOENT ? 0
                                       : fault_set(f, -errno, path, "cannot look at %s: %s", full, fault_errno(-errno));
        *ret = HOOK_FOREIGN;
        if (!S_ISREG(st.st_mode) || st.st_size > (off_t) IMAGE_MAX)
                return 0;
        k = hook_image_load(full, &there, f);
        if (k < 0)
                return k;
        if (image && streq(there.fingerprint, image->fingerprint))
                *ret = (st.st_mode & 0111) == 0111 ? HOOK_CURRENT : HOOK_OLD;
        else if (receipt_find(r, ITEM_FILE, path, there.fingerprint))
                *ret = HOOK_OLD;
        else if (there.size > SELFMAG && memcmp(there.data, ELFMAG, SELFMAG) == 0 &&
                 memmem(there.data, there.size, WIRE_SOCKET, strlen(WIRE_SOCKET)))
                *ret = HOOK_STRAY;
        return 0;
}

static int write_image(const char *temporary, const HookImage *image)
{
        _cleanup_close_ int fd = -1;
        int r;

        (void) unlink(temporary); /* of one that was killed */
        fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        r = fd < 0 ? -errno : write_all(fd, image->data, image->size);
        if (r >= 0 && (fchmod(fd, 0755) < 0 || fsync(fd) < 0))
                r = -errno;
        return r;
}

int hook_file_install(const char *root, const char *path, const HookImage *image, bool replace, Fault *f)
{
        _cleanup_free_ char *target = path_below(root, path), *temporary = NULL;
        int r;

        /* Beside qemu.d, not in it: libvirt would run the half-written file. */
        if (!target || asprintf(&temporary, "%s" HOOKS_FOLDER "/.hookd-%i", root, (int) getpid()) < 0) {
                temporary = NULL;
                return fault_set(f, -ENOMEM, path, "out of memory");
        }
        r = write_image(temporary, image);
        if (r >= 0 && (replace ? rename(temporary, target) : link(temporary, target)) < 0)
                r = -errno;
        (void) unlink(temporary);
        return r < 0 ? fault_set(f, r, path, "cannot install %s: %s", target, fault_errno(r)) : 0;
}
