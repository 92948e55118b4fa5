/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/worker.h"

#include "host/scan.h"
#include "step/step.h"
#include "txn/plan-record.h"
#include "txn/state.h"
#include "util/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define XML_USEC  (10 * USEC_PER_SEC)
#define LOOK_USEC (30 * USEC_PER_SEC)
/* How long a start waits for a card that its last guest is just giving back. */
#define GIVEN_BACK_USEC (60 * USEC_PER_SEC)

/* Vendor and device of each of the guest's PCI devices, for Device= in profiles; 0 where the device is absent. */
static int device_ids(Host *h, const Guest *guest, uint32_t **ret)
{
        uint32_t *ids = calloc(guest->n_devices + 1, sizeof(*ids));

        if (!ids)
                return -ENOMEM;
        for (size_t i = 0; i < guest->n_devices; i++) {
                char bdf[PCI_FORMAT_MAX], path[96];
                uint64_t vendor, device;

                if (guest->devices[i].type != GUEST_DEVICE_PCI)
                        continue;
                pci_format(&guest->devices[i].address, bdf);
                (void) snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vendor", bdf);
                if (host_read_uint(h, path, 16, &vendor) < 0)
                        continue;
                (void) snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/device", bdf);
                if (host_read_uint(h, path, 16, &device) < 0)
                        continue;
                ids[i] = (uint32_t) (vendor << 16 | device);
        }
        *ret = ids;
        return 0;
}

/* 1: *ret is the effective profile; 0: nobody's guest. */
static int choose_profile(Worker *w, const Guest *guest, Profile **ret, Fault *f)
{
        _cleanup_(profile_index_freep) ProfileIndex *index = NULL;
        _cleanup_(profile_freep) Profile *defaults = NULL;
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint32_t *ids = NULL;
        _cleanup_close_ int dir_fd = -1;
        const char *name = NULL;
        int r;

        r = profile_index_load(w->profiles, w->check_owner, &index, f);
        if (r < 0 && guest->n_devices == 0) {
                *f = (Fault){ 0 };
                return 0; /* a guest without devices of the host has nothing to do with it */
        }
        if (r < 0)
                return fault_default(f, r, w->profiles, "cannot read the profiles in %s: %s", w->profiles,
                                     fault_errno(r));
        if (device_ids(w->host, guest, &ids) < 0)
                return fault_set(f, -ENOMEM, guest->name, "out of memory");
        r = profile_index_choose(index, guest, ids, &name, f);
        if (r <= 0)
                return r;
        r = profile_load(AT_FDCWD, w->conf, w->conf, NULL, w->check_owner, &defaults, NULL, f);
        if (r < 0 && r != -ENOENT)
                return r;
        *f = (Fault){ 0 };
        dir_fd = open(w->profiles, O_DIRECTORY | O_CLOEXEC);
        if (dir_fd < 0)
                return fault_set(f, -errno, w->profiles, "cannot open %s: %s", w->profiles, fault_errno(-errno));
        if (asprintf(&path, "%s/%s", w->profiles, name) < 0) {
                path = NULL;
                return fault_set(f, -ENOMEM, guest->name, "out of memory");
        }
        r = profile_load(dir_fd, name, path, defaults, w->check_owner, ret, NULL, f);
        return r < 0 ? r : 1;
}

/* A guest that no profile wants keeps its devices to libvirt: what is left are its scripts, which libvirt has handed to
 * hookd with the hook. */
static int settle_profile(Worker *w, Guest *guest, Profile **ret, Fault *f)
{
        int r = choose_profile(w, guest, ret, f);

        if (r != 0)
                return MIN(r, 0);
        *ret = profile_new();
        if (!*ret)
                return fault_set(f, -ENOMEM, guest->name, "out of memory");
        guest_forget_devices(guest);
        return 0;
}

static bool is_owned(const Profile *p)
{
        return *p->path;
}

