/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/fault.h"

/* What must be known of domain XML before libxml2 is given it, so that its time and memory are bounded whatever the XML
 * holds: the size, no NUL byte, no document type (and so no entities), not too many attributes in a tag. 0; -EFBIG,
 * -EINVAL with a fault. The XML is to be read as UTF-8 then. */
int xml_check_bounds(const char *xml, size_t size, Fault *f);
