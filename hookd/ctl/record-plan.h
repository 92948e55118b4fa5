/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/record.h"

/* A plan (txn/plan-record.h) for people. */
void records_print_plan(const Records *r, bool colour, FILE *f);