static int read_guest(Worker *w, Guest **ret, Fault *f)
{
        _cleanup_free_ char *xml = NULL;
        struct stat st;
        size_t size = 0;
        int r;

        if (w->xml_fd < 0)
                return fault_set(f, -EBADF, w->domain, "the domain XML of %s did not come with the request", w->domain);
        if (fstat(w->xml_fd, &st) < 0 || (!S_ISFIFO(st.st_mode) && !S_ISREG(st.st_mode)))
                return fault_set(f, -EINVAL, w->domain, "the domain XML of %s came in neither a pipe nor a file",
                                 w->domain); /* read() of something else may wait for ever, whatever poll() says */
        r = read_fd_deadline(w->xml_fd, GUEST_XML_MAX, now_usec() + XML_USEC, &xml, &size);
        closep(&w->xml_fd);
        w->xml_fd = -1;
        if (r < 0)
                return fault_set(f, r, w->domain, "cannot read the domain XML of %s: %s", w->domain, fault_errno(r));
        r = guest_parse(xml, size, ret, f);
        free(w->xml);
        w->xml = TAKE_PTR(xml);
        if (r < 0)
                return fault_default(f, r, w->domain, "the domain XML of %s cannot be used: %s", w->domain,
                                     fault_errno(r));
        if (!streq((*ret)->name, w->domain))
                return fault_set(f, -EINVAL, w->domain, "the request is for %s, but the domain XML is that of %s",
                                 w->domain, (*ret)->name);
        return 0;
}

static int look_and_plan(Worker *w, const ScanRequest *request, const Guest *guest, const Profile *p, Plan **ret,
                         Fault *f)
{
        _cleanup_(hostview_freep) HostView *view = NULL;
        int r;

        w->host->deadline = host_now(w->host) + LOOK_USEC;
        r = scan(w->host, request, &view, f);
        if (r < 0)
                return fault_default(f, r, w->domain, "cannot look at the host: %s", fault_errno(r));
        r = w->journals ? claims_mark(w->journals, guest->uuid, view) : 0;
        if (r < 0)
                return fault_set(f, r, w->journals, "cannot read the journals in %s: %s", w->journals, fault_errno(r));
        return planner_plan(p, guest, view, ret, f);
}

static bool is_given_back(Worker *w, const Guest *guest, const ScanRequest *request)
{
        return claims_given_back(w->journals, guest->uuid, request->wanted, request->n_wanted) > 0;
}

/* A card that another guest is just giving back is on its way: drivers, modules and the desktop are not where they will
 * be, and in a reset it is not there at all. That is waited for, and a plan that was made meanwhile is made anew. Where
 * it takes too long the claims decide. */
static int plan_what_is_there(Worker *w, const ScanRequest *request, const Guest *guest, uint64_t begun, Profile *p,
                              Plan **ret, Fault *f)
{
        uint64_t until = begun + MIN(GIVEN_BACK_USEC, p->start_timeout / 2);
        bool again;
        int r;

        do {
                while (host_now(w->host) < until && is_given_back(w, guest, request)) {
                        w->host->deadline = until;
                        r = host_wait(w->host, 0, NULL, 0, 200 * USEC_PER_MSEC);
                        if (r < 0 && r != -ETIMEDOUT)
                                return fault_set(f, r, w->domain, "%s: whoever asked for the start has gone",
                                                 w->domain);
                }
                r = look_and_plan(w, request, guest, p, ret, f);
                again = host_now(w->host) < until && is_given_back(w, guest, request);
                if (again) {
                        *ret = plan_free(*ret);
                        *f = (Fault){ 0 };
                }
        } while (again);
        /* the caller was promised one time for this and what follows */
        p->start_timeout -= MIN(host_now(w->host) - begun, p->start_timeout / 2);
        return r;
}

static int absent_devices(Worker *w, const Guest *guest, PciAddress *ret, size_t *ret_n)
{
        _cleanup_free_ uint32_t *ids = NULL;
        int r = device_ids(w->host, guest, &ids);

        *ret_n = 0;
        for (size_t i = 0; r >= 0 && i < guest->n_devices; i++)
                if (guest->devices[i].type == GUEST_DEVICE_PCI && ids[i] == 0)
                        ret[(*ret_n)++] = guest->devices[i].address;
        return r;
}

