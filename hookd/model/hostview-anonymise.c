/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/hostview-text.h"

#include <ctype.h>
#include <stdio.h>

#define PEOPLE_FROM 1000 /* login.defs(5) UID_MIN: below it are root and the system's own */
#define PEOPLE_MAX  256

typedef struct People {
        uint32_t uids[PEOPLE_MAX];
        size_t n;
} People;

/* Their new number: 1000 for the first one met, and so on. */
static uint32_t person(People *p, uint32_t uid)
{
        size_t i;

        if (uid < PEOPLE_FROM)
                return uid;
        for (i = 0; i < p->n && p->uids[i] != uid; i++)
                ;
        if (i == p->n && p->n < PEOPLE_MAX)
                p->uids[p->n++] = uid;
        return PEOPLE_FROM + (uint32_t) i;
}

/* user-1234.slice and user@1234.service wherever they are in a path or a unit's name. */
static int rename_units(People *p, char **field)
{
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *out;

        if (!*field)
                return 0;
        out = open_memstream(&text, &size);
        if (!out)
                return -ENOMEM;
        for (const char *s = *field; *s;) {
                bool unit = startswith(s, "user-") || startswith(s, "user@");
                char *end = NULL;
                unsigned long uid = unit && isdigit((unsigned char) s[5]) ? strtoul(s + 5, &end, 10) : 0;

                if (end)
                        (void) fprintf(out, "%.5s%u", s, person(p, (uint32_t) uid));
                else
                        (void) fputc(*s, out);
                s = end ? end : s + 1;
        }
        if (fclose(out) != 0)
                return -ENOMEM;
        free(*field);
        *field = TAKE_PTR(text);
        return 0;
}

static int rename_user(People *p, HostSession *s)
{
        char *name;

        s->uid = person(p, s->uid);
        if (s->uid < PEOPLE_FROM)
                return 0;
        if (asprintf(&name, "user%u", s->uid - PEOPLE_FROM + 1) < 0)
                return -ENOMEM;
        free(s->user);
        s->user = name;
        return 0;
}

static int hide_mount_point(char **entry)
{
        char *at = strstr(*entry, " mounted on "), *text;

        if (!at)
                return 0;
        if (asprintf(&text, "%.*s mounted on /…", (int) (at - *entry), *entry) < 0)
                return -ENOMEM;
        free(*entry);
        *entry = text;
        return 0;
}

int hostview_anonymise(HostView *v)
{
        People people = { 0 };
        int r = 0;

        for (size_t i = 0; i < v->n_sessions && r >= 0; i++)
                r = rename_user(&people, &v->sessions[i]);
        for (size_t i = 0; i < v->n_holders && r >= 0; i++) {
                v->holders[i].uid = person(&people, v->holders[i].uid);
                r = rename_units(&people, &v->holders[i].cgroup);
                r = r < 0 ? r : rename_units(&people, &v->holders[i].unit);
        }
        for (size_t i = 0; i < v->n_units && r >= 0; i++)
                r = rename_units(&people, &v->units[i].cgroup);
        for (char **s = v->busy_disks; s && *s && r >= 0; s++)
                r = hide_mount_point(s);
        return r;
}
