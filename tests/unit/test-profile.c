/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/folder.h"

#include "model/profile.h"

static Profile *parse_on(const char *text, const Profile *base)
{
        Profile *p = NULL;
        Fault f = { 0 };

        if (profile_parse(text, strlen(text), "/etc/hookd/profiles/vm1.ini", false, base, &p, NULL, &f) < 0)
                test_fail("%s", f.text);
        return p;
}

static void assert_value(const Profile *p, const char *section, const char *key, const char *wanted)
{
        _cleanup_free_ char *value = profile_value(p, section, key);

        if (!value || !streq(value, wanted))
                test_fail("%s= of [%s] is \"%s\", not \"%s\"", key, section, value ? value : "(null)", wanted);
}

/* All problems of a file p.ini, a line each. */
static void assert_problems_sized(const char *text, size_t size, bool is_conf, const char *wanted)
{
        _cleanup_(profile_freep) Profile *p = NULL;
        _cleanup_strv_ char **problems = NULL;
        _cleanup_free_ char *all = NULL;
        Fault f = { 0 };

        assert_int_eq(profile_parse(text, size, "p.ini", is_conf, NULL, &p, &problems, &f), -EINVAL);
        assert_null(p);
        assert_int_eq(f.code, -EINVAL);
        assert_str_eq(f.culprit, "p.ini");
        all = strv_join(problems, "\n");
        assert_str_eq(all, wanted);
        assert_true(startswith(f.text, problems[0]));
}

static void assert_problems(const char *text, const char *wanted)
{
        assert_problems_sized(text, strlen(text), false, wanted);
}

/* ---- every key ---- */

#define COMMAND_EXPECTED(key)                                                                                          \
        "\"x\" is not a value for " key "=; expected a command with its absolute path, such as /usr/local/bin/lights " \
        "off, without quotation marks"

