/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/look.h"
#include "ctl/term.h"
#include "host/rom-read.h"
#include "model/rom.h"
#include "step/card.h"
#include "step/step-util.h"
#include "util/fd.h"

#include <fcntl.h>
#include <sys/stat.h>

#define READ_USEC (20 * USEC_PER_SEC)

static int usage(const char *text)
{
        (void) ctl_fail("%s", text);
        return 2;
}

/* May its ROM be read just now? A card may decode its ROM with the same comparators as its other memory (PCI Local Bus
 * 3.0, 6.2.5.2): while that is enabled, a driver's accesses can go astray. */
static int check_use(const Ctl *c, const HostView *v, const HostFunction *fn, const char *bdf, Fault *f)
{
        for (size_t i = 0; i < v->n_holders; i++)
                if (holder_is_vfio(&v->holders[i]) && strv_contains(fn->nodes, v->holders[i].node))
                        return fault_set(f, -EBUSY, bdf,
                                         "%s belongs to a guest just now (%s, process %d): shut that down first", bdf,
                                         v->holders[i].comm, v->holders[i].pid);
        if (!fn->driver || driver_is_for_guests(fn->driver))
                return 0;
        if (!c->force)
                return fault_set(f, -EBUSY, bdf,
                                 "%s is driven by %s, which does not expect that its ROM is read: the card may decode "
                                 "ROM and registers by the same means, and hang the machine. Read it without a "
                                 "driver, or on vfio-pci before the guest runs; --force reads it all the same",
                                 bdf, fn->driver);
        (void) ctl_fail("warning: %s is driven by %s; save your work", bdf, fn->driver);
        return 0;
}

static int find(const char *text, const HostView *v, const HostFunction **ret, Fault *f)
{
        PciAddress a;

        if (pci_parse(text, &a) < 0)
                return fault_set(f, -EINVAL, text, "%s is no PCI address: they look like 0000:01:00.0", text);
        *ret = hostview_function(v, &a);
        return *ret ? 0 : fault_set(f, -ENODEV, text, "there is no PCI device %s: `lspci -D` lists them", text);
}

static void print_list(const Ctl *c, const char *code, const char *label, char *const *list)
{
        size_t width = strlen(label) + 1;

        STRV_FOREACH (s, list) {
                term_cell(stdout, c->colour, code, label, width);
                term_wrap(stdout, *s, width, width);
        }
}

static void print_json(const Rom *rom, size_t size, char *const *problems, char *const *notes)
{
        Json j = { .out = stdout };

        json_begin(&j, NULL, '{');
        json_number(&j, "size", (int64_t) size);
        json_begin(&j, "images", '[');
        for (size_t i = 0; i < rom->n_images; i++) {
                const RomImage *image = &rom->images[i];
                char name[16], id[16];

                (void) snprintf(id, sizeof(id), "%04x:%04x", image->vendor, image->device);
                json_begin(&j, NULL, '{');
                json_number(&j, "offset", (int64_t) image->offset);
                json_number(&j, "size", (int64_t) image->size);
                json_string(&j, "code", rom_code_name(image, name));
                json_string(&j, "id", id);
                if (image->checked)
                        json_bool(&j, "checksum", image->sum == 0);
                else
                        json_null(&j, "checksum");
                json_end(&j, '}');
        }
        json_end(&j, ']');
        json_strings(&j, "problems", problems);
        json_strings(&j, "notes", notes);
        json_end(&j, '}');
}

static void print_images(const Rom *rom)
{
        for (size_t i = 0; i < rom->n_images; i++) {
                const RomImage *image = &rom->images[i];
                char name[16];

                (void) printf("%7zu  %-14s %7zu bytes, for %04x:%04x%s\n", rom->before + image->offset,
                              rom_code_name(image, name), image->size, image->vendor, image->device,
                              !image->checked   ? ""
                              : image->sum == 0 ? ", checksum right"
                                                : ", checksum wrong");
        }
}

/* Returns the exit status. */
static int report(const Ctl *c, const void *data, size_t size, const RomCard *card)
{
        _cleanup_strv_ char **problems = NULL, **notes = NULL;
        Fault f = { 0 };
        Rom rom;

        if (rom_parse(data, size, card, &rom, &f) < 0)
                return ctl_fail("%s", f.text);
        if (rom_judge(&rom, size, card, &problems, &notes) < 0)
                return ctl_fail("out of memory");
        if (c->json)
                print_json(&rom, size, problems, notes);
        else {
                print_images(&rom);
                print_list(c, COLOUR_RED, "problem:", problems);
                print_list(c, COLOUR_YELLOW, "note:", notes);
        }
        return problems ? 1 : 0;
}

