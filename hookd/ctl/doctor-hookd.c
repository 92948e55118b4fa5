/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/doctor-checks.h"

#include "ctl/units.h"

#include <stdio.h>

static void check_units(const HookdInput *in, Findings *fs)
{
        if (!in->unit_file) {
                finding_add(fs, AREA_HOOKD, FINDING_PROBLEM, SOCKET_UNIT " is in none of systemd's folders");
                finding_fix(fs, "install hookd's package again");
                return;
        }
        if (!in->enabled) {
                finding_add(fs, AREA_HOOKD, FINDING_PROBLEM,
                            SOCKET_UNIT " is not enabled: after the next boot nobody answers the hook");
                finding_fix(fs, "hookctl enable");
        }
        if (in->socket && !streq(in->socket, "active")) {
                finding_add(fs, AREA_HOOKD, FINDING_PROBLEM, SOCKET_UNIT " is %s: nobody answers the hook", in->socket);
                finding_fix(fs, "systemctl start " SOCKET_UNIT);
        } else if (in->deaf) {
                finding_add(fs, AREA_HOOKD, FINDING_PROBLEM, "nobody listens where the hook asks for hookd");
                finding_fix(fs, "systemctl start " SOCKET_UNIT);
        }
        if (in->service && streq(in->service, "failed")) {
                finding_add(fs, AREA_HOOKD, FINDING_PROBLEM, SERVICE_UNIT " has failed");
                finding_fix(fs, "journalctl -b -u " SERVICE_UNIT);
        }
}

/* What hookd.service must not have, see its last lines. */
static void check_dropins(const TextFiles *dropins, Findings *fs)
{
        static const struct {
                const char *key, *breaks;
        } keys[] = {
                { "ProtectKernelModules=", "no driver can be loaded or unloaded" },
                { "ProtectKernelTunables=", "no device can be bound" },
                { "PrivateDevices=", "who has a card open is not seen" },
                { "PrivateNetwork=", "udev is not heard" },
                { "PrivateUsers=", "other users' processes are not seen" },
                { "DynamicUser=", "nothing in /sys can be written" },
                { "ProtectClock=", "older systemd keeps the devices away" },
        };

        for (size_t i = 0; i < dropins->n; i++) {
                _cleanup_free_ char *copy = strdup(dropins->list[i].text);
                char *rest = copy, *line;

                while ((line = text_line(&rest)))
                        for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
                                if (startswith(line, keys[k].key) && parse_bool(line + strlen(keys[k].key)) > 0) {
                                        finding_add(fs, AREA_HOOKD, FINDING_PROBLEM, "%s sets %s: %s",
                                                    dropins->list[i].path, line, keys[k].breaks);
                                        finding_fix(fs, "remove it, then systemctl daemon-reload && systemctl "
                                                        "restart " SERVICE_UNIT);
                                }
        }
}

static void check_record(const Record *r, Findings *fs)
{
        const char *word = r->fields[0], *text = record_value(r, "text");

        if (streq(word, "daemon")) {
                const char *version = record_value(r, "version");

                if (*record_value(r, "problem"))
                        finding_add(fs, AREA_HOOKD, FINDING_WARNING, "%s", record_value(r, "problem"));
                if (!streq(version, HOOKD_VERSION)) {
                        finding_add(fs, AREA_HOOKD, FINDING_WARNING, "hookd %s runs, and hookctl is " HOOKD_VERSION,
                                    version);
                        finding_fix(fs, "systemctl restart " SERVICE_UNIT);
                } else
                        finding_add(fs, AREA_HOOKD, FINDING_FINE, "runs, %s profile%s", record_value(r, "profiles"),
                                    streq(record_value(r, "profiles"), "1") ? "" : "s");
        } else if (streq(word, "bad")) {
                finding_add(fs, AREA_HOOKD, FINDING_PROBLEM, "a journal cannot be read: %s", text);
                finding_fix(fs, "hookctl status");
        } else if (streq(word, "guest") && streq(record_value(r, "state"), "stuck")) {
                finding_add(fs, AREA_HOOKD, FINDING_PROBLEM, "%s is stuck: %s", record_value(r, "domain"), text);
                finding_fix(fs, "hookctl status");
        }
}

static void check_status(const HookdInput *in, Findings *fs)
{
        const Record *last = NULL;

        for (size_t i = 0; i < in->status->n; i++) {
                check_record(&in->status->list[i], fs);
                if (streq(in->status->list[i].fields[0], "failure"))
                        last = &in->status->list[i];
        }
        if (last) {
                finding_add(fs, AREA_HOOKD, FINDING_HINT, "the last failure, %s of %s: %s", record_value(last, "event"),
                            record_value(last, "domain"), record_value(last, "text"));
                finding_fix(fs, "journalctl -t hookd");
        }
}

/* On a machine that goes dark the log is what is left, and that only if it is on a disk. */
static void check_journal(const HookdInput *in, Findings *fs)
{
        char storage[32] = "auto";

        for (size_t i = 0; i < in->journald->n; i++) {
                char *copy = strdup(in->journald->list[i].text), *rest = copy, *line;

                while ((line = text_line(&rest)))
                        if (startswith(line, "Storage="))
                                (void) snprintf(storage, sizeof(storage), "%s", line + strlen("Storage="));
                free(copy);
        }
        if (streq(storage, "persistent") || (streq(storage, "auto") && in->journal_folder == 1))
                return;
        finding_add(
                fs, AREA_HOOKD, FINDING_HINT,
                "the journal is not kept over a reboot (Storage=%s): after a reset of a dark machine nobody knows why",
                storage);
        finding_fix(fs, streq(storage, "auto") ? "mkdir -p /var/log/journal && journalctl --flush"
                                               : "in /etc/systemd/journald.conf: Storage=persistent");
}

void check_hookd(const HookdInput *in, Findings *fs)
{
        size_t before = fs->n;

        check_units(in, fs);
        check_dropins(in->dropins, fs);
        if (in->status)
                check_status(in, fs);
        else if (in->silent && !in->deaf)
                finding_add(fs, AREA_HOOKD, FINDING_UNKNOWN, "what it holds and its last failures: %s", in->silent);
        check_journal(in, fs);
        if (fs->n == before)
                finding_add(fs, AREA_HOOKD, FINDING_FINE, SOCKET_UNIT " is enabled");
}
