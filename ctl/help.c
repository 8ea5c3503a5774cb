/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help and versions, printed from the rows that the program itself runs by. */
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "say.h"

#include "fw/ext.h"
#include "fw/text.h"

void ctl_print_version(const struct ctl *ctl)
{
	if (ctl->drop_in)
		printf("%s v%s (%s)\n", ctl->prog, CTL_IPTABLES_VERSION,
		       ctl->nft ? "nf_tables" : "legacy");
	else
		printf("fwctl %s (iptables %s)\n", FWD_VERSION, CTL_IPTABLES_VERSION);
}

static const struct {
	const char *option, *help;
} commands[] =
	{
		{"-A, --append CHAIN RULE", "add a rule at the end"},
		{"-I, --insert CHAIN [N] RULE", "put a rule in place N (default 1)"},
		{"-R, --replace CHAIN N RULE", "put a rule instead of number N"},
		{"-D, --delete CHAIN RULE | N", "delete a rule, by its words or its number"},
		{"-C, --check CHAIN RULE", "is there such a rule? exit code 0 yes, 1 no"},
		{"-L, --list [CHAIN [N]]", "list rules"},
		{"-S, --list-rules [CHAIN [N]]", "print rules as commands"},
		{"-F, --flush [CHAIN]", "delete all rules"},
		{"-Z, --zero [CHAIN [N]]", "set counters to zero"},
		{"-N, --new-chain CHAIN", "make a chain"},
		{"-X, --delete-chain [CHAIN]", "delete a chain that is empty and unused"},
		{"-E, --rename-chain OLD NEW", "rename a chain; references follow"},
		{"-P, --policy CHAIN TARGET", "what happens at the end of a built-in chain"},
		{"-h, --help", "this; with -m, -j or -p also that extension's options"},
		{"-V, --version", "the version"},
},
  options[] = {
	  {"-t, --table TABLE", "raw, mangle, nat, filter (default) or security"},
	  {"-p, --protocol [!] PROTO", "protocol, by number or name"},
	  {"-s, --source [!] ADDR[/MASK][,...]", "source; a list makes a rule of each"},
	  {"-d, --destination [!] ADDR[/MASK][,...]", "destination"},
	  {"-i, --in-interface [!] NAME[+]", "interface the packet came in by"},
	  {"-o, --out-interface [!] NAME[+]", "interface it leaves by"},
	  {"-f, --fragment", "second and later fragments (IPv4)"},
	  {"-m, --match MATCH", "use a match extension"},
	  {"-j, --jump TARGET", "what to do with the packet"},
	  {"-g, --goto CHAIN", "go on in a chain and do not come back"},
	  {"-n, --numeric", "numbers instead of names"},
	  {"-v, --verbose", "counters, interfaces and options too"},
	  {"-x, --exact", "counters in full"},
	  {"    --line-numbers", "number the rules"},
	  {"-c, --set-counters PACKETS BYTES", "start the rule's counters there"},
	  {"-4, -6, --ipv4, --ipv6", "the family (restore: lines of the other are skipped)"},
	  {"-w, --wait [SECONDS]", "accepted; the daemon never makes anybody wait for a lock"},
	  {"    --modprobe COMMAND", "accepted; nothing is loaded"},
};

static void print_usage(const struct ctl *ctl)
{
	const char *p = ctl->prog;

	printf("Usage: %s -[ACD] chain rule-specification [options]\n"
	       "       %s -I chain [rulenum] rule-specification [options]\n"
	       "       %s -R chain rulenum rule-specification [options]\n"
	       "       %s -D chain rulenum [options]\n"
	       "       %s -[LS] [chain [rulenum]] [options]\n"
	       "       %s -[FZ] [chain] [options]\n"
	       "       %s -[NX] chain\n"
	       "       %s -E old-chain-name new-chain-name\n"
	       "       %s -P chain target [options]\n"
	       "       %s -h (print this help information)\n\n",
	       p, p, p, p, p, p, p, p, p, p);
}

