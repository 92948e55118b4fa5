/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include "util/fault.h"
#include "util/fd.h"
#include "util/parse.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[] = "/tmp/hookd-test-util-XXXXXX";
static int dir_fd = -1;

static void setup(void)
{
        if (dir_fd >= 0)
                return;
        assert_not_null(mkdtemp(dir));
        dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(dir_fd >= 0);
}

TEST(pci_forms)
{
        static const char *const good[][2] = {
                { "0000:01:00.0", "0000:01:00.0" },         { "01:00.0", "0000:01:00.0" },
                { "pci_0000_01_00_1", "0000:01:00.1" },     { "10000:e1:1F.7", "10000:e1:1f.7" },
                { "FFFFFFFF:ff:1f.7", "ffffffff:ff:1f.7" },
        };
        static const char *const bad[] = {
                "",
                "0",
                "01:00",
                "1:00.0",
                "0000:01:00.0 ",
                " 01:00.0",
                "0000:01:00",
                "000:01:00.0",
                "01:00.00",
                "01:00,0",
                "pci_01_00_0",
                "pci_0000_01_00.0",
                "0x01:00.0",
                "0000:01:00.0.0",
                "01-00.0",
                "0000_01_00_0",
                "gg:00.0",
                "-1:00.0",
                "000000001:01:00.0",
                "pci_",
                "0000:1:00.0",
        };
        char buf[PCI_FORMAT_MAX];
        PciAddress a, b;

        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                assert_ok(pci_parse(good[i][0], &a));
                assert_str_eq(pci_format(&a, buf), good[i][1]);
                assert_ok(pci_parse(buf, &b));
                assert_int_eq(pci_compare(&a, &b), 0);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                if (pci_parse(bad[i], &a) != -EINVAL)
                        test_fail("\"%s\" was accepted", bad[i]);
        assert_int_eq(pci_parse("01:20.0", &a), -ERANGE);
        assert_int_eq(pci_parse("01:00.8", &a), -ERANGE);
}

TEST(pci_order)
{
        static const char *const sorted[] = { "0000:01:00.0", "0000:01:00.1", "0000:01:01.0",
                                              "0000:02:00.0", "0001:00:00.0", "ffffffff:00:00.0" };
        PciAddress a, b;

        for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
                for (size_t k = 0; k < ARRAY_SIZE(sorted); k++) {
                        assert_ok(pci_parse(sorted[i], &a));
                        assert_ok(pci_parse(sorted[k], &b));
                        assert_int_eq((pci_compare(&a, &b) > 0) - (pci_compare(&a, &b) < 0), (i > k) - (i < k));
                        assert_int_eq(pci_same_slot(&a, &b), i == k || (i < 2 && k < 2));
                }
}

TEST(numbers)
{
        uint64_t v = 7;

        assert_int_eq(parse_bool("Yes"), 1);
        assert_int_eq(parse_bool("on"), 1);
        assert_int_eq(parse_bool("0"), 0);
        assert_int_eq(parse_bool("FALSE"), 0);
        assert_int_eq(parse_bool(""), -EINVAL);
        assert_int_eq(parse_bool("yes "), -EINVAL);

        assert_ok(parse_uint("0", 0, &v));
        assert_int_eq(v, 0);
        assert_ok(parse_uint("18446744073709551615", UINT64_MAX, &v));
        assert_true(v == UINT64_MAX);
        assert_ok(parse_uint("007", 7, &v));
        assert_int_eq(parse_uint("18446744073709551616", UINT64_MAX, &v), -ERANGE);
        assert_int_eq(parse_uint("99999999999999999999999999", UINT64_MAX, &v), -ERANGE);
        assert_int_eq(parse_uint("11", 10, &v), -ERANGE);
        assert_int_eq(parse_uint("11x", 10, &v), -EINVAL);
        assert_int_eq(parse_uint("99999999999999999999x", UINT64_MAX, &v), -EINVAL);
        assert_int_eq(parse_uint("", 10, &v), -EINVAL);
        assert_int_eq(parse_uint("-1", 10, &v), -EINVAL);
        assert_int_eq(parse_uint("+1", 10, &v), -EINVAL);
        assert_int_eq(parse_uint(" 1", 10, &v), -EINVAL);
        assert_int_eq(parse_uint("1 ", 10, &v), -EINVAL);

        assert_ok(parse_hex("0x10de", 0xffff, &v));
        assert_int_eq(v, 0x10de);
        assert_ok(parse_hex("10DE", 0xffff, &v));
        assert_int_eq(v, 0x10de);
        assert_ok(parse_hex("ffffffffffffffff", UINT64_MAX, &v));
        assert_true(v == UINT64_MAX);
        assert_ok(parse_hex("00000000000000000001", 1, &v));
        assert_int_eq(parse_hex("10000000000000000", UINT64_MAX, &v), -ERANGE);
        assert_int_eq(parse_hex("10000", 0xffff, &v), -ERANGE);
        assert_int_eq(parse_hex("0x", 1, &v), -EINVAL);
        assert_int_eq(parse_hex("", 1, &v), -EINVAL);
        assert_int_eq(parse_hex("1g", 0xffff, &v), -EINVAL);
        assert_int_eq(parse_hex("0x0x1", 0xffff, &v), -EINVAL);
}

