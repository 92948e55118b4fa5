/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/guest.h"

#include "model/xml-bounds.h"

#include <ctype.h>
#include <libxml/xmlreader.h>
#include <stdarg.h>
#include <stdio.h>

/* The document is streamed, so that what is of no interest costs no memory. Only these elements count:
 * /domain/{name,uuid}, /domain/devices/{hostdev,interface}, of those driver, source and source/address. */
enum { DEPTH_ROOT, DEPTH_SECTION, DEPTH_DEVICE, DEPTH_DETAIL, DEPTH_ADDRESS };

/* Far beyond what libvirt sends. */
#define DEVICES_MAX 1024
#define TEXT_MAX    4096 /* of <name> */

typedef struct GuestReader {
        xmlTextReader *xml;
        Guest *guest;
        Fault *f;
        int error_line; /* libxml2's first complaint */
        char error[256];
        bool in_devices, in_device, in_source, has_address;
        bool in_name, in_uuid;
        char text[TEXT_MAX + 1]; /* of the <name> or <uuid> we are inside of */
        size_t text_size;
        GuestDevice device; /* what is known of the one we are inside of */
        long device_line;
} GuestReader;

static void xml_freep(xmlChar **p)
{
        if (*p)
                xmlFree(*p);
}

static void reader_freep(xmlTextReader **p)
{
        if (*p)
                xmlFreeTextReader(*p);
}

#define _cleanup_xml_ _cleanup_(xml_freep)

void guest_forget_devices(Guest *g)
{
        for (size_t i = 0; i < g->n_devices; i++)
                free(g->devices[i].driver);
        free(g->devices);
        g->devices = NULL;
        g->n_devices = 0;
}

Guest *guest_free(Guest *g)
{
        if (!g)
                return NULL;
        guest_forget_devices(g);
        free(g->name);
        free(g);
        return NULL;
}

#if LIBXML_VERSION >= 21200
typedef const xmlError *XmlError;
#else
typedef xmlError *XmlError;
#endif

static void on_xml_error(void *arg, XmlError error)
{
        GuestReader *g = arg;
        const char *message = error->message ? error->message : "not well-formed";

        /* what is not fatal (an undeclared namespace in <metadata>) does not concern us */
        if (g->error[0] != '\0' || error->level < XML_ERR_FATAL)
                return;
        g->error_line = error->line;
        (void) snprintf(g->error, sizeof(g->error), "%.*s", (int) strcspn(message, "\n"), message);
}

static int _printf_(3, 4) refuse(GuestReader *g, long line, const char *fmt, ...)
{
        char what[512];
        va_list ap;

        /* What libxml2 does not like ahead of us is the reason for what we miss here. */
        if (g->error[0] != '\0')
                return fault_set(g->f, -EINVAL, g->guest->name, "domain XML, line %i: %s", g->error_line, g->error);
        va_start(ap, fmt);
        (void) vsnprintf(what, sizeof(what), fmt, ap);
        va_end(ap);
        return fault_set(g->f, -EINVAL, g->guest->name, "domain XML, line %li: %s", line, what);
}

static int out_of_memory(GuestReader *g)
{
        return fault_set(g->f, -ENOMEM, g->guest->name, "out of memory reading the domain XML");
}

/* The parser itself is ahead of the element that is looked at. */
static long line_here(GuestReader *g)
{
        return xmlGetLineNo(xmlTextReaderCurrentNode(g->xml));
}

static char *attribute(GuestReader *g, const char *name)
{
        return (char *) xmlTextReaderGetAttribute(g->xml, (const xmlChar *) name);
}

/* Is the attribute `value`, or absent where that means the same? */
static bool attribute_is(GuestReader *g, const char *name, const char *value, bool by_default)
{
        _cleanup_xml_ xmlChar *v = (xmlChar *) attribute(g, name);

        return v ? streq((char *) v, value) : by_default;
}

/* Any base that C knows, as libvirt reads it: 0x0a, 10, 012. */
static int address_part(GuestReader *g, const char *name, bool required, uint32_t max, uint32_t *ret)
{
        _cleanup_xml_ xmlChar *v = (xmlChar *) attribute(g, name);
        const char *s = (const char *) v;
        unsigned long long n;
        char *end;

        *ret = 0;
        if (!s)
                return required ? refuse(g, line_here(g), "the PCI address has no %s=", name) : 0;
        errno = 0;
        n = strtoull(s, &end, 0);
        if (!isdigit((unsigned char) *s) || *end != '\0' || errno != 0 || n > max)
                return refuse(g, line_here(g), "%s='%.32s' of a PCI address is not a number from 0 to 0x%x", name, s,
                              max);
        *ret = (uint32_t) n;
        return 0;
}

