/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/host-real.h"
#include "util/fd.h"

#include "test.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

static char node[64];

static Host *host(void)
{
        Host *h = NULL;
        Fault f = {};
        int fd;

        assert_ok(host_new("/", &h, &f));
        h->deadline = now_usec() + 30 * USEC_PER_SEC;
        (void) snprintf(node, sizeof(node), "/var/tmp/hookd-node-XXXXXX");
        fd = mkstemp(node);
        assert_ok(fd);
        assert_ok(ftruncate(fd, 4096));
        closep(&fd);
        return h;
}

static void done(Host *h)
{
        (void) unlink(node);
        (void) host_free(h);
}

/* Runs fn, which says through the pipe that it is ready, and waits for that. */
static pid_t child(void (*fn)(int ready))
{
        int p[2];
        char c;
        pid_t pid;

        assert_ok(pipe2(p, O_CLOEXEC));
        pid = fork();
        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                fn(p[1]);
                _exit(0);
        }
        closep(&p[1]);
        assert_int_eq(read(p[0], &c, 1), 1);
        closep(&p[0]);
        return pid;
}

static void end(pid_t pid)
{
        (void) kill(pid, SIGKILL);
        (void) waitpid(pid, NULL, 0);
}

static void ready_and_wait(int ready)
{
        (void) !write(ready, "", 1);
        for (;;)
                (void) pause();
}

static void opens(int ready)
{
        (void) prctl(PR_SET_NAME, "a) b (c 1");
        (void) !open(node, O_RDONLY);
        ready_and_wait(ready);
}

static void opens_twice(int ready)
{
        (void) !open(node, O_RDONLY);
        opens(ready);
}

static void maps(int ready)
{
        int fd = open(node, O_RDWR);

        (void) mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
        (void) close(fd);
        ready_and_wait(ready);
}

static void opens_nothing(int ready)
{
        ready_and_wait(ready);
}

static void *thread(void *arg)
{
        (void) unshare(CLONE_FILES);
        (void) !open(node, O_RDONLY);
        ready_and_wait(*(int *) arg);
        return NULL;
}

static void opens_in_a_thread(int ready)
{
        pthread_t t;

        (void) pthread_create(&t, NULL, thread, &ready);
        (void) pthread_join(t, NULL);
}

/* The holders of the node that are `pid`'s; at most one. */
static bool find(Host *h, const char *const *nodes, pid_t pid, HostHolder *ret)
{
        HostHolder *list = NULL;
        size_t n = 0, found = 0;

        assert_ok(host_holders(h, (char *const *) nodes, &list, &n));
        *ret = (HostHolder){};
        for (size_t i = 0; i < n; i++)
                if (list[i].pid == pid) {
                        *ret = list[i];
                        list[i] = (HostHolder){};
                        found++;
                }
        (void) holders_free(list, n);
        assert_true(found <= 1);
        return found == 1;
}

TEST(open_file)
{
        Host *h = host();
        pid_t pid = child(opens_twice), other = child(opens_nothing);
        HostHolder x;

        assert_true(find(h, (const char *[]){ "/dev/nvidia99", node, NULL }, pid, &x));
        assert_str_eq(x.node, node);
        assert_str_eq(x.comm, "a) b (c 1");
        assert_int_eq(x.uid, getuid());
        assert_false(x.mapped);
        assert_true(x.start_time > 0);
        assert_not_null(x.cgroup);
        host_holder_clear(&x);
        assert_false(find(h, (const char *[]){ node, NULL }, other, &x));
        assert_false(find(h, (const char *[]){ "/dev/nvidia99", NULL }, pid, &x));
        end(pid);
        assert_false(find(h, (const char *[]){ node, NULL }, pid, &x));
        end(other);
        done(h);
}

TEST(mapped_file)
{
        Host *h = host();
        pid_t pid = child(maps);
        HostHolder x;

        assert_true(find(h, (const char *[]){ node, NULL }, pid, &x));
        assert_true(x.mapped);
        assert_str_eq(x.node, node);
        host_holder_clear(&x);
        end(pid);
        done(h);
}