/* What is not there has no vendor and device by which a profile could be found. A card that is just being reset after
 * another guest is waited for; with one that has not come back from that the start is refused. */
static int wait_for_devices(Worker *w, const Guest *guest, uint64_t begun, Fault *f)
{
        _cleanup_free_ PciAddress *absent = calloc(guest->n_devices + 1, sizeof(*absent));
        size_t n;
        int r;

        if (!absent)
                return fault_set(f, -ENOMEM, w->domain, "out of memory");
        for (;;) {
                r = absent_devices(w, guest, absent, &n);
                if (r < 0 || n == 0)
                        return r;
                if (!streq(w->verb, "prepare") || host_now(w->host) >= begun + GIVEN_BACK_USEC ||
                    claims_given_back(w->journals, guest->uuid, absent, n) <= 0)
                        return claims_stuck(w->journals, guest->uuid, absent, n, f);
                w->host->deadline = begun + GIVEN_BACK_USEC;
                r = host_wait(w->host, 0, NULL, 0, 200 * USEC_PER_MSEC);
                if (r < 0 && r != -ETIMEDOUT)
                        return fault_set(f, r, w->domain, "%s: whoever asked for the start has gone", w->domain);
        }
}

int worker_plan(Worker *w, Guest **ret_guest, Profile **ret_profile, Plan **ret_plan, Fault *f)
{
        _cleanup_free_ PciAddress *wanted = NULL;
        _cleanup_strv_ char **units = NULL;
        ScanRequest request = { 0 };
        uint64_t begun;
        Profile *p;
        int r;

        r = read_guest(w, ret_guest, f);
        if (r < 0)
                return r;
        begun = host_now(w->host);
        r = w->journals ? wait_for_devices(w, *ret_guest, begun, f) : 0;
        if (r < 0)
                return fault_default(f, r, w->domain, "cannot tell where the devices of %s are: %s", w->domain,
                                     fault_errno(r));
        r = settle_profile(w, *ret_guest, ret_profile, f);
        if (r < 0)
                return r;
        p = *ret_profile;
        wanted = calloc((*ret_guest)->n_devices + p->n_functions + 1, sizeof(*wanted));
        units = strv_copy(p->stop_units);
        for (size_t i = 0; step_known_units[i] && wanted; i++)
                if (strv_append(&units, step_known_units[i]) < 0)
                        return fault_set(f, -ENOMEM, w->domain, "out of memory");
        if (!wanted || (p->stop_units && !units))
                return fault_set(f, -ENOMEM, w->domain, "out of memory");
        for (size_t i = 0; p->functions_auto && i < (*ret_guest)->n_devices; i++)
                if ((*ret_guest)->devices[i].type == GUEST_DEVICE_PCI)
                        wanted[request.n_wanted++] = (*ret_guest)->devices[i].address;
        for (size_t i = 0; !p->functions_auto && i < p->n_functions; i++)
                wanted[request.n_wanted++] = p->functions[i];
        request.wanted = wanted;
        request.units = units;
        request.dm_unit = p->dm_unit;
        request.mdev_types = p->mdev_type != NULL;
        request.bars = p->n_bars > 0;
        request.domain = p->script_folders ? (*ret_guest)->name : NULL;
        request.no_services = !is_owned(p);
        /* Before a look at the host: that may wait for what is stuck with the card. */
        r = w->journals ? claims_stuck(w->journals, (*ret_guest)->uuid, wanted, request.n_wanted, f) : 0;
        if (r < 0)
                return fault_default(f, r, w->journals, "cannot read the journals in %s: %s", w->journals,
                                     fault_errno(r));
        if (w->journals && streq(w->verb, "prepare"))
                r = plan_what_is_there(w, &request, *ret_guest, begun, p, ret_plan, f);
        else
                r = look_and_plan(w, &request, *ret_guest, p, ret_plan, f);
        if (r >= 0 && !is_owned(p) && (*ret_plan)->n_actions == 0) {
                *ret_plan = plan_free(*ret_plan);
                return 0;
        }
        return r < 0 ? r : 1;
}

