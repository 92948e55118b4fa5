/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/state.h"

static const char *const names[] = {
        [TXN_PLANNED] = "planned",     [TXN_APPLYING] = "applying", [TXN_HELD] = "held",
        [TXN_REVERTING] = "reverting", [TXN_RELEASED] = "released", [TXN_STUCK] = "stuck",
};

const char *txn_state_name(TxnState s)
{
        return names[s];
}

/* The state a line puts the transaction into; -1: none. */
static int state_of(const LogLine *line)
{
        switch (line->word) {
        case LOG_WORD_BEGIN:
                return TXN_APPLYING;
        case LOG_WORD_HELD:
                return TXN_HELD;
        case LOG_WORD_REVERT:
        case LOG_WORD_UNSTUCK:
                return TXN_REVERTING;
        case LOG_WORD_STUCK:
                return TXN_STUCK;
        case LOG_WORD_RELEASED:
                return TXN_RELEASED;
        default:
                return -1;
        }
}

static TxnState walk(const Journal *j, const LogLine **ret_line)
{
        TxnState state = TXN_PLANNED;

        *ret_line = NULL;
        for (size_t i = 0; i < j->n_lines; i++) {
                int s = state_of(&j->lines[i]);

                /* A stuck card stays stuck while the rest of the host is put back. */
                if (s < 0 || (state == TXN_STUCK && j->lines[i].word == LOG_WORD_REVERT))
                        continue;
                state = (TxnState) s;
                *ret_line = &j->lines[i];
        }
        return state;
}

TxnState txn_state(const Journal *j)
{
        const LogLine *line;

        return walk(j, &line);
}

uint64_t txn_since(const Journal *j, const char **ret_text)
{
        const LogLine *line;

        (void) walk(j, &line);
        if (ret_text)
                *ret_text = line ? line->text : NULL;
        return line ? line->usec : j->n_lines ? j->lines[0].usec : 0;
}

bool txn_action_open(const Journal *j, int i)
{
        bool open = false;

        for (size_t n = 0; n < j->n_lines; n++)
                if (j->lines[n].index == i) {
                        if (j->lines[n].word == LOG_WORD_INTENT || j->lines[n].word == LOG_WORD_UNDO)
                                open = true;
                        else if (j->lines[n].word == LOG_WORD_UNDONE)
                                open = false;
                }
        return open;
}

bool txn_action_in_transit(const Journal *j, int i)
{
        bool transit = false;

        for (size_t n = 0; n < j->n_lines; n++)
                if (j->lines[n].index == i)
                        transit = j->lines[n].word == LOG_WORD_INTENT || j->lines[n].word == LOG_WORD_UNDO;
        return transit;
}

static bool has_word(const Journal *j, LogWord w)
{
        for (size_t i = 0; i < j->n_lines; i++)
                if (j->lines[i].word == w)
                        return true;
        return false;
}

bool txn_was_held(const Journal *j)
{
        return has_word(j, LOG_WORD_HELD);
}

bool txn_was_stopped(const Journal *j)
{
        return has_word(j, LOG_WORD_STOPPED);
}

bool txn_was_answered(const Journal *j)
{
        bool stopped = false;

        for (size_t i = 0; i < j->n_lines; i++)
                if (j->lines[i].word == LOG_WORD_STOPPED)
                        stopped = true;
                else if (stopped && j->lines[i].word == LOG_WORD_HELD)
                        return true;
        return false;
}
