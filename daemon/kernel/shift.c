/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Port shifts of DNAT (--to-destination :FIRST-LAST/BASE).  nft has the kernel's flag for them, but
 * no word for the base, which is 0 then: right for the ports where that comes to the same.  For the
 * others our table has a map, which leads a port to the ports that are tried for it: the one where
 * the kernel begins, and up to which one it goes on while those are taken.
 *
 * A map is named after its shift, so one of that name has the same rows, whoever made it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>
#include <stdio.h>

#include "fw/nat.h"
#include "nft.h"

#define TYPE_PORT   13 /* for nft(8): how to print keys and data */
#define TYPE_BITS   6
#define N_PORTS     65536u
#define PER_MESSAGE 100  /* rows: their bytes fit a message's room */
#define PER_BATCH   6000 /* rows: so many messages fit a batch */

#define NAME_SIZE sizeof("shift_65535_65535_65535")

enum { TRANSPORT_DPORT = 2, ICMP_ID = 4 };

struct row {
	uint16_t port;        /* network byte order, all of them */
	uint16_t words[2][2]; /* first, last: each begins a word */
};

static void name_of(const struct fw_nat *nat, char name[static NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "shift_%u_%u_%u", nat->min_port, nat->max_port, nat->base_port);
}

/* Does the kernel's flag alone, with a base of 0, put this port there? */
static bool is_plain(const struct fw_nat *nat, uint16_t port)
{
	struct fw_nat plain = *nat;

	plain.base_port = 0;
	return fw_nat_shift(&plain, port) == fw_nat_shift(nat, port);
}

bool fwd_shift_mapped(const struct fw_nat *nat)
{
	uint32_t size = (uint32_t)(nat->max_port - nat->min_port) + 1;

	if (nat->kind != FW_NAT_DST || !(nat->flags & FW_NAT_OFFSET) || !nat->base_port)
		return false;
	return nat->base_port % size || N_PORTS % size;
}

bool fwd_shift_same(const struct fw_nat *a, const struct fw_nat *b)
{
	return a->min_port == b->min_port && a->max_port == b->max_port &&
		a->base_port == b->base_port;
}

/* A port that is itself among those to be tried would be left alone, unless it ends them. */
static struct row row_of(const struct fw_nat *nat, uint16_t port)
{
	const uint16_t first = fw_nat_shift(nat, port);
	const uint16_t last =
		port > first && port <= nat->max_port ? (uint16_t)(port - 1) : nat->max_port;

	return (struct row){htons(port), {{htons(first)}, {htons(last)}}};
}

/* ---- the map ------------------------------------------------------------------------------- */

static void add_map(struct fwd_nft_batch *b, const char *name)
{
	struct nlmsghdr *nlh = fwd_batch_head(b, NFT_MSG_NEWSET, NLM_F_CREATE);
	struct nftnl_set *s = nftnl_set_alloc();

	b->failed |= !s;
	if (!b->failed) {
		nftnl_set_set_str(s, NFTNL_SET_TABLE, FWD_TABLE);
		nftnl_set_set_str(s, NFTNL_SET_NAME, name);
		nftnl_set_set_u32(s, NFTNL_SET_ID, 1);
		nftnl_set_set_u32(s, NFTNL_SET_FLAGS, NFT_SET_MAP);
		nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, TYPE_PORT);
		nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, sizeof(uint16_t));
		nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, TYPE_PORT << TYPE_BITS | TYPE_PORT);
		nftnl_set_set_u32(s, NFTNL_SET_DATA_LEN, 2 * sizeof(uint32_t));
		nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, N_PORTS);
		nftnl_set_nlmsg_build_payload(nlh, s);
		fwd_batch_push(b, nlh);
	}
	if (s)
		nftnl_set_free(s);
}

static void put_data(struct nlmsghdr *nlh, uint16_t type, const void *data, size_t len)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, type);

	mnl_attr_put(nlh, NFTA_DATA_VALUE, len, data);
	mnl_attr_nest_end(nlh, nest);
}

static void put_row(struct nlmsghdr *nlh, const struct row *row)
{
	struct nlattr *element = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);

	put_data(nlh, NFTA_SET_ELEM_KEY, &row->port, sizeof(row->port));
	put_data(nlh, NFTA_SET_ELEM_DATA, row->words, sizeof(row->words));
	mnl_attr_nest_end(nlh, element);
}

/* A message with the rows of ports from *port on, which moves behind the last one. */
static uint32_t add_rows(struct fwd_nft_batch *b, const char *name, const struct fw_nat *nat,
			 uint32_t *port)
{
	struct nlmsghdr *nlh = fwd_batch_head(b, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
	struct nlattr *list;
	uint32_t n = 0;

	if (!nlh)
		return PER_BATCH;
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, FWD_TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, name);
	list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (; *port < N_PORTS && n < PER_MESSAGE; ++*port) {
		const struct row row = row_of(nat, (uint16_t)*port);

		if (is_plain(nat, (uint16_t)*port))
			continue;
		put_row(nlh, &row);
		n++;
	}
	mnl_attr_nest_end(nlh, list);
	if (n)
		fwd_batch_push(b, nlh);
	return n;
}

int fwd_shift_make(struct fwd_nft *nft, const struct fw_nat *nat)
{
	char name[NAME_SIZE];
	uint32_t port = 0;
	int r = 0;

	name_of(nat, name);
	while (!r && port < N_PORTS) {
		struct fwd_nft_batch *b = fwd_nft_begin(nft);

		if (!b)
			return -ENOMEM;
		if (!port)
			add_map(b, name);
		for (uint32_t n = 0; port < N_PORTS && n < PER_BATCH;)
			n += add_rows(b, name, nat, &port);
		r = fwd_nft_commit(nft, b);
	}
	return r;
}

/* ---- rules --------------------------------------------------------------------------------- */

/* Of protocols with ports, or of ICMP, whose identifier stands in for one. */
static void add_rule(struct fwd_nft_batch *b, const char *chain, const struct fw_nat *nat,
		     uint32_t op, uint32_t offset)
{
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, chain);
	const uint8_t icmp = IPPROTO_ICMP;
	char name[NAME_SIZE];

	name_of(nat, name);
	fwd_rule_meta(b, r, NFT_META_L4PROTO);
	fwd_rule_cmp(b, r, op, &icmp, sizeof(icmp));
	fwd_rule_transport(b, r, offset, sizeof(uint16_t));
	fwd_rule_nat_ports(b, r, nat, name);
	fwd_batch_rule(b, r);
}

void fwd_shift_rules(struct fwd_nft_batch *b, const char *chain, const struct fw_nat *nat)
{
	add_rule(b, chain, nat, NFT_CMP_EQ, ICMP_ID);
	add_rule(b, chain, nat, NFT_CMP_NEQ, TRANSPORT_DPORT);
}