TEST(own_descriptors_of_a_thread)
{
        Host *h = host();
        pid_t pid = child(opens_in_a_thread);
        HostHolder x;

        assert_true(find(h, (const char *[]){ node, NULL }, pid, &x));
        host_holder_clear(&x);
        end(pid);
        done(h);
}

TEST(several_nodes)
{
        Host *h = host();
        pid_t pid = child(opens);
        HostHolder *list = NULL;
        char link[80];
        size_t n = 0;

        (void) snprintf(link, sizeof(link), "%s-other", node);
        assert_ok(symlink(node, link)); /* another name, no other open file */
        assert_ok(host_holders(h, (char *[]){ link, node, NULL }, &list, &n));
        assert_int_eq(n, 1);
        assert_str_eq(list[0].node, node);
        (void) holders_free(list, n);
        assert_ok(unlink(link));
        assert_ok(host_holders(h, NULL, &list, &n));
        assert_int_eq(n, 0);
        end(pid);
        done(h);
}

static char dev_folder[64], other_name[128];

static void opens_other_name(int ready)
{
        (void) !open(other_name, O_RDONLY);
        ready_and_wait(ready);
}

TEST(device_by_number)
{
        Host *h = host();
        char name[128], path[96];
        HostHolder x;
        pid_t pid;
        int r;

        (void) snprintf(dev_folder, sizeof(dev_folder), "/var/tmp/hookd-dev-XXXXXX");
        assert_not_null(mkdtemp(dev_folder));
        (void) snprintf(path, sizeof(path), "%s/dev", dev_folder);
        assert_ok(mkdir(path, 0700));
        (void) snprintf(name, sizeof(name), "%s/a", path);
        (void) snprintf(other_name, sizeof(other_name), "%s/b", path);
        r = mknod(name, S_IFCHR | 0600, makedev(1, 7)); /* as /dev/full, which nobody has open all day */
        if (r >= 0)
                r = mknod(other_name, S_IFCHR | 0600, makedev(1, 7));
        if (r >= 0) {
                r = open(other_name, O_RDONLY | O_CLOEXEC);
                closep(&r);
        }
        if (r >= 0) {
                pid = child(opens_other_name);
                assert_true(find(h, (const char *[]){ name, NULL }, pid, &x));
                assert_str_eq(x.node, name);
                host_holder_clear(&x);
                end(pid);
        }
        (void) unlink(name);
        (void) unlink(other_name);
        (void) rmdir(path);
        (void) rmdir(dev_folder);
        done(h);
        if (r < 0)
                test_skip("device files cannot be made or opened here");
}

TEST(signal_only_the_same_process)
{
        Host *h = host();
        pid_t pid = child(opens);
        HostHolder x;
        int status;

        assert_true(find(h, (const char *[]){ node, NULL }, pid, &x));
        x.start_time++; /* the pid has been given to another */
        assert_int_eq(host_signal(h, &x, SIGKILL), -ESRCH);
        x.start_time--;
        assert_ok(host_signal(h, &x, 0));
        assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
        assert_ok(host_signal(h, &x, SIGTERM));
        assert_int_eq(waitpid(pid, &status, 0), pid);
        assert_int_eq(WTERMSIG(status), SIGTERM);
        assert_int_eq(host_signal(h, &x, SIGTERM), -ESRCH);
        host_holder_clear(&x);
        done(h);
}

