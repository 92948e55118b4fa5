/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include "util/parse.h"

TEST(pci_forms)
{
        PciAddress a;
        char buf[PCI_FORMAT_MAX];

        assert_ok(pci_parse("pci_0000_01_00_1", &a));
        assert_str_eq(pci_format(&a, buf), "0000:01:00.1");
}

TEST_MAIN