TEST(spans)
{
        static const struct {
                const char *text;
                uint64_t usec;
        } good[] = {
                { "90", 90000000 },           { "0", 0 },
                { "2min 30s", 150000000 },    { "2min30s", 150000000 },
                { "500ms", 500000 },          { "1 h", 3600000000 },
                { " 5s ", 5000000 },          { "1d", 86400000000 },
                { "3 seconds 1us", 3000001 },
        };
        static const char *const bad[] = {
                "", " ", "s", "5x", "-5", "5s 10", "10 5s", "1,5s", "5 s m", "infinity", "5S"
        };
        uint64_t v;

        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                assert_ok(parse_span(good[i].text, &v));
                assert_int_eq(v, good[i].usec);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                if (parse_span(bad[i], &v) != -EINVAL)
                        test_fail("\"%s\" was accepted", bad[i]);
        assert_int_eq(parse_span("18446744073709551615s", &v), -ERANGE);
        assert_int_eq(parse_span("18446744073709551615us 1us", &v), -ERANGE);
        assert_int_eq(parse_span("99999999999999999999999999s", &v), -ERANGE);
}

TEST(sizes)
{
        char buf[SIZE_FORMAT_MAX];

        assert_str_eq(size_format(0, buf), "0");
        assert_str_eq(size_format(512, buf), "512");
        assert_str_eq(size_format(1 << 20, buf), "1M");
        assert_str_eq(size_format(UINT64_C(1536) << 20, buf), "1536M");
        assert_str_eq(size_format(UINT64_C(16) << 30, buf), "16G");
        assert_str_eq(size_format(UINT64_C(1) << 63, buf), "8388608T");
        assert_str_eq(size_format(UINT64_MAX, buf), "18446744073709551615");
}

TEST(uuids)
{
        assert_true(uuid_valid("0a1b2c3d-1111-2222-3333-444455556666"));
        assert_true(uuid_valid("0A1B2C3D-1111-2222-3333-44445555666F"));
        assert_false(uuid_valid(""));
        assert_false(uuid_valid("0a1b2c3d-1111-2222-3333-44445555666"));
        assert_false(uuid_valid("0a1b2c3d-1111-2222-3333-4444555566667"));
        assert_false(uuid_valid("0a1b2c3d11112222333344445555666600000"));
        assert_false(uuid_valid("../../../../../../../../../../../etc"));
        assert_false(uuid_valid("0a1b2c3g-1111-2222-3333-444455556666"));
}

