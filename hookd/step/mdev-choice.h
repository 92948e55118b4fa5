/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "step/step-util.h"

/* Which mediated devices the guest gets, and who could make them, from what profile, domain and view say. Pure. */

/* Their UUIDs in lower case: the profile's, else the domain's. Appended to *ret. 0 or -ENOMEM. */
int mdev_wanted(const PlanInput *in, char ***ret);
/* Parent= as sysfs names it; NULL: auto. buf has 64 bytes. */
const char *mdev_parent(const PlanInput *in, char buf[64]);
/* Does anybody (Parent=, or whoever) offer the profile's type? */
bool mdev_offered(const PlanInput *in);
/* Who can make one of that type, with those that are in the plan already counted; NULL: nobody. */
const HostMdevType *mdev_maker(const PlanInput *in, const Plan *plan);
/* The module of the type's driver: a type is called after the driver of its parent (mdev_type_add()). Writes into buf,
 * which has 64 bytes, and returns it. */
const char *mdev_module(const char *type, char buf[64]);
/* Has that to be loaded first? Its name in buf then. */
bool mdev_needs_module(const PlanInput *in, char buf[64]);