static const struct {
        const char *section, *key, *unset, *given, *printed, *bad, *expected;
} keys[] = {
        { "Match", "Domain", "", "vm1 win* [#]2", "vm1 win* [#]2", "\"win 10\"",
          "\"\"win\" is not a value for Domain=; expected globs of domain names (? for a blank, no quotation marks)" },
        { "Match", "Device", "", "10DE:2484 01:00.0 pci_0000_02_00_1", "10de:2484 0000:01:00.0 0000:02:00.1", "10de",
          "\"10de\" is not a value for Device=; expected vendor:device such as 10de:2484, or PCI addresses such as "
          "0000:01:00.0" },
        { "Devices", "Functions", "auto", "01:00.0 pci_0000_01_00_1", "0000:01:00.0 0000:01:00.1", "01:00.0 01:00.9",
          "\"01:00.9\" is not a value for Functions=; expected auto or PCI addresses such as 0000:01:00.0" },
        { "Devices", "Widen", "slot", "none", "none", "group",
          "\"group\" is not a value for Widen=; expected slot or none" },
        { "Devices", "AllowDrivers", "", "nvme  e1000e", "nvme e1000e", "nvme ../x",
          "\"../x\" is not a value for AllowDrivers=; expected names of drivers such as nvme" },
        { "Devices", "BarSize", "", "0:256M  2:16G 5:1T", "0:256M 2:16G 5:1T", "0:1G 1:3G",
          "\"1:3G\" is not a value for BarSize=; expected the number of a BAR (0 to 5) and a size that is a power of "
          "two, "
          "such as 0:256M 1:16G" },
        { "Transaction", "StartTimeoutSec", "180", "2min 30s", "150", "3601",
          "\"3601\" is not a value for StartTimeoutSec=; expected 1 to 3600 seconds, as 90, 90s or 1min 30s" },
        { "Transaction", "RollbackTimeoutSec", "120", "1500ms", "1500000us", "soon",
          "\"soon\" is not a value for RollbackTimeoutSec=; expected 1 to 3600 seconds, as 90, 90s or 1min 30s" },
        { "Transaction", "StopTimeoutSec", "180", "1h", "3600", "0",
          "\"0\" is not a value for StopTimeoutSec=; expected 1 to 3600 seconds, as 90, 90s or 1min 30s" },
        { "DisplayManager", "Policy", "auto", "stop", "stop", "unbind",
          "\"unbind\" is not a value for Policy=; expected auto, keep or stop" },
        { "DisplayManager", "Unit", "auto", "lightdm.service", "lightdm.service", "lightdm",
          "\"lightdm\" is not a value for Unit=; expected auto or a unit such as lightdm.service" },
        { "Services", "StopUnits", "", "a@b.service x.timer", "a@b.service x.timer", "a@.service",
          "\"a@.service\" is not a value for StopUnits=; expected units such as folding.service" },
        { "Services", "KnownHolders", "yes", "off", "no", "never",
          "\"never\" is not a value for KnownHolders=; expected yes or no" },
        { "Sessions", "Policy", "auto", "terminate", "terminate", "kill",
          "\"kill\" is not a value for Policy=; expected auto, keep, wait or terminate" },
        { "Sessions", "TimeoutSec", "15", "600", "600", "601",
          "\"601\" is not a value for TimeoutSec=; expected 1 to 600 seconds, as 90, 90s or 1min 30s" },
        { "Holders", "Policy", "wait", "kill", "kill", "auto",
          "\"auto\" is not a value for Policy=; expected wait, refuse, terminate or kill" },
        { "Holders", "TimeoutSec", "10", "1", "1", "-1",
          "\"-1\" is not a value for TimeoutSec=; expected 1 to 600 seconds, as 90, 90s or 1min 30s" },
        { "Power", "KeepAwake", "yes", "no", "no", "2", "\"2\" is not a value for KeepAwake=; expected yes or no" },
        { "VTConsole", "Policy", "auto", "unbind", "unbind", "Unbind",
          "\"Unbind\" is not a value for Policy=; expected auto, keep or unbind" },
        { "Module", "Policy", "auto", "unload", "unload", "stop",
          "\"stop\" is not a value for Policy=; expected auto, keep or unload" },
        { "Module", "Names", "auto", "nvidia_drm nvidia", "nvidia_drm nvidia", "nvidia auto",
          "\"auto\" is not a value for Names=; expected auto or names of modules such as nvidia_drm" },
        { "Framebuffer", "Policy", "auto", "keep", "keep", "yes",
          "\"yes\" is not a value for Policy=; expected auto, keep or unbind" },
        { "VirtualFunctions", "Parent", "auto", "03:00.0", "03:00.0", "eth0",
          "\"eth0\" is not a value for Parent=; expected auto or a PCI address such as 0000:03:00.0" },
        { "VirtualFunctions", "Count", "0", "4", "4", "-1",
          "\"-1\" is not a value for Count=; expected a number from 0 to 65535" },
        { "MediatedDevice", "Parent", "auto", "mtty", "mtty", "a/b",
          "\"a/b\" is not a value for Parent=; expected auto or a PCI address, or a name in /sys/class/mdev_bus" },
        { "MediatedDevice", "Type", "none", "i915-GVTg_V5_4", "i915-GVTg_V5_4", "big",
          "\"big\" is not a value for Type=; expected none or a type such as nvidia-63 (`hookctl devices` lists "
          "them)" },
        { "MediatedDevice", "Uuid", "auto", "c2177883-f1bb-47f0-914d-32a22e3a8804",
          "c2177883-f1bb-47f0-914d-32a22e3a8804", "c2177883",
          "\"c2177883\" is not a value for Uuid=; expected auto or UUIDs such as "
          "c2177883-f1bb-47f0-914d-32a22e3a8804" },
        { "Driver", "Guest", "auto", "mlx5_vfio_pci", "mlx5_vfio_pci", "a b",
          "\"a b\" is not a value for Guest=; expected auto or the name of a driver such as vfio-pci" },
        { "Driver", "Host", "recorded", "nouveau", "nouveau", "a/b",
          "\"a/b\" is not a value for Host=; expected recorded or the name of a driver such as amdgpu" },
        { "Scripts", "ExecPrepare", "", "/usr/bin/x  off off", "/usr/bin/x off off", "x off",
          COMMAND_EXPECTED("ExecPrepare") },
        { "Scripts", "ExecStart", "", "/usr/bin/x  off off", "/usr/bin/x off off", "x off",
          COMMAND_EXPECTED("ExecStart") },
        { "Scripts", "ExecStarted", "", "/usr/bin/x  off off", "/usr/bin/x off off", "x off",
          COMMAND_EXPECTED("ExecStarted") },
        { "Scripts", "ExecReconnect", "", "/usr/bin/x  off off", "/usr/bin/x off off", "x off",
          COMMAND_EXPECTED("ExecReconnect") },
        { "Scripts", "ExecStopped", "", "/usr/bin/x  off off", "/usr/bin/x off off", "x off",
          COMMAND_EXPECTED("ExecStopped") },
        { "Scripts", "ExecRelease", "", "/usr/bin/x  off off", "/usr/bin/x off off", "x off",
          COMMAND_EXPECTED("ExecRelease") },
        { "Scripts", "Folders", "yes", "no", "no", "some", "\"some\" is not a value for Folders=; expected yes or no" },
        { "Scripts", "TimeoutSec", "60", "2min", "120", "0",
          "\"0\" is not a value for TimeoutSec=; expected 1 to 3600 seconds, as 90, 90s or 1min 30s" },
        { "Reset", "Method", "auto", "remove-rescan", "remove-rescan", "pm",
          "\"pm\" is not a value for Method=; expected auto, none, flr, bus or remove-rescan" },
        { "Reset", "When", "release", "both", "both", "never",
          "\"never\" is not a value for When=; expected release, prepare or both" },
        { "Reset", "TimeoutSec", "30", "45s", "45", "601s",
          "\"601s\" is not a value for TimeoutSec=; expected 1 to 600 seconds, as 90, 90s or 1min 30s" },
};

