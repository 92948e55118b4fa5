/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/host.h"

/* Nothing of the real machine in here: the fake host links this file too. */

Host *host_free(Host *h)
{
        if (h)
                h->ops->free(h);
        return NULL;
}

int host_read(Host *h, const char *path, char **ret)
{
        return h->ops->read(h, path, 0, ret);
}

int host_read_hand(Host *h, const char *path, char **ret)
{
        return h->ops->read(h, path, HOST_HAND, ret);
}

int host_read_uint(Host *h, const char *path, int base, uint64_t *ret)
{
        _cleanup_free_ char *text = NULL;
        int r;

        r = host_read(h, path, &text);
        if (r < 0)
                return r;

        return base == 16 ? parse_hex(text, UINT64_MAX, ret) : parse_uint(text, UINT64_MAX, ret);
}

int host_write(Host *h, const char *path, const char *value)
{
        return h->ops->write(h, path, value, 0);
}

int host_write_hand(Host *h, const char *path, const char *value)
{
        return h->ops->write(h, path, value, HOST_HAND);
}

int host_readlink(Host *h, const char *path, char **ret)
{
        _cleanup_free_ char *full = NULL;
        char *slash;
        int r;

        r = h->ops->readlink(h, path, &full);
        if (r < 0)
                return r;

        slash = strrchr(full, '/');
        if (slash)
                memmove(full, slash + 1, strlen(slash + 1) + 1);

        *ret = TAKE_PTR(full);
        return 0;
}

int host_readlink_full(Host *h, const char *path, char **ret)
{
        return h->ops->readlink(h, path, ret);
}

int host_list(Host *h, const char *path, char ***ret)
{
        return h->ops->list(h, path, ret);
}

bool host_exists(Host *h, const char *path)
{
        return h->ops->exists(h, path) > 0;
}

int host_module(Host *h, ModuleOp op, const char *name, ModuleInfo *ret)
{
        return h->ops->module(h, op, name, ret);
}

int host_unit(Host *h, UnitOp op, const char *name, UnitInfo *ret)
{
        return h->ops->unit(h, op, name, ret);
}

int host_look(Host *h, const char *path, FileLook *ret)
{
        *ret = (FileLook){ 0 };
        return h->ops->look(h, path, ret);
}

int host_script(Host *h, const ScriptCall *call, ScriptResult *ret)
{
        *ret = (ScriptResult){ 0 };
        return h->ops->script(h, call, ret);
}

int host_sessions(Host *h, HostSession **ret, size_t *ret_n)
{
        return h->ops->session(h, SESSION_LIST, NULL, ret, ret_n);
}

int host_session_terminate(Host *h, const char *id)
{
        return h->ops->session(h, SESSION_TERMINATE, id, NULL, NULL);
}

int host_holders(Host *h, char *const *nodes, HostHolder **ret, size_t *ret_n)
{
        return h->ops->holders(h, nodes, ret, ret_n);
}

int host_signal(Host *h, const HostHolder *holder, int signo)
{
        return h->ops->signal(h, holder, signo);
}

int host_wait(Host *h, unsigned what, const HostHolder *holders, size_t n, uint64_t slice_usec)
{
        return h->ops->wait(h, what, holders, n, slice_usec);
}

uint64_t host_now(Host *h)
{
        return h->ops->now(h);
}

/* The next component that is no slice; *path is left behind it. NULL: none. The kernel's own file names are escaped
 * with a leading '_' in cgroup names, nothing else is. */
static const char *next_unit(const char **path, size_t *ret_len)
{
        for (;;) {
                const char *start = *path + strspn(*path, "/");
                size_t len = strcspn(start, "/");

                *path = start + len;
                if (len == 0)
                        return NULL;
                if (len >= 6 && strncmp(start + len - 6, ".slice", 6) == 0)
                        continue;
                if (*start == '_') {
                        start++;
                        len--;
                }
                *ret_len = len;
                return start;
        }
}

int cgroup_units(const char *cgroup, char **ret_unit, char **ret_user_unit)
{
        _cleanup_free_ char *unit = NULL, *user_unit = NULL;
        const char *start;
        size_t len;

        *ret_unit = *ret_user_unit = NULL;
        start = cgroup ? next_unit(&cgroup, &len) : NULL;
        if (!start || !memchr(start, '.', len)) /* a group that systemd did not make */
                return 0;
        unit = strndup(start, len);
        if (!unit)
                return -ENOMEM;

        if (startswith(unit, "user@") && endswith(unit, ".service")) {
                start = next_unit(&cgroup, &len);
                if (start && memchr(start, '.', len)) {
                        user_unit = strndup(start, len);
                        if (!user_unit)
                                return -ENOMEM;
                }
        }

        *ret_unit = TAKE_PTR(unit);
        *ret_user_unit = TAKE_PTR(user_unit);
        return 0;
}

HostHolder *holders_free(HostHolder *holders, size_t n)
{
        for (size_t i = 0; i < n; i++)
                host_holder_clear(holders + i);
        free(holders);
        return NULL;
}

HostSession *sessions_free(HostSession *sessions, size_t n)
{
        for (size_t i = 0; i < n; i++)
                host_session_clear(sessions + i);
        free(sessions);
        return NULL;
}
