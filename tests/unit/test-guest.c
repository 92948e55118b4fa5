/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include "model/guest.h"
#include "util/fd.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/resource.h>

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED true
#else
#define SANITIZED false
#endif

#define UUID    "73116F6F-f817-425f-bd60-4f93db371c39"
#define NAMED   "<domain><name>vm1</name><uuid>" UUID "</uuid>"
#define DOMAIN  NAMED "<devices>"
#define END     "</devices></domain>"
#define SOURCE  "<source><address domain='0x0000' bus='0x01' slot='0x00' function='0x1'/></source>"
#define PCI     "<hostdev mode='subsystem' type='pci' managed='yes'>"
#define AND_PCI PCI SOURCE "</hostdev>"
#define MDEV_ID "c2177883-f1bb-47f0-914d-32a22e3a8804"
#define AN_MDEV                                                                                  \
        "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='" MDEV_ID \
        "'/></source></hostdev>"

static Guest *parse(const char *xml)
{
        Guest *g = NULL;
        Fault f = { 0 };

        if (guest_parse(xml, strlen(xml), &g, &f) < 0)
                test_fail("%s", f.text);
        assert_int_eq(f.code, 0);
        return g;
}

static void refuse(const char *xml, const char *why)
{
        _cleanup_(guest_freep) Guest *g = NULL;
        Fault f = { 0 };

        assert_int_eq(guest_parse(xml, strlen(xml), &g, &f), -EINVAL);
        assert_null(g);
        assert_int_eq(f.code, -EINVAL);
        assert_contains(f.text, why);
}

static void assert_pci(const GuestDevice *d, const char *wanted)
{
        char buf[PCI_FORMAT_MAX];

        assert_int_eq(d->type, GUEST_DEVICE_PCI);
        assert_str_eq(pci_format(&d->address, buf), wanted);
}

static Guest *parse_file(const char *name)
{
        _cleanup_free_ char *text = NULL, *path = NULL;
        size_t size;

        assert_true(asprintf(&path, TESTS_DIR "/unit/data/%s", name) > 0);
        assert_ok(read_file_at(AT_FDCWD, path, GUEST_XML_MAX, &text, &size));
        return parse(text);
}

TEST(what_libvirt_sends)
{
        static const char *const files[] = { "domain-prepare.xml", "domain-started.xml" };

        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                _cleanup_(guest_freep) Guest *g = parse_file(files[i]);

                assert_str_eq(g->name, "vm1");
                assert_str_eq(g->uuid, "73116f6f-f817-425f-bd60-4f93db371c39");
                assert_int_eq(g->n_devices, 2);
                assert_pci(&g->devices[0], "0000:01:00.0");
                assert_pci(&g->devices[1], "0000:01:00.1");
                assert_true(g->devices[0].managed);
                assert_false(g->devices[0].interface);
                assert_null(g->devices[0].driver);
        }
}

TEST(no_devices)
{
        _cleanup_(guest_freep) Guest *g = parse(NAMED "</domain>"), *h = parse(DOMAIN END);

        assert_int_eq(g->n_devices, 0);
        assert_int_eq(h->n_devices, 0);
        assert_str_eq(g->uuid, "73116f6f-f817-425f-bd60-4f93db371c39");
}

TEST(other_host_devices_are_passed_over)
{
        _cleanup_(guest_freep) Guest *g = parse(
                DOMAIN
                "<hostdev mode='subsystem' type='usb'><driver name='x'/><source><vendor id='0x1'/>"
                "<address bus='300' device='2'/></source></hostdev>"
                "<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/>"
                "<address bus='0' target='0' unit='0'/></source></hostdev>"
                "<hostdev mode='capabilities' type='storage'><source><block>/dev/sda</block></source></hostdev>"
                "<hostdev/><interface type='network'><source network='default'/><driver name='vhost'/></interface>"
                "<interface type='hostdev'><source><address type='usb' bus='1'/></source><driver name='x'/>"
                "</interface>" AN_MDEV AND_PCI END);

        assert_int_eq(g->n_devices, 2);
        assert_int_eq(g->devices[0].type, GUEST_DEVICE_MDEV);
        assert_str_eq(g->devices[0].uuid, MDEV_ID);
        assert_false(g->devices[0].managed);
        assert_pci(&g->devices[1], "0000:01:00.1");
}

