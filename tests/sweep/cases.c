/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep.h"

#include <stdio.h>

/* Which cases there are. */

/* Reads outnumber effects by far, and between two of them neither host nor journal moves: of what fails at a read,
 * every so manieth says as much as all. The profiles beside the empty one walk the same code, so there the effects are
 * enough. */
static bool worth(const Combo *c, unsigned at, const char *kind)
{
        bool effect = c->ops[at].effect, after_effect = at > 1 && c->ops[at - 1].effect;
        bool main = endswith(c->name, ".empty");

        if (streq(kind, "crash-before"))
                return effect || after_effect || (main && at % 4 == 0);
        if (streq(kind, "EIO"))
                return effect || (main && at % 2 == 0);
        if (streq(kind, "cancel"))
                return effect || (main && at % 8 == 0);
        if (streq(kind, "lie") || streq(kind, "hang") || streq(kind, "slow"))
                return effect;
        return main && (effect || at % 16 == 0);
}

/* What cannot be, or says nothing. */
static bool possible(const Combo *c, unsigned at, const char *kind)
{
        static const char *const effects[] = { "crash-after", "lie", "late", "slow", "EBUSY", "EAGAIN" };
        const OpInfo *op = &c->ops[at];

        if (streq(op->op, "wait") || streq(op->op, "exists"))
                return streq(kind, "crash-before") || (streq(kind, "cancel") && at <= c->n_prepare);
        if (streq(op->op, "script") && streq(kind, "slow"))
                return false; /* it is ended at its deadline, and what it does is nobody's to put back */
        for (unsigned i = 0; i < ARRAY_SIZE(effects); i++)
                if (streq(kind, effects[i]))
                        return op->effect;
        return !(streq(kind, "hang") && !op->hand) && !(streq(kind, "cancel") && at > c->n_prepare);
}

bool case_next(const Combo *c, bool full, unsigned *i, Case *ret)
{
        static const char *const kinds[] = { "crash-before", "crash-after", "recrash", "EIO",  "ENODEV",
                                             "EBUSY",        "EAGAIN",      "lie",     "hang", "late",
                                             "slow",         "cancel",      "double" };
        static const char *const once[] = { "clean", "kept-guest", "kept-owner", "kept-dying" };

        for (;;) {
                unsigned n = (*i)++, at;
                const char *kind;

                *ret = (Case){ 0 };
                if (n < c->n_plan) {
                        ret->at = n + 1;
                        (void) snprintf(ret->kind, sizeof(ret->kind), "plan");
                        if (full || (endswith(c->name, ".empty") && n % 3 == 0))
                                return true;
                        continue;
                }
                n -= c->n_plan;
                if (c->refusal || c->plan->n_actions == 0) /* the worker makes no transaction of nothing */
                        return false;
                if (n < ARRAY_SIZE(once)) {
                        (void) snprintf(ret->kind, sizeof(ret->kind), "%s", once[n]);
                        return true;
                }
                n -= (unsigned) ARRAY_SIZE(once);
                at = n / (unsigned) ARRAY_SIZE(kinds) + 1;
                kind = kinds[n % ARRAY_SIZE(kinds)];
                if (at > c->n_total)
                        return false;
                if (!possible(c, at, kind) || (!full && !worth(c, at, kind)))
                        continue;
                ret->at = at;
                (void) snprintf(ret->kind, sizeof(ret->kind), "%s", kind);
                return true;
        }
}