int worker_plan_event(Worker *w, Plan **ret_plan, Fault *f)
{
        _cleanup_(guest_freep) Guest *guest = NULL;
        _cleanup_(profile_freep) Profile *profile = NULL;
        _cleanup_(hostview_freep) HostView *view = NULL;
        ScanRequest request = { .no_services = true };
        int r;

        r = read_guest(w, &guest, f);
        if (r >= 0)
                r = settle_profile(w, guest, &profile, f);
        if (r < 0)
                return r;
        request.domain = profile->script_folders ? guest->name : NULL;
        w->host->deadline = host_now(w->host) + LOOK_USEC;
        r = scan(w->host, &request, &view, f);
        if (r < 0)
                return fault_default(f, r, w->domain, "cannot look at the host: %s", fault_errno(r));
        return planner_event(profile, guest, view, hook_op_parse(w->event), ret_plan, f);
}

static void say_action(Worker *w, const Action *a)
{
        const Step *step = step_find(a->step);
        const char *state, *why = a->why;
        _cleanup_free_ char *now = NULL;
        Fault unseen = { 0 };
        RecordLine line;

        if (a->flags & ACTION_GATE)
                state = "gate";
        else if (a->flags & ACTION_BACK)
                state = "later";
        else if (!step->observe)
                state = "deed";
        else {
                engine_deadline(w->host, 5 * USEC_PER_SEC, UINT64_MAX);
                if (step->observe(w->host, a, &now, &unseen) < 0) {
                        state = "unknown";
                        why = unseen.text;
                } else
                        state = engine_satisfied(a, now, a->after) ? "already" : "change";
        }
        plan_record_action(&line, a, state, now, a->after, why);
        worker_say(w, line.text);
}

/* The plan is for the host as it is: with the card where the guest has it there is not much to do. */
static void say_if_held(Worker *w, const Guest *guest)
{
        Journal **list = NULL;
        RecordLine line;
        char text[1024];
        size_t n = 0;

        if (!w->journals || journal_list(w->journals, &list, &n, NULL) < 0)
                return;
        for (size_t i = 0; i < n; i++)
                if (list[i]->plan && streq(list[i]->plan->uuid, guest->uuid)) {
                        (void) snprintf(
                                text, sizeof(text),
                                "%s has devices of this host already (%s), so this is what would be left to do; "
                                "`hookctl plan --event=release %s` shows what goes back when it ends",
                                w->domain, txn_state_name(txn_state(list[i])), w->domain);
                        plan_record_warning(&line, text);
                        worker_say(w, line.text);
                }
        journal_list_free(list, n);
}

int worker_show_plan(Worker *w, Fault *f)
{
        _cleanup_(guest_freep) Guest *guest = NULL;
        _cleanup_(profile_freep) Profile *profile = NULL;
        _cleanup_(plan_freep) Plan *plan = NULL;
        RecordLine line;
        int r;

        r = worker_plan(w, &guest, &profile, &plan, f);
        if (r < 0)
                return r;
        if (r == 0) {
                plan_record(&line, w->domain, "prepare", NULL,
                            "no profile in %s is for this guest; hookd leaves it alone", w->profiles);
                worker_say(w, line.text);
                return 0;
        }
        if (is_owned(profile))
                plan_record(&line, w->domain, "prepare", profile->path, "a start would do this, by %s", profile->path);
        else
                plan_record(&line, w->domain, "prepare", NULL,
                            "a start would do this, by its scripts; no profile is for this guest");
        worker_say(w, line.text);
        for (size_t i = 0; i < plan->n_actions; i++)
                say_action(w, &plan->actions[i]);
        STRV_FOREACH (warning, plan->warnings) {
                plan_record_warning(&line, *warning);
                worker_say(w, line.text);
        }
        say_if_held(w, guest);
        return 0;
}
