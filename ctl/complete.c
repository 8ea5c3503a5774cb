/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion for bash, printed: verbs and their words from verbs[], extensions and their options
 * from the engine's tables, chains from the daemon.
 */
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "say.h"

#include "fw/ext.h"

static void print_exts(bool target)
{
	size_t n;
	const struct fw_ext *const *list = fw_ext_list(&n);

	for (size_t i = 0; i < n; i++)
		if (list[i]->target == target)
			printf(" %s", list[i]->name);
}

static void print_ext_options(void)
{
	size_t n;
	const struct fw_ext *const *list = fw_ext_list(&n);

	for (size_t i = 0; i < n; i++) {
		if (!list[i]->opts)
			continue;
		printf("\t%s)\n\t\techo \"", list[i]->name);
		for (const struct fw_opt *o = list[i]->opts; o->name; o++)
			if (!(o->flags & FW_OPT_HIDDEN))
				printf(" --%s", o->name);
		puts("\" ;;&"); /* go on: the other family may have one of this name, too */
	}
}

/* What follows the tables, in bash. */
static const char rest[] =
	"\"\n\tcase \"$prev\" in\n"
	"\t-t|--table) words=\"raw mangle nat filter security\" ;;\n"
	"\t-m|--match) words=$matches ;;\n"
	"\t-j|--jump) words=\"ACCEPT DROP $targets\" ;;\n"
	"\t-[AIRDCLSFZXEPg]) words=$(fwctl save 2>/dev/null | sed -n 's/^:\\([^ ]*\\) .*/\\1/p') "
	";;\n"
	"\t-i|-o) words=$(ls /sys/class/net 2>/dev/null) ;;\n"
	"\t-f|--file|--rules|--pcap|--socket|check|restore)\n"
	"\t\tCOMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
	"\tesac\n"
	"\tif [ -z \"$words\" ]; then\n"
	"\t\tcase \"${COMP_WORDS[1]}\" in\n"
	"\t\t[a-z]*) [ \"$COMP_CWORD\" -gt 1 ] && words=$(_fwctl_verb \"${COMP_WORDS[1]}\") ;;\n"
	"\t\tesac\n"
	"\t\t[ \"$COMP_CWORD\" -eq 1 ] && words=\"$verbs $generic\"\n"
	"\t\tif [ -z \"$words\" ]; then\n"
	"\t\t\twords=$generic\n"
	"\t\t\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\t\t\tcase \"${COMP_WORDS[i]}\" in\n"
	"\t\t\t\t-m|-j|-p) words+=\" $(_fwctl_options \"${COMP_WORDS[i+1]}\")\" ;;\n"
	"\t\t\t\tesac\n"
	"\t\t\tdone\n"
	"\t\tfi\n"
	"\tfi\n"
	"\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	"}\n"
	"complete -F _fwctl fwctl";

int ctl_completion(struct ctl *ctl)
{
	size_t n;
	const struct ctl_verb *verbs = ctl_verbs(&n);

	if (ctl->argc && strcmp(ctl->argv[0], "bash"))
		return ctl_usage(ctl, "only bash so far, not '%s'", ctl->argv[0]);
	puts("# bash completion for fwctl; made by `fwctl completion bash`\n"
	     "_fwctl_options()\n{\n\tcase \"$1\" in");
	print_ext_options();
	puts("\tesac\n}\n\n_fwctl_verb()\n{\n\tcase \"$1\" in");
	for (size_t i = 0; i < n; i++)
		printf("\t%s) echo \"%s\" ;;\n", verbs[i].name, verbs[i].options);
	puts("\tesac\n}\n\n_fwctl()\n{");
	puts("\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} i words");
	printf("\tlocal verbs=\"");
	for (size_t i = 0; i < n; i++)
		printf("%s%s", i ? " " : "", verbs[i].name);
	puts("\"");
	puts("\tlocal generic=\"-t -A -I -R -D -C -L -S -F -Z -N -X -E -P -p -s -d -i -o -f -m -j "
	     "-g "
	     "-n -v -x -c -4 -6 -h -V --line-numbers\"");
	printf("\tlocal matches=\"");
	print_exts(false);
	printf("\"\n\tlocal targets=\"RETURN");
	print_exts(true);
	puts(rest);
	return 0;
}
