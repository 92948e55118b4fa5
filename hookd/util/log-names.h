/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Every journal field and MESSAGE_ID of hookd, once. tests/check compares this file with systemd/hookd.catalog. */

#define FIELD_DOMAIN        "HOOKD_DOMAIN"
#define FIELD_UUID          "HOOKD_UUID"
#define FIELD_EVENT         "HOOKD_EVENT"
#define FIELD_STEP          "HOOKD_STEP"
#define FIELD_TARGET        "HOOKD_TARGET"
#define FIELD_FROM          "HOOKD_FROM"
#define FIELD_TO            "HOOKD_TO"
#define FIELD_RESULT        "HOOKD_RESULT"
#define FIELD_DURATION_USEC "HOOKD_DURATION_USEC"

#define MESSAGE_EVENT          "4a1f2f0c7b9d4e0fa4c3d2a1b0e95f01" /* an event came from libvirt */
#define MESSAGE_PLAN           "4a1f2f0c7b9d4e0fa4c3d2a1b0e95f02" /* what will be done for it */
#define MESSAGE_STEP           "4a1f2f0c7b9d4e0fa4c3d2a1b0e95f03" /* one target moved */
#define MESSAGE_STEP_FAILED    "4a1f2f0c7b9d4e0fa4c3d2a1b0e95f04" /* one target did not */
#define MESSAGE_STEP_STUCK     "4a1f2f0c7b9d4e0fa4c3d2a1b0e95f05" /* a kernel call did not return */
#define MESSAGE_READY          "4a1f2f0c7b9d4e0fa4c3d2a1b0e95f06" /* prepare succeeded, the guest may start */
#define MESSAGE_REFUSED        "4a1f2f0c7b9d4e0fa4c3d2a1b0e95f07" /* prepare refused, the host is as it was */
#define MESSAGE_RELEASED       "4a1f2f0c7b9d4e0fa4c3d2a1b0e95f08" /* the host is as it was */
#define MESSAGE_RELEASE_FAILED "4a1f2f0c7b9d4e0fa4c3d2a1b0e95f09" /* something could not be put back */
#define MESSAGE_RECOVERED      "4a1f2f0c7b9d4e0fa4c3d2a1b0e95f0a" /* an open journal was dealt with after a restart */
#define MESSAGE_JOURNAL_BAD    "4a1f2f0c7b9d4e0fa4c3d2a1b0e95f0b" /* a journal was unreadable and set aside */
#define MESSAGE_PEER_REFUSED   "4a1f2f0c7b9d4e0fa4c3d2a1b0e95f0c" /* not root, or not a request */
#define MESSAGE_PROFILE_BAD    "4a1f2f0c7b9d4e0fa4c3d2a1b0e95f0d" /* a profile cannot be used */
#define MESSAGE_DAEMON         "4a1f2f0c7b9d4e0fa4c3d2a1b0e95f0e" /* started, stopped */
#define MESSAGE_WARNING        "4a1f2f0c7b9d4e0fa4c3d2a1b0e95f0f" /* worth knowing, nothing failed */
