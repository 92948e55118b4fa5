/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

#include <stdarg.h>

/* An arena: the tree is thrown away whole and rendered anew after each change. */
typedef struct Chunk {
        struct Chunk *next;
        size_t used;
        _Alignas(16) char data[65536 - 2 * sizeof(void *)];
} Chunk;

typedef struct Files {
        Chunk *first, *now;
        Node *root;
} Files;

static void *arena(Fake *k, size_t size)
{
        Files *files = k->files;

        size = (size + 15) & ~(size_t) 15;
        while (files->now && files->now->used + size > sizeof(files->now->data)) {
                files->now = files->now->next;
                if (files->now)
                        files->now->used = 0;
        }
        if (!files->now) {
                Chunk **tail = &files->first;

                while (*tail)
                        tail = &(*tail)->next;
                *tail = malloc(sizeof(Chunk));
                if (!*tail || size > sizeof((*tail)->data))
                        abort();
                (*tail)->next = NULL;
                (*tail)->used = 0;
                files->now = *tail;
        }
        files->now->used += size;
        return files->now->data + files->now->used - size;
}

const char *files_string(Fake *k, const char *fmt, ...)
{
        char buf[8192];
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vsnprintf(buf, sizeof(buf), fmt, ap);
        va_end(ap);
        if (n < 0 || (size_t) n >= sizeof(buf))
                abort();
        return memcpy(arena(k, (size_t) n + 1), buf, (size_t) n + 1);
}

void files_reset(Fake *k)
{
        if (!k->files)
                k->files = calloc(1, sizeof(Files));
        if (!k->files)
                abort();
        k->files->now = k->files->first;
        if (k->files->now)
                k->files->now->used = 0;
        k->files->root = memset(arena(k, sizeof(Node)), 0, sizeof(Node));
        k->files->root->kind = 'd';
        k->files->root->name = "";
}

void files_free(Fake *k)
{
        if (!k->files)
                return;
        while (k->files->first) {
                Chunk *c = k->files->first;

                k->files->first = c->next;
                free(c);
        }
        free(k->files);
        k->files = NULL;
}

Node *files_root(Fake *k)
{
        return k->files->root;
}

static Node *child(const Node *dir, const char *name, size_t size)
{
        for (Node *n = dir->child; n; n = n->next)
                if (n->name[0] == name[0] && strncmp(n->name, name, size) == 0 && n->name[size] == '\0')
                        return n;
        return NULL;
}

Node *files_find_in(const Node *dir, const char *name)
{
        return child(dir, name, strlen(name));
}

static char *copy(Fake *k, const char *s, size_t size)
{
        char *at = arena(k, size + 1);

        memcpy(at, s, size);
        at[size] = '\0';
        return at;
}

static Node *add(Fake *k, Node *dir, const char *name, char kind)
{
        Node *n = memset(arena(k, sizeof(Node)), 0, sizeof(Node));

        n->name = copy(k, name, strlen(name));
        n->value = "";
        n->kind = kind;
        n->parent = dir;
        n->next = dir->child;
        dir->child = n;
        return n;
}

Node *add_dir(Fake *k, Node *dir, const char *name)
{
        return child(dir, name, strlen(name)) ?: add(k, dir, name, 'd');
}

Node *add_path(Fake *k, const char *path)
{
        Node *n = files_root(k);

        for (const char *p = path + strspn(path, "/"); *p; p += strspn(p, "/")) {
                size_t size = strcspn(p, "/");
                Node *next = child(n, p, size);

                if (!next)
                        next = add(k, n, copy(k, p, size), 'd');
                n = next;
                p += size;
        }
        return n;
}

Node *add_file(Fake *k, Node *dir, const char *name, const char *fmt, ...)
{
        Node *n = child(dir, name, strlen(name)) ?: add(k, dir, name, 'f');
        char buf[16384];
        va_list ap;
        int size;

        va_start(ap, fmt);
        size = vsnprintf(buf, sizeof(buf), fmt, ap);
        va_end(ap);
        if (size < 0 || (size_t) size >= sizeof(buf))
                abort();
        n->value = memcpy(arena(k, (size_t) size + 1), buf, (size_t) size + 1);
        return n;
}