TEST(the_table_here_has_every_key)
{
        const ProfileKey *k = profile_keys();

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++, k++) {
                assert_str_eq(k->section, keys[i].section);
                assert_str_eq(k->key, keys[i].key);
                assert_str_eq(k->default_text, keys[i].unset);
                assert_true(strlen(k->help) > 10);
        }
        assert_null(k->key);
}

TEST(an_empty_profile_has_the_defaults)
{
        _cleanup_(profile_freep) Profile *p = parse_on("", NULL), *q = profile_new();

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                assert_value(p, keys[i].section, keys[i].key, keys[i].unset);
                assert_value(q, keys[i].section, keys[i].key, keys[i].unset);
        }
        assert_str_eq(p->name, "vm1");
        assert_str_eq(p->path, "/etc/hookd/profiles/vm1.ini");
        assert_str_eq(q->name, "");
        assert_true(p->functions_auto && p->known_holders && p->keep_awake);
        assert_null(p->match_domain);
        assert_null(p->dm_unit);
        assert_null(p->module_names);
        assert_null(p->driver_guest);
        assert_null(p->driver_host);
        assert_int_eq(p->start_timeout, 180 * USEC_PER_SEC);
        assert_int_eq(p->holders_policy, POLICY_WAIT);
        assert_int_eq(p->reset_when, RESET_ON_RELEASE);
        assert_int_eq(p->widen, WIDEN_SLOT);
}

TEST(every_key_can_be_set)
{
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                _cleanup_(profile_freep) Profile *p = NULL, *q = NULL;
                _cleanup_free_ char *text = NULL, *again = NULL;

                assert_true(asprintf(&text, "[%s]\n%s=%s\n", keys[i].section, keys[i].key, keys[i].given) > 0);
                p = parse_on(text, NULL);
                for (size_t j = 0; j < ARRAY_SIZE(keys); j++)
                        assert_value(p, keys[j].section, keys[j].key, j == i ? keys[j].printed : keys[j].unset);
                /* what is printed can be written in a file */
                assert_true(asprintf(&again, "[%s]\n%s=%s\n", keys[i].section, keys[i].key, keys[i].printed) > 0);
                q = parse_on(again, NULL);
                assert_value(q, keys[i].section, keys[i].key, keys[i].printed);
        }
}

TEST(every_key_refuses_nonsense)
{
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                _cleanup_free_ char *text = NULL, *wanted = NULL;

                assert_true(asprintf(&text, "\n[%s]\n%s=%s\n", keys[i].section, keys[i].key, keys[i].bad) > 0);
                assert_true(asprintf(&wanted, "p.ini:3: %s", keys[i].expected) > 0);
                assert_problems(text, wanted);
        }
}