TEST(vectors)
{
        _cleanup_strv_ char **v = NULL, **copy = NULL, **empty = NULL;
        _cleanup_free_ char *joined = NULL, *nothing = NULL;

        assert_int_eq(strv_length(NULL), 0);
        assert_false(strv_contains(NULL, "a"));
        strv_sort(NULL);
        assert_ok(strv_split(" b\t a\n\r\nc  ", &v));
        assert_int_eq(strv_length(v), 3);
        assert_ok(strv_append(&v, ""));
        strv_sort(v);
        joined = strv_join(v, ", ");
        assert_str_eq(joined, ", a, b, c");
        assert_true(strv_contains(v, "a"));
        assert_false(strv_contains(v, "aa"));
        copy = strv_copy(v);
        assert_int_eq(strv_length(copy), 4);
        assert_str_eq(copy[3], "c");
        assert_ok(strv_split("  ", &empty));
        assert_null(empty);
        nothing = strv_join(NULL, ",");
        assert_str_eq(nothing, "");
        empty = strv_copy(NULL);
        assert_int_eq(strv_length(empty), 0);
        assert_null(strv_free(NULL));
}

TEST(escapes)
{
        static const char *const bad[] = { "\\",    "a\\",   "\\q",   "\\x",  "\\x0", "\\x00", "\\x41",
                                           "\\x0a", "\\x1B", "\\x7F", "a\nb", "\t",   "\x7f" };
        _cleanup_free_ char *escaped = NULL;
        char all[256], *back;

        for (int i = 0; i < 255; i++)
                all[i] = (char) (i + 1);
        all[255] = '\0';
        escaped = text_escape(all);
        for (const char *p = escaped; *p; p++)
                assert_true((unsigned char) *p >= 0x20 && *p != 0x7f);
        assert_ok(text_unescape(escaped, &back));
        assert_str_eq(back, all);
        free(back);
        free(escaped);
        escaped = text_escape("a\\b\tc\nd\x1b");
        assert_str_eq(escaped, "a\\\\b\\tc\\nd\\x1b");
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                if (text_unescape(bad[i], &back) != -EINVAL)
                        test_fail("\"%s\" was accepted", bad[i]);
}

static void cleaned(const char *text, const char *wanted)
{
        char buf[64];

        strcpy(buf, text);
        text_clean(buf);
        assert_str_eq(buf, wanted);
}

TEST(clean_text)
{
        cleaned("", "");
        cleaned("plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \\x1b[31m %s",
                "plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \\x1b[31m %s");
        cleaned("a\nb\tc\rd\033[31m\177", "a?b?c?d?[31m?");
        cleaned("\xc2\x9b"
                "31m \xc2\x80 \xc2\xa0",
                "??31m ?? \xc2\xa0"); /* ESC [ in one character */
        cleaned("\xff a\x80 \xc0\xaf \xe0\x80\xaf \xed\xa0\x80 \xf4\x90\x80\x80", "? a? ?? ??? ??? ????");
        cleaned("cut \xc3", "cut ?");
        cleaned("cut \xe2\x82", "cut ??");
        cleaned("cut \xf0\x9f\x98", "cut ???");
        cleaned("\xe2\n\xac", "???");
}

TEST(faults)
{
        Fault f = { 0 };

        assert_int_eq(fault_default(&f, -EBUSY, "0000:01:00.0", "%s is busy", "a\nb\x1b"), -EBUSY);
        assert_str_eq(f.text, "a?b? is busy");
        assert_str_eq(f.culprit, "0000:01:00.0");
        assert_int_eq(fault_default(&f, -EIO, NULL, "other"), -EBUSY);
        assert_int_eq(fault_prefix(&f, "driver %s", "x"), -EBUSY);
        assert_str_eq(f.text, "driver x: a?b? is busy");
        assert_int_eq(fault_set(&f, -EIO, NULL, "%0*d", 5000, 1), -EIO); /* cut, still a string */
        assert_int_eq(strlen(f.text), sizeof(f.text) - 1);
        assert_int_eq(fault_prefix(&f, "p"), -EIO);
        assert_true(startswith(f.text, "p: 000"));
        assert_int_eq(fault_set(NULL, -EIO, NULL, "x"), -EIO);
        assert_str_eq(fault_errno(-EBUSY), "Device or resource busy (EBUSY)");
}