TEST(interfaces)
{
        _cleanup_(guest_freep) Guest *g = parse(
                DOMAIN "<interface type='hostdev' managed='yes'><driver name='vfio'/><mac address='52:54:00:6d:90:02'/>"
                       "<source><address type='pci' domain='0x0000' bus='0x03' slot='0x10' function='0x7'/></source>"
                       "<address type='pci' domain='0x0000' bus='0x00' slot='0x04' function='0x0'/></interface>" END);

        assert_int_eq(g->n_devices, 1);
        assert_pci(&g->devices[0], "0000:03:10.7");
        assert_true(g->devices[0].interface);
        assert_true(g->devices[0].managed);
        assert_null(g->devices[0].driver);
}

static void driver(const char *element, const char *wanted)
{
        _cleanup_free_ char *xml = NULL;
        _cleanup_(guest_freep) Guest *g = NULL;

        assert_true(asprintf(&xml, DOMAIN PCI "%s" SOURCE "</hostdev>" END, element) > 0);
        g = parse(xml);
        assert_str_eq(g->devices[0].driver, wanted);
}

TEST(drivers)
{
        driver("<driver name='vfio'/>", NULL);
        driver("<driver name='kvm'/>", NULL);
        driver("<driver/>", NULL);
        driver("<driver name='vfio' model='mlx5_vfio_pci'/>", "mlx5_vfio_pci");
        driver("<driver model='vfio-pci'/>", "vfio-pci");
        driver("<driver name='mlx5_vfio_pci'/>", "mlx5_vfio_pci");
        driver("<driver model='a'/><driver model='b'/>", "a");
}

static void address(const char *element, const char *wanted)
{
        _cleanup_free_ char *xml = NULL;
        _cleanup_(guest_freep) Guest *g = NULL;

        assert_true(asprintf(&xml, DOMAIN PCI "<source>%s</source></hostdev>" END, element) > 0);
        g = parse(xml);
        assert_pci(&g->devices[0], wanted);
}

static void bad_address(const char *element, const char *why)
{
        _cleanup_free_ char *xml = NULL;

        assert_true(asprintf(&xml, DOMAIN "\n\n" PCI "<source>%s</source></hostdev>" END, element) > 0);
        refuse(xml, why);
}

TEST(addresses)
{
        address("<address domain='0' bus='10' slot='3' function='0'/>", "0000:0a:03.0");
        address("<address domain='0x10000' bus='0xe1' slot='0x1f' function='0x7'/>", "10000:e1:1f.7");
        address("<address type='pci' bus='01' slot='00'/>", "0000:01:00.0");
        address("<address bus='012' slot='0X1'/>", "0000:0a:01.0");
        bad_address("", "line 3: this PCI device has no address");
        bad_address("<address/>", "line 3: the PCI address has no bus=");
        bad_address("<address bus='1'/>", "has no slot=");
        bad_address("<address bus='0x100' slot='0'/>", "bus='0x100'");
        bad_address("<address bus='1' slot='32'/>", "slot='32'");
        bad_address("<address bus='1' slot='0' function='8'/>", "function='8'");
        bad_address("<address bus='1' slot='0' domain='4294967296'/>", "domain=");
        bad_address("<address bus='-1' slot='0'/>", "bus='-1'");
        bad_address("<address bus=' 1' slot='0'/>", "bus=' 1'");
        bad_address("<address bus='1x' slot='0'/>", "bus='1x'");
        bad_address("<address bus='' slot='0'/>", "bus=''");
        bad_address("<address bus='99999999999999999999999999' slot='0'/>", "bus=");
        bad_address("<address bus='1' slot='0'/>\n<address bus='1' slot='1'/>", "line 4: a second address");
        bad_address("<address type='ccw' cssid='0xfe'/>", "is not one");
        bad_address("<deeper><address bus='1' slot='0'/></deeper>", "no address");
        refuse(DOMAIN "<hostdev type='pci'><address bus='1' slot='0'/></hostdev>" END, "no address");
        refuse(DOMAIN "<hostdev type='pci'><rom><address bus='1' slot='0'/></rom></hostdev>" END, "no address");
        refuse(DOMAIN "<hostdev type='pci'/>" AND_PCI END, "no address");
        refuse(DOMAIN "<hostdev type='mdev'><source/></hostdev>" END, "this mediated device has no address");
        refuse(DOMAIN "<hostdev type='mdev'><source><address uuid='x'/></source></hostdev>" END, "uuid=");
        refuse(DOMAIN "<hostdev type='mdev'><source><address/></source></hostdev>" END, "uuid=");
}

