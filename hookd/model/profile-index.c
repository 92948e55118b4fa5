/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/profile-keys.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>

#define PROBLEM_MAX 400 /* kept of a broken file: the daemon holds it */

/* Of each file only what deciding takes; whoever uses it reads the file again. */
typedef struct Entry {
        char *file;     /* vm1.ini */
        char **domains; /* Domain= */
        MatchDevice *devices;
        size_t n_devices;
        char *problem; /* its first one; NULL: good */
        uint64_t start_timeout, rollback_timeout, stop_timeout;
} Entry;

struct ProfileIndex {
        Entry *entries; /* by file name */
        size_t n_entries;
        char **names; /* sorted: domains that a file asks for literally */
        size_t n_names;
        char **globs;
        bool any_domain; /* a file asks for a device only */
};

/* How well a file fits: more is better, the first difference decides. */
typedef struct Fit {
        bool by_file, by_name;
        size_t glob;
        enum { NO_DEVICE, BY_ID, BY_ADDRESS } device;
} Fit;

static void entry_clear(Entry *e)
{
        free(e->file);
        strv_free(e->domains);
        free(e->devices);
        free(e->problem);
}

ProfileIndex *profile_index_free(ProfileIndex *x)
{
        if (!x)
                return NULL;
        for (size_t i = 0; i < x->n_entries; i++)
                entry_clear(&x->entries[i]);
        free(x->entries);
        strv_free(x->names);
        strv_free(x->globs);
        free(x);
        return NULL;
}

static bool is_glob(const char *s)
{
        return strpbrk(s, "*?[\\") != NULL;
}

static bool is_file_of(const Entry *e, const char *domain)
{
        size_t n = strlen(e->file) - strlen(".ini");

        return strlen(domain) == n && memcmp(e->file, domain, n) == 0;
}

/* Is it by its name that the file is somebody's? A broken one always is: what it asks for may be what is broken. */
static bool goes_by_file(const Entry *e)
{
        return e->problem || (!e->domains && e->n_devices == 0);
}

