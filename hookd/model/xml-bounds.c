/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/xml-bounds.h"

#include "model/guest.h"

/* Far beyond what libvirt sends. libxml2's time for a tag grows with the square of its attributes. */
#define ATTRIBUTES_MAX 4096
/* With 2.9.14 the process grows by some 260 bytes for each (ru_maxrss); why was not found. */
#define COMMENTS_MAX 65536

/* Behind a comment, a processing instruction or blanks at p; p itself where there is none, NULL where one has no end.
 */
static const char *skip_one(const char *p, const char *end)
{
        bool comment = end - p >= 4 && memcmp(p, "<!--", 4) == 0;
        const char *close;

        if (!comment && (end - p < 2 || memcmp(p, "<?", 2) != 0)) {
                while (p < end && strchr(" \t\r\n", *p))
                        p++;
                return p;
        }
        close = comment ? memmem(p + 4, (size_t) (end - p - 4), "-->", 3) : memmem(p, (size_t) (end - p), "?>", 2);
        return close ? close + (comment ? 3 : 2) : NULL;
}

/* libxml2 would work its way through a document type's entities, which may take for ever, before it tells of it. */
static bool has_document_type(const char *p, const char *end)
{
        const char *next = end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? p + 3 : p;

        do
                p = next;
        while ((next = skip_one(p, end)) && next > p);
        return next && end - p >= 2 && memcmp(p, "<!", 2) == 0;
}

/* What bounds the time: between two '<' there is one tag at most, and in a tag each attribute has its '='. */
static bool has_huge_tag(const char *p, const char *end)
{
        size_t n = 0;

        for (; p < end && n <= ATTRIBUTES_MAX; p++)
                n = *p == '<' ? 0 : n + (*p == '=');
        return n > ATTRIBUTES_MAX;
}

static bool has_many_comments(const char *p, const char *end)
{
        size_t n = 0;

        while (n <= COMMENTS_MAX && (p = memmem(p, (size_t) (end - p), "<!--", 4))) {
                n++;
                p += 4;
        }
        return n > COMMENTS_MAX;
}

int xml_check_bounds(const char *xml, size_t size, Fault *f)
{
        if (size > GUEST_XML_MAX)
                return fault_set(f, -EFBIG, NULL, "domain XML of more than %zu MiB", GUEST_XML_MAX >> 20);
        if (size == 0)
                return fault_set(f, -EINVAL, NULL, "the domain XML is empty");
        if (memchr(xml, '\0', size))
                return fault_set(f, -EINVAL, NULL, "domain XML with a NUL byte in it, which is no XML in UTF-8");
        if (has_document_type(xml, xml + size))
                return fault_set(f, -EINVAL, NULL,
                                 "domain XML with a document type declaration, which libvirt never sends");
        if (has_huge_tag(xml, xml + size))
                return fault_set(f, -EINVAL, NULL, "domain XML with more than %i attributes in one place",
                                 ATTRIBUTES_MAX);
        if (has_many_comments(xml, xml + size))
                return fault_set(f, -EINVAL, NULL, "domain XML with more than %i comments", COMMENTS_MAX);
        return 0;
}
