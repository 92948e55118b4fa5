/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step/rank.h"
#include "step/step-util.h"

#include <stdio.h>

/* The administrator's own scripts. Those for prepare run before anything else, those for release after everything else,
 * also when a failed start is rolled back: one deed there and one back, of which the journal knows how far it came.
 * Those for the events in between are called by the worker, one by one. Values: the event, "prepare/begin". */

#define SLACK_USEC (30 * USEC_PER_SEC) /* systemd's part in starting and ending each */

static int refuse_distrusted(const PlanInput *in, const HostScript *s, Fault *f)
{
        return fault_set(
                f, -EPERM, s->path,
                "the script %s of guest %s is not run as root: %s; chown it to root and chmod go-w it, or take "
                "it away",
                s->path, in->guest->name, s->distrust);
}

static int add_command(Action *a, HookOp event, size_t *n, const char *kind, const char *command)
{
        _cleanup_free_ char *value = NULL;
        char key[48];

        (void) snprintf(key, sizeof(key), "%s.%zu", hook_op_label(event), (*n)++);
        if (asprintf(&value, "%s %s", kind, command) < 0) {
                value = NULL;
                return -ENOMEM;
        }
        return action_param_add(a, key, value);
}

/* The commands of one event, in the order in which they run. */
static int add_event(const PlanInput *in, Action *a, HookOp event, Fault *f)
{
        uint64_t usec, ms;
        size_t n = 0;
        int r = 0;

        if (in->profile->exec[event]) {
                _cleanup_free_ char *command = strv_join(in->profile->exec[event], " ");

                r = command ? add_command(a, event, &n, "exec", command) : -ENOMEM;
        }
        for (size_t i = 0; i < in->view->n_scripts && in->profile->script_folders && r >= 0; i++) {
                const HostScript *s = &in->view->scripts[i];

                if (s->event != event)
                        continue;
                if (s->distrust)
                        return refuse_distrusted(in, s, f);
                r = add_command(a, event, &n, "file", s->path);
        }
        usec = n * (in->profile->scripts_timeout + SLACK_USEC);
        ms = MIN(usec / USEC_PER_MSEC, UINT32_MAX);
        a->timeout_ms = MAX(a->timeout_ms, (uint32_t) ms);
        return r;
}

static bool has_any(const PlanInput *in, HookOp event)
{
        if (in->profile->exec[event])
                return true;
        for (size_t i = 0; i < in->view->n_scripts && in->profile->script_folders; i++)
                if (in->view->scripts[i].event == event)
                        return true;
        return false;
}

static Action *append(const PlanInput *in, HookOp event, Plan *plan)
{
        char timeout[24];
        Action *a;

        (void) snprintf(timeout, sizeof(timeout), "%llu", (unsigned long long) in->profile->scripts_timeout);
        a = step_append(plan, "scripts", in->guest->name, hook_op_label(event), ACTION_ONE_WAY, 0,
                        event == HOOK_PREPARE ? "release/end when it is over; what they do is theirs to undo"
                                              : "what they do is theirs to undo");
        return a && action_param_add(a, "timeout", timeout) >= 0 ? a : NULL;
}

static int scripts_plan(const PlanInput *in, Plan *plan, Fault *f)
{
        bool any = false;
        Action *a;
        int r;

        for (HookOp event = HOOK_PREPARE; event < HOOK_ATTACH; event++) {
                if (!has_any(in, event))
                        continue;
                any = true;
                if (event == HOOK_PREPARE || event == HOOK_RELEASE)
                        continue;
                if (strv_append(&plan->events, hook_op_label(event)) < 0)
                        return -ENOMEM;
        }
        /* what would be refused later is refused before anything was done */
        for (size_t i = 0; i < in->view->n_scripts && in->profile->script_folders; i++)
                if (in->view->scripts[i].distrust)
                        return refuse_distrusted(in, &in->view->scripts[i], f);
        if (!any)
                return 0;
        a = append(in, HOOK_PREPARE, plan);
        if (!a || action_set(&a->before, "%s", hook_op_label(HOOK_RELEASE)) < 0)
                return -ENOMEM;
        r = add_event(in, a, HOOK_PREPARE, f);
        return r < 0 ? r : add_event(in, a, HOOK_RELEASE, f);
}

static int scripts_event(const PlanInput *in, HookOp event, Plan *plan, Fault *f)
{
        Action *a;

        if (!has_any(in, event))
                return 0;
        a = append(in, event, plan);
        return a ? add_event(in, a, event, f) : -ENOMEM;
}

