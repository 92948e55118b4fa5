/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fake-host.h"

/* Inside of the fake. The state is one block of plain memory without pointers, so that it can be copied, compared and
 * handed through shared memory by a process that dies. The files of the host are rendered from it (render-*.c), after
 * every change, on the first look: they cannot disagree with it. */

enum {
        MAX_FUNCTIONS = 48,
        MAX_MODULES = 64,
        MAX_UNITS = 24,
        MAX_SESSIONS = 12,
        MAX_HOLDERS = 40,
        MAX_PLATFORMS = 4,
        MAX_MDEV_TYPES = 8,
        MAX_MDEVS = 12,
        MAX_RAW = 128,
        MAX_SCRIPTS = 16,
        MAX_LATER = 16,
        MAX_FAULTS = 16,
        POOL = 24576,
        NO = -1, /* a number that is not there */
};

/* Kinds of nodes a driver gives to its function. */
enum {
        GIVE_DRM,
        GIVE_RENDER,
        GIVE_FB,
        GIVE_SOUND,
        GIVE_USB,
        GIVE_I2C,
        GIVE_NVIDIA,
        GIVE_N_NUMBERED,
        GIVE_BLOCK = GIVE_N_NUMBERED,
        GIVE_NET,
        GIVE_N
};

typedef struct Function {
        char bdf[20], parent[20], driver[32], override[64];
        unsigned vendor, device, class, sub_vendor, sub_device;
        int group, boot_vga;
        uint64_t bar, bar_size;
        char reset_default[64], reset_now[64];
        bool has_reset, reset_works, reset_subordinate, no_bus_reset;
        char power_state[12], control[8], control_boot[8];
        int d3cold;
        bool present, lost, dirty;
        int dead;       /* resets of its bus until its configuration space answers */
        bool withdrawn; /* udev had a "remove" for its sound card and forgot it */
        bool locked;    /* its device_lock is held by a call that does not return */
        bool leaving;   /* … which is an unbind: the driver link is gone already */
        char block[24], net[24], prefer[32];
        char physfn[20];                            /* a virtual function's physical one */
        int sriov, vfs, sriov_offset, sriov_stride; /* a physical one's */
        bool autoprobe;
        char panel[24]; /* the backlight of its panel; "": none */
        int brightness, brightness_max;
        bool shy, silent; /* its monitor does not report itself after a probe unless asked; just now */
        int rebar;        /* number of the BAR that can be resized; NO: none */
        unsigned rebar_size, rebar_sizes, rebar_room; /* MiB now, bitmap, MiB that fit below the bridge */
        int nodes[GIVE_N_NUMBERED];                   /* NO: none */
} Function;

typedef struct Module {
        char name[40], driver[32], rides[32], deps[128], pre[64], post[128], match[256], fbname[24];
        bool loaded, builtin, holds, vfio, evicts, fbcon_pins, autoload, waits, going, needs_device;
        unsigned gives; /* bits 1 << GIVE_x */
        int refs, fails;
        unsigned order; /* of registration: drivers are tried in it */
        uint64_t takes, busy_until;
        char new_id[64]; /* vfio-pci's dynamic ids, "10de 2484" by commas */
} Module;

typedef struct Unit {
        char id[64], names[96], load[12], active[16], job[12], cgroup[128], opens[160], needs[64], comm[20];
        char stop_result[12], start_result[12], conflicts[96], waits_for[48];
        uint64_t stop_timeout, stop_takes, start_takes;
        int pid;
} Unit;

typedef struct Session {
        char id[16], user[24], seat[12], tty[12], type[16], class[16], service[32], scope[40], state[12];
        char owner[48], respawn[48], manager[48];
        unsigned uid;
        uint64_t manager_delay;
        bool remote, linger, gone;
} Session;

typedef struct Holder {
        int pid;
        uint64_t start;
        unsigned uid;
        char comm[20], cgroup[160], nodes[160], leaves[16], session[16];
        char pins[40]; /* modules its open files keep, by commas */
        bool mapped;
} Holder;

typedef struct Platform {
        char name[40], driver[32], owner[20], fbname[24];
        bool present, simpledrm;
        uint64_t bar, bar_size;
        int fb, drm;
} Platform;

