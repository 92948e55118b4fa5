/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/record.h"

#include <time.h>

void record_send(const RecordLine *r, int fd); /* as a WIRE_TEXT */

/* A moment of another clock (microseconds), on CLOCK_REALTIME as it is set now. */
uint64_t record_realtime(clockid_t clock, uint64_t then);
