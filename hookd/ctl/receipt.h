/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/fault.h"
#include "util/parse.h"

/* What `hookctl enable` made, so that disable undoes exactly that: <root>/var/lib/hookd/enable, a line an item. Written
 * before the deed: an item whose thing is not there (yet) means nothing. */
#define RECEIPT_FOLDER "/var/lib/hookd"
#define RECEIPT_PATH   RECEIPT_FOLDER "/enable"

#define ITEM_FILE    "file"    /* path, fingerprint: a hook; two lines while one is being replaced */
#define ITEM_FOLDER  "folder"  /* path */
#define ITEM_LINK    "link"    /* path, where it points */
#define ITEM_STARTED "started" /* unit */

typedef struct Item {
        char *kind, *what, *value; /* value: "" where the kind has none */
} Item;

typedef struct Receipt {
        Item *items; /* in the order of making */
        size_t n;
} Receipt;

/* A receipt that does not exist is empty; -EBADMSG for one that hookctl did not write. */
int receipt_load(const char *root, Receipt *ret, Fault *f);
/* An empty one is removed, with its folder where that is empty. */
int receipt_save(const char *root, const Receipt *r, Fault *f);
void receipt_clear(Receipt *r);

/* value NULL: any. */
const Item *receipt_find(const Receipt *r, const char *kind, const char *what, const char *value);
int receipt_add(Receipt *r, const char *kind, const char *what,
                const char *value); /* 0, also when it is there already */
/* Adds the folders that would have to be made for this one to exist. */
int receipt_add_folders(Receipt *r, const char *root, const char *folder);
/* Drops items; keep_value: but for those of that value (may be NULL). */
void receipt_drop(Receipt *r, const char *kind, const char *what, const char *keep_value);