typedef struct MdevType {
        char id[40], parent[20], module[40], name[64], description[128];
        unsigned instances;
} MdevType;

typedef struct Mdev {
        char uuid[40], parent[20], type[40];
        int group;
} Mdev;

typedef struct Raw {
        char path[120];
        char kind;      /* f d l c */
        unsigned value; /* offset into pool */
} Raw;

/* An executable of the administrator's: what it does is to write a plain file. */
typedef struct Script {
        char path[120], distrust[120], sets[120], to[32], text[160];
        int status;
        uint64_t takes;
} Script;

/* Something that happens later: at a time, after so many operations, or when the kernel lets go. */
typedef enum LaterWhat {
        LATER_NONE,
        LATER_AUTOLOAD,
        LATER_HOLDER_EXIT,
        LATER_UNIT_STOP,
        LATER_RESPAWN,
        LATER_OP
} LaterWhat;
typedef struct Later {
        LaterWhat what;
        uint64_t when;                       /* 0: not by time */
        unsigned at_op;                      /* 0: not by number */
        bool hung, natural;                  /* natural: comes back by itself when what it waits for has gone */
        char op[24], target[192], value[64]; /* BDF, unit, session; for an operation as it was called */
        int pid;
} Later;

typedef struct State {
        Function functions[MAX_FUNCTIONS];
        Module modules[MAX_MODULES];
        Unit units[MAX_UNITS];
        Session sessions[MAX_SESSIONS];
        Holder holders[MAX_HOLDERS];
        Platform platforms[MAX_PLATFORMS];
        MdevType mdev_types[MAX_MDEV_TYPES];
        Mdev mdevs[MAX_MDEVS];
        Raw raw[MAX_RAW];
        Script scripts[MAX_SCRIPTS];
        Later later[MAX_LATER];
        char pool[POOL];
        unsigned n_functions, n_modules, n_units, n_sessions, n_holders, n_platforms, n_mdev_types, n_mdevs, n_raw,
                n_scripts, pool_used;
        uint64_t clock, udev_delay, settle, udev_busy_until, transient_busy;
        char kernel[32], guest[4][40];
        char system_console[24]; /* "dummy device" or "VGA+" */
        bool system_bound;
        bool fbcon_there, fbcon_bound;
        unsigned order, next_pid, next_session;
} State;

typedef struct Node Node;
typedef struct Fake Fake;

struct Fake {
        Host host;
        State s;
        bool dirty; /* files are stale */
        struct Files *files;
        FakeFault faults[MAX_FAULTS];
        unsigned n_faults, ops, hits;
        char last_op[224], hit_targets[1024];
        bool own_cancel;
        int client_fd; /* the far end of host.cancel_fd, when that is ours */
        FakeTrace trace;
        void *trace_arg;
        void (*on_effect)(Host *, void *);
        void *on_effect_arg;
        void (*on_crash)(Host *, void *);
        void *on_crash_arg;
        char *violations;
        char *ran;  /* the scripts: a line each */
        bool woken; /* a uevent or an exit since the last wait() began */
};

/* Inside codes, never returned by an operation. */
enum { HANGS = -4000 };

#define FOREACH(type, x, arr, n) for (type *x = (arr); x < (arr) + (n); x++)

/* ---- files.c: the rendered tree ---- */
typedef int (*Store)(Fake *k, const Node *n, const char *value);
struct Node {
        const char *name, *value; /* a link's target */
        Node *parent, *child, *next;
        char kind;                        /* d f l c */
        void (*expand)(Fake *k, Node *n); /* what is costly is rendered when somebody looks */
        bool risky;                       /* only in a hand */
        bool locks;                       /* waits for the function's device lock */
        Store store;
        Function *function;
        void *object;
};
void files_reset(Fake *k); /* empty again */
void files_free(Fake *k);
Node *files_root(Fake *k);
Node *add_dir(Fake *k, Node *dir, const char *name); /* also if it is there already */
Node *add_path(Fake *k, const char *path);           /* dirs along the path */
Node *add_file(Fake *k, Node *dir, const char *name, const char *fmt, ...) _printf_(4, 5);
Node *add_store(Fake *k, Node *dir, const char *name, Store store, Function *fn, void *object, const char *value);
Node *add_link(Fake *k, Node *dir, const char *name, const Node *to); /* relative, as the kernel's */
Node *add_link_text(Fake *k, Node *dir, const char *name, const char *target);
Node *add_device(Fake *k, const char *path, unsigned major, unsigned minor);
const char *files_string(Fake *k, const char *fmt, ...) _printf_(2, 3);
Node *files_find(Fake *k, const char *path, bool follow); /* NULL: -ENOENT; renders first when stale */
Node *files_find_in(const Node *dir, const char *name);
int files_list(Fake *k, const Node *dir, char ***ret);
const char *pool_add(Fake *k, const char *value, unsigned *ret_offset);

