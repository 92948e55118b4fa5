/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/log-text.h"

#include "util/fd.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Ends a line that was never finished; no other line has a control character (text_escape()). */
#define STRUCK_OUT '\x18'

uint64_t log_now(void)
{
        struct timespec ts = { 0 };

        (void) clock_gettime(CLOCK_BOOTTIME, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

static const char *const words[] = {
        [LOG_WORD_BEGIN] = "begin",         [LOG_WORD_INTENT] = "intent", [LOG_WORD_DONE] = "done",
        [LOG_WORD_FAIL] = "fail",           [LOG_WORD_HELD] = "held",     [LOG_WORD_STOPPED] = "stopped",
        [LOG_WORD_REVERT] = "revert",       [LOG_WORD_UNDO] = "undo",     [LOG_WORD_UNDONE] = "undone",
        [LOG_WORD_UNDO_FAIL] = "undo-fail", [LOG_WORD_STUCK] = "stuck",   [LOG_WORD_UNSTUCK] = "unstuck",
        [LOG_WORD_RELEASED] = "released",
};

const char *log_word_name(LogWord w)
{
        return words[w];
}

char *log_line_encode(const LogLine *line, const char *text)
{
        _cleanup_free_ char *escaped = NULL;
        char index[16] = "-", *s;

        escaped = text_escape(text ? text : "");
        if (!escaped)
                return NULL;
        if (line->index >= 0)
                (void) snprintf(index, sizeof(index), "%d", line->index);
        if (asprintf(&s, "%llu %s %s %s\n", (unsigned long long) line->usec, words[line->word], index, escaped) < 0)
                return NULL;
        return s;
}

int log_append(int fd, const char *line)
{
        _cleanup_free_ char *both = NULL;
        struct stat st;
        char end = '\n';

        if (fstat(fd, &st) < 0 || (st.st_size > 0 && pread(fd, &end, 1, st.st_size - 1) < 0))
                return -errno;
        if (end == '\n')
                return write_all(fd, line, strlen(line));
        if (asprintf(&both, "%c\n%s", STRUCK_OUT, line) < 0) {
                both = NULL;
                return -ENOMEM;
        }
        return write_all(fd, both, strlen(both));
}

/* Cuts the next blank-separated field off *s; false when there is none. */
static bool field(char **s, char **ret)
{
        char *blank = strchr(*s, ' ');

        if (!blank || blank == *s)
                return false;
        *blank = 0;
        *ret = *s;
        *s = blank + 1;
        return true;
}

static int decode_line(char *s, LogLine *ret)
{
        char *usec, *word, *index;
        uint64_t value = 0;
        size_t w;

        if (!field(&s, &usec) || !field(&s, &word) || !field(&s, &index))
                return -EBADMSG;
        if (parse_uint(usec, UINT64_MAX, &value) < 0)
                return -EBADMSG;
        ret->usec = value;
        for (w = 0; w < ARRAY_SIZE(words) && !streq(words[w], word); w++)
                ;
        if (w == ARRAY_SIZE(words))
                return -EBADMSG;
        ret->word = (LogWord) w;
        ret->index = -1;
        if (!streq(index, "-")) {
                if (parse_uint(index, INT_MAX, &value) < 0)
                        return -EBADMSG;
                ret->index = (int) value;
        }
        switch (ret->word) {
        case LOG_WORD_INTENT:
        case LOG_WORD_DONE:
        case LOG_WORD_FAIL:
        case LOG_WORD_UNDO:
        case LOG_WORD_UNDONE:
        case LOG_WORD_UNDO_FAIL:
        case LOG_WORD_STUCK:
                if (ret->index < 0)
                        return -EBADMSG;
                break;
        default:
                break;
        }
        return *s ? text_unescape(s, &ret->text) : 0;
}

int log_decode(const char *text, size_t size, LogLine **ret, size_t *ret_n, Fault *f)
{
        LogLine *lines = NULL;
        size_t n = 0, pos = 0;

        while (pos < size) {
                const char *end = memchr(text + pos, '\n', size - pos);
                _cleanup_free_ char *s = NULL;
                LogLine *grown;
                int r;

                if (!end)
                        break; /* torn by a crash in the write: it never counted */
                if (end > text + pos && end[-1] == STRUCK_OUT) {
                        pos = (size_t) (end - text) + 1;
                        continue;
                }
                s = strndup(text + pos, (size_t) (end - text) - pos);
                grown = s ? reallocarray(lines, n + 1, sizeof(*lines)) : NULL;
                if (!grown) {
                        log_lines_free(lines, n);
                        return fault_set(f, -ENOMEM, "log", "out of memory");
                }
                lines = grown;
                lines[n] = (LogLine){ 0 };
                r = strlen(s) == (size_t) (end - text) - pos ? decode_line(s, &lines[n]) : -EBADMSG;
                if (r < 0) {
                        log_lines_free(lines, n);
                        return fault_set(f, r == -ENOMEM ? r : -EBADMSG, "log", "line %zu is not a line of a journal",
                                         n + 1);
                }
                n++;
                pos = (size_t) (end - text) + 1;
        }
        *ret = lines;
        *ret_n = n;
        return 0;
}

LogLine *log_lines_free(LogLine *lines, size_t n)
{
        for (size_t i = 0; i < n; i++)
                free(lines[i].text);
        free(lines);
        return NULL;
}
