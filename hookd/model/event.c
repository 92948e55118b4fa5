/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/event.h"

/* libvirt's own words and the sub-operation each comes with. */
static const struct {
        const char *op, *subop, *label;
} words[] = {
        [HOOK_PREPARE] = { "prepare", "begin", "prepare/begin" },
        [HOOK_START] = { "start", "begin", "start/begin" },
        [HOOK_STARTED] = { "started", "begin", "started/begin" },
        [HOOK_STOPPED] = { "stopped", "end", "stopped/end" },
        [HOOK_RELEASE] = { "release", "end", "release/end" },
        [HOOK_MIGRATE] = { "migrate", "begin", "migrate/begin" },
        [HOOK_RESTORE] = { "restore", "begin", "restore/begin" },
        [HOOK_RECONNECT] = { "reconnect", "begin", "reconnect/begin" },
        [HOOK_ATTACH] = { "attach", "begin", "attach/begin" },
};

static HookOp op_from(const char *op, const char *subop)
{
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (streq(words[i].op, op) && streq(words[i].subop, subop))
                        return (HookOp) i;
        return HOOK_UNKNOWN;
}

int event_parse(const char *const *args, unsigned count, Event *ret)
{
        const char *words_given[3] = { "-", "-", "-" };

        if (count == 0 || args[0][0] == '\0')
                return -EINVAL;
        for (unsigned i = 1; i < count && i <= ARRAY_SIZE(words_given); i++)
                words_given[i - 1] = args[i];
        *ret = (Event){
                .domain = args[0],
                .op = count == 4 ? op_from(words_given[0], words_given[1]) : HOOK_UNKNOWN,
                .op_name = words_given[0],
                .subop = words_given[1],
                .extra = words_given[2],
        };
        return 0;
}

const char *hook_op_name(HookOp op)
{
        return (size_t) op < ARRAY_SIZE(words) ? words[op].op : "unknown";
}

const char *hook_op_label(HookOp op)
{
        return (size_t) op < ARRAY_SIZE(words) ? words[op].label : "unknown";
}

HookOp hook_op_parse(const char *label)
{
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (streq(words[i].label, label))
                        return (HookOp) i;
        return HOOK_UNKNOWN;
}

bool hook_op_may_refuse(HookOp op)
{
        return op == HOOK_PREPARE || op == HOOK_START || op == HOOK_MIGRATE || op == HOOK_RESTORE;
}
