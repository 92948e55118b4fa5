/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/host.h"

/* The whole of hookd-worker but for the host it acts on, so that the demo and the tests can run the very same code on
 * the reacting fake. Arguments (all by name, `--x=value`): VERB                 prepare | release | recover | plan |
 * log
 *   --client-fd=N        SOCK_SEQPACKET to the one who asked: WIRE_RESULT goes there, its hang-up cancels a prepare; or
 * none
 *   --xml-fd=N           domain XML (prepare, plan)
 *   --domain=NAME        as in the hook's argv
 *   --uuid=UUID          release, recover: which journal; plan: what a release by it would do
 *   --event=prepare/begin  for the audit
 *   --root=/             of the host      --journals=/run/hookd-txn      --profiles=DIR      --conf=FILE
 *   --spool=FILE         --audit=journal|stderr|none      --no-owner-check
 *   --since=USEC --last=N  log
 *   --hook-parent=PID:STARTTIME   the shim's parent (libvirtd), kept in the journal's `owner` file
 * Exit status: WORKER_REPLIED when a result was sent, WORKER_SILENT when it could not even do that. */
enum { WORKER_REPLIED = 0, WORKER_FAILED = 1, WORKER_SILENT = 2 };

typedef int (*HostOpen)(const char *root, Host **ret, Fault *f);
int worker_main(int argc, char **argv, HostOpen open_host);
