/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/step.h"

/* In forward order; rank.h has the numbers, test-step-table compares. */
static const Step *const table[] = {
        &step_scripts,
        &step_display_manager,
        &step_services,
        &step_sessions,
        &step_holders,
        &step_power,
        &step_backlight,
        &step_vtconsole,
        &step_virtual_functions,
        &step_override,
        &step_module,
        &step_mediated_device,
        &step_framebuffer,
        &step_driver,
        &step_bar,
        &step_reset,
        &step_settle,
        &step_connectors,
        NULL,
};

const Step *const *step_table(void)
{
        return table;
}

const Step *step_find(const char *name)
{
        for (const Step *const *s = table; *s; s++)
                if (streq((*s)->name, name))
                        return *s;
        return NULL;
}
