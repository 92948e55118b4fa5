// SPDX-License-Identifier: LGPL-2.1-or-later
/* Looks at the host, for lib.sh: under TCG a process costs a tenth of a second, and a look by a shell is twenty of
 * them.
 *
 * `look read FILE...`: the text of files that may block on reading (uevent, driver_override), one a line; "absent" for
 * one that is not there, BLOCKED for one that does not answer within 3 s, and for those after it.
 *
 * `look up WORD GLOB`: does a process with WORD in its command line run, and has one a file open that fits GLOB?
 *
 * `look state FUNCTION...`: what a hand-over may touch of the host, as lines in a fixed order; the units are
 * systemctl's to tell. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fnmatch.h>
#include <glob.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char **lines;
static size_t n_lines;

static void keep(const char *format, ...)
{
        va_list ap;

        lines = realloc(lines, (n_lines + 1) * sizeof(*lines));
        va_start(ap, format);
        if (!lines || vasprintf(&lines[n_lines++], format, ap) < 0)
                abort();
        va_end(ap);
}

static int by_text(const void *a, const void *b)
{
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* What was kept, sorted, each line once. */
static void print_kept(void)
{
        qsort(lines, n_lines, sizeof(*lines), by_text);
        for (size_t i = 0; i < n_lines; i++)
                if (i == 0 || strcmp(lines[i], lines[i - 1]) != 0)
                        puts(lines[i]);
        for (size_t i = 0; i < n_lines; i++)
                free(lines[i]);
        n_lines = 0;
}

/* The first line of a file that does not block; false when there is none. */
static bool first_line(const char *path, char *ret, size_t size)
{
        FILE *f = fopen(path, "re");
        bool got = f && fgets(ret, (int) size, f);

        if (f)
                fclose(f);
        if (got)
                ret[strcspn(ret, "\n")] = '\0';
        return got;
}

/* The last part of what a link shows to; "none" when there is no link. */
static const char *link_name(const char *path, char *buffer, size_t size)
{
        ssize_t n = readlink(path, buffer, size - 1);

        if (n < 0)
                return "none";
        buffer[n] = '\0';
        return strrchr(buffer, '/') ? strrchr(buffer, '/') + 1 : buffer;
}

/* By a child, which stays behind when the kernel does not let it go. */
static bool read_bounded(const char *path, char *ret, size_t size)
{
        struct pollfd answer = { .events = POLLIN };
        int ends[2];
        ssize_t n;

        if (pipe(ends) < 0)
                abort();
        fflush(stdout);
        if (fork() == 0) {
                close(STDOUT_FILENO); /* a pipe of the caller's would never end */
                close(STDERR_FILENO);
                if (access(path, F_OK) < 0)
                        strcpy(ret, "absent");
                else if (!first_line(path, ret, size))
                        ret[0] = '\0';
                (void) !write(ends[1], ret, strlen(ret) + 1);
                _exit(0);
        }
        close(ends[1]);
        answer.fd = ends[0];
        n = poll(&answer, 1, 3000) == 1 ? read(ends[0], ret, size - 1) : -1;
        close(ends[0]);
        ret[n > 0 ? n : 0] = '\0';
        return n > 0;
}

static void read_all(char **paths, size_t n, char **ret)
{
        bool blocked = false;

        for (size_t i = 0; i < n; i++) {
                char text[4096];

                blocked = blocked || !read_bounded(paths[i], text, sizeof(text));
                ret[i] = strdup(blocked ? "BLOCKED" : text);
        }
}

static void say_functions(char **names, size_t n)
{
        static const char *const attributes[] = { "power/control", "d3cold_allowed", "reset_method" };
        char *paths[n], *overrides[n];

        for (size_t i = 0; i < n; i++)
                if (asprintf(&paths[i], "/sys/bus/pci/devices/%s/driver_override", names[i]) < 0)
                        abort();
        read_all(paths, n, overrides);
        for (size_t i = 0; i < n; i++) {
                char path[256], text[256];

                snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", names[i]);
                printf("function %s driver=%s override=%s", names[i], link_name(path, text, sizeof(text)),
                       overrides[i]);
                for (size_t k = 0; k < sizeof(attributes) / sizeof(*attributes); k++) {
                        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", names[i], attributes[k]);
                        if (!first_line(path, text, sizeof(text)))
                                strcpy(text, access(path, F_OK) < 0 ? "absent" : "");
                        for (char *p = text; (p = strchr(p, ' '));)
                                *p = ',';
                        printf(" %s=%s", strrchr(attributes[k], '/') ? "control" : attributes[k], text);
                }
                putchar('\n');
                free(paths[i]);
                free(overrides[i]);
        }
}

static void say_modules(void)
{
        static const char *const modules[] = { "nvidia", "nvidia_modeset", "nvidia_uvm", "nvidia_drm",
                                               "amdgpu", "nouveau",        "bochs",      "snd_hda_intel" };
        char path[256], text[256];

        for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++) {
                snprintf(path, sizeof(path), "/sys/module/%s/initstate", modules[i]);
                if (first_line(path, text, sizeof(text)))
                        printf("module %s %s\n", modules[i], text);
        }
}

