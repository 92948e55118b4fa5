/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/card.h"

#include "host/scan.h"

#include <stdio.h>

#define DESCRIBED_MAX 6
#define LET_GO_USEC   (3 * USEC_PER_SEC)

void holder_list_clear(HolderList *l)
{
        holders_free(l->items, l->n);
        *l = (HolderList){ 0 };
}

static int append_all(char ***list, char *const *more)
{
        int r;

        STRV_FOREACH (s, more) {
                if (startswith(*s, "/dev/bus/usb/") || strv_contains(*list, *s))
                        continue;
                r = strv_append(list, *s);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int collect(Host *h, char *const *functions, char *const *vendors, char ***nodes)
{
        int r;

        STRV_FOREACH (bdf, functions) {
                _cleanup_strv_ char **own = NULL;
                PciAddress address;

                r = pci_parse(*bdf, &address);
                if (r < 0)
                        return r;
                r = scan_nodes(h, &address, &own);
                if (r == -ENOENT || r == -ENODEV) /* not there, nobody has it open */
                        continue;
                if (r < 0)
                        return r;
                r = append_all(nodes, own);
                if (r < 0)
                        return r;
        }
        STRV_FOREACH (vendor, vendors) {
                _cleanup_strv_ char **shared = NULL;
                uint64_t id;

                r = parse_hex(*vendor, UINT16_MAX, &id);
                if (r < 0)
                        return r;
                r = scan_shared_nodes(h, (uint16_t) id, &shared);
                if (r < 0)
                        return r;
                r = append_all(nodes, shared);
                if (r < 0)
                        return r;
        }
        return 0;
}

int card_holders(Host *h, char *const *functions, char *const *vendors, HolderList *ret)
{
        _cleanup_strv_ char **nodes = NULL;
        int r;

        r = collect(h, functions, vendors, &nodes);
        if (r < 0 || !nodes)
                return r;
        return host_holders(h, nodes, &ret->items, &ret->n);
}

int action_holders(Host *h, const Action *a, HolderList *ret, Fault *f)
{
        _cleanup_strv_ char **functions = NULL, **vendors = NULL;
        int r;

        r = param_list(a, "functions", &functions);
        if (r >= 0)
                r = param_list(a, "shared", &vendors);
        if (r >= 0 || r == -ENOENT)
                r = card_holders(h, functions, vendors, ret);
        if (r < 0)
                return fault_set(f, r, a->target, "cannot find out who has the device files of %s open: %s", a->target,
                                 fault_errno(r));
        return 0;
}

int nodes_let_go(Host *h, const char *target, int (*nodes)(Host *h, const char *target, char ***ret), const char *so,
                 Fault *f)
{
        uint64_t until = step_until(h, LET_GO_USEC);

        for (;;) {
                _cleanup_holders_ HolderList holders = { 0 };
                _cleanup_strv_ char **files = NULL;
                _cleanup_free_ char *text = NULL;
                int r;

                r = nodes(h, target, &files);
                if (r >= 0 && files)
                        r = host_holders(h, files, &holders.items, &holders.n);
                if (r < 0)
                        return fault_set(f, r, target, "cannot find out who has the device files of %s open: %s",
                                         target, fault_errno(r));
                if (holders.n == 0)
                        return 0;
                r = step_wait(h, 0, holders.items, holders.n, until, f);
                if (r < 0)
                        return r;
                if (r == 0)
                        continue;
                text = holders_describe(&holders);
                return fault_set(f, -EBUSY, target, "%s is in use, so %s: %s", target, so,
                                 text ? text : "out of memory");
        }
}

static int function_nodes(Host *h, const char *bdf, char ***ret)
{
        char *const functions[] = { (char *) bdf, NULL };

        return collect(h, functions, NULL, ret);
}

int function_let_go(Host *h, const char *bdf, Fault *f)
{
        return nodes_let_go(h, bdf, function_nodes, "its driver is not touched", f);
}

bool holder_is_manager(const HostHolder *x)
{
        return x->pid == 1 || streq0(x->unit, "systemd-logind.service") || streq0(x->comm, "systemd-logind");
}

bool holder_is_vfio(const HostHolder *x)
{
        return x->node && startswith(x->node, "/dev/vfio/");
}

void holder_print_remedy(FILE *out, const HostHolder *x)
{
        if (holder_is_vfio(x))
                (void) fprintf(out, "shut that guest down");
        else if (holder_is_manager(x))
                (void) fprintf(out, "it keeps that for a session: log out");
        else if (x->user_unit)
                (void) fprintf(out, "`systemctl --user stop %s` as user %u", x->user_unit, x->uid);
        else if (x->unit && endswith(x->unit, ".service"))
                (void) fprintf(out, "`systemctl stop %s`, or StopUnits=%s in [Services] of the profile", x->unit,
                               x->unit);
        else if (x->unit && startswith(x->unit, "session-"))
                (void) fprintf(out,
                               "close it, or log that session out (Policy=terminate in [Sessions] does, on a seat)");
        else
                (void) fprintf(out, "close it");
}

static void print_holder(FILE *out, const HolderList *l, size_t i, bool first)
{
        const HostHolder *x = &l->items[i];
        size_t others = 0;

        for (size_t k = i + 1; k < l->n; k++)
                others += l->items[k].pid == x->pid;
        (void) fprintf(out, "%s%s (pid %d", first ? "" : "; ", x->comm ? x->comm : "?", x->pid);
        if (x->unit)
                (void) fprintf(out, ", %s%s%s", x->unit, x->user_unit ? " " : "", x->user_unit ? x->user_unit : "");
        (void) fprintf(out, ") has %s %s", x->node, x->mapped ? "mapped" : "open");
        if (others > 0)
                (void) fprintf(out, " and %zu more", others);
        (void) fprintf(out, ": ");
        holder_print_remedy(out, x);
}

static bool seen_before(const HolderList *l, size_t i)
{
        for (size_t k = 0; k < i; k++)
                if (l->items[k].pid == l->items[i].pid)
                        return true;
        return false;
}

char *holders_describe(const HolderList *l)
{
        size_t described = 0, size, left = 0;
        char *text = NULL;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                return NULL;
        for (int managers = 0; managers < 2; managers++)
                for (size_t i = 0; i < l->n; i++) {
                        if (holder_is_manager(&l->items[i]) != (managers == 1) || seen_before(l, i))
                                continue;
                        if (described == DESCRIBED_MAX) {
                                left++;
                                continue;
                        }
                        print_holder(out, l, i, described++ == 0);
                }
        if (left > 0)
                (void) fprintf(out, "; and %zu more processes", left);
        if (fclose(out) != 0) {
                free(text);
                return NULL;
        }
        return text;
}
