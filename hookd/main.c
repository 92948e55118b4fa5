/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/server.h"

#include <getopt.h>
#include <stdio.h>
#include <sys/stat.h>

#include "wire/wire.h"

static const char help[] = "usage: hookd [OPTION...]\n"
                           "\n"
                           "Prepares the host for guests with passed-through devices, and puts it back:\n"
                           "hookd(8).\n"
                           "\n"
                           "  --foreground          log to the terminal instead of the journal\n"
                           "  --socket=PATH         where to listen, unless systemd passes a socket\n"
                           "                        (" WIRE_SOCKET ")\n"
                           "  --journals=DIR        open transactions (/run/hookd-txn)\n"
                           "  --profiles=DIR        one *.ini a guest or group of them (/etc/hookd/profiles)\n"
                           "  --conf=FILE           defaults for all profiles (/etc/hookd/hookd.conf)\n"
                           "  --root=DIR            the host's file system (/)\n"
                           "  --worker=PATH         the program that does the work\n"
                           "                        (" HOOKD_LIBEXECDIR "/hookd-worker)\n"
                           "  --audit=TARGET        journal, stderr or none\n"
                           "  --no-owner-check      accept profiles that are not root's\n"
                           "  --help, --version\n";

static bool audit_known(const char *s)
{
        return streq(s, "journal") || streq(s, "stderr") || streq(s, "none");
}

static int usage(const char *what)
{
        (void) fprintf(stderr, "hookd: %s: see `hookd --help`\n", what);
        return 2;
}

int main(int argc, char **argv)
{
        enum { FOREGROUND = 1, SOCKET, JOURNALS, PROFILES, CONF, ROOT, WORKER, AUDIT, NO_OWNER_CHECK, HELP, VERSION };
        static const struct option options[] = {
                { "foreground", no_argument, NULL, FOREGROUND },
                { "socket", required_argument, NULL, SOCKET },
                { "journals", required_argument, NULL, JOURNALS },
                { "profiles", required_argument, NULL, PROFILES },
                { "conf", required_argument, NULL, CONF },
                { "root", required_argument, NULL, ROOT },
                { "worker", required_argument, NULL, WORKER },
                { "audit", required_argument, NULL, AUDIT },
                { "no-owner-check", no_argument, NULL, NO_OWNER_CHECK },
                { "help", no_argument, NULL, HELP },
                { "version", no_argument, NULL, VERSION },
                { NULL, 0, NULL, 0 },
        };
        ServerOptions o = {
                .socket = WIRE_SOCKET,
                .journals = "/run/hookd-txn",
                .profiles = "/etc/hookd/profiles",
                .conf = "/etc/hookd/hookd.conf",
                .root = "/",
                .worker = HOOKD_LIBEXECDIR "/hookd-worker",
                .check_owner = true,
        };
        bool foreground = false;
        Fault f = { 0 };
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
                switch (c) {
                case FOREGROUND:
                        foreground = true;
                        break;
                case SOCKET:
                        o.socket = optarg;
                        break;
                case JOURNALS:
                        o.journals = optarg;
                        break;
                case PROFILES:
                        o.profiles = optarg;
                        break;
                case CONF:
                        o.conf = optarg;
                        break;
                case ROOT:
                        o.root = optarg;
                        break;
                case WORKER:
                        o.worker = optarg;
                        break;
                case AUDIT:
                        if (!audit_known(optarg))
                                return usage("--audit= is journal, stderr or none");
                        o.audit = optarg;
                        break;
                case NO_OWNER_CHECK:
                        o.check_owner = false;
                        break;
                case HELP:
                        (void) fputs(help, stdout);
                        return 0;
                case VERSION:
                        (void) puts("hookd " HOOKD_VERSION);
                        return 0;
                default:
                        return usage("unknown option");
                }
        if (optind < argc)
                return usage("it takes options only");
        if (!o.audit)
                o.audit = foreground ? "stderr" : "journal";
        (void) umask(0022);
        if (server_run(&o, &f) < 0) {
                (void) fprintf(stderr, "hookd: %s\n", f.text);
                return 1;
        }
        return 0;
}
