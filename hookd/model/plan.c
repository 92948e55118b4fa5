/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/plan.h"

#include <stdarg.h>
#include <stdio.h>

Plan *plan_new(const char *domain, const char *uuid, const char *profile)
{
        _cleanup_(plan_freep) Plan *p = calloc(1, sizeof(Plan));

        if (!p)
                return NULL;
        p->domain = strdup(domain);
        p->profile = strdup(profile);
        if (!p->domain || !p->profile)
                return NULL;
        (void) snprintf(p->uuid, sizeof(p->uuid), "%s", uuid);
        return TAKE_PTR(p);
}

static void action_clear(Action *a)
{
        free(a->step);
        free(a->target);
        free(a->before);
        free(a->after);
        free(a->param);
        free(a->why);
}

Plan *plan_free(Plan *p)
{
        if (!p)
                return NULL;
        for (size_t i = 0; i < p->n_actions; i++)
                action_clear(&p->actions[i]);
        free(p->actions);
        strv_free(p->functions);
        strv_free(p->mediated);
        strv_free(p->events);
        strv_free(p->warnings);
        free(p->domain);
        free(p->profile);
        free(p);
        return NULL;
}

Action *plan_append(Plan *p, const char *step, const char *target, const char *after, unsigned flags,
                    uint64_t timeout_usec)
{
        uint64_t ms = timeout_usec / USEC_PER_MSEC + (timeout_usec % USEC_PER_MSEC != 0);
        Action a = { .flags = flags, .timeout_ms = (uint32_t) MIN(ms, UINT32_MAX) };
        Action *grown;

        grown = reallocarray(p->actions, p->n_actions + 1, sizeof(Action));
        if (!grown)
                return NULL;
        p->actions = grown;
        a.step = strdup(step);
        a.target = strdup(target);
        a.after = after ? strdup(after) : NULL;
        if (!a.step || !a.target || (after && !a.after)) {
                action_clear(&a);
                return NULL;
        }
        p->actions[p->n_actions] = a;
        return &p->actions[p->n_actions++];
}

int action_set(char **field, const char *fmt, ...)
{
        va_list ap;
        char *s;
        int n;

        va_start(ap, fmt);
        n = vasprintf(&s, fmt, ap);
        va_end(ap);
        if (n < 0)
                return -ENOMEM;
        free(*field);
        *field = s;
        return 0;
}

int plan_warn(Plan *p, const char *fmt, ...)
{
        _cleanup_free_ char *s = NULL;
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vasprintf(&s, fmt, ap);
        va_end(ap);
        if (n < 0) {
                s = NULL;
                return -ENOMEM;
        }
        return strv_append(&p->warnings, s);
}

/* param separates by blanks, so that a blank in a value becomes \s, which text_escape() does not use. */
static char *param_escape(const char *value)
{
        _cleanup_free_ char *escaped = text_escape(value);
        char *p, *out = escaped ? malloc(2 * strlen(escaped) + 1) : NULL;

        if (!out)
                return NULL;
        p = out;
        for (const char *s = escaped; *s; s++)
                p = *s == ' ' ? stpcpy(p, "\\s") : (*p = *s, p + 1);
        *p = '\0';
        return out;
}

static int param_unescape(const char *escaped, size_t n, char **ret)
{
        _cleanup_free_ char *text = strndup(escaped, n);
        char *p = text;

        if (!text)
                return -ENOMEM;
        for (const char *s = text; *s; s++)
                if (s[0] == '\\' && s[1] == 's') {
                        *p++ = ' ';
                        s++;
                } else {
                        *p++ = *s;
                        if (s[0] == '\\' && s[1])
                                *p++ = *++s;
                }
        *p = '\0';
        return text_unescape(text, ret);
}

int action_param(const Action *a, const char *key, char **ret)
{
        size_t n = strlen(key);

        for (const char *s = a->param; s && *s;) {
                size_t word = strcspn(s, " ");

                if (word > n && strncmp(s, key, n) == 0 && s[n] == '=')
                        return param_unescape(s + n + 1, word - n - 1, ret);
                s += word + (s[word] == ' ');
        }
        return -ENOENT;
}

int action_param_add(Action *a, const char *key, const char *value)
{
        _cleanup_free_ char *escaped = param_escape(value), *old = NULL;

        if (!escaped)
                return -ENOMEM;
        if (action_param(a, key, &old) != -ENOENT)
                return -EEXIST;
        if (a->param)
                return action_set(&a->param, "%s %s=%s", a->param, key, escaped);
        return action_set(&a->param, "%s=%s", key, escaped);
}

char *plan_devices(const Plan *p)
{
        _cleanup_free_ char *functions = strv_join(p->functions, " "), *mediated = strv_join(p->mediated, " ");
        char *all;

        if (!functions || !mediated ||
            asprintf(&all, "%s%s%s", functions, *functions && *mediated ? " " : "", mediated) < 0)
                return NULL;
        return all;
}