TEST(deadlines)
{
        assert_int_eq(usec_to_poll(0), 0);
        assert_int_eq(usec_to_poll(now_usec()), 0);
        assert_int_eq(usec_to_poll(UINT64_MAX), INT_MAX);
        /* rounded up: no spinning in the last millisecond (which may pass between the two clocks' readings) */
        for (int i = 0, r = 0; i < 100 && r == 0; i++) {
                r = usec_to_poll(now_usec() + 500);
                assert_true(r == 1 || (r == 0 && i < 99));
        }
        assert_true(usec_to_poll(now_usec() + 60 * USEC_PER_SEC) > 50000);
}

TEST(read_files)
{
        char *data;
        size_t size;
        int fd;

        setup();
        assert_ok(write_file_atomic_at(dir_fd, "small", 0640, "a\0b", 3));
        assert_ok(read_file_at(dir_fd, "small", 3, &data, &size));
        assert_int_eq(size, 3);
        assert_true(memcmp(data, "a\0b", 4) == 0);
        free(data);
        assert_int_eq(read_file_at(dir_fd, "small", 2, &data, &size), -EFBIG);
        assert_int_eq(read_file_at(dir_fd, "absent", 2, &data, &size), -ENOENT);
        assert_int_eq(read_file_at(dir_fd, ".", 2, &data, &size), -EISDIR);
        assert_ok(symlinkat("small", dir_fd, "link"));
        assert_int_eq(read_file_at(dir_fd, "link", 9, &data, &size), -ELOOP);
        assert_ok(mkfifoat(dir_fd, "fifo", 0600));
        assert_int_eq(read_file_at(dir_fd, "fifo", 9, &data, &size), -EINVAL);
        assert_int_eq(read_file_at(AT_FDCWD, "/dev/null", 9, &data, &size), -EINVAL);

        fd = openat(dir_fd, "big", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        for (int i = 0; i < 300; i++)
                assert_ok(write_all(fd, "0123456789012345678901234567890123456789", 40));
        (void) close(fd);
        for (size_t max = 12000; max < 12003; max++) {
                assert_ok(read_file_at(dir_fd, "big", max, &data, &size));
                assert_int_eq(strlen(data), 12000);
                free(data);
        }
        assert_int_eq(read_file_at(dir_fd, "big", 11999, &data, NULL), -EFBIG);
        assert_ok(write_file_atomic_at(dir_fd, "none", 0600, "", 0));
        assert_ok(read_file_at(dir_fd, "none", 0, &data, &size));
        assert_str_eq(data, "");
        free(data);
        assert_int_eq(read_file_at(AT_FDCWD, "/proc/self/maps", 100, &data, NULL), -EFBIG); /* st_size is 0 there */
        assert_ok(read_file_at(AT_FDCWD, "/proc/self/maps", 1 << 20, &data, NULL));
        free(data);
}

TEST(write_atomically)
{
        struct stat st;
        char *data;
        mode_t mask;

        setup();
        mask = umask(077);
        assert_ok(write_file_atomic_at(dir_fd, "f", 0644, "old", 3));
        (void) umask(mask);
        assert_ok(fstatat(dir_fd, "f", &st, 0));
        assert_int_eq(st.st_mode & 07777, 0644);
        assert_ok(write_file_atomic_at(dir_fd, "f", 0600, "new", 3));
        assert_ok(read_file_at(dir_fd, "f", 10, &data, NULL));
        assert_str_eq(data, "new");
        free(data);

        assert_ok(mkdirat(dir_fd, "d", 0700));
        assert_int_eq(write_file_atomic_at(dir_fd, "d", 0600, "x", 1), -EISDIR);
        assert_int_eq(write_file_atomic_at(dir_fd, "absent/f", 0600, "x", 1), -ENOENT);
        assert_ok(write_file_atomic_at(dir_fd, "d/f", 0600, "x", 1));
        assert_ok(unlinkat(dir_fd, "d/f", 0));
        assert_ok(unlinkat(dir_fd, "d", AT_REMOVEDIR)); /* nothing was left in it, nor beside it: see cleanup */
}

TEST(read_until_a_deadline)
{
        uint64_t start = now_usec();
        char *data;
        size_t size;
        int p[2];

        assert_ok(pipe2(p, O_CLOEXEC));
        assert_ok(write_all(p[1], "abc", 3));
        assert_int_eq(read_fd_deadline(p[0], 100, start + 100 * USEC_PER_MSEC, &data, &size), -ETIMEDOUT);
        assert_true(now_usec() - start >= 100 * USEC_PER_MSEC && now_usec() - start < 2 * USEC_PER_SEC);
        assert_false(fcntl(p[0], F_GETFL) & O_NONBLOCK); /* not changed for the others who have it */

        assert_ok(write_all(p[1], "abc", 3));
        assert_int_eq(read_fd_deadline(p[0], 2, now_usec() + USEC_PER_SEC, &data, &size), -EFBIG);
        assert_ok(write_all(p[1], "abc", 3));
        (void) close(p[1]);
        assert_ok(read_fd_deadline(p[0], 3, now_usec() + USEC_PER_SEC, &data, &size));
        assert_int_eq(size, 3);
        assert_str_eq(data, "abc");
        free(data);
        (void) close(p[0]);
        assert_int_eq(read_fd_deadline(p[0], 3, now_usec() + USEC_PER_SEC, &data, &size), -EBADF);
        assert_int_eq(read_fd_deadline(-1, 3, now_usec() + USEC_PER_SEC, &data, &size), -EBADF);
}

/* A writer that never stops is no reason to stay. */
TEST(read_an_endless_pipe)
{
        uint64_t start = now_usec();
        int p[2], status;
        char *data;
        pid_t pid;

        assert_ok(pipe2(p, O_CLOEXEC));
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                static const char zeros[4096];

                (void) close(p[0]);
                while (write(p[1], zeros, 100) > 0)
                        (void) poll(NULL, 0, 1);
                _exit(0);
        }
        (void) close(p[1]);
        assert_int_eq(read_fd_deadline(p[0], SIZE_MAX, start + 200 * USEC_PER_MSEC, &data, NULL), -ETIMEDOUT);
        assert_true(now_usec() - start < 5 * USEC_PER_SEC);
        (void) close(p[0]);
        assert_true(waitpid(pid, &status, 0) == pid);
}

