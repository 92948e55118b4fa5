/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-checks.h"

#include <stdio.h>

static bool has_word(const char *text, const char *word)
{
        size_t n = strlen(word);

        for (const char *p = text; (p = strstr(p, word)); p += n)
                if ((p == text || !strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", p[-1])) &&
                    (p[n] == '\0' || !strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", p[n])))
                        return true;
        return false;
}

/* Part of vfio since 6.2: kernel commit e2d55709398e. */
static void check_virqfd(const InitramfsInput *in, const TextFile *f, const char *line, Findings *fs)
{
        if (!in->release || kernel_version(in->release) < 6002 ||
            !(has_word(line, "vfio_virqfd") || has_word(line, "vfio-virqfd")))
                return;
        finding_add(fs, AREA_MODULES, FINDING_WARNING,
                    "%s names vfio_virqfd, which is no module since Linux 6.2: what loads or packs it fails", f->path);
        finding_fix(fs, "remove vfio_virqfd from %s", f->path);
}

/* dracut.conf(5): add_drivers+=" a b " */
static void check_dracut(const TextFile *f, const char *line, Findings *fs)
{
        const char *value = strstr(line, "_drivers+=");
        size_t n = strlen(line);

        if (!value || !strstr(line, "vfio"))
                return;
        value += strlen("_drivers+=");
        if (*value != '"' || value[1] == ' ' || n < 2 || line[n - 2] == ' ')
                return;
        finding_add(fs, AREA_MODULES, FINDING_WARNING,
                    "%s: '%s' has no blanks within its quotes, so its names run into those of other files", f->path,
                    line);
        finding_fix(fs, "%.*s\" %.*s \"", (int) (value - line), line, (int) (n - (size_t) (value - line) - 2),
                    value + 1);
}

/* mkinitcpio takes modprobe.d along by its hook modconf. */
static void check_mkinitcpio(const InitramfsInput *in, const TextFile *f, const char *line, Findings *fs)
{
        bool wanted = false;

        if (!startswith(line, "HOOKS=") || has_word(line, "modconf"))
                return;
        for (size_t i = 0; i < in->modprobe->n; i++)
                wanted = wanted || strstr(in->modprobe->list[i].text, "vfio");
        if (!wanted)
                return;
        finding_add(fs, AREA_MODULES, FINDING_WARNING,
                    "%s: HOOKS has no modconf, so the initramfs does not know what modprobe.d says of vfio", f->path);
        finding_fix(fs, "add modconf behind autodetect in HOOKS, then mkinitcpio -P");
}

static const char *command_for(const char *image)
{
        return strstr(image, "/initrd.img-") ? "update-initramfs -u"
               : strstr(image, "-linux")     ? "mkinitcpio -P"
                                             : "dracut --force";
}

static void check_age(const InitramfsInput *in, Findings *fs)
{
        for (size_t i = 0; in->image_time > 0 && i < in->modprobe->n; i++) {
                const TextFile *f = &in->modprobe->list[i];

                if (in->modprobe_times[i] <= in->image_time || !strstr(f->text, "vfio"))
                        continue;
                finding_add(fs, AREA_MODULES, FINDING_WARNING,
                            "%s is newer than %s: the next boot begins with what it said before", f->path, in->image);
                finding_fix(fs, "%s", command_for(in->image));
        }
}

void check_initramfs(const InitramfsInput *in, Findings *fs)
{
        for (size_t i = 0; i < in->lists->n; i++) {
                const TextFile *f = &in->lists->list[i];
                _cleanup_free_ char *copy = strdup(f->text);
                char *rest = copy, *line;

                fs->failed = fs->failed || !copy;
                while ((line = text_line(&rest))) {
                        check_virqfd(in, f, line, fs);
                        check_dracut(f, line, fs);
                        check_mkinitcpio(in, f, line, fs);
                }
        }
        check_age(in, fs);
        if (in->lists->denied) {
                finding_add(fs, AREA_MODULES, FINDING_UNKNOWN, "%s may not be read", in->lists->denied);
                finding_fix(fs, "run as root to see it");
        }
}
