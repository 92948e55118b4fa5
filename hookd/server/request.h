/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "server/client.h"
#include "wire/wire.h"

/* Answers a request, or makes a job of it. Ends c; takes the descriptor that came with the message (-1: none). */
void request_handle(Client *c, const WireMessage *m, int xml_fd);
