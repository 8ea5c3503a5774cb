/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tracker on a line: packets in on stdin, what it says of each out on stdout.
 *
 *	set NAME SECONDS          a timeout, or max_flows, tcp_loose, tcp_be_liberal, checksum
 *	TIME_NS HOOK HEX          a packet (its IP header first) at a hook, then accepted
 *	TIME_NS HOOK HEX dropped  … then dropped
 *
 * For each packet one line: "NEW", "ESTABLISHED", "ESTABLISHED_REPLY", "RELATED",
 * "RELATED_REPLY", "INVALID", "UNTRACKED", or "DROP" when the table is full; behind it the flow as
 * conntrack(8) would list it, where it is listed.  Checksums count as unverified.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fw/ct.h"

static const char *const words[] = {
	[FW_CT_NONE] = "NONE",
	[FW_CT_NEW] = "NEW",
	[FW_CT_ESTABLISHED] = "ESTABLISHED",
	[FW_CT_RELATED] = "RELATED",
	[FW_CT_ESTABLISHED_REPLY] = "ESTABLISHED_REPLY",
	[FW_CT_RELATED_REPLY] = "RELATED_REPLY",
	[FW_CT_INVALID] = "INVALID",
	[FW_CT_UNTRACKED] = "UNTRACKED",
};

static int hook_by_name(const char *name)
{
	for (int i = 0; i < FW_N_HOOKS; i++)
		if (strcmp(fw_hook_name((enum fw_hook)i), name) == 0)
			return i;
	return -1;
}

static int set_option(struct fw_ct *ct, struct fw_ct_config *config, const char *name, uint32_t value)
{
	if (strcmp(name, "max_flows") == 0)
		config->max_flows = value;
	else if (strcmp(name, "tcp_loose") == 0)
		config->tcp_loose = value;
	else if (strcmp(name, "tcp_be_liberal") == 0)
		config->tcp_be_liberal = value;
	else if (strcmp(name, "checksum") == 0)
		config->checksum = value;
	else
		return fw_ct_set_timeout(ct, name, value);
	fw_ct_set_config(ct, config);
	return 0;
}

static uint32_t read_hex(const char *hex, uint8_t *out, uint32_t room)
{
	uint32_t n = 0;
	unsigned int byte;

	for (; n < room && isxdigit((unsigned char)hex[0]) && sscanf(hex, "%2x", &byte) == 1; hex += 2)
		out[n++] = (uint8_t)byte;
	return n;
}

static struct fw_ct_where exactly(const union fw_addr *addr)
{
	struct fw_ct_where w = {.given = true, .addr = *addr};

	memset(&w.mask, 0xff, sizeof(w.mask));
	return w;
}

static void answer(struct fw_ct *ct, struct fw_eval *e, int r)
{
	struct fw_buf b = FW_BUF_INIT;

	if (r < 0) {
		puts("DROP");
		return;
	}
	printf("%s", words[e->ctinfo]);
	if (e->flow) {
		struct fw_tuple room;
		const struct fw_tuple *t = fw_flow_tuple(e->flow, FW_DIR_ORIG, &room);
		struct fw_ct_filter f = FW_CT_FILTER_INIT;
		uint64_t cursor = 0;

		f.family = t->family;
		f.proto = t->proto;
		f.src = exactly(&t->src);
		f.dst = exactly(&t->dst);
		fw_ct_list(ct, &cursor, SIZE_MAX, &f, e->now, FW_CT_TEXT, &b);
		for (char *p = b.data; p && *p; p++)
			if (*p == '\n')
				*p = ';';
		printf(" %s", fw_buf_cstr(&b));
		fw_buf_deinit(&b);
	}
	putchar('\n');
}

static int one_packet(struct fw_ct *ct, uint64_t now, int hook, const char *hex, bool dropped)
{
	static uint8_t data[65536];
	struct fw_pkt_meta meta = {.hook = (uint8_t)hook, .flags = FW_PKT_CSUM_UNCHECKED};
	uint32_t len = read_hex(hex, data, sizeof(data));
	struct fw_packet pkt;
	struct fw_eval e = {.pkt = &pkt, .now = now};
	int r;

	if (!len || fw_packet_parse(&pkt, data[0] >> 4 == 6 ? FW_IP6 : FW_IP4, data, len, len, &meta) < 0)
		return -1;
	r = fw_ct_track(ct, &e);
	if (dropped)
		fw_ct_dropped(ct, &e);
	else
		fw_ct_confirm(ct, &e);
	answer(ct, &e, r);
	return 0;
}

static int one_line(struct fw_ct *ct, struct fw_ct_config *config, char *line)
{
	char *save, *word = strtok_r(line, " \n", &save), *hook, *hex, *what;

	if (!word || *word == '#')
		return 0;
	hook = strtok_r(NULL, " \n", &save);
	hex = strtok_r(NULL, " \n", &save);
	what = strtok_r(NULL, " \n", &save);
	if (!hook || !hex)
		return -1;
	if (strcmp(word, "set") == 0)
		return set_option(ct, config, hook, (uint32_t)strtoul(hex, NULL, 10));
	if (hook_by_name(hook) < 0 || (what && strcmp(what, "dropped") != 0))
		return -1;
	return one_packet(ct, strtoull(word, NULL, 10), hook_by_name(hook), hex, what);
}

int main(void)
{
	struct fw_ct_config config = FW_CT_CONFIG_INIT;
	struct fw_ct *ct;
	char *line = NULL;
	size_t room = 0;
	int r = 0;

	config.seed[0] = 1;
	ct = fw_ct_new(&config);
	if (!ct)
		return 1;
	for (unsigned long n = 1; !r && getline(&line, &room, stdin) > 0; n++) {
		r = one_line(ct, &config, line);
		if (r < 0)
			fprintf(stderr, "fwct: line %lu: what is this?\n", n);
	}
	free(line);
	fw_ct_free(ct);
	return r < 0;
}