TEST(only_the_domains_own_elements_count)
{
        _cleanup_(guest_freep) Guest *g = parse(
                "<?xml version='1.0'?><!-- <domain> --><domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
                "<metadata><my:x/><name>other</name><uuid>x</uuid><devices>" AND_PCI "</devices>" AND_PCI "</metadata>"
                "<title>t</title><name>vm1</name><uuid>" UUID "</uuid><qemu:devices>" AND_PCI "</qemu:devices>"
                "<os><name>os</name></os><devices><disk><name>d</name>" AND_PCI
                "</disk><qemu:hostdev type='pci'/>" AN_MDEV "</devices>" AND_PCI "</domain>");

        assert_str_eq(g->name, "vm1");
        assert_int_eq(g->n_devices, 1);
        assert_int_eq(g->devices[0].type, GUEST_DEVICE_MDEV);
}

static void name(const char *written, const char *wanted)
{
        _cleanup_free_ char *xml = NULL;
        _cleanup_(guest_freep) Guest *g = NULL;

        assert_true(asprintf(&xml, "<domain><name>%s</name><uuid>" UUID "</uuid></domain>", written) > 0);
        g = parse(xml);
        assert_str_eq(g->name, wanted);
}

TEST(names)
{
        char lots[201] = "", *p = lots;

        for (int i = 0; i < 100; i++)
                p = stpcpy(p, "\xc3\xa4");
        name("win 10", "win 10");
        name("../..", "../..");
        name("-rf", "-rf");
        name("a&quot;b&apos;c&lt;&amp;&#x20;", "a\"b'c<& ");
        name("<![CDATA[a<b]]>", "a<b");
        name("a<!-- x -->b", "ab");
        name(lots, lots);
        refuse("<domain><name/><uuid>" UUID "</uuid></domain>", "<name> is empty");
        refuse("<domain><name></name><uuid>" UUID "</uuid></domain>", "<name> is empty");
        refuse("<domain>\n<name>a</name>\n<name>b</name></domain>", "line 3: a second <name>");
        refuse("<domain>\n<name>a<b/></name></domain>", "line 2: <b> inside of <name>");
        refuse("<domain><uuid><b>" UUID "</b></uuid></domain>", "<b> inside of <uuid>");
        refuse("<domain><name>a\xff</name></domain>", "line 1: ");
        refuse("<domain><uuid>" UUID "</uuid></domain>", "has no <name>");
}

TEST(uuids)
{
        refuse("<domain><name>vm1</name><devices/></domain>", "has no <uuid>");
        refuse("<domain><name>vm1</name><uuid/></domain>", "not a UUID");
        refuse("<domain><name>vm1</name><uuid>../../x</uuid></domain>", "not a UUID");
        refuse("<domain><name>vm1</name><uuid>" UUID "</uuid><uuid>" UUID "</uuid></domain>", "a second <uuid>");
}

TEST(not_a_domain)
{
        refuse("", "empty");
        refuse("x", "line 1: ");
        refuse("<", "line 1: ");
        refuse("<domain", "line 1: ");
        refuse("<network><name>vm1</name></network>", "<network> is not <domain>");
        refuse("<domstatus>" NAMED "</domain></domstatus>", "is not <domain>");
        refuse(DOMAIN, "line 1: ");
        refuse(NAMED "\n\n</domian>", "line 3: ");
        refuse(NAMED "</domain><domain/>", "line 1: ");
        refuse(NAMED "&nothing;</domain>", "nothing");
}

TEST(cut_anywhere)
{
        static const char xml[] = DOMAIN AND_PCI AN_MDEV END;

        for (size_t n = 0; n < sizeof(xml) - 1; n++) {
                _cleanup_(guest_freep) Guest *g = NULL;

                assert_int_eq(guest_parse(xml, n, &g, NULL), -EINVAL);
        }
}

TEST(nul_byte)
{
        static const char xml[] = "<domain><name>vm\0001</name><uuid>" UUID "</uuid></domain>";
        _cleanup_(guest_freep) Guest *g = NULL;

        assert_int_eq(guest_parse(xml, sizeof(xml) - 1, &g, NULL), -EINVAL);
}

#define LOL(n, m) \
        "<!ENTITY lol" n " '&lol" m ";&lol" m ";&lol" m ";&lol" m ";&lol" m ";&lol" m ";&lol" m ";&lol" m ";'>"

#define NO_DOCTYPE "a document type declaration"

