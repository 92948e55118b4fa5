/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include "model/event.h"

static HookOp op_of(const char *op, const char *subop)
{
        const char *args[] = { "vm1", op, subop, "-" };
        Event e;

        assert_ok(event_parse(args, 4, &e));
        return e.op;
}

TEST(every_operation_of_libvirt)
{
        assert_int_eq(op_of("prepare", "begin"), HOOK_PREPARE);
        assert_int_eq(op_of("start", "begin"), HOOK_START);
        assert_int_eq(op_of("started", "begin"), HOOK_STARTED);
        assert_int_eq(op_of("stopped", "end"), HOOK_STOPPED);
        assert_int_eq(op_of("release", "end"), HOOK_RELEASE);
        assert_int_eq(op_of("migrate", "begin"), HOOK_MIGRATE);
        assert_int_eq(op_of("restore", "begin"), HOOK_RESTORE);
        assert_int_eq(op_of("reconnect", "begin"), HOOK_RECONNECT);
        assert_int_eq(op_of("attach", "begin"), HOOK_ATTACH);
        for (int op = HOOK_PREPARE; op < HOOK_UNKNOWN; op++)
                assert_int_eq(op_of(hook_op_name(op), op == HOOK_STOPPED || op == HOOK_RELEASE ? "end" : "begin"), op);
        assert_str_eq(hook_op_name(HOOK_UNKNOWN), "unknown");
}

TEST(labels)
{
        for (HookOp op = HOOK_PREPARE; op < HOOK_UNKNOWN; op++)
                assert_int_eq(hook_op_parse(hook_op_label(op)), op);
        assert_str_eq(hook_op_label(HOOK_RELEASE), "release/end");
        assert_str_eq(hook_op_label(HOOK_UNKNOWN), "unknown");
        assert_int_eq(hook_op_parse("release/begin"), HOOK_UNKNOWN);
        assert_int_eq(hook_op_parse("release"), HOOK_UNKNOWN);
}

TEST(unknown_words_are_unknown)
{
        assert_int_eq(op_of("prepare", "end"), HOOK_UNKNOWN);
        assert_int_eq(op_of("stopped", "begin"), HOOK_UNKNOWN);
        assert_int_eq(op_of("Prepare", "begin"), HOOK_UNKNOWN);
        assert_int_eq(op_of("prepare ", "begin"), HOOK_UNKNOWN);
        assert_int_eq(op_of("", ""), HOOK_UNKNOWN);
        assert_int_eq(op_of("unknown", "begin"), HOOK_UNKNOWN);
}

TEST(words_are_kept_as_given)
{
        const char *args[] = { "-rf ..", "release", "end", "from snapshot" };
        Event e;

        assert_ok(event_parse(args, 4, &e));
        assert_int_eq(e.op, HOOK_RELEASE);
        assert_true(e.domain == args[0]);
        assert_str_eq(e.op_name, "release");
        assert_str_eq(e.subop, "end");
        assert_str_eq(e.extra, "from snapshot");
}

TEST(another_count_is_unknown)
{
        const char *args[] = { "vm1", "prepare", "begin", "-", "more", "more" };
        Event e;

        for (unsigned n = 1; n <= ARRAY_SIZE(args); n++) {
                assert_ok(event_parse(args, n, &e));
                assert_int_eq(e.op, n == 4 ? HOOK_PREPARE : HOOK_UNKNOWN);
                assert_str_eq(e.op_name, n > 1 ? "prepare" : "-");
                assert_str_eq(e.subop, n > 2 ? "begin" : "-");
                assert_str_eq(e.extra, "-");
        }
}

TEST(no_domain)
{
        const char *args[] = { "", "prepare", "begin", "-" };
        Event e;

        assert_int_eq(event_parse(args, 4, &e), -EINVAL);
        assert_int_eq(event_parse(args, 0, &e), -EINVAL);
}

TEST(what_may_be_refused)
{
        for (HookOp op = HOOK_PREPARE; op <= HOOK_UNKNOWN; op++)
                assert_int_eq(hook_op_may_refuse(op),
                              op == HOOK_PREPARE || op == HOOK_START || op == HOOK_MIGRATE || op == HOOK_RESTORE);
        assert_false(hook_op_may_refuse(hook_op_parse("started/begin")));
}

TEST_MAIN
