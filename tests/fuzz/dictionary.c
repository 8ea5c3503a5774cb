/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints a libFuzzer dictionary: the words of the language, taken from the option tables, so that
 * a new extension is fuzzed with its own words from the first day.
 */
#include <stdio.h>

#include "fw/ext.h"

static const char *const words[] = {
	"*raw\\x0a", "*mangle\\x0a", "*nat\\x0a", "*filter\\x0a", "COMMIT\\x0a", ":INPUT ACCEPT [0:0]\\x0a",
	":u - [0:0]\\x0a", "-A INPUT ", "-A u ", "-I ", "-D ", "-R ", "-F ", "-X ", "-N ", "-E ", "-P ",
	"-Z ", "-j ", "-g ", "-m ", "-p ", "-s ", "-d ", "-i ", "-o ", "-f ", "! ", "[1:2] ", "tcp",
	"udp", "icmp", "ipv6-icmp", "sctp", "10.0.0.0/8", "fd00::/8", "eth+", "0x", "restore 4\\x0a",
	"restore 6 noflush counters\\x0a", "save 4 counters\\x0a", "recent list\\x0a", "drops 5\\x0a",
	"conn list json\\x0a", "metrics\\x0a", "ping\\x0a", "status\\x0a",
};

static void print_options(const struct fw_opt *o)
{
	for (; o && o->name; o++) {
		printf("\"--%s \"\n", o->name);
		if (o->alias)
			printf("\"--%s \"\n", o->alias);
		for (const struct fw_opt_name *n = o->names; n && n->name; n++)
			printf("\"%s\"\n", n->name);
	}
}

int main(void)
{
	size_t n;
	const struct fw_ext *const *ext = fw_ext_list(&n);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		printf("\"%s\"\n", words[i]);
	for (size_t i = 0; i < n; i++) {
		printf("\"-%c %s \"\n", ext[i]->target ? 'j' : 'm', ext[i]->name);
		print_options(ext[i]->opts);
	}
	return 0;
}