Node *add_store(Fake *k, Node *dir, const char *name, Store store, Function *fn, void *object, const char *value)
{
        Node *n = add(k, dir, name, 'f');

        n->store = store;
        n->function = fn;
        n->object = object;
        n->value = *value ? copy(k, value, strlen(value)) : "";
        return n;
}

Node *add_link_text(Fake *k, Node *dir, const char *name, const char *target)
{
        Node *n = add(k, dir, name, 'l');

        n->value = copy(k, target, strlen(target));
        return n;
}

static unsigned depth(const Node *n)
{
        unsigned d = 0;

        for (; n->parent; n = n->parent)
                d++;
        return d;
}

/* As the kernel makes them: up to the nearest folder that is above both, then down; the target's name is always last.
 */
Node *add_link(Fake *k, Node *dir, const char *name, const Node *to)
{
        const Node *a = dir, *b = to->parent, *names[32] = { to };
        unsigned da = depth(a), db = depth(b), n = 1;
        char buf[512], *at = buf;

        while (a != b) {
                if (da >= db) {
                        at = stpcpy(at, "../");
                        a = a->parent;
                        da--;
                } else {
                        names[n++] = b;
                        b = b->parent;
                        db--;
                }
        }
        while (n-- > 0) {
                at = stpcpy(at, names[n]->name);
                at = stpcpy(at, n ? "/" : "");
        }
        return add_link_text(k, dir, name, buf);
}

Node *add_device(Fake *k, const char *path, unsigned major, unsigned minor)
{
        const char *slash = strrchr(path, '/');
        Node *dir = add_path(k, files_string(k, "%.*s", (int) (slash - path), path));
        Node *n = child(dir, slash + 1, strlen(slash + 1)) ?: add(k, dir, slash + 1, 'c');

        n->value = files_string(k, "%u:%u", major, minor);
        return n;
}

Node *add_lazy(Fake *k, Node *dir, const char *name, void (*expand)(Fake *k, Node *n))
{
        Node *n = add(k, dir, name, 'f');

        n->expand = expand;
        return n;
}

void node_value(Fake *k, Node *n, const char *value)
{
        n->value = strcpy(arena(k, strlen(value) + 1), value);
}

static Node *expanded(Fake *k, Node *n)
{
        void (*expand)(Fake *, Node *) = n ? n->expand : NULL;

        if (expand) {
                n->expand = NULL;
                expand(k, n);
        }
        return n;
}

static Node *walk(Fake *k, Node *at, Node *root, const char *path, bool follow, unsigned links)
{
        if (links > 16)
                return NULL;
        if (*path == '/')
                at = root;
        for (const char *p = path + strspn(path, "/"); at && *p; p += strspn(p, "/")) {
                size_t size = strcspn(p, "/");
                const char *rest = p + size + strspn(p + size, "/");
                Node *next;

                if (size == 2 && startswith(p, ".."))
                        next = at->parent ?: at;
                else if (size == 1 && *p == '.')
                        next = at;
                else
                        next = at->kind == 'd' ? child(expanded(k, at), p, size) : NULL;
                if (next && next->kind == 'l' && (*rest || follow))
                        next = walk(k, at, root, next->value, true, links + 1);
                at = next;
                p += size;
        }
        return at;
}

Node *files_find(Fake *k, const char *path, bool follow)
{
        if (k->dirty) {
                render(k);
                k->dirty = false;
        }
        return expanded(k, walk(k, files_root(k), files_root(k), path, follow, 0));
}

int files_list(Fake *k, const Node *dir, char ***ret)
{
        _cleanup_strv_ char **v = NULL;

        for (const Node *n = dir->child; n; n = n->next)
                if (strv_append(&v, n->name) < 0)
                        return -ENOMEM;
        if (v)
                strv_sort(v);
        else if (!(v = calloc(1, sizeof(char *))))
                return -ENOMEM;
        *ret = TAKE_PTR(v);
        return 0;
}

const char *pool_add(Fake *k, const char *value, unsigned *ret_offset)
{
        size_t size = strlen(value) + 1;

        if (k->s.pool_used + size > POOL)
                abort(); /* a tree with that much in plain files is no test */
        *ret_offset = k->s.pool_used;
        k->s.pool_used += (unsigned) size;
        return memcpy(k->s.pool + *ret_offset, value, size);
}
