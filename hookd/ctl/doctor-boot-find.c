/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-boot.h"

#include <stdio.h>

#define GRUB      "/etc/default/grub"
#define GRUB_D    "/etc/default/grub.d"
#define KERNEL_CL "/etc/kernel/cmdline"

static int note_denied(Boot *b, int r, const char *path)
{
        if ((r == -EACCES || r == -EPERM) && !b->denied && !(b->denied = strdup(path)))
                return -ENOMEM;
        return r == -ENOMEM ? r : 0;
}

static int find_grub_default(Host *h, Boot *b)
{
        _cleanup_strv_ char **other = NULL, **line = NULL, **names = NULL;
        _cleanup_free_ char *text = NULL;
        int r;

        r = host_read(h, GRUB, &text);
        if (r < 0)
                return note_denied(b, r, GRUB);
        r = boot_grub_default(text, &other, &line);
        if (r >= 0 && host_list(h, GRUB_D, &names) < 0)
                names = NULL;
        STRV_FOREACH (name, names) {
                _cleanup_free_ char *more = NULL;
                char path[512];

                (void) snprintf(path, sizeof(path), GRUB_D "/%s", *name);
                if (r >= 0 && endswith(*name, ".cfg") && host_read(h, path, &more) >= 0)
                        r = boot_grub_default(more, &other, &line);
        }
        STRV_FOREACH (word, other)
                if (r >= 0)
                        r = strv_append(&b->edit, *word);
        STRV_FOREACH (word, line)
                if (r >= 0)
                        r = strv_append(&b->edit, *word);
        if (r >= 0 && !b->edit)
                r = boot_words("", &b->edit);
        b->line = TAKE_PTR(line);
        b->edit_path = strdup(GRUB);
        b->before = "GRUB_CMDLINE_LINUX_DEFAULT=\"";
        b->after = "\"";
        return r < 0 || !b->edit_path ? -ENOMEM : 0;
}

static int take_menu(Boot *b, const char *path, const char *text, bool *ret_matched)
{
        _cleanup_strv_ char **words = NULL;
        int r;

        *ret_matched = false;
        r = boot_menu(text, b->release, &words, ret_matched);
        if (r < 0 || !words || (b->next && !*ret_matched) || strv_contains(words, "$kernelopts"))
                return r;
        strv_free(b->next);
        b->next = TAKE_PTR(words);
        free(b->next_path);
        b->next_path = strdup(path);
        return b->next_path ? 0 : -ENOMEM;
}

static int find_grub_cfg(Host *h, Boot *b)
{
        static const char *const paths[] = { "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg" };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                _cleanup_free_ char *text = NULL;
                bool matched;
                int r = host_read(h, paths[i], &text);

                if (r == -ENOENT)
                        continue;
                b->apply = host_exists(h, "/usr/sbin/update-grub") ? "update-grub"
                           : i == 0                                ? "grub-mkconfig -o /boot/grub/grub.cfg"
                                                                   : "grub2-mkconfig -o /boot/grub2/grub.cfg";
                return r < 0 ? note_denied(b, r, paths[i]) : take_menu(b, paths[i], text, &matched);
        }
        return 0;
}

/* Of systemd-boot, and of Fedora's GRUB. */
static int find_entries(Host *h, Boot *b)
{
        static const char *const folders[] = { "/boot/loader/entries", "/efi/loader/entries",
                                               "/boot/efi/loader/entries" };

        for (size_t i = 0; i < ARRAY_SIZE(folders) && !b->next; i++) {
                _cleanup_strv_ char **names = NULL;
                bool matched = false;
                int r = host_list(h, folders[i], &names);

                if (r < 0 && (r = note_denied(b, r, folders[i])) < 0)
                        return r;
                STRV_FOREACH (name, names) {
                        _cleanup_free_ char *text = NULL;
                        char path[512];

                        (void) snprintf(path, sizeof(path), "%s/%s", folders[i], *name);
                        if (matched || !endswith(*name, ".conf"))
                                continue;
                        r = host_read(h, path, &text);
                        r = r < 0 ? note_denied(b, r, path) : take_menu(b, path, text, &matched);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

/* What to edit where entries decide. */
static int choose_edit(Host *h, Boot *b)
{
        _cleanup_free_ char *text = NULL;

        if (host_exists(h, "/usr/sbin/grubby")) {
                b->tool = "grubby --update-kernel=ALL --args=\"%s\"";
                b->untool = "grubby --update-kernel=ALL --remove-args=\"%s\"";
                return 0;
        }
        if (host_exists(h, "/usr/bin/kernelstub")) {
                b->tool = "kernelstub -a \"%s\"";
                b->untool = "kernelstub -d \"%s\"";
                return 0;
        }
        b->before = b->after = "";
        if (host_read(h, KERNEL_CL, &text) >= 0) {
                b->apply = b->next ? "kernel-install add-all"
                                   : "build the kernel's image anew (mkinitcpio -P, dracut --regenerate-all --force)";
                b->edit_path = strdup(KERNEL_CL);
                if (boot_words(text, &b->edit) < 0)
                        return -ENOMEM;
        } else if (b->next) {
                b->before = "options ";
                b->edit_path = strdup(b->next_path);
                b->edit = strv_copy(b->next);
        } else
                return 0;
        b->line = strv_copy(b->edit);
        return b->edit_path && b->edit && b->line ? 0 : -ENOMEM;
}

int boot_find(Host *h, Boot *b)
{
        _cleanup_free_ char *text = NULL;
        int r = 0;

        *b = (Boot){ 0 };
        (void) host_read(h, "/proc/sys/kernel/osrelease", &b->release);
        if (host_read(h, "/proc/cmdline", &text) >= 0)
                r = boot_words(text, &b->running);
        if (r >= 0)
                r = find_entries(h, b);
        if (r >= 0 && !b->next && (r = find_grub_default(h, b)) >= 0 && b->edit)
                return find_grub_cfg(h, b);
        return r < 0 ? r : choose_edit(h, b);
}
