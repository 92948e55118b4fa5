/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

#include "util/fd.h"

#include <fcntl.h>
#include <fnmatch.h>

/* Tree text -> state. A table says which word sets which field, the same for reading and for writing (save.c). */

static const char *const gives[] = { "drm", "render", "fb", "sound", "usb", "i2c", "nvidia", "block", "net" };

const char *give_name(int give)
{
        return gives[give];
}

static int parse_field(const Field *x, void *object, const char *value)
{
        void *at = (char *) object + x->offset;
        uint64_t n;

        switch (x->type) {
        case FIELD_TEXT:
                if (strlen(value) >= x->size)
                        return -EMSGSIZE;
                strcpy(at, value);
                return 0;
        case FIELD_BOOL:
                *(bool *) at = parse_bool(value) > 0;
                return parse_bool(value) < 0 ? -EINVAL : 0;
        case FIELD_INT:
                *(int *) at = atoi(value);
                return *value && strspn(value, "-0123456789") == strlen(value) ? 0 : -EINVAL;
        case FIELD_UINT:
                if (parse_uint(value, UINT32_MAX, &n) < 0)
                        return -EINVAL;
                *(unsigned *) at = (unsigned) n;
                return 0;
        case FIELD_HEX:
                if (parse_hex(value, UINT32_MAX, &n) < 0)
                        return -EINVAL;
                *(unsigned *) at = (unsigned) n;
                return 0;
        case FIELD_TIME:
                return parse_span(value, at);
        case FIELD_U64:
                return parse_uint(value, UINT64_MAX, at);
        case FIELD_BAR: {
                unsigned long long start, size;

                if (sscanf(value, "%llx+%llx", &start, &size) != 2)
                        return -EINVAL;
                ((uint64_t *) at)[0] = start;
                ((uint64_t *) at)[1] = size;
                return 0;
        }
        case FIELD_IDS:
                return sscanf(value, "%x:%x", (unsigned *) at, (unsigned *) at + 1) == 2 ? 0 : -EINVAL;
        case FIELD_GIVES:
                *(unsigned *) at = 0;
                for (unsigned i = 0; i < GIVE_N; i++)
                        if (word_in(value, gives[i]))
                                *(unsigned *) at |= 1U << i;
                if (*(unsigned *) at & 1U << GIVE_DRM)
                        *(unsigned *) at |= 1U << GIVE_RENDER;
                return 0;
        }
        return -EINVAL;
}

static int parse_fields(const Field *fields, void *object, char words[][192], int n)
{
        for (int i = 0; i < n; i++) {
                char *equals = strchr(words[i], '=');
                const Field *x = fields;

                if (!equals)
                        return -EINVAL;
                *equals = '\0';
                while (x->name && !streq(x->name, words[i]))
                        x++;
                if (!x->name)
                        return -EINVAL;
                if (parse_field(x, object, equals + 1) < 0)
                        return -EINVAL;
                *equals = '=';
        }
        return 0;
}