TEST(read_what_never_ends)
{
        int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
        char *data;

        assert_int_eq(read_fd_deadline(fd, 1 << 20, now_usec(), &data, NULL), -ETIMEDOUT);
        (void) close(fd);
}

/* Somebody else reads the same pipe, and is often the faster one. */
TEST(read_with_a_thief)
{
        uint64_t start = now_usec();
        int p[2], r;
        char *data;
        pid_t pids[2];

        assert_ok(pipe2(p, O_CLOEXEC));
        for (int i = 0; i < 2; i++) {
                pids[i] = fork();
                assert_true(pids[i] >= 0);
                if (pids[i] == 0) {
                        char c = 'x';

                        while (i == 0 ? write(p[1], &c, 1) > 0 : read(p[0], &c, 1) > 0)
                                if (i == 0 && now_usec() > start + 150 * USEC_PER_MSEC)
                                        (void) pause(); /* falls silent, but does not hang up */
                        _exit(0);
                }
        }
        do
                r = read_fd_deadline(p[0], 10000, start + 300 * USEC_PER_MSEC, &data, NULL);
        while (r == -EFBIG);
        assert_int_eq(r, -ETIMEDOUT);
        assert_true(now_usec() - start < 5 * USEC_PER_SEC);
        for (int i = 0; i < 2; i++) {
                (void) kill(pids[i], SIGKILL);
                assert_true(waitpid(pids[i], NULL, 0) == pids[i]);
        }
        (void) close(p[0]);
        (void) close(p[1]);
}

TEST(cleanup)
{
        static const char *const files[] = { "small", "link", "fifo", "big", "none", "f" };

        setup();
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                (void) unlinkat(dir_fd, files[i], 0);
        (void) close(dir_fd);
        assert_ok(rmdir(dir)); /* fails when a temporary file was left behind */
}

TEST_MAIN