/* ---- render.c, render-pci.c ---- */
void render(Fake *k);
void render_pci(Fake *k);
Node *add_lazy(Fake *k, Node *dir, const char *name, void (*expand)(Fake *k, Node *n)); /* a file */
void node_value(Fake *k, Node *n, const char *value);
Node *function_dir(Fake *k, const Function *fn);

/* ---- pci.c ---- */
Function *function_find(Fake *k, const char *bdf); /* present or not */
Function *function_bound_in_group(Fake *k, int group, bool *ret_open);
int pci_probe(Fake *k, Function *fn);           /* device_attach(): whatever driver matches; 0 also if none */
int pci_bind(Fake *k, Function *fn, Module *m); /* one driver's probe */
int pci_unbind(Fake *k, Function *fn);          /* HANGS */
bool pci_unbind_waits(Fake *k, const Function *fn);
int function_remove(Fake *k, Function *fn); /* HANGS */
int store_unbind(Fake *k, const Node *n, const char *value);
int store_bind(Fake *k, const Node *n, const char *value);
int store_probe(Fake *k, const Node *n, const char *value);
int store_new_id(Fake *k, const Node *n, const char *value);
int store_remove_id(Fake *k, const Node *n, const char *value);
int store_override(Fake *k, const Node *n, const char *value);
int store_remove(Fake *k, const Node *n, const char *value);
int store_rescan(Fake *k, const Node *n, const char *value); /* n->function: the bridge; NULL: all */
int store_reset(Fake *k, const Node *n, const char *value);
int store_reset_method(Fake *k, const Node *n, const char *value);
int store_reset_subordinate(Fake *k, const Node *n, const char *value);
int store_control(Fake *k, const Node *n, const char *value);
int store_d3cold(Fake *k, const Node *n, const char *value);
int store_resize(Fake *k, const Node *n, const char *value);

/* ---- sriov.c, mdev.c ---- */
bool sriov_waits(Fake *k, const Function *pf); /* would taking its virtual functions away hang? */
void render_sriov_files(Fake *k, Function *fn, Node *dir);
void render_sriov_links(Fake *k);
Mdev *mdev_find(Fake *k, const char *uuid);
bool mdev_waits(Fake *k, const Mdev *m);
void render_mdevs(Fake *k);

/* ---- nodes.c ---- */
void nodes_give(Fake *k, Function *fn, unsigned gives);
void nodes_take(Fake *k, Function *fn, unsigned gives);
bool node_path(Fake *k, const Function *fn, int give, char *buf, size_t size); /* the k-th file; false: none */
bool node_of_module_open(Fake *k, const char *module);
const Module *node_module(Fake *k, const char *path); /* whose node it is; NULL: nobody's */
bool node_exists(Fake *k, const char *path);
/* Framebuffers and consoles */
void console_framebuffer_added(Fake *k);
void console_framebuffer_gone(Fake *k);
void console_evict(Fake *k, const Function *fn); /* it takes the display: the firmware's framebuffer goes for good */
int store_console(Fake *k, const Node *n, const char *value);
int store_platform_bind(Fake *k, const Node *n, const char *value);
int store_platform_unbind(Fake *k, const Node *n, const char *value);
int store_class_uevent(Fake *k, const Node *n, const char *value);
int store_connector(Fake *k, const Node *n, const char *value);
int store_brightness(Fake *k, const Node *n, const char *value);

