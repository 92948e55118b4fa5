/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/json.h"
#include "ctl/record.h"

/* All records of a word, as an array of objects. */
void records_json_list(Json *j, const char *key, const Records *r, const char *word);
/* The daemon's status, as one object. */
void records_json_status(const Records *r, FILE *f);
/* A plan (txn/plan-record.h), as one object. */
void records_json_plan(const Records *r, FILE *f);
