/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"

/* Virtual functions: drivers/pci/iov.c. They are in the tree text from the start, and on the bus when there are so
 * many.
 */

static bool group_open(Fake *k, int group)
{
        char path[32];

        snprintf(path, sizeof(path), "/dev/vfio/%d", group);
        FOREACH(Holder, x, k->s.holders, k->s.n_holders)
        if (group != NO && word_in(x->nodes, path))
                return true;
        return false;
}

bool sriov_waits(Fake *k, const Function *pf)
{
        FOREACH(const Function, vf, k->s.functions, k->s.n_functions)
        if (vf->present && streq(vf->physfn, pf->bdf) &&
            (vf->locked || group_open(k, vf->group) || pci_unbind_waits(k, vf)))
                return true;
        return false;
}

static int drop_all(Fake *k, Function *pf)
{
        if (sriov_waits(k, pf))
                return HANGS;
        FOREACH(Function, vf, k->s.functions, k->s.n_functions)
        if (vf->present && streq(vf->physfn, pf->bdf))
                (void) function_remove(k, vf);
        pf->vfs = 0;
        return 0;
}

static void add_some(Fake *k, Function *pf, unsigned n)
{
        unsigned i = 0;

        pf->vfs = (int) n;
        FOREACH(Function, vf, k->s.functions, k->s.n_functions)
        {
                if (!streq(vf->physfn, pf->bdf) || i++ >= n)
                        continue;
                vf->present = true;
                snprintf(vf->power_state, sizeof(vf->power_state), "D0");
                text_set(vf->control, vf->control_boot);
                if (pf->autoprobe)
                        (void) pci_probe(k, vf);
                module_autoload(k, vf);
                fake_uevent(k);
        }
}

static int store_numvfs(Fake *k, const Node *n, const char *value)
{
        Function *pf = n->function;
        uint64_t wanted;

        if (parse_uint(value, UINT16_MAX, &wanted) < 0)
                return -EINVAL;
        if ((int) wanted > pf->sriov)
                return -ERANGE;
        if (pf->locked)
                return HANGS;
        if ((int) wanted == pf->vfs)
                return 0;
        if (!pf->driver[0])
                return -ENOENT;
        if (wanted > 0 && pf->vfs > 0)
                return -EBUSY;
        k->dirty = true;
        if (wanted == 0)
                return drop_all(k, pf);
        add_some(k, pf, (unsigned) wanted);
        return 0;
}

void render_sriov_files(Fake *k, Function *fn, Node *dir)
{
        Node *n;

        if (fn->sriov == 0)
                return;
        add_file(k, dir, "sriov_totalvfs", "%d\n", fn->sriov);
        add_file(k, dir, "sriov_offset", "%d\n", fn->sriov_offset);
        add_file(k, dir, "sriov_stride", "%d\n", fn->sriov_stride);
        add_file(k, dir, "sriov_drivers_autoprobe", "%d\n", fn->autoprobe);
        n = add_store(k, dir, "sriov_numvfs", store_numvfs, fn, NULL, files_string(k, "%d\n", fn->vfs));
        n->risky = n->locks = true; /* it is read under the lock as well */
}

/* Links between the two, which have to be there before anybody looks into either. */
void render_sriov_links(Fake *k)
{
        FOREACH(Function, pf, k->s.functions, k->s.n_functions)
        {
                unsigned i = 0;

                if (!pf->present || pf->sriov == 0)
                        continue;
                FOREACH(Function, vf, k->s.functions, k->s.n_functions)
                {
                        if (!streq(vf->physfn, pf->bdf))
                                continue;
                        if (vf->present) {
                                add_link(k, function_dir(k, pf), files_string(k, "virtfn%u", i), function_dir(k, vf));
                                add_link(k, function_dir(k, vf), "physfn", function_dir(k, pf));
                        }
                        i++;
                }
        }
}
