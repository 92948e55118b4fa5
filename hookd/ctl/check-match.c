/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/check-parts.h"

#include <stdio.h>

/* A name that a glob fits: what is literal in it, with something for what is not. A name without any stays. */
static char *sample(const char *glob)
{
        char *name = malloc(strlen(glob) + 1), *out = name;

        for (const char *s = glob; name && *s; s++) {
                const char *end = *s == '[' ? strchr(s + 1, ']') : NULL;

                if (*s == '*')
                        continue;
                if (end) {
                        *out++ = s[1];
                        s = end;
                } else if (*s == '?')
                        *out++ = 'x';
                else if (*s != '\\' || s[1] == '\0')
                        *out++ = *s;
        }
        if (name)
                *out = '\0';
        return name;
}

/* A guest that has one device of this host, or as if of it. d NULL: none. */
static void try(const Check *c, const char *name, const MatchDevice *d, bool known, Remarks *remarks)
{
        GuestDevice device = { .type = GUEST_DEVICE_PCI };
        const Guest guest = { .name = (char *) name, .devices = &device, .n_devices = d ? 1 : 0 };
        uint32_t id = d && !d->is_address ? (uint32_t) d->vendor << 16 | d->device : 0;
        _cleanup_free_ char *path = NULL;
        const char *chosen;
        Fault f = { 0 };

        if (d && d->is_address)
                device.address = d->address;
        else
                device.address.domain = UINT32_MAX; /* nowhere */
        if (profile_index_choose(c->folder->index, &guest, &id, &chosen, &f) == -EEXIST &&
            asprintf(&path, "%s/%s", c->folder->path, f.culprit) >= 0)
                remarks_add(remarks, known, path, 0, "%s", f.text);
}

/* Ties, asked of the rules themselves: for every name and device that a file asks for. */
static void check_ties(const Check *c, size_t i, Remarks *remarks)
{
        char *const *domains = profile_index_domains(c->folder->index, i);
        const MatchDevice *devices;
        size_t n;

        devices = profile_index_devices(c->folder->index, i, &n);
        for (size_t k = 0; k < n && !domains; k++)
                try(c, "GUEST", &devices[k], true, remarks);
        STRV_FOREACH (domain, domains) {
                _cleanup_free_ char *name = sample(*domain);
                bool known = name && streq(name, *domain);

                for (size_t k = 0; k < n && name; k++)
                        try(c, name, &devices[k], known, remarks);
                if (n == 0 && name)
                        try(c, name, NULL, known, remarks);
        }
}

/* What becomes of the i-th file with the guests there are. */
static void check_use(const Check *c, size_t i, const char *path, Remarks *remarks)
{
        const char *name, *better = NULL, *loser = NULL;
        size_t fitting = 0;

        (void) profile_index_problem(c->folder->index, i, &name);
        for (size_t k = 0; k < c->domains->n; k++) {
                const Guest *guest = c->domains->list[k];
                _cleanup_free_ uint32_t *ids = guest_device_ids(guest, c->view);
                const char *chosen = NULL;
                Fault f = { 0 };
                int r;

                if (!ids || !profile_index_fits(c->folder->index, i, guest, ids))
                        continue;
                fitting++;
                r = profile_index_choose(c->folder->index, guest, ids, &chosen, &f);
                if (r <= 0 || streq(chosen, name))
                        return; /* it is used, or what is wrong is said elsewhere */
                better = chosen;
                loser = guest->name;
        }
        if (fitting == 0)
                remarks_add(remarks, false, path, 0, "it is for none of the guests that libvirt knows");
        else
                remarks_add(remarks, false, path, 0,
                            "it is never used: for every guest it is for another profile fits better (for %s %s)",
                            loser, better);
}

int check_matches(const Check *c, Remarks *remarks)
{
        for (size_t i = 0; i < profile_index_size(c->folder->index); i++) {
                _cleanup_free_ char *path = NULL;
                const char *name;

                (void) profile_index_problem(c->folder->index, i, &name);
                if (asprintf(&path, "%s/%s", c->folder->path, name) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }
                check_ties(c, i, remarks);
                if (c->domains)
                        check_use(c, i, path, remarks);
        }
        for (size_t k = 0; c->domains && k < c->domains->n; k++) {
                _cleanup_free_ char *chosen = NULL, *path = NULL;
                Fault f = { 0 };

                if (profile_folder_choose(c->folder, c->domains->list[k], c->view, &chosen, &f) != -EEXIST)
                        continue;
                if (asprintf(&path, "%s/%s", c->folder->path, f.culprit) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }
                remarks_add(remarks, true, path, 0, "%s", f.text);
        }
        return 0;
}
