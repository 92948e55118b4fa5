/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/worker.h"

#include <getopt.h>
#include <stdio.h>

int worker_parse_args(Worker *w, int argc, char **argv, LogTarget *audit)
{
        enum {
                CLIENT = 256,
                XML,
                DOMAIN_,
                UUID,
                EVENT,
                ROOT,
                JOURNALS,
                PROFILES,
                CONF,
                SPOOL,
                AUDIT,
                NO_OWNER,
                PARENT,
                SINCE,
                LAST
        };
        static const struct option options[] = {
                { "client-fd", required_argument, NULL, CLIENT },   { "xml-fd", required_argument, NULL, XML },
                { "domain", required_argument, NULL, DOMAIN_ },     { "uuid", required_argument, NULL, UUID },
                { "event", required_argument, NULL, EVENT },        { "root", required_argument, NULL, ROOT },
                { "journals", required_argument, NULL, JOURNALS },  { "profiles", required_argument, NULL, PROFILES },
                { "conf", required_argument, NULL, CONF },          { "spool", required_argument, NULL, SPOOL },
                { "audit", required_argument, NULL, AUDIT },        { "no-owner-check", no_argument, NULL, NO_OWNER },
                { "hook-parent", required_argument, NULL, PARENT }, { "since", required_argument, NULL, SINCE },
                { "last", required_argument, NULL, LAST },          { NULL, 0, NULL, 0 },
        };
        unsigned long long start;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case CLIENT:
                        w->client_fd = atoi(optarg);
                        break;
                case XML:
                        w->xml_fd = atoi(optarg);
                        break;
                case DOMAIN_:
                        w->domain = optarg;
                        break;
                case UUID:
                        w->uuid = optarg;
                        break;
                case EVENT:
                        w->event = optarg;
                        break;
                case ROOT:
                        w->root = optarg;
                        break;
                case JOURNALS:
                        w->journals = optarg;
                        break;
                case PROFILES:
                        w->profiles = optarg;
                        break;
                case CONF:
                        w->conf = optarg;
                        break;
                case SPOOL:
                        w->spool = optarg;
                        break;
                case AUDIT:
                        *audit = streq(optarg, "stderr") ? LOG_TO_STDERR
                                 : streq(optarg, "none") ? LOG_TO_NULL
                                                         : LOG_TO_JOURNAL;
                        break;
                case NO_OWNER:
                        w->check_owner = false;
                        break;
                case PARENT:
                        if (sscanf(optarg, "%d:%llu", &w->hook_pid, &start) == 2)
                                w->hook_start = start;
                        break;
                case SINCE:
                case LAST:
                        if (parse_uint(optarg, UINT64_MAX, c == SINCE ? &w->since : &w->last) < 0)
                                return -EINVAL;
                        break;
                default:
                        return -EINVAL;
                }
        if (optind != argc - 1)
                return -EINVAL;
        w->verb = argv[optind];
        return 0;
}
