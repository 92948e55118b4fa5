/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/parse.h"
#include "util/fault.h"
#include "model/event.h"
#include "model/guest.h"

typedef enum Policy {
        POLICY_AUTO,
        POLICY_KEEP,
        POLICY_STOP,      /* DisplayManager */
        POLICY_UNBIND,    /* VTConsole, Framebuffer */
        POLICY_UNLOAD,    /* Module */
        POLICY_WAIT,      /* Sessions, Holders: wait, then refuse */
        POLICY_REFUSE,    /* Holders: do not wait */
        POLICY_TERMINATE, /* Sessions, Holders */
        POLICY_KILL,      /* Holders */
} Policy;
const char *policy_name(Policy p);

typedef enum ResetMethod { RESET_AUTO, RESET_NONE, RESET_FLR, RESET_BUS, RESET_REMOVE_RESCAN } ResetMethod;
typedef enum ResetWhen { RESET_ON_RELEASE, RESET_ON_PREPARE, RESET_ON_BOTH } ResetWhen;
typedef enum Widen { WIDEN_SLOT, WIDEN_NONE } Widen;
const char *reset_method_name(ResetMethod m);
const char *reset_when_name(ResetWhen w);
const char *widen_name(Widen w);

/* Device= in [Match]: either an address or a vendor:device pair. */
typedef struct MatchDevice {
        bool is_address;
        PciAddress address;
        uint16_t vendor, device;
} MatchDevice;

/* BarSize= in [Devices]: the size that one memory region (BAR) of the card is to have in the guest's time. */
typedef struct BarSize {
        unsigned bar;  /* 0 to 5 */
        uint64_t size; /* bytes; a power of two, 1 MiB at least */
} BarSize;

#define PROFILE_KEYS_MAX 64

/* The effective settings for a guest: hookd.conf's values with the profile's on top. All times in microseconds. A list
 * that is NULL is empty; "auto" for a list is its _auto flag. Sections and keys: design, and hookd.profile(5). */
typedef struct Profile {
        char *name; /* file name without .ini; "" for the defaults */
        char *path;
        char *base_path; /* of the defaults it was read on top of; NULL: none */
        /* By place in profile_keys(): the key's line in path, and in base_path; 0: it is not there. */
        unsigned key_line[PROFILE_KEYS_MAX], base_line[PROFILE_KEYS_MAX];

        char **match_domain; /* globs, fnmatch(3); empty: the file's name, exactly */
        MatchDevice *match_device;
        size_t n_match_device;

        bool functions_auto; /* Functions= unset: the domain's PCI hostdevs */
        PciAddress *functions;
        size_t n_functions;
        Widen widen;
        char **allow_drivers;
        BarSize *bars;
        size_t n_bars;

        uint64_t start_timeout, rollback_timeout, stop_timeout;

        Policy dm_policy;
        char *dm_unit; /* NULL: auto */

        char **stop_units;
        bool known_holders;

        Policy sessions_policy;
        uint64_t sessions_timeout;

        Policy holders_policy;
        uint64_t holders_timeout;

        bool keep_awake;

        Policy vtconsole_policy;

        Policy module_policy;
        char **module_names; /* NULL: auto */

        Policy framebuffer_policy;

        char *mdev_parent; /* PCI address in any of its forms, or a parent's name; NULL: auto */
        char *mdev_type;   /* NULL: none is made */
        char **mdev_uuids; /* NULL: auto, those of the domain */

        char *vf_parent; /* PCI address; NULL: auto, that of the domain's virtual functions */
        unsigned vf_count;

        char *driver_guest; /* NULL: auto */
        char *driver_host;  /* NULL: recorded */

        char **exec[HOOK_UNKNOWN]; /* a command for the event, its words; NULL: none */
        bool script_folders;
        uint64_t scripts_timeout;

        ResetMethod reset_method;
        ResetWhen reset_when;
        uint64_t reset_timeout;
} Profile;

/* Defaults as compiled in. NULL: out of memory. */
Profile *profile_new(void);
Profile *profile_free(Profile *p);
DEFINE_CLEANUP(Profile, profile_free)

/* Bytes of one line, without comment and blanks at its end: what inih is sure not to split, however it was built. */
#define PROFILE_LINE_MAX 197
#define PROFILE_SIZE_MAX ((size_t) 64 << 10)