/* All of it or nothing, and never over a file that is there. */
static int save(const char *file, const void *data, size_t size, Fault *f)
{
        _cleanup_free_ char *temporary = NULL;
        _cleanup_close_ int fd = -1;
        int r;

        if (asprintf(&temporary, "%s.XXXXXX", file) < 0) {
                temporary = NULL;
                return fault_set(f, -ENOMEM, NULL, "out of memory");
        }
        fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                return fault_set(f, -errno, file, "cannot make a file beside %s: %s", file, fault_errno(-errno));
        r = write_all(fd, data, size);
        if (r >= 0 && (fchmod(fd, 0644) < 0 || fsync(fd) < 0))
                r = -errno;
        if (r >= 0 && renameat2(AT_FDCWD, temporary, AT_FDCWD, file, RENAME_NOREPLACE) < 0)
                r = -errno;
        if (r < 0)
                (void) unlink(temporary);
        return r < 0 ? fault_set(f, r, file, "cannot write %s: %s; nothing was written", file, fault_errno(r)) : 0;
}

static int dump(const Ctl *c, const char *bdf, const char *file)
{
        _cleanup_(hostview_freep) HostView *v = NULL;
        _cleanup_free_ char *data = NULL;
        const HostFunction *fn = NULL;
        char folder[64], address[PCI_FORMAT_MAX];
        Fault f = { 0 };
        size_t size = 0;
        RomCard card;
        Rom rom;
        int r = 0;

        if (!c->host && geteuid() != 0)
                return ctl_fail("only root may read a card's ROM");
        if (faccessat(AT_FDCWD, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                return ctl_fail("%s exists already, and is left alone", file);
        r = look(c->host, NULL, &v, &f);
        if (r >= 0)
                r = find(bdf, v, &fn, &f);
        if (r >= 0)
                r = check_use(c, v, fn, bdf, &f);
        if (r >= 0 && c->host)
                r = fault_set(&f, -ENOTSUP, bdf, "the ROM of %s could be read on that host; a captured one has none",
                              bdf);
        if (r >= 0)
                (void) snprintf(folder, sizeof(folder), "/sys/bus/pci/devices/%s", pci_format(&fn->address, address));
        if (r >= 0)
                r = rom_read(folder, now_usec() + READ_USEC, &data, &size, &f);
        if (r < 0)
                return r == -EINVAL ? usage(f.text) : ctl_fail("%s", f.text);
        card = (RomCard){ fn->vendor, fn->device, rom_is_shadow(folder) };
        if (rom_parse(data, size, &card, &rom, &f) < 0)
                return ctl_fail("what was read of %s is of no use, nothing was written: %s", bdf, f.text);
        if (save(file, data, size, &f) < 0)
                return ctl_fail("%s", f.text);
        if (!c->json)
                (void) printf("%s: %zu bytes\n", file, size);
        return report(c, data, size, &card);
}

static int check(const Ctl *c, const char *file, const char *bdf)
{
        _cleanup_(hostview_freep) HostView *v = NULL;
        _cleanup_free_ char *data = NULL;
        _cleanup_close_ int fd = -1;
        const HostFunction *fn = NULL;
        RomCard card = { 0 };
        Fault f = { 0 };
        size_t size = 0;
        int r;

        fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        r = fd < 0 ? -errno : read_fd_deadline(fd, ROM_MAX, now_usec() + READ_USEC, &data, &size);
        if (r < 0)
                return ctl_fail("cannot read %s: %s", file, fault_errno(r));
        if (bdf) {
                r = look(c->host, NULL, &v, &f);
                if (r >= 0)
                        r = find(bdf, v, &fn, &f);
                if (r < 0)
                        return r == -EINVAL ? usage(f.text) : ctl_fail("%s", f.text);
                card = (RomCard){ .vendor = fn->vendor, .device = fn->device };
        }
        return report(c, data, size, &card);
}

static int run(const Ctl *c)
{
        const char *word = c->arguments[0], *first = c->arguments[1], *second = c->arguments[2];

        if (streq(word, "dump"))
                return second ? dump(c, first, second) : usage("rom dump needs BDF and FILE");
        if (streq(word, "check"))
                return check(c, first, second);
        return usage("it is rom dump BDF FILE, or rom check FILE [BDF]");
}

const Verb verb_rom = {
        .name = "rom",
        .options = "force json host",
        .arguments = "dump|check BDF|FILE [FILE|BDF]",
        .summary = "read a card's option ROM into a file, or check such a file",
        .help = "rom dump BDF FILE: reads the ROM while nothing uses the card, checks it, and\n"
                "writes FILE, which must not exist. rom check FILE [BDF]: checks a file, also\n"
                "against the card. The exit status is 1 where a guest would choke on it.\n",
        .run = run,
};
