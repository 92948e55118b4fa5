/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

#include "util/fd.h"

#include <fcntl.h>
#include <stdio.h>

#define TEXT(type, name, field)                                                      \
        {                                                                            \
                name, FIELD_TEXT, offsetof(type, field), sizeof(((type *) 0)->field) \
        }
#define OTHER(type, kind, name, field)               \
        {                                            \
                name, kind, offsetof(type, field), 0 \
        }

const Field fields_pci[] = {
        OTHER(Function, FIELD_HEX, "vendor", vendor),
        OTHER(Function, FIELD_HEX, "device", device),
        OTHER(Function, FIELD_HEX, "class", class),
        OTHER(Function, FIELD_IDS, "sub", sub_vendor),
        TEXT(Function, "driver", driver),
        OTHER(Function, FIELD_INT, "group", group),
        TEXT(Function, "parent", parent),
        OTHER(Function, FIELD_INT, "boot_vga", boot_vga),
        OTHER(Function, FIELD_BAR, "bar", bar),
        TEXT(Function, "reset_method", reset_default),
        TEXT(Function, "reset_now", reset_now),
        OTHER(Function, FIELD_BOOL, "has-reset", has_reset),
        OTHER(Function, FIELD_BOOL, "reset-works", reset_works),
        OTHER(Function, FIELD_BOOL, "reset_subordinate", reset_subordinate),
        OTHER(Function, FIELD_BOOL, "no-bus-reset", no_bus_reset),
        TEXT(Function, "override", override),
        TEXT(Function, "power_state", power_state),
        TEXT(Function, "control", control),
        TEXT(Function, "control-boot", control_boot),
        OTHER(Function, FIELD_INT, "d3cold", d3cold),
        OTHER(Function, FIELD_BOOL, "present", present),
        OTHER(Function, FIELD_BOOL, "lost", lost),
        OTHER(Function, FIELD_BOOL, "dirty", dirty),
        OTHER(Function, FIELD_INT, "dead", dead),
        OTHER(Function, FIELD_BOOL, "withdrawn", withdrawn),
        OTHER(Function, FIELD_BOOL, "locked", locked),
        OTHER(Function, FIELD_BOOL, "leaving", leaving),
        TEXT(Function, "block", block),
        TEXT(Function, "net", net),
        TEXT(Function, "prefer", prefer),
        TEXT(Function, "physfn", physfn),
        OTHER(Function, FIELD_INT, "sriov", sriov),
        OTHER(Function, FIELD_INT, "vfs", vfs),
        OTHER(Function, FIELD_INT, "sriov-offset", sriov_offset),
        OTHER(Function, FIELD_INT, "sriov-stride", sriov_stride),
        OTHER(Function, FIELD_BOOL, "autoprobe", autoprobe),
        TEXT(Function, "panel", panel),
        OTHER(Function, FIELD_INT, "brightness", brightness),
        OTHER(Function, FIELD_INT, "brightness-max", brightness_max),
        OTHER(Function, FIELD_BOOL, "shy", shy),
        OTHER(Function, FIELD_BOOL, "silent", silent),
        OTHER(Function, FIELD_INT, "rebar", rebar),
        OTHER(Function, FIELD_UINT, "rebar-size", rebar_size),
        OTHER(Function, FIELD_HEX, "rebar-sizes", rebar_sizes),
        OTHER(Function, FIELD_UINT, "rebar-room", rebar_room),
        OTHER(Function, FIELD_INT, "drm", nodes[GIVE_DRM]),
        OTHER(Function, FIELD_INT, "render", nodes[GIVE_RENDER]),
        OTHER(Function, FIELD_INT, "fb", nodes[GIVE_FB]),
        OTHER(Function, FIELD_INT, "sound", nodes[GIVE_SOUND]),
        OTHER(Function, FIELD_INT, "usb", nodes[GIVE_USB]),
        OTHER(Function, FIELD_INT, "i2c", nodes[GIVE_I2C]),
        OTHER(Function, FIELD_INT, "nvidia", nodes[GIVE_NVIDIA]),
        { NULL },
};