TEST(empty_values)
{
        _cleanup_(profile_freep)
                Profile *base = parse_on("[Services]\nStopUnits=a.service\n[Module]\nNames=a b\n"
                                         "[Devices]\nFunctions=01:00.0\nAllowDrivers=nvme\nBarSize=1:1G\n"
                                         "[Scripts]\nExecPrepare=/bin/x\n",
                                         NULL),
                        *p = parse_on("[Match]\nDomain=\nDevice=\n[Services]\nStopUnits=\n[Module]\n"
                                      "Names=\n[Devices]\nFunctions=\nAllowDrivers= \t\nBarSize=\n"
                                      "[Scripts]\nExecPrepare=\n",
                                      base);

        assert_value(base, "Services", "StopUnits", "a.service");
        assert_value(p, "Services", "StopUnits", "");
        assert_value(p, "Module", "Names", "auto");
        assert_value(p, "Devices", "Functions", "auto");
        assert_value(p, "Devices", "AllowDrivers", "");
        assert_value(p, "Devices", "BarSize", "");
        assert_value(base, "Scripts", "ExecPrepare", "/bin/x");
        assert_value(p, "Scripts", "ExecPrepare", "");
        assert_problems("[DisplayManager]\nUnit=\nPolicy=\n[Transaction]\nStopTimeoutSec=\n[Power]\nKeepAwake=",
                        "p.ini:2: Unit= is empty; expected auto or a unit such as lightdm.service\n"
                        "p.ini:3: Policy= is empty; expected auto, keep or stop\n"
                        "p.ini:5: StopTimeoutSec= is empty; expected 1 to 3600 seconds, as 90, 90s or 1min 30s\n"
                        "p.ini:7: KeepAwake= is empty; expected yes or no");
}

TEST(sizes_of_bars)
{
        static const char *const bad[] = { "6:1G", "1:1",   "1:0M",  "1:G",   ":1G",          "1",
                                           "x",    "1:1GB", "11:1G", "-1:1G", "1:4294967296T" };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_(profile_freep) Profile *p = NULL;
                _cleanup_free_ char *text = NULL;
                Fault f = { 0 };

                assert_true(asprintf(&text, "[Devices]\nBarSize=%s\n", bad[i]) > 0);
                assert_int_eq(profile_parse(text, strlen(text), "p.ini", false, NULL, &p, NULL, &f), -EINVAL);
                assert_contains(f.text, "is not a value for BarSize=");
        }
        assert_problems("[Devices]\nBarSize=1:1G 1:2G\n",
                        "p.ini:2: \"1:2G\" stands twice in BarSize=; expected it once");
}

TEST(a_profile_stands_on_the_defaults)
{
        _cleanup_(profile_freep) Profile *base = NULL, *p = NULL;
        static const char text[] =
                "[Transaction]\nStartTimeoutSec=60\nStopTimeoutSec=1500ms\n[Driver]\nHost=nouveau\n"
                "[Devices]\nFunctions=01:00.0\n[Services]\nKnownHolders=no\nStopUnits=a.service b.service\n";
        Fault f = { 0 };

        assert_ok(profile_parse(text, strlen(text), "hookd.conf", true, NULL, &base, NULL, &f));
        assert_str_eq(base->name, "");
        p = parse_on("[Transaction]\nStartTimeoutSec=90\n[Driver]\nHost=recorded\n[Services]\nStopUnits=c.service\n",
                     base);
        assert_value(p, "Transaction", "StartTimeoutSec", "90");
        assert_value(p, "Transaction", "StopTimeoutSec", "1500000us");
        assert_value(p, "Driver", "Host", "recorded");
        assert_value(p, "Devices", "Functions", "0000:01:00.0");
        assert_value(p, "Services", "KnownHolders", "no");
        assert_value(p, "Services", "StopUnits", "c.service");
        assert_null(profile_value(p, "Services", "Stopunits"));
}

/* Every key at once, except that [Match] is each file's own. */
TEST(all_keys_are_inherited)
{
        _cleanup_(profile_freep) Profile *base = NULL, *p = NULL;
        _cleanup_free_ char *text = NULL;
        const char *section = "";
        size_t size;
        FILE *out = open_memstream(&text, &size);

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                if (!streq(section, keys[i].section))
                        (void) fprintf(out, "[%s]\n", keys[i].section);
                section = keys[i].section;
                (void) fprintf(out, "%s=%s\n", keys[i].key, keys[i].given);
        }
        assert_int_eq(fclose(out), 0);
        base = parse_on(text, NULL);
        p = parse_on("", base);
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                assert_value(p, keys[i].section, keys[i].key,
                             streq(keys[i].section, "Match") ? keys[i].unset : keys[i].printed);
}