TEST(document_types)
{
        static const char *const before[] = {
                "",
                "\xef\xbb\xbf",
                "<?xml version='1.0'?>",
                "\n\t <!-- a -- > --><?x <!-- ?> \r\n<!--<domain>-->",
                "<!----><!-- - -->",
        };

        for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
                _cleanup_free_ char *xml = NULL, *fine = NULL;
                _cleanup_(guest_freep) Guest *g = NULL;

                assert_true(asprintf(&xml, "%s<!DOCTYPE domain>" NAMED "</domain>", before[i]) > 0);
                refuse(xml, NO_DOCTYPE);
                assert_true(asprintf(&fine, "%s" NAMED "<!-- <!DOCTYPE --></domain>", before[i]) > 0);
                if (i != 3) /* "--" is not allowed in a comment */
                        g = parse(fine);
        }
        refuse("<!DOCTYPE domain SYSTEM 'http://127.0.0.1:1/x.dtd'>\n" NAMED "</domain>", NO_DOCTYPE);
        refuse("<!DOCTYPE d [<!ENTITY % a '<!ENTITY b \"c\">'> %a;]>" NAMED "</domain>", NO_DOCTYPE);
        refuse("<!DOCTYPE d [<!ENTITY lol0 'lollollollol'>" LOL("1", "0") LOL("2", "1") LOL("3", "2") LOL("4", "3")
                       LOL("5", "4") LOL("6", "5") LOL("7", "6") LOL("8", "7")
                               LOL("9", "8") "]><domain><name>&lol9;</name><title a='&lol9;'/><uuid>" UUID
                                             "</uuid></domain>",
               NO_DOCTYPE);
        refuse("<!doctype domain>" NAMED "</domain>", NO_DOCTYPE);
        /* too late for one, and hidden from those who look at bytes */
        refuse(NAMED "<!DOCTYPE d></domain>", "line 1: ");
        refuse("<a/><!DOCTYPE d [<!ENTITY e 'x'>]>" NAMED "</domain>", "line 1: ");
        refuse("<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE d [+ADwAIQ-ENTITY e 'x'+AD4AXQA+-" NAMED
               "</domain>",
               "line 1: ");
        refuse("<!-- never ends <!DOCTYPE d>" NAMED, "line 1: ");
        refuse("<?never ends <!DOCTYPE d>" NAMED, "line 1: ");
        refuse("<!", NO_DOCTYPE);
        refuse("<!-", NO_DOCTYPE);
        refuse("<!--", "line 1: ");
        refuse("<!-->", "line 1: ");
        refuse("  ", "line 1: ");
}

static char *repeat(const char *before, const char *unit, size_t n, const char *after)
{
        char *xml = malloc(strlen(before) + n * strlen(unit) + strlen(after) + 1), *p = stpcpy(xml, before);

        for (size_t i = 0; i < n; i++)
                p = stpcpy(p, unit);
        (void) stpcpy(p, after);
        return xml;
}

/* Each of these takes libxml2 hours when it is let, for a megabyte or two. */
TEST(entity_bombs)
{
        static const char *const heads[][2] = { { "<!DOCTYPE d [<!ENTITY a '", "&a;" },
                                                { "<!DOCTYPE d [<!ENTITY % a '", "%a;" } };

        for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
                _cleanup_free_ char *blanks = repeat(heads[i][0], "    ", 250000, i > 0 ? "'> " : "'>]>" NAMED "<t>"),
                                    *xml = repeat(blanks, heads[i][1], 300000,
                                                  i > 0 ? "]>" NAMED END : "</t></domain>");
                uint64_t start = now_usec();

                refuse(xml, NO_DOCTYPE);
                assert_true(now_usec() - start < 5 * USEC_PER_SEC);
        }
}