const Field fields_module[] = {
        OTHER(Module, FIELD_BOOL, "loaded", loaded),
        OTHER(Module, FIELD_BOOL, "builtin", builtin),
        OTHER(Module, FIELD_INT, "refs", refs),
        TEXT(Module, "deps", deps),
        TEXT(Module, "pre", pre),
        TEXT(Module, "post", post),
        TEXT(Module, "match", match),
        TEXT(Module, "driver", driver),
        OTHER(Module, FIELD_GIVES, "gives", gives),
        TEXT(Module, "rides", rides),
        OTHER(Module, FIELD_BOOL, "holds", holds),
        TEXT(Module, "fbname", fbname),
        OTHER(Module, FIELD_BOOL, "vfio", vfio),
        OTHER(Module, FIELD_BOOL, "evicts", evicts),
        OTHER(Module, FIELD_BOOL, "fbcon-pins", fbcon_pins),
        OTHER(Module, FIELD_BOOL, "autoload", autoload),
        OTHER(Module, FIELD_TIME, "takes", takes),
        OTHER(Module, FIELD_INT, "fails", fails),
        OTHER(Module, FIELD_BOOL, "waits", waits),
        OTHER(Module, FIELD_BOOL, "going", going),
        OTHER(Module, FIELD_BOOL, "needs-device", needs_device),
        OTHER(Module, FIELD_UINT, "order", order),
        OTHER(Module, FIELD_U64, "busy-until", busy_until),
        TEXT(Module, "new-id", new_id),
        { NULL },
};

const Field fields_platform[] = {
        TEXT(Platform, "driver", driver),
        TEXT(Platform, "owner", owner),
        TEXT(Platform, "fb", fbname),
        OTHER(Platform, FIELD_BOOL, "drm", simpledrm),
        OTHER(Platform, FIELD_BAR, "bar", bar),
        OTHER(Platform, FIELD_BOOL, "present", present),
        OTHER(Platform, FIELD_INT, "fb-number", fb),
        OTHER(Platform, FIELD_INT, "drm-number", drm),
        { NULL },
};

const Field fields_mdev_type[] = {
        TEXT(MdevType, "parent", parent),
        TEXT(MdevType, "module", module),
        TEXT(MdevType, "name", name),
        TEXT(MdevType, "description", description),
        OTHER(MdevType, FIELD_UINT, "instances", instances),
        { NULL },
};

const Field fields_mdev[] = {
        TEXT(Mdev, "parent", parent),
        TEXT(Mdev, "type", type),
        OTHER(Mdev, FIELD_INT, "group", group),
        { NULL },
};

const Field fields_unit[] = {
        TEXT(Unit, "names", names),
        TEXT(Unit, "active", active),
        TEXT(Unit, "job", job),
        TEXT(Unit, "load", load),
        TEXT(Unit, "cgroup", cgroup),
        OTHER(Unit, FIELD_TIME, "stop-timeout", stop_timeout),
        TEXT(Unit, "opens", opens),
        TEXT(Unit, "needs", needs),
        OTHER(Unit, FIELD_INT, "pid", pid),
        TEXT(Unit, "comm", comm),
        OTHER(Unit, FIELD_TIME, "stop-takes", stop_takes),
        OTHER(Unit, FIELD_TIME, "start-takes", start_takes),
        TEXT(Unit, "stop-result", stop_result),
        TEXT(Unit, "start-result", start_result),
        TEXT(Unit, "conflicts", conflicts),
        TEXT(Unit, "waits-for", waits_for),
        { NULL },
};

