/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/record-json.h"

/* The others are texts, whatever they look like: a guest may be called 7. */
static const char *const numbers[] = { "pid", "since", "profiles", "caller", "guest", "due", "more" };

static void put_field(Json *j, const char *field)
{
        _cleanup_free_ char *key = strndup(field, strcspn(field, "=")), *value = NULL;
        const char *equals = strchr(field, '=');
        bool is_number = false;
        uint64_t number;

        if (!key || !equals || text_unescape(equals + 1, &value) < 0)
                return;
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
                is_number = is_number || streq(key, numbers[i]);
        if (is_number && parse_uint(value, INT64_MAX, &number) == 0)
                json_number(j, key, (int64_t) number);
        else
                json_string(j, key, value);
}

static void put_fields(Json *j, const Record *r)
{
        STRV_FOREACH (field, r->fields + 1)
                put_field(j, *field);
}

void records_json_list(Json *j, const char *key, const Records *r, const char *word)
{
        json_begin(j, key, '[');
        for (size_t i = 0; i < r->n; i++)
                if (streq(r->list[i].fields[0], word)) {
                        json_begin(j, NULL, '{');
                        put_fields(j, &r->list[i]);
                        json_end(j, '}');
                }
        json_end(j, ']');
}

void records_json_status(const Records *r, FILE *f)
{
        static const char *const lists[][2] = {
                { "guests", "guest" }, { "jobs", "job" }, { "bad_journals", "bad" }, { "failures", "failure" }
        };
        Json j = { .out = f };
        uint64_t not_shown = 0;

        json_begin(&j, NULL, '{');
        for (size_t i = 0; i < r->n; i++) {
                if (streq(r->list[i].fields[0], "daemon")) {
                        json_begin(&j, "daemon", '{');
                        put_fields(&j, &r->list[i]);
                        json_end(&j, '}');
                } else if (streq(r->list[i].fields[0], "jobs"))
                        (void) parse_uint(record_value(&r->list[i], "more"), INT64_MAX, &not_shown);
        }
        for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
                records_json_list(&j, lists[i][0], r, lists[i][1]);
        json_number(&j, "jobs_not_shown", (int64_t) not_shown);
        json_end(&j, '}');
}

/* Empty: null. */
static void put_known(Json *j, const Record *r, const char *key)
{
        _cleanup_free_ char *value = record_unescaped(r, key);

        json_string(j, key, value && *value ? value : NULL);
}

static void put_action(Json *j, const Record *r)
{
        static const char *const keys[] = { "step", "target", "state", "now", "after", "why" };

        json_begin(j, NULL, '{');
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                put_known(j, r, keys[i]);
        json_bool(j, "one_way", streq(record_value(r, "one_way"), "yes"));
        json_end(j, '}');
}

void records_json_plan(const Records *r, FILE *f)
{
        static const char *const keys[] = { "domain", "event", "profile", "text" };
        Json j = { .out = f };

        json_begin(&j, NULL, '{');
        for (size_t i = 0; i < ARRAY_SIZE(keys) && r->n > 0; i++)
                put_known(&j, &r->list[0], keys[i]);
        json_begin(&j, "actions", '[');
        for (size_t i = 0; i < r->n; i++)
                if (streq(r->list[i].fields[0], "action"))
                        put_action(&j, &r->list[i]);
        json_end(&j, ']');
        json_begin(&j, "warnings", '[');
        for (size_t i = 0; i < r->n; i++)
                if (streq(r->list[i].fields[0], "warning")) {
                        _cleanup_free_ char *text = record_unescaped(&r->list[i], "text");

                        json_string(&j, NULL, text);
                }
        json_end(&j, ']');
        json_end(&j, '}');
}
