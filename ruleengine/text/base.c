/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of iptables itself. */
#include <string.h>

#include "text/parse.h"

static const struct fw_base_opt base[] = {
	{"append", 'A', ARG_NEEDED},
	{"check", 'C', ARG_NEEDED},
	{"delete", 'D', ARG_NEEDED},
	{"delete-chain", 'X', ARG_OPTIONAL},
	{"destination", 'd', ARG_NEEDED},
	{"dst", 'd', ARG_NEEDED},
	{"exact", 'x', ARG_NONE},
	{"flush", 'F', ARG_OPTIONAL},
	{"fragments", 'f', ARG_NONE},
	{"goto", 'g', ARG_NEEDED},
	{"help", 'h', ARG_OPTIONAL},
	{"in-interface", 'i', ARG_NEEDED},
	{"insert", 'I', ARG_NEEDED},
	{"ipv4", '4', ARG_NONE},
	{"ipv6", '6', ARG_NONE},
	{"jump", 'j', ARG_NEEDED},
	{"line-numbers", '0', ARG_NONE},
	{"list", 'L', ARG_OPTIONAL},
	{"list-rules", 'S', ARG_OPTIONAL},
	{"match", 'm', ARG_NEEDED},
	{"modprobe", 'M', ARG_NEEDED},
	{"new-chain", 'N', ARG_NEEDED},
	{"numeric", 'n', ARG_NONE},
	{"out-interface", 'o', ARG_NEEDED},
	{"policy", 'P', ARG_NEEDED},
	{"protocol", 'p', ARG_NEEDED},
	{"rename-chain", 'E', ARG_NEEDED},
	{"replace", 'R', ARG_NEEDED},
	{"set-counters", 'c', ARG_NEEDED},
	{"source", 's', ARG_NEEDED},
	{"src", 's', ARG_NEEDED},
	{"table", 't', ARG_NEEDED},
	{"verbose", 'v', ARG_NONE},
	{"version", 'V', ARG_NONE},
	{"wait", 'w', ARG_OPTIONAL},
	{"wait-interval", 'W', ARG_OPTIONAL},
	{"zero", 'Z', ARG_OPTIONAL},
};

const struct fw_base_opt *fw_base_list(size_t *n)
{
	*n = FW_ARRAY_SIZE(base);
	return base;
}

const struct fw_base_opt *fw_base_by_letter(char letter)
{
	for (size_t i = 0; letter != '0' && i < FW_ARRAY_SIZE(base); i++)
		if (base[i].letter == letter)
			return &base[i];
	return NULL;
}

const struct fw_base_opt *fw_base_by_name(const char *name, size_t len)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(base); i++)
		if (base[i].name[0] == name[0] && !strncmp(base[i].name, name, len) &&
		    !base[i].name[len])
			return &base[i];
	return NULL;
}

const struct fw_base_opt *fw_base_by_prefix(const char *name, size_t len, bool *ambiguous)
{
	const struct fw_base_opt *found = NULL;

	*ambiguous = false;
	for (size_t i = 0; i < FW_ARRAY_SIZE(base); i++)
		if (!strncmp(base[i].name, name, len)) {
			if (found && found->letter != base[i].letter)
				*ambiguous = true;
			found = &base[i];
		}
	return found;
}
