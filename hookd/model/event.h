/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* The operations libvirt calls the qemu hook with: libvirt src/util/virhook.c, virHookQemuOpType. */
typedef enum HookOp {
        HOOK_PREPARE, /* before anything of the guest exists; non-zero refuses the start */
        HOOK_START,
        HOOK_STARTED, /* non-zero would kill the running guest */
        HOOK_STOPPED, /* QEMU is (normally) gone; libvirt still has to re-attach its devices */
        HOOK_RELEASE, /* libvirt has let go of everything */
        HOOK_MIGRATE,
        HOOK_RESTORE,
        HOOK_RECONNECT, /* libvirtd restarted; non-zero would kill the running guest */
        HOOK_ATTACH,
        HOOK_UNKNOWN,
} HookOp;

typedef struct Event {
        const char *domain; /* borrowed from the message */
        HookOp op;
        const char *op_name, *subop, *extra; /* as given, never NULL; "-" where missing */
} Event;

/* From the hook's arguments after argv[0]. A count other than four or an unknown word gives HOOK_UNKNOWN, which is
 * answered with 0 and otherwise ignored. 0; -EINVAL when not even a domain name is there. */
int event_parse(const char *const *args, unsigned count, Event *ret);
const char *hook_op_name(HookOp op);
/* "prepare/begin": the operation with the sub-operation libvirt calls it with. The reverse is hook_op_parse():
 * HOOK_UNKNOWN for anything else. */
const char *hook_op_label(HookOp op);
HookOp hook_op_parse(const char *label);
/* Does libvirt give up what it was about to do, without harm, when its hook fails? For started and reconnect it would
 * kill a guest that runs, the others it does not heed. */
bool hook_op_may_refuse(HookOp op);