/* What is special about a new object of each kind: defaults, and the word after the kind. */
static void *item_new(Fake *k, const char *kind, const char *id, const Field **ret_fields)
{
        State *s = &k->s;

        if (streq(kind, "pci") && function_find(k, id)) {
                *ret_fields = fields_pci;
                return function_find(k, id);
        }
        if (streq(kind, "pci") && s->n_functions < MAX_FUNCTIONS) {
                Function *fn = &s->functions[s->n_functions++];

                *fn = (Function){ .group = NO,
                                  .boot_vga = NO,
                                  .reset_works = true,
                                  .d3cold = 1,
                                  .present = true,
                                  .sriov_offset = 1,
                                  .sriov_stride = 1,
                                  .autoprobe = true,
                                  .brightness_max = 255,
                                  .rebar = NO,
                                  .rebar_room = UINT32_MAX };
                text_set(fn->bdf, id);
                strcpy(fn->power_state, "D0");
                strcpy(fn->control, "on");
                strcpy(fn->control_boot, "on");
                for (int i = 0; i < GIVE_N_NUMBERED; i++)
                        fn->nodes[i] = NO;
                *ret_fields = fields_pci;
                return fn;
        }
        if (streq(kind, "module") && module_find(k, id)) { /* changes what an included file said */
                *ret_fields = fields_module;
                return module_find(k, id);
        }
        if (streq(kind, "module") && s->n_modules < MAX_MODULES) {
                Module *m = &s->modules[s->n_modules++];

                *m = (Module){ .autoload = true, .takes = 100 * USEC_PER_MSEC };
                text_set(m->name, id);
                *ret_fields = fields_module;
                return m;
        }
        if (streq(kind, "platform") && s->n_platforms < MAX_PLATFORMS) {
                Platform *p = &s->platforms[s->n_platforms++];

                *p = (Platform){ .present = true, .fb = NO, .drm = NO };
                text_set(p->name, id);
                *ret_fields = fields_platform;
                return p;
        }
        if (streq(kind, "mdev-type") && s->n_mdev_types < MAX_MDEV_TYPES) {
                MdevType *t = &s->mdev_types[s->n_mdev_types++];

                *t = (MdevType){ .instances = 1 };
                text_set(t->id, id);
                *ret_fields = fields_mdev_type;
                return t;
        }
        if (streq(kind, "mdev") && s->n_mdevs < MAX_MDEVS) {
                Mdev *m = &s->mdevs[s->n_mdevs++];

                *m = (Mdev){ .group = NO };
                text_set(m->uuid, id);
                *ret_fields = fields_mdev;
                return m;
        }
        if (streq(kind, "unit") && s->n_units < MAX_UNITS) {
                Unit *u = &s->units[s->n_units++];

                *u = (Unit){ .stop_timeout = 90 * USEC_PER_SEC,
                             .stop_takes = 500 * USEC_PER_MSEC,
                             .start_takes = 500 * USEC_PER_MSEC };
                text_set(u->id, id);
                snprintf(u->cgroup, sizeof(u->cgroup), "/system.slice/%.63s", id);
                strcpy(u->active, "inactive");
                strcpy(u->load, "loaded");
                *ret_fields = fields_unit;
                return u;
        }
        if (streq(kind, "session") && s->n_sessions < MAX_SESSIONS) {
                Session *x = &s->sessions[s->n_sessions++];

                *x = (Session){ .uid = 1000, .manager_delay = 10 * USEC_PER_SEC };
                text_set(x->id, id);
                snprintf(x->scope, sizeof(x->scope), "session-%.15s.scope", id);
                strcpy(x->seat, "seat0");
                strcpy(x->type, "x11");
                strcpy(x->class, "user");
                strcpy(x->state, "active");
                *ret_fields = fields_session;
                return x;
        }
        if (streq(kind, "holder") && s->n_holders < MAX_HOLDERS) {
                Holder *x = &s->holders[s->n_holders++];

                *x = (Holder){ .pid = atoi(id), .start = (uint64_t) atoi(id) };
                strcpy(x->leaves, "term");
                *ret_fields = fields_holder;
                return x;
        }
        if (streq(kind, "script") && s->n_scripts < MAX_SCRIPTS) {
                Script *x = &s->scripts[s->n_scripts++];

                *x = (Script){ .takes = 100 * USEC_PER_MSEC };
                text_set(x->path, id);
                text_set(x->text, "#!/bin/sh\n");
                *ret_fields = fields_script;
                return x;
        }
        if (streq(kind, "later")) {
                *ret_fields = fields_later;
                return later_add(k, (LaterWhat) atoi(id), 0, "", 0);
        }
        return NULL;
}

static int parse_raw(Fake *k, const char *kind, char words[][192], int n)
{
        Raw *x = &k->s.raw[k->s.n_raw];
        const char *value = n > 2 ? words[2] : "";

        if (k->s.n_raw == MAX_RAW || n < 2 || n > 3 || words[1][0] != '/' || strlen(words[1]) >= sizeof(x->path))
                return -EINVAL;
        x->kind = streq(kind, "dir") ? 'd' : streq(kind, "link") ? 'l' : streq(kind, "node") ? 'c' : 'f';
        strcpy(x->path, words[1]);
        (void) pool_add(k, value, &x->value);
        k->s.n_raw++;
        return 0;
}

static int parse_text(Fake *k, const char *text, size_t size, const char *name, bool *saved, Fault *f);

static int include(Fake *k, const char *path, bool *saved, Fault *f)
{
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r = read_file_at(AT_FDCWD, path, 1 << 20, &text, &size);

        return r < 0 ? fault_set(f, r, path, "cannot read the tree %s: %s", path, fault_errno(r))
                     : parse_text(k, text, size, path, saved, f);
}

