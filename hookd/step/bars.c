/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/bars.h"

#include "step/step-util.h"

#include <stdio.h>

#define BARS 6

/* include/linux/ioport.h */
#define IO_KIND  UINT64_C(0x00102300) /* IO, MEM, PREFETCH, MEM_64 */
#define IO_UNSET UINT64_C(0x20000000)

typedef struct Bar {
        uint64_t start, size, flags; /* size 0: there is none */
} Bar;

static void parse_bars(const char *text, Bar bars[BARS])
{
        memset(bars, 0, BARS * sizeof(*bars));
        for (size_t i = 0; i < BARS && *text; i++) {
                unsigned long long start, end, flags;

                if (sscanf(text, "%llx %llx %llx", &start, &end, &flags) != 3)
                        return;
                if (end > start)
                        bars[i] = (Bar){ start, end - start + 1, flags };
                text += strcspn(text, "\n");
                text += *text == '\n';
        }
}

int bars_read(Host *h, char *const *functions, char ***ret)
{
        _cleanup_strv_ char **list = NULL;

        STRV_FOREACH (bdf, functions) {
                _cleanup_free_ char *path = function_path(*bdf, "resource"), *text = NULL;
                int r;

                r = path ? host_read(h, path, &text) : -ENOMEM;
                if (r >= 0 || r == -ENOENT)
                        r = strv_append(&list, text ? text : "");
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(list);
        return 0;
}

static bool can_resize(Host *h, const char *bdf, size_t i)
{
        _cleanup_free_ char *path = NULL;
        char name[24];

        (void) snprintf(name, sizeof(name), "resource%zu_resize", i);
        path = function_path(bdf, name);
        return path && host_exists(h, path);
}

static int compare_one(Host *h, const char *bdf, const char *before, const char *now, Fault *f)
{
        Bar was[BARS], is[BARS];

        parse_bars(before, was);
        parse_bars(now, is);
        for (size_t i = 0; i < BARS; i++) {
                if (was[i].size == 0 || was[i].start == 0 || was[i].flags & IO_UNSET) /* it had none to lose */
                        continue;
                if (is[i].size > 0 && is[i].start > 0 && !(is[i].flags & IO_UNSET) &&
                    ((was[i].flags ^ is[i].flags) & IO_KIND) == 0 &&
                    (was[i].size == is[i].size || can_resize(h, bdf, i)))
                        continue;
                return fault_set(
                        f, -ENODEV, bdf,
                        "%s has come back from its reset without its BAR %zu (%llu KiB before, %llu KiB%s now)", bdf, i,
                        (unsigned long long) (was[i].size >> 10), (unsigned long long) (is[i].size >> 10),
                        is[i].start == 0 || is[i].flags & IO_UNSET ? " without an address" : "");
        }
        return 0;
}

int bars_compare(Host *h, char *const *functions, char *const *before, Fault *f)
{
        _cleanup_strv_ char **now = NULL;
        int r;

        r = bars_read(h, functions, &now);
        if (r < 0)
                return fault_set(f, r, functions[0], "cannot read the BARs of %s: %s", functions[0], fault_errno(r));
        for (size_t i = 0; functions[i] && r >= 0; i++)
                r = compare_one(h, functions[i], before[i], now[i], f);
        return r;
}
