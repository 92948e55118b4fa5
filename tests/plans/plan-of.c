/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep/sweep.h"

#include "util/fd.h"

#include <fcntl.h>
#include <stdio.h>

/* plan-of TREE PROFILES-DIR PROFILE: what prepare would do there, as the golden plans have it. A refusal is a line
 * "refused: …". */
int main(int argc, char **argv)
{
        _cleanup_(host_freep) Host *h = NULL;
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_(profile_freep) Profile *profile = NULL;
        _cleanup_free_ char *text = NULL;
        Fault f = { 0 };

        if (argc != 4) {
                fprintf(stderr, "usage: plan-of TREE PROFILES-DIR PROFILE\n");
                return 2;
        }
        if (fake_host_new(argv[1], &h, &f) < 0) {
                fprintf(stderr, "plan-of: %s\n", f.text);
                return 2;
        }
        if (combo_plan(h, NULL, argv[2], argv[3], &plan, &profile, &f) < 0) {
                if (!profile) {
                        fprintf(stderr, "plan-of: %s\n", f.text);
                        return 2;
                }
                printf("refused: %s\n", f.text);
                return 0;
        }
        free(plan->profile); /* the path of the checkout is nobody's business */
        plan->profile = strdup(argv[3]);
        text = plan_encode(plan);
        if (!text)
                return 2;
        fputs(text, stdout);
        return fake_violations(h) != NULL;
}