static int load_modules(Fake *k, char words[][192], int n)
{
        for (int i = 1; i < n; i++) {
                Module *m = module_find(k, words[i]);

                if (!m)
                        return -ENOENT;
                m->loaded = true;
                m->order = ++k->s.order;
        }
        return 0;
}

static int parse_line(Fake *k, const char *line, const char *name, bool *saved, Fault *f)
{
        char words[80][192];
        int n = words_split(line, words, ARRAY_SIZE(words));
        const Field *fields;
        void *object;

        if (n <= 0)
                return n;
        if (streq(words[0], "fault"))
                return fake_fault_parse(&k->host, line + strcspn(line, " \t"), f);
        if (streq(words[0], "file") || streq(words[0], "dir") || streq(words[0], "link") || streq(words[0], "node"))
                return parse_raw(k, words[0], words, n);
        if (streq(words[0], "saved")) {
                *saved = true;
                return parse_fields(fields_saved, &k->s, words + 1, n - 1);
        }
        if (streq(words[0], "opt"))
                return parse_fields(fields_opt, &k->s, words + 1, n - 1);
        if (n < 2)
                return -EINVAL;
        if (streq(words[0], "guest")) {
                for (int i = 1; i < n && i < 5; i++)
                        text_set(k->s.guest[i - 1], words[i]);
                return 0;
        }
        if (streq(words[0], "load"))
                return load_modules(k, words, n);
        if (streq(words[0], "include")) {
                const char *slash = strrchr(name, '/');
                char path[512];

                snprintf(path, sizeof(path), "%.*s%s", slash ? (int) (slash - name) + 1 : 0, name, words[1]);
                return include(k, path, saved, f);
        }
        if (streq(words[0], "console")) {
                bool bound = n < 3 || parse_bool(words[2]) > 0;

                if (startswith(words[1], "frame")) {
                        k->s.fbcon_there = true;
                        k->s.fbcon_bound = bound;
                } else {
                        snprintf(k->s.system_console, sizeof(k->s.system_console), "%.23s", words[1]);
                        k->s.system_bound = bound;
                }
                return 0;
        }
        object = item_new(k, words[0], words[1], &fields);
        return object ? parse_fields(fields, object, words + 2, n - 2) : -EINVAL;
}

static int parse_text(Fake *k, const char *text, size_t size, const char *name, bool *saved, Fault *f)
{
        unsigned line_no = 0;

        for (const char *p = text, *end = text + size; p < end;) {
                const char *newline = memchr(p, '\n', (size_t) (end - p));
                size_t n = (size_t) ((newline ?: end) - p);
                _cleanup_free_ char *line = strndup(p, n);
                Fault one = { 0 };
                int r = line ? parse_line(k, line, name, saved, &one) : -ENOMEM;

                line_no++;
                if (r < 0)
                        return fault_set(f, r, name, "%s:%u: %.300s", name, line_no, one.code ? one.text : line ?: "");
                p += n + 1;
        }
        return 0;
}

int fake_host_parse(const char *text, size_t size, const char *name, Host **ret, Fault *f)
{
        _cleanup_(host_freep) Host *h = NULL;
        Fake *k = calloc(1, sizeof(*k));
        bool saved = false;
        int r;

        if (!k)
                return fault_set(f, -ENOMEM, name, "out of memory");
        h = &k->host;
        h->ops = &fake_ops_table;
        h->deadline = UINT64_MAX;
        h->cancel_fd = k->client_fd = -1;
        k->dirty = true;
        k->s.clock = 1000 * USEC_PER_SEC;
        k->s.udev_delay = 500 * USEC_PER_MSEC;
        k->s.settle = 100 * USEC_PER_MSEC;
        k->s.next_pid = 20000;
        k->s.next_session = 90;
        strcpy(k->s.kernel, "6.1.0-fake");
        strcpy(k->s.system_console, "dummy device");
        r = parse_text(k, text, size, name, &saved, f);
        if (r < 0)
                return r;
        if (!saved)
                fake_boot(k);
        *ret = TAKE_PTR(h);
        return 0;
}

int fake_host_new(const char *path, Host **ret, Fault *f)
{
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r = read_file_at(AT_FDCWD, path, 1 << 20, &text, &size);

        return r < 0 ? fault_set(f, r, path, "cannot read the tree %s: %s", path, fault_errno(r))
                     : fake_host_parse(text, size, path, ret, f);
}