static int pci_address(GuestReader *g)
{
        uint32_t domain, bus, slot, function;
        int r;

        r = address_part(g, "domain", false, UINT32_MAX, &domain);
        r = r < 0 ? r : address_part(g, "bus", true, 0xff, &bus);
        r = r < 0 ? r : address_part(g, "slot", true, 0x1f, &slot);
        r = r < 0 ? r : address_part(g, "function", false, 7, &function);
        if (r < 0)
                return r;
        g->device.address = (PciAddress){ domain, (uint8_t) bus, (uint8_t) slot, (uint8_t) function };
        g->has_address = true;
        return 0;
}

/* Copies in lower case. */
static bool take_uuid(const char *s, char ret[37])
{
        if (!s || !uuid_valid(s))
                return false;
        for (size_t i = 0; i < 37; i++)
                ret[i] = (char) tolower((unsigned char) s[i]);
        return true;
}

static int on_address(GuestReader *g)
{
        _cleanup_xml_ xmlChar *uuid = NULL;

        if (g->has_address)
                return refuse(g, line_here(g), "a second address for one host device");
        if (g->device.type == GUEST_DEVICE_PCI) {
                /* an interface may be of another bus; a hostdev of type pci has no type= here */
                if (!attribute_is(g, "type", "pci", true)) {
                        g->in_device = !g->device.interface;
                        return g->in_device ? refuse(g, line_here(g), "the address of a PCI device is not one") : 0;
                }
                return pci_address(g);
        }
        uuid = (xmlChar *) attribute(g, "uuid");
        if (!take_uuid((char *) uuid, g->device.uuid))
                return refuse(g, line_here(g), "a mediated device's address needs uuid='…', 36 characters");
        g->has_address = true;
        return 0;
}

/* libvirt 10 and later name a driver of the host's in model=, older ones could only say vfio (or kvm) in name=. */
static int on_driver(GuestReader *g)
{
        _cleanup_xml_ xmlChar *name = (xmlChar *) attribute(g, "name"), *model = (xmlChar *) attribute(g, "model");
        const char *driver = (const char *) (model ? model : name);

        if (!driver || g->device.driver || (!model && (streq(driver, "vfio") || streq(driver, "kvm"))))
                return 0;
        g->device.driver = strdup(driver);
        return g->device.driver ? 0 : out_of_memory(g);
}

static void on_device(GuestReader *g, const char *element)
{
        bool hostdev = streq(element, "hostdev") && attribute_is(g, "mode", "subsystem", true);

        g->device = (GuestDevice){ .managed = attribute_is(g, "managed", "yes", false) };
        g->has_address = g->in_source = false;
        g->device_line = line_here(g);
        g->in_device = true;
        if (streq(element, "interface") && attribute_is(g, "type", "hostdev", false))
                g->device.interface = true;
        else if (hostdev && attribute_is(g, "type", "mdev", false))
                g->device.type = GUEST_DEVICE_MDEV;
        else
                g->in_device = hostdev && attribute_is(g, "type", "pci", false);
}

/* The device that was being read is complete. */
static int finish_device(GuestReader *g)
{
        GuestDevice *grown;

        if (!g->in_device) {
                free(TAKE_PTR(g->device.driver));
                return 0;
        }
        g->in_device = false;
        if (!g->has_address)
                return refuse(g, g->device_line, "this %s device has no address of the host's in its <source>",
                              g->device.type == GUEST_DEVICE_PCI ? "PCI" : "mediated");
        if (g->guest->n_devices == DEVICES_MAX)
                return refuse(g, g->device_line, "more than %i host devices", DEVICES_MAX);
        grown = reallocarray(g->guest->devices, g->guest->n_devices + 1, sizeof(GuestDevice));
        if (!grown)
                return out_of_memory(g);
        g->guest->devices = grown;
        grown[g->guest->n_devices++] = g->device;
        g->device.driver = NULL;
        return 0;
}

/* The text of <name> or <uuid> has ended. */
static int finish_text(GuestReader *g)
{
        bool is_name = g->in_name, is_uuid = g->in_uuid;

        g->in_name = g->in_uuid = false;
        g->text[g->text_size] = '\0';
        if (is_uuid)
                return take_uuid(g->text, g->guest->uuid) ? 0 : refuse(g, line_here(g), "<uuid> is not a UUID");
        if (!is_name)
                return 0;
        if (g->text_size == 0)
                return refuse(g, line_here(g), "<name> is empty");
        g->guest->name = strdup(g->text);
        return g->guest->name ? 0 : out_of_memory(g);
}

