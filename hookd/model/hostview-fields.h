/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The fields of a host view as text; for hostview-text.c only. */

#include "model/hostview.h"

typedef enum FieldType { STRING, LIST, INT, COUNT, YES_NO, HEX, NUMBER, PCI } FieldType; /* COUNT: an INT, 0 left out */

typedef struct Field {
        const char *name;
        FieldType type;
        unsigned digits; /* HEX */
        size_t offset, size;
} Field;

typedef struct HostviewKind {
        const char *name;
        const Field *fields;
        size_t size, array, n; /* of an item; of the array and its length in HostView */
} HostviewKind;

enum { HOSTVIEW_KINDS = 9 };
extern const HostviewKind hostview_kinds[HOSTVIEW_KINDS];
/* The view's own, and the display manager's. */
extern const Field hostview_fields[], hostview_unit_fields[];
