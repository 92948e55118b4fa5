/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/host-systemd-bus.h"

static int session_read(RealHost *h, const char *path, HostSession *s, sd_bus_error *error)
{
        Pair user = {};
        int r;

        r = bus_properties(h, LOGIND, path,
                           (const Property[]){ { "Id", "s", &s->id },
                                               { "Name", "s", &s->user },
                                               { "Seat", "(so)", &s->seat },
                                               { "TTY", "s", &s->tty },
                                               { "Type", "s", &s->type },
                                               { "Class", "s", &s->class },
                                               { "Service", "s", &s->service },
                                               { "Scope", "s", &s->scope },
                                               { "State", "s", &s->state },
                                               { "Remote", "b", &s->remote },
                                               { "User", "(uo)", &user },
                                               {} },
                           error);
        if (r < 0)
                return r;
        s->uid = user.id;
        if (!s->id || !s->user || !s->seat || !s->tty || !s->type || !s->class || !s->service || !s->scope || !s->state)
                return -EBADMSG; /* a logind that no longer says all that */

        return bus_properties(h, LOGIND, user.path, (const Property[]){ { "Linger", "b", &s->linger }, {} }, error);
}

/* The paths are copied first: a message cannot be kept open while others are read. */
static int session_paths(RealHost *h, char ***ret, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_strv_ char **paths = NULL;
        const char *path;
        int r;

        r = bus_call(h, LOGIND, LOGIND_PATH, LOGIND_MANAGER, "ListSessions", &m, error, "");
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(m, 'a', "(susso)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(susso)", NULL, NULL, NULL, NULL, &path)) > 0)
                r = strv_append(&paths, path);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(paths);
        return 0;
}

static int session_list(RealHost *h, HostSession **ret, size_t *ret_n)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_strv_ char **paths = NULL;
        HostSession *list;
        size_t n = 0;
        int r;

        *ret = NULL;
        *ret_n = 0;
        r = session_paths(h, &paths, &error);
        if (r < 0) /* no logind: no sessions */
                return sd_bus_error_has_name(&error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
                                       sd_bus_error_has_name(&error, SD_BUS_ERROR_NAME_HAS_NO_OWNER)
                               ? 0
                               : r;

        list = calloc(strv_length(paths) + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        STRV_FOREACH (path, paths) {
                _cleanup_(sd_bus_error_free) sd_bus_error gone = SD_BUS_ERROR_NULL;

                r = session_read(h, *path, list + n, &gone);
                if (r >= 0)
                        n++;
                else {
                        host_session_clear(list + n);
                        list[n] = (HostSession){};
                        if (!bus_object_gone(&gone)) {
                                (void) sessions_free(list, n);
                                return r;
                        }
                }
        }
        *ret = list;
        *ret_n = n;
        return 0;
}

int real_session(Host *host, SessionOp op, const char *id, HostSession **ret, size_t *ret_n)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        RealHost *h = real_of(host);
        int r;

        if (!h->whole)
                return -ENOTSUP;

        switch (op) {
        case SESSION_LIST:
                return session_list(h, ret, ret_n);
        case SESSION_TERMINATE:
                r = bus_call(h, LOGIND, LOGIND_PATH, LOGIND_MANAGER, "TerminateSession", NULL, &error, "s", id);
                return r < 0 && sd_bus_error_has_name(&error, LOGIND ".NoSuchSession") ? 0 : r;
        }
        return -EINVAL;
}
