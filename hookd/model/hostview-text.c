/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/hostview-text.h"

#include "model/hostview-fields.h"

#include <inttypes.h>
#include <stdio.h>

#define HEADING   "hookd-host 1"
#define ITEMS_MAX 65536 /* of a kind: far beyond any machine */

/* ---- encoding ---- */

static uint64_t number_of(const Field *x, const void *at)
{
        return x->size == sizeof(uint64_t)   ? *(const uint64_t *) at
               : x->size == sizeof(uint32_t) ? *(const uint32_t *) at
                                             : *(const uint16_t *) at;
}

static int put_text(FILE *out, const char *name, const char *value)
{
        _cleanup_free_ char *escaped = text_escape(value);

        return escaped && fprintf(out, "\t%s=%s", name, escaped) >= 0 ? 0 : -ENOMEM;
}

static int put_field(FILE *out, const Field *x, const void *item)
{
        const void *at = (const char *) item + x->offset;
        char bdf[PCI_FORMAT_MAX];
        int r = 0;

        switch (x->type) {
        case STRING:
                return *(char *const *) at ? put_text(out, x->name, *(char *const *) at) : 0;
        case LIST:
                STRV_FOREACH (s, *(char **const *) at)
                        r = r < 0 ? r : put_text(out, x->name, *s);
                return r;
        case COUNT:
                if (*(const int *) at == 0)
                        return 0;
                /* fall through */
        case INT:
                return fprintf(out, "\t%s=%d", x->name, *(const int *) at) < 0 ? -ENOMEM : 0;
        case YES_NO:
                return fprintf(out, "\t%s=%s", x->name, *(const bool *) at ? "yes" : "no") < 0 ? -ENOMEM : 0;
        case HEX:
                return fprintf(out, "\t%s=%0*" PRIx64, x->name, (int) x->digits, number_of(x, at)) < 0 ? -ENOMEM : 0;
        case NUMBER:
                return fprintf(out, "\t%s=%" PRIu64, x->name, number_of(x, at)) < 0 ? -ENOMEM : 0;
        case PCI:
                return fprintf(out, "\t%s=%s", x->name, pci_format(at, bdf)) < 0 ? -ENOMEM : 0;
        }
        return -EINVAL;
}

static int put_item(FILE *out, const char *kind, const Field *fields, const void *item)
{
        int r = fputs(kind, out) < 0 ? -ENOMEM : 0;

        for (const Field *x = fields; x->name && r >= 0; x++)
                r = put_field(out, x, item);
        return r < 0 || fputc('\n', out) == EOF ? -ENOMEM : 0;
}

static int put_view(FILE *out, const HostView *v)
{
        int r = fputs(HEADING "\n", out) < 0 ? -ENOMEM : put_item(out, "host", hostview_fields, v);

        for (size_t k = 0; k < HOSTVIEW_KINDS; k++) {
                const char *array = *(char *const *) ((const char *) v + hostview_kinds[k].array);
                size_t n = *(const size_t *) ((const char *) v + hostview_kinds[k].n);

                for (size_t i = 0; i < n && r >= 0; i++)
                        r = put_item(out, hostview_kinds[k].name, hostview_kinds[k].fields,
                                     array + i * hostview_kinds[k].size);
        }
        return r >= 0 && v->display_manager ? put_item(out, "display-manager", hostview_unit_fields, v->display_manager)
                                            : r;
}

char *hostview_encode(const HostView *v)
{
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *out;
        int r;

        out = open_memstream(&text, &size);
        if (!out)
                return NULL;
        r = put_view(out, v);
        return fclose(out) == 0 && r >= 0 ? TAKE_PTR(text) : NULL;
}

/* ---- decoding ---- */

static int take_int(const char *s, int *ret)
{
        bool negative = *s == '-';
        uint64_t value;
        int r = parse_uint(s + negative, INT32_MAX, &value);

        if (r >= 0)
                *ret = negative ? -(int) value : (int) value;
        return r;
}

static int take_number(const Field *x, void *at, const char *s)
{
        uint64_t max = x->size == sizeof(uint64_t) ? UINT64_MAX : x->size == sizeof(uint32_t) ? UINT32_MAX : UINT16_MAX;
        uint64_t value;
        int r = x->type == HEX ? parse_hex(s, max, &value) : parse_uint(s, max, &value);

        if (r < 0)
                return r;
        if (x->size == sizeof(uint64_t))
                *(uint64_t *) at = value;
        else if (x->size == sizeof(uint32_t))
                *(uint32_t *) at = (uint32_t) value;
        else
                *(uint16_t *) at = (uint16_t) value;
        return 0;
}

static int take_field(const Field *x, void *item, const char *value)
{
        void *at = (char *) item + x->offset;
        _cleanup_free_ char *text = NULL;
        int r;

        switch (x->type) {
        case STRING:
                return *(char **) at ? -EINVAL : text_unescape(value, at);
        case LIST:
                r = text_unescape(value, &text);
                return r < 0 ? r : strv_append(at, text);
        case COUNT:
        case INT:
                return take_int(value, at);
        case YES_NO:
                r = parse_bool(value);
                *(bool *) at = r > 0;
                return r;
        case HEX:
        case NUMBER:
                return take_number(x, at, value);
        case PCI:
                return pci_parse(value, at);
        }
        return -EINVAL;
}

