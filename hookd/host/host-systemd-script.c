/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/host-systemd-bus.h"
#include "util/fd.h"
#include "util/log-names.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

/* A script as a transient service: outside of hookd's sandbox and cgroup, with a clean environment, its output in the
 * journal, under a deadline that systemd keeps as well. */

#define LOOK_USEC (2 * USEC_PER_SEC) /* the signal may have been lost with the connection */
#define STOP_USEC (10 * USEC_PER_SEC)
#define STOP_TERM (5 * USEC_PER_SEC)

/* What the script reads; a descriptor of its own, read from the start. */
static int input(const char *xml)
{
        _cleanup_close_ int fd = -1;

        if (!xml)
                return open("/dev/null", O_RDONLY | O_CLOEXEC);
        fd = memfd_create("domain-xml", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return -errno;
        if (write_all(fd, xml, strlen(xml)) < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
            fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* As it stands: a plain ExecStart would put environment variables in, of which a guest's name may look like one
 * (systemd.service(5); ExecStartEx and its flag are of systemd 243). */
static int append_command(sd_bus_message *m, char *const *argv)
{
        static const char *const flags[] = { "no-env-expand", NULL };
        int r;

        if ((r = sd_bus_message_open_container(m, 'r', "sv")) < 0 ||
            (r = sd_bus_message_append(m, "s", "ExecStartEx")) < 0 ||
            (r = sd_bus_message_open_container(m, 'v', "a(sasas)")) < 0 ||
            (r = sd_bus_message_open_container(m, 'a', "(sasas)")) < 0 ||
            (r = sd_bus_message_open_container(m, 'r', "sasas")) < 0 ||
            (r = sd_bus_message_append(m, "s", argv[0])) < 0 ||
            (r = sd_bus_message_append_strv(m, (char **) argv)) < 0 ||
            (r = sd_bus_message_append_strv(m, (char **) flags)) < 0)
                return r;
        for (int i = 0; i < 4 && r >= 0; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

/* "FIELD=value" for the journal, so that `journalctl HOOKD_DOMAIN=win10` has the script's words between hookd's. */
static int append_fields(sd_bus_message *m, const char *const *fields, size_t n)
{
        int r;

        if ((r = sd_bus_message_open_container(m, 'r', "sv")) < 0 ||
            (r = sd_bus_message_append(m, "s", "LogExtraFields")) < 0 ||
            (r = sd_bus_message_open_container(m, 'v', "aay")) < 0 ||
            (r = sd_bus_message_open_container(m, 'a', "ay")) < 0)
                return r;
        for (size_t i = 0; i < n && r >= 0; i++)
                r = sd_bus_message_append_array(m, 'y', fields[i], strlen(fields[i]));
        for (int i = 0; i < 3 && r >= 0; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

/* KillMode=process: what a script leaves running in the background stays, as with libvirt. */
static int append_properties(sd_bus_message *m, const ScriptCall *call, int fd)
{
        _cleanup_free_ char *what = NULL, *domain = NULL, *event = NULL;
        int r;

        if (asprintf(&what, "Script of guest %s for %s: %s", call->domain, call->event, call->argv[0]) < 0 ||
            asprintf(&domain, FIELD_DOMAIN "=%s", call->domain) < 0 ||
            asprintf(&event, FIELD_EVENT "=%s", call->event) < 0)
                return -ENOMEM;
        if ((r = sd_bus_message_open_container(m, 'a', "(sv)")) < 0)
                return r;
        r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)", "Description", "s", what, "Type", "s",
                                  "oneshot", "KillMode", "s", "process", "TimeoutStartUSec", "t", call->timeout,
                                  "TimeoutStopUSec", "t", STOP_TERM, "StandardInputFileDescriptor", "h", fd,
                                  "StandardOutput", "s", "journal", "StandardError", "s", "journal", "SyslogIdentifier",
                                  "s", "hookd-script", "Environment", "as", 3, "LC_ALL=C", domain, event);
        if (r >= 0)
                r = append_fields(m, (const char *const[]){ domain, event }, 2);
        if (r >= 0)
                r = append_command(m, call->argv);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int start(RealHost *h, const ScriptCall *call, const char *name, Job *job)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_close_ int fd = input(h->host.xml);
        const char *path;
        int r;

        if (fd < 0)
                return fd;
        r = bus_message(h, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "StartTransientUnit", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", name, "fail"); /* never against a shutdown that is under way */
        if (r >= 0)
                r = append_properties(m, call, fd);
        if (r >= 0)
                r = sd_bus_message_append(m, "a(sa(sv))", 0);
        if (r < 0)
                return r;
        bus_watch_job(h, job);
        r = bus_call_message(h, m, &reply, &error);
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        if (r < 0)
                return r;
        job->path = strdup(path);
        if (!job->path)
                return -ENOMEM;
        for (char **e = job->early; e && e[0] && e[1]; e += 2)
                if (streq(e[0], path)) {
                        (void) snprintf(job->result, sizeof(job->result), "%s", e[1]);
                        job->done = true;
                }
        return 0;
}

/* Its state and how its process ended. An ended one that ended well is forgotten by systemd at once: -ENOENT. */
static int ask(RealHost *h, const char *name, char active[16], ScriptResult *ret)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const char *path;
        int32_t status = 0;
        int r;

        r = bus_call(h, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "GetUnit", &m, &error, "s", name);
        if (r >= 0)
                r = sd_bus_message_read(m, "o", &path);
        if (r >= 0)
                r = bus_properties(h, SYSTEMD, path,
                                   (const Property[]){ { "ActiveState", "s", active, 16 },
                                                       { "Result", "s", ret->how, sizeof(ret->how) },
                                                       { "ExecMainStatus", "i", &status },
                                                       {} },
                                   &error);
        if (r < 0)
                return sd_bus_error_has_name(&error, SYSTEMD ".NoSuchUnit") || bus_object_gone(&error) ? -ENOENT : r;
        ret->status = status;
        return 0;
}

static int wait_end(RealHost *h, const char *name, Job *job, ScriptResult *ret)
{
        for (;;) {
                char active[16] = "";
                bool known;
                int r;

                r = bus_pump(h, &job->done, now_usec() + LOOK_USEC);
                if (r < 0 && r != -ECONNRESET)
                        return r;
                if (job->done && streq(job->result, "done"))
                        return 0;
                known = job->done;
                r = ask(h, name, active, ret);
                if (job->done != known) /* it ended while that was asked: the answer is of before */
                        continue;
                if (r == -ECONNRESET || r == -ECONNREFUSED) /* the bus, or systemd, is being started anew */
                        continue;
                if (r < 0 && r != -ENOENT)
                        return r;
                if (r == 0 && !job->done && !streq(active, "failed") && !streq(active, "inactive"))
                        continue;
                /* It went while nobody could hear of it, and only one that failed is kept. */
                if (!job->done && (r == -ENOENT || streq(ret->how, "success")))
                        return 0;
                if (!*ret->how || streq(ret->how, "success"))
                        (void) snprintf(ret->how, sizeof(ret->how), "%s", job->result);
                return -EREMOTEIO;
        }
}

static void unit_call(RealHost *h, const char *method, const char *name)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        if (streq(method, "KillUnit"))
                (void) bus_call(h, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, method, NULL, &error, "ssi", name, "all", 9);
        else
                (void) bus_call(h, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, method, NULL, &error, "s", name);
}

/* Nobody waits for it any more: it goes, with all that it has started. */
static void end(RealHost *h, const char *name)
{
        uint64_t deadline = h->host.deadline;
        bool no_cancel = h->host.no_cancel;

        h->host.no_cancel = true;
        h->host.deadline = now_usec() + STOP_USEC;
        (void) real_unit(&h->host, UNIT_STOP, name, NULL);
        unit_call(h, "KillUnit", name);
        unit_call(h, "ResetFailedUnit", name);
        h->host.deadline = deadline;
        h->host.no_cancel = no_cancel;
}

int real_script(Host *host, const ScriptCall *call, ScriptResult *ret)
{
        static unsigned number;
        RealHost *h = real_of(host);
        char name[64];
        Job job = {};
        int r;

        if (!h->whole)
                return -ENOTSUP;
        (void) snprintf(name, sizeof(name), "hookd-script-%i-%llu-%u.service", (int) getpid(),
                        (unsigned long long) now_usec(), number++);
        r = bus_connect(h);
        if (r < 0)
                return r;
        r = start(h, call, name, &job);
        if (r >= 0)
                r = wait_end(h, name, &job, ret);
        bus_watch_job(h, NULL);
        free(job.path);
        (void) strv_free(job.early);
        if (r == -EREMOTEIO && streq(ret->how, "timeout"))
                unit_call(h, "KillUnit", name);
        if (r == -EREMOTEIO)
                unit_call(h, "ResetFailedUnit", name);
        else if (r == -ETIMEDOUT || r == -ECANCELED)
                end(h, name);
        return r;
}