TEST(where_a_value_comes_from)
{
        static const char conf[] = "[Holders]\nTimeoutSec=20\nPolicy=kill\n", file[] = "\n[Holders]\nPolicy=wait\n";
        _cleanup_(profile_freep) Profile *base = NULL, *p = NULL;
        unsigned line = 7;

        assert_ok(profile_parse(conf, strlen(conf), "/etc/hookd/hookd.conf", true, NULL, &base, NULL, NULL));
        p = parse_on(file, base);
        assert_not_null(p);
        assert_str_eq(profile_origin(p, "Holders", "Policy", &line), "/etc/hookd/profiles/vm1.ini");
        assert_int_eq(line, 3);
        assert_str_eq(profile_origin(p, "Holders", "TimeoutSec", &line), "/etc/hookd/hookd.conf");
        assert_int_eq(line, 2);
        assert_null(profile_origin(p, "Reset", "Method", &line));
        assert_int_eq(line, 0);
        assert_null(profile_origin(p, "Reset", "Nonsense", &line));
        assert_str_eq(profile_origin(base, "Holders", "Policy", &line), "/etc/hookd/hookd.conf");
}

TEST(match_is_for_profiles_only)
{
        static const char text[] = "[Match]\nDomain=*\n[Power]\nKeepAwake=x\n";

        assert_problems_sized(text, strlen(text), true,
                              "p.ini:1: [Match] belongs into a profile, not into the defaults for all of them\n"
                              "p.ini:4: \"x\" is not a value for KeepAwake=; expected yes or no");
}

/* ---- the form of a file ---- */

TEST(what_a_file_may_look_like)
{
        _cleanup_(profile_freep) Profile *p =
                parse_on("\xef\xbb\xbf# comment of g\xc3\xa4ste\r\n; another\r\n\r\n   \t\r\n"
                         "[Services] ; inline\r\n"
                         "StopUnits \t= \t a.service\tb.service \t ; no c.service\r\n"
                         "KnownHolders=no",
                         NULL);
        _cleanup_free_ char *text = NULL;

        assert_value(p, "Services", "StopUnits", "a.service b.service");
        assert_value(p, "Services", "KnownHolders", "no");
}

TEST(comments_inside_a_line)
{
        _cleanup_(profile_freep) Profile *p = parse_on("[Match]\nDomain=a;b c#d\nDevice= ;nothing\n", NULL);

        assert_value(p, "Match", "Domain", "a;b c#d");
        assert_value(p, "Match", "Device", "");
        assert_problems(
                "[Match]\nDomain=a # b\n[Driver]\nGuest=;x\n",
                "p.ini:2: \"#\" is not a value for Domain=; expected globs of domain names (? for a blank, no "
                "quotation marks)\n"
                "p.ini:4: \";x\" is not a value for Guest=; expected auto or the name of a driver such as vfio-pci");
}

TEST(lines_that_are_none)
{
        assert_problems(
                "KeepAwake=no\n[Power]\n KeepAwake=no\n\tx\n=no\nKeepAwake\nKeepAwake: no\n[Power\n[Reset] x\n[]\n",
                "p.ini:1: \"KeepAwake=no\" stands before any section; expected [Section] first\n"
                "p.ini:3: an indented line; expected it to begin in the first column\n"
                "p.ini:4: an indented line; expected it to begin in the first column\n"
                "p.ini:5: a value without a key; expected Key=value\n"
                "p.ini:6: \"KeepAwake\" is not understood; expected Key=value, [Section] or # comment\n"
                "p.ini:7: \"KeepAwake: no\" is not understood; expected Key=value, [Section] or # comment\n"
                "p.ini:8: \"[Power\" is not a section; expected [Section] and nothing behind it\n"
                "p.ini:9: \"[Reset] x\" is not a section; expected [Section] and nothing behind it\n"
                "p.ini:10: unknown section []; expected one of [Match], [Devices], [Transaction], "
                "[DisplayManager], [Services], [Sessions], [Holders], [Power], [VTConsole], [Module], "
                "[Framebuffer], [VirtualFunctions], [MediatedDevice], [Driver], [Scripts], [Reset]");
}