/* ---- module.c ---- */
Module *module_find(Fake *k, const char *name); /* '-' as '_' */
Module *module_of_driver(Fake *k, const char *driver);
int module_refs(Fake *k, const Module *m);
void module_holders(Fake *k, const Module *m, char *buf, size_t size);
int module_load(Fake *k, const char *name);
int module_unload(Fake *k, const char *name);
void module_autoload(Fake *k, Function *fn);
void module_autoload_now(Fake *k, Function *fn);
bool module_matches(const Module *m, const Function *fn);

/* ---- unit.c ---- */
Unit *unit_find(Fake *k, const char *name);
int unit_start(Fake *k, Unit *u, UnitInfo *ret);
int unit_stop(Fake *k, Unit *u, UnitInfo *ret);
void unit_open(Fake *k, Unit *u);
int session_terminate(Fake *k, const char *id);
void session_end(Fake *k, Session *x);
void holder_open(Fake *k, Holder *x);
void holder_remove(Fake *k, int pid);
Session *session_find(Fake *k, const char *id);
void session_respawn(Fake *k, Session *x);

/* ---- clock.c ---- */
void fake_spend(Fake *k, uint64_t usec);
Later *later_add(Fake *k, LaterWhat what, uint64_t in, const char *target, int pid);
bool clock_step(Fake *k, uint64_t until); /* to the next thing that happens, at most until; false: nothing happened */
void clock_settle(Fake *k);               /* hung calls that need hang no longer */
void fake_uevent(Fake *k);

/* ---- ops.c, ops-service.c ---- */
enum { COST_READ = 15, COST_WRITE = 400, COST_HAND = 2000, COST_BUS = 5000 }; /* usec */
int op_unit(Host *h, UnitOp op, const char *name, UnitInfo *ret);
int op_session(Host *h, SessionOp op, const char *id, HostSession **ret, size_t *ret_n);
int op_holders(Host *h, char *const *nodes, HostHolder **ret, size_t *ret_n);
int op_signal(Host *h, const HostHolder *holder, int signo);
int op_wait(Host *h, unsigned what, const HostHolder *holders, size_t n, uint64_t slice_usec);
/* ---- script.c ---- */
int op_look(Host *h, const char *path, FileLook *ret);
void script_act(Fake *k, const char *path);
int op_script(Host *h, const ScriptCall *call, ScriptResult *ret);
extern const HostOps fake_ops_table;
Function *op_function(Fake *k, const char *target, const char *value);       /* whose device lock a call takes */
int fake_do(Fake *k, const char *op, const char *target, const char *value); /* the effect alone, as it was asked for */
void fake_violation(Fake *k, const char *fmt, ...) _printf_(2, 3);
int fault_begin(Fake *k, const char *op, const char *target, const char *value, bool hand, bool effect);
void fault_end(Fake *k, bool effect);
int fault_probe(Fake *k, const char *bdf, const char *driver);

/* ---- boot.c ---- */
void fake_boot(Fake *k);

/* ---- text.c, words.c, save.c ---- */
typedef enum FieldType {
        FIELD_TEXT,
        FIELD_BOOL,
        FIELD_INT,
        FIELD_UINT,
        FIELD_HEX,
        FIELD_TIME,
        FIELD_U64,
        FIELD_BAR,
        FIELD_IDS,
        FIELD_GIVES
} FieldType;
typedef struct Field {
        const char *name;
        FieldType type;
        size_t offset, size;
} Field;
extern const Field fields_pci[], fields_module[], fields_platform[], fields_mdev_type[], fields_mdev[], fields_unit[],
        fields_session[], fields_holder[], fields_later[], fields_script[], fields_opt[], fields_saved[];
const char *give_name(int give);
int words_split(const char *line, char words[][192], unsigned max);
bool word_in(const char *list, const char *word); /* commas or blanks */
bool glob_in(const char *list, const char *s);    /* any glob of a list by commas matches */
void text_copy(char *field, size_t size, const char *s);
#define text_set(field, s) text_copy((field), sizeof(field), (s))
static inline Fake *fake_of(Host *h)
{
        return (Fake *) h;
}
