/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/receipt.h"

#include "ctl/path.h"
#include "util/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define HEAD        "hookd-enable 1"
#define RECEIPT_MAX ((size_t) 64 << 10)

static void item_clear(Item *i)
{
        free(i->kind);
        free(i->what);
        free(i->value);
}

void receipt_clear(Receipt *r)
{
        for (size_t i = 0; i < r->n; i++)
                item_clear(&r->items[i]);
        free(r->items);
        *r = (Receipt){ 0 };
}

const Item *receipt_find(const Receipt *r, const char *kind, const char *what, const char *value)
{
        for (size_t i = 0; i < r->n; i++)
                if (streq(r->items[i].kind, kind) && streq(r->items[i].what, what) &&
                    (!value || streq(r->items[i].value, value)))
                        return &r->items[i];
        return NULL;
}

int receipt_add(Receipt *r, const char *kind, const char *what, const char *value)
{
        Item *items, item;

        if (receipt_find(r, kind, what, value ? value : ""))
                return 0;
        items = reallocarray(r->items, r->n + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        r->items = items;
        item = (Item){ .kind = strdup(kind), .what = strdup(what), .value = strdup(value ? value : "") };
        if (!item.kind || !item.what || !item.value) {
                item_clear(&item);
                return -ENOMEM;
        }
        items[r->n++] = item;
        return 0;
}

int receipt_add_folders(Receipt *r, const char *root, const char *folder)
{
        _cleanup_free_ char *path = strdup(folder);

        if (!path)
                return -ENOMEM;
        for (char *p = path + 1;; p++) {
                _cleanup_free_ char *full = NULL;
                char c = *p;

                if (c != '/' && c != '\0')
                        continue;
                *p = '\0';
                full = path_below(root, path);
                if (!full)
                        return -ENOMEM;
                if (access(full, F_OK) < 0 && errno == ENOENT && receipt_add(r, ITEM_FOLDER, path, NULL) < 0)
                        return -ENOMEM;
                if (c == '\0')
                        return 0;
                *p = c;
        }
}

void receipt_drop(Receipt *r, const char *kind, const char *what, const char *keep_value)
{
        size_t kept = 0;

        for (size_t i = 0; i < r->n; i++) {
                Item *item = &r->items[i];

                if (streq(item->kind, kind) && streq(item->what, what) &&
                    !(keep_value && streq(item->value, keep_value)))
                        item_clear(item);
                else
                        r->items[kept++] = *item;
        }
        r->n = kept;
}

static int decode_line(Receipt *r, char *line)
{
        _cleanup_free_ char *what = NULL, *value = NULL;
        char *kind = strsep(&line, "\t"), *second = strsep(&line, "\t"), *third = strsep(&line, "\t");
        int k;

        if (!second || line)
                return -EBADMSG;
        k = text_unescape(second, &what);
        if (k >= 0)
                k = text_unescape(third ? third : "", &value);
        return k < 0 ? k : receipt_add(r, kind, what, value);
}

int receipt_load(const char *root, Receipt *ret, Fault *f)
{
        _cleanup_free_ char *path = path_below(root, RECEIPT_PATH), *text = NULL;
        char *rest, *line;
        int r;

        *ret = (Receipt){ 0 };
        r = path ? read_file_at(AT_FDCWD, path, RECEIPT_MAX, &text, NULL) : -ENOMEM;
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return fault_set(f, r, RECEIPT_PATH, "cannot read %s: %s", path ? path : RECEIPT_PATH, fault_errno(r));
        rest = text;
        line = strsep(&rest, "\n");
        r = streq(line, HEAD) ? 0 : -EBADMSG;
        while (r >= 0 && (line = strsep(&rest, "\n")))
                if (*line)
                        r = decode_line(ret, line);
        if (r >= 0)
                return 0;
        receipt_clear(ret);
        return fault_set(
                f, -EBADMSG, path,
                "%s, in which hookctl keeps what it installed, is damaged: remove it and the hook it would name, "
                "then run `hookctl enable`",
                path);
}

static int remove_all(const char *root, const char *path)
{
        _cleanup_free_ char *folder = path_below(root, RECEIPT_FOLDER);

        if (unlink(path) < 0 && errno != ENOENT)
                return -errno;
        if (folder)
                (void) rmdir(folder); /* somebody else's file in it keeps it */
        return 0;
}

static int write_all_items(const char *root, const char *path, const Receipt *r)
{
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        FILE *m;
        int k;

        k = path_make(root, RECEIPT_FOLDER);
        if (k < 0)
                return k;
        m = open_memstream(&text, &size);
        if (!m)
                return -ENOMEM;
        (void) fprintf(m, HEAD "\n");
        for (size_t i = 0; i < r->n; i++) {
                _cleanup_free_ char *what = text_escape(r->items[i].what), *value = text_escape(r->items[i].value);

                if (!what || !value)
                        k = -ENOMEM;
                else
                        (void) fprintf(m, "%s\t%s\t%s\n", r->items[i].kind, what, value);
        }
        if (fclose(m) != 0 || k < 0)
                return -ENOMEM;
        return write_file_atomic_at(AT_FDCWD, path, 0644, text, size);
}

int receipt_save(const char *root, const Receipt *r, Fault *f)
{
        _cleanup_free_ char *path = path_below(root, RECEIPT_PATH);
        int k;

        if (!path)
                return fault_set(f, -ENOMEM, NULL, "out of memory");
        k = r->n == 0 ? remove_all(root, path) : write_all_items(root, path, r);
        return k < 0 ? fault_set(f, k, path, "cannot keep a record of what is installed in %s: %s%s", path,
                                 fault_errno(k), k == -EACCES ? "; try again with sudo" : "")
                     : 0;
}