static int make_argv(const Action *a, const char *event, const char *command, char ***ret)
{
        _cleanup_strv_ char **argv = NULL;
        size_t n = strcspn(event, "/");
        char op[32];
        int r;

        if (startswith(command, "exec "))
                return strv_split(command + strlen("exec "), ret);
        (void) snprintf(op, sizeof(op), "%.*s", (int) n, event);
        if ((r = strv_append(&argv, command + strlen("file "))) < 0 || (r = strv_append(&argv, a->target)) < 0 ||
            (r = strv_append(&argv, op)) < 0 || (r = strv_append(&argv, event[n] ? event + n + 1 : "-")) < 0 ||
            (r = strv_append(&argv, "-")) < 0)
                return r;
        *ret = TAKE_PTR(argv);
        return 0;
}

/* It may have been exchanged since the plan. */
static int check_trust(Host *h, const char *path, Fault *f)
{
        FileLook look;
        int r = host_look(h, path, &look);

        if (r < 0)
                return fault_set(f, r, path, "cannot look at the script %s: %s", path, fault_errno(r));
        if (*look.distrust)
                return fault_set(f, -EPERM, path, "the script %s is not run as root: %s", path, look.distrust);
        if (!look.executable)
                return fault_set(f, -EACCES, path, "the script %s is not executable, or empty", path);
        return 0;
}

static int explain(int r, const ScriptResult *how, const ScriptCall *call, Fault *f)
{
        const char *path = call->argv[0];

        if (r == -ECANCELED)
                return fault_set(f, r, path, "the script %s was ended: whoever asked for the start has gone", path);
        if (r == -ETIMEDOUT || (r == -EREMOTEIO && streq(how->how, "timeout")))
                return fault_set(f, -ETIMEDOUT, path,
                                 "the script %s did not end within %llu s and was ended (TimeoutSec= in [Scripts]). If "
                                 "it calls virsh: libvirt waits for its hook, and virsh for libvirt",
                                 path, (unsigned long long) (call->timeout / USEC_PER_SEC));
        if (r == -EREMOTEIO && streq(how->how, "exit-code"))
                return fault_set(f, r, path,
                                 "the script %s ended with exit status %d for %s; `journalctl -t hookd-script` has its "
                                 "words",
                                 path, how->status, call->event);
        if (r == -EREMOTEIO && streq(how->how, "signal"))
                return fault_set(f, r, path, "the script %s was killed by signal %d", path, how->status);
        if (r == -EREMOTEIO)
                return fault_set(f, r, path, "the script %s failed: %s", path, *how->how ? how->how : "unknown");
        return fault_set(f, r, path, "the script %s cannot be run: %s", path, fault_errno(r));
}

static int run(Host *h, const Action *a, const char *event, const char *command, Fault *f)
{
        _cleanup_strv_ char **argv = NULL;
        uint64_t deadline = h->deadline, wait;
        ScriptResult how = { 0 };
        ScriptCall call = { .domain = a->target,
                            .event = event,
                            .timeout = param_uint(a, "timeout", 60 * USEC_PER_SEC) };
        int r;

        r = make_argv(a, event, command, &argv);
        if (r >= 0)
                r = check_trust(h, argv[0], f);
        if (r < 0)
                return r;
        call.argv = argv;
        wait = call.timeout + SLACK_USEC / 2; /* systemd's own comes first */
        /* nobody else does what release does: its scripts have their time even where others took it all */
        h->deadline = hook_op_parse(event) == HOOK_RELEASE ? host_now(h) + wait : step_until(h, wait);
        r = host_script(h, &call, &how);
        h->deadline = deadline;
        return r < 0 ? explain(r, &how, &call, f) : 0;
}

/* Where a failure refuses, the first one ends it. Elsewhere the others still have their turn, as with libvirt. */
static int scripts_converge(Host *h, const Action *a, const char *value, Fault *f)
{
        bool refuse = hook_op_may_refuse(hook_op_parse(value));
        int code = 0;

        for (size_t n = 0;; n++) {
                _cleanup_free_ char *command = NULL;
                Fault one = { 0 };
                char key[48];
                int r;

                (void) snprintf(key, sizeof(key), "%s.%zu", value, n);
                r = action_param(a, key, &command);
                if (r == -ENOENT)
                        return code;
                if (r >= 0)
                        r = run(h, a, value, command, &one);
                if (r < 0 && code == 0) {
                        code = r;
                        *f = one.code ? one : *f;
                }
                if (r < 0 && (refuse || r == -ENOMEM))
                        return fault_default(f, r, a->target, "out of memory");
        }
}

const Step step_scripts = {
        .name = "scripts",
        .plan = scripts_plan,
        .event = scripts_event,
        .converge = scripts_converge,
        .forward = FORWARD_SCRIPTS,
        .back = BACK_SCRIPTS,
};