TEST(unknown_words)
{
        assert_problems("[DisplayManger]\nUnknown=is passed over\n[power]\n[VTConsole]\nPolcy=keep\npolicy=keep\n"
                        "StopUnits=a.service\nColour=red\n[Xyz]\n",
                        "p.ini:1: unknown section [DisplayManger]; did you mean [DisplayManager]?\n"
                        "p.ini:3: unknown section [power]; did you mean [Power]?\n"
                        "p.ini:5: unknown key Polcy= in [VTConsole]; did you mean Policy=?\n"
                        "p.ini:6: unknown key policy= in [VTConsole]; did you mean Policy=?\n"
                        "p.ini:7: unknown key StopUnits= in [VTConsole]; it belongs into [Services]\n"
                        "p.ini:8: unknown key Colour= in [VTConsole]; expected one of Policy=\n"
                        "p.ini:9: unknown section [Xyz]; expected one of [Match], [Devices], [Transaction], "
                        "[DisplayManager], [Services], [Sessions], [Holders], [Power], [VTConsole], [Module], "
                        "[Framebuffer], [VirtualFunctions], [MediatedDevice], [Driver], [Scripts], [Reset]");
        assert_problems("[Holders]\nTimeout=3\n",
                        "p.ini:2: unknown key Timeout= in [Holders]; did you mean TimeoutSec=?");
}

TEST(said_twice)
{
        assert_problems(
                "[Power]\nKeepAwake=no\nKeepAwake=no\n[Reset]\nWhen=both\n[Power]\nKeepAwake=x\n[Services]\n"
                "StopUnits=a.service b.service a.service\n[Devices]\nFunctions=01:00.0 0000:01:00.0\n",
                "p.ini:3: KeepAwake= stands here a second time, first in line 2; expected each key once, lists on "
                "one line\n"
                "p.ini:6: [Power] stands here a second time, first in line 1; expected each section once\n"
                "p.ini:9: \"a.service\" stands twice in StopUnits=; expected it once\n"
                "p.ini:11: \"0000:01:00.0\" stands twice in Functions=; expected it once");
}

TEST(bytes_that_are_no_text)
{
        static const char nul[] = "[Power]\nKeep\0Awake=no\n";

        assert_problems_sized(nul, sizeof(nul) - 1, false, "p.ini:2: a NUL byte; expected text");
        assert_problems("# f\xfcr\n[Power]\nKeepAwake=\xe4\n", "p.ini:1: byte 4 is not UTF-8; expected text in UTF-8\n"
                                                               "p.ini:3: byte 11 is not UTF-8; expected text in UTF-8");
        assert_problems("[Match]\nDomain=a\x1b[31m\n", "p.ini:2: byte 9 is the control character 0x1b; expected text");
        assert_problems(
                "#\xc0\x80\n#\xed\xa0\x80\n#\xf5\x80\x80\x80\n#\xe0\x80\x80\n#\xf0\x80\x80\x80\n#\xf4\x90\x80\x80\n"
                "#\x80\n#\xe2\x82",
                "p.ini:1: byte 2 is not UTF-8; expected text in UTF-8\n"
                "p.ini:2: byte 2 is not UTF-8; expected text in UTF-8\n"
                "p.ini:3: byte 2 is not UTF-8; expected text in UTF-8\n"
                "p.ini:4: byte 2 is not UTF-8; expected text in UTF-8\n"
                "p.ini:5: byte 2 is not UTF-8; expected text in UTF-8\n"
                "p.ini:6: byte 2 is not UTF-8; expected text in UTF-8\n"
                "p.ini:7: byte 2 is not UTF-8; expected text in UTF-8\n"
                "p.ini:8: byte 2 is not UTF-8; expected text in UTF-8");
}

/* "Domain=" + name is exactly as long as a line may be, or a byte longer; blanks and comments do not count. */
static char *long_line(size_t size, const char *tail)
{
        char *text = malloc(size + strlen(tail) + 32), *p = stpcpy(text, "[Match]\nDomain=");

        memset(p, 'x', size - strlen("Domain="));
        (void) stpcpy(p + size - strlen("Domain="), tail);
        return text;
}

