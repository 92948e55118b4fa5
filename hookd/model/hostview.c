/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/hostview.h"

#include <stdio.h>

HostView *hostview_new(void)
{
        return calloc(1, sizeof(HostView));
}

static void function_clear(HostFunction *fn)
{
        free(fn->driver);
        free(fn->between);
        free(fn->modalias);
        free(fn->parent);
        free(fn->power_state);
        free(fn->power_control);
        strv_free(fn->reset_method);
        strv_free(fn->nodes);
        strv_free(fn->drm);
        strv_free(fn->sound);
        strv_free(fn->block);
        strv_free(fn->net);
        free(fn->physfn);
        strv_free(fn->connected);
        strv_free(fn->backlight);
        free(fn->name);
        strv_free(fn->candidates);
}

static void module_clear(HostModule *m)
{
        free(m->name);
        strv_free(m->holders);
        free(m->state);
}

static void console_clear(HostConsole *c)
{
        free(c->id);
        free(c->name);
}

static void framebuffer_clear(HostFramebuffer *fb)
{
        free(fb->name);
        free(fb->platform);
        free(fb->driver);
}

static void unit_clear(HostUnit *u)
{
        free(u->id);
        free(u->active);
        free(u->job);
        free(u->cgroup);
        free(u->stopped_for);
}

void host_session_clear(HostSession *s)
{
        free(s->id);
        free(s->user);
        free(s->seat);
        free(s->tty);
        free(s->type);
        free(s->class);
        free(s->service);
        free(s->scope);
        free(s->state);
}

void host_holder_clear(HostHolder *h)
{
        free(h->comm);
        free(h->cgroup);
        free(h->unit);
        free(h->user_unit);
        free(h->node);
}

static void mdev_type_clear(HostMdevType *t)
{
        free(t->parent);
        free(t->id);
        free(t->name);
        free(t->description);
        free(t->api);
}

static void mdev_clear(HostMdev *m)
{
        free(m->uuid);
        free(m->parent);
        free(m->type);
}

#define FREE_ARRAY(array, n, clear)              \
        do {                                     \
                for (size_t i = 0; i < (n); i++) \
                        clear(&(array)[i]);      \
                free(array);                     \
        } while (0)

static void script_clear(HostScript *s)
{
        free(s->path);
        free(s->distrust);
}

HostView *hostview_free(HostView *v)
{
        if (!v)
                return NULL;
        FREE_ARRAY(v->functions, v->n_functions, function_clear);
        FREE_ARRAY(v->modules, v->n_modules, module_clear);
        FREE_ARRAY(v->consoles, v->n_consoles, console_clear);
        FREE_ARRAY(v->framebuffers, v->n_framebuffers, framebuffer_clear);
        if (v->display_manager)
                unit_clear(v->display_manager);
        free(v->display_manager);
        FREE_ARRAY(v->units, v->n_units, unit_clear);
        FREE_ARRAY(v->sessions, v->n_sessions, host_session_clear);
        FREE_ARRAY(v->holders, v->n_holders, host_holder_clear);
        FREE_ARRAY(v->mdev_types, v->n_mdev_types, mdev_type_clear);
        FREE_ARRAY(v->mdevs, v->n_mdevs, mdev_clear);
        FREE_ARRAY(v->scripts, v->n_scripts, script_clear);
        strv_free(v->busy_disks);
        strv_free(v->default_route);
        strv_free(v->autologin_gettys);
        strv_free(v->missing_modules);
        strv_free(v->variant_drivers);
        free(v);
        return NULL;
}

const HostFunction *hostview_function(const HostView *v, const PciAddress *a)
{
        for (size_t i = 0; i < v->n_functions; i++)
                if (pci_compare(&v->functions[i].address, a) == 0)
                        return &v->functions[i];
        return NULL;
}

const HostMdev *hostview_mdev(const HostView *v, const char *uuid)
{
        for (size_t i = 0; i < v->n_mdevs; i++)
                if (strcasecmp(v->mdevs[i].uuid, uuid) == 0)
                        return &v->mdevs[i];
        return NULL;
}

/* The number that PCI Express knows a function by. */
static int routing_id(const PciAddress *a)
{
        return a->bus << 8 | a->slot << 3 | a->function;
}

const HostFunction *hostview_physical(const HostView *v, const PciAddress *a, int *ret_index)
{
        for (size_t i = 0; i < v->n_functions; i++) {
                const HostFunction *fn = &v->functions[i];
                int at;

                if (fn->sriov_total <= 0 || fn->sriov_offset <= 0 || fn->address.domain != a->domain)
                        continue;
                /* drivers/pci/iov.c: pci_iov_virtfn_bus(), pci_iov_virtfn_devfn() */
                at = routing_id(a) - routing_id(&fn->address) - fn->sriov_offset;
                if (at < 0 || (at > 0 && (fn->sriov_stride <= 0 || at % fn->sriov_stride != 0)))
                        continue;
                at = at > 0 ? at / fn->sriov_stride : 0;
                if (at >= fn->sriov_total)
                        continue;
                *ret_index = at;
                return fn;
        }
        return NULL;
}

static bool same_module(const char *a, const char *b)
{
        for (; *a && *b; a++, b++)
                if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
                        return false;
        return *a == *b;
}

const HostModule *hostview_module(const HostView *v, const char *name)
{
        for (size_t i = 0; i < v->n_modules; i++)
                if (same_module(v->modules[i].name, name))
                        return &v->modules[i];
        return NULL;
}

const HostUnit *hostview_unit(const HostView *v, const char *id)
{
        if (v->display_manager && streq(v->display_manager->id, id))
                return v->display_manager;
        for (size_t i = 0; i < v->n_units; i++)
                if (streq(v->units[i].id, id))
                        return &v->units[i];
        return NULL;
}

/* vfio-pci, pci-stub and the kernel's vfio variants keep a card for guests: nothing of the host's is shown there. */
static bool driver_is_for_guests(const HostView *v, const HostFunction *fn)
{
        char line[PCI_FORMAT_MAX + 64], address[PCI_FORMAT_MAX];

        (void) snprintf(line, sizeof(line), "%s %s", pci_format(&fn->address, address), fn->driver);
        return same_module(fn->driver, "vfio-pci") || same_module(fn->driver, "pci-stub") ||
               strv_contains(v->variant_drivers, line);
}

static bool drives_firmware_framebuffer(const HostView *v, const HostFunction *fn)
{
        for (size_t i = 0; i < v->n_framebuffers; i++)
                if (v->framebuffers[i].has_owner && pci_compare(&v->framebuffers[i].owner, &fn->address) == 0)
                        return true;
        return false;
}

bool hostview_other_display(const HostView *v, const PciAddress *gone, size_t n_gone)
{
        for (size_t i = 0; i < v->n_functions; i++) {
                const HostFunction *fn = &v->functions[i];
                bool given = false;

                for (size_t j = 0; j < n_gone; j++)
                        given = given || pci_compare(&fn->address, &gone[j]) == 0;
                /* a 3D controller (0302) computes, it has no outputs */
                if (given || !function_is_display(fn) || fn->class >> 8 == 0x0302)
                        continue;
                if (fn->driver ? !driver_is_for_guests(v, fn) : drives_firmware_framebuffer(v, fn))
                        return true;
        }
        return false;
}
