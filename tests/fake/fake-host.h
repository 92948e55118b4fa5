/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/host.h"

#include <stdio.h>

/* A host in memory that reacts as the kernel, udev, systemd and logind do: the other side of the seam for tests, the
 * sweep and the demo. Its facts are those of Linux 6.1 on Debian 12 unless an option says otherwise.
 *
 * The tree text: one item a line, words by blanks, "…" around a word with blanks (\" \\ \n \t \xHH inside), # comments.
 * Flags are yes/no. Lists are separated by commas. What is left out has the default in brackets.
 *
 *   opt KEY=VALUE …               udev-delay=500ms (autoload after a uevent), settle=100ms (udev's queue after that),
 *                                 transient-busy=0 (a module stays "in use" so long after a probe), kernel=6.1.0-fake;
 *                                 udev-delay=0s: before the card's probe
 *   file PATH VALUE               a plain file; a write replaces its value
 *   dir PATH                      link PATH TARGET
 *   node PATH MAJOR:MINOR         a device file that is always there: node /dev/tty7 4:7
 *   pci BDF vendor= device= class= [sub=1043:87b8] [driver=] [group=] [parent=BDF] [boot_vga=0|1] [bar=START+SIZE]
 *           [reset_method="flr bus"] [reset-works=yes] [reset_subordinate=no] [no-bus-reset=no] [override=]
 *           [power_state=D0] [control=on] [control-boot=on] [d3cold=1] [lost=no: a rescan does not find it again]
 *           [dead=0: so many resets of its bus until its configuration space answers]
 *           [block=nvme0n1] [net=enp5s0] [prefer=MODULE: what udev loads for it]
 *           [panel=amdgpu_bl0 brightness=120 brightness-max=255] [shy=no: its monitor reports itself after a probe only
 *           when it is asked] [rebar=1 rebar-size=256 rebar-sizes=7f00 rebar-room=16384: a resizable BAR, MiB, and what
 *           the kernel finds room for]; a second line for a function changes the first
 *           nodes get the lowest free numbers unless given: drm= render= fb= sound= usb= i2c= nvidia=
 *           [sriov=TOTAL: virtual functions there can be] [vfs=0: there are] [sriov-offset=1] [sriov-stride=1]
 *           [autoprobe=yes]; each of those is a line of its own: [physfn=BDF present=no]
 *   mdev-type TYPE parent=BDF or a name [instances=1] [name=] [description=] [module=: offered while it is loaded]
 *   mdev UUID parent= type= group=
 *   guest BDF or UUID …           what a guest on this host is given: for the golden plans and the sweep
 *   include FILE                  beside this one; a module line for a module that is known changes it
 *   load MODULE …                 these are loaded, drivers registered in this order
 *   module NAME [loaded=no] [builtin=no] [refs=0] [deps=a,b] [pre=a] [post=b] [match=VENDOR:DEVICE:CLASS globs, a list]
 *           [driver=NAME] [gives=drm,fb,sound,usb,i2c,nvidia,block,net] [rides=DRIVER: gives its nodes on functions of
 *           that driver] [holds=no: such a rider is a client, remove() of DRIVER waits for it] [fbname=amdgpudrmfb]
 *           [vfio=no] [evicts=no: a probe throws the firmware framebuffer out] [fbcon-pins=no] [autoload=yes]
 *           [takes=200ms] [fails=ERRNO] [waits=no: its remove() waits until its nodes are closed]
 *           [needs-device=no: nvidia.ko does not load (-ENODEV) where it can drive nothing]
 *   platform NAME [driver=] [owner=BDF] [fb="EFI VGA"] [drm=no: simpledrm] [bar=START+SIZE]
 *   console NAME BOUND            console "VGA+" yes: the system's; "frame buffer device" follows the framebuffers
 *   unit ID [names=a,b] [active=inactive] [job=] [load=loaded] [cgroup=/system.slice/ID] [stop-timeout=90s]
 *           [opens=GLOB,…: device files] [needs=GLOB: fails to start without] [pid=] [comm=] [stop-takes=500ms]
 *           [start-takes=500ms] [stop-result=done|failed] [start-result=done|failed] [conflicts=UNIT,…]
 *   script PATH [status=0: how it ends] [takes=100ms] [sets=PATH to=VALUE: a plain file that it writes] [text=]
 *           [distrust="/a/folder may be written by everybody"]
 * [waits-for=UNIT] session ID user= [uid=1000] [seat=seat0] [tty=] [type=x11] [class=user] [service=]
 * [scope=session-ID.scope] [state=active] [remote=no] [linger=no] [owner=UNIT: ends and starts with it] [respawn=UNIT:
 * logs in again while that unit is active] [manager=UNIT: stops so long after the last session ended:
 * manager-delay=10s] holder PID comm= [uid=0] [cgroup=] [node=/dev/…,…] [mapped=no] [start=PID]
 * [leaves=term|kill|never|uevent|AFTER] [session=ID: lets go when that session ends] fault OP TARGET NTH WHAT      OP
 * and TARGET are globs: read write readlink list exists module-state module-load module-unload unit-state unit-start
 * unit-stop unit-reset-failed look script session-list session-terminate holders signal wait, and probe ("BDF driver").
 * NTH: 1 the first, 0 every one. WHAT: an errno name, hang, lie, late:OPS, crash-before, crash-after, cancel, slow
 *
 * Time is the fake's own: it moves by what an operation costs and by wait(), never by itself. */