/* Reads a profile (a name ending in .ini) or hookd.conf (any other name; [Match] is an error there) on top of `base`
 * (NULL: the compiled-in defaults), through inih with a reader of our own. dirfd + name; path is for messages. Every
 * problem is collected, one "file:line: what, what was expected" each, in *ret_problems (may be NULL; caller frees the
 * strv); the first is also in *f. -EINVAL for a bad file, -EPERM for one that is not a regular file owned by root, or
 * that it or its folder can be written by others (check_owner false: only that it is a regular file is checked), -EFBIG
 * over PROFILE_SIZE_MAX, -ENOENT and other -errno. Nothing is returned in *ret then. */
int profile_load(int dirfd, const char *name, const char *path, const Profile *base, bool check_owner, Profile **ret,
                 char ***ret_problems, Fault *f);
/* As profile_load(), but *ret is also given with -EINVAL: what could be read. */
int profile_load_what_can(int dirfd, const char *name, const char *path, const Profile *base, bool check_owner,
                          Profile **ret, char ***ret_problems, Fault *f);
/* As profile_load() from memory: the fuzzer's and the tests' door. */
int profile_parse(const char *text, size_t size, const char *path, bool is_conf, const Profile *base, Profile **ret,
                  char ***ret_problems, Fault *f);

/* All keys with section, default and one line of help: for the man page test, hookctl show, completion. NULL at the
 * end. The rest of an entry is how the value is read and printed, for profile-*.c. */
typedef struct ProfileKey {
        const char *section, *key, *default_text, *help;
        size_t offset; /* of the field in Profile */
        const struct ProfileKind *kind;
        const void *limits;
} ProfileKey;
const ProfileKey *profile_keys(void);
/* The effective value as it would be written in a file. Caller frees; NULL: out of memory. */
char *profile_value(const Profile *p, const char *section, const char *key);
/* The file that the value comes from, borrowed, and its line; NULL and 0: it is the compiled-in one. */
const char *profile_origin(const Profile *p, const char *section, const char *key, unsigned *ret_line);

/* ---- which profile ---- (profile-index.c) */

/* What the daemon keeps of each file in the profiles folder: enough to say whether an event may be somebody's. */
typedef struct ProfileIndex ProfileIndex;

/* Reads every *.ini of a folder. A broken file stays in the index as broken, with its fault, and owns the domain of its
 * file name and, where they could still be read, of its Domain= lines. 0, or -errno when the folder cannot be read; a
 * folder that does not exist is an empty index. */
int profile_index_load(const char *dir, bool check_owner, ProfileIndex **ret, Fault *f);
ProfileIndex *profile_index_free(ProfileIndex *x);
DEFINE_CLEANUP(ProfileIndex, profile_index_free)
size_t profile_index_size(const ProfileIndex *x);
/* The i-th file's first problem, NULL: it is good. *ret_name (may be NULL) gets its name, borrowed. */
const char *profile_index_problem(const ProfileIndex *x, size_t i, const char **ret_name);
/* Its Domain= and Device=, as far as they could be read; borrowed. */
char *const *profile_index_domains(const ProfileIndex *x, size_t i);
const MatchDevice *profile_index_devices(const ProfileIndex *x, size_t i, size_t *ret_n);

/* Could any profile match a guest of that name, by whatever devices it may have? False: nobody owns its events. */
bool profile_index_may_own(const ProfileIndex *x, const char *domain);

/* Raises the time-outs to the longest of any profile that could match a guest of that name, where a file that sets none
 * counts with the compiled-in one: how long the daemon has to allow a worker before it is known which profile it is. */
void profile_index_timeouts(const ProfileIndex *x, const char *domain, uint64_t *start, uint64_t *rollback,
                            uint64_t *stop);

/* The file for this guest. A file with Domain= or Device= matches by these (both, where it has both), one without by
 * its own name. Of several the best, in this order: exact file name, exact Domain=, the longer glob, Device= as
 * address, then as vendor:device. `ids` gives vendor << 16 | device of the guest's devices, in the order of
 * guest->devices (0 where absent or no PCI device); NULL: none is known. 1 and *ret_name (borrowed, file name with
 * .ini); 0: nobody's; -EEXIST: a tie, the fault names both files, its culprit is one; -EINVAL: the winner is broken,
 * the fault is its first problem. */
int profile_index_choose(const ProfileIndex *x, const Guest *guest, const uint32_t *ids, const char **ret_name,
                         Fault *f);
/* Why the i-th file fits this guest, whichever wins: a clause, "its name is the guest's". NULL: it does not fit. */
const char *profile_index_fits(const ProfileIndex *x, size_t i, const Guest *guest, const uint32_t *ids);