static int take_fields(const Field *fields, void *item, char *rest)
{
        char *field;

        while ((field = strsep(&rest, "\t"))) {
                char *value = strchr(field, '=');
                const Field *x = fields;
                int r;

                if (!value)
                        return -EINVAL;
                *value++ = '\0';
                while (x->name && !streq(x->name, field))
                        x++;
                r = x->name ? take_field(x, item, value) : -EINVAL;
                if (r < 0)
                        return r;
        }
        return 0;
}

static int take_item(HostView *v, size_t k, char *rest)
{
        char **array = (char **) ((char *) v + hostview_kinds[k].array);
        size_t *n = (size_t *) ((char *) v + hostview_kinds[k].n);
        char *grown;

        if (*n == ITEMS_MAX)
                return -EINVAL;
        grown = reallocarray(*array, *n + 1, hostview_kinds[k].size);
        if (!grown)
                return -ENOMEM;
        *array = grown;
        memset(grown + *n * hostview_kinds[k].size, 0, hostview_kinds[k].size);
        return take_fields(hostview_kinds[k].fields, grown + (*n)++ * hostview_kinds[k].size, rest);
}

static int take_line(HostView *v, char *line)
{
        char *rest = line;
        const char *kind = strsep(&rest, "\t");

        if (!rest)
                return -EINVAL;
        if (streq(kind, "host"))
                return take_fields(hostview_fields, v, rest);
        if (streq(kind, "display-manager")) {
                v->display_manager = v->display_manager ? v->display_manager : calloc(1, sizeof(HostUnit));
                return v->display_manager ? take_fields(hostview_unit_fields, v->display_manager, rest) : -ENOMEM;
        }
        for (size_t k = 0; k < HOSTVIEW_KINDS; k++)
                if (streq(kind, hostview_kinds[k].name))
                        return take_item(v, k, rest);
        return -EINVAL;
}

/* What everything else takes for granted. */
static bool complete(const HostView *v)
{
        for (size_t i = 0; i < v->n_modules; i++)
                if (!v->modules[i].name || !v->modules[i].state)
                        return false;
        for (size_t i = 0; i < v->n_consoles; i++)
                if (!v->consoles[i].id || !v->consoles[i].name)
                        return false;
        for (size_t i = 0; i < v->n_framebuffers; i++)
                if (!v->framebuffers[i].name)
                        return false;
        for (size_t i = 0; i < v->n_units; i++)
                if (!v->units[i].id || !v->units[i].active)
                        return false;
        for (size_t i = 0; i < v->n_sessions; i++) {
                const HostSession *s = &v->sessions[i];

                if (!s->id || !s->user || !s->seat || !s->tty || !s->type || !s->class || !s->service || !s->scope ||
                    !s->state)
                        return false;
        }
        for (size_t i = 0; i < v->n_holders; i++)
                if (!v->holders[i].comm || !v->holders[i].cgroup || !v->holders[i].node)
                        return false;
        for (size_t i = 0; i < v->n_mdev_types; i++)
                if (!v->mdev_types[i].parent || !v->mdev_types[i].id)
                        return false;
        for (size_t i = 0; i < v->n_mdevs; i++)
                if (!v->mdevs[i].uuid || !v->mdevs[i].parent || !v->mdevs[i].type)
                        return false;
        return !v->display_manager || (v->display_manager->id && v->display_manager->active);
}

int hostview_decode(const char *text, size_t size, const char *path, HostView **ret, Fault *f)
{
        _cleanup_(hostview_freep) HostView *v = hostview_new();
        _cleanup_free_ char *copy = strndup(text, size);
        unsigned number = 0;
        char *rest, *line;
        bool heading = false;

        if (!v || !copy)
                return fault_set(f, -ENOMEM, path, "out of memory reading %s", path);
        if (memchr(text, '\0', size))
                return fault_set(f, -EINVAL, path, "%s is no captured host: it has a NUL byte", path);
        rest = copy;
        while ((line = strsep(&rest, "\n"))) {
                int r;

                number++;
                if (*line == '#' || *line == '\0')
                        continue;
                if (!heading) {
                        if (!streq(line, HEADING))
                                return fault_set(f, -EINVAL, path, "%s:%u: no captured host: \"%s\" was expected", path,
                                                 number, HEADING);
                        heading = true;
                        continue;
                }
                r = take_line(v, line);
                if (r < 0)
                        return fault_set(f, r == -ENOMEM ? r : -EINVAL, path, "%s:%u: this cannot be understood", path,
                                         number);
        }
        if (!heading || !complete(v))
                return fault_set(f, -EINVAL, path, "%s is no captured host, or only a part of one: %s", path,
                                 heading ? "an item lacks a field" : "it is empty");
        *ret = TAKE_PTR(v);
        return 0;
}
