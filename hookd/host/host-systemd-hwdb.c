/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/describe.h"

#include <stdio.h>
#include <systemd/sd-hwdb.h>

static void hwdb_unrefp(sd_hwdb **db)
{
        (void) sd_hwdb_unref(*db);
}

/* A value belongs to the database until the next question. */
static char *value(sd_hwdb *db, const char *modalias, const char *key)
{
        const char *text;

        return sd_hwdb_get(db, modalias, key, &text) < 0 ? NULL : strdup(text);
}

int describe_names(HostView *v)
{
        _cleanup_(hwdb_unrefp) sd_hwdb *db = NULL;

        if (sd_hwdb_new(&db) < 0)
                return 0;
        for (size_t i = 0; i < v->n_functions; i++) {
                HostFunction *fn = &v->functions[i];
                _cleanup_free_ char *vendor = NULL, *model = NULL;

                if (fn->name || !fn->modalias)
                        continue;
                vendor = value(db, fn->modalias, "ID_VENDOR_FROM_DATABASE");
                model = value(db, fn->modalias, "ID_MODEL_FROM_DATABASE");
                if ((vendor || model) && asprintf(&fn->name, "%s%s%s", vendor ? vendor : "", vendor && model ? " " : "",
                                                  model ? model : "") < 0) {
                        fn->name = NULL;
                        return -ENOMEM;
                }
        }
        return 0;
}