static int entry_read(Entry *e, int dir_fd, const char *dir, const char *file, bool check_owner)
{
        _cleanup_(profile_freep) Profile *p = NULL;
        _cleanup_free_ char *path = NULL;
        Fault fault = { 0 };
        int r;

        e->file = strdup(file);
        if (!e->file)
                return -ENOMEM;
        if (asprintf(&path, "%s/%s", dir, file) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = profile_load_what_can(dir_fd, file, path, NULL, check_owner, &p, NULL, &fault);
        if (r == -ENOMEM || r == -ENOENT)
                return r;
        if (r < 0) {
                e->problem = strndup(fault.text, PROBLEM_MAX);
                if (!e->problem)
                        return -ENOMEM;
        }
        if (p) {
                e->start_timeout = p->start_timeout;
                e->rollback_timeout = p->rollback_timeout;
                e->stop_timeout = p->stop_timeout;
                e->domains = TAKE_PTR(p->match_domain);
                e->n_devices = p->n_match_device;
                if (e->n_devices > 0)
                        e->devices = TAKE_PTR(p->match_device);
        }
        return 0;
}

static int compare_entries(const void *a, const void *b)
{
        return strcmp(((const Entry *) a)->file, ((const Entry *) b)->file);
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static int read_folder(ProfileIndex *x, DIR *folder, const char *dir, bool check_owner)
{
        const struct dirent *d;
        size_t allocated = 0;
        int r;

        while (errno = 0, (d = readdir(folder))) {
                /* hidden files are editors' and package managers' */
                if (!endswith(d->d_name, ".ini") || d->d_name[0] == '.')
                        continue;
                if (x->n_entries == allocated) {
                        Entry *grown;

                        allocated = allocated ? allocated * 2 : 8;
                        grown = reallocarray(x->entries, allocated, sizeof(Entry));
                        if (!grown)
                                return -ENOMEM;
                        x->entries = grown;
                }
                x->entries[x->n_entries] = (Entry){ 0 };
                r = entry_read(&x->entries[x->n_entries++], dirfd(folder), dir, d->d_name, check_owner);
                if (r == -ENOENT) /* deleted meanwhile */
                        entry_clear(&x->entries[--x->n_entries]);
                else if (r < 0)
                        return r;
        }
        return -errno;
}

/* What profile_index_may_own() looks at. */
static int collect_names(ProfileIndex *x)
{
        for (size_t i = 0; i < x->n_entries; i++) {
                const Entry *e = &x->entries[i];

                if (goes_by_file(e)) {
                        _cleanup_free_ char *stem = strndup(e->file, strlen(e->file) - strlen(".ini"));

                        if (!stem || strv_append(&x->names, stem) < 0)
                                return -ENOMEM;
                }
                STRV_FOREACH (s, e->domains)
                        if (strv_append(is_glob(*s) ? &x->globs : &x->names, *s) < 0)
                                return -ENOMEM;
                x->any_domain = x->any_domain || (!e->domains && e->n_devices > 0);
        }
        strv_sort(x->names);
        x->n_names = strv_length(x->names);
        return 0;
}

static void closedirp(DIR **d)
{
        if (*d)
                (void) closedir(*d);
}

int profile_index_load(const char *dir, bool check_owner, ProfileIndex **ret, Fault *f)
{
        _cleanup_(profile_index_freep) ProfileIndex *x = calloc(1, sizeof(ProfileIndex));
        _cleanup_(closedirp) DIR *folder = NULL;
        int r = 0;

        if (!x)
                return fault_set(f, -ENOMEM, dir, "out of memory reading %s", dir);
        folder = opendir(dir);
        if (!folder && errno != ENOENT)
                return fault_set(f, -errno, dir, "cannot open %s: %s", dir, fault_errno(-errno));
        if (folder && check_owner) {
                r = profile_check_folder(dirfd(folder), ".", dir, f);
                if (r < 0)
                        return r;
        }
        if (folder)
                r = read_folder(x, folder, dir, check_owner);
        if (r >= 0)
                r = collect_names(x);
        if (r < 0)
                return fault_set(f, r, dir, "cannot read %s: %s", dir, fault_errno(r));
        if (x->n_entries > 0)
                qsort(x->entries, x->n_entries, sizeof(Entry), compare_entries);
        *ret = TAKE_PTR(x);
        return 0;
}

size_t profile_index_size(const ProfileIndex *x)
{
        return x->n_entries;
}

const char *profile_index_problem(const ProfileIndex *x, size_t i, const char **ret_name)
{
        if (ret_name)
                *ret_name = x->entries[i].file;
        return x->entries[i].problem;
}

char *const *profile_index_domains(const ProfileIndex *x, size_t i)
{
        return x->entries[i].domains;
}

const MatchDevice *profile_index_devices(const ProfileIndex *x, size_t i, size_t *ret_n)
{
        *ret_n = x->entries[i].n_devices;
        return x->entries[i].devices;
}

bool profile_index_may_own(const ProfileIndex *x, const char *domain)
{
        if (x->any_domain ||
            (x->n_names > 0 && bsearch(&domain, x->names, x->n_names, sizeof(*x->names), compare_names)))
                return true;
        STRV_FOREACH (s, x->globs)
                if (fnmatch(*s, domain, 0) == 0)
                        return true;
        return false;
}

/* ---- choosing ---- */

static bool fits_domain(const Entry *e, const char *domain, Fit *fit)
{
        bool fits = false;

        STRV_FOREACH (s, e->domains) {
                if (is_glob(*s) ? fnmatch(*s, domain, 0) != 0 : !streq(*s, domain))
                        continue;
                fits = true;
                if (is_glob(*s))
                        fit->glob = MAX(fit->glob, strlen(*s));
                else
                        fit->by_name = true;
        }
        return fits;
}

static bool fits_device(const Entry *e, const Guest *guest, const uint32_t *ids, Fit *fit)
{
        for (size_t i = 0; i < e->n_devices; i++) {
                const MatchDevice *d = &e->devices[i];
                uint32_t id = (uint32_t) d->vendor << 16 | d->device;

                for (size_t j = 0; j < guest->n_devices; j++) {
                        if (guest->devices[j].type != GUEST_DEVICE_PCI)
                                continue;
                        if (d->is_address && pci_compare(&d->address, &guest->devices[j].address) == 0)
                                fit->device = BY_ADDRESS;
                        else if (!d->is_address && ids && ids[j] != 0 && ids[j] == id)
                                fit->device = MAX(fit->device, BY_ID);
                }
        }
        return fit->device != NO_DEVICE;
}

static bool fits(const Entry *e, const Guest *guest, const uint32_t *ids, Fit *ret)
{
        *ret = (Fit){ .by_file = is_file_of(e, guest->name) };
        if (ret->by_file && goes_by_file(e))
                return true;
        if (!e->domains && e->n_devices == 0)
                return false;
        return (!e->domains || fits_domain(e, guest->name, ret)) &&
               (e->n_devices == 0 || fits_device(e, guest, ids, ret));
}

const char *profile_index_fits(const ProfileIndex *x, size_t i, const Guest *guest, const uint32_t *ids)
{
        Fit fit;

        if (!fits(&x->entries[i], guest, ids, &fit))
                return NULL;
        if (fit.by_file)
                return "its name is the guest's";
        if (fit.by_name)
                return "its Domain= has the guest's name";
        if (fit.glob > 0)
                return "a glob in its Domain= fits the guest's name";
        return fit.device == BY_ADDRESS ? "its Device= has the address of one of the guest's devices"
                                        : "its Device= has vendor and device of one of the guest's devices";
}

static int compare_fits(const Fit *a, const Fit *b)
{
        if (a->by_file != b->by_file)
                return a->by_file ? 1 : -1;
        if (a->by_name != b->by_name)
                return a->by_name ? 1 : -1;
        if (a->glob != b->glob && !a->by_name)
                return a->glob > b->glob ? 1 : -1;
        return (int) a->device - (int) b->device;
}

void profile_index_timeouts(const ProfileIndex *x, const char *domain, uint64_t *start, uint64_t *rollback,
                            uint64_t *stop)
{
        for (size_t i = 0; i < x->n_entries; i++) {
                const Entry *e = &x->entries[i];
                bool by_file = goes_by_file(e) && is_file_of(e, domain), device_only = !e->domains && e->n_devices > 0;
                Fit fit = { 0 };

                if (!by_file && !device_only && !fits_domain(e, domain, &fit))
                        continue;
                *start = MAX(*start, e->start_timeout);
                *rollback = MAX(*rollback, e->rollback_timeout);
                *stop = MAX(*stop, e->stop_timeout);
        }
}

int profile_index_choose(const ProfileIndex *x, const Guest *guest, const uint32_t *ids, const char **ret_name,
                         Fault *f)
{
        const Entry *best = NULL, *tied = NULL;
        Fit best_fit = { 0 };

        for (size_t i = 0; i < x->n_entries; i++) {
                const Entry *e = &x->entries[i];
                int better;
                Fit fit;

                if (!fits(e, guest, ids, &fit))
                        continue;
                better = best ? compare_fits(&fit, &best_fit) : 1;
                if (better == 0)
                        tied = e;
                if (better <= 0)
                        continue;
                best = e;
                best_fit = fit;
                tied = NULL;
        }
        if (!best)
                return 0;
        if (tied)
                return fault_set(
                        f, -EEXIST, best->file,
                        "the profiles %s and %s fit %s equally well: give one of them the more exact Domain= or "
                        "Device=, or name it %s.ini",
                        best->file, tied->file, guest->name, guest->name);
        if (best->problem)
                return fault_set(f, -EINVAL, best->file, "%s", best->problem);
        *ret_name = best->file;
        return 1;
}
