/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/shared.h"

#include <stdio.h>

bool shared_is_parent(const HostView *v, const char *parent)
{
        for (size_t i = 0; i < v->n_mdev_types; i++)
                if (streq(v->mdev_types[i].parent, parent))
                        return true;
        for (size_t i = 0; i < v->n_mdevs; i++)
                if (streq(v->mdevs[i].parent, parent))
                        return true;
        return false;
}

static int add_other(char ***list, const char *parent)
{
        PciAddress a;

        return pci_parse(parent, &a) >= 0 || strv_contains(*list, parent) ? 0 : strv_append(list, parent);
}

int shared_other_parents(const HostView *v, char ***ret)
{
        int r = 0;

        for (size_t i = 0; i < v->n_mdev_types && r >= 0; i++)
                r = add_other(ret, v->mdev_types[i].parent);
        for (size_t i = 0; i < v->n_mdevs && r >= 0; i++)
                r = add_other(ret, v->mdevs[i].parent);
        return r;
}

void shared_print_virtual(const HostFunction *fn, void (*put)(const char *name, const char *text))
{
        char text[64];

        if (fn->physfn) {
                (void) snprintf(text, sizeof(text), "function of %.32s", fn->physfn);
                put("virtual", text);
        }
        if (fn->sriov_total > 0) {
                (void) snprintf(text, sizeof(text), "%d of %d virtual functions", fn->sriov_vfs, fn->sriov_total);
                put("SR-IOV", text);
        }
}

/* A description has a line an attribute: "low_gm_size: 128MB; fence: 4". NULL: none. */
static char *one_line(const char *description)
{
        _cleanup_strv_ char **lines = NULL;
        char *copy = description ? strdup(description) : NULL, *text = NULL;

        for (char *rest = copy, *line; (line = strsep(&rest, "\n"));)
                if (*line && strv_append(&lines, line) < 0)
                        break;
        free(copy);
        text = lines ? strv_join(lines, "; ") : NULL;
        if (text)
                text_clean(text);
        return text;
}

/* "i915-GVTg_V5_4, 1 free: low_gm_size: 128MB; fence: 4" */
static char *describe(const HostMdevType *t)
{
        _cleanup_free_ char *description = one_line(t->description);
        bool named = t->name && !endswith(t->id, t->name);
        char *text;

        if (asprintf(&text, "%s, %d free%s%s%s%s", t->id, t->available, named || description ? ": " : "",
                     named ? t->name : "", named && description ? ", " : "", description ? description : "") < 0)
                return NULL;
        text_clean(text);
        return text;
}

void shared_print_mediated(const HostView *v, const char *parent, void (*put)(const char *name, const char *text))
{
        for (size_t i = 0; i < v->n_mdev_types; i++) {
                _cleanup_free_ char *text = streq(v->mdev_types[i].parent, parent) ? describe(&v->mdev_types[i]) : NULL;

                if (text)
                        put("mdev type", text);
        }
        for (size_t i = 0; i < v->n_mdevs; i++) {
                const HostMdev *m = &v->mdevs[i];
                _cleanup_free_ char *text = NULL;

                if (!streq(m->parent, parent))
                        continue;
                if (asprintf(&text, "%s (%s)", m->uuid, m->type) < 0) {
                        text = NULL;
                        return;
                }
                text_clean(text);
                put("mdev", text);
        }
}

void shared_json(Json *j, const HostView *v, const HostFunction *fn, const char *parent)
{
        json_string(j, "physical_function", fn ? fn->physfn : NULL);
        if (fn && fn->sriov_total > 0) {
                json_number(j, "virtual_functions", fn->sriov_vfs);
                json_number(j, "virtual_functions_max", fn->sriov_total);
        } else {
                json_null(j, "virtual_functions");
                json_null(j, "virtual_functions_max");
        }
        json_begin(j, "mediated_types", '[');
        for (size_t i = 0; i < v->n_mdev_types; i++) {
                const HostMdevType *t = &v->mdev_types[i];

                _cleanup_free_ char *description = NULL;

                if (!streq(t->parent, parent))
                        continue;
                description = one_line(t->description);
                json_begin(j, NULL, '{');
                json_string(j, "type", t->id);
                json_string(j, "name", t->name);
                json_string(j, "description", description);
                json_string(j, "device_api", t->api);
                json_number(j, "free", t->available);
                json_end(j, '}');
        }
        json_end(j, ']');
        json_begin(j, "mediated_devices", '[');
        for (size_t i = 0; i < v->n_mdevs; i++) {
                if (!streq(v->mdevs[i].parent, parent))
                        continue;
                json_begin(j, NULL, '{');
                json_string(j, "uuid", v->mdevs[i].uuid);
                json_string(j, "type", v->mdevs[i].type);
                json_end(j, '}');
        }
        json_end(j, ']');
}
