/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor.h"

#include "ctl/json.h"
#include "ctl/term.h"

#include <stdarg.h>

#define INDENT 10

static const char *const severities[FINDING_MAX] = { "problem", "warning", "hint", "unknown", "fine" };
static const char *const colours[FINDING_MAX] = { COLOUR_RED, COLOUR_YELLOW, NULL, COLOUR_YELLOW, COLOUR_GREEN };

static const struct {
        const char *name, *title;
} areas[AREA_MAX] = {
        [AREA_IOMMU] = { "iommu", "IOMMU" },
        [AREA_BOOT] = { "boot", "Kernel command line" },
        [AREA_MODULES] = { "modules", "Modules and initramfs" },
        [AREA_CARDS] = { "cards", "Cards" },
        [AREA_HOOK] = { "hook", "Hook" },
        [AREA_HOOKD] = { "hookd", "hookd" },
        [AREA_LIBVIRT] = { "libvirt", "libvirt" },
        [AREA_KERNEL] = { "kernel", "Kernel" },
        [AREA_SECURITY] = { "security", "AppArmor, SELinux, lockdown" },
        [AREA_PROFILES] = { "profiles", "Guests and profiles" },
};

const char *severity_name(Severity s)
{
        return severities[s];
}

const char *area_name(Area a)
{
        return areas[a].name;
}

static char *text_of(const char *fmt, va_list ap)
{
        char *text;

        if (vasprintf(&text, fmt, ap) < 0)
                return NULL;
        text_clean(text);
        return text;
}

void finding_add(Findings *fs, Area area, Severity s, const char *fmt, ...)
{
        Finding *list = reallocarray(fs->list, fs->n + 1, sizeof(*list));
        va_list ap;
        char *text;

        va_start(ap, fmt);
        text = text_of(fmt, ap);
        va_end(ap);
        if (list)
                fs->list = list;
        if (!list || !text) {
                free(text);
                fs->failed = true;
                return;
        }
        list[fs->n++] = (Finding){ .area = area, .severity = s, .text = text };
}

void finding_fix(Findings *fs, const char *fmt, ...)
{
        va_list ap;

        if (fs->failed)
                return;
        va_start(ap, fmt);
        free(fs->list[fs->n - 1].fix);
        fs->list[fs->n - 1].fix = text_of(fmt, ap);
        va_end(ap);
        fs->failed = !fs->list[fs->n - 1].fix;
}

void findings_clear(Findings *fs)
{
        for (size_t i = 0; i < fs->n; i++) {
                free(fs->list[i].text);
                free(fs->list[i].fix);
        }
        free(fs->list);
        *fs = (Findings){ 0 };
}

unsigned findings_count(const Findings *fs, Severity s)
{
        unsigned n = 0;

        for (size_t i = 0; i < fs->n; i++)
                n += fs->list[i].severity == s;
        return n;
}

static bool before(const Finding *a, const Finding *b, const Severity *gravest)
{
        if (gravest[a->area] != gravest[b->area])
                return gravest[a->area] < gravest[b->area];
        if (a->area != b->area)
                return a->area < b->area;
        return a->severity < b->severity;
}

void findings_sort(Findings *fs)
{
        Severity gravest[AREA_MAX];

        for (size_t i = 0; i < AREA_MAX; i++)
                gravest[i] = FINDING_FINE;
        for (size_t i = 0; i < fs->n; i++)
                gravest[fs->list[i].area] = MIN(gravest[fs->list[i].area], fs->list[i].severity);
        for (size_t i = 1; i < fs->n; i++) /* stable, and there are few */
                for (size_t k = i; k > 0 && before(&fs->list[k], &fs->list[k - 1], gravest); k--) {
                        Finding x = fs->list[k];

                        fs->list[k] = fs->list[k - 1];
                        fs->list[k - 1] = x;
                }
}

static void print_finding(const Finding *x, bool colour, FILE *out)
{
        (void) fputs("  ", out);
        term_cell(out, colour, colours[x->severity], severities[x->severity], INDENT - 2);
        term_wrap(out, x->text, INDENT, INDENT);
        if (!x->fix)
                return;
        (void) fprintf(out, "%*s", INDENT, "");
        term_cell(out, colour, COLOUR_BOLD, "fix:", 5);
        term_wrap(out, x->fix, INDENT + 5, INDENT + 5);
}

/* An area in which all is well: a line. */
static void print_calm(const Finding *list, size_t n, bool colour, FILE *out)
{
        const char *title = areas[list->area].title;
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *m = open_memstream(&text, &size);

        if (!m)
                return;
        for (size_t i = 0; i < n; i++)
                (void) fprintf(m, "%s%s", i > 0 ? "; " : " ", list[i].text);
        if (fclose(m) != 0)
                return;
        term_cell(out, colour, COLOUR_GREEN, title, 0);
        (void) fputc(':', out);
        term_wrap(out, text, term_columns(title) + 1, 4);
}

void findings_print(const Findings *fs, bool all, bool colour, FILE *out)
{
        bool first = true;

        for (size_t i = 0, end; i < fs->n; i = end) {
                bool calm = fs->list[i].severity == FINDING_FINE && !all;

                for (end = i; end < fs->n && fs->list[end].area == fs->list[i].area; end++)
                        ;
                if (calm) {
                        print_calm(&fs->list[i], end - i, colour, out);
                        continue;
                }
                if (!first)
                        (void) fputc('\n', out);
                first = false;
                term_cell(out, colour, COLOUR_BOLD, areas[fs->list[i].area].title, 0);
                (void) fputc('\n', out);
                for (size_t k = i; k < end; k++)
                        if (all || fs->list[k].severity != FINDING_FINE)
                                print_finding(&fs->list[k], colour, out);
                if (end < fs->n && fs->list[end].severity == FINDING_FINE && !all)
                        (void) fputc('\n', out);
        }
}

void findings_print_json(const Findings *fs, FILE *out)
{
        Json j = { .out = out };

        json_begin(&j, NULL, '[');
        for (size_t i = 0; i < fs->n; i++) {
                json_begin(&j, NULL, '{');
                json_string(&j, "area", area_name(fs->list[i].area));
                json_string(&j, "severity", severity_name(fs->list[i].severity));
                json_string(&j, "text", fs->list[i].text);
                json_string(&j, "fix", fs->list[i].fix);
                json_end(&j, '}');
        }
        json_end(&j, ']');
}