static int on_text(GuestReader *g)
{
        const char *text = (const char *) xmlTextReaderConstValue(g->xml);
        size_t size = text ? strlen(text) : 0;

        if (!g->in_name && !g->in_uuid)
                return 0;
        if (size > TEXT_MAX - g->text_size)
                return refuse(g, line_here(g), "<%s> of more than %i bytes", g->in_name ? "name" : "uuid", TEXT_MAX);
        memcpy(g->text + g->text_size, text ? text : "", size);
        g->text_size += size;
        return 0;
}

static int on_section(GuestReader *g, const char *element)
{
        g->in_devices = streq(element, "devices");
        g->in_name = streq(element, "name");
        g->in_uuid = streq(element, "uuid");
        g->text_size = 0;
        if ((g->in_name && g->guest->name) || (g->in_uuid && g->guest->uuid[0] != '\0'))
                return refuse(g, line_here(g), "a second <%s>", element);
        return xmlTextReaderIsEmptyElement(g->xml) ? finish_text(g) : 0;
}

static int on_element(GuestReader *g)
{
        const char *element = (const char *) xmlTextReaderConstName(g->xml);
        int depth = xmlTextReaderDepth(g->xml), r;

        if (depth <= DEPTH_DEVICE) {
                r = finish_device(g);
                if (r < 0)
                        return r;
        }
        switch (depth) {
        case DEPTH_ROOT:
                return streq(element, "domain") ? 0 : refuse(g, line_here(g), "<%.64s> is not <domain>", element);
        case DEPTH_SECTION:
                return on_section(g, element);
        case DEPTH_DEVICE:
                if (g->in_name || g->in_uuid)
                        return refuse(g, line_here(g), "<%.64s> inside of <%s>", element, g->in_name ? "name" : "uuid");
                if (g->in_devices)
                        on_device(g, element);
                return 0;
        case DEPTH_DETAIL:
                g->in_source = g->in_device && streq(element, "source");
                return g->in_device && streq(element, "driver") ? on_driver(g) : 0;
        case DEPTH_ADDRESS:
                return g->in_device && g->in_source && streq(element, "address") ? on_address(g) : 0;
        default:
                return 0;
        }
}

static int on_node(GuestReader *g)
{
        switch (xmlTextReaderNodeType(g->xml)) {
        case XML_READER_TYPE_ELEMENT:
                return on_element(g);
        case XML_READER_TYPE_END_ELEMENT:
                return xmlTextReaderDepth(g->xml) == DEPTH_SECTION ? finish_text(g) : 0;
        case XML_READER_TYPE_TEXT:
        case XML_READER_TYPE_CDATA:
        case XML_READER_TYPE_WHITESPACE:
        case XML_READER_TYPE_SIGNIFICANT_WHITESPACE:
                return on_text(g);
        default:
                return 0;
        }
}

static int read_all(GuestReader *g)
{
        int r, more;

        while ((more = xmlTextReaderRead(g->xml)) == 1) {
                r = on_node(g);
                if (r < 0)
                        return r;
        }
        if (more < 0)
                return refuse(g, xmlTextReaderGetParserLineNumber(g->xml),
                              "not well-formed, or one text of more than 10 million bytes");
        r = finish_device(g);
        if (r < 0)
                return r;
        if (!g->guest->name || g->guest->uuid[0] == '\0')
                return fault_set(g->f, -EINVAL, g->guest->name, "domain XML: <domain> has no <%s>",
                                 g->guest->name ? "uuid" : "name");
        return 0;
}

int guest_parse(const char *xml, size_t size, Guest **ret, Fault *f)
{
        _cleanup_(guest_freep) Guest *guest = calloc(1, sizeof(Guest));
        _cleanup_(reader_freep) xmlTextReader *reader = NULL;
        GuestReader g = { .guest = guest, .f = f };
        int r;

        r = xml_check_bounds(xml, size, f);
        if (r < 0)
                return r;
        /* UTF-8, whatever it declares, so that it is read as it was looked at above */
        reader = guest ? xmlReaderForMemory(xml, (int) size, NULL, "UTF-8", XML_PARSE_NONET | XML_PARSE_IGNORE_ENC)
                       : NULL;
        if (!reader)
                return fault_set(f, -ENOMEM, NULL, "out of memory reading the domain XML");
        g.xml = reader;
        xmlTextReaderSetStructuredErrorHandler(reader, on_xml_error, &g);
        r = read_all(&g);
        free(g.device.driver);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(guest);
        return 0;
}
