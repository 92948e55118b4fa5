/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep.h"

#include <stdio.h>

/* What may differ between the host before and after a guest's life, and why. */

static bool plan_has(const Plan *p, const char *step, const char *target)
{
        for (size_t i = 0; p && i < p->n_actions; i++)
                if (streq(p->actions[i].step, step) && (!target || streq(p->actions[i].target, target)))
                        return true;
        return false;
}

/* A boot framebuffer that the plan names as one-way, and that is gone indeed, or not bound any more. */
static bool framebuffer_lost(const Combo *c, char *const *after)
{
        STRV_FOREACH (line, after) {
                if (startswith(*line, "framebuffer ") && (endswith(*line, " gone") || endswith(*line, " unbound"))) {
                        char name[64];

                        (void) snprintf(name, sizeof(name), "%.*s", (int) strcspn(*line + 12, " "), *line + 12);
                        for (size_t i = 0; c->plan && i < c->plan->n_actions; i++)
                                if (streq(c->plan->actions[i].target, name) &&
                                    c->plan->actions[i].flags & ACTION_ONE_WAY)
                                        return true;
                }
        }
        return false;
}

/* Has a fault hit such a target? */
static bool failed(const Combo *c, Host *h, const char *target)
{
        return strstr(fake_faults_targets(h), target) || strstr(c->failed, target);
}

bool host_script_failed(const Combo *c, Host *h)
{
        return failed(c, h, "/hooks") || failed(c, h, "/usr/local/bin/");
}

/* Does the plan load this module, which then stays? */
static bool loads(const Combo *c, const char *line)
{
        const char *name = startswith(line, "module ") ? line + strlen("module ") : "";

        for (size_t i = 0; c->plan && i < c->plan->n_actions; i++) {
                const Action *a = &c->plan->actions[i];

                if (streq(a->step, "module") && streq(a->target, name) && streq(a->after, "loaded"))
                        return true;
        }
        return false;
}

static bool may_change(const Combo *c, Host *h, const char *line, bool gone, bool fb_lost)
{
        bool desktop = plan_has(c->plan, "display-manager", NULL) || plan_has(c->plan, "sessions", NULL);

        if (startswith(line, "holder "))
                return !strstr(line, "qemu");
        if (desktop && (startswith(line, "session ") || startswith(line, "unit user@")))
                return true;
        if (!gone && loads(c, line))
                return true;
        if (!gone && (startswith(line, "module vfio") || startswith(line, "module irqbypass")))
                return true;
        /* lenient: a setting that could not be put back is a warning, where that very setting failed */
        if (startswith(line, "power ") && (failed(c, h, "/power/control") || failed(c, h, "/d3cold_allowed")))
                return true;
        if ((startswith(line, "brightness ") && failed(c, h, "/backlight")) ||
            (startswith(line, "connector ") && (failed(c, h, "/status") || failed(c, h, "/drm"))))
                return true;
        /* between a rescan and the restored size udev may have loaded the host's driver, which is not thrown out */
        if (!c->clean && startswith(line, "bar "))
                return true;
        /* what a script does is known to nobody else */
        if (startswith(line, "file ") && host_script_failed(c, h))
                return true;
        /* udev forgot the card in an earlier life, and knows it again */
        if (startswith(line, "sound ") && (gone || failed(c, h, "sound")))
                return true;
        /* what nobody drives any more goes with the next probe of a driver for the card */
        if (startswith(line, "framebuffer ") && (gone ? endswith(line, " unbound") : endswith(line, " gone")) &&
            strstr(c->summary, " unbound\n"))
                return true;
        if (fb_lost && (startswith(line, "framebuffer ") || startswith(line, "console ")))
                return true;
        return false;
}

static int lines_of(const char *text, char ***ret)
{
        for (const char *p = text; *p; p += strcspn(p, "\n") + 1) {
                _cleanup_free_ char *line = strndup(p, strcspn(p, "\n"));

                if (!line || strv_append(ret, line) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static size_t count(char *const *v, const char *s)
{
        size_t n = 0;

        STRV_FOREACH (x, v)
                n += streq(*x, s);
        return n;
}

char *host_differences(const Combo *c, Host *h)
{
        _cleanup_free_ char *now = fake_host_summary(h), *out = NULL;
        _cleanup_strv_ char **a = NULL, **b = NULL;
        size_t size;
        bool lost;
        FILE *f;

        if (!now)
                return strdup("out of memory");
        if (streq(now, c->summary))
                return NULL;
        if (lines_of(c->summary, &a) < 0 || lines_of(now, &b) < 0)
                return strdup("out of memory");
        lost = framebuffer_lost(c, b);
        f = open_memstream(&out, &size);
        if (!f)
                return strdup("out of memory");
        STRV_FOREACH (x, a)
                if (count(b, *x) < count(a, *x) && !may_change(c, h, *x, true, lost))
                        fprintf(f, "        - %s\n", *x);
        STRV_FOREACH (x, b)
                if (count(a, *x) < count(b, *x) && !may_change(c, h, *x, false, lost))
                        fprintf(f, "        + %s\n", *x);
        if (fclose(f) != 0 || size == 0)
                return NULL;
        return TAKE_PTR(out);
}
