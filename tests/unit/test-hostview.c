/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include "model/hostview.h"

#define TWO_CARDS 3

static PciAddress address(const char *s)
{
        PciAddress a;

        assert_ok(pci_parse(s, &a));
        return a;
}

static void function(HostView *v, const char *a, uint32_t class, const char *driver)
{
        HostFunction *fn = &v->functions[v->n_functions++];

        fn->address = address(a);
        fn->class = class;
        fn->driver = driver ? strdup(driver) : NULL;
}

/* A card with sound on 01:00 and what else a test wants to add. */
static HostView *one_card(void)
{
        HostView *v = hostview_new();

        assert_not_null(v);
        v->functions = calloc(TWO_CARDS, sizeof(HostFunction));
        function(v, "01:00.0", 0x030000, "nvidia");
        function(v, "01:00.1", 0x040300, "snd_hda_intel");
        return v;
}

static bool other_display(HostView *v)
{
        PciAddress gone[] = { address("01:00.0"), address("01:00.1") };

        return hostview_other_display(v, gone, ARRAY_SIZE(gone));
}

TEST(functions_by_address)
{
        _cleanup_(hostview_freep) HostView *v = one_card();
        PciAddress audio = address("0000:01:00.1"), other = address("0000:02:00.1");

        assert_true(hostview_function(v, &audio) == &v->functions[1]);
        assert_null(hostview_function(v, &other));
        assert_true(function_is_display(&v->functions[0]));
        assert_false(function_is_display(&v->functions[1]));
}

TEST(modules_by_either_spelling)
{
        _cleanup_(hostview_freep) HostView *v = hostview_new();

        v->modules = calloc(2, sizeof(HostModule));
        v->n_modules = 2;
        v->modules[0].name = strdup("nvidia");
        v->modules[1].name = strdup("nvidia_drm");
        assert_true(hostview_module(v, "nvidia-drm") == &v->modules[1]);
        assert_true(hostview_module(v, "nvidia_drm") == &v->modules[1]);
        assert_true(hostview_module(v, "nvidia") == &v->modules[0]);
        assert_null(hostview_module(v, "nvidia_"));
        assert_null(hostview_module(v, "nvi"));
}

TEST(units_and_the_display_manager)
{
        _cleanup_(hostview_freep) HostView *v = hostview_new();

        assert_null(hostview_unit(v, "lightdm.service"));
        v->display_manager = calloc(1, sizeof(HostUnit));
        v->display_manager->id = strdup("lightdm.service");
        v->units = calloc(1, sizeof(HostUnit));
        v->units[v->n_units++].id = strdup("nvidia-persistenced.service");
        assert_true(hostview_unit(v, "lightdm.service") == v->display_manager);
        assert_true(hostview_unit(v, "nvidia-persistenced.service") == v->units);
        assert_null(hostview_unit(v, "lightdm"));
}

TEST(the_only_display)
{
        _cleanup_(hostview_freep) HostView *v = one_card();

        assert_false(other_display(v));
        assert_true(hostview_other_display(v, NULL, 0));
}

TEST(another_display)
{
        static const struct {
                uint32_t class;
                const char *driver;
                bool counts;
        } cases[] = {
                { 0x030000, "i915", true },      { 0x038000, "amdgpu", true },          { 0x030000, "ast", true },
                { 0x030000, "vfio-pci", false }, { 0x030000, "vfio_pci", false },       { 0x030000, "pci-stub", false },
                { 0x030000, NULL, false },       { 0x030200, "nvidia", false },         { 0x040300, "snd", false },
                { 0x030000, "xe_vfio", true },   { 0x030000, "nvidia_variant", false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(hostview_freep) HostView *v = one_card();

                assert_ok(strv_append(&v->variant_drivers, "0000:02:00.0 nvidia_variant"));
                function(v, "02:00.0", cases[i].class, cases[i].driver);
                if (other_display(v) != cases[i].counts)
                        test_fail("case %zu: class %06x, driver %s", i, cases[i].class, cases[i].driver);
        }
}

TEST(a_firmware_framebuffer_is_a_display_too)
{
        _cleanup_(hostview_freep) HostView *v = one_card();

        function(v, "02:00.0", 0x030000, NULL);
        v->framebuffers = calloc(1, sizeof(HostFramebuffer));
        v->n_framebuffers = 1;
        v->framebuffers[0].owner = address("02:00.0");
        assert_false(other_display(v));
        v->framebuffers[0].has_owner = true;
        assert_true(other_display(v));
}

/* 82576: offset 128, stride 2; the second port's functions lie between the first one's. */
TEST(virtual_functions_by_address)
{
        HostFunction functions[] = {
                { .address = { .bus = 3 }, .sriov_total = 7, .sriov_offset = 128, .sriov_stride = 2 },
                { .address = { .bus = 3, .function = 1 }, .sriov_total = 7, .sriov_offset = 128, .sriov_stride = 2 },
                { .address = { .bus = 4 }, .sriov_total = 256, .sriov_offset = 1, .sriov_stride = 1 },
                { .address = { .bus = 9 }, .sriov_total = 4 }, /* a kernel that does not say where */
        };
        const HostView v = { .functions = functions, .n_functions = ARRAY_SIZE(functions) };
        static const struct {
                const char *address;
                int parent, index;
        } cases[] = {
                { "0000:03:10.0", 0, 0 },  { "0000:03:10.2", 0, 1 },   { "0000:03:11.4", 0, 6 },
                { "0000:03:11.6", -1, 0 }, { "0000:03:10.1", 1, 0 },   { "0000:03:11.5", 1, 6 },
                { "0000:04:00.1", 2, 0 },  { "0000:05:00.0", 2, 255 }, { "0000:05:00.1", -1, 0 },
                { "0000:04:00.0", -1, 0 }, { "0000:09:00.1", -1, 0 },  { "0001:03:10.0", -1, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int index = 0;
                PciAddress a;

                assert_ok(pci_parse(cases[i].address, &a));
                assert_true(hostview_physical(&v, &a, &index) ==
                            (cases[i].parent < 0 ? NULL : &functions[cases[i].parent]));
                assert_int_eq(index, cases[i].index);
        }
}

TEST_MAIN
