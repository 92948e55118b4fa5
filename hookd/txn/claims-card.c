/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/txn.h"

#include "step/step-util.h"

/* What the journals of other guests say of a card, before anybody looks at it: a look may not return. */

static bool is_virtual(const Plan *p, const char *bdf)
{
        for (size_t i = 0; i < p->n_actions; i++) {
                _cleanup_strv_ char **list = NULL;

                /* of the physical one, which the guests of its functions share */
                if (p->actions[i].flags & ACTION_SHARED && param_list(&p->actions[i], "functions", &list) >= 0 &&
                    strv_contains(list, bdf))
                        return true;
        }
        return false;
}

/* Functions of one slot are one card; virtual ones, whose numbers mean nothing, are a card each. */
static bool has_slot(const Plan *p, const PciAddress *functions, size_t n)
{
        STRV_FOREACH (bdf, p->functions) {
                bool alone = is_virtual(p, *bdf);
                PciAddress a;

                for (size_t i = 0; i < n && pci_parse(*bdf, &a) >= 0; i++)
                        if (alone ? pci_compare(&a, &functions[i]) == 0 : pci_same_slot(&a, &functions[i]))
                                return true;
        }
        return false;
}

int claims_given_back(const char *root, const char *uuid, const PciAddress *functions, size_t n)
{
        Journal **list = NULL;
        size_t n_list = 0;
        int r, found = 0;

        r = journal_list(root, &list, &n_list, NULL);
        for (size_t i = 0; i < n_list && !found; i++)
                found = list[i]->plan && !streq(list[i]->plan->uuid, uuid) && txn_state(list[i]) == TXN_REVERTING &&
                        has_slot(list[i]->plan, functions, n) && journal_locked(list[i]);
        journal_list_free(list, n_list);
        return r < 0 ? r : found;
}

/* What has not worked on the way back that nobody is at any more; NULL: nothing. */
static const char *failure_of(const Journal *j)
{
        const char *text = NULL;

        for (size_t i = 0; i < j->n_lines; i++)
                if (j->lines[i].word == LOG_WORD_REVERT)
                        text = NULL;
                else if (j->lines[i].word == LOG_WORD_UNDO_FAIL && !text)
                        text = j->lines[i].text;
        return txn_state(j) == TXN_REVERTING && !journal_locked(j) ? text : NULL;
}

int claims_stuck(const char *root, const char *uuid, const PciAddress *functions, size_t n, Fault *f)
{
        Journal **list = NULL;
        size_t n_list = 0;
        int r;

        r = journal_list(root, &list, &n_list, NULL);
        for (size_t i = 0; i < n_list && r >= 0; i++) {
                const Plan *p = list[i]->plan;
                const char *text = NULL, *failure;
                uint64_t since;

                if (!p || streq(p->uuid, uuid) || !has_slot(p, functions, n))
                        continue;
                since = txn_since(list[i], &text);
                if (txn_state(list[i]) == TXN_STUCK)
                        r = txn_refuse_stuck(p->functions[0], p->domain, since, text, f);
                else if ((failure = failure_of(list[i])))
                        r = fault_set(
                                f, -EBUSY, p->functions[0],
                                "%s is stuck, it was not given back completely by the guest %s: %.900s. hookd tries "
                                "again by itself; `hookctl release %s` does it at once",
                                p->functions[0], p->domain, failure, p->domain);
        }
        journal_list_free(list, n_list);
        return r;
}
