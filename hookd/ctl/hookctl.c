/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"
#include "ctl/term.h"
#include "wire/wire.h"

#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static const Verb *const verbs[] = {
        &verb_enable,  &verb_disable,   &verb_status,  &verb_plan,    &verb_list,    &verb_show,
        &verb_check,   &verb_generate,  &verb_edit,    &verb_devices, &verb_holders, &verb_capture,
        &verb_release, &verb_reconcile, &verb_recover, &verb_log,     &verb_doctor,  &verb_rom,
};

/* In the order of the help. A value goes into a string of Ctl, an option without one sets a bool. */
static const struct {
        const char *name, *argument;
        size_t offset;
        const char *help;
        char letter; /* its short form; 0: none */
} options[] = {
        { "root", "DIR", offsetof(Ctl, root), "work on the system below DIR; nothing is started or stopped" },
        { "shim", "FILE", offsetof(Ctl, shim), "this program for the hook instead of " HOOKD_LIBEXECDIR "/hook-shim" },
        { "worker", "FILE", offsetof(Ctl, worker), "this program instead of " HOOKD_LIBEXECDIR "/hookd-worker" },
        { "force", NULL, offsetof(Ctl, force), "also where it is refused otherwise, see hookctl(1)" },
        { "json", NULL, offsetof(Ctl, json), "as JSON, see JSON in hookctl(1)" },
        { "all", NULL, offsetof(Ctl, all), "also what is fine, one by one" },
        { "tree", NULL, offsetof(Ctl, tree), "as a tree of the bridges above them" },
        { "raw", NULL, offsetof(Ctl, raw), "one record a line, for scripts" },
        { "print", NULL, offsetof(Ctl, print), "on the standard output, not into the file" },
        { "domain-xml", "FILE", offsetof(Ctl, domain_xml), "take the domain's XML from FILE, or stdin for -" },
        { "timeline", NULL, offsetof(Ctl, timeline), "as bars: which step took how long" },
        { "follow", NULL, offsetof(Ctl, follow), "go on with what is new, until interrupted (-f)", 'f' },
        { "since", "TIME", offsetof(Ctl, since), "from then on: \"2026-11-21 05:00\", 05:00, today, \"2h ago\"" },
        { "number", "N", offsetof(Ctl, number), "the last N starts, or all (-n)", 'n' },
        { "file", "FILE", offsetof(Ctl, file),
          "read this journal file, or what `journalctl -o export` wrote, or stdin for -" },
        { "host", "FILE", offsetof(Ctl, host), "look at a captured host instead of this one" },
        { "event", "EVENT", offsetof(Ctl, event), "what hookd would do at: prepare (a start of the guest), release" },
        { "profile", "FILE", offsetof(Ctl, profile), "take this profile instead of the guest's" },
        { "socket", "PATH", offsetof(Ctl, socket), "where hookd listens (" WIRE_SOCKET ")" },
};
static const char help_text[] = "show this help";

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
        (void) puts("\n`hookctl VERB --help` says more. Exit status: 0 fine, 1 a problem, 2 usage.");
}

static void print_option(const char *name, const char *argument, const char *help)
{
        char option[32];

        (void) snprintf(option, sizeof(option), "--%s%s%s", name, argument ? "=" : "", argument ? argument : "");
        (void) printf("  %-18s ", option);
        term_wrap(stdout, help, 21, 21);
}

static void print_verb_help(const Verb *v)
{
        (void) printf("usage: hookctl %s [OPTION...]%s%s\n\n%s\n", v->name, *v->arguments ? " " : "", v->arguments,
                      v->help);
        for (size_t i = 0; i < ARRAY_SIZE(options); i++)
                if (takes(v, options[i].name))
                        print_option(options[i].name, options[i].argument, options[i].help);
        print_option("help", NULL, help_text);
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
        enum { HELP = ARRAY_SIZE(options), VERSION, END };
        struct option table[END + 1] = {
                [HELP] = { "help", no_argument, NULL, 'h' }, [VERSION] = { "version", no_argument, NULL, 'V' }
        };
        char letters[2 + 2 * ARRAY_SIZE(options)] = "h", *end = letters + 1;
        int c, i = 0;

        for (size_t k = 0; k < ARRAY_SIZE(options); k++) {
                table[k] = (struct option){ options[k].name, options[k].argument ? required_argument : no_argument,
                                            NULL, 0 };
                if (options[k].letter) {
                        *end++ = options[k].letter;
                        end = stpcpy(end, options[k].argument ? ":" : "");
                }
        }
        while ((c = getopt_long(argc, argv, letters, table, &i)) != -1) {
                for (size_t k = 0; k < ARRAY_SIZE(options); k++)
                        if (c > 0 && c == options[k].letter) {
                                i = (int) k;
                                c = 0;
                        }
                if (c == 'h')
                        l->help = true;
                else if (c == 'V')
                        l->version = true;
                else if (c != 0)
                        l->wrong = true; /* getopt has said what */
                else if (l->n_given == ARRAY_SIZE(l->given))
                        l->wrong = true;
                else {
                        void *field = (char *) &l->ctl + options[i].offset;

                        l->given[l->n_given++] = options[i].name;
                        if (options[i].argument)
                                *(const char **) field = optarg;
                        else
                                *(bool *) field = true;
                }
        }
        if (streq(l->ctl.root, "/"))
                l->ctl.root = "";
}

/* The n-th word of the verb's arguments, without brackets; NULL: it has fewer. */
static const char *argument_name(const Verb *v, int n, bool *ret_optional, char buf[32])
{
        const char *s = v->arguments;

        for (; n > 0 && *s; n--) {
                s += strcspn(s, " ");
                s += strspn(s, " ");
        }
        if (!*s)
                return NULL;
        *ret_optional = *s == '[';
        (void) snprintf(buf, 32, "%.*s", (int) strcspn(s + *ret_optional, " ]"), s + *ret_optional);
        return buf;
}

static int run(const Verb *v, Line *l, char **rest, int n)
{
        bool optional;
        char buf[32];

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
        for (int i = 0; i < n; i++) {
                if (!argument_name(v, i, &optional, buf))
                        return usage("too many arguments: '%s'", rest[i]);
                l->ctl.arguments[i] = rest[i];
        }
        if (argument_name(v, n, &optional, buf) && !optional) {
                (void) fprintf(stderr, "hookctl: %s needs %s; see `hookctl %s --help`\n", v->name, buf, v->name);
                return 2;
        }
        l->ctl.guest = l->ctl.arguments[0];
        return v->run(&l->ctl);
}

int main(int argc, char **argv)
{
        Line l = { .ctl = { .socket = WIRE_SOCKET,
                            .root = "",
                            .shim = HOOKD_LIBEXECDIR "/hook-shim",
                            .worker = HOOKD_LIBEXECDIR "/hookd-worker" } };
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