TEST(long_lines)
{
        _cleanup_free_ char *fits = long_line(PROFILE_LINE_MAX, " \t ; comment = [Power]                        \r\n"),
                            *over = long_line(PROFILE_LINE_MAX + 1, "\nDevice=10de:2484\n"),
                            *far = long_line(5000, "\n[Power]\nKeepAwake=x\n"), *comment = NULL;
        _cleanup_(profile_freep) Profile *p = parse_on(fits, NULL);

        assert_int_eq(strlen(p->match_domain[0]), PROFILE_LINE_MAX - strlen("Domain="));
        assert_int_eq(strv_length(p->match_domain), 1);
        assert_problems(over, "p.ini:2: a line of 198 bytes; expected at most 197");
        assert_problems(far, "p.ini:2: a line of 5000 bytes; expected at most 197\n"
                             "p.ini:4: \"x\" is not a value for KeepAwake=; expected yes or no");

        comment = malloc(4000);
        memset(comment, '#', 3000);
        (void) stpcpy(comment + 3000, "\n[Power]\nKeepAwake=no\n");
        p = profile_free(p);
        p = parse_on(comment, NULL);
        assert_false(p->keep_awake);
}

TEST(long_sections)
{
        assert_problems("[DisplayManagerDisplayManagerDisplayManagerDisplayX]\nUnit=x\n",
                        "p.ini:1: the name of a section is longer than 49 bytes");
}

TEST(many_problems)
{
        _cleanup_(profile_freep) Profile *p = NULL;
        _cleanup_strv_ char **problems = NULL;
        char text[2000];
        Fault f = { 0 };

        memset(text, '=', sizeof(text));
        for (size_t i = 1; i < sizeof(text); i += 2)
                text[i] = '\n';
        assert_int_eq(profile_parse(text, sizeof(text), "p.ini", false, NULL, &p, &problems, &f), -EINVAL);
        assert_int_eq(strv_length(problems), 50);
        assert_str_eq(f.text, "p.ini:1: a value without a key; expected Key=value (and 999 more)");
}

/* Whatever bytes a file has: an answer, and inih has the same view of it as our reader. */
TEST(damaged_files)
{
        static const char good[] = "# x\n[Match]\nDomain=a b*\nDevice=10de:2484\n[DisplayManager]\nPolicy=stop ; why\n"
                                   "Unit=lightdm.service\n[Transaction]\nStartTimeoutSec=1min 30s\n";
        static const char bytes[] = "\0\n\t ;#[]=:\"\\\x80\xc3x";

        for (size_t i = 0; i < sizeof(good) - 1; i++)
                for (size_t j = 0; j < sizeof(bytes); j++) {
                        _cleanup_(profile_freep) Profile *p = NULL;
                        _cleanup_strv_ char **problems = NULL;
                        char text[sizeof(good)];
                        Fault f = { 0 };

                        memcpy(text, good, sizeof(good));
                        text[i] = bytes[j];
                        if (profile_parse(text, sizeof(good) - 1, "p.ini", false, NULL, &p, &problems, &f) >= 0)
                                continue;
                        STRV_FOREACH (s, problems)
                                if (strstr(*s, "inih"))
                                        test_fail("%s", *s);
                }
}

/* ---- the file itself ---- */

static void refuse_file(int fd, const char *name, bool check, int code, const char *why)
{
        _cleanup_(profile_freep) Profile *p = NULL;
        _cleanup_strv_ char **problems = NULL;
        Fault f = { 0 };

        assert_int_eq(profile_load(fd, name, name, NULL, check, &p, &problems, &f), code);
        assert_null(p);
        assert_contains(f.text, why);
        assert_contains(problems[0], why);
}