void ctl_print_tables_help(const struct ctl *ctl, const struct fw_cmd *cmd)
{
	struct fw_buf out = FW_BUF_INIT;

	ctl_print_version(ctl);
	putchar('\n');
	print_usage(ctl);
	puts("Commands:");
	for (size_t i = 0; i < FW_ARRAY_SIZE(commands); i++)
		printf("  %-40s %s\n", commands[i].option, commands[i].help);
	puts("\nOptions ([!] before an option's name inverts it):");
	for (size_t i = 0; i < FW_ARRAY_SIZE(options); i++)
		printf("  %-40s %s\n", options[i].option, options[i].help);
	puts("      --socket PATH                        the daemon's socket (or FWCTL_SOCKET)");
	for (size_t i = 0; i < cmd->n_help; i++)
		fw_ext_help(cmd->help_ext[i], ctl->family, &out);
	fputs(fw_buf_cstr(&out), stdout);
	fw_buf_deinit(&out);
}

static int help_verbs(const struct ctl *ctl)
{
	size_t n;
	const struct ctl_verb *verbs = ctl_verbs(&n);

	ctl_print_version(ctl);
	printf("\nusage: %s [--socket PATH] [-4|-6] VERB [ARGS]\n"
	       "       %s [--socket PATH] [-4|-6] any iptables command: -A INPUT -p tcp …\n\n",
	       ctl->prog, ctl->prog);
	for (size_t i = 0; i < n; i++)
		printf("  %-12s%s\n", verbs[i].name, verbs[i].help);
	printf("\n%s help VERB says more; %s -h lists the iptables commands and options;\n"
	       "%s help matches and %s help targets list the extensions; %s help recent, or any other\n"
	       "of them, explains one.\n",
	       ctl->prog, ctl->prog, ctl->prog, ctl->prog, ctl->prog);
	return 0;
}

/* What there is for -m or -j; of one that differs between the families, the first. */
static int help_list(bool target)
{
	const struct fw_ext *const *list;
	const char *last = "";
	size_t n;

	list = fw_ext_list(&n);
	for (size_t i = 0; i < n; last = list[i++]->name)
		if (list[i]->target == target && strcmp(last, list[i]->name) != 0)
			printf("  %-14s%s\n", list[i]->name, list[i]->summary);
	return 0;
}

/* A match and a target may have the same name, and differ between families: show all. */
static int help_ext(const struct ctl *ctl, const char *word)
{
	struct fw_buf out = FW_BUF_INIT;
	const struct fw_ext *seen[4] = {NULL};
	size_t n = 0;

	for (int target = 0; target < 2; target++) {
		for (int family = 0; family < FW_N_FAMILIES; family++) {
			const struct fw_ext *e = fw_ext_find(word, target, (enum fw_family)family);

			if (!e || (n && seen[n - 1] == e))
				continue;
			seen[n++] = e;
			fw_ext_help(e, (enum fw_family)family, &out);
		}
	}
	fputs(fw_buf_cstr(&out), stdout);
	fw_buf_deinit(&out);
	if (n)
		return 0;
	return ctl_usage(ctl, "'%s' is no subcommand, match or target", word);
}

int ctl_help(struct ctl *ctl)
{
	const struct ctl_verb *v;

	if (!ctl->argc)
		return help_verbs(ctl);
	if (!strcmp(ctl->argv[0], "matches") || !strcmp(ctl->argv[0], "targets"))
		return help_list(ctl->argv[0][0] == 't');
	v = ctl_verb_find(ctl->argv[0]);
	if (!v) {
		ctl->verb = NULL;
		return help_ext(ctl, ctl->argv[0]);
	}
	printf("usage: %s %s %s\n\n%s\n", ctl->prog, v->name, v->args, v->help);
	if (fw_ext_find(v->name, false, ctl->family)) {
		putchar('\n');
		return help_ext(ctl, v->name);
	}
	return 0;
}