const Field fields_session[] = {
        TEXT(Session, "id", id), /* a later life's id differs from the line's */
        TEXT(Session, "user", user),
        OTHER(Session, FIELD_UINT, "uid", uid),
        TEXT(Session, "seat", seat),
        TEXT(Session, "tty", tty),
        TEXT(Session, "type", type),
        TEXT(Session, "class", class),
        TEXT(Session, "service", service),
        TEXT(Session, "scope", scope),
        TEXT(Session, "state", state),
        OTHER(Session, FIELD_BOOL, "remote", remote),
        OTHER(Session, FIELD_BOOL, "linger", linger),
        TEXT(Session, "owner", owner),
        TEXT(Session, "respawn", respawn),
        TEXT(Session, "manager", manager),
        OTHER(Session, FIELD_TIME, "manager-delay", manager_delay),
        OTHER(Session, FIELD_BOOL, "gone", gone),
        { NULL },
};

const Field fields_holder[] = {
        TEXT(Holder, "comm", comm),
        OTHER(Holder, FIELD_UINT, "uid", uid),
        TEXT(Holder, "cgroup", cgroup),
        TEXT(Holder, "node", nodes),
        OTHER(Holder, FIELD_BOOL, "mapped", mapped),
        OTHER(Holder, FIELD_U64, "start", start),
        TEXT(Holder, "leaves", leaves),
        TEXT(Holder, "session", session),
        TEXT(Holder, "pins", pins),
        { NULL },
};

const Field fields_script[] = {
        TEXT(Script, "distrust", distrust),
        TEXT(Script, "sets", sets),
        TEXT(Script, "to", to),
        TEXT(Script, "text", text),
        OTHER(Script, FIELD_INT, "status", status),
        OTHER(Script, FIELD_TIME, "takes", takes),
        { NULL },
};

const Field fields_later[] = {
        OTHER(Later, FIELD_U64, "when", when),
        OTHER(Later, FIELD_BOOL, "hung", hung),
        OTHER(Later, FIELD_BOOL, "natural", natural),
        TEXT(Later, "op", op),
        TEXT(Later, "target", target),
        TEXT(Later, "value", value),
        OTHER(Later, FIELD_INT, "pid", pid),
        { NULL },
};

const Field fields_opt[] = {
        OTHER(State, FIELD_TIME, "udev-delay", udev_delay),
        OTHER(State, FIELD_TIME, "settle", settle),
        OTHER(State, FIELD_TIME, "transient-busy", transient_busy),
        TEXT(State, "kernel", kernel),
        { NULL },
};

const Field fields_saved[] = {
        OTHER(State, FIELD_U64, "clock", clock),
        OTHER(State, FIELD_U64, "udev-busy-until", udev_busy_until),
        OTHER(State, FIELD_UINT, "order", order),
        OTHER(State, FIELD_UINT, "next-pid", next_pid),
        OTHER(State, FIELD_UINT, "next-session", next_session),
        { NULL },
};

static void put_word(FILE *out, const char *s)
{
        bool plain = *s != '\0';

        for (const char *p = s; *p; p++)
                plain = plain && (unsigned char) *p > ' ' && !strchr("\"\\#", *p);
        if (!plain)
                fputc('"', out);
        for (const char *p = s; *p; p++) {
                if (*p == '\n')
                        fputs("\\n", out);
                else if (*p == '\t')
                        fputs("\\t", out);
                else if (*p == '"' || *p == '\\')
                        fprintf(out, "\\%c", *p);
                else if ((unsigned char) *p < ' ')
                        fprintf(out, "\\x%02x", *p);
                else
                        fputc(*p, out);
        }
        if (!plain)
                fputc('"', out);
}

static void put_field(FILE *out, const Field *x, const void *object)
{
        const void *at = (const char *) object + x->offset;
        const uint64_t *u64 = at;
        const unsigned *u = at;

        fprintf(out, " %s=", x->name);
        switch (x->type) {
        case FIELD_TEXT:
                put_word(out, at);
                break;
        case FIELD_BOOL:
                fputs(*(const bool *) at ? "yes" : "no", out);
                break;
        case FIELD_INT:
                fprintf(out, "%d", *(const int *) at);
                break;
        case FIELD_UINT:
                fprintf(out, "%u", *u);
                break;
        case FIELD_HEX:
                fprintf(out, "%04x", *u);
                break;
        case FIELD_TIME:
                fprintf(out, "%lluus", (unsigned long long) *u64);
                break;
        case FIELD_U64:
                fprintf(out, "%llu", (unsigned long long) *u64);
                break;
        case FIELD_BAR:
                fprintf(out, "%llx+%llx", (unsigned long long) u64[0], (unsigned long long) u64[1]);
                break;
        case FIELD_IDS:
                fprintf(out, "%04x:%04x", u[0], u[1]);
                break;
        case FIELD_GIVES:
                for (int i = 0, n = 0; i < GIVE_N; i++)
                        if (*u & 1U << i)
                                fprintf(out, "%s%s", n++ ? "," : "", give_name(i));
                break;
        }
}

