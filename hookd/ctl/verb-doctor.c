/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/doctor-sight.h"
#include "ctl/look.h"

#define LOOK_USEC (20 * USEC_PER_SEC)

/* Whose IOMMU: the firmware's tables say it; a virtual machine may have another maker's than its processor's. */
static Cpu find_cpu(Host *h)
{
        _cleanup_strv_ char **tables = NULL;
        _cleanup_free_ char *text = NULL;

        if (host_list(h, "/sys/firmware/acpi/tables", &tables) >= 0) {
                if (strv_contains(tables, "DMAR"))
                        return CPU_INTEL;
                if (strv_contains(tables, "IVRS"))
                        return CPU_AMD;
        }
        if (host_read(h, "/proc/cpuinfo", &text) < 0)
                return CPU_OTHER;
        return strstr(text, "GenuineIntel") ? CPU_INTEL : strstr(text, "AuthenticAMD") ? CPU_AMD : CPU_OTHER;
}

/* libvirt.so.0 leads to libvirt.so.0.9000.0: 9.0.0. The daemon is of the same package. */
static unsigned find_libvirt(Host *h)
{
        static const char *const links[] = { "/usr/lib/x86_64-linux-gnu/libvirt.so.0", "/usr/lib64/libvirt.so.0",
                                             "/usr/lib/libvirt.so.0", "/usr/lib/aarch64-linux-gnu/libvirt.so.0" };

        for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
                _cleanup_free_ char *to = NULL;
                unsigned long major_minor, micro;

                if (host_readlink(h, links[i], &to) >= 0 && startswith(to, "libvirt.so.0.")) {
                        char *end;

                        major_minor = strtoul(to + strlen("libvirt.so.0."), &end, 10);
                        micro = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
                        return (unsigned) (major_minor * 1000 + micro);
                }
        }
        return 0;
}

static int open_sight(const Ctl *c, Sight *s, Fault *f)
{
        int r;

        *s = (Sight){ .ctl = c, .here = !*c->root };
        r = host_new(*c->root ? c->root : "/", &s->host, f);
        if (r < 0)
                return r;
        s->host->deadline = host_now(s->host) + LOOK_USEC;
        if (c->host || s->here) /* of a folder nothing is known but its files */
                r = look(c->host, NULL, &s->view, f);
        if (r >= 0 &&
            ((r = boot_find(s->host, &s->boot)) < 0 || (r = text_files_add_modprobe(&s->modprobe, s->host)) < 0))
                return fault_set(f, r, NULL, "out of memory");
        s->cpu = find_cpu(s->host);
        s->libvirt = find_libvirt(s->host);
        if (r >= 0 && s->here && (r = find_containers(s->host, &s->containers)) < 0)
                return fault_set(f, r, NULL, "out of memory");
        return r;
}

static void close_sight(Sight *s)
{
        boot_clear(&s->boot);
        text_files_clear(&s->modprobe);
        strv_free(s->containers);
        if (s->view)
                (void) hostview_free(s->view);
        if (s->host)
                (void) host_free(s->host);
}

static void print_sum(const Findings *fs)
{
        static const char *const one[] = { "problem", "warning", "hint", "thing that could not be seen" };
        static const char *const many[] = { "problems", "warnings", "hints", "things that could not be seen" };
        bool any = false;

        for (Severity s = FINDING_PROBLEM; s < FINDING_FINE; s++) {
                unsigned n = findings_count(fs, s);

                if (n > 0)
                        (void) printf("%s%u %s", any ? ", " : "\n", n, n == 1 ? one[s] : many[s]);
                any = any || n > 0;
        }
        (void) puts(any ? "." : "\nNothing is wrong.");
}

static int run(const Ctl *c)
{
        static void (*const parts[])(const Sight *, Findings *) = { see_iommu,  see_boot,     see_modules, see_cards,
                                                                    see_hook,   see_scripts,  see_hookd,   see_libvirt,
                                                                    see_kernel, see_security, see_profiles };
        _cleanup_(findings_clear) Findings fs = { 0 };
        _cleanup_(close_sight) Sight s;
        Fault f = { 0 };

        if (open_sight(c, &s, &f) < 0)
                return ctl_fail("%s", f.text);
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                parts[i](&s, &fs);
        if (fs.failed)
                return ctl_fail("out of memory");
        findings_sort(&fs);
        if (c->json)
                findings_print_json(&fs, stdout);
        else {
                findings_print(&fs, c->all, c->colour, stdout);
                print_sum(&fs);
        }
        return findings_count(&fs, FINDING_PROBLEM) > 0;
}

const Verb verb_doctor = {
        .name = "doctor",
        .options = "root host shim json all socket",
        .arguments = "",
        .summary = "look for what keeps guests from their cards, and say what to do",
        .help = "Looks from the firmware's IOMMU to the profiles: what is wrong, what may become\n"
                "so, what is worth knowing, and what could not be seen, each with its remedy.\n"
                "Changes nothing. Run it as root: others see less. Exit status 1: a problem.\n",
        .run = run,
};
