/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/term.h"
#include "wire/wire.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

static const Verb *const verbs[] = { &verb_enable,  &verb_disable, &verb_status,  &verb_plan,
                                     &verb_devices, &verb_holders, &verb_capture, &verb_release };

/* In the order of the help. */
static const struct {
        const char *name, *argument, *help;
} texts[] = {
        { "root", "DIR", "work on the system below DIR; nothing is started or stopped" },
        { "shim", "FILE", "install this file instead of " HOOKD_LIBEXECDIR "/hook-shim" },
        { "force", NULL, "even while guests hold devices" },
        { "json", NULL, "as JSON, see JSON in hookctl(1)" },
        { "tree", NULL, "as a tree of the bridges above them" },
        { "raw", NULL, "one record a line, for scripts" },
        { "domain-xml", "FILE", "take the domain's XML from FILE, or stdin for -" },
        { "host", "FILE", "look at a captured host instead of this one" },
        { "profile", "FILE", "take this profile instead of the guest's" },
        { "socket", "PATH", "where hookd listens (" WIRE_SOCKET ")" },
        { "help", NULL, "show this help" },
};

int ctl_fail(const char *fmt, ...)
{
        char text[2048];
        va_list ap;

        va_start(ap, fmt);
        (void) vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        (void) fflush(stdout);
        (void) fputs("hookctl: ", stderr);
        term_wrap(stderr, text, 9, 9);
        return 1;
}

static int usage(const char *fmt, const char *what)
{
        (void) fputs("hookctl: ", stderr);
        (void) fprintf(stderr, fmt, what);
        (void) fputs("; see `hookctl --help`\n", stderr);
        return 2;
}

static bool takes(const Verb *v, const char *option)
{
        size_t n = strlen(option);

        for (const char *s = v->options; *s; s += strspn(s, " ")) {
                if (strcspn(s, " ") == n && strncmp(s, option, n) == 0)
                        return true;
                s += strcspn(s, " ");
        }
        return streq(option, "help");
}

static void print_help(void)
{
        (void) puts("usage: hookctl VERB [OPTION...] [GUEST]\n"
                    "\n"
                    "Installs and asks hookd, which prepares this host for guests with passed-through\n"
                    "devices and puts it back.\n");
        for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
                (void) printf("  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
        (void) puts("\n`hookctl VERB --help` says more. Exit status: 0 fine, 1 a problem, 2 wrong usage.");
}

static void print_verb_help(const Verb *v)
{
        static const char *const argument[] = { "", " [%s]", " %s" };

        (void) printf("usage: hookctl %s [OPTION...]", v->name);
        (void) printf(argument[v->guest], v->argument ? v->argument : "GUEST");
        (void) printf("\n\n%s\n", v->help);
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (takes(v, texts[i].name)) {
                        char option[32];

                        (void) snprintf(option, sizeof(option), "--%s%s%s", texts[i].name, texts[i].argument ? "=" : "",
                                        texts[i].argument ? texts[i].argument : "");
                        (void) printf("  %-18s ", option);
                        term_wrap(stdout, texts[i].help, 21, 21);
                }
}

static const Verb *find(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
                if (streq(verbs[i]->name, name))
                        return verbs[i];
        return NULL;
}

typedef struct Line {
        Ctl ctl;
        bool help, version, wrong;
        const char *given[16]; /* options, by name */
        size_t n_given;
} Line;

static void parse(int argc, char **argv, Line *l)
{
        enum { ROOT = 1, SHIM, FORCE, JSON, TREE, RAW, DOMAIN_XML, HOST, PROFILE, SOCKET, HELP, VERSION };
        static const struct option options[] = {
                { "root", required_argument, NULL, ROOT },
                { "shim", required_argument, NULL, SHIM },
                { "force", no_argument, NULL, FORCE },
                { "json", no_argument, NULL, JSON },
                { "tree", no_argument, NULL, TREE },
                { "raw", no_argument, NULL, RAW },
                { "domain-xml", required_argument, NULL, DOMAIN_XML },
                { "host", required_argument, NULL, HOST },
                { "profile", required_argument, NULL, PROFILE },
                { "socket", required_argument, NULL, SOCKET },
                { "help", no_argument, NULL, HELP },
                { "version", no_argument, NULL, VERSION },
                { NULL, 0, NULL, 0 },
        };
        int c, index = 0;

        while ((c = getopt_long(argc, argv, "h", options, &index)) != -1) {
                if (c != 'h' && c != '?' && l->n_given < ARRAY_SIZE(l->given))
                        l->given[l->n_given++] = options[index].name;
                switch (c) {
                case ROOT:
                        l->ctl.root = streq(optarg, "/") ? "" : optarg;
                        break;
                case SHIM:
                        l->ctl.shim = optarg;
                        break;
                case FORCE:
                        l->ctl.force = true;
                        break;
                case JSON:
                        l->ctl.json = true;
                        break;
                case TREE:
                        l->ctl.tree = true;
                        break;
                case RAW:
                        l->ctl.raw = true;
                        break;
                case DOMAIN_XML:
                        l->ctl.domain_xml = optarg;
                        break;
                case HOST:
                        l->ctl.host = optarg;
                        break;
                case PROFILE:
                        l->ctl.profile = optarg;
                        break;
                case SOCKET:
                        l->ctl.socket = optarg;
                        break;
                case 'h':
                case HELP:
                        l->help = true;
                        break;
                case VERSION:
                        l->version = true;
                        break;
                default:
                        l->wrong = true; /* getopt has said what */
                }
        }
}

static int run(const Verb *v, Line *l, char **rest, int n)
{
        for (size_t i = 0; i < l->n_given; i++)
                if (!takes(v, l->given[i])) {
                        (void) fprintf(stderr, "hookctl: %s takes no option --%s; see `hookctl %s --help`\n", v->name,
                                       l->given[i], v->name);
                        return 2;
                }
        if (l->help) {
                print_verb_help(v);
                return 0;
        }
        if (n > (v->guest == GUEST_NONE ? 0 : 1))
                return usage("too many arguments: '%s'", rest[n - 1]);
        if (v->guest == GUEST_REQUIRED && n == 0)
                return usage("%s needs the name of a guest", v->name);
        l->ctl.guest = n > 0 ? rest[0] : NULL;
        return v->run(&l->ctl);
}

int main(int argc, char **argv)
{
        Line l = { .ctl = { .socket = WIRE_SOCKET, .root = "", .shim = HOOKD_LIBEXECDIR "/hook-shim" } };
        const Verb *v;

        parse(argc, argv, &l);
        if (l.wrong)
                return usage("%s", "wrong option");
        if (l.version) {
                (void) puts("hookctl " HOOKD_VERSION);
                return 0;
        }
        l.ctl.colour = term_colour(stdout);
        if (optind >= argc) {
                if (!l.help)
                        return usage("%s", "no verb given");
                print_help();
                return 0;
        }
        v = find(argv[optind]);
        if (!v)
                return usage("there is no verb '%s'", argv[optind]);
        return run(v, &l, argv + optind + 1, argc - optind - 1);
}