/* Nothing is opened, near or far: the files are watched, the port is listened on. */
TEST(nothing_is_fetched)
{
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        char folder[] = P_tmpdir "/hookd-test-XXXXXX", marker[64], events[4096];
        _cleanup_close_ int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), file = -1;
        _cleanup_close_ int port = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        static const char *const forms[] = {
                "<!DOCTYPE d SYSTEM '%s'>" NAMED "</domain>",
                "<!DOCTYPE d PUBLIC 'x' '%s'>" NAMED "</domain>",
                "<!DOCTYPE d [<!ENTITY e SYSTEM '%s'>]><domain><name>&e;</name><uuid>" UUID "</uuid></domain>",
                "<!DOCTYPE d [<!ENTITY %% e SYSTEM '%s'> %%e;]>" NAMED "</domain>",
                "<!DOCTYPE d [<!ENTITY %% e PUBLIC 'x' '%s'>%%e;%%e;]>" NAMED "</domain>",
                "<?xml-stylesheet href='%1$s'?><?xml-model href='%1$s'?>" NAMED "</domain>",
                NAMED "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='%s' parse='text'/></domain>",
                "<domain xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:schemaLocation='%1$s %1$s'>"
                "<name>vm1</name><uuid>" UUID "</uuid></domain>",
        };
        socklen_t size = sizeof(at);

        assert_not_null(mkdtemp(folder));
        (void) snprintf(marker, sizeof(marker), "%s/marker", folder);
        assert_ok(file = open(marker, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
        assert_int_eq(write(file, "MARKER", 6), 6);
        assert_ok(inotify_add_watch(watch, folder, IN_OPEN | IN_ACCESS));
        assert_ok(bind(port, (struct sockaddr *) &at, size));
        assert_ok(listen(port, 10));
        assert_ok(getsockname(port, (struct sockaddr *) &at, &size));
        for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
                for (unsigned k = 0; k < 4; k++) {
                        _cleanup_free_ char *url = NULL, *xml = NULL;
                        _cleanup_(guest_freep) Guest *g = NULL;
                        Fault f = { 0 };

                        assert_true((k == 0   ? asprintf(&url, "%s", marker)
                                     : k == 1 ? asprintf(&url, "file://%s", marker)
                                              : asprintf(&url, "%s://127.0.0.1:%u/x", k == 2 ? "http" : "ftp",
                                                         ntohs(at.sin_port))) > 0);
                        assert_true(asprintf(&xml, forms[i], url) > 0);
                        assert_int_eq(guest_parse(xml, strlen(xml), &g, &f), i < 5 ? -EINVAL : 0);
                        assert_null(strstr(f.text, "MARKER"));
                        assert_true(!g || streq(g->name, "vm1"));
                }
        assert_true(read(watch, events, sizeof(events)) < 0 && errno == EAGAIN);
        assert_true(accept(port, NULL, NULL) < 0 && errno == EAGAIN);
        (void) close(open(marker, O_RDONLY | O_CLOEXEC)); /* the watch does see it */
        assert_true(read(watch, events, sizeof(events)) > 0);
        assert_ok(unlink(marker));
        assert_ok(rmdir(folder));
}

TEST(encodings)
{
        static const char latin[] = "<?xml version='1.0' encoding='ISO-8859-1'?><domain><name>a\xe4</name></domain>",
                          wide[] = "<\0d\0/\0>\0", wide_mark[] = "\xff\xfe<\0d\0/\0>\0";
        static const struct {
                const char *xml;
                size_t size;
        } inputs[] = { { latin, sizeof(latin) - 1 }, { wide, sizeof(wide) - 1 }, { wide_mark, sizeof(wide_mark) - 1 } };

        for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
                _cleanup_(guest_freep) Guest *g = NULL;
                Fault f = { 0 };

                assert_int_eq(guest_parse(inputs[i].xml, inputs[i].size, &g, &f), -EINVAL);
                assert_contains(f.text, i == 0 ? "line 1: " : "NUL byte");
        }
        refuse("<domain><name>\xed\xa0\x80</name></domain>", "line 1: ");
        refuse("<domain><name>\xc0\xae</name></domain>", "line 1: ");
        refuse("\xfe\xff", "line 1: ");
}

/* The reason is libxml2's, not what was missed because of it, and it has a line. */
TEST(huge_parts)
{
        static const char *const parts[][4] = {
                { NAMED "<a b='", "x", "'/></domain>", "line 1: " },
                { NAMED "<a>", "x", "</a></domain>", "line 1: not well-formed, or one text of more than" },
                { "<domain><name>", "x", "</name></domain>", "domain XML, line 1: " },
                { NAMED "\n<a><![CDATA[", "x", "]]></a></domain>", "line " },
                { NAMED "<", "x", "/></domain>", "line 1: " },
                { NAMED "<!--", "x", "--></domain>", "line 1: " },
        };

        for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
                _cleanup_free_ char *xml = repeat(parts[i][0], parts[i][1], 11000000, parts[i][2]);

                refuse(xml, parts[i][3]);
        }
}

TEST(many_attributes)
{
        _cleanup_free_ char *some = NULL, *equals = repeat(NAMED "<a>", "=", 4096, "</a><b c='='/></domain>"),
                            *more = repeat(NAMED "<a>", "=", 4097, "</a></domain>");
        _cleanup_(guest_freep) Guest *g = parse(equals);
        size_t size;
        FILE *f = open_memstream(&some, &size);

        refuse(more, "more than 4096 attributes in one place");
        (void) fputs(NAMED "<a", f);
        for (unsigned i = 0; i < 100000; i++)
                (void) fprintf(f, " xmlns:a%u='u%u'", i, i);
        (void) fputs("/></domain>", f);
        (void) fclose(f);
        refuse(some, "more than 4096 attributes in one place");
}

