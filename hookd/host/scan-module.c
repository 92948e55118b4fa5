/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/scan-parts.h"

#include <fnmatch.h>
#include <stdio.h>

/* "nvidia 56000 4 nvidia_uvm,nvidia_modeset, Live 0x0000000000000000 (POE)" */
static int scan_module(HostView *v, char *line)
{
        static const char *const states[][2] = { { "Live", "live" },
                                                 { "Loading", "coming" },
                                                 { "Unloading", "going" } };
        char *name = strsep(&line, " "), *refcnt, *holders, *state, *holder;
        uint64_t count;
        HostModule *m;

        (void) strsep(&line, " "); /* size */
        refcnt = strsep(&line, " ");
        holders = strsep(&line, " ");
        state = strsep(&line, " ");
        if (!state)
                return 0;

        m = scan_grow(&v->modules, &v->n_modules, sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->refcnt = parse_uint(refcnt, INT32_MAX, &count) < 0 ? 0 : (int) count; /* "-": cannot be unloaded */
        for (size_t i = 0; i < ARRAY_SIZE(states); i++)
                if (streq(state, states[i][0]))
                        state = (char *) states[i][1];
        while ((holder = strsep(&holders, ",")))
                if (*holder != '\0' && !streq(holder, "-") && !startswith(holder, "[") &&
                    strv_append(&m->holders, holder) < 0)
                        return -ENOMEM;
        m->name = strdup(name);
        m->state = strdup(state);
        return m->name && m->state ? 0 : -ENOMEM;
}

int scan_modules(Host *h, HostView *v)
{
        static const char *const needed[] = { "vfio", "vfio_iommu_type1", "vfio_pci" };
        _cleanup_free_ char *text = NULL;
        char *rest, *line;
        int r;

        r = scan_read(h, &text, "/proc/modules");
        if (r < 0)
                return r;
        rest = text;
        while ((line = strsep(&rest, "\n"))) {
                r = scan_module(v, line);
                if (r < 0)
                        return r;
        }

        for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
                const HostModule *m = hostview_module(v, needed[i]);

                if (m ? !streq(m->state, "going") : scan_exists(h, "/sys/module/%s", needed[i])) /* built in */
                        continue;
                r = strv_append(&v->missing_modules, needed[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* One line of modules.alias: "alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_vfio_pci". */
static int match_variant(const char *line, size_t len, const char *bdf, const char *id, HostView *v)
{
        static const char prefix[] = "alias vfio_pci:";
        _cleanup_free_ char *copy = NULL;
        char *pattern, *driver;

        if (len < strlen(prefix) || strncmp(line, prefix, strlen(prefix)) != 0)
                return 0;
        copy = strndup(line + strlen(prefix), len - strlen(prefix));
        if (!copy)
                return -ENOMEM;
        driver = copy;
        pattern = strsep(&driver, " ");
        if (!driver || streq(driver, "vfio_pci") || fnmatch(pattern, id, 0) != 0)
                return 0;
        return scan_append(&v->variant_drivers, "%s %s", bdf, driver);
}

int scan_variant_drivers(Host *h, const ScanRequest *request, HostView *v)
{
        _cleanup_free_ char *release = NULL, *text = NULL;
        int r;

        if (request->n_wanted == 0)
                return 0;
        r = scan_read(h, &release, "/proc/sys/kernel/osrelease");
        if (r < 0 || !release)
                return r;
        r = scan_read(h, &text, "/lib/modules/%s/modules.alias", release);
        if (r < 0 || !text)
                return r;

        for (size_t i = 0; i < request->n_wanted; i++) {
                const HostFunction *fn = hostview_function(v, request->wanted + i);
                char bdf[PCI_FORMAT_MAX];

                if (!fn || !fn->modalias || !startswith(fn->modalias, "pci:"))
                        continue;
                pci_format(&fn->address, bdf);
                for (const char *line = text; *line;) {
                        size_t len = strcspn(line, "\n");

                        r = match_variant(line, len, bdf, fn->modalias + strlen("pci:"), v);
                        if (r < 0)
                                return r;
                        line += len + (line[len] == '\n');
                }
        }
        return 0;
}