TEST(wait_for_an_exit)
{
        Host *h = host();
        pid_t pid = child(opens), stays = child(opens);
        HostHolder x[2];
        uint64_t start;

        assert_true(find(h, (const char *[]){ node, NULL }, pid, x));
        assert_true(find(h, (const char *[]){ node, NULL }, stays, x + 1));

        start = now_usec();
        assert_ok(host_wait(h, 0, x, 2, 50 * USEC_PER_MSEC)); /* the slice */
        assert_true(now_usec() - start >= 50 * USEC_PER_MSEC);

        assert_ok(kill(pid, SIGTERM));
        start = now_usec();
        assert_ok(host_wait(h, 0, x, 2, 20 * USEC_PER_SEC));
        assert_true(now_usec() - start < 10 * USEC_PER_SEC);

        (void) waitpid(pid, NULL, 0); /* gone for good: at once */
        start = now_usec();
        assert_ok(host_wait(h, 0, x, 2, 20 * USEC_PER_SEC));
        assert_true(now_usec() - start < 10 * USEC_PER_SEC);

        x[1].start_time++; /* another process by now */
        assert_ok(host_wait(h, 0, x + 1, 1, 20 * USEC_PER_SEC));
        assert_true(now_usec() - start < 10 * USEC_PER_SEC);
        end(stays);
        host_holder_clear(x);
        host_holder_clear(x + 1);
        done(h);
}

TEST(wait_ends)
{
        Host *h = host();
        uint64_t start = now_usec();
        int p[2];

        h->deadline = start + 50 * USEC_PER_MSEC;
        assert_int_eq(host_wait(h, 0, NULL, 0, UINT64_MAX), -ETIMEDOUT);
        assert_true(now_usec() - start < 10 * USEC_PER_SEC);
        assert_int_eq(host_wait(h, 0, NULL, 0, 1), -ETIMEDOUT);

        h->deadline = now_usec() + 30 * USEC_PER_SEC;
        assert_ok(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p));
        h->cancel_fd = p[0];
        assert_ok(host_wait(h, 0, NULL, 0, USEC_PER_MSEC));
        closep(&p[1]);
        start = now_usec();
        assert_int_eq(host_wait(h, 0, NULL, 0, 20 * USEC_PER_SEC), -ECANCELED);
        assert_true(now_usec() - start < 10 * USEC_PER_SEC);
        h->no_cancel = true;
        assert_ok(host_wait(h, 0, NULL, 0, USEC_PER_MSEC));
        closep(&p[0]);
        done(h);
}

/* In a network namespace of its own nobody else hears the event that we make up. */
static int uevents(Host *h)
{
        struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = 2 };
        uint64_t start = now_usec();
        int fd;

        if (unshare(CLONE_NEWNET) < 0)
                return 77;
        if (host_wait(h, WAIT_UEVENT, NULL, 0, 20 * USEC_PER_SEC) != 0 || now_usec() - start > 10 * USEC_PER_SEC)
                return 1; /* just opened: look again */
        start = now_usec();
        if (host_wait(h, WAIT_UEVENT, NULL, 0, 50 * USEC_PER_MSEC) != 0 || now_usec() - start < 50 * USEC_PER_MSEC)
                return 2; /* silence */
        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
        for (int i = 0; i < 3; i++)
                if (sendto(fd, "x", 1, 0, (struct sockaddr *) &to, sizeof(to)) < 0)
                        return 77;
        start = now_usec();
        if (host_wait(h, WAIT_UEVENT, NULL, 0, 20 * USEC_PER_SEC) != 0 || now_usec() - start > 10 * USEC_PER_SEC)
                return 3;
        start = now_usec();
        if (host_wait(h, WAIT_UEVENT, NULL, 0, 50 * USEC_PER_MSEC) != 0 || now_usec() - start < 50 * USEC_PER_MSEC)
                return 4; /* all three were taken out at once */
        return 0;
}

TEST(wait_for_a_uevent)
{
        Host *h = host();
        pid_t pid = fork();
        int status;

        if (pid == 0)
                _exit(uevents(h));
        assert_int_eq(waitpid(pid, &status, 0), pid);
        done(h);
        if (WEXITSTATUS(status) == 77)
                test_skip("no network namespace can be made here");
        assert_int_eq(status, 0);
}

TEST_MAIN