static void say_consoles(void)
{
        char path[512], name[256], bind[256], text[256];
        glob_t g;
        FILE *fb;

        glob("/sys/class/vtconsole/*", 0, NULL, &g);
        for (size_t i = 0; i < g.gl_pathc; i++) {
                snprintf(path, sizeof(path), "%s/name", g.gl_pathv[i]);
                if (!first_line(path, name, sizeof(name)))
                        continue;
                snprintf(path, sizeof(path), "%s/bind", g.gl_pathv[i]);
                if (first_line(path, bind, sizeof(bind)))
                        keep("vtcon %s bind=%s", name, bind);
        }
        globfree(&g);
        print_kept();
        fb = fopen("/proc/fb", "re");
        while (fb && fgets(text, sizeof(text), fb)) {
                text[strcspn(text, "\n")] = '\0';
                printf("fb %s\n", strchr(text, ' ') ? strchr(text, ' ') + 1 : text);
        }
        if (fb)
                fclose(fb);
        glob("/sys/bus/platform/devices/*framebuffer*", 0, NULL, &g);
        glob("/sys/bus/platform/devices/*simpledrm*", GLOB_APPEND, NULL, &g);
        for (size_t i = 0; i < g.gl_pathc; i++) {
                snprintf(path, sizeof(path), "%s/driver", g.gl_pathv[i]);
                printf("platform %s driver=%s\n", strrchr(g.gl_pathv[i], '/') + 1, link_name(path, text, sizeof(text)));
        }
        globfree(&g);
}

#define MAX_CARDS 64
static char *drm[MAX_CARDS]; /* the PCI address behind /dev/dri/cardN */

static void say_drm(void)
{
        char path[512], text[256];
        glob_t g;

        glob("/sys/class/drm/card*", 0, NULL, &g);
        for (size_t i = 0; i < g.gl_pathc; i++) {
                int n = atoi(strrchr(g.gl_pathv[i], '/') + strlen("/card"));

                snprintf(path, sizeof(path), "%s/dev", g.gl_pathv[i]);
                if (access(path, F_OK) < 0 || n < 0 || n >= MAX_CARDS)
                        continue;
                snprintf(path, sizeof(path), "%s/device", g.gl_pathv[i]);
                drm[n] = strdup(link_name(path, text, sizeof(text)));
                keep("drm %s", drm[n]);
        }
        globfree(&g);
        print_kept();
}

static void say_holder(int pid, const char *node)
{
        char path[64], comm[64];

        snprintf(path, sizeof(path), "/proc/%d/comm", pid);
        if (!first_line(path, comm, sizeof(comm)) || strstr(comm, "udev"))
                return; /* gone meanwhile, or nobody who stays */
        for (char *p = comm; (p = strchr(p, ' '));)
                *p = '_';
        if (strncmp(node, "/dev/dri/card", 13) == 0) {
                int n = atoi(node + 13);

                keep("holder drm %s %s", n >= 0 && n < MAX_CARDS && drm[n] ? drm[n] : "gone", comm);
        } else
                keep("holder %s %s", node, comm);
}

/* Calls back for each process, and for each file that one has open. */
static void each_process(void (*process)(int pid), void (*node)(int pid, const char *path))
{
        DIR *proc = opendir("/proc");
        struct dirent *p, *f;

        while (proc && (p = readdir(proc))) {
                char path[300], target[256];
                int pid = atoi(p->d_name);
                DIR *fds;

                if (pid <= 0)
                        continue;
                if (process)
                        process(pid);
                snprintf(path, sizeof(path), "/proc/%d/fd", pid);
                fds = opendir(path);
                while (fds && (f = readdir(fds))) {
                        ssize_t n = readlinkat(dirfd(fds), f->d_name, target, sizeof(target) - 1);

                        target[n > 0 ? n : 0] = '\0';
                        node(pid, target);
                }
                if (fds)
                        closedir(fds);
        }
        if (proc)
                closedir(proc);
}

static void keep_holder(int pid, const char *node)
{
        if (fnmatch("/dev/dri/*", node, 0) == 0 || fnmatch("/dev/nvidia*", node, 0) == 0 ||
            fnmatch("/dev/vfio/[0-9]*", node, 0) == 0)
                say_holder(pid, node);
}

static const char *wanted_word, *wanted_node;
static bool has_word, has_node;

static void look_for_word(int pid)
{
        char path[64], text[4096];
        FILE *f;
        size_t n = 0;

        snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
        f = pid == getpid() ? NULL : fopen(path, "re");
        if (f) {
                n = fread(text, 1, sizeof(text), f);
                fclose(f);
        }
        has_word = has_word || memmem(text, n, wanted_word, strlen(wanted_word));
}

static void look_for_node(int pid, const char *node)
{
        (void) pid;
        has_node = has_node || fnmatch(wanted_node, node, 0) == 0;
}

/* Transactions and journals set aside; the lock, the spool and the last failures may be there. */
static void say_transactions(void)
{
        struct stat st;
        glob_t g;

        glob("/run/hookd-txn/*-*-*", 0, NULL, &g);
        for (size_t i = 0; i < g.gl_pathc; i++)
                if (stat(g.gl_pathv[i], &st) == 0 && S_ISDIR(st.st_mode))
                        printf("txn %s\n", strrchr(g.gl_pathv[i], '/') + 1);
        globfree(&g);
}

int main(int argc, char **argv)
{
        if (argc >= 2 && strcmp(argv[1], "read") == 0) {
                char *texts[argc];

                read_all(argv + 2, (size_t) argc - 2, texts);
                for (int i = 0; i < argc - 2; i++)
                        puts(texts[i]);
                return 0;
        }
        if (argc == 4 && strcmp(argv[1], "up") == 0) {
                wanted_word = argv[2];
                wanted_node = argv[3];
                each_process(look_for_word, look_for_node);
                return has_word && has_node ? 0 : 1;
        }
        if (argc < 2 || strcmp(argv[1], "state") != 0)
                return 2;
        say_functions(argv + 2, (size_t) argc - 2);
        say_modules();
        say_consoles();
        say_drm();
        each_process(NULL, keep_holder);
        print_kept();
        say_transactions();
        return 0;
}