TEST(many_devices)
{
        _cleanup_free_ char *most = repeat(DOMAIN, AND_PCI, 1024, END), *more = repeat(DOMAIN, AND_PCI, 1025, END);
        _cleanup_(guest_freep) Guest *g = parse(most);

        assert_int_eq(g->n_devices, 1024);
        refuse(more, "line 1: more than 1024 host devices");
}

/* The reader must not keep what it has seen. */
TEST(memory_is_bounded)
{
        static const char *const units[] = { "<a/>x", "<a b='c'>text</a>", "<devices><hostdev/></devices>" };
        _cleanup_free_ char *most = repeat(NAMED, "<!-- x -->\n", 65536, "</domain>"),
                            *more = repeat(NAMED, "<!-- x -->\n", 65537, "</domain>");
        _cleanup_(guest_freep) Guest *commented = parse(most);
        struct rusage before, after;

        refuse(more, "more than 65536 comments");
        for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
                _cleanup_free_ char *xml = repeat(NAMED, units[i], ((size_t) 8 << 20) / strlen(units[i]), "</domain>");
                _cleanup_(guest_freep) Guest *g = NULL;

                assert_ok(getrusage(RUSAGE_SELF, &before));
                g = parse(xml);
                assert_ok(getrusage(RUSAGE_SELF, &after));
                /* the sanitizer keeps what is freed for a while */
                if (after.ru_maxrss - before.ru_maxrss >= (SANITIZED ? 400 << 10 : 16 << 10))
                        test_fail("%ld KiB more for %s", after.ru_maxrss - before.ru_maxrss, units[i]);
        }
}

TEST(too_big)
{
        size_t size = GUEST_XML_MAX + 1;
        _cleanup_free_ char *xml = malloc(size);
        _cleanup_(guest_freep) Guest *g = NULL, *h = NULL;
        Fault f = { 0 };

        memset(xml, ' ', size);
        memcpy(xml, NAMED, strlen(NAMED));
        memcpy(xml + size - strlen("</domain>"), "</domain>", strlen("</domain>"));
        assert_int_eq(guest_parse(xml, size, &g, &f), -EFBIG);
        assert_contains(f.text, "64 MiB");
        assert_null(g);
}

/* Streaming: megabytes of what is of no interest leave no trace. */
TEST(big_but_allowed)
{
        static const char line[] = "<disk type='file'><source file='/var/lib/x'/><target dev='vda'/></disk>\n";
        size_t n = 20000, size = strlen(DOMAIN) + n * strlen(line) + strlen(AND_PCI END);
        _cleanup_free_ char *xml = malloc(size + 1);
        _cleanup_(guest_freep) Guest *g = NULL;
        char *p = stpcpy(xml, DOMAIN);

        for (size_t i = 0; i < n; i++)
                p = stpcpy(p, line);
        (void) stpcpy(p, AND_PCI END);
        g = parse(xml);
        assert_int_eq(g->n_devices, 1);
}

TEST(too_deep)
{
        size_t n = 100000;
        _cleanup_free_ char *xml = malloc(n * 3 + strlen(NAMED) + 1);
        char *p = stpcpy(xml, NAMED);

        for (size_t i = 0; i < n; i++)
                p = stpcpy(p, "<a>");
        refuse(xml, "line 1: ");
}

TEST(lines_beyond_16_bits)
{
        _cleanup_free_ char *xml = malloc(70000 + sizeof(DOMAIN AND_PCI END));
        char *p = stpcpy(xml, NAMED);

        memset(p, '\n', 70000);
        (void) stpcpy(p + 70000, "<name>again</name></domain>");
        refuse(xml, "a second <name>");
}

/* What a fault says stays one line, whatever the XML holds. */
TEST(hostile_words_in_faults)
{
        _cleanup_(guest_freep) Guest *g = NULL;
        Fault f = { 0 };
        static const char xml[] = "<domain><name>a&#10;b</name></domain>";

        assert_int_eq(guest_parse(xml, strlen(xml), &g, &f), -EINVAL);
        assert_str_eq(f.culprit, "a?b");
        assert_null(strchr(f.text, '\n'));
}

TEST_MAIN
