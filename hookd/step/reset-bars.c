/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/reset-bars.h"

#include "step/step-util.h"

#include <stdio.h>

#define BARS 6

/* include/linux/ioport.h */
#define IO_KIND  UINT64_C(0x00102300) /* IO, MEM, PREFETCH, MEM_64 */
#define IO_UNSET UINT64_C(0x20000000)

typedef struct Bar {
        uint64_t size, flags; /* size 0: there is none, or it has no address */
} Bar;

static void parse_bars(const char *text, Bar bars[BARS])
{
        memset(bars, 0, BARS * sizeof(*bars));
        for (size_t i = 0; i < BARS && *text; i++) {
                unsigned long long start, end, flags;

                if (sscanf(text, "%llx %llx %llx", &start, &end, &flags) != 3)
                        return;
                if (start > 0 && end > start && !(flags & IO_UNSET))
                        bars[i] = (Bar){ end - start + 1, flags };
                text += strcspn(text, "\n");
                text += *text == '\n';
        }
}

static int read_bars(Host *h, const char *bdf, Bar bars[BARS])
{
        _cleanup_free_ char *path = function_path(bdf, "resource"), *text = NULL;
        int r;

        r = path ? host_read(h, path, &text) : -ENOMEM;
        if (r < 0 && r != -ENOENT)
                return r;
        parse_bars(text ? text : "", bars);
        return 0;
}

int bars_note(Host *h, char *const *functions, char **ret)
{
        _cleanup_free_ char *note = NULL;
        size_t size;
        FILE *out = open_memstream(&note, &size);
        int r = 0;

        if (!out)
                return -ENOMEM;
        for (size_t k = 0; functions[k] && r >= 0; k++) {
                Bar bars[BARS];
                bool any = false;

                r = read_bars(h, functions[k], bars);
                (void) fputs(k > 0 ? ";" : "", out);
                for (size_t i = 0; i < BARS && r >= 0; i++) {
                        if (bars[i].size == 0)
                                continue;
                        (void) fprintf(out, "%s%zu:%llx:%llx", any ? "," : "", i, (unsigned long long) bars[i].size,
                                       (unsigned long long) bars[i].flags);
                        any = true;
                }
                (void) fputs(any ? "" : "-", out);
        }
        if (fclose(out) != 0)
                return -ENOMEM;
        if (r >= 0)
                *ret = TAKE_PTR(note);
        return r;
}

static bool can_resize(Host *h, const char *bdf, size_t i)
{
        _cleanup_free_ char *path = NULL;
        char name[24];

        (void) snprintf(name, sizeof(name), "resource%zu_resize", i);
        path = function_path(bdf, name);
        return path && host_exists(h, path);
}

/* note: of one function, without the semicolon. */
static int compare_one(Host *h, const char *bdf, char *note, Fault *f)
{
        Bar now[BARS];
        char *word;
        int r;

        r = read_bars(h, bdf, now);
        if (r < 0)
                return fault_set(f, r, bdf, "cannot read the BARs of %s: %s", bdf, fault_errno(r));
        while ((word = strsep(&note, ","))) {
                unsigned long long size, flags;
                unsigned i;

                if (sscanf(word, "%u:%llx:%llx", &i, &size, &flags) != 3 || i >= BARS)
                        continue;
                if (now[i].size > 0 && ((now[i].flags ^ flags) & IO_KIND) == 0 &&
                    (now[i].size == size || can_resize(h, bdf, i)))
                        continue;
                return fault_set(f, -ENODEV, bdf,
                                 "%s has come back from its reset with another BAR %u: it had %llu KiB, and has %llu",
                                 bdf, i, size >> 10, (unsigned long long) (now[i].size >> 10));
        }
        return 0;
}

int bars_compare(Host *h, char *const *functions, const char *note, Fault *f)
{
        _cleanup_free_ char *copy = strdup(note);
        char *rest = copy, *one;
        int r = copy ? 0 : -ENOMEM;

        for (size_t i = 0; functions[i] && r >= 0 && (one = strsep(&rest, ";")); i++)
                r = compare_one(h, functions[i], one, f);
        return r;
}
