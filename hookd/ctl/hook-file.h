/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/receipt.h"

/* The hook in libvirt's folder: a real file, because AppArmor lets libvirtd run nothing else from there. */
#define HOOKS_FOLDER  "/etc/libvirt/hooks"
#define HOOK_MAIN     HOOKS_FOLDER "/qemu"
#define HOOK_D_FOLDER HOOKS_FOLDER "/qemu.d"
#define HOOK_ENTRY    HOOK_D_FOLDER "/50-hookd"

typedef struct HookImage {
        char *data;
        size_t size;
        char fingerprint[40]; /* of the content; tells an accident, not an attack: the folder is root's */
} HookImage;

/* Reads an executable file. */
int hook_image_load(const char *path, HookImage *ret, Fault *f);
void hook_image_clear(HookImage *i);

typedef enum HookState {
        HOOK_ABSENT,
        HOOK_CURRENT, /* hookd's, and what would be installed */
        HOOK_OLD,     /* hookd's by the receipt, of another version, or not executable any more */
        HOOK_FOREIGN,
        HOOK_STRAY, /* a program that talks to hookd's socket, but nobody knows whose and how old */
} HookState;
/* What is at a path? image may be NULL: then by the receipt alone. -errno where it cannot be told. */
int hook_file_state(const char *root, const char *path, const Receipt *r, const HookImage *image, HookState *ret,
                    Fault *f);

/* Puts the image at a path in one step. replace: over a file of ours; otherwise whatever came there meanwhile stays:
 * -EEXIST. */
int hook_file_install(const char *root, const char *path, const HookImage *image, bool replace, Fault *f);