static void put_item(FILE *out, const char *kind, const char *id, const Field *fields, const void *object)
{
        fprintf(out, "%s ", kind);
        put_word(out, id);
        for (const Field *x = fields; x->name; x++)
                put_field(out, x, object);
        fputc('\n', out);
}

static const char *number(int n)
{
        static char buf[16];

        snprintf(buf, sizeof(buf), "%d", n);
        return buf;
}

char *fake_host_text(Host *h)
{
        const State *s = &fake_of(h)->s;
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                return NULL;
        fputs("saved", out);
        for (const Field *x = fields_saved; x->name; x++)
                put_field(out, x, s);
        fputs("\nopt", out);
        for (const Field *x = fields_opt; x->name; x++)
                put_field(out, x, s);
        for (unsigned i = 0; i < ARRAY_SIZE(s->guest) && s->guest[i][0]; i++)
                fprintf(out, "%s%s", i == 0 ? "\nguest " : " ", s->guest[i]);
        fputs("\nconsole ", out);
        put_word(out, s->system_console);
        fprintf(out, " %s\n", s->system_bound ? "yes" : "no");
        if (s->fbcon_there)
                fprintf(out, "console \"frame buffer device\" %s\n", s->fbcon_bound ? "yes" : "no");
        FOREACH(const Function, x, s->functions, s->n_functions)
        put_item(out, "pci", x->bdf, fields_pci, x);
        FOREACH(const Module, x, s->modules, s->n_modules)
        put_item(out, "module", x->name, fields_module, x);
        FOREACH(const Platform, x, s->platforms, s->n_platforms)
        put_item(out, "platform", x->name, fields_platform, x);
        FOREACH(const MdevType, x, s->mdev_types, s->n_mdev_types)
        put_item(out, "mdev-type", x->id, fields_mdev_type, x);
        FOREACH(const Mdev, x, s->mdevs, s->n_mdevs)
        put_item(out, "mdev", x->uuid, fields_mdev, x);
        FOREACH(const Unit, x, s->units, s->n_units)
        put_item(out, "unit", x->id, fields_unit, x);
        FOREACH(const Session, x, s->sessions, s->n_sessions)
        put_item(out, "session", x->id, fields_session, x);
        FOREACH(const Holder, x, s->holders, s->n_holders)
        put_item(out, "holder", number(x->pid), fields_holder, x);
        FOREACH(const Script, x, s->scripts, s->n_scripts)
        put_item(out, "script", x->path, fields_script, x);
        FOREACH(const Later, x, s->later, MAX_LATER)
        if (x->what != LATER_NONE)
                put_item(out, "later", number((int) x->what), fields_later, x);
        FOREACH(const Raw, x, s->raw, s->n_raw)
        {
                fprintf(out, "%s ",
                        x->kind == 'd'   ? "dir"
                        : x->kind == 'l' ? "link"
                        : x->kind == 'c' ? "node"
                                         : "file");
                put_word(out, x->path);
                fputc(' ', out);
                put_word(out, s->pool + x->value);
                fputc('\n', out);
        }
        return fclose(out) == 0 ? text : NULL;
}

int fake_host_save(Host *h, const char *path)
{
        _cleanup_free_ char *text = fake_host_text(h);

        return text ? write_file_atomic_at(AT_FDCWD, path, 0600, text, strlen(text)) : -ENOMEM;
}
