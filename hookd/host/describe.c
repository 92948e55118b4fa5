/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/describe.h"

int describe(HostView *v)
{
        int r = describe_names(v);

        return r < 0 ? r : describe_candidates(v);
}