typedef enum FakeWhat {
        FAKE_ERRNO, /* fails, nothing changed */
        FAKE_HANG,  /* never returns until fake_release_hangs(): -ETIMEDOUT at the deadline, the effect comes then */
        FAKE_LIE,   /* 0 and no effect */
        FAKE_LATE,  /* 0, the effect comes some operations later */
        FAKE_CRASH_BEFORE, /* the process dies before the effect */
        FAKE_CRASH_AFTER,  /* … after it */
        FAKE_CANCEL,       /* the one who asked hangs up just before the operation */
        FAKE_SLOW,         /* takes ten minutes, then succeeds */
} FakeWhat;

typedef struct FakeFault {
        FakeWhat what;
        char op[24], target[192]; /* globs; "" is any */
        unsigned nth;             /* 1: the first match; 0: every match */
        unsigned at;              /* != 0: the operation with this number (fake_ops()), instead of nth */
        int error;                /* FAKE_ERRNO: negative */
        unsigned late;            /* FAKE_LATE: operations */
        unsigned seen;            /* matches so far */
} FakeFault;

int fake_host_new(const char *path, Host **ret, Fault *f);
int fake_host_parse(const char *text, size_t size, const char *name, Host **ret, Fault *f);

/* The whole state as tree text, which fake_host_parse() takes back; faults are not part of it. */
char *fake_host_text(Host *h);
int fake_host_save(Host *h, const char *path);
/* What a user would call the state of the host, a line an item, sorted: drivers, overrides, power settings, modules,
 * units, consoles, framebuffers, sessions, device files. Two hosts are alike when these are equal. */
char *fake_host_summary(Host *h);

int fake_fault_add(Host *h, const FakeFault *fault);
int fake_fault_parse(Host *h, const char *line, Fault *f); /* "OP TARGET NTH WHAT" */
void fake_faults_clear(Host *h);
unsigned fake_faults_hit(Host *h);        /* how often a fault fired */
const char *fake_faults_targets(Host *h); /* of what failed or was not done since fake_reset(): a line each */

/* Operations so far, and what the last one was ("write /sys/…"). An effect is one that may change the host. */
unsigned fake_ops(Host *h);
const char *fake_last_op(Host *h);
/* Called before every operation, whatever its faults: to trace, and to count. hand: it may hang. */
typedef void (*FakeTrace)(void *arg, unsigned n, const char *op, const char *target, bool effect, bool hand);
void fake_trace(Host *h, FakeTrace fn, void *arg);
/* Called after every operation with an effect, and after a wait: the demo's worker saves the tree. */
void fake_on_effect(Host *h, void (*fn)(Host *h, void *arg), void *arg);
/* Called instead of dying at a crash point; must not return. Default: _exit(FAKE_CRASHED). */
void fake_on_crash(Host *h, void (*fn)(Host *h, void *arg), void *arg);
enum { FAKE_CRASHED = 86 };

/* The state is plain memory: copied between hosts and through shared memory. Faults, hooks and fds are not part. */
size_t fake_state_size(void);
void fake_state_get(Host *h, void *buf);
void fake_state_set(Host *h, const void *buf);
/* Another process looks at the host: no faults, no count, nothing stuck, no client, no deadline. */
void fake_reset(Host *h);

/* The kernel lets go: what hung takes effect, h->stuck is not touched. Returns how many. */
unsigned fake_release_hangs(Host *h);
/* The tree's `guest` line. */
int fake_host_guest(Host *h, char ***ret);
/* Lets time pass, with everything that happens meanwhile. */
void fake_advance(Host *h, uint64_t usec);
/* The client of the transaction; a FAKE_CANCEL hangs it up. Sets h->cancel_fd. */
int fake_client(Host *h);
/* QEMU starts: opens /dev/vfio/GROUP of these functions and mediated devices (all must be there), uses the card.
 * -EPERM: group not viable.
 */
int fake_guest_start(Host *h, char *const *functions, int pid);
void fake_guest_stop(Host *h, int pid);
/* A process that has nothing open: libvirtd, for the transaction's owner. */
int fake_process(Host *h, int pid, const char *comm);
/* A function that a guest used and nobody has reset since? */
bool fake_is_dirty(Host *h, const char *bdf);

/* "/path for win10 prepare begin -, 320 bytes of XML" of each script that was run since fake_reset(), a line each; "":
 * none. */
const char *fake_scripts_ran(Host *h);

/* What was called that must not be: a risky write or read outside a hand, an operation on a stuck card, a signal to PID
 * 1. Text a line each, NULL: none. Owned by the host. */
const char *fake_violations(Host *h);
