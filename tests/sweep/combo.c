/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep.h"

#include "txn/worker.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

#define UUID "73116f6f-f817-425f-bd60-4f93db371c39"

/* The domain XML that libvirt would feed to prepare, cut down; the domain is named as the profile, so that it is its.
 */
static int xml_fd(const char *domain, char *const *functions)
{
        _cleanup_close_ int fd = memfd_create("xml", MFD_CLOEXEC);
        int r;

        if (fd < 0)
                return -errno;
        r = dprintf(fd, "<domain type='kvm' id='1'><name>%s</name><uuid>" UUID "</uuid><devices>", domain);
        STRV_FOREACH (bdf, functions) {
                PciAddress a;

                if (uuid_valid(*bdf)) {
                        r = dprintf(fd,
                                    "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>"
                                    "<address uuid='%s'/></source></hostdev>",
                                    *bdf);
                        continue;
                }
                if (pci_parse(*bdf, &a) < 0)
                        return -EINVAL;
                r = dprintf(fd,
                            "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x%04x' "
                            "bus='0x%02x' slot='0x%02x' function='0x%x'/></source></hostdev>",
                            a.domain, a.bus, a.slot, a.function);
        }
        if (r < 0 || dprintf(fd, "</devices></domain>") < 0 || lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int combo_plan(Host *h, char *const *guest_functions, const char *profiles_dir, const char *profile, Plan **ret,
               Profile **ret_profile, Fault *f)
{
        _cleanup_(guest_freep) Guest *guest = NULL;
        _cleanup_strv_ char **functions = guest_functions ? strv_copy(guest_functions) : NULL;
        Worker w = {
                .verb = "prepare",
                .domain = profile,
                .event = "prepare/begin",
                .root = "/",
                .profiles = profiles_dir,
                .conf = "/nonexistent/hookd.conf",
                .client_fd = -1,
                .host = h,
        };
        int r;

        if (!functions && fake_host_guest(h, &functions) < 0)
                return -ENOMEM;
        w.xml_fd = xml_fd(profile, functions);
        if (w.xml_fd < 0)
                return fault_set(f, w.xml_fd, profile, "cannot make the XML");
        r = worker_plan(&w, &guest, ret_profile, ret, f);
        free(w.xml);
        return r == 0 ? fault_set(f, -ENOENT, profile, "no profile %s in %s", profile, profiles_dir) : r;
}

Combo *combo_free(Combo *c)
{
        if (!c)
                return NULL;
        host_free(c->h);
        plan_free(c->plan);
        free(c->before);
        free(c->summary);
        free(c->refusal);
        free(c->plan_text);
        free(c->ops);
        free(c);
        return NULL;
}

int combo_new(const char *tree_path, const char *profiles_dir, const char *profile, Combo **ret, Fault *f)
{
        _cleanup_(combo_freep) Combo *c = calloc(1, sizeof(*c));
        _cleanup_(profile_freep) Profile *p = NULL;
        const char *base = strrchr(tree_path, '/');
        int r;

        if (!c)
                return fault_set(f, -ENOMEM, tree_path, "out of memory");
        base = base ? base + 1 : tree_path;
        (void) snprintf(c->name, sizeof(c->name), "%.*s.%s", (int) strcspn(base, "."), base, profile);
        r = fake_host_new(tree_path, &c->h, f);
        if (r < 0)
                return r;
        c->before = malloc(fake_state_size());
        c->summary = fake_host_summary(c->h);
        if (!c->before || !c->summary)
                return fault_set(f, -ENOMEM, tree_path, "out of memory");
        r = combo_plan(c->h, NULL, profiles_dir, profile, &c->plan, &p, f);
        if (fake_violations(c->h))
                return fault_set(f, -EPROTO, tree_path, "scan: %s", fake_violations(c->h));
        if (r < 0 && !p)
                return r;
        fake_state_get(c->h, c->before);
        c->n_plan = fake_ops(c->h);
        if (r < 0) {
                c->refusal = strdup(f->text);
                *f = (Fault){ 0 };
        } else {
                c->plan_text = plan_encode(c->plan);
        }
        c->profiles_dir = profiles_dir;
        c->forward = p->start_timeout;
        c->rollback = p->rollback_timeout;
        c->back = p->stop_timeout;
        *ret = TAKE_PTR(c);
        return 0;
}

int combo_again(Combo *c, Fault *f)
{
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_(profile_freep) Profile *p = NULL;
        _cleanup_free_ char *summary = NULL, *text = NULL;
        int r;

        fake_reset(c->h);
        c->failed[0] = '\0';
        summary = fake_host_summary(c->h);
        r = combo_plan(c->h, NULL, c->profiles_dir, strchr(c->name, '.') + 1, &plan, &p, f);
        if (r < 0)
                return r;
        text = plan_encode(plan);
        if (!summary || !text)
                return fault_set(f, -ENOMEM, c->name, "out of memory");
        fake_reset(c->h);
        free(c->summary);
        free(c->plan_text);
        plan_free(c->plan);
        c->summary = TAKE_PTR(summary);
        c->plan_text = TAKE_PTR(text);
        c->plan = TAKE_PTR(plan);
        return 0;
}