TEST(files)
{
        Folder d = folder_make();
        int fd = d.fd;
        _cleanup_(profile_freep) Profile *p = NULL, *q = NULL;
        _cleanup_free_ char *big = malloc(PROFILE_SIZE_MAX + 2), *path = NULL;
        Fault f = { 0 };

        memset(big, '\n', PROFILE_SIZE_MAX + 1);
        big[PROFILE_SIZE_MAX + 1] = '\0';
        folder_write(&d, "vm 1.ini", "[Match]\nDomain=x\n", 0644);
        folder_write(&d, "hookd.conf", "[Match]\nDomain=x\n", 0644);
        folder_write(&d, "big.ini", big, 0644);
        assert_ok(symlinkat("vm 1.ini", fd, "link.ini"));
        assert_ok(mkfifoat(fd, "pipe.ini", 0600));
        assert_ok(mkdirat(fd, "folder.ini", 0700));
        assert_true(asprintf(&path, "%s/vm 1.ini", d.path) > 0);

        assert_ok(profile_load(fd, "vm 1.ini", "/etc/hookd/profiles/vm 1.ini", NULL, false, &p, NULL, &f));
        assert_str_eq(p->name, "vm 1");
        assert_ok(profile_load(AT_FDCWD, path, path, NULL, false, &q, NULL, &f));
        assert_str_eq(q->path, path);
        refuse_file(fd, "hookd.conf", false, -EINVAL, "hookd.conf:1: [Match] belongs into a profile");
        refuse_file(fd, "absent.ini", false, -ENOENT, "cannot read absent.ini: No such file");
        refuse_file(fd, "link.ini", false, -EPERM, "is a symbolic link");
        refuse_file(fd, "pipe.ini", false, -EPERM, "is not a regular file");
        refuse_file(fd, "folder.ini", false, -EPERM, "is not a regular file");
        refuse_file(fd, "big.ini", false, -EFBIG, "is larger than 64 KiB");
        folder_remove(&d);
}

TEST(owners)
{
        _cleanup_(profile_freep) Profile *p = NULL, *q = NULL;
        _cleanup_free_ char *path = NULL;
        Folder d;
        int fd;
        Fault f = { 0 };

        if (geteuid() != 0)
                test_skip("only root can own a profile");
        d = folder_make();
        fd = d.fd;
        folder_write(&d, "vm1.ini", "", 0600);
        folder_write(&d, "group.ini", "", 0664);
        folder_write(&d, "other.ini", "", 0646);
        folder_write(&d, "user.ini", "", 0644);
        assert_ok(fchownat(fd, "user.ini", 12345, 0, 0));
        assert_true(asprintf(&path, "%s/vm1.ini", d.path) > 0);

        assert_ok(profile_load(fd, "vm1.ini", "vm1.ini", NULL, true, &p, NULL, &f));
        assert_ok(profile_load(AT_FDCWD, path, path, NULL, true, &q, NULL, &f));
        refuse_file(fd, "group.ini", true, -EPERM, "can be written by others than root: chmod go-w group.ini");
        refuse_file(fd, "other.ini", true, -EPERM, "can be written by others than root: chmod go-w other.ini");
        refuse_file(fd, "user.ini", true, -EPERM, "belongs to user 12345; make it root's: chown root user.ini");
        p = profile_free(p);
        assert_ok(profile_load(fd, "group.ini", "group.ini", NULL, false, &p, NULL, &f));

        assert_ok(fchmod(fd, 0770));
        refuse_file(fd, "vm1.ini", true, -EPERM, "the folder . can be written by others");
        refuse_file(AT_FDCWD, path, true, -EPERM, "chmod go-w " P_tmpdir "/hookd-test-");
        assert_ok(fchmod(fd, 01707));
        refuse_file(fd, "vm1.ini", true, -EPERM, "the folder . can be written by others");
        assert_ok(fchmod(fd, 0700));
        assert_ok(fchown(fd, 12345, 0));
        refuse_file(fd, "vm1.ini", true, -EPERM, "the folder . belongs to user 12345");
        assert_ok(fchown(fd, 0, 0));
        folder_remove(&d);
}

TEST(names_of_values)
{
        for (int i = POLICY_AUTO; i <= POLICY_KILL; i++)
                assert_true(strlen(policy_name((Policy) i)) > 3);
        assert_str_eq(policy_name(POLICY_TERMINATE), "terminate");
        assert_str_eq(policy_name(POLICY_KILL), "kill");
        assert_str_eq(reset_method_name(RESET_REMOVE_RESCAN), "remove-rescan");
        assert_str_eq(reset_when_name(RESET_ON_BOTH), "both");
        assert_str_eq(widen_name(WIDEN_NONE), "none");
}

TEST_MAIN
