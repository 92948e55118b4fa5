/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/spool.h"
#include "util/fd.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#define HEAD_MAGIC   UINT64_C(0x3130304c504b4848)
#define RECORD_MAGIC UINT64_C(0x0a1e43455259b7f0)

typedef struct Head {
        uint64_t magic;
        uint64_t next; /* offset of the oldest record that was not sent */
        uint64_t lost; /* records refused for want of room since the file was last empty */
} Head;

typedef struct Record {
        uint64_t magic;
        uint32_t size, sum;
} Record;

/* Where the locks lie, as byte ranges: appenders need not wait for the one who is sending. */
enum {
        LOCK_CHANGE = 0, /* held for one append or the final truncate */
        LOCK_DRAIN = 1,
};

static uint32_t checksum(const unsigned char *p, size_t size)
{
        uint32_t sum = 2166136261U; /* FNV-1a */

        for (size_t i = 0; i < size; i++)
                sum = (sum ^ p[i]) * 16777619U;
        return sum;
}

static int try_lock(int fd, int where, short type)
{
        struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = where, .l_len = 1 };

        return fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

/* The holder does a few calls that cannot block; only one that was stopped makes this fail. */
static int lock_change(int fd)
{
        int r;

        for (int i = 0; i < 50; i++) {
                r = try_lock(fd, LOCK_CHANGE, F_WRLCK);
                if (r != -EAGAIN && r != -EACCES)
                        return r;
                (void) poll(NULL, 0, 1);
        }
        return -EBUSY;
}

static int spool_open(const char *path, int flags)
{
        int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0600);
        struct stat st;

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
                (void) close(fd);
                return -EINVAL;
        }
        return fd;
}

static int64_t size_of(int fd)
{
        struct stat st;

        return fstat(fd, &st) < 0 ? -errno : st.st_size;
}

static int put(int fd, const void *data, size_t size, int64_t offset)
{
        ssize_t n = pwrite(fd, data, size, offset);

        if (n < 0)
                return -errno;
        return (size_t) n == size ? 0 : -ENOSPC;
}

static int get(int fd, void *data, size_t size, uint64_t offset)
{
        ssize_t n = pread(fd, data, size, (off_t) offset);

        if (n < 0)
                return -errno;
        return (size_t) n == size ? 0 : -ENODATA;
}

/* An empty file or one with a foreign head (it is ours alone, so a head is only ever torn) starts anew. */
static int load_head(int fd, int64_t *size, Head *ret)
{
        int r = *size < 0 ? (int) *size : get(fd, ret, sizeof(*ret), 0);

        if (r < 0 && r != -ENODATA)
                return r;
        if (r >= 0 && ret->magic == HEAD_MAGIC && ret->next >= sizeof(Head))
                return 0;
        *ret = (Head){ .magic = HEAD_MAGIC, .next = sizeof(Head) };
        if (ftruncate(fd, 0) < 0)
                return -errno;
        *size = sizeof(Head);
        return put(fd, ret, sizeof(*ret), 0);
}

int spool_append(const char *path, const void *data, size_t size)
{
        static struct {
                Record head;
                unsigned char data[SPOOL_RECORD_MAX];
        } record;
        _cleanup_close_ int fd = -1;
        int64_t end;
        Head head;
        int r;

        if (size > SPOOL_RECORD_MAX)
                return -EMSGSIZE;
        fd = spool_open(path, O_CREAT);
        if (fd < 0)
                return fd;
        r = lock_change(fd);
        if (r < 0)
                return r;
        end = size_of(fd);
        r = load_head(fd, &end, &head);
        if (r < 0)
                return r;
        if ((uint64_t) end + sizeof(Record) + size > SPOOL_MAX) {
                head.lost++;
                r = put(fd, &head.lost, sizeof(head.lost), offsetof(Head, lost));
                return r < 0 ? r : 1;
        }
        record.head = (Record){ RECORD_MAGIC, (uint32_t) size, checksum(data, size) };
        memcpy(record.data, data, size);
        r = put(fd, &record, sizeof(Record) + size, end);
        if (r < 0)
                (void) ftruncate(fd, end);
        return r;
}

