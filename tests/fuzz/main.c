/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz/fuzz.h"

#include "util/fd.h"

#include <dirent.h>
#include <fcntl.h>

static unsigned long n_inputs;

/* The file, each of its beginnings (a few hundred at most), and it with single bytes changed: what the corpus found
 * once, and its surroundings. In blocks of their exact size, so that the sanitizers see a read beyond. */
static void run(const char *data, size_t size)
{
        size_t stride = MAX(size / 250, (size_t) 1);

        for (size_t i = 0; i <= size; i += i < size && i + stride > size ? size - i : stride) {
                _cleanup_free_ char *head = malloc(MAX(i, (size_t) 1)), *changed = malloc(MAX(size, (size_t) 1));

                CHECK(head && changed);
                memcpy(head, data, i);
                memcpy(changed, data, size);
                if (i < size)
                        changed[i] ^= (char) (1 << i % 8);
                fuzz_one(head, i);
                fuzz_one(changed, size);
                n_inputs += 2;
        }
}

static int run_path(int dirfd, const char *path)
{
        _cleanup_free_ char *data = NULL;
        struct dirent **list;
        size_t size;
        int n, r, fd;

        r = read_file_at(dirfd, path, 1 << 24, &data, &size);
        if (r == 0)
                run(data, size);
        if (r != -EISDIR)
                return r;
        n = scandirat(dirfd, path, &list, NULL, alphasort);
        fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CHECK(n >= 0 && fd >= 0);
        r = 0;
        for (int i = 0; i < n; i++) {
                if (r == 0 && list[i]->d_name[0] != '.')
                        r = run_path(fd, list[i]->d_name);
                free(list[i]);
        }
        free(list);
        (void) close(fd);
        return r;
}

int main(int argc, char **argv)
{
        for (int i = 1; i < argc; i++) {
                int r = run_path(AT_FDCWD, argv[i]);

                if (r < 0) {
                        (void) fprintf(stderr, "%s: %s\n", argv[i], strerror(-r));
                        return 1;
                }
        }
        (void) printf("%lu inputs\n", n_inputs);
        return n_inputs > 0 ? 0 : 1;
}
