/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/check-parts.h"
#include "util/fd.h"

#include <fcntl.h>
#include <stdio.h>

#define NOTES_MAX 64

/* What was at an address when the file was written: "# 0000:01:00.0 10de:2484 …". */
typedef struct Note {
        unsigned line;
        PciAddress address;
        unsigned vendor, device;
} Note;

static bool parse(const char *line, Note *ret)
{
        char address[PCI_FORMAT_MAX];
        int n = 0;

        return startswith(line, "# ") &&
               sscanf(line + 2, "%19s %4x:%4x%n", address, &ret->vendor, &ret->device, &n) == 3 && n > 0 &&
               (line[n + 2] == ' ' || line[n + 2] == '\0') && pci_parse(address, &ret->address) >= 0;
}

static bool is_same(const HostFunction *fn, const Note *note)
{
        return fn && fn->vendor == note->vendor && fn->device == note->device;
}

/* A device of that kind which is where no note has it. */
static const HostFunction *find(const HostView *v, const Note *notes, size_t n, const Note *note)
{
        for (size_t i = 0; i < v->n_functions; i++) {
                bool taken = !is_same(&v->functions[i], note);

                for (size_t k = 0; k < n && !taken; k++)
                        taken = pci_compare(&notes[k].address, &v->functions[i].address) == 0 &&
                                is_same(&v->functions[i], &notes[k]);
                if (!taken)
                        return &v->functions[i];
        }
        return NULL;
}

void check_moved(const Subject *s, const char *file)
{
        _cleanup_free_ char *text = NULL;
        Note notes[NOTES_MAX];
        unsigned line = 0;
        char *rest, *word;
        size_t n = 0;

        if (read_file_at(AT_FDCWD, file, PROFILE_SIZE_MAX, &text, NULL) < 0)
                return;
        for (rest = text; (word = strsep(&rest, "\n")) && n < NOTES_MAX;) {
                notes[n].line = ++line;
                n += parse(word, &notes[n]);
        }
        for (size_t i = 0; i < n; i++) {
                const HostFunction *now;
                char bdf[PCI_FORMAT_MAX], other[PCI_FORMAT_MAX];

                if (is_same(hostview_function(s->check->view, &notes[i].address), &notes[i]))
                        continue;
                now = find(s->check->view, notes, n, &notes[i]);
                pci_format(&notes[i].address, bdf);
                if (now)
                        remarks_add(s->remarks, false, s->profile->path, notes[i].line,
                                    "%04x:%04x was at %s when this was written and is at %s now: the card has moved, "
                                    "correct <hostdev> in the domain (`virsh edit`) and what is written here",
                                    notes[i].vendor, notes[i].device, bdf, pci_format(&now->address, other));
                else
                        remarks_add(s->remarks, false, s->profile->path, notes[i].line,
                                    "%04x:%04x was at %s when this was written and is not in this host any more",
                                    notes[i].vendor, notes[i].device, bdf);
        }
}