bool spool_pending(const char *path)
{
        struct stat st;

        return stat(path, &st) >= 0 && st.st_size > 0;
}

/* The first whole record at or behind *offset and below end, *offset is moved to it, or to end. 0: none. */
static int find_record(int fd, uint64_t *offset, uint64_t end, Record *ret, unsigned char data[SPOOL_RECORD_MAX])
{
        for (; *offset + sizeof(*ret) <= end; (*offset)++) {
                int r = get(fd, ret, sizeof(*ret), *offset);

                if (r < 0)
                        return r;
                if (ret->magic != RECORD_MAGIC || ret->size > MIN(SPOOL_RECORD_MAX, end - *offset - sizeof(*ret)))
                        continue;
                r = get(fd, data, ret->size, *offset + sizeof(*ret));
                if (r < 0)
                        return r;
                if (checksum(data, ret->size) == ret->sum)
                        return 1;
        }
        *offset = MAX(*offset, end);
        return 0;
}

/* Where the file ends while nobody writes: below that no record is still being written. When `next` is there already,
 * the file is emptied. 1: *ret_end is beyond next; 0: emptied; 2: what was lost could not be reported. */
static int settle(int fd, uint64_t next, int (*lost)(uint64_t n), uint64_t *ret_end)
{
        int64_t end;
        Head head;
        int r;

        r = lock_change(fd);
        if (r < 0)
                return r;
        end = size_of(fd);
        if (end < 0)
                r = (int) end;
        else if ((uint64_t) end > next) {
                *ret_end = (uint64_t) end;
                r = 1;
        } else {
                r = get(fd, &head, sizeof(head), 0);
                if (r >= 0 && head.lost > 0 && lost(head.lost) != 0)
                        r = 2;
                else
                        r = ftruncate(fd, 0) < 0 ? -errno : 0;
        }
        (void) try_lock(fd, LOCK_CHANGE, F_UNLCK);
        return r;
}

/* Sends what lies in [head->next, end). 0: all of it, 1: not all. */
static int send_until(int fd, Head *head, uint64_t end, int (*send)(const void *data, size_t size),
                      unsigned char data[SPOOL_RECORD_MAX])
{
        Record record;
        int r;

        while ((r = find_record(fd, &head->next, end, &record, data)) > 0) {
                if (send(data, record.size) != 0)
                        return 1;
                head->next += sizeof(record) + record.size;
                r = put(fd, &head->next, sizeof(head->next), offsetof(Head, next));
                if (r < 0)
                        return r;
        }
        return r;
}

int spool_drain(const char *path, int (*send)(const void *data, size_t size), int (*lost)(uint64_t n),
                uint64_t *ret_left)
{
        static unsigned char data[SPOOL_RECORD_MAX];
        _cleanup_close_ int fd = -1;
        uint64_t left = 0, end = 0;
        Record record;
        Head head;
        int r;

        if (ret_left)
                *ret_left = 0;
        fd = spool_open(path, 0);
        if (fd == -ENOENT)
                return 0;
        if (fd < 0)
                return fd;
        r = try_lock(fd, LOCK_DRAIN, F_WRLCK);
        if (r < 0)
                return r == -EAGAIN || r == -EACCES ? -EBUSY : r;
        r = get(fd, &head, sizeof(head), 0);
        if (r < 0)
                return r == -ENODATA ? 0 : r; /* empty, or a torn head that the next append puts right */
        if (head.magic != HEAD_MAGIC || head.next < sizeof(Head))
                head.next = sizeof(Head);

        do {
                r = settle(fd, head.next, lost, &end);
                if (r == 1)
                        r = send_until(fd, &head, end, send, data) == 0 ? 1 : 2;
        } while (r == 1);
        if (r <= 0)
                return r;
        while (ret_left && find_record(fd, &head.next, end, &record, data) > 0) {
                head.next += sizeof(record) + record.size;
                left++;
        }
        if (ret_left)
                *ret_left = MAX(left, 1U); /* what is left may be the report of what was lost */
        return 1;
}
